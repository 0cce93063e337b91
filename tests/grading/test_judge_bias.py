"""Biases of a judge: against alpaca-eval's share of longer answers, SciPy's Spearman, and biases that were built in."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import spearmanr
from tests.grading.judged_pairs import CASES, Law, judged

from genlab import chance
from genlab.grading.annotations import Annotation
from genlab.grading.judge_bias import (
    SelfPreference,
    averaged_orders,
    both_orders,
    position_bias,
    self_preference,
    verbosity,
)

REFERENCE = json.loads((Path(__file__).parent / "oracles/alpaca_eval_numbers.json").read_text())["cases"]
FAMILIES = {"base": "Alpaca", "model": "Llama", "judge": "Llama", "people": "people"}


def twice(annotations: Sequence[Annotation], pull: float) -> list[Annotation]:
    """Judged in both orders by a judge that gives ``pull`` more to what it sees first, within the range."""

    def pulled(each: Annotation) -> Annotation:
        return each if each.preference is None else replace(each, preference=min(2.0, max(1.0, each.preference - pull)))

    return [pulled(each) for each in annotations] + [pulled(each.swapped()) for each in annotations]


def narrow(n: int, key: str) -> list[Annotation]:
    """Preferences from 1.3 to 1.7: room for a pull."""
    return [replace(each, preference=1.3 + 0.4 * (each.share or 0)) for each in judged(n, Law(), key)]


@pytest.mark.parametrize("pull", [0.0, 0.1, -0.25])
def test_a_built_in_pull_is_found(pull: float) -> None:
    ours = position_bias(twice(narrow(80, "pulled"), pull), random=chance.numpy("position"), resamples=200)
    assert ours.first.centre == pytest.approx(0.5 + pull)
    assert (ours.pairs, ours.alone) == (80, 0)
    assert (ours.consistent.centre == 1) == (pull == 0)


def test_averaging_both_orders_takes_the_pull_out() -> None:
    plain = narrow(40, "averaged")
    ours = averaged_orders(twice(plain, 0.2))
    assert [each.preference for each in ours] == pytest.approx([each.preference for each in plain])
    assert [each.generator_2 for each in ours] == ["model"] * 40


def test_a_judgement_without_its_mirror_stands_alone() -> None:
    plain = narrow(20, "alone")
    ours = [*plain, *(each.swapped() for each in plain[:5]), replace(plain[6].swapped(), preference=None), plain[0]]
    assert len(both_orders(ours)) == 5
    assert position_bias(ours, random=chance.numpy("alone"), resamples=50).alone == 17
    with pytest.raises(ValueError, match="at least 2 instructions, got 0 among 20 judgements: judge each pair again"):
        position_bias(plain, random=chance.numpy("alone"))


def test_one_answer_twice_is_no_pair_of_orders() -> None:
    same = Annotation("i", "a", "a", "base", "base", "judge", 1.5)
    assert both_orders([same, same]) == ()


@pytest.mark.parametrize("case", CASES)
def test_the_reference_counts_longer_answers_as_ours(case: str) -> None:
    n, law, _ = CASES[case]
    ours = verbosity(judged(n, law, case), random=chance.numpy("verbosity"), resamples=20)
    assert ours.prefers_longer.centre == pytest.approx(REFERENCE[case]["probability_prefer_longer"])


def test_the_correlation_is_spearmans() -> None:
    annotations = judged(100, Law(ties=10), "spearman")
    ours = verbosity(annotations, random=chance.numpy("spearman"), resamples=100)
    theirs = spearmanr([each.longer for each in annotations], [each.preference for each in annotations]).statistic
    assert ours.correlation.centre == pytest.approx(theirs)
    assert ours.correlation.low < ours.correlation.centre < ours.correlation.high
    assert ours.correlation.low > 0  # the law of these judgements favours length


def test_lengths_that_say_nothing_are_refused() -> None:
    equal = [replace(each, output_1="a", output_2="b") for each in judged(9, Law(), "equal")]
    with pytest.raises(ValueError, match="more than 30 characters on at least 2 instructions, got 0 such among 9"):
        verbosity(equal, random=chance.numpy("equal"))


def favoured(extra: float, *, swap: bool = False) -> SelfPreference:
    """``judge`` gives the answers of its family, which are ``model``'s, ``extra`` more than people do."""
    people = [replace(each, annotator="people") for each in narrow(50, "family")]
    judge = [replace(each, annotator="judge", preference=(each.preference or 0) + extra) for each in people]
    rows = [each.swapped() for each in judge] if swap else judge
    random = chance.numpy("family")
    return self_preference([*people, *rows], judge="judge", families=FAMILIES, random=random, resamples=200)


@pytest.mark.parametrize("extra", [0.0, 0.2, -0.1])
@pytest.mark.parametrize("swap", [False, True])
def test_a_built_in_favour_is_found(extra: float, swap: bool) -> None:
    ours = favoured(extra, swap=swap)
    assert ours.difference.centre == pytest.approx(extra, abs=1e-12)
    assert ours.own.centre - ours.others.centre == pytest.approx(extra)
    assert ours.pairs == 50


def test_better_answers_alone_are_no_self_preference() -> None:
    ours = favoured(0.0)
    assert ours.own.centre == ours.others.centre
    assert ours.difference.low <= 0 <= ours.difference.high


def test_a_family_needs_its_names_and_another_judge() -> None:
    annotations = judged(10, Law(), "names")
    with pytest.raises(ValueError, match="families has no family of base, model"):
        self_preference(annotations, judge="judge", families={"judge": "Llama"}, random=chance.numpy("names"))
    with pytest.raises(ValueError, match="by a judge of another family, got 0"):
        self_preference(annotations, judge="judge", families=FAMILIES, random=chance.numpy("names"))
