"""A bundle from start to end: step, look, record; a copy that reached its goal or diverged rests."""

import math
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genlab.results.snapshots import Snapshot
from genlab.studies.bundles.measuring import curvature
from genlab.studies.bundles.plan import Reading, plan
from genlab.studies.bundles.runner import Copies, Runner, copies, runner
from genlab.studies.study import Advance
from genlab.training.problem import Score


def train(
    settings: Mapping[str, Any], snapshot: Snapshot | None, device: str, data_dir: str | None
) -> Generator[Advance, None, str]:
    """Train every copy of a condition; the ending counts how the copies ended."""
    planned = plan(settings)
    held, facts = copies(planned, device, data_dir)
    bundle = _Bundle(held, runner(held))
    if snapshot is not None:
        bundle.restore(snapshot, device)
    while bundle.alive and bundle.step <= planned.steps:
        records = bundle.look() if bundle.step % planned.check_every == 0 or bundle.step == planned.steps else []
        step = bundle.step
        bundle.regroup()
        if bundle.alive:
            bundle.move()
        bundle.step += 1
        yield Advance(step=step, of=planned.steps, records=records, snapshot=bundle.snapshot, note=bundle.note(), facts=facts)
    counts = {each: bundle.endings.count(each) for each in dict.fromkeys(bundle.endings)}
    return ", ".join(f"{count} {ending}" for ending, count in counts.items()) if len(held.each) > 1 else bundle.endings[0]


class _Bundle:
    """Where all copies stand."""

    def __init__(self, held: Copies, running: Runner) -> None:
        self.held, self.running, self.plan = held, running, held.plan
        self.step = 0
        self.endings = [""] * len(held.each)
        self.weights = torch.stack([each.weights() for each in held.problems])
        self.sizes = self.weights.new_tensor([each.step_size for each in held.each])[:, None]
        self.donors = self.weights.clone() if held.plan.method == "external" else None
        self.group = list(range(len(held.each)))  # numbers of the copies that step together
        self._loss = math.nan

    @property
    def alive(self) -> list[int]:
        """Numbers of the copies that train."""
        return [number for number, ending in enumerate(self.endings) if not ending]

    def regroup(self) -> None:
        """Leave out the copies that rest, once they are half of those that step: another number is another batched function."""
        alive = self.alive
        if 2 * len(alive) <= len(self.group) or not self.running.at_once:
            self.group = alive

    def move(self) -> None:
        """One step of every copy that trains; those of the group that rest stay where they are."""
        rows = self.group
        norms = None
        if self.donors is not None:
            assert self.plan.donor_step_size is not None
            lent = self.running.donor(rows, self.donors[rows], self.step)
            norms = torch.linalg.vector_norm(lent.gradient, dim=1)
            norms = torch.where(torch.isfinite(norms), norms, torch.zeros_like(norms))  # a donor that diverged lends nothing
            self.donors[rows] = self.donors[rows] - self.plan.donor_step_size * lent.gradient
        slopes = self.running.slopes(rows, self.weights[rows], self.step, norms)
        moved = self.weights[rows] - self.sizes[rows] * slopes.gradient
        for place, number in enumerate(rows):
            if not self.endings[number]:
                self.weights[number] = moved[place]

    def look(self) -> list[Reading]:
        """Judge every copy that trains, and record those that are due."""
        alive = self.alive
        every = self.running.scores("training", self.group, self.weights[self.group])
        assert every is not None
        scores = [score for number, score in zip(self.group, every, strict=True) if not self.endings[number]]
        self._loss = float(np.mean([each.loss for each in scores]))
        for number, score in zip(alive, scores, strict=True):
            self.endings[number] = self._ending(score, self.weights[number])
        due = [number for number in alive if self.endings[number] or self.step % self.plan.read_every == 0]
        if not due:
            return []
        by_number = dict(zip(alive, scores, strict=True))
        return self._read(due, [by_number[number] for number in due])

    def _ending(self, score: Score, weights: Tensor) -> str:
        if not math.isfinite(score.loss) or not bool(torch.isfinite(weights).all()):
            return "diverged"
        reached = self.plan.goal_loss is not None and score.loss <= self.plan.goal_loss
        exact = self.plan.goal_accuracy is not None and (score.accuracy or 0.0) >= self.plan.goal_accuracy
        return "goal" if reached or exact else "steps" if self.step >= self.plan.steps else ""

    def _read(self, due: Sequence[int], scores: Sequence[Score]) -> list[Reading]:
        asked = self.group if self.running.at_once else list(due)  # one set of copies: one batched function
        others = {name: self.running.scores(name, asked, self.weights[asked]) for name in ("validation", "test")}
        noises = self.running.noise(asked, self.weights[asked]) if self.plan.noise_of else None
        found = []
        for number, score in zip(due, scores, strict=True):
            place, weights = asked.index(number), self.weights[number]
            columns: dict[str, Any] = {"weight_square": weights.double().square().sum().item()}
            for name, seen in others.items():
                if seen is not None:
                    columns |= {f"{name}_loss": seen[place].loss, f"{name}_accuracy": seen[place].accuracy}
            if noises:
                columns |= dict(zip(("gradient_square", "microbatch_square", "noise_trace"), noises[place], strict=True))
            ending = self.endings[number]
            if self._curved(ending):
                columns |= curvature(self.held, number, weights, self._after(number) if ending else None)
            one = self.held.each[number]
            finite = {name: each for name, each in columns.items() if not (isinstance(each, float) and not math.isfinite(each))}
            found.append(
                Reading(
                    self.step, one.step_size, one.strength, one.seed, score.loss, score.accuracy, ending=ending or None, **finite
                )
            )
        return found

    def _curved(self, ending: str) -> bool:
        """Whether the Hessian is measured at this record."""
        every = self.plan.curvature_every
        return self.plan.curvature and ending != "diverged" and (bool(ending) or (every > 0 and self.step % every == 0))

    def _after(self, number: int) -> Tensor | None:
        """The iterate after this one, for the segment between them."""
        if not self.plan.segment_points or self.donors is not None:  # the next step of external grafting is its donor's, too
            return None
        slopes = self.running.slopes([number], self.weights[[number]], self.step)
        return self.weights[number] - self.sizes[number] * slopes.gradient[0]

    def note(self) -> dict[str, float]:
        """For the live table."""
        return {"loss": self._loss, "training": float(len(self.alive))}

    def snapshot(self) -> Snapshot:
        """Everything the next step depends on."""
        arrays = {"weights": self.weights.cpu().numpy()}
        if self.donors is not None:
            arrays["donors"] = self.donors.cpu().numpy()
        return Snapshot(arrays, {"step": self.step, "endings": list(self.endings), "group": list(self.group)})

    def restore(self, snapshot: Snapshot, device: str) -> None:
        """Go on from a snapshot."""
        self.step, self.endings = snapshot.values["step"], list(snapshot.values["endings"])
        self.group = list(snapshot.values["group"])
        self.weights = torch.from_numpy(snapshot.arrays["weights"]).to(device)
        if self.donors is not None:
            self.donors = torch.from_numpy(snapshot.arrays["donors"]).to(device)
