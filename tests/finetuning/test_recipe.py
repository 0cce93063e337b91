import dataclasses
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.finetuning import optimizers
from genlab.finetuning.recipe import CHOICES, Recipe


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": ""}, "model wants"),
        ({"method": "qlora"}, "method is full or lora, got 'qlora'"),
        ({"optimizer": "lion"}, "optimizer is adamw, sgd, polyak or nesterov, got 'lion'"),
        ({"epochs": 1, "steps": 5}, "epochs or steps, not both"),
        ({"epochs": 0}, "epochs is above 0, got 0"),
        ({"steps": 2.5}, "steps is a whole number from 1, got 2.5"),
        ({"batch": 0}, "batch is a whole number from 1, got 0"),
        ({"batch": True}, "batch is a whole number from 1, got True"),
        ({"step_size": float("nan")}, "step_size is above 0, got nan"),
        ({"step_size": float("inf")}, "step_size is above 0, got inf"),
        ({"warmup": 1.5}, "warmup is a share from 0 to 1, got 1.5"),
        ({"betas": (0.9, 1.0)}, "betas are two numbers"),
        ({"betas": (0.9,)}, "betas are two numbers"),
        ({"lora_dropout": 1.0}, "lora_dropout is from 0 to below 1"),
        ({"save_every": -1}, "save_every is a whole number from 0"),
        ({"clip": -1.0}, "clip is at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Recipe(**{"model": "base"} | changes)


def test_every_choice_of_an_optimizer_has_its_line() -> None:
    assert set(optimizers.OPTIMIZERS) == set(CHOICES["optimizer"])


def test_every_field_is_documented() -> None:
    documented = {line.strip().partition(":")[0] for line in (Recipe.__doc__ or "").splitlines()}
    assert {field.name for field in dataclasses.fields(Recipe)} <= documented


def test_a_recipe_survives_json() -> None:
    recipe = Recipe("base", method="lora", epochs=1.5, betas=(0.8, 0.95))
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


@given(
    schedule=st.sampled_from(CHOICES["schedule"]),
    warmup=st.floats(0, 1),
    floor=st.floats(0, 1),
    steps=st.integers(1, 200),
)
def test_the_learning_rate_climbs_to_its_peak_and_falls_no_lower_than_the_floor(
    schedule: Any, warmup: float, floor: float, steps: int
) -> None:
    recipe = Recipe("base", step_size=2.0, schedule=schedule, warmup=warmup, floor=floor)
    rates = [recipe.rate(step, steps) for step in range(steps)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(2.0)
    assert all(rate > 0 for rate in rates[: top + 1])
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(rates[: top + 1]))
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(rates[top:]))
    assert min(rates[top:]) >= 2.0 * floor * (1 - 1e-12)


def test_the_cosine_is_that_of_transformers_after_the_warmup() -> None:
    import torch
    from transformers import get_cosine_schedule_with_warmup

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    schedule = get_cosine_schedule_with_warmup(optimizer, 10, 100)
    theirs = []
    for _ in range(100):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    recipe = Recipe("base", step_size=0.3, warmup=0.1)
    assert [recipe.rate(step, 100) for step in range(10, 100)] == pytest.approx(theirs[10:])
    assert [recipe.rate(step, 100) for step in range(9)] == pytest.approx(theirs[1:10])  # theirs wastes the first step on 0
