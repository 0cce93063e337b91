"""The library curvlinops as an oracle, on problems of ours.

Not in the ``dev`` extra but in oracles.txt, which says why; ``make test`` installs it.
"""

import importlib
import os
from typing import Any

import pytest
import torch
from torch import nn

from genlab.training.problem import Problem


def library() -> Any:
    """The module ``curvlinops``; skips the test where it is not installed, but not when CI=true."""
    if os.environ.get("CI"):
        return importlib.import_module("curvlinops")
    return pytest.importorskip("curvlinops", reason="pip install --no-deps -r oracles.txt")


def operator_of(name: str, problem: Problem, loss: str) -> Any:
    """Its operator ``name`` for the mean loss over the same examples."""
    theirs: dict[str, nn.Module] = {"mse": nn.MSELoss(reduction="sum"), "ce": nn.CrossEntropyLoss(reduction="mean")}
    parameters = [each for each in problem.module.parameters() if each.requires_grad]
    targets = problem.targets
    if loss == "mse" and not targets.is_floating_point():
        targets = nn.functional.one_hot(targets, int(targets.max()) + 1).to(torch.float64)
    data = [(problem.inputs, targets)]
    found = getattr(library(), name)(problem.module, theirs[loss], parameters, data)
    return found * (0.5 / len(targets)) if loss == "mse" else found  # ours: half, summed over outputs, mean over examples
