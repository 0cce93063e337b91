"""What is asked of trained networks: ascents and what judges make of them, agreement of gradients, certificates, pictures."""

import math
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from genlab import chance
from genlab.smoothing.alignment import class_cosines, class_means, judged
from genlab.smoothing.classifier import SmoothedClassifier
from genlab.smoothing.gradients import smoothed_gradient, spread
from genlab.smoothing.likeness import features, frechet_distance, neighbours
from genlab.smoothing.synthesis import seed_images, synthesize
from genlab.smoothing.texture import high_frequency_share, relative_variation
from genlab.studies.aligned_gradients.nets import Held, classifier, finite
from genlab.studies.aligned_gradients.plan import JUDGES, NOISE, STANDARD, Ask, Net, Row, row_of

CERTIFIED = 50  # images between two advances (our assumption)
REAL = 200  # training images of each class among which the nearest is sought (our assumption: all pairs of 2,000 take minutes)
JUDGING = 32  # noisy copies of an image that a smoothed judge sees (our assumption)


class Asker:
    """A condition's images with their targets, and its networks as classifiers, once they are trained.

    Args:
        held: data, plan and problems.
        weights: of every network, in the order of ``held.nets``; NaN of one that diverged, of which nothing is asked.
    """

    def __init__(self, held: Held, weights: list[Tensor]) -> None:
        self.held, self.plan, self.weights = held, held.plan, weights
        self._models: dict[int, nn.Module] = {}
        data, plan = held.data, held.plan
        order = chance.numpy("images", plan.seed).permutation(len(data.test_targets))
        self.rows = sorted(order[: plan.images].tolist())
        self.images, self.labels = data.test_inputs[self.rows], data.test_targets[self.rows]
        shift = chance.numpy("targets", plan.seed).integers(1, held.classes, len(data.test_targets))[self.rows]
        self.targets = (self.labels + torch.from_numpy(shift).to(self.labels)) % held.classes
        self.means = class_means(data.train_inputs, data.train_targets, held.classes)
        first = [torch.nonzero(data.train_targets == label).flatten()[:REAL] for label in range(held.classes)]
        self.real = torch.cat(first)

    def model(self, number: int) -> nn.Module:
        """A trained network as a classifier; made once, as its training is over."""
        if number not in self._models:
            self._models[number] = classifier(self.held, number, self.weights[number])
        return self._models[number]

    def ascend(self, ask: Ask) -> list[Row]:
        """Change every image towards its target, and say what came of it; none of a network that diverged."""
        number = self.held.nets.index(ask.net)
        if not finite(self.weights[number]):
            return []
        model, key = self.model(number), ("ascent", self.plan.seed, ask.net.name, str(ask.sigma), ask.samples)
        way: dict[str, Any] = {"sigma": ask.sigma, "n": ask.samples, "rows": self.rows}
        made = synthesize(
            model, self.images, self.targets, radius=self.plan.radius, steps=self.plan.ascent_steps, key=key, **way
        ).images
        gradients = smoothed_gradient(model, self.images, self.targets, key=(*key, "first"), **way)
        columns = self._seen_by(model, ask, made, key) | self._looks(gradients, made)
        start = self.images
        rows = [
            row_of(
                "image",
                ask.net,
                sigma=ask.sigma,
                samples=ask.samples,
                image=row,
                label=int(self.labels[place]),
                target=int(self.targets[place]),
                start="image",
                **{name: values[place] for name, values in columns.items()},
            )
            for place, row in enumerate(self.rows)
        ]
        rows += self._distance(ask, made)
        if ask.samples == self.plan.samples[-1] or not ask.sigma:
            shown = slice(0, self.plan.shown)
            if ask == self.plan.asks()[0]:
                rows += self._pictures(None, "image", start[shown])
            rows += self._pictures(ask, "image", made[shown])
            rows += self._pictures(ask, "grey", self._from_grey(model, ask, key))
        return rows

    def _seen_by(self, model: nn.Module, ask: Ask, made: Tensor, key: tuple[chance.Key, ...]) -> dict[str, list[Any]]:
        """What the network itself and each judge see in the changed images."""
        copies = JUDGING if ask.sigma else 1
        own = judged(model, made, self.targets, sigma=ask.sigma, n=copies, key=(*key, "own"), rows=self.rows)
        columns: dict[str, list[Any]] = {"own": own.hits.tolist(), "own_probability": own.probabilities.tolist()}
        for net, name in zip(self.plan.judges(), JUDGES, strict=True):
            number = self.held.nets.index(net)
            if not finite(self.weights[number]):
                continue
            seen = judged(
                self.model(number),
                made,
                self.targets,
                sigma=net.sigma,
                n=JUDGING if net.sigma else 1,
                key=("judge", self.plan.seed),
                rows=self.rows,
            )
            columns |= {f"judge_{name}": seen.hits.tolist(), f"judge_{name}_probability": seen.probabilities.tolist()}
        return columns

    def _looks(self, gradients: Tensor, made: Tensor) -> dict[str, list[Any]]:
        """Where the first gradients point, and how the changes and the changed images look."""
        data = self.held.data
        cosines = class_cosines(gradients, self.images, self.means, self.targets, self.labels)
        changes = made - self.images
        near = neighbours(made, self.targets, data.train_inputs[self.real], data.train_targets[self.real])
        columns = {
            "cosine": cosines.target,
            "cosine_other": cosines.control,
            "high_frequency": high_frequency_share(changes),
            "variation": relative_variation(changes),
            "neighbour": near.ratios,
        }
        return {name: [value if math.isfinite(value) else None for value in each.tolist()] for name, each in columns.items()}

    def _distance(self, ask: Ask, made: Tensor) -> list[Row]:
        """The Frechet distance to as many test images of the target classes, in features of the plain judge."""
        number = self.held.nets.index(Net(STANDARD, judge=True))
        if len(made) < 2 or not finite(self.weights[number]):
            return []
        ours = frechet_distance(features(self.model(number), made), self._real_features)
        start = self._start_distance
        return [row_of("distance", ask.net, sigma=ask.sigma, samples=ask.samples, frechet=ours, frechet_start=start)]

    @cached_property
    def _real_features(self) -> Tensor:
        judge = self.model(self.held.nets.index(Net(STANDARD, judge=True)))
        return features(judge, self.held.data.test_inputs[self._of_targets()])

    @cached_property
    def _start_distance(self) -> float:
        judge = self.model(self.held.nets.index(Net(STANDARD, judge=True)))
        return frechet_distance(features(judge, self.images), self._real_features)

    def _of_targets(self) -> list[int]:
        """For each image a test image of its target's class, none of them among those that were changed if it can be."""
        known, used = self.held.data.test_targets.tolist(), set(self.rows)
        found: list[int] = []
        for target in self.targets.tolist():
            own = [row for row, label in enumerate(known) if label == target]
            free = [row for row in own if row not in used] or own
            found.append(free[0] if len(free) == 1 else free[len(found) % len(free)])
        return found

    def _from_grey(self, model: nn.Module, ask: Ask, key: tuple[chance.Key, ...]) -> Tensor:
        """Ascent from grey towards class 0, 1, 2 and so on, in a ball twice as large and with twice the steps."""
        count = self.plan.shown
        numbers = list(range(count))
        start = seed_images(self.held.data.inputs, numbers, key=("grey", self.plan.seed), device=self.images.device)
        targets = torch.tensor([each % self.held.classes for each in numbers], device=self.images.device)
        step = 2 * self.plan.radius / self.plan.ascent_steps
        return synthesize(
            model,
            start,
            targets,
            radius=2 * self.plan.radius,
            steps=2 * self.plan.ascent_steps,
            step_size=step,
            sigma=ask.sigma,
            n=ask.samples,
            key=(*key, "grey"),
        ).images

    def _pictures(self, ask: Ask | None, start: str, images: Tensor) -> list[Row]:
        shape = "x".join(map(str, images.shape[1:]))
        rows = []
        for place, image in enumerate(images):
            grey = start == "grey"
            rows.append(
                row_of(
                    "picture",
                    ask.net if ask else Net("none"),
                    sigma=ask.sigma if ask else None,
                    samples=ask.samples if ask else None,
                    start=start,
                    image=place if grey else self.rows[place],
                    label=None if grey else int(self.labels[place]),
                    target=place % self.held.classes if grey else int(self.targets[place]),
                    pixels=tuple(image.flatten().double().tolist()),
                    shape=shape,
                )
            )
        return rows

    def agreement(self, samples: int) -> list[Row]:
        """How far two independent gradients of the smoothed noise-trained network agree."""
        net = Net(NOISE, self.plan.sigma)
        number = self.held.nets.index(net)
        if not finite(self.weights[number]):
            return []
        found = spread(
            [
                smoothed_gradient(
                    self.model(number),
                    self.images,
                    self.targets,
                    sigma=net.sigma,
                    n=samples,
                    rows=self.rows,
                    key=("spread", self.plan.seed, samples, draw),
                )
                for draw in (0, 1)
            ]
        )
        cosines = found.cosine.tolist()
        return [
            row_of("spread", net, sigma=net.sigma, samples=samples, image=row, agreement=cosines[place])
            for place, row in enumerate(self.rows)
        ]

    def certify(self, net: Net, sigma: float, first: int) -> list[Row]:
        """Certificates of up to ``CERTIFIED`` images, from the ``first`` on; none of a network that diverged."""
        number = self.held.nets.index(net)
        if not finite(self.weights[number]):
            return []
        data, plan = self.held.data, self.plan
        count = min(plan.certified, len(data.test_targets))
        smoothed = SmoothedClassifier(self.model(number), sigma, device=self.images.device)
        rows = []
        for place in range(first, min(first + CERTIFIED, count)):
            row = place * len(data.test_targets) // count  # evenly over the test set, as the official code does
            found = smoothed.certify(
                data.test_inputs[row],
                n0=plan.first_draws,
                n=plan.draws,
                alpha=plan.alpha,
                key=("certify", plan.seed, net.name, str(sigma), row),
            )
            label = int(data.test_targets[row])
            rows.append(
                row_of(
                    "certificate",
                    net,
                    sigma=sigma,
                    samples=plan.draws,
                    image=row,
                    label=label,
                    predicted=-1 if found.label is None else found.label,
                    correct=found.label == label,
                    certified_radius=found.radius,
                    lower=found.lower,
                )
            )
        return rows
