"""Sharpness in a Hugging Face Trainer's run: a tiny causal language model on sentences of several lengths, so with padding."""

from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed

from genlab import TrainerSharpness
from genlab.training.hugging_face import padded

set_seed(0)
sentences = [{"input_ids": [1 + (7 * row + place) % 30 for place in range(4 + row % 6)]} for row in range(64)]
config = LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2)
arguments = TrainingArguments(
    "runs/trainer", max_steps=20, learning_rate=0.5, optim="sgd", lr_scheduler_type="constant", logging_steps=5,
    report_to=[], disable_tqdm=True, use_cpu=True, save_strategy="no", dataloader_pin_memory=False,
)  # fmt: skip
trainer = Trainer(LlamaForCausalLM(config), arguments, train_dataset=sentences, data_collator=padded)
watch = TrainerSharpness(every=5, examples=16).attach(trainer)  # the one line; readings stand in the log beside the loss
trainer.train()
for reading in watch.readings:  # also in runs/trainer/sharpness.json
    print(f"step {reading.step:3d}  sharpness {reading.sharpness:.3f}  2/lr {reading.threshold}  converged {reading.converged}")
