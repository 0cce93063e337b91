"""SAM in a Hugging Face Trainer's run: one line before trainer.train(); the same for TRL's SFTTrainer."""

from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed

from genlab import Sam, TrainerIntervention
from genlab.training.hugging_face import padded

sentences = [{"input_ids": [1 + (7 * row + place) % 30 for place in range(4 + row % 6)]} for row in range(64)]
config = LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2)
arguments = TrainingArguments(
    "runs/intervention", max_steps=20, learning_rate=0.5, optim="sgd", logging_steps=10, seed=0,
    report_to=[], disable_tqdm=True, use_cpu=True, save_strategy="no", dataloader_pin_memory=False,
)  # fmt: skip
for radius in (0.0, 0.1):
    set_seed(0)
    trainer = Trainer(LlamaForCausalLM(config), arguments, train_dataset=sentences, data_collator=padded)
    TrainerIntervention(Sam(radius)).attach(trainer)  # the one line; its clipping, schedule and log stay the trainer's
    trainer.train()
    losses = [each["loss"] for each in trainer.state.log_history if "loss" in each]
    print(f"SAM radius {radius}: loss of steps 1 to 10 {float(losses[0]):.3f}, of 11 to 20 {float(losses[1]):.3f}")
