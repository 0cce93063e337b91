# %% [markdown]
# # Does a flat minimum generalize?
#
# Larger steps, smaller batches and SAM all end where lambda_max, the largest eigenvalue
# of the training loss's Hessian, is smaller, and often generalize better. Kaur, Cohen
# and Lipton (2022) ask whether the one goes with the other, and find that it depends on
# what was changed. Here you compare networks at one training loss, put SAM into a loop
# of your own, and run a small grid of the study.
#
# Everything runs on a CPU in a minute. It wants `pip install 'genlab[train,notebook]'`.

# %%
import matplotlib.pyplot as plt
import pandas as pd
import torch
from sklearn.datasets import load_digits
from torch import nn

import genlab
from genlab import Problem, Sam, backward, cross_entropy, sharpness

# %% [markdown]
# ## At one training loss
#
# lambda_max falls with the loss itself, so networks are compared where each first
# reaches the same training loss, and not after the same number of steps. `backward`
# takes the place of `loss.backward()`; a SAM of radius 0 is plain SGD, bit for bit.

# %%
digits = load_digits()
images = torch.tensor(digits.data / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)
train, test = slice(0, 100), slice(900, 1797)
GOAL = 0.05  # training loss


def until(eta: float, batch: int, radius: float, seed: int) -> dict[str, float]:
    """Train to the goal, then measure."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=eta)
    problem = Problem(model, cross_entropy, images[train], labels[train])
    step, loss = 0, float("inf")
    while loss > GOAL and step < 4000:
        chosen = torch.randperm(100, generator=generator)[:batch]
        backward(
            model, cross_entropy, images[chosen], labels[chosen], Sam(radius), step=step
        )
        optimizer.step()
        step += 1
        if step % 5 == 0:
            with torch.no_grad():
                loss = nn.functional.cross_entropy(
                    model(images[train]), labels[train]
                ).item()
    with torch.no_grad():
        right = (
            (model(images[test]).argmax(dim=1) == labels[test]).float().mean().item()
        )
    return {
        "eta": eta,
        "batch": batch,
        "rho": radius,
        "seed": seed,
        "steps": step,
        "loss": loss,
        "lambda_max": float(sharpness(problem).values[0]),
        "test accuracy": right,
    }


ways = [
    (0.1, 10, 0.0),
    (0.3, 10, 0.0),
    (0.3, 10, 0.1),
    (0.3, 100, 0.0),
    (0.3, 100, 0.1),
]
found = pd.DataFrame([until(*way, seed) for way in ways for seed in range(2)])
found.groupby(["batch", "eta", "rho"])[
    ["steps", "loss", "lambda_max", "test accuracy"]
].mean().round(3)

# %% [markdown]
# Read a row only beside one that differs from it in one thing: what do larger steps do
# to lambda_max at batch 10, and what does SAM (rho = 0.1) do? Then look at whether test
# accuracy follows. Two seeds and 897 test images: a difference of a percent is nothing.

# %% [markdown]
# ## As a study
#
# A *bundle* is one way to train on a grid of step sizes, strengths and seeds, stepped
# together in one process. This grid learns the parity of three of 30 bits from 200
# examples, a problem on which generalization can fail entirely.

# %%
# %%writefile grid.py
from dataclasses import replace

from genlab.studies.hessian_generalization import HessianGeneralization

base = HessianGeneralization(
    data="parity-30-200",
    network=("fc-relu-depth1-width32",),
    seeds=3,
    steps=3000,
    goal_loss=0.01,
    check_every=1,
    read_every=3000,
)
study = (
    replace(base, batch_size=(20,), step_size=(0.1, 0.3, 0.9)),
    replace(base, batch_size=(200,), step_size=(0.5, 1.5, 4.5)),
    replace(
        base, batch_size=(200,), step_size=(1.5,), method=("sam",), strength=(0.1, 0.2)
    ),
)

# %% language="bash"
# genlab run grid.py:study --out runs/flat > run.txt
# tail -n 2 run.txt

# %%
store = genlab.load("runs/flat")
way = store.conditions()[["id", "method", "batch_size"]]
ends = (
    store.records("hessian_generalization")
    .dropna(subset=["sharpness"])
    .merge(way, on="id")
)
ends["way"] = ends.method + ", batch " + ends.batch_size.astype(str)

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for name, group in ends.groupby("way"):
    means = group.groupby(["step_size", "strength"])[
        ["sharpness", "test_accuracy"]
    ].mean()
    points = axes.scatter(group.sharpness, group.test_accuracy, s=12, alpha=0.4)
    axes.plot(
        means.sharpness,
        means.test_accuracy,
        "o-",
        color=points.get_facecolor()[0, :3],
        label=name,
    )
axes.set(
    xscale="log", xlabel="lambda_max at training loss 0.01", ylabel="test accuracy"
)
axes.legend()
plt.show()
# %% [markdown]
# Each line is one intervention, from its smallest to its largest dial; dots are seeds.
# If flatness were what matters, all of them would lie on one curve. The claims say it
# with intervals: D1a, that lambda_max falls as steps grow; D6a and D6b, that
# generalization goes with it for small batches, and not for the largest. With three
# seeds most of this is open.

# %%
claims = store.claims()
claims[claims.verdict != "not measured"][
    ["claim", "verdict", "effect", "low", "high", "n", "sentence"]
]

# %% [markdown]
# ## Next
#
# - `genlab run hessian_generalization` has 12 seeds, a diagonal network, dropout and
#   batch norm.
# - [The study](../studies/hessian_generalization.md): its claims, and why a solver's
#   residual stands beside every lambda_max.
# - [Interventions](../interventions.md): SAM and others in a Hugging Face Trainer or in
#   Lightning.
