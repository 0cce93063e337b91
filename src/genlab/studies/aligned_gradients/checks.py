"""What the fields of the study may be."""

import math
from typing import TYPE_CHECKING

from genlab.studies.aligned_gradients.plan import ARMS

if TYPE_CHECKING:
    from genlab.studies.aligned_gradients.study import AlignedGradients


def check(study: "AlignedGradients") -> None:
    """Refuse fields that make no run.

    Raises:
        ValueError: what was expected, what came, and what to type.
    """
    if not study.data.partition("/")[0].endswith("-pixels"):
        base, slash, split = study.data.partition("/")
        raise ValueError(f"noise wants images in [0, 1], got data={study.data}: set data={base}-pixels{slash}{split}")
    least = {"seeds": 1, "steps": 1, "most_steps": 1, "batch_size": 1, "attack_steps": 1, "vectors": 1, "images": 2}
    least |= {"ascent_steps": 1, "certified": 0, "first_draws": 1, "draws": 1, "shown": 0, "first_seed": 0}
    for name, value in least.items():
        if getattr(study, name) < value:
            raise ValueError(f"{name} is at least {value}, got {getattr(study, name)}")
    for name in ("step_size", "attack_radius", "radius"):
        if not (getattr(study, name) > 0 and math.isfinite(getattr(study, name))):
            raise ValueError(f"{name} is above 0 and finite, got {getattr(study, name)}")
    if not 1 <= len(study.network) <= 2:
        raise ValueError(f"network is two architectures, each judged by the other, or one; got {len(study.network)}")
    if not study.sigma or min(study.sigma) <= 0 or len(set(study.sigma)) < len(study.sigma):
        raise ValueError(f"sigma is one or several numbers above 0, none twice, got {study.sigma}")
    if not study.samples or list(study.samples) != sorted(set(study.samples)) or study.samples[0] < 1:
        raise ValueError(f"samples rise from at least 1, got {study.samples}")
    for arm in study.arms:
        if arm not in ARMS:
            raise ValueError(f"arms are of {', '.join(ARMS)}, got {arm!r}")
    if len(set(study.arms)) < len(study.arms):
        raise ValueError(f"arms names one twice: {', '.join(study.arms)}")
    if not 0 <= study.momentum < 1:
        raise ValueError(f"momentum is in [0, 1), got {study.momentum}")
    if not 0 < study.goal_accuracy <= 1:
        raise ValueError(f"goal_accuracy is a share above 0, got {study.goal_accuracy}")
    if not 0 < study.alpha < 1:
        raise ValueError(f"alpha is a probability in (0, 1), got {study.alpha}")
    if study.shown > study.images:
        raise ValueError(f"shown is at most images={study.images}, got {study.shown}")
