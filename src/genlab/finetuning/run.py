"""Fine-tune a language model by a recipe: one call, that goes on where it stopped."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch

from genlab.callbacks.undisturbed import own_chance
from genlab.finetuning import assembly, conversations, keeping, manners, sharded
from genlab.finetuning.folder import Folder, model_fingerprint
from genlab.finetuning.order import order
from genlab.finetuning.recipe import Recipe
from genlab.finetuning.recorder import DivergedError, Recorder, Report

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import TrainerCallback


@runtime_checkable
class Attends(Protocol):
    """A callback that looks at the data before training, and may write into the run's folder."""

    def attend(self, examples: "Dataset", out: Path) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """What came of a fine-tuning.

    Attributes:
        steps: updates made.
        losses: (step, loss) of every step whose loss is finite, steps from 1: the mean negative log-likelihood of the step's
            labelled tokens, in nats.
        tokens: tokens that the model read, those without a label among them, padding not.
        seconds: wall time in the training loop, over all sessions.
        folder: the final model; None after divergence, where there is none.
        diverged_at: the step whose loss was NaN or infinite; None as a rule.
        examples: trained on, in one pass over the data.
        cut: those of them that fill ``max_length``, and may have lost their end.
        dropped: examples left out, because nothing to learn was within ``max_length``.
    """

    steps: int
    losses: tuple[tuple[int, float], ...]
    tokens: int
    seconds: float
    folder: Path | None
    diverged_at: int | None = None
    examples: int = 0
    cut: int = 0
    dropped: int = 0


def finetune(
    recipe: Recipe,
    out: str | Path,
    *,
    train: "Dataset | str | Path",
    callbacks: "Sequence[TrainerCallback]" = (),
    report: Report | None = None,
    device: str = "auto",
) -> Outcome:
    """Fine-tune ``recipe.model`` on ``train`` into the folder ``out``; the model is then in ``out``/model.

    The same call goes on from the last checkpoint, and returns the outcome of a run that has ended. In float32 on a CPU a run
    that was interrupted ends with the weights of one that was not, bit for bit. Under ``accelerate launch`` every process
    makes the call, the first one writes, and every process gets the outcome.

    Checkpoints are Trainer's: weights in safetensors (of a sharded model in pytorch_model_fsdp.bin); that, its optimizer.pt
    (.bin), scheduler.pt and rng_state.pth are read by ``torch.load(weights_only=True)``, which builds tensors and plain values
    and runs nothing. Its training_args.bin, a real pickle, is never read and stands in no final folder. Starting models are
    read from safetensors only.

    Args:
        recipe: how.
        out: a folder of its own: a new one, or one that the same call began.
        train: see ``conversations.read``.
        callbacks: transformers' TrainerCallbacks. One that stops the training early ends it well; one with a method
            ``attend(examples, out)`` gets the tokenised examples, each once, and the folder, before training begins.
        report: called as ``report(steps done, steps in all, loss)`` after every step.
        device: "cpu", "cuda", or "auto", which takes a GPU where there is one.

    Raises:
        ValueError: data, model or folder do not fit; the message says what to change.
        KeyboardInterrupt: Ctrl-C, after a checkpoint was written; a second one at once.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device is auto, cpu or cuda, got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda: PyTorch sees no GPU here; take cpu, or install a PyTorch built for your GPU")
    with manners.quiet(), own_chance():
        arguments = assembly.arguments(recipe, Path(out), device)
        folder = Folder(out, writes=arguments.process_index == 0)
        with folder.alone():
            data = conversations.read(train)
            facts = {
                "recipe": recipe.to_json(),
                "data": conversations.fingerprint(data),
                "base": model_fingerprint(recipe.source),
                "processes": arguments.world_size,
            } | ({"sharded": True} if sharded.asked() else {})
            with arguments.main_process_first(local=False):
                folder.begin(facts)
            known = folder.read("outcome.json")
            if known is not None:
                return _outcome(known, folder)
            return _train(recipe, folder, data, arguments, callbacks, report)


def _train(
    recipe: Recipe,
    folder: Folder,
    data: "Dataset",
    arguments: Any,
    callbacks: "Sequence[TrainerCallback]",
    report: Report | None,
) -> Outcome:
    recorder = Recorder(recipe, report)
    trainer = assembly.trainer(recipe, data, arguments, [*callbacks, recorder])
    recorder.trainer = trainer
    prepared: Any = trainer.train_dataset
    lengths = [len(ids) for ids in prepared["input_ids"]]
    processes = arguments.world_size
    steps = recipe.count(len(lengths), processes)
    a_step = recipe.batch * recipe.accumulate * processes
    met = order(lengths, recipe.met(len(lengths), processes), recipe.batch, recipe.seed, by_length=recipe.by_length)
    for callback in callbacks:
        if isinstance(callback, Attends):
            callback.attend(prepared, folder.place)
    trainer.train_dataset = prepared.select(met)
    checkpoint = folder.last_checkpoint()
    if checkpoint is not None:
        recorder.resume(checkpoint)
    diverged_at = None
    network: Any = trainer.model
    with recorder, manners.fit_threads(network):
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except DivergedError as divergence:
            diverged_at = divergence.step
    made = trainer.state.global_step
    if recorder.interrupted and made < steps and diverged_at is None:
        raise KeyboardInterrupt
    if diverged_at is None:
        keeping.keep(recipe, folder, trainer)
    outcome = Outcome(
        steps=made,
        losses=tuple(recorder.losses),
        tokens=sum(lengths[index] for index in met[: made * a_step]),
        seconds=recorder.seconds,
        folder=None if diverged_at else folder.model,
        diverged_at=diverged_at,
        examples=len(lengths),
        cut=sum(length >= recipe.max_length for length in lengths),
        dropped=len(data) - len(lengths),
    )
    if folder.writes:
        folder.write("outcome.json", asdict(outcome) | {"folder": None if diverged_at else folder.model.name})
        folder.tidy()
    trainer.accelerator.wait_for_everyone()
    if recorder.interrupted:
        raise KeyboardInterrupt
    return outcome


def _outcome(known: dict[str, Any], folder: Folder) -> Outcome:
    losses = tuple((step, loss) for step, loss in known["losses"])
    return Outcome(**(known | {"losses": losses, "folder": folder.place / known["folder"] if known["folder"] else None}))
