"""The tracker attached to the trainers people use: Hugging Face's Trainer (TRL's too) and Lightning."""
