"""What the fields of a study made of bundles may be."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genlab.studies.bundles.plan import METHODS, MICROBATCHED, STRONG

if TYPE_CHECKING:
    from genlab.studies.bundles.study import Bundles

WITHOUT_MICROBATCH = ("sgd", "l2", "external", "ngd")


def check(study: "Bundles") -> None:
    """Refuse fields that make no run, or that a run would not use.

    Raises:
        ValueError: what was expected, what came, and what to type.
    """
    at_least = {"seeds": 1, "steps": 1, "check_every": 1, "read_every": 1, "physical_batch": 1}
    at_least |= dict.fromkeys(("first_seed", "noise_of", "curvature_every", "segment_points", "ghost_batch", "donor_batch"), 0)
    for name, least in at_least.items():
        if getattr(study, name) < least:
            raise ValueError(f"{name} is at least {least}, got {getattr(study, name)}")
    if study.segment_points == 1:
        raise ValueError("segment_points has the two ends at least: 0 or 2 and more, got 1")
    if study.ghost_batch and study.noise_of % study.ghost_batch:
        raise ValueError(
            f"noise_of is a multiple of ghost_batch={study.ghost_batch}, of which micro-batches are made, got {study.noise_of}"
        )
    if study.read_every % study.check_every:
        near = study.check_every * max(1, round(study.read_every / study.check_every))
        raise ValueError(f"read_every is a multiple of check_every={study.check_every}, got {study.read_every}: try {near}")
    if study.curvature_every % study.read_every:
        near = study.read_every * max(1, round(study.curvature_every / study.read_every))
        raise ValueError(
            f"curvature_every is a multiple of read_every={study.read_every}, got {study.curvature_every}: try {near}"
        )
    if study.curvature_every and not study.curvature:
        raise ValueError(f"curvature is off, so nothing is measured every {study.curvature_every} steps: set curvature=true")
    for name in ("network", "batch_size", "method", "microbatch", "step_size", "strength"):
        if not getattr(study, name):
            raise ValueError(f"{name} has at least one value, got none")
    for method in study.method:
        if method not in METHODS:
            raise ValueError(f"method is one of {', '.join(METHODS)}, got {method!r}")
    _check_values("step_size", study.step_size, above=True)
    _check_values("strength", study.strength, above=False)
    _check_values("batch_size", study.batch_size, above=True)
    _check_values("microbatch", study.microbatch, above=False)
    _check_methods(study)
    for name in ("goal_accuracy", "goal_loss"):
        if (goal := getattr(study, name)) is not None and not 0 <= goal < math.inf:
            raise ValueError(f"{name} is a number of at least 0, or none, got {goal}")


def _check_values(name: str, values: Sequence[float], *, above: bool) -> None:
    wrong = [each for each in values if not (each > 0 if above else each >= 0) or not math.isfinite(each)]
    if wrong:
        raise ValueError(f"{name} is {'above' if above else 'at least'} 0 and finite, got {wrong[0]}")
    if len(set(values)) < len(values):
        raise ValueError(f"{name} names a value twice: {', '.join(f'{each:g}' for each in values)}")


def _check_methods(study: "Bundles") -> None:
    strong = [each for each in study.method if each in STRONG]
    if any(study.strength) and not strong:
        raise ValueError(f"strength is for {', '.join(STRONG)}, got method={','.join(study.method)}: set strength=0")
    needy = [each for each in study.method if each in MICROBATCHED and each != "sam"]
    if needy and not all(study.microbatch):
        raise ValueError(f"{needy[0]} looks at micro-batches: set microbatch=... above 0, as large as the batch for all of it")
    if any(study.microbatch) and all(each in WITHOUT_MICROBATCH for each in study.method):
        raise ValueError(f"microbatch is for {', '.join(MICROBATCHED)}, got method={','.join(study.method)}: set microbatch=0")
    external = "external" in study.method
    if external != bool(study.donor_batch) or external != (study.donor_step_size is not None):
        raise ValueError(
            "external grafting takes the norms of a run that it trains beside it: method=external wants donor_batch and "
            f"donor_step_size, and nothing else does; got method={','.join(study.method)}, donor_batch={study.donor_batch}, "
            f"donor_step_size={study.donor_step_size}"
        )
    if study.donor_step_size is not None:
        _check_values("donor_step_size", [study.donor_step_size], above=True)
