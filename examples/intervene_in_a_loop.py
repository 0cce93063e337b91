"""SAM and penalties in a PyTorch loop of your own: three lines take the place of loss.backward()."""

import torch
from torch import nn

from genlab import L2Penalty, MicrobatchPenalty, Sam, backward, cross_entropy, fisher, gradient_norm
from genlab.training.loop import Intervention

torch.manual_seed(0)
inputs = torch.randn(600, 10)
labels = (inputs[:, 0] * inputs[:, 1] > 0).long()
arms: dict[str, Intervention] = {
    "plain": Sam(radius=0.0),
    "SAM": Sam(radius=0.05),
    "GN": MicrobatchPenalty(of=gradient_norm, strength=0.02, microbatch=10),
    "FT": MicrobatchPenalty(of=fisher, strength=0.02, microbatch=10),
    "L2": L2Penalty(strength=0.001),
}

for name, intervention in arms.items():
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    loss = penalty = 0.0
    for step in range(40):
        batch = slice(step % 4 * 50, step % 4 * 50 + 50)  # 200 examples to train on
        found = backward(model, cross_entropy, inputs[batch], labels[batch], intervention, step=step)
        optimizer.step()
        loss, penalty = found.loss, found.penalty
    with torch.no_grad():
        right = (model(inputs[200:]).argmax(dim=1) == labels[200:]).float().mean().item()
    print(f"{name:5s} loss {loss:.3f}  penalty {penalty:.4f}  test accuracy {right:.3f}  (a toy: one seed)")
