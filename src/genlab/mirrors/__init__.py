"""Copies of a run in TensorBoard, Weights & Biases and MLflow; the store stays the truth."""
