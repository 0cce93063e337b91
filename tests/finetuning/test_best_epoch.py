"""The epoch that is kept: of all that were scored the best, whatever the order, and after a stop the same."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file
from transformers import TrainerCallback

from genlab.finetuning.best_epoch import BEST, BestEpoch, best_epoch
from genlab.finetuning.recipe import Recipe
from genlab.finetuning.run import finetune
from genlab.students.generating import Writer


@pytest.fixture
def few(data: Dataset) -> Dataset:
    return data.select(range(12))


def recipe(base: str, **changes: Any) -> Recipe:
    return Recipe(base, **{"batch": 4, "step_size": 1e-2, "save_every": 1} | changes)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def chosen(base: str, data: Dataset, out: Path, scores: dict[int, float], **changes: Any) -> list[tuple[int, dict[str, Any]]]:
    """Fine-tune with given scores; the epochs as they were scored, with their weights."""
    seen = []

    def score(folder: Path, epoch: int) -> float:
        seen.append((epoch, weights(folder)))
        return scores[epoch]

    how = recipe(base, **{"epochs": len(scores)} | changes)
    finetune(how, out, train=data, device="cpu", callbacks=[BestEpoch(how, score)])
    return seen


@pytest.mark.parametrize(
    ("scores", "best"),
    [({1: 0.1, 2: 0.5, 3: 0.2}, 2), ({1: 0.5, 2: 0.5, 3: 0.5}, 1), ({1: math.nan, 2: -1.0, 3: math.nan}, 2)],
)
def test_the_best_epoch_stays_and_of_equals_the_first(
    base: str, few: Dataset, out: Path, scores: dict[int, float], best: int
) -> None:
    seen = chosen(base, few, out, scores)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    found = best_epoch(out)
    assert found.epoch == best
    assert found.folder == out / BEST
    assert [math.isnan(each) for each in found.scores.values()] == [math.isnan(each) for each in scores.values()]
    kept, expected = weights(found.folder), seen[best - 1][1]
    assert all(torch.equal(kept[name], expected[name]) for name in expected)
    assert Writer(found.folder).write([[{"role": "user", "content": "a"}]], max_tokens=2)  # an ordinary folder
    assert not list(out.glob(".best*"))


def test_the_last_epoch_is_the_final_model(base: str, few: Dataset, out: Path) -> None:
    seen = chosen(base, few, out, {1: 0.0, 2: 1.0})
    final = weights(out / "model")
    assert all(torch.equal(final[name], seen[-1][1][name]) for name in final)


def test_a_broken_number_of_epochs_ends_with_a_part(base: str, few: Dataset, out: Path) -> None:
    assert [epoch for epoch, _ in chosen(base, few, out, {1: 0.0, 2: 1.0}, epochs=1.5)] == [1, 2]


def test_a_run_that_was_stopped_keeps_the_same_epoch(base: str, few: Dataset, out: Path) -> None:
    scores = {1: 0.4, 2: 0.1, 3: 0.3}

    class Stop(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if state.global_step * 4 > 1.5 * len(few):
                raise RuntimeError("killed")

    how = recipe(base, epochs=3)
    with pytest.raises(RuntimeError, match="killed"):
        finetune(how, out, train=few, device="cpu", callbacks=[BestEpoch(how, lambda folder, epoch: scores[epoch]), Stop()])
    chosen(base, few, out, scores)
    whole = out.with_name("whole")
    chosen(base, few, whole, scores)
    one, other = best_epoch(out), best_epoch(whole)
    assert (one.epoch, one.scores) == (other.epoch, other.scores)
    assert all(torch.equal(weights(one.folder)[name], each) for name, each in weights(other.folder).items())
    shutil.rmtree(whole)


def test_what_cannot_be_chosen_among_is_said(base: str, few: Dataset, out: Path) -> None:
    with pytest.raises(ValueError, match="wants method=full, got lora"):
        BestEpoch(recipe(base, method="lora"), lambda folder, epoch: 0.0)
    chosen(base, few, out, {1: math.nan})
    with pytest.raises(ValueError, match="holds no epoch with a score"):
        best_epoch(out)
