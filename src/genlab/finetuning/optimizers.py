"""The optimizers of a recipe, by name: PyTorch's AdamW, and genlab's own updates behind PyTorch's interface."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from genlab.finetuning.recipe import Recipe
from genlab.training.updates import GradientDescent, Nesterov, Polyak, Update

Groups = list[dict[str, Any]]
NOTHING = "nothing"  # memory of an update without one: torch 2.13 cannot load a sharded optimizer that holds no tensor at all


class Updates(torch.optim.Optimizer):
    """Moves each tensor of weights by an update of ``genlab.training.updates``, with AdamW's decoupled weight decay.

    Args:
        groups: parameter groups, each with its ``weight_decay``.
        update: its step size is replaced by the group's learning rate at every step.
    """

    def __init__(self, groups: Groups, update: Update) -> None:
        super().__init__(groups, {"lr": update.step_size, "weight_decay": 0.0})
        self.update = update

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # torch overloads it
        """One update from the gradients that lie in ``.grad``."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            still = group["lr"] == 0  # so torch makes the memory of a sharded optimizer, before it fills it from a checkpoint
            update = replace(self.update, step_size=1.0 if still else group["lr"])  # type: ignore[type-var]  # all are dataclasses
            for weights in group["params"]:
                if weights.grad is None:
                    continue
                weights.mul_(1 - group["lr"] * group["weight_decay"])
                moved, memory = update(weights, weights.grad, self.state[weights] or None)
                if not still:
                    weights.copy_(moved)
                for name, vector in (memory or {}).items():
                    self.state[weights][name] = vector.clone() if vector is weights.grad else vector
                if not self.state[weights]:
                    self.state[weights][NOTHING] = torch.zeros(1, device=weights.device)
        return loss


OPTIMIZERS: dict[str, Callable[[Groups, Recipe], torch.optim.Optimizer]] = {
    "adamw": lambda groups, recipe: torch.optim.AdamW(groups, lr=recipe.step_size, betas=recipe.betas, fused=True),
    "sgd": lambda groups, recipe: Updates(groups, GradientDescent(recipe.step_size)),
    "polyak": lambda groups, recipe: Updates(groups, Polyak(recipe.step_size, recipe.momentum)),
    "nesterov": lambda groups, recipe: Updates(groups, Nesterov(recipe.step_size, recipe.momentum)),
}


def build(named: Iterable[tuple[str, nn.Parameter]], recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over the trainable ones of ``named`` parameters; only matrices decay."""
    trained = [weights for _, weights in named if weights.requires_grad]
    groups: Groups = [
        {"params": [each for each in trained if each.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [each for each in trained if each.ndim < 2], "weight_decay": 0.0},
    ]
    return OPTIMIZERS[recipe.optimizer]([group for group in groups if group["params"]], recipe)
