"""The study without a model: what a condition is, what is refused, what it costs."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.studies.made_mix import settings

from genlab.grading.controls import planted
from genlab.skills.combinations import draw
from genlab.skills.pack import load
from genlab.studies.catalogue import Choice
from genlab.studies.catalogue import load as chosen
from genlab.studies.skill_mix import PRESETS, SkillMix
from genlab.studies.study import all_conditions

# ------------------------------------------------------------------------------------------------ conditions
BASE = SkillMix(student=("openai/x",), grader=("anthropic/y",), k=(3,))
PLACEMENT: dict[str, Any] = {  # they say where and how it is run, not what it is
    "max_cost": 3.0,
    "prices": "prices.yaml",
    "processes": 4,
    "cache": False,
    "lost": True,
    "store": "elsewhere",
}
MEANING: dict[str, Any] = {
    "student": ("openai/z",),
    "grader": ("anthropic/y", "openai/x"),
    "k": (4,),
    "pack": "mathematics",
    "n": 50,
    "generations": 1,
    "gradings": 1,
    "mode": "paper",
    "controls": 6,
    "uncommon": True,
    "stop": "width",
    "inspect": ("temperature=0.7",),
    "grading": ("temperature=0.7",),
}


def ids(study: SkillMix) -> list[str]:
    return [condition.id for condition in study.conditions()]


def test_where_it_runs_is_no_part_of_a_condition() -> None:
    changed = {**PLACEMENT, "inspect": ("max_connections=64", "batch=true", "max_retries=9"), "grading": ("attempt_timeout=9",)}
    assert ids(dataclasses.replace(BASE, **changed)) == ids(BASE)
    for name, value in PLACEMENT.items():
        if name != "max_cost":
            assert ids(dataclasses.replace(BASE, **{name: value})) == ids(BASE)


def test_everything_else_is() -> None:
    found = {name: ids(dataclasses.replace(BASE, **{name: value})) for name, value in MEANING.items()}
    found["look"] = ids(dataclasses.replace(BASE, stop="width", look=5))
    found["width"] = ids(dataclasses.replace(BASE, stop="width", width=0.2))
    found["against"] = ids(dataclasses.replace(BASE, stop="apart", against="openai/z"))
    found["base"] = ids(BASE)
    assert len({id for each in found.values() for id in each}) == len(found)
    named = {*PLACEMENT, *MEANING, "look", "width", "against", "seeds"}
    assert named == {field.name for field in dataclasses.fields(SkillMix)}


def test_what_no_rule_uses_is_not_in_a_condition() -> None:
    assert ids(dataclasses.replace(BASE, width=0.2, look=3)) == ids(BASE)


def test_a_grid_of_students_k_and_seeds() -> None:
    grid = SkillMix(student=("openai/x", "openai/z"), k=(2, 3, 4), seeds=2)
    conditions = grid.conditions()
    assert len({each.id for each in conditions}) == 2 * 3 * 2
    assert {(each.settings["student"], each.settings["k"], each.settings["seed"]) for each in conditions} == {
        (student, k, seed) for student in ("openai/x", "openai/z") for k in (2, 3, 4) for seed in (0, 1)
    }
    assert set(ids(dataclasses.replace(BASE, k=(2, 3, 4), seeds=3))) > set(ids(dataclasses.replace(BASE, k=(2, 3), seeds=2)))
    assert all(json.loads(json.dumps(each.settings)) == each.settings for each in conditions)


def test_a_changed_pack_is_another_condition_and_an_old_one_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "pack.yaml"
    text = (Path(__file__).parents[2] / "examples" / "small_pack.yaml").read_text("utf-8")
    place.write_text(text, "utf-8")
    study = dataclasses.replace(BASE, student=("scripted/student",), grader=("scripted/grader",), pack=str(place), n=5)
    before = study.conditions()[0]
    place.write_text(text.replace("Compares two", "Likens two"), "utf-8")
    assert study.conditions()[0].id != before.id
    with pytest.raises(ValueError, match="has changed since this condition was made"):
        study.ready(before.settings)
    study.ready(study.conditions()[0].settings)


def test_labels() -> None:
    assert SkillMix.label(settings("openai/x", 3, 1)) == "openai/x k=3 english seed 1"
    assert SkillMix.label(settings(mode="paper", against="openai/z")) == "openai/x against openai/z k=2 english paper seed 0"


def test_presets_are_what_they_say() -> None:
    (mini,), (paper,) = PRESETS["mini"](), PRESETS["paper"]()
    assert {each.settings["student"] for each in mini.conditions()} == {"batched/skillworld"}
    assert (paper.n, paper.k, paper.uncommon) == (100, (2, 3, 4, 5, 6), True)
    assert len(all_conditions([mini])) == 3


def test_what_is_left_open_follows_from_who_is_asked() -> None:
    def filled(study: SkillMix) -> tuple[Any, ...]:
        settings = study.conditions()[0].settings
        return tuple(settings[name] for name in ("pack", "generations", "gradings", "inspect", "grader"))

    assert filled(SkillMix()) == ("skillworld", 1, 1, {"temperature": 0}, ["checker/skillworld"])
    assert filled(SkillMix(inspect=("temperature=0.7",), generations=5))[1:4] == (5, 1, {"temperature": 0.7})
    assert filled(SkillMix(student=("openai/x",), grader=("a/b",))) == ("english", 3, 3, {}, ["a/b"])
    assert filled(SkillMix(student=("openai/x", "batched/skillworld"), grader=("a/b",)))[:3] == ("english", 3, 3)


REFUSED = [
    ("n=0", "n is at least 1, got 0"),
    ("generations=0", "generations is at least 1"),
    ("gradings=0", "gradings is at least 1"),
    ("seeds=0", "seeds is at least 1"),
    ("look=0", "look is at least 1"),
    ("processes=0", "processes is at least 1"),
    ("controls=-1", "controls is at least 0, got -1"),
    ("k=0", "k is at least 1, got 0"),
    ("k=2,1000", "k is between 1 and 159"),
    ("k=", "k is a list of int"),
    ("k=two", "k is a list of int separated by commas, got 'two'"),
    ("student=gpt-4o", "a model is named provider/name, such as openai/gpt-4o or scripted/student; got 'gpt-4o'"),
    ("student=/x", "a model is named provider/name"),
    (
        "student=batched//absolute/skillworld,gpt",
        "a model is named provider/name, such as openai/gpt-4o or scripted/student; got 'gpt'",
    ),
    ("grader=openai/", "a model is named provider/name"),
    ("grader=a/b,a/b", "graders side by side are different models, got a/b, a/b"),
    ("against=a/b", "stop=apart and against=MODEL go together"),
    ("stop=apart", "stop=apart and against=MODEL go together"),
    ("stop=maybe", "input should be 'no', 'width' or 'apart'"),
    ("width=0", "width is that of an interval of a ratio, between 0 and 1; got 0"),
    ("width=1.5", "between 0 and 1; got 1.5"),
    ("mode=lenient", "input should be 'strict' or 'paper'"),
    ("max_cost=1", "max_cost wants prices=FILE"),
    ("pack=nowhere", "no pack 'nowhere'"),
    ("pack=nowhere.yaml", "no pack file 'nowhere.yaml'"),
    ("n=100000000", "lower n or k, or use a larger pack"),
    ("inspect=temprature=1", "'temprature' is no option of Inspect's eval-set. Did you mean temperature?"),
    ("inspect=epochs=2", "'epochs' is set by genlab itself: set generations"),
    ("grading=token_limit=2", "'token_limit' is an option of the whole evaluation"),
    ("prices=nowhere.yaml", "cannot read prices from nowhere.yaml"),
    ("uncommon=perhaps", "input should be a valid boolean"),
    ("students=a/b", "skill_mix has no field 'students'. Did you mean student?"),
]


@pytest.mark.parametrize(("assignment", "message"), REFUSED)
def test_what_cannot_be_run_says_what_is_right(assignment: str, message: str) -> None:
    """As ``genlab run`` finds out before anything starts: fields, conditions, their price, and whether they are ready."""

    def begin() -> None:
        for study, condition in all_conditions(chosen(Choice("skill_mix", "mini", ("student=scripted/student", assignment)))):
            study.price(condition.settings, "cpu")
            study.ready(condition.settings)

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
        begin()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"against": "openai/x", "stop": "apart"}, "student and against are one model, openai/x"),
        ({"max_cost": 0.0, "prices": "p.yaml"}, "max_cost is above 0 dollars, got 0"),
        ({"max_cost": -1.0, "prices": "p.yaml"}, "max_cost is above 0 dollars, got -1"),
        ({"k": (0,)}, "k is at least 1, got 0"),
        ({"student": ()}, "student names at least one, got none"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_said(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        dataclasses.replace(BASE, **changes)


def test_a_provider_that_is_not_there_is_found_before_anything_is_paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for student in ("nobody/x", "openai/gpt-4o"):
        study = dataclasses.replace(BASE, student=(student,), grader=("scripted/grader",))
        with pytest.raises(ValueError, match=f"Inspect cannot reach {student}: "):
            study.ready(study.conditions()[0].settings)
    (tmp_path / "prices.yaml").write_text("scripted/grader: {input: 1, output: 1}")
    scripted = ("scripted/student",), ("scripted/grader",)
    study = dataclasses.replace(BASE, student=scripted[0], grader=scripted[1], max_cost=1.0, prices=str(tmp_path / "prices.yaml"))
    with pytest.raises(ValueError, match=r"max_cost wants a price for every model, and .* has none for scripted/student"):
        study.ready(study.conditions()[0].settings)


# ------------------------------------------------------------------------------------------------ price
@pytest.mark.parametrize(
    "changes", [{}, {"controls": 0}, {"grader": ("a/b", "c/d", "e/f")}, {"k": (1,), "mode": "paper"}, {"n": 3}]
)
def test_the_price_counts_every_call_and_text(changes: dict[str, Any], tmp_path: Path) -> None:
    study = (
        dataclasses.replace(BASE, n=40, **{"controls": 14, **changes})
        if "n" not in changes
        else dataclasses.replace(BASE, **changes)
    )
    condition = study.conditions()[0].settings
    price = study.price(condition, "cpu")
    texts = condition["n"] * condition["generations"]
    pack = load("english")
    hidden = planted(draw(pack, condition["k"], 3, seed=0).combinations, pack, condition["controls"], seed=0)
    graded = texts + sum(bool(control.text) for _, control in hidden)
    assert price.calls == 2 * texts + graded * condition["gradings"] * len(condition["grader"])
    assert price.records == (texts + condition["controls"]) * len(condition["grader"])
    assert price.dollars is None
    prices = {name: {"input": 1.0, "output": 1.0} for name in (condition["student"], *condition["grader"])}
    (tmp_path / "prices.yaml").write_text(json.dumps(prices))
    told = dataclasses.replace(study, prices=str(tmp_path / "prices.yaml")).price(condition, "cpu")
    assert told.dollars == pytest.approx(price.tokens / 1e6, rel=1e-3)
    prices.popitem()
    (tmp_path / "prices.yaml").write_text(json.dumps(prices))
    assert dataclasses.replace(study, prices=str(tmp_path / "prices.yaml")).price(condition, "cpu").dollars is None


def test_a_comparison_costs_two_students() -> None:
    one, two = BASE, dataclasses.replace(BASE, stop="apart", against="openai/z")
    assert two.price(two.conditions()[0].settings, "cpu").calls == 2 * one.price(one.conditions()[0].settings, "cpu").calls
