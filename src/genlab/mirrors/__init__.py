"""Copies of a run in TensorBoard, Weights & Biases, MLflow and trackio; the store stays the truth."""
