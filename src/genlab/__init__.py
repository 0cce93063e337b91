"""genlab: a workbench for experiments on generalization. Studies are run from the command line; these are the parts.

Names are imported when they are first used, so that ``import genlab`` costs nothing and needs no torch.
"""

import importlib
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genlab.probes.eigen import Eigenpairs
    from genlab.probes.hessian import Hessian
    from genlab.probes.tracker import Tracker, sharpness
    from genlab.results.store import Store
    from genlab.training.flow import flow
    from genlab.training.loop import descend
    from genlab.training.losses import cross_entropy, half_squared_error
    from genlab.training.problem import Problem
    from genlab.training.updates import GradientDescent, Nesterov, Polyak

_HOMES = {
    "Eigenpairs": "genlab.probes.eigen",
    "GradientDescent": "genlab.training.updates",
    "Hessian": "genlab.probes.hessian",
    "Nesterov": "genlab.training.updates",
    "Polyak": "genlab.training.updates",
    "Problem": "genlab.training.problem",
    "Store": "genlab.results.store",
    "Tracker": "genlab.probes.tracker",
    "cross_entropy": "genlab.training.losses",
    "descend": "genlab.training.loop",
    "flow": "genlab.training.flow",
    "half_squared_error": "genlab.training.losses",
    "sharpness": "genlab.probes.tracker",
}

__all__ = [
    "Eigenpairs",
    "GradientDescent",
    "Hessian",
    "Nesterov",
    "Polyak",
    "Problem",
    "Store",
    "Tracker",
    "cross_entropy",
    "descend",
    "flow",
    "half_squared_error",
    "sharpness",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("genlab")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'genlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
