"""What the study's fields may be."""

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genlab.studies.edge_of_stability.study import EdgeOfStability

UPDATES = ("gd", "polyak", "nesterov", "ema", "adam", "rmsprop")
ADAPTIVE = {"adam", "rmsprop"}


def check(study: "EdgeOfStability") -> None:
    """Refuse fields that make no run, or that a run would not use.

    Raises:
        ValueError: what was expected, what came, and what to type.
    """
    at_least = {"seeds": 1, "steps": 1, "eigenpairs": 1, "sharpness_every": 1, "physical_batch": 1}
    from_zero = ("test_every", "dense_every", "beside_steps", "settle", "schedule_steps", "segment_points", "batch_draws")
    at_least |= dict.fromkeys(from_zero, 0)
    for name, least in at_least.items():
        if getattr(study, name) < least:
            raise ValueError(f"{name} is at least {least}, got {getattr(study, name)}")
    for name, allowed in {"loss": ("mse", "ce"), "update": UPDATES}.items():
        for value in getattr(study, name):
            if value not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}, got {value!r}")
    for value in study.step_size:
        if not 0 < value < float("inf"):
            raise ValueError(f"step_size is above 0, got {value}")
    if not 0 <= study.momentum < 1:
        raise ValueError(f"momentum is at least 0 and below 1, got {study.momentum}")
    for update in ("gd", "rmsprop"):
        if update in study.update and study.momentum:
            raise ValueError(
                f"{update} has no momentum (got {study.momentum:g}): set momentum=0, or update=polyak,nesterov,ema,adam"
            )
    _check_adaptive(study)
    _check_schedule(study)
    _check_examples(study)
    for name in ("goal_accuracy", "goal_loss"):
        if (goal := getattr(study, name)) is not None and not 0 <= goal < float("inf"):
            raise ValueError(f"{name} is a number of at least 0, or none, got {goal}")
    if not 0 < study.tolerance < 1:
        raise ValueError(f"tolerance is between 0 and 1, got {study.tolerance}")


def _check_adaptive(study: "EdgeOfStability") -> None:
    if not 0 <= study.second_moment < 1:
        raise ValueError(f"second_moment is at least 0 and below 1, got {study.second_moment}")
    if not 0 < study.epsilon < float("inf"):
        raise ValueError(f"epsilon is above 0, got {study.epsilon}")
    adaptive = ADAPTIVE & set(study.update)
    usual = {each.name: each.default for each in fields(study)}
    for name in ("second_moment", "epsilon"):
        if getattr(study, name) != usual[name] and not adaptive:
            raise ValueError(f"{name} is for adam and rmsprop, got update={','.join(study.update)}: set update=adam or rmsprop")
    for name in ("segment_points", "dense_every"):
        if adaptive and getattr(study, name):
            raise ValueError(f"{name} reads the Hessian itself, not the preconditioned one of adam and rmsprop: set {name}=0")


def _check_schedule(study: "EdgeOfStability") -> None:
    timed, changes = study.schedule in ("warm-up", "change"), study.schedule == "change"
    if timed != (study.schedule_steps > 0):
        wants = "the step it takes or happens at, schedule_steps above 0" if timed else "no schedule_steps: set it to 0"
        raise ValueError(f"schedule={study.schedule} wants {wants}, got {study.schedule_steps}")
    if changes != (study.step_size_then is not None):
        wants = "step_size_then=..." if changes else "no step_size_then: set it to none"
        raise ValueError(f"schedule={study.schedule} wants {wants}, got {study.step_size_then}")
    if study.step_size_then is not None and not 0 < study.step_size_then < float("inf"):
        raise ValueError(f"step_size_then is above 0, got {study.step_size_then}")
    if study.schedule == "over-sharpness" and ADAPTIVE & set(study.update):
        raise ValueError("over-sharpness divides by the Hessian's own sharpness: it wants update=gd, polyak, nesterov or ema")
    if study.beside != "nothing":
        if study.update != ("gd",):
            raise ValueError(f"what runs beside corresponds to plain gradient descent: beside={study.beside} wants update=gd")
        if study.schedule != "constant" or study.batch_size is not None:
            raise ValueError(f"beside={study.beside} wants schedule=constant and batch_size=none")


def _check_examples(study: "EdgeOfStability") -> None:
    for name in ("batch_size", "ghost_batch"):
        if (size := getattr(study, name)) is not None and size < 1:
            raise ValueError(f"{name} is at least 1, or none, got {size}")
    if study.batch_draws and study.batch_size is None:
        raise ValueError("batch_draws estimates the sharpness of mini-batches: set batch_size, or batch_draws=0")
    if study.segment_points == 1:
        raise ValueError("segment_points has the two ends at least: 0 or 2 and more, got 1")
