"""The contract of a study: what a condition is, and when two are the same."""

import dataclasses
import json
import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from genlab.results.snapshots import Snapshot
from genlab.studies.study import Advance, Condition, Study, all_conditions


@dataclass(frozen=True)
class Toy(Study):
    name: ClassVar[str] = "toy"
    eta: tuple[float, ...] = (0.5, 0.25)
    seeds: int = 2

    def conditions(self) -> list[Condition]:
        return [self.condition(eta=eta, seed=seed) for eta in self.eta for seed in range(self.seeds)]

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        raise NotImplementedError


values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
settings = st.dictionaries(st.text(min_size=1), values | st.lists(values, max_size=3), max_size=5)


def condition(**more: Any) -> Condition:
    return Toy().condition(seed=0, **more)


def test_an_id_is_that_of_earlier_versions() -> None:
    """A change here would make every store start anew."""
    made = Condition("toy", 1, {"seed": 0, "eta": 0.25, "goal": None, "widths": [3, 4], "name": "é", "flag": True})
    assert made.id == "7daaf300230770cc"
    assert Toy().condition(flag=True, name="é", widths=(3, 4), goal=None, eta=0.25, seed=0).id == made.id


@given(settings)
def test_an_id_is_a_function_of_the_settings_and_not_of_their_order(given: dict[str, Any]) -> None:
    one = Condition("toy", 1, given)
    other = Condition("toy", 1, json.loads(json.dumps(dict(reversed(given.items())))))
    assert one.id == other.id
    assert len(one.id) == 16
    assert set(one.id) <= set("0123456789abcdef")


@given(settings, st.text(min_size=1), values)
def test_any_other_setting_is_another_condition(given: dict[str, Any], name: str, value: object) -> None:
    assume(name not in given or json.dumps(given[name]) != json.dumps(value))
    assert Condition("toy", 1, given).id != Condition("toy", 1, {**given, name: value}).id


@given(settings, st.text(min_size=1))
def test_a_setting_less_is_another_condition(given: dict[str, Any], name: str) -> None:
    assume(name not in given)
    assert Condition("toy", 1, given).id != Condition("toy", 1, {**given, name: None}).id


def test_study_and_protocol_are_part_of_the_id() -> None:
    assert len({Condition(study, protocol, {"seed": 0}).id for study in ("toy", "other") for protocol in (1, 2)}) == 4


def test_settings_are_what_json_makes_of_them() -> None:
    assert condition(widths=(3, 4), name=None).settings == {"seed": 0, "widths": [3, 4], "name": None}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [1.0, math.nan], {"a": math.inf}])
def test_a_number_that_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        condition(eta=value)
    with pytest.raises(ValueError, match="not JSON compliant"):
        Condition("toy", 1, {"seed": 0, "eta": value}).id  # noqa: B018 - asking for it raises


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 1j])
def test_a_value_that_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        condition(eta=value)


def test_a_condition_needs_a_seed() -> None:
    with pytest.raises(ValueError, match=r"a condition of 'toy' needs a seed among its settings, got \['eta', 'steps'\]"):
        Toy().condition(steps=1, eta=0.5)


def test_conditions_of_several_studies_come_once_and_in_order() -> None:
    first, second = Toy(), Toy(eta=(0.25, 0.125), seeds=1)
    found = all_conditions([first, second])
    told = [(study is second, condition.settings["eta"], condition.settings["seed"]) for study, condition in found]
    assert told == [(False, 0.5, 0), (False, 0.5, 1), (False, 0.25, 0), (False, 0.25, 1), (True, 0.125, 0)]


def test_a_study_is_a_value() -> None:
    assert Toy() == Toy()
    with pytest.raises(dataclasses.FrozenInstanceError):
        Toy().seeds = 3  # type: ignore[misc]


def test_what_most_studies_do_not_need_has_an_answer() -> None:
    study = Toy()
    study.ready({})
    assert study.price({}, "cpu") is None
    assert (list(study.claims()), list(study.figures([]))) == ([], [])
    assert study.label({"eta": 0.5, "seed": 1}) == "eta=0.5 seed=1"
