"""The sharpness in a Hugging Face ``Trainer``'s run, TRL's trainers among them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from transformers import TrainerCallback

from genlab.callbacks import readings as kept
from genlab.callbacks.readings import Reading
from genlab.callbacks.thresholds import threshold
from genlab.callbacks.undisturbed import own_chance, refuse_if_sharded, undisturbed
from genlab.callbacks.watch import Cadence, Watch, some
from genlab.training.hugging_face import padded, transformers_problem
from genlab.training.parameters import Choice
from genlab.training.problem import Problem

VECTORS = "sharpness.safetensors"


class TrainerSharpness(TrainerCallback):
    """Measures the sharpness of the training loss every so many steps, on fixed training examples.

    ::

        watch = TrainerSharpness(every=50).attach(trainer)
        trainer.train()
        watch.readings  # also in output_dir/sharpness.json, and in the trainer's log beside the loss

    Passed as ``callbacks=[TrainerSharpness(every=50)]`` it measures the same, and its numbers reach ``state.log_history``;
    TensorBoard, W&B and the like see them only of an attached one, for a callback has no way to a trainer's log.

    It measures in eval mode (no dropout, no gradient checkpointing), in float32, on the process of rank 0, while the others wait.
    The training is bit for bit the one without it. A loss that is NaN is recorded as such. A resumed run goes on with the
    readings and eigenvectors of its checkpoint, which holds (k + 1) times the measured parameters for them.

    Args:
        every: steps between two readings; the first is before the first step.
        examples: how many of the training data, chosen by key and collated as the trainer does; or the examples themselves.
        k: eigenvalues.
        tolerance: largest relative residual of a converged reading.
        most_products: budget of one reading; one that ends there has not converged.
        physical_batch: examples in one forward pass.
        parameters: which ones, see ``Problem``; None for those that train, with LoRA the adapter's.
        problem: from the model to what is measured, where the loss is none that ``transformers_problem`` knows.
        out: folder or ``.json`` file of the readings; None for the trainer's ``output_dir``.
        seed: of the choice of examples.
        resume: False begins anew where a checkpoint knows nothing of the sharpness.

    Raises:
        ValueError: at the start of training, what cannot be measured: see ``transformers_problem`` and ``refuse_if_sharded``.
    """

    def __init__(
        self,
        every: int,
        *,
        examples: int | Sequence[Mapping[str, Any]] = 32,
        k: int = 1,
        tolerance: float = 1e-3,
        most_products: int = 300,
        physical_batch: int = 8,
        parameters: Choice | None = None,
        problem: Callable[[Any], Problem] | None = None,
        out: str | Path | None = None,
        seed: int = 0,
        resume: bool = True,
    ) -> None:
        number = examples if isinstance(examples, int) else len(examples)
        if every < 1 or number < 1:
            raise ValueError(f"every and examples are at least 1, got {every} and {number}")
        self.cadence = Cadence(every, k, tolerance, most_products)
        self.examples = examples
        self.physical_batch = physical_batch
        self.parameters = parameters
        self.problem = problem
        self.out = None if out is None else Path(out)
        self.seed = seed
        self.resume = resume
        self.trainer: Any = None
        self._data: Any = None
        self._watch: Watch | None = None

    @property
    def readings(self) -> tuple[Reading, ...]:
        """What was measured so far; empty on processes other than rank 0."""
        return () if self._watch is None else tuple(self._watch.readings)

    def attach(self, trainer: Any) -> "TrainerSharpness":
        """Add itself to a trainer, and write into its log."""
        self.trainer = trainer
        if self not in trainer.callback_handler.callbacks:
            trainer.add_callback(self)
        return self

    def attend(self, examples: Any, out: Path) -> None:
        """Choose from these examples, and write into this folder if no other was named: ``genlab.finetuning`` calls it."""
        self._data = examples
        self.out = self.out or out

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        model = others["model"]
        if getattr(args, "fsdp", None):
            raise ValueError("the sharpness needs whole parameters, FSDP splits them: train with plain data parallelism")
        refuse_if_sharded(model)
        if self.problem is None and getattr(args, "label_smoothing_factor", 0.0) > 0:
            raise ValueError(
                f"the trainer smooths labels by {args.label_smoothing_factor}, which transformers_problem does not: "
                "pass problem=, a function from the model to the Problem to measure"
            )
        if not state.is_world_process_zero:
            return
        file = self.out or Path(args.output_dir)
        with undisturbed(model):
            measured = self._problem(model, others.get("train_dataloader"))
        self._watch = Watch(measured, self.cadence, file if file.suffix == ".json" else file / kept.FILE)
        if state.global_step:
            self._resume(Path(args.output_dir) / f"checkpoint-{state.global_step}")
        self._measure(state, control, others)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._measure(state, control, others)

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if self._watch is not None:
            from safetensors.torch import save_file

            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            checkpoint.mkdir(parents=True, exist_ok=True)
            save_file(self._watch.vectors(), checkpoint / VECTORS)
            kept.write(checkpoint / kept.FILE, self._watch.readings)

    def _measure(self, state: Any, control: Any, others: Mapping[str, Any]) -> None:
        if self._watch is None or not self._watch.due(state.global_step):
            return
        reading = self._watch.measure(state.global_step, threshold(others.get("optimizer")))
        if self.trainer is None:
            state.log_history.append({**reading.logged(), "epoch": state.epoch, "step": state.global_step})
            return
        asked = control.should_log  # writing a log clears it, and the loss of this step with it
        self.trainer.log(reading.logged())
        control.should_log = asked

    def _problem(self, model: nn.Module, loader: Any) -> Problem:
        if self.problem is not None:
            return self.problem(model)
        with own_chance():  # a data set may augment
            data = loader.dataset if self._data is None else self._data
            rows = some(data, self.examples, self.seed) if isinstance(self.examples, int) else list(self.examples)
            collate = getattr(loader, "collate_fn", None)
            batch = padded(rows) if collate is None else collate(rows)
        return transformers_problem(model, batch, physical_batch=self.physical_batch, parameters=self.parameters)

    def _resume(self, checkpoint: Path) -> None:
        from safetensors.torch import load_file

        assert self._watch is not None
        if (checkpoint / VECTORS).is_file():
            self._watch.resume(kept.read(checkpoint), load_file(checkpoint / VECTORS))
        elif self.resume:
            raise ValueError(
                f"{checkpoint} was written without the sharpness: go on without this callback, or pass resume=False to begin anew"
            )
