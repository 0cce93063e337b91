"""What may run beside a descent, from the same start: gradient flow, or descent on a frozen quadratic."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from genlab.probes.hessian import Hessian
from genlab.probes.tracker import Tracker
from genlab.studies.edge_of_stability.study import Reading
from genlab.training.flow import flow
from genlab.training.loop import Moment
from genlab.training.problem import Problem

Columns = dict[str, float]


class Beside(Protocol):
    """Something that runs beside the descent and fills columns of its record."""

    def columns(self, moment: Moment, reading: Reading, crossed: int | None) -> Columns: ...

    def state(self) -> dict[str, Tensor]: ...

    def restore(self, state: Mapping[str, Tensor]) -> None: ...


class _Nothing:
    """Descent alone."""

    def __init__(self, problem: Problem, settings: Mapping[str, Any]) -> None:
        pass

    def columns(self, moment: Moment, reading: Reading, crossed: int | None) -> Columns:
        return {}

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        pass


class _Flow:
    """Gradient flow from the same start, brought to the same time at each sharpness reading."""

    def __init__(self, problem: Problem, settings: Mapping[str, Any]) -> None:
        self.problem = problem
        self.settings = settings
        self.start = problem.weights()
        self.weights = self.start
        self.step = 0
        self.sharpness = math.nan
        self.tracker = Tracker(problem, tolerance=settings["tolerance"], seed=settings["seed"])

    def columns(self, moment: Moment, reading: Reading, crossed: int | None) -> Columns:
        if moment.step > self.settings["beside_steps"] or moment.step % self.settings["sharpness_every"]:
            return {}
        if moment.step > self.step:
            if not math.isfinite(self.sharpness):  # the flow itself has blown up: nothing to compare with any more
                return {}
            duration = (moment.step - self.step) * self.settings["step_size"]
            self.weights = flow(self.problem, self.weights, duration=duration, sharpness=self.sharpness)
            self.step = moment.step
        self.sharpness = self.tracker(self.weights).values[0]
        return {
            "flow_loss": self.problem.score(self.weights).loss,
            "flow_sharpness": self.sharpness,
            "distance": (moment.weights - self.weights).norm().item(),
            "travelled": (moment.weights - self.start).norm().item(),
        }

    def state(self) -> dict[str, Tensor]:
        own = {
            "weights": self.weights,
            "step": torch.tensor(self.step),
            "sharpness": torch.tensor(self.sharpness, dtype=torch.float64),
        }
        return own | {f"tracker-{name}": each for name, each in self.tracker.state().items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.weights, self.step, self.sharpness = state["weights"], int(state["step"].item()), float(state["sharpness"].item())
        self.tracker.restore({name.removeprefix("tracker-"): each for name, each in state.items() if name.startswith("tracker-")})


class _Quadratic:
    """Descent on the second-order Taylor expansion around an iterate at the edge, in step with the real one."""

    def __init__(self, problem: Problem, settings: Mapping[str, Any]) -> None:
        self.problem = problem
        self.settings = settings
        self.step = 0
        self.frozen: dict[str, Tensor] = {}
        self.hessian: Hessian | None = None

    def columns(self, moment: Moment, reading: Reading, crossed: int | None) -> Columns:
        if not self.frozen:
            over = reading.sharpness is not None and reading.sharpness > reading.threshold
            if crossed is None or moment.step < crossed + self.settings["settle"] or not over:
                return {}
            self.frozen = {
                "centre": moment.weights,
                "gradient": moment.gradient,
                "offset": torch.zeros_like(moment.weights),
                "loss": torch.tensor(moment.loss, dtype=torch.float64),
            }
        if self.step > self.settings["beside_steps"]:
            self.hessian = None
            return {}
        if self.hessian is None:
            self.hessian = Hessian(self.problem, self.frozen["centre"])
        offset, gradient = self.frozen["offset"], self.frozen["gradient"]
        bend = self.hessian(offset[None])[0]
        loss = self.frozen["loss"].item() + (gradient @ offset + 0.5 * (offset @ bend)).item()
        self.frozen["offset"] = offset - self.settings["step_size"] * (gradient + bend)
        self.step += 1
        return {"quadratic_loss": loss}

    def state(self) -> dict[str, Tensor]:
        return {"step": torch.tensor(self.step), **self.frozen}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.step = int(state["step"].item())
        self.frozen = {name: each for name, each in state.items() if name != "step"}


BESIDE: dict[str, Callable[[Problem, Mapping[str, Any]], Beside]] = {
    "nothing": _Nothing,
    "flow": _Flow,
    "quadratic": _Quadratic,
}
