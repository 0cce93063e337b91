"""Sharpness of a model held in bfloat16: weights and products in float32, so that it is that of the float32 copy."""

import copy
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from genlab import Tracker, transformers_problem

torch.manual_seed(0)
sentences = [{"input_ids": [1 + (7 * row + place) % 30 for place in range(4 + row % 6)]} for row in range(16)]
config = LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2)
model: Any = LlamaForCausalLM(config).bfloat16()
model.eval()

for each in (model, copy.deepcopy(model).float()):
    reading = Tracker(transformers_problem(each, sentences))()
    print(f"held in {each.dtype}  sharpness {reading.values[0]:.6f}  residual {reading.residuals[0]:.0e}")
