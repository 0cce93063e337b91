"""The sharpness in a Lightning ``Trainer``'s run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Callback
from torch import Tensor

from genlab.callbacks import readings as kept
from genlab.callbacks.readings import Reading
from genlab.callbacks.thresholds import threshold
from genlab.callbacks.undisturbed import own_chance, refuse_if_sharded, undisturbed
from genlab.callbacks.watch import Cadence, Watch, on_device, some
from genlab.training.losses import Loss
from genlab.training.parameters import Choice
from genlab.training.problem import Problem


class LightningSharpness(Callback):
    """Measures the sharpness of the training loss every so many steps, on fixed training examples.

    ::

        watch = LightningSharpness(every=50, loss=genlab.cross_entropy)
        lightning.Trainer(..., callbacks=[watch]).fit(module, loader)
        watch.readings  # also in sharpness.json in the log folder, and in the logger beside the loss

    A LightningModule's ``training_step`` is no function of its examples alone (it logs, it draws), so the loss is named: one
    value an example, of what ``forward`` returns. It measures in eval mode (no dropout; batch norm by running averages), in
    float32, on rank 0 while the others wait. The training is bit for bit the one without it. A loss that is NaN is recorded as
    such. A resumed run goes on with the readings and eigenvectors of its checkpoint.

    Args:
        every: optimizer steps between two readings; the first is before the first step.
        loss: from outputs and targets, one value an example; None with ``problem``.
        problem: from the LightningModule to what is measured, where ``forward`` and batches of (inputs, targets) do not say.
        examples: how many of the training data, chosen by key and collated as the loader does; or (inputs, targets) themselves.
        k: eigenvalues.
        tolerance: largest relative residual of a converged reading.
        most_products: budget of one reading; one that ends there has not converged.
        physical_batch: examples in one forward pass.
        parameters: which ones, see ``Problem``; None for those that train.
        out: folder or ``.json`` file of the readings; None for the trainer's log folder.
        seed: of the choice of examples.

    Raises:
        ValueError: no loss; or, at the start of training, what cannot be measured.
    """

    def __init__(
        self,
        every: int,
        loss: Loss | None = None,
        *,
        problem: Callable[[Any], Problem] | None = None,
        examples: int | tuple[Any, Tensor] = 256,
        k: int = 1,
        tolerance: float = 1e-3,
        most_products: int = 300,
        physical_batch: int = 256,
        parameters: Choice | None = None,
        out: str | Path | None = None,
        seed: int = 0,
    ) -> None:
        if (loss is None) == (problem is None):
            raise ValueError(
                "pass loss=, one value an example such as genlab.cross_entropy, or problem=, a function from the module to "
                "the Problem to measure, and not both"
            )
        if isinstance(examples, int) and examples < 1:
            raise ValueError(f"examples is at least 1, got {examples}")
        self.cadence = Cadence(every, k, tolerance, most_products)
        self.loss = loss
        self.problem = problem
        self.examples = examples
        self.physical_batch = physical_batch
        self.parameters = parameters
        self.out = None if out is None else Path(out)
        self.seed = seed
        self._watch: Watch | None = None
        self._known: dict[str, Any] | None = None

    @property
    def readings(self) -> tuple[Reading, ...]:
        """What was measured so far; empty on processes other than rank 0."""
        return () if self._watch is None else tuple(self._watch.readings)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        refuse_if_sharded(pl_module)
        if not trainer.is_global_zero:
            return
        file = self.out or Path(trainer.log_dir or trainer.default_root_dir)
        with undisturbed(pl_module):
            measured = self._problem(trainer, pl_module)
        self._watch = Watch(measured, self.cadence, file if file.suffix == ".json" else file / kept.FILE)
        if self._known is not None:
            readings = [Reading.from_json(each) for each in self._known["readings"]]
            self._watch.resume(readings, self._known["vectors"])

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if self._watch is not None and self._watch.due(trainer.global_step):
            reading = self._watch.measure(trainer.global_step, _threshold(trainer))
            pl_module.log_dict(reading.logged(), on_step=True, on_epoch=False, rank_zero_only=True, batch_size=1)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        if self._watch is not None and self._watch.due(trainer.global_step):
            reading = self._watch.measure(trainer.global_step, _threshold(trainer))
            for logger in trainer.loggers:  # a module may no longer log
                logger.log_metrics(reading.logged(), step=trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        if self._watch is None:
            return {}
        return {"readings": [each.to_json() for each in self._watch.readings], "vectors": self._watch.vectors()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._known = state_dict or None

    def _problem(self, trainer: Any, module: Any) -> Problem:
        if self.problem is not None:
            return self.problem(module)
        assert self.loss is not None
        if isinstance(self.examples, int):
            loader = trainer.train_dataloader
            if not hasattr(loader, "dataset"):
                raise ValueError(
                    f"examples cannot be chosen from {type(loader).__name__}, no DataLoader: pass examples=(inputs, targets)"
                )
            with own_chance():  # a data set may augment
                batch = loader.collate_fn(some(loader.dataset, self.examples, self.seed))
        else:
            batch = self.examples
        if not isinstance(batch, tuple | list) or len(batch) != 2 or not isinstance(batch[1], Tensor):
            raise ValueError(
                f"a batch is (inputs, targets), got {type(batch).__name__}: pass examples=(inputs, targets), or problem=, a "
                "function from the module to the Problem to measure"
            )
        inputs, targets = batch
        return Problem(
            module,
            self.loss,
            on_device(inputs, module),
            on_device(targets, module),
            self.physical_batch,
            parameters=self.parameters,
        )


def _threshold(trainer: Any) -> float | None:
    return threshold(trainer.optimizers[0]) if len(trainer.optimizers) == 1 else None
