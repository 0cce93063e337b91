"""One condition of the study: descend, read, record; with gradient flow or a frozen quadratic beside it."""

import dataclasses
import math
from collections.abc import Callable, Generator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from genlab.probes.hessian import Hessian
from genlab.probes.tracker import Tracker
from genlab.results.snapshots import Snapshot
from genlab.studies.edge_of_stability.study import Reading
from genlab.studies.study import Advance
from genlab.training import data, networks, updates
from genlab.training.flow import flow
from genlab.training.loop import Moment, descend
from genlab.training.losses import LOSSES
from genlab.training.problem import Problem

Columns = dict[str, float]


def train(
    settings: Mapping[str, Any], snapshot: Snapshot | None, device: str, data_dir: str | None
) -> Generator[Advance, None, str]:
    """Run a condition from its start or from a snapshot; returns how it ended."""
    torch.backends.cudnn.allow_tf32 = False  # TF32 perturbs products at 1e-3, the size of the effect at the edge
    torch.set_float32_matmul_precision("highest")
    problem, test, facts = problems(settings, device, data_dir)
    update = updates.named(settings["update"], settings["step_size"], settings["momentum"])
    tracker = Tracker(problem, settings["eigenpairs"], tolerance=settings["tolerance"], seed=settings["seed"])
    beside: _Beside = _BESIDE[settings["beside"]](problem, settings)
    state = _State(problem.weights())
    if snapshot is not None:
        state = _State.of(snapshot, device)
        tracker.restore(state.arrays["tracker"])
        beside.restore(state.arrays["beside"])
        if state.ended:  # it was stopped between its last record and its outcome
            return state.ended

    for moment in descend(problem, update, state.weights, memory=state.memory, step=state.step):
        ended = _ending(moment, settings)
        reading = Reading(
            step=moment.step,
            time=moment.step * update.step_size,
            loss=moment.loss,
            accuracy=moment.accuracy,
            threshold=update.threshold,
        )
        if moment.step % settings["sharpness_every"] == 0 or ended:
            pairs = tracker(moment.weights)
            reading = dataclasses.replace(
                reading,
                sharpness=pairs.values[0],
                eigenvalues=pairs.values,
                residual=max(pairs.residuals),
                products=pairs.products,
                converged=pairs.converged,
            )
            if settings["dense_every"] and pairs.converged and (tracker.readings - 1) % settings["dense_every"] == 0:
                reading = dataclasses.replace(reading, dense_sharpness=_dense(problem, moment.weights))
            if state.crossed is None and pairs.values[0] >= update.threshold:
                state.crossed = moment.step
        if test and settings["test_every"] and (moment.step % settings["test_every"] == 0 or ended):
            score = test.score(moment.weights)
            reading = dataclasses.replace(reading, test_loss=score.loss, test_accuracy=score.accuracy)
        reading = dataclasses.replace(reading, **beside.columns(moment, reading, state.crossed))  # type: ignore[arg-type]
        if reading.sharpness is not None:
            state.ratio = reading.sharpness / update.threshold
        state.ended = ended
        state.step, state.weights, state.memory = moment.step + 1, moment.next_weights, moment.next_memory
        yield Advance(
            step=moment.step,
            of=settings["steps"],
            records=(reading,),
            snapshot=lambda: state.snapshot(tracker, beside),
            note={"loss": moment.loss, "S/threshold": state.ratio},
            facts=facts,
        )
        if ended:
            return ended
    raise AssertionError("descent has no end of its own")


def problems(settings: Mapping[str, Any], device: str, data_dir: str | None) -> tuple[Problem, Problem | None, dict[str, str]]:
    """The training problem of a condition, the test problem where there is a test set, and what they stand on."""
    dtype = {"float32": torch.float32, "float64": torch.float64}[settings["precision"]]
    loaded = data.load(settings["data"], data_dir=data_dir).to(device, dtype)
    network = networks.build(
        settings["network"],
        inputs=loaded.inputs,
        outputs=loaded.outputs,
        seed=settings["seed"],
        dtype=dtype,
        tokens=loaded.vocabulary is not None,
    )
    network = network.to(device)
    loss = LOSSES[settings["loss"]]
    training = Problem(network, loss, loaded.train_inputs, loaded.train_targets, settings["physical_batch"])
    test = Problem(network, loss, loaded.test_inputs, loaded.test_targets, settings["physical_batch"])
    facts = {
        "data": settings["data"],
        "data checksum": loaded.checksum,
        "data note": loaded.note,
        "training examples by class": ", ".join(map(str, loaded.train_counts)) or ("text" if loaded.vocabulary else "regression"),
        "parameters": str(training.parameter_count),
    }
    if loaded.vocabulary:
        facts["vocabulary checksum"] = loaded.vocabulary.checksum
    return training, (test if data.outline(settings["data"]).test else None), facts


def _ending(moment: Moment, settings: Mapping[str, Any]) -> str:
    """How the run ends at this step, empty if it goes on; checked before the step, as the official code does."""
    if not math.isfinite(moment.loss):
        return "diverged"
    if settings["goal_accuracy"] is not None and moment.accuracy is not None and moment.accuracy > settings["goal_accuracy"]:
        return "accuracy goal"
    if settings["goal_loss"] is not None and moment.loss < settings["goal_loss"]:
        return "loss goal"
    return "steps" if moment.step >= settings["steps"] else ""


def _dense(problem: Problem, weights: Tensor) -> float:
    """Largest eigenvalue of the whole Hessian, in float64: the oracle for small networks."""
    return float(torch.linalg.eigvalsh(Hessian(problem.double(), weights.double()).dense())[-1])


@dataclasses.dataclass
class _State:
    """Where the descent stands between two steps."""

    weights: Tensor
    memory: updates.Memory = None
    step: int = 0
    crossed: int | None = None
    ratio: float = math.nan
    ended: str = ""
    arrays: Mapping[str, Mapping[str, Tensor]] = dataclasses.field(default_factory=dict)

    def snapshot(self, tracker: Tracker, beside: "_Beside") -> Snapshot:
        """Everything the next step depends on."""
        parts = {
            "descent": {"weights": self.weights},
            "memory": self.memory or {},
            "tracker": tracker.state(),
            "beside": beside.state(),
        }
        arrays = {f"{part}/{name}": each.cpu().numpy() for part, named in parts.items() for name, each in named.items()}
        return Snapshot(arrays, {"step": self.step, "crossed": self.crossed, "ratio": self.ratio, "ended": self.ended})

    @classmethod
    def of(cls, snapshot: Snapshot, device: str) -> "_State":
        """The state in a snapshot, with the arrays of tracker and companion."""
        arrays: dict[str, dict[str, Tensor]] = {"descent": {}, "memory": {}, "tracker": {}, "beside": {}}
        for path, array in snapshot.arrays.items():
            part, name = path.split("/")
            arrays[part][name] = torch.from_numpy(array).to(device)
        own, values = arrays["descent"], snapshot.values
        memory = {"momentum": own["memory"]} if "memory" in own else arrays["memory"] or None  # "memory": written by 0.1.0
        return cls(own["weights"], memory, values["step"], values["crossed"], values["ratio"], values["ended"], arrays)


class _Beside(Protocol):
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


_BESIDE: dict[str, Callable[[Problem, Mapping[str, Any]], _Beside]] = {
    "nothing": _Nothing,
    "flow": _Flow,
    "quadratic": _Quadratic,
}
