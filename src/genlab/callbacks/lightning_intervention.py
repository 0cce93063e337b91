"""An intervention in a Lightning ``Trainer``'s run."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from genlab.callbacks.own_loss import refuse_another_loss
from genlab.callbacks.undisturbed import own_chance
from genlab.interventions.plain_loop import intervened, is_off, refuse_physical_batch
from genlab.training.loop import Intervention
from genlab.training.losses import Loss
from genlab.training.parameters import Choice
from genlab.training.problem import Problem, Slope


class LightningIntervention(Callback):
    """Puts an intervention in the place of the plain gradient of a training; everything else stays Lightning's.

    ::

        sam = LightningIntervention(Sam(0.05), loss=genlab.cross_entropy)
        lightning.Trainer(..., callbacks=[sam]).fit(module, loader)

    The module's ``training_step`` runs first and without a gradient: for what it logs, and for running averages of batch norm.
    That is an extra forward pass. The loss that Lightning goes back from is then one with the intervention's gradient
    (``intervened``): optimizers, schedules, clipping (of the gradient that the intervention made) and checkpoints stay as they
    are. Chance is keyed by the trainer's step: a resumed run goes on as if it had not stopped. At zero strength
    ``training_step`` is left alone, bit for bit as without.

    A ``training_step`` is no function of its examples alone, so the loss is named: one value an example, of what ``forward``
    returns. At the first step it is compared with the step's own.

    Args:
        intervention: ``Sam``, a penalty, a grafting, or a function like them.
        loss: from outputs and targets, one value an example; None with ``problem``.
        problem: from module and batch to the problem of a step, where ``forward`` and batches of (inputs, targets) do not say.
        physical_batch: examples in one forward pass, to bound memory; None: all of the batch.
        parameters: which ones, see ``Problem``; None for those that train.

    Attributes:
        found: loss, penalty and gradient of the last step; None before the first and at zero strength.

    Raises:
        ValueError: no loss; or, at the start of training, gradient accumulation, mixed precision, several processes or manual
            optimization, which would make it another method; at the first step, another loss than ``training_step``'s.
    """

    def __init__(
        self,
        intervention: Intervention,
        loss: Loss | None = None,
        *,
        problem: Callable[[Any, Any], Problem] | None = None,
        physical_batch: int | None = None,
        parameters: Choice | None = None,
    ) -> None:
        if (loss is None) == (problem is None):
            raise ValueError(
                "pass loss=, one value an example such as genlab.cross_entropy, or problem=, a function from module and batch to "
                "the Problem of a step, and not both"
            )
        self.intervention = intervention
        self.loss = loss
        self.problem = problem
        self.physical_batch = physical_batch
        self.parameters = parameters
        self.found: Slope | None = None
        self._compared = False

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        _refuse(trainer, pl_module)
        if is_off(self.intervention):
            return
        own = pl_module.training_step

        @functools.wraps(own)
        def training_step(batch: Any, *others: Any, **named: Any) -> Any:
            with torch.no_grad(), own_chance():
                made = own(batch, *others, **named)
            if made is None:
                return None
            problem = self._problem(pl_module, batch)
            if not self._compared:
                refuse_another_loss(problem, float(made["loss"] if isinstance(made, Mapping) else made))
                self._compared = True
            loss, self.found = intervened(problem, self.intervention, trainer.global_step)
            return {**made, "loss": loss} if isinstance(made, Mapping) else loss

        pl_module.training_step = training_step

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        vars(pl_module).pop("training_step", None)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        vars(pl_module).pop("training_step", None)

    def _problem(self, module: Any, batch: Any) -> Problem:
        if self.problem is not None:
            return self.problem(module, batch)
        assert self.loss is not None
        if not isinstance(batch, tuple | list) or len(batch) != 2 or not isinstance(batch[1], Tensor):
            raise ValueError(
                f"a batch is (inputs, targets), got {type(batch).__name__}: pass problem=, a function from module and batch to "
                "the Problem of a step"
            )
        inputs, targets = batch
        problem = Problem(
            module, self.loss, inputs, targets, self.physical_batch or max(1, len(targets)), parameters=self.parameters
        )
        refuse_physical_batch(problem)
        return problem


def _refuse(trainer: Any, module: Any) -> None:
    if not module.automatic_optimization:
        raise ValueError(
            "the module optimizes by hand: call genlab.backward(self.network, loss, inputs, targets, intervention, "
            "step=self.global_step) in training_step in the place of manual_backward, and leave this callback out"
        )
    parts = trainer.accumulate_grad_batches
    if parts != 1:
        raise ValueError(
            f"an intervention sees the whole batch of a step, and accumulate_grad_batches={parts} cuts it: set "
            f"accumulate_grad_batches=1, load {parts} times as many examples a batch and, for the same memory, pass "
            "physical_batch= with the number of before"
        )
    if trainer.precision not in ("32-true", "64-true"):
        raise ValueError(
            f"an intervention is computed in full precision, and the trainer's is {trainer.precision}: set precision='32-true'"
        )
    if trainer.world_size > 1:
        raise ValueError(
            f"an intervention sees the whole batch of a step in one process, got {trainer.world_size}: set devices=1, num_nodes=1"
        )
