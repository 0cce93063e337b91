# %% [markdown]
# # Do smoothed classifiers see classes as people do?
#
# Ascend the gradient of an adversarially trained network towards a class, and an image
# of that class appears. Kaur, Cohen and Lipton (2019) ask whether networks that are
# robust in another way do it too: those smoothed by Gaussian noise. Here you train two
# small networks, one with noise, certify a prediction, make images, and have a third
# network judge them; then you run a small version of the study.
#
# Everything runs on a CPU in a minute. It wants `pip install 'genlab[train,notebook]'`.
# The images are digits of 8 x 8 pixels: there is not much to see in them, and the
# study's README says what that does to the claims.

# %%
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn

import genlab
from genlab import (
    GaussianNoise,
    Normalised,
    SmoothedClassifier,
    backward,
    cross_entropy,
    synthesize,
)
from genlab.smoothing.alignment import judged

# %% [markdown]
# ## Two networks and a judge
#
# Images are in [0, 1]; what normalises them is the first layer, so that noise and radii
# are in pixels. `GaussianNoise(0)` is plain SGD.

# %%
digits = load_digits()
images = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None]
labels = torch.tensor(digits.target)
train, test = slice(0, 1200), slice(1200, 1797)


def network(pool: bool) -> nn.Module:
    """Three convolutions; smaller by average pooling, or by stride 2."""
    stride, half = (1, nn.AvgPool2d(2)) if pool else (2, nn.Identity())
    layers = (
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 16, 3, stride, padding=1), nn.ReLU(), half),
        *(nn.Conv2d(16, 16, 3, stride, padding=1), nn.ReLU(), half),
        *(nn.Flatten(), nn.Linear(64, 10)),
    )
    return Normalised(nn.Sequential(*layers), mean=[0.3], std=[0.35])


def trained(sigma: float, seed: int, pool: bool = True, steps: int = 200) -> nn.Module:
    """A network trained with noise of standard deviation sigma."""
    torch.manual_seed(seed)
    model = network(pool)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        batch = torch.randint(1200, (100,), generator=generator)
        backward(
            model,
            cross_entropy,
            images[batch],
            labels[batch],
            GaussianNoise(sigma, seed=seed),
            step=step,
        )
        optimizer.step()
    return model.eval()


SIGMA = 0.25
standard, noisy = trained(0.0, seed=0), trained(SIGMA, seed=0)
judge = trained(SIGMA, seed=1, pool=False)  # another architecture, another seed
for name, model in {
    "standard": standard,
    "noise-trained": noisy,
    "judge": judge,
}.items():
    with torch.no_grad():
        right = model(images[test]).argmax(dim=1) == labels[test]
    print(f"{name}: test accuracy {right.float().mean().item():.3f}")

# %% [markdown]
# ## A prediction with a certificate
#
# The smoothed classifier says the class that the network says most often under noise.
# The certificate: within this L2 radius no change of the image changes that class, with
# probability 0.999. A network that met the noise in training keeps its answers further
# out. An image on which it abstains or is wrong counts as a radius of 0.

# %%
for name, model in {"standard": standard, "noise-trained": noisy}.items():
    smoothed = SmoothedClassifier(model, sigma=SIGMA)
    found = [
        smoothed.certify(image, n=500, alpha=0.001, key=("tutorial", i))
        for i, image in enumerate(images[test][:10])
    ]
    right = [
        each
        for each, label in zip(found, labels[test][:10], strict=True)
        if each.label == label
    ]
    radius = sum(each.radius for each in right) / 10
    print(f"{name}: {len(right)} of 10 right, mean certified radius {radius:.2f}")

# %% [markdown]
# ## Images made towards a class
#
# Each of forty test images is changed within an L2 ball towards one random other class,
# along the gradient of the standard network, and along that of the smoothed
# noise-trained one.

# %%
generator = torch.Generator().manual_seed(0)
start, truth = images[test][:40], labels[test][:40]
targets = (truth + torch.randint(1, 10, (40,), generator=generator)) % 10
made = {
    "standard": synthesize(
        standard, start, targets, radius=1.5, steps=20, sigma=0.0, key=("tutorial", 0)
    ),
    "noise-trained, smoothed": synthesize(
        noisy,
        start,
        targets,
        radius=1.5,
        steps=20,
        sigma=SIGMA,
        n=16,
        key=("tutorial", 0),
    ),
}
figure, grid = plt.subplots(3, 8, figsize=(8, 3.4), layout="constrained")
for column in range(8):
    for row, shown in enumerate((start, *(each.images for each in made.values()))):
        grid[row, column].imshow(shown[column, 0], cmap="gray", vmin=0, vmax=1)
        grid[row, column].set(xticks=[], yticks=[])
    grid[0, column].set_title(f"{truth[column]} to {targets[column]}", fontsize=9)
for row, name in enumerate(("image", "standard", "smoothed")):
    grid[row, 0].set_ylabel(name)

# %% [markdown]
# That the network itself sees its target says nothing: nearly every network does, for
# grain that nobody else sees. So another one judges, with Wilson's interval.

# %%
for name, each in made.items():
    maker = standard if name == "standard" else noisy
    own, other = (
        judged(model, each.images, targets).rate() for model in (maker, judge)
    )
    print(f"{name}: the maker sees its target in {own}, the judge in {other}")

# %% [markdown]
# ## As a study
#
# The judge above was trained with noise, like one of the two that it compares. The
# study has several judges, always two architectures, adversarially trained networks
# beside, smoothing with and without noise in training, and seeds. Cut down to one seed
# and few steps:

# %% language="bash"
# genlab run aligned_gradients --seeds 1 --set arms=adversarial --set sigma=0.25 \
#     --set steps=80 --set most_steps=160 --set images=20 --set samples=1,8 \
#     --set draws=200 --set certified=10 --out runs/aligned > run.txt
# tail -n 2 run.txt

# %%
store = genlab.load("runs/aligned")
network_of = store.conditions()[["id", "network"]]
seen = store.records("aligned_gradients").merge(network_of, on="id")
seen = seen[(seen.what == "image") & (seen.samples.isin([1, 8]))]
seen = seen.astype({"judge_noise": float, "judge_adversarial": float})
seen.groupby(["network", "training", "sigma"])[
    ["judge_noise", "judge_adversarial", "high_frequency"]
].mean().round(2)

# %% [markdown]
# `sigma` is that of the gradient: 0 is not smoothed. With one seed every claim is
# undecided.

# %%
store.claims()[["claim", "verdict", "effect", "n", "sentence"]].drop_duplicates("claim")

# %% [markdown]
# ## Next
#
# - `genlab run aligned_gradients` is the miniature with three seeds; its report has the
#   pictures.
# - `genlab review runs/aligned` asks *you* which class you see ([looking at
#   pictures](../viewing.md)).
# - [The study](../studies/aligned_gradients.md), [smoothed gradients and
#   synthesis](../synthesis.md), [certifying a model of yours](../certify.md).
