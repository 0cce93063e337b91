"""How often a judge prefers a model's answers to a baseline's: AlpacaEval's raw and discrete win rates.

Numbers as in alpaca-eval 0.6.6 (``metrics.get_winrate``), which gives shares in percent; here they lie from 0 to 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genlab.grading.annotations import Annotation
from genlab.intervals import CONFIDENCE, RESAMPLES, Floats, Interval, cluster_bootstrap


@dataclass(frozen=True)
class WinRate:
    """A model's win rate over a baseline.

    Attributes:
        win_rate: the mean of preference - 1, with its interval over instructions.
        discrete_win_rate: the same with each judgement rounded: 1 for a win, 0 for a loss, a half for a tie.
        standard_error: of the mean, the root of the sample variance over n: AlpacaEval's ``standard_error``.
        wins, losses, ties: judgements above, below and at 1.5.
        ungraded: judgements that could not be read; they count in nothing above.
    """

    win_rate: Interval
    discrete_win_rate: Interval
    standard_error: float
    wins: int
    losses: int
    ties: int
    ungraded: int

    @property
    def graded(self) -> int:
        """Judgements that count: AlpacaEval's ``n_total``."""
        return self.wins + self.losses + self.ties


def win_rate(
    annotations: Sequence[Annotation],
    *,
    random: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> WinRate:
    """Win rate of generator_2 over generator_1.

    Judgements of one instruction hang together: the bootstrap draws instructions.

    Args:
        annotations: by one judge, of one model against one baseline.
        random: where resampling draws from.
        resamples: of the bootstrap.
        confidence: of the intervals.

    Raises:
        ValueError: several judges, models or baselines; fewer than two instructions with a graded judgement.
    """
    alone(annotations)
    graded = [(each.instruction, each.share) for each in annotations if each.share is not None]
    instructions = [instruction for instruction, _ in graded]
    shares = np.array([share for _, share in graded], dtype=np.float64)
    if len(set(instructions)) < 2:
        raise ValueError(
            f"a win rate needs graded judgements of at least 2 instructions, got {len(set(instructions))} "
            f"({len(annotations) - len(graded)} of {len(annotations)} judgements are ungraded)"
        )

    def mean(values: Floats) -> Interval:
        return cluster_bootstrap(values.tolist(), instructions, random=random, resamples=resamples, confidence=confidence)

    rounded = np.sign(shares - 0.5) / 2 + 0.5
    return WinRate(
        win_rate=mean(shares),
        discrete_win_rate=mean(rounded),
        standard_error=float(shares.std(ddof=1)) / math.sqrt(len(shares)),
        wins=int((shares > 0.5).sum()),
        losses=int((shares < 0.5).sum()),
        ties=int((shares == 0.5).sum()),
        ungraded=len(annotations) - len(graded),
    )


def alone(annotations: Sequence[Annotation]) -> tuple[str, str, str]:
    """The one baseline, the one model and the one judge of these annotations: numbers of several are never mixed.

    Raises:
        ValueError: none, or more than one of any.
    """
    if not annotations:
        raise ValueError("expected annotations of one model by one judge, got none")
    names = {name: sorted({getattr(each, name) for each in annotations}) for name in ("generator_1", "generator_2", "annotator")}
    for name, found in names.items():
        if len(found) > 1:
            raise ValueError(f"expected annotations of one {name}, got {len(found)}: {', '.join(found)}. Keep those of one")
    return names["generator_1"][0], names["generator_2"][0], names["annotator"][0]
