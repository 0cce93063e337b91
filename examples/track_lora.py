"""Sharpness over LoRA's adapter alone, and over all weights of the same model, frozen ones too."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from genlab import Tracker, transformers_problem

torch.manual_seed(0)
sentences = [{"input_ids": [1 + (7 * row + place) % 30 for place in range(4 + row % 6)]} for row in range(16)]
config = LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2)
adapter = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False, lora_dropout=0.1)
model = get_peft_model(LlamaForCausalLM(config), adapter).eval()  # eval: dropout is off while measuring

for title, parameters in (("adapter", None), ("all weights", "*"), ("last layer", "*lm_head.weight")):
    problem = transformers_problem(model, sentences, parameters=parameters)  # None: what has requires_grad
    reading = Tracker(problem)()
    print(
        f"{title:11s} {problem.parameter_count:6d} parameters  sharpness {reading.values[0]:.4f}  converged {reading.converged}"
    )
