"""What moves a judge's preference beside quality: which answer it sees first, which is longer, and which is its own family's.

The three biases that Zheng et al. 2023 (2306.05685, section 3.3) name: position, verbosity, self-enhancement.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genlab.grading.annotations import Annotation
from genlab.intervals import CONFIDENCE, RESAMPLES, Floats, Interval, cluster_bootstrap

SIGNIFICANT = 30  # characters; alpaca-eval 0.6.6, Analyzer.get_length_biases: "significant_delta_length: int = 30"


@dataclass(frozen=True)
class PositionBias:
    """How far a judge prefers what it sees first.

    Attributes:
        first: mean share that the answer seen first gets, over both orders of each pair; 0.5 is no bias.
        consistent: share of pairs with the same winner (or a tie) in both orders.
        pairs: those graded in both orders; only they count.
        alone: judgements without a graded one in the other order.
    """

    first: Interval
    consistent: Interval
    pairs: int
    alone: int


@dataclass(frozen=True)
class Verbosity:
    """How far a judge's preference goes with length.

    Attributes:
        prefers_longer: share of judgements with a difference of more than 30 characters in which the longer answer wins:
            AlpacaEval's ``probability_prefer_longer``. Ties are left out, as there.
        correlation: Spearman's, of the difference in characters with the preference. Better answers may be longer: a
            correlation alone is no bias.
        unequal: judgements that ``prefers_longer`` counts.
        graded, ungraded: judgements.
    """

    prefers_longer: Interval
    correlation: Interval
    unequal: int
    graded: int
    ungraded: int


@dataclass(frozen=True)
class SelfPreference:
    """How much more a judge prefers its own family's answers than other judges do, on the same pairs.

    Attributes:
        own: mean share that the judge gives its family's answer.
        others: mean share that judges of other families give it.
        difference: own less others, pair by pair; above 0 it favours its family. Better answers of the family's raise both.
        pairs: with one answer of the family's, graded by the judge and by another family's.
    """

    own: Interval
    others: Interval
    difference: Interval
    pairs: int


def both_orders(annotations: Sequence[Annotation]) -> tuple[tuple[Annotation, Annotation], ...]:
    """The pairs of judgements by one judge of the same answers, seen in both orders; the one that stands first, first.

    Here output_1 is what the judge saw first. (AlpacaEval's own files do not say: it shuffles, then puts the baseline first.)
    Ungraded judgements are left out, and so is a second judgement in the same order.
    """
    waiting: dict[tuple[str, ...], Annotation] = {}
    seen: set[tuple[str, ...]] = set()
    found = []
    for each in annotations:
        key = (each.annotator, each.instruction, each.generator_1, each.output_1, each.generator_2, each.output_2)
        mirrored = (*key[:2], *key[4:], *key[2:4])
        if each.preference is None or key in seen or key == mirrored:
            continue
        seen.add(key)
        if mirrored in waiting:
            found.append((waiting.pop(mirrored), each))
        else:
            waiting[key] = each
    return tuple(found)


def averaged_orders(annotations: Sequence[Annotation]) -> tuple[Annotation, ...]:
    """One judgement for each pair seen in both orders: their mean, in which a bias for a position cancels."""
    return tuple(replace(one, preference=(_graded(one) + 3 - _graded(two)) / 2) for one, two in both_orders(annotations))


def position_bias(
    annotations: Sequence[Annotation],
    *,
    random: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> PositionBias:
    """Position bias from judgements in both orders, output_1 being what the judge saw first; see ``both_orders``.

    Raises:
        ValueError: judgements in both orders of fewer than two instructions.
    """
    pairs = both_orders(annotations)
    instructions = [one.instruction for one, _ in pairs]
    if len(set(instructions)) < 2:
        raise ValueError(
            f"position bias needs judgements in both orders of at least 2 instructions, got {len(set(instructions))} "
            f"among {len(annotations)} judgements: judge each pair again with output_1 and output_2 exchanged"
        )
    shares = np.array([(_graded(one) - 1, _graded(two) - 1) for one, two in pairs])  # pair, order; of what was seen second
    same = np.sign(shares[:, 0] - 0.5) == -np.sign(shares[:, 1] - 0.5)

    def mean(values: Floats) -> Interval:
        return cluster_bootstrap(values.tolist(), instructions, random=random, resamples=resamples, confidence=confidence)

    return PositionBias(mean(1 - shares.mean(1)), mean(same.astype(np.float64)), len(pairs), len(annotations) - 2 * len(pairs))


def verbosity(
    annotations: Sequence[Annotation],
    *,
    random: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Verbosity:
    """How far preference goes with length, with intervals over instructions.

    Raises:
        ValueError: fewer than two instructions with answers of unequal lengths, or preferences or lengths that do not vary.
    """
    graded = [each for each in annotations if each.preference is not None]
    longer = np.array([each.longer for each in graded], dtype=np.float64)
    shares = np.array([_graded(each) - 1 for each in graded], dtype=np.float64)
    unequal = (np.abs(longer) > SIGNIFICANT) & (shares != 0.5)
    instructions = [each.instruction for each in graded]
    counted = [instruction for instruction, counts in zip(instructions, unequal, strict=True) if counts]
    if len(set(counted)) < 2 or np.ptp(longer) == 0 or np.ptp(shares) == 0:
        raise ValueError(
            f"verbosity needs preferences and lengths that vary, and answers that differ by more than {SIGNIFICANT} characters "
            f"on at least 2 instructions, got {len(set(counted))} such among {len(graded)} graded judgements"
        )
    wins = (np.sign(shares - 0.5) == np.sign(longer))[unequal].astype(np.float64)
    return Verbosity(
        prefers_longer=cluster_bootstrap(wins.tolist(), counted, random=random, resamples=resamples, confidence=confidence),
        correlation=_correlation(longer, shares, instructions, random, resamples, confidence),
        unequal=len(wins),
        graded=len(graded),
        ungraded=len(annotations) - len(graded),
    )


def self_preference(
    annotations: Sequence[Annotation],
    *,
    judge: str,
    families: Mapping[str, str],
    random: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> SelfPreference:
    """How much more ``judge`` prefers its own family's answers than judges of other families do.

    Args:
        annotations: by ``judge`` and by others (models or people), of the same pairs of answers, in any order.
        judge: an annotator.
        families: of every generator and annotator, the family, such as {"gpt-4o": "GPT", "people": "people"}.
        random: where resampling draws from.
        resamples: of the bootstrap.
        confidence: of the intervals.

    Raises:
        ValueError: a name without a family, or fewer than two instructions with a pair that counts.
    """
    named = {name for each in annotations for name in (each.generator_1, each.generator_2, each.annotator)} | {judge}
    if missing := sorted(named - families.keys()):
        raise ValueError(f"families has no family of {', '.join(missing)}: name one for every generator and annotator")
    family = families[judge]
    by_pair: dict[tuple[str, str, str], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for each in annotations:
        if each.preference is None or (families[each.generator_1] == family) == (families[each.generator_2] == family):
            continue
        its = each if families[each.generator_2] == family else each.swapped()
        own, others = by_pair[its.instruction, its.output_1, its.output_2]
        if each.annotator == judge:
            own.append(_graded(its) - 1)
        elif families[each.annotator] != family:
            others.append(_graded(its) - 1)
    usable = {key: (np.mean(own), np.mean(others)) for key, (own, others) in by_pair.items() if own and others}
    instructions = [instruction for instruction, _, _ in usable]
    if len(set(instructions)) < 2:
        raise ValueError(
            f"self-preference needs pairs of at least 2 instructions with one answer of the family {family!r}, graded by "
            f"{judge!r} and by a judge of another family, got {len(set(instructions))}"
        )
    table = np.array(list(usable.values()), dtype=np.float64)

    def mean(values: Floats, span: tuple[float, float] = (0.0, 1.0)) -> Interval:
        return cluster_bootstrap(
            values.tolist(), instructions, random=random, resamples=resamples, confidence=confidence, span=span
        )

    return SelfPreference(mean(table[:, 0]), mean(table[:, 1]), mean(table[:, 0] - table[:, 1], (-1.0, 1.0)), len(table))


def _graded(annotation: Annotation) -> float:
    assert annotation.preference is not None
    return annotation.preference


def _correlation(
    longer: Floats, shares: Floats, instructions: Sequence[str], random: np.random.Generator, resamples: int, confidence: float
) -> Interval:
    """Spearman's, Pearson's of the ranks; the bootstrap draws instructions and ranks anew."""
    from scipy.stats import rankdata

    def spearman(places: Floats) -> float:
        drawn = places.astype(np.intp)
        a, b = rankdata(longer[drawn]), rankdata(shares[drawn])
        a, b = a - a.mean(), b - b.mean()
        both = float(np.sqrt((a @ a) * (b @ b)))
        return float(a @ b) / both if both > 0 else 0.0

    places = list(range(len(longer)))
    return cluster_bootstrap(places, instructions, random=random, resamples=resamples, confidence=confidence, statistic=spearman)
