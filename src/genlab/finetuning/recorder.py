"""What happens during a fine-tuning: losses, the time, checkpoints that are known to be whole, Ctrl-C, divergence."""

import json
import math
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from transformers import TrainerCallback

from genlab.finetuning.folder import FINISHED, write_json
from genlab.finetuning.recipe import Recipe
from genlab.finetuning.trainer import Trainer

Report = Callable[[int, int, float], None]


class DivergedError(Exception):
    """The loss of ``step`` is no number."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss of step {step} is NaN or infinite")
        self.step = step


class Recorder(TrainerCallback):
    """Attached to a trainer; ``losses`` holds (step, loss), steps from 1.

    Raises:
        DivergedError: out of the training loop, before the step that a loss of NaN or infinity would have made.
    """

    def __init__(self, recipe: Recipe, report: Report | None) -> None:
        self.recipe = recipe
        self.report = report
        self.trainer: Trainer | None = None
        self.losses: list[tuple[int, float]] = []
        self.interrupted = False
        self._asked = False
        self._before = 0.0
        self._started = 0.0

    @property
    def seconds(self) -> float:
        """Wall time in training, over all sessions whose steps count."""
        return self._before + (time.perf_counter() - self._started if self._started else 0.0)

    def resume(self, checkpoint: Path) -> None:
        """Go on from what a checkpoint knows."""
        known = json.loads((checkpoint / FINISHED).read_text())
        self.losses = [(step, loss) for step, loss in known["losses"]]
        self._before = known["seconds"]

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._started = time.perf_counter()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        assert self.trainer is not None
        assert self.trainer.step_loss is not None
        loss, self.trainer.step_loss = self.trainer.step_loss, None
        accelerator = self.trainer.accelerator
        if accelerator.num_processes > 1:  # all processes must take one view of loss and Ctrl-C, or they wait for each other
            both = accelerator.reduce(torch.stack([loss.float(), loss.new_tensor(float(self._asked)).float()]), "mean")
            loss, self.interrupted = both[0], bool(both[1] > 0)
        value = loss.item()
        if not math.isfinite(value):
            raise DivergedError(state.global_step + 1)
        self.losses.append((state.global_step + 1, value))

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        done = state.global_step
        if args.world_size == 1:
            self.interrupted = self._asked
        if self.report is not None and state.is_world_process_zero:
            self.report(done, state.max_steps, self.losses[-1][1])
        if done < state.max_steps:
            control.should_save |= self.interrupted or (self.recipe.save_every > 0 and done % self.recipe.save_every == 0)
            control.should_training_stop |= self.interrupted

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        assert self.trainer is not None
        self.trainer.accelerator.wait_for_everyone()
        if state.is_world_process_zero:
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            write_json(checkpoint / FINISHED, {"losses": self.losses, "seconds": self.seconds})

    def __enter__(self) -> "Recorder":
        """Take Ctrl-C: the step at hand is finished and kept. A second one interrupts at once."""
        self._handler: Any = None
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *error: object) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
