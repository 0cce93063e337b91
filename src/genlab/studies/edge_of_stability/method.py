"""One condition of the study: descend, read, record; with gradient flow or a frozen quadratic beside it."""

import dataclasses
import math
from collections.abc import Callable, Generator, Mapping
from typing import Any

import torch
from torch import Tensor

from genlab import chance
from genlab.probes.batch_sharpness import batch_sharpness
from genlab.probes.eigen import Eigenpairs
from genlab.probes.hessian import Hessian
from genlab.probes.segment import segment_sharpness
from genlab.probes.tracker import Tracker
from genlab.results.snapshots import Snapshot
from genlab.studies.edge_of_stability.beside import BESIDE, Beside
from genlab.studies.edge_of_stability.study import Reading
from genlab.studies.study import Advance
from genlab.training import data, networks, updates
from genlab.training.batches import Batches
from genlab.training.loop import Moment, descend
from genlab.training.losses import LOSSES
from genlab.training.problem import Problem, Score
from genlab.training.schedules import Change, OverSharpness, Schedule, WarmUp
from genlab.training.updates import Adaptive

BATCH_ERROR = 0.02  # relative standard error at which an estimate of the batch sharpness stops: our assumption
SCALARS = ("step", "crossed", "ratio", "time", "sharpness", "ended")  # of a state, kept in a snapshot


def train(
    settings: Mapping[str, Any], snapshot: Snapshot | None, device: str, data_dir: str | None
) -> Generator[Advance, None, str]:
    """Run a condition from its start or from a snapshot; returns how it ended."""
    torch.backends.cudnn.allow_tf32 = False  # TF32 perturbs products at 1e-3, the size of the effect at the edge
    torch.set_float32_matmul_precision("highest")
    problem, test, facts = problems(settings, device, data_dir)
    adaptive = {name: settings[name] for name in ("second_moment", "epsilon") if name in settings}
    update = updates.named(settings["update"], settings["step_size"], settings["momentum"], **adaptive)
    batches = Batches(settings["batch_size"], settings["seed"]) if "batch_size" in settings else None
    sharpness = _Sharpness(problem, settings)
    beside: Beside = BESIDE[settings["beside"]](problem, settings)
    state = _State(problem.weights())
    if snapshot is not None:
        state = _State.of(snapshot, device)
        sharpness.restore(state.arrays)
        beside.restore(state.arrays["beside"])
        if state.ended:  # it was stopped between its last record and its outcome
            return state.ended

    schedule = _schedule(settings, lambda step: sharpness.before(step, state))
    start, memory = state.weights, state.memory
    for moment in descend(problem, update, start, memory=memory, step=state.step, schedule=schedule, batches=batches):
        due = moment.step % settings["sharpness_every"] == 0
        whole = problem.score(moment.weights) if batches is not None and due else None
        ended = _ending(moment, whole or moment, settings, judged=batches is None or due)
        reading = Reading(
            step=moment.step,
            time=moment.step * update.step_size if schedule is None else state.time,
            loss=moment.loss,
            accuracy=moment.accuracy,
            threshold=moment.update.threshold,
            training_loss=whole.loss if whole else None,
        )
        if due or ended:
            reading = dataclasses.replace(reading, **sharpness.columns(moment, due))
            if state.crossed is None and reading.sharpness is not None and reading.sharpness >= reading.threshold:
                state.crossed = moment.step
        if test and settings["test_every"] and (moment.step % settings["test_every"] == 0 or ended):
            score = test.score(moment.weights)
            reading = dataclasses.replace(reading, test_loss=score.loss, test_accuracy=score.accuracy)
        reading = dataclasses.replace(reading, **beside.columns(moment, reading, state.crossed))  # type: ignore[arg-type]
        if reading.sharpness is not None:
            state.ratio = reading.sharpness / reading.threshold
        state.ended = ended
        state.step, state.weights, state.memory = moment.step + 1, moment.next_weights, moment.next_memory
        state.time += moment.update.step_size
        yield Advance(
            step=moment.step,
            of=settings["steps"],
            records=(reading,),
            snapshot=lambda: state.snapshot(sharpness, beside),
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
    sizes = {name: settings[name] for name in ("physical_batch", "ghost_batch") if name in settings}
    training = Problem(network, loss, loaded.train_inputs, loaded.train_targets, **sizes)
    test = Problem(network, loss, loaded.test_inputs, loaded.test_targets, **sizes)
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


def _schedule(settings: Mapping[str, Any], sharpness: Callable[[int], float]) -> Schedule | None:
    size = settings["step_size"]
    match settings.get("schedule"):
        case None:
            return None
        case "warm-up":
            return WarmUp(size, settings["schedule_steps"])
        case "change":
            return Change(size, settings["step_size_then"], settings["schedule_steps"])
        case "over-sharpness":
            return OverSharpness(sharpness, share=size)
    raise AssertionError(settings["schedule"])


def _ending(moment: Moment, score: Moment | Score, settings: Mapping[str, Any], *, judged: bool) -> str:
    """How the run ends at this step, empty if it goes on; checked before the step, as the official code does.

    Goals are judged by a score over the training set: with mini-batches at readings only.
    """
    if not math.isfinite(moment.loss) or not math.isfinite(score.loss):
        return "diverged"
    goal = settings["goal_accuracy"]
    if judged and goal is not None and score.accuracy is not None and score.accuracy > goal:
        return "accuracy goal"
    if judged and settings["goal_loss"] is not None and score.loss < settings["goal_loss"]:
        return "loss goal"
    return "steps" if moment.step >= settings["steps"] else ""


def _dense(problem: Problem, weights: Tensor) -> float:
    """Largest eigenvalue of the whole Hessian, in float64: the oracle for small networks."""
    return float(torch.linalg.eigvalsh(Hessian(problem.double(), weights.double()).dense())[-1])


class _Sharpness:
    """The trackers of a condition: at its iterates, and along the segments between them."""

    def __init__(self, problem: Problem, settings: Mapping[str, Any]) -> None:
        self.problem = problem
        self.settings = settings
        options = {"tolerance": settings["tolerance"], "seed": settings["seed"]}
        self.tracker = Tracker(problem, settings["eigenpairs"], **options)
        self.along = Tracker(problem, **options)
        self.fresh: Eigenpairs | None = None  # read before its step, by a schedule that wants it

    def before(self, step: int, state: "_State") -> float:
        """The last reading at or before a step that is about to be made from ``state``."""
        if step % self.settings["sharpness_every"] == 0:
            self.fresh = self.tracker(state.weights)
            if 0 < self.fresh.values[0] < math.inf:  # of a run that blows up the last good one is kept: it ends at its loss
                state.sharpness = self.fresh.values[0]
        return state.sharpness

    def columns(self, moment: Moment, due: bool) -> dict[str, Any]:
        """What is read at an iterate: its sharpness and the evidence; at a reading that is due, what else was asked for."""
        update, every = moment.update, self.settings["dense_every"]
        diagonal = update.preconditioner(moment.next_memory, moment.step + 1) if isinstance(update, Adaptive) else None
        if diagonal is not None and not bool(diagonal.isfinite().all()):
            return {}
        pairs = self.fresh or self.tracker(moment.weights, preconditioner=diagonal)
        self.fresh = None
        found: dict[str, Any] = {
            "sharpness": pairs.values[0],
            "eigenvalues": pairs.values,
            "residual": max(pairs.residuals),
            "products": pairs.products,
            "converged": pairs.converged,
        }
        if every and pairs.converged and (self.tracker.readings - 1) % every == 0:
            found["dense_sharpness"] = _dense(self.problem, moment.weights)
        if due and (most := self.settings.get("batch_draws")):
            drawn = batch_sharpness(
                self.problem,
                moment.weights,
                batch=self.settings["batch_size"],
                relative_error=BATCH_ERROR,
                most_batches=most,
                seed=chance.number(self.settings["seed"], moment.step),
            )
            found["batch_sharpness"], found["batch_sharpness_error"] = drawn.value, drawn.standard_error
            found["batch_draws"] = drawn.batches
        if due and (points := self.settings.get("segment_points")):
            segment = segment_sharpness(self.problem, moment.weights, moment.next_weights, points, tracker=self.along)
            found["segment_sharpness"] = segment.largest
            found["segment_residual"] = max(segment.residuals)
            found["segment_converged"] = segment.all_converged
        return found

    def state(self) -> dict[str, dict[str, Tensor]]:
        return {"tracker": self.tracker.state(), "along": self.along.state()}

    def restore(self, arrays: Mapping[str, Mapping[str, Tensor]]) -> None:
        self.tracker.restore(arrays["tracker"])
        if arrays["along"]:  # 0.1.0 wrote none
            self.along.restore(arrays["along"])


@dataclasses.dataclass
class _State:
    """Where the descent stands between two steps."""

    weights: Tensor
    memory: updates.Memory = None
    step: int = 0
    crossed: int | None = None
    ratio: float = math.nan
    time: float = 0.0
    sharpness: float = 1.0
    ended: str = ""
    arrays: Mapping[str, Mapping[str, Tensor]] = dataclasses.field(default_factory=dict)

    def snapshot(self, sharpness: _Sharpness, beside: Beside) -> Snapshot:
        """Everything the next step depends on."""
        parts = {"descent": {"weights": self.weights}, "memory": self.memory or {}}
        parts |= sharpness.state() | {"beside": beside.state()}
        arrays = {f"{part}/{name}": each.cpu().numpy() for part, named in parts.items() for name, each in named.items()}
        return Snapshot(arrays, {name: getattr(self, name) for name in SCALARS})

    @classmethod
    def of(cls, snapshot: Snapshot, device: str) -> "_State":
        """The state in a snapshot, with the arrays of trackers and companion."""
        arrays: dict[str, dict[str, Tensor]] = {"descent": {}, "memory": {}, "tracker": {}, "along": {}, "beside": {}}
        for path, array in snapshot.arrays.items():
            part, name = path.split("/")
            arrays[part][name] = torch.from_numpy(array).to(device)
        own = arrays["descent"]
        scalars = {name: snapshot.values[name] for name in SCALARS if name in snapshot.values}  # 0.1.0 wrote fewer
        memory = {"momentum": own["memory"]} if "memory" in own else arrays["memory"] or None  # "memory": written by 0.1.0
        return cls(own["weights"], memory, **scalars, arrays=arrays)
