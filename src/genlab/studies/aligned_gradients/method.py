"""A condition from start to end: train every network, then ascend, compare and certify, one unit of work after the other."""

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genlab import chance
from genlab.results.snapshots import Snapshot
from genlab.smoothing.alignment import class_cosines, class_means, judged
from genlab.smoothing.classifier import SmoothedClassifier
from genlab.smoothing.gradients import smoothed_gradient, spread
from genlab.smoothing.likeness import features, frechet_distance, neighbours
from genlab.smoothing.synthesis import seed_images, synthesize
from genlab.smoothing.texture import high_frequency_share, relative_variation
from genlab.studies.aligned_gradients.nets import Held, accuracy, classifier, loss_of, prepare, training
from genlab.studies.aligned_gradients.plan import ADVERSARIAL, NOISE, STANDARD, Ask, Net, Row, plan
from genlab.studies.study import Advance
from genlab.training.updates import Memory

CHUNK = 50  # steps of training, and images certified, between two advances (our assumption)
NEAR = 0.02  # of the goal: training accuracy of a chunk's batches from which the whole training set is looked at (our assumption)
JUDGING = 32  # noisy copies of an image that a smoothed judge sees (our assumption)


@dataclass(frozen=True)
class Unit:
    """A piece of work: up to ``CHUNK`` steps of a network's training, an ascent, a spread, or some certificates."""

    kind: str
    number: int
    first: int = 0


def align(
    settings: Mapping[str, Any], snapshot: Snapshot | None, device: str, data_dir: str | None
) -> Generator[Advance, None, str]:
    """Run one condition; it ends "complete", or with the networks that diverged."""
    held, facts = prepare(plan(settings), device, data_dir)
    work = _Work(held)
    if snapshot is not None:
        work.restore(snapshot, device)
    while work.place < len(work.units):
        records = work.next()
        yield Advance(step=work.place, of=len(work.units), records=records, snapshot=work.snapshot, note=work.note, facts=facts)
    lost = [net.name for net, weights in zip(held.nets, work.weights, strict=True) if not _finite(weights)]
    return f"diverged: {', '.join(lost)}" if lost else "complete"


def units(held: Held) -> list[Unit]:
    """All the work of a condition, in order; a network that gets to its goal early leaves out the rest of its training."""
    found = []
    for number in range(len(held.nets)):
        found += [Unit("train", number, first) for first in range(0, most_steps(held, number), CHUNK)]
    found += [Unit("ascend", number) for number in range(len(held.plan.asks()))]
    found += [Unit("spread", number) for number in range(len(held.plan.samples))]
    images = min(held.plan.certified, len(held.data.test_targets))
    for number in range(len(held.plan.certifies())):
        found += [Unit("certify", number, first) for first in range(0, images, CHUNK)]
    return found


def fits(net: Net) -> bool:
    """Whether a network trains until it fits its images: the standard one, which judges have no need of."""
    return net.training == STANDARD and not net.judge


def most_steps(held: Held, number: int) -> int:
    """Steps at most of a network's training."""
    return held.plan.most_steps if fits(held.nets[number]) else held.plan.steps


class _Work:
    """Where a condition stands: how far in its units, and the weights of every network."""

    def __init__(self, held: Held) -> None:
        self.held, self.plan, self.units = held, held.plan, units(held)
        self.place = 0
        self.weights = [problem.weights() for problem in held.problems]
        self.memory: Memory = None
        self.note: dict[str, float] = {}
        self._models: dict[int, nn.Module] = {}
        data, plan_ = held.data, held.plan
        order = chance.numpy("images", plan_.seed).permutation(len(data.test_targets))
        self.rows = sorted(order[: plan_.images].tolist())
        self.images, self.labels = data.test_inputs[self.rows], data.test_targets[self.rows]
        shift = chance.numpy("targets", plan_.seed).integers(1, held.classes, len(data.test_targets))[self.rows]
        self.targets = (self.labels + torch.from_numpy(shift).to(self.labels)) % held.classes
        self.means = class_means(data.train_inputs, data.train_targets, held.classes)

    def next(self) -> list[Row]:
        """Do the next unit."""
        unit = self.units[self.place]
        self.place += 1
        match unit.kind:
            case "train":
                return self._train(unit)
            case "ascend":
                return self._ascend(self.plan.asks()[unit.number])
            case "spread":
                return self._spread(self.plan.samples[unit.number])
        return self._certify(*self.plan.certifies()[unit.number], unit.first)

    def _train(self, unit: Unit) -> list[Row]:
        most, net = most_steps(self.held, unit.number), self.held.nets[unit.number]
        memory = None if unit.first == 0 else self.memory
        steps = min(CHUNK, most - unit.first)
        losses, rights = [], []
        for moment in training(self.held, unit.number, self.weights[unit.number], memory, unit.first, steps):
            self.weights[unit.number], memory = moment.next_weights, moment.next_memory
            losses.append(moment.loss)
            rights.append(moment.accuracy or 0.0)
            if not (math.isfinite(moment.loss) and _finite(moment.next_weights)):
                break
        self.memory = memory
        self.note = {"loss": losses[-1]}
        done = unit.first + len(losses)
        if not (math.isfinite(losses[-1]) and _finite(self.weights[unit.number])):
            self.weights[unit.number] = torch.full_like(self.weights[unit.number], math.nan)
            self._leave(unit)
            return [_row("network", net, steps=done, ending="diverged")]
        goal = self.plan.goal_accuracy if fits(net) else math.inf
        if done < most and math.fsum(rights) / len(rights) < goal - NEAR:
            return []  # its own batches say that it is not there yet, and the whole set costs more than they did
        loss, right = loss_of(self.held, unit.number, self.weights[unit.number])
        if done < most and right < goal:
            return []
        self._leave(unit)
        return [self._network(unit.number, done, loss, right, "goal" if right >= goal else "steps")]

    def _leave(self, unit: Unit) -> None:
        """Go past the rest of a network's training."""
        while (
            self.place < len(self.units)
            and self.units[self.place].kind == "train"
            and self.units[self.place].number == unit.number
        ):
            self.place += 1

    def _network(self, number: int, steps: int, loss: float, right: float, ending: str) -> Row:
        net, data, model = self.held.nets[number], self.held.data, self._model(number)
        noisy = accuracy(
            model, data.test_inputs, data.test_targets, sigma=net.sigma or self.plan.sigma, key=("noisy", self.plan.seed)
        )
        return _row(
            "network",
            net,
            steps=steps,
            ending=ending,
            training_loss=loss,
            training_accuracy=right,
            test_accuracy=accuracy(model, data.test_inputs, data.test_targets),
            noisy_accuracy=noisy,
        )

    def _ascend(self, ask: Ask) -> list[Row]:
        number = self.held.nets.index(ask.net)
        if not _finite(self.weights[number]):
            return []
        model, key = self._model(number), ("ascent", self.plan.seed, ask.net.name, str(ask.sigma), ask.samples)
        way: dict[str, Any] = {"sigma": ask.sigma, "n": ask.samples, "rows": self.rows}
        made = synthesize(
            model, self.images, self.targets, radius=self.plan.radius, steps=self.plan.ascent_steps, key=key, **way
        ).images
        gradients = smoothed_gradient(model, self.images, self.targets, key=(*key, "first"), **way)
        columns = self._seen_by(model, ask, made, key) | self._looks(gradients, made)
        start = self.images
        rows = [
            _row(
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
        for net, name in zip(self.plan.judges(), (NOISE, ADVERSARIAL, STANDARD), strict=True):
            number = self.held.nets.index(net)
            if not _finite(self.weights[number]):
                continue
            seen = judged(
                self._model(number),
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
        near = neighbours(made, self.targets, data.train_inputs, data.train_targets)
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
        if len(made) < 2 or not _finite(self.weights[number]):
            return []
        data, judge = self.held.data, self._model(number)
        real = features(judge, data.test_inputs[self._of_targets()])
        ours, before = (frechet_distance(features(judge, each), real) for each in (made, self.images))
        return [_row("distance", ask.net, sigma=ask.sigma, samples=ask.samples, frechet=ours, frechet_start=before)]

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
        """Ascent from grey towards class 0, 1, 2 and so on, without a ball: from nothing an image is made whole."""
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
                _row(
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

    def _spread(self, samples: int) -> list[Row]:
        """How far two independent gradients of the smoothed noise-trained network agree."""
        net = Net(NOISE, self.plan.sigma)
        number = self.held.nets.index(net)
        if not _finite(self.weights[number]):
            return []
        found = spread(
            [
                smoothed_gradient(
                    self._model(number),
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
            _row("spread", net, sigma=net.sigma, samples=samples, image=row, agreement=cosines[place])
            for place, row in enumerate(self.rows)
        ]

    def _certify(self, net: Net, sigma: float, first: int) -> list[Row]:
        number = self.held.nets.index(net)
        if not _finite(self.weights[number]):
            return []
        data, plan_ = self.held.data, self.plan
        count = min(plan_.certified, len(data.test_targets))
        smoothed = SmoothedClassifier(self._model(number), sigma, device=self.images.device)
        rows = []
        for place in range(first, min(first + CHUNK, count)):
            row = place * len(data.test_targets) // count  # evenly over the test set, as the official code does
            found = smoothed.certify(
                data.test_inputs[row],
                n0=plan_.first_draws,
                n=plan_.draws,
                alpha=plan_.alpha,
                key=("certify", plan_.seed, net.name, str(sigma), row),
            )
            label = int(data.test_targets[row])
            rows.append(
                _row(
                    "certificate",
                    net,
                    sigma=sigma,
                    samples=plan_.draws,
                    image=row,
                    label=label,
                    predicted=-1 if found.label is None else found.label,
                    correct=found.label == label,
                    certified_radius=found.radius,
                    lower=found.lower,
                )
            )
        return rows

    def _model(self, number: int) -> nn.Module:
        """A trained network as a classifier; made once, as its training is over."""
        if number not in self._models:
            self._models[number] = classifier(self.held, number, self.weights[number])
        return self._models[number]

    def snapshot(self) -> Snapshot:
        """Everything the next unit depends on."""
        arrays = {f"weights {number}": each.cpu().numpy() for number, each in enumerate(self.weights)}
        for name, each in (self.memory or {}).items():
            arrays[f"memory {name}"] = each.cpu().numpy()
        return Snapshot(arrays, {"place": self.place})

    def restore(self, snapshot: Snapshot, device: str) -> None:
        """Go on from a snapshot."""
        self.place = snapshot.values["place"]
        arrays = {name: torch.from_numpy(each).to(device) for name, each in snapshot.arrays.items()}
        self.weights = [arrays[f"weights {number}"] for number in range(len(self.weights))]
        self.memory = {name.removeprefix("memory "): each for name, each in arrays.items() if name.startswith("memory ")} or None


def _finite(weights: Tensor) -> bool:
    return bool(torch.isfinite(weights).all())


def _row(what: str, net: Net, **columns: Any) -> Row:
    return Row(what, net.name, net.training, net.sigma, **columns)
