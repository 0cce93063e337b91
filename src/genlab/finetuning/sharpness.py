"""The sharpness of the fine-tuning loss along the way: genlab's callback for Trainer, as ``finetune`` takes it."""

from genlab.callbacks.hugging_face import TrainerSharpness as Sharpness
from genlab.callbacks.readings import Reading
from genlab.callbacks.readings import read as readings

__all__ = ["Reading", "Sharpness", "readings"]
