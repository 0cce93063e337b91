"""Which epoch's model to keep: each is scored on data that it was not trained on, and the best one stays.

Instruct-SkillMix chooses among 15 epochs so (Kaur et al. 2024, 2408.14774: model card, epoch 7).
"""

import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from genlab.finetuning import keeping
from genlab.finetuning.folder import Folder
from genlab.finetuning.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset

SCORES, BEST = "epochs.json", "best"


@dataclass(frozen=True)
class Best:
    """The epoch that was kept.

    Attributes:
        epoch: from 1; the earliest of those that scored best.
        scores: of every epoch; NaN where it could not be scored.
        folder: its model, an ordinary Hugging Face folder.
    """

    epoch: int
    scores: Mapping[int, float]
    folder: Path


class BestEpoch(TrainerCallback):
    """A callback for ``finetune``: after each epoch the model is scored, and the best so far lies in ``best/``.

    Where the recipe has a broken number of epochs, the last part counts as one. A run that is resumed scores the epochs after
    its checkpoint again.

    Args:
        recipe: the one that ``finetune`` gets; method "full", in one process.
        score: from a model's folder and the epoch, from 1, to a number; larger is better, NaN is never best.

    Raises:
        ValueError: another method, or several processes.
    """

    def __init__(self, recipe: Recipe, score: Callable[[Path, int], float]) -> None:
        if recipe.method != "full":
            raise ValueError(f"choosing an epoch wants method=full, got {recipe.method}: an adapter is merged at the end only")
        self.recipe, self.score = recipe, score
        self._ends: list[int] = []
        self._folder: Folder | None = None

    def attend(self, examples: "Dataset", out: Path) -> None:
        """Find the steps at which epochs end."""
        self._folder = Folder(out)
        a_step = self.recipe.batch * self.recipe.accumulate
        steps, epochs = self.recipe.count(len(examples)), math.ceil(self.recipe.met(len(examples)) / len(examples))
        self._ends = [min(steps, math.ceil(epoch * len(examples) / a_step)) for epoch in range(1, epochs + 1)]

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if args.world_size > 1:
            raise ValueError(f"choosing an epoch wants one process, got {args.world_size}: score their models afterwards")

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if state.global_step in self._ends:
            self._scored(self._ends.index(state.global_step) + 1, others["model"], others["processing_class"])

    def _scored(self, epoch: int, model: Any, tokenizer: Any) -> None:
        assert self._folder is not None
        final = self._folder.place / BEST
        draft = self._folder.draft(final)
        model.save_pretrained(draft)
        tokenizer.save_pretrained(draft)
        keeping.finish(draft, self.recipe, self._ends[epoch - 1])
        scores = {each: score for each, score in scores_of(self._folder.place).items() if each < epoch}
        scores[epoch] = float(self.score(draft, epoch))
        if _best(scores) == epoch:
            self._folder.publish(final)
        else:
            shutil.rmtree(draft)
        self._folder.write(SCORES, {str(each): _number(score) for each, score in scores.items()})


def best_epoch(out: str | Path) -> Best:
    """What ``BestEpoch`` kept in a folder of ``finetune``.

    Raises:
        ValueError: nothing, or no epoch that could be scored.
    """
    scores = scores_of(Path(out))
    epoch = _best(scores)
    if epoch is None:
        raise ValueError(f"{out} holds no epoch with a score: fine-tune with BestEpoch among the callbacks")
    return Best(epoch, scores, Path(out) / BEST)


def scores_of(out: Path) -> dict[int, float]:
    """The scores of the epochs so far."""
    known = Folder(out).read(SCORES) or {}
    return {int(epoch): math.nan if score is None else float(score) for epoch, score in known.items()}


def _best(scores: Mapping[int, float]) -> int | None:
    known = {epoch: score for epoch, score in scores.items() if not math.isnan(score)}
    return min(known, key=lambda epoch: (-known[epoch], epoch)) if known else None


def _number(score: float) -> float | None:
    return None if math.isnan(score) else score
