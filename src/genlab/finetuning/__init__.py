"""Fine-tuning of language models: TRL's SFTTrainer with all weights or a LoRA adapter, resumable and exact on a CPU."""
