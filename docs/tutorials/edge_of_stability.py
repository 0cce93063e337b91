# %% [markdown]
# # Edge of Stability
#
# Full-batch gradient descent with step size eta is stable on a quadratic only where its
# curvature stays below 2/eta. Cohen et al. (2021) found that on networks the
# *sharpness*, the largest eigenvalue of the Hessian of the training loss, rises until
# it is there, and then hovers. Here you see it in a training loop of your own, and then
# as a study whose claims are judged.
#
# Everything runs on a CPU in half a minute. It wants `pip install
# 'genlab[train,notebook]'`.

# %%
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn

import genlab
from genlab import Problem, Tracker, half_squared_error

# %% [markdown]
# ## In a loop of your own
#
# Two hundred digits and a small tanh network. A `Problem` says whose Hessian: this
# model, this loss, these examples. The `Tracker` starts each reading from the
# eigenvectors of the last one, so that a reading costs a few gradients.

# %%
digits = load_digits()
inputs = torch.tensor(digits.data[:200] / 16, dtype=torch.float32)
inputs = inputs - inputs.mean(dim=0)
targets = nn.functional.one_hot(torch.tensor(digits.target[:200]), 10).float()


def train(
    eta: float, steps: int = 300, every: int = 10
) -> list[tuple[int, float, float]]:
    """Step, loss and sharpness along gradient descent with step size eta."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 10)
    )
    problem = Problem(model, half_squared_error, inputs, targets)
    tracker = Tracker(problem, k=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=eta)
    seen = []
    for step in range(steps + 1):
        loss = half_squared_error(model(inputs), targets).mean()
        if step % every == 0:
            seen.append((step, loss.item(), float(tracker().values[0])))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return seen


runs = {eta: train(eta) for eta in (2 / 3, 2 / 4)}

# %%
figure, (above, below) = plt.subplots(
    2, 1, sharex=True, figsize=(7, 5), layout="constrained"
)
for (eta, seen), colour in zip(runs.items(), ("C0", "C1"), strict=True):
    steps, losses, sharpnesses = zip(*seen, strict=True)
    above.plot(steps, sharpnesses, color=colour, label=f"step size {eta:.2f}")
    above.axhline(2 / eta, color=colour, linestyle="dashed")
    below.semilogy(steps, losses, color=colour)
above.set_ylabel("sharpness (dashed: 2/eta)")
below.set(xlabel="step", ylabel="training loss")
above.legend()
plt.show()
# %% [markdown]
# The loss goes on falling at the edge, over long times and not at every step.

# %%
for eta, seen in runs.items():
    late = [sharpness * eta / 2 for step, _, sharpness in seen if step > 200]
    print(f"eta {eta:.2f}: sharpness over 2/eta, late: {sum(late) / len(late):.2f}")

# %% [markdown]
# ## As a study
#
# One seed proves nothing. A *study* runs a grid with seeds, keeps every record, and
# holds each claim of the paper against what was measured. A grid of your own is a value
# in a file; its fields are what the paper varies.

# %%
# %%writefile grid.py
from genlab.studies.edge_of_stability import EdgeOfStability

study = EdgeOfStability(
    data="digits-200",
    network=("fc-tanh-width24",),
    step_size=(2 / 3, 2 / 4),
    steps=300,
    sharpness_every=10,
    seeds=2,
)

# %% [markdown]
# What it would cost, before it starts:

# %% language="bash"
# genlab run grid.py:study --dry-run

# %% language="bash"
# genlab run grid.py:study --out runs/edge > run.txt
# tail -n 2 run.txt

# %% [markdown]
# Stopped in the middle, the same command would go on where it was; run again, it
# repeats nothing. The store is a folder, which `genlab.load` reads as frames:
# conditions, records, verdicts.

# %%
store = genlab.load("runs/edge")
conditions = store.conditions()
conditions[["label", "status", "ending", "records", "cpu_seconds"]]

# %%
records = store.records("edge_of_stability").merge(
    conditions[["id", "step_size"]], on="id"
)
read = records.dropna(subset=["sharpness"])
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
for (eta, seed), run in read.groupby(["step_size", "seed"]):
    axes.plot(
        run.step,
        run.sharpness / run.threshold,
        color="C0" if eta > 0.6 else "C1",
        label=f"eta {eta:.2f}, seed {seed}",
    )
axes.axhline(1, color="grey", linestyle="dashed")
axes.set(xlabel="step", ylabel="sharpness over 2/eta")
axes.legend()
plt.show()
# %% [markdown]
# A claim is judged setting by setting: holds, fails, or undecided, by a 95% interval
# over seeds against a region that was written down beforehand. Few seeds make wide
# intervals, so expect *undecided* now and then; more seeds decide (`--seeds 5`).

# %%
claims = store.claims()
claims[claims.verdict != "not measured"][
    ["claim", "verdict", "effect", "low", "high", "n", "quantity"]
]

# %% [markdown]
# ## Next
#
# - `genlab run edge_of_stability` is the whole miniature: three seeds, momentum,
#   gradient flow beside it, the frozen quadratic.
# - `genlab view runs/edge` opens a page with every curve.
# - [The study](../studies/edge_of_stability.md): its claims, and what differs from the
#   paper.
# - [Sharpness in your own training run](../tracking.md): Hugging Face, TRL, Lightning,
#   LoRA, mixed precision.
