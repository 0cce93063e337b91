# %% [markdown]
# # What small batches do, and what may take their place
#
# SGD with small batches often generalizes better than with large ones. One explanation
# is that its noise penalises the gradient norm of small *micro-batches*. Novack et al.
# (2022) put such penalties into large-batch training and ask which of them close the
# gap. Here you measure the noise, put two penalties into a loop of your own, and run a
# small grid of the study on a regression where the effect is known to be there.
#
# Everything runs on a CPU in a minute. It wants `pip install 'genlab[train,notebook]'`.

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

import genlab
from genlab import (
    L2Penalty,
    MicrobatchPenalty,
    Problem,
    backward,
    cross_entropy,
    fisher,
    gradient_norm,
    microbatch_norms,
)

# %% [markdown]
# ## The noise, measured
#
# The gradient of a micro-batch is the whole gradient and noise on top, so its mean
# squared norm grows as the micro-batch shrinks. This is the quantity that a GN penalty
# of that micro-batch pushes down.

# %%
torch.manual_seed(0)
inputs = torch.randn(1200, 10)
labels = (inputs[:, 0] * inputs[:, 1] > 0).long()
train, test = slice(0, 200), slice(200, 1200)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
problem = Problem(model, cross_entropy, inputs[train], labels[train])
for size in (1, 5, 20, 100, 200):
    found = microbatch_norms(problem, problem.weights(), microbatch=size)
    print(f"micro-batches of {size:3d}: mean squared gradient norm {found.square:.4f}")

# %% [markdown]
# ## Penalties in a loop of your own
#
# Full-batch descent with a penalty on micro-batches of ten. GN is the gradient norm at
# the labels of the data; FT, the Fisher trace, is the same at labels that the model
# draws itself; plain L2 stands beside them as the control.

# %%
arms = {
    "none": L2Penalty(strength=0.0),
    "GN": MicrobatchPenalty(of=gradient_norm, strength=0.02, microbatch=10),
    "FT": MicrobatchPenalty(of=fisher, strength=0.02, microbatch=10),
    "L2": L2Penalty(strength=0.001),
}
for name, intervention in arms.items():
    scores = []
    for seed in range(2):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        for step in range(80):
            found = backward(
                model,
                cross_entropy,
                inputs[train],
                labels[train],
                intervention,
                step=step,
            )
            optimizer.step()
        with torch.no_grad():
            right = model(inputs[test]).argmax(dim=1) == labels[test]
        scores.append(round(right.float().mean().item(), 3))
    print(
        f"{name:5s} training loss {found.loss:.3f}, test accuracy of two seeds {scores}"
    )

# %% [markdown]
# These strengths were not tuned, and the training losses differ: so this says how to do
# it, and nothing about which is better. For that there is the study, which chooses each
# arm's step size and strength on validation data and reports test data.
#
# ## As a study
#
# A diagonal linear network learns a sparse regression in 50 dimensions from 20
# examples. Its small batch is one example.

# %%
# %%writefile grid.py
from dataclasses import replace

from genlab.studies.implicit_regularization import ImplicitRegularization

base = ImplicitRegularization(
    data="sparse-regression-50-20-3",
    network=("diagonal",),
    loss="mse",
    seeds=4,
    steps=800,
    goal_loss=1e-3,
    check_every=10,
    read_every=20,
    noise_of=1,
    batch_size=(20,),
)
study = (
    replace(base, batch_size=(1,), step_size=(0.04, 0.08, 0.12)),
    replace(base, step_size=(0.04, 0.1, 0.2)),
    replace(
        base,
        method=("gn",),
        microbatch=(1,),
        step_size=(0.04, 0.1),
        strength=(0.02, 0.08),
    ),
    replace(
        base,
        method=("ft",),
        microbatch=(1,),
        step_size=(0.04, 0.1),
        strength=(0.01, 0.03),
    ),
    replace(base, method=("l2",), step_size=(0.04, 0.1), strength=(0.003, 0.01, 0.03)),
)

# %% language="bash"
# genlab run grid.py:study --out runs/noise > run.txt
# tail -n 2 run.txt

# %% [markdown]
# The records hold every copy at every reading. Here is the noise along the run, for the
# small batch, the large one, and GN:

# %%
store = genlab.load("runs/noise")
way = store.conditions()[["id", "method", "batch_size", "microbatch"]]
records = store.records("implicit_regularization").merge(way, on="id")
chosen = {
    "batch 1": records[(records.batch_size == 1) & (records.step_size == 0.04)],
    "batch 20": records[
        (records.batch_size == 20)
        & (records.method == "sgd")
        & (records.step_size == 0.04)
    ],
    "batch 20, GN 1": records[
        (records.method == "gn")
        & (records.microbatch == 1)
        & (records.step_size == 0.04)
        & (records.strength == 0.02)
    ],
}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for name, runs in chosen.items():
    along = runs.groupby("step")[["microbatch_square", "test_loss"]].mean()
    left.semilogy(along.index, along.microbatch_square, label=name)
    right.semilogy(along.index, along.test_loss, label=name)
left.set(xlabel="step", ylabel="mean squared gradient norm, micro-batches of 1")
right.set(xlabel="step", ylabel="test loss")
right.legend()
plt.show()
# %% [markdown]
# Copies end at the goal, so late in the run a curve is a mean over those that are still
# going. The claims compare the ends, each arm at what validation data chose, with its
# failures counted: a finding that holds for one penalty and is open for another is
# undecided.

# %%
claims = store.claims()
claims[claims.verdict != "not measured"][
    ["claim", "verdict", "effect", "low", "high", "n", "sentence"]
]

# %% [markdown]
# ## Next
#
# - `genlab run implicit_regularization` has all arms of the paper's list (AJ, UJ,
#   graftings, NGD), 12 seeds and a sweep of micro-batches.
# - [The study](../studies/implicit_regularization.md): what was found, the failures
#   too.
# - [Interventions](../interventions.md): the table of all of them, and what each is
#   exact about.
