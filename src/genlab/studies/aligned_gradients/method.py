"""A condition from start to end: train every network, then ask each, one unit of work after the other."""

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from genlab.results.snapshots import Snapshot
from genlab.studies.aligned_gradients.asking import CERTIFIED, Asker
from genlab.studies.aligned_gradients.nets import Held, accuracy, finite, loss_of, prepare, training
from genlab.studies.aligned_gradients.plan import STANDARD, Net, Row, plan, row_of
from genlab.studies.study import Advance
from genlab.training.updates import Memory

CHUNK = 50  # steps of training between two advances (our assumption)
NEAR = 0.02  # of the goal: training accuracy of a chunk's batches from which the whole training set is looked at (our assumption)


@dataclass(frozen=True)
class Unit:
    """A piece of work: up to ``CHUNK`` steps of a network's training, an ascent, agreement of gradients, or some certificates."""

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
    lost = [net.name for net, weights in zip(held.nets, work.weights, strict=True) if not finite(weights)]
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
        found += [Unit("certify", number, first) for first in range(0, images, CERTIFIED)]
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
        self.asker = Asker(held, self.weights)

    def next(self) -> list[Row]:
        """Do the next unit."""
        unit = self.units[self.place]
        self.place += 1
        match unit.kind:
            case "train":
                return self._train(unit)
            case "ascend":
                return self.asker.ascend(self.plan.asks()[unit.number])
            case "spread":
                return self.asker.agreement(self.plan.samples[unit.number])
        return self.asker.certify(*self.plan.certifies()[unit.number], unit.first)

    def _train(self, unit: Unit) -> list[Row]:
        most, net = most_steps(self.held, unit.number), self.held.nets[unit.number]
        memory = None if unit.first == 0 else self.memory
        steps = min(CHUNK, most - unit.first)
        losses, rights = [], []
        for moment in training(self.held, unit.number, self.weights[unit.number], memory, unit.first, steps):
            self.weights[unit.number], memory = moment.next_weights, moment.next_memory
            losses.append(moment.loss)
            rights.append(moment.accuracy or 0.0)
            if not (math.isfinite(moment.loss) and finite(moment.next_weights)):
                break
        self.memory = memory
        self.note = {"loss": losses[-1]}
        done = unit.first + len(losses)
        if not (math.isfinite(losses[-1]) and finite(self.weights[unit.number])):
            self.weights[unit.number] = torch.full_like(self.weights[unit.number], math.nan)
            self._leave(unit)
            return [row_of("network", net, steps=done, ending="diverged")]
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
        net, data, model = self.held.nets[number], self.held.data, self.asker.model(number)
        noisy = accuracy(
            model, data.test_inputs, data.test_targets, sigma=net.sigma or self.plan.sigma, key=("noisy", self.plan.seed)
        )
        return row_of(
            "network",
            net,
            steps=steps,
            ending=ending,
            training_loss=loss,
            training_accuracy=right,
            test_accuracy=accuracy(model, data.test_inputs, data.test_targets),
            noisy_accuracy=noisy,
        )

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
        self.weights[:] = [arrays[f"weights {number}"] for number in range(len(self.weights))]
        self.memory = {name.removeprefix("memory "): each for name, each in arrays.items() if name.startswith("memory ")} or None
