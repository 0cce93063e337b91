"""Sharpness of a model of your own, in a training loop of your own: the three lines marked below."""

import torch
from torch import nn

from genlab import Problem, Tracker, cross_entropy

torch.manual_seed(0)
inputs, labels = torch.randn(200, 8), torch.randint(0, 3, (200,))
model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

problem = Problem(model, cross_entropy, inputs, labels)  # 1: what to measure, on which examples
tracker = Tracker(problem, k=2)  # 2: the two largest Hessian eigenvalues
for step in range(101):
    if step % 25 == 0:
        reading = tracker()  # 3: at the model's present weights
        mark = "" if reading.converged else " ?"
        print(f"step {step:3d}  sharpness {reading.values[0]:.4f}{mark}  2/eta {2 / 0.5}  residual {reading.residuals[0]:.0e}")
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(inputs), labels).backward()
    optimizer.step()
