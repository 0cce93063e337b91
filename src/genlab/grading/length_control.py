"""The length-controlled win rate of AlpacaEval 2.0: what it would be if both answers were equally long.

Dubois, Galambosi, Liang and Hashimoto 2024 (2404.04475): a logistic regression of the judge's preference on the difference of
lengths, on how hard the instruction is for the baseline, and on the model; the win rate is predicted with the first of them at 0.
Details that the paper leaves open are those of alpaca-eval 0.6.6 (``metrics.get_length_controlled_winrate``):

- The length feature is ``tanh((len(output_1) - len(output_2)) / s)``, in characters, s the sample standard deviation over all
  items. There is no intercept but the model's coefficient; all coefficients bear an L1 penalty.
- The penalty's strength is chosen among ten by five-fold cross-validation, see ``penalised_logistic``.
- Judgements of two *gamed* baselines (told to be concise, told to be verbose) join the model's, each with weight 0.1: they share
  the first two coefficients, and keep a model from hiding its quality in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genlab.grading.annotations import Annotation
from genlab.grading.gamed_baselines import GamedBaselines
from genlab.grading.penalised_logistic import STRENGTHS, Fit, cross_validated, logistic, penalised_logistic
from genlab.grading.win_rate import alone
from genlab.intervals import CONFIDENCE, RESAMPLES, Floats, Interval, percentiles

# alpaca-eval 0.6.6: "regularize_to_baseline_lambda" is 0.2, shared by the two gamed baselines
GAMED_WEIGHT = 0.2 / 2


@dataclass(frozen=True)
class Coefficients:
    """Log-odds that a model's answer is preferred: ``length * feature + difficulty * d_i + model``.

    ``difficulty`` is 0 where no difficulty was given.
    """

    length: float
    difficulty: float
    model: float


@dataclass(frozen=True)
class LengthControlled:
    """A length-controlled win rate.

    Attributes:
        win_rate: from 0 to 1; AlpacaEval's ``length_controlled_winrate`` is in percent. The interval is ours: a bootstrap over
            instructions that fits anew, with the weakest penalty of the ten and the gamed baselines as they are. (With the one
            chosen it would have no width where that takes every coefficient to 0, as happens with few items.) It holds
            ``centre`` in any case.
        standard_error: AlpacaEval's ``lc_standard_error``, of the mean of ``predicted``: it knows how instructions differ and
            not how uncertain the fit is.
        coefficients: of the fit to all graded items.
        C: inverse strength of the penalty that was chosen; infinite for a model against itself, which is not fitted.
        predicted: for each item, ungraded ones too, the share at equal lengths: AlpacaEval's ``glm_preference``.
        raw: win rate of the graded items without control.
        ungraded: items that no fit saw.
        residual, converged: of the fit, see ``penalised_logistic.Fit``.
    """

    win_rate: Interval
    standard_error: float
    coefficients: Coefficients
    C: float
    predicted: tuple[float, ...]
    raw: float
    ungraded: int
    residual: float
    converged: bool

    @property
    def extreme(self) -> bool:
        """Whether control moved the win rate so far that alpaca-eval warns of a failure of the regression.

        By more than 10 points, and by more than a quarter of the way to the end of the scale.
        """
        low = min(self.raw - self.raw / 4, self.raw - 0.1)
        high = max(self.raw + (1 - self.raw) / 4, self.raw + 0.1)
        return not low <= self.win_rate.centre <= high


def length_controlled(
    annotations: Sequence[Annotation],
    *,
    random: np.random.Generator,
    difficulty: Sequence[float] | None = None,
    gamed: GamedBaselines | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> LengthControlled:
    """Length-controlled win rate of generator_2 over generator_1.

    With the gamed baselines it is alpaca-eval's ``length_controlled_v1``, the leaderboard's; with a difficulty alone
    ``length_controlled_noreg``; with neither ``length_controlled_minimal``. Do not compare one kind with another.

    Args:
        annotations: by one judge, of one model against one baseline.
        random: where resampling draws from.
        difficulty: of each instruction. An item's is the one at its field ``index`` where all items have one, else the one at its
            place: then there must be as many as items. By default that of ``gamed``.
        gamed: judgements of the gamed baselines.
        resamples: of the bootstrap.
        confidence: of the interval.

    Raises:
        ValueError: several judges, models or baselines; fewer than 2 graded instructions or 5 graded rows; a difficulty that does
            not fit the items; answers whose lengths all differ by the same number.
    """
    baseline, model, _ = alone(annotations)
    if difficulty is None and gamed is not None:
        difficulty = gamed.difficulty
    hard = None if difficulty is None else aligned(annotations, difficulty)
    shares = np.array([np.nan if each.share is None else each.share for each in annotations], dtype=np.float64)
    graded = ~np.isnan(shares)
    instructions = {each.instruction for each, use in zip(annotations, graded, strict=True) if use}
    if len(instructions) < 2:
        raise ValueError(
            f"a length-controlled win rate needs graded judgements of at least 2 instructions, got {len(instructions)}"
        )
    if baseline == model:
        return _against_itself(shares, confidence, len(instructions))
    shorter = np.array([-each.longer for each in annotations], dtype=np.float64)
    if np.ptp(shorter) == 0:
        raise ValueError(
            f"all {len(shorter)} pairs of answers differ by {-shorter[0]:g} characters: no effect of length can be seen"
        )
    rows = _Rows(shorter, hard, shares, gamed)
    choice = cross_validated(*rows.training(np.ones(len(shares))))
    predicted = rows.predicted(choice.fit)
    centre = float(predicted.mean())
    draws, n = _bootstrap(rows, annotations, random, resamples)
    low, high = percentiles(draws, n, confidence)
    return LengthControlled(
        win_rate=Interval(centre, min(low, centre), max(high, centre), n, confidence),
        standard_error=_standard_error(predicted),
        coefficients=rows.coefficients(choice.fit),
        C=choice.fit.C,
        predicted=tuple(predicted.tolist()),
        raw=float(shares[graded].mean()),
        ungraded=int((~graded).sum()),
        residual=choice.fit.residual,
        converged=choice.fit.converged,
    )


def between(model: Coefficients, other: Coefficients, difficulty: Sequence[float]) -> float:
    """Predicted win rate of one model over another at equal lengths, from fits against one baseline on the same instructions.

    >>> between(Coefficients(-1.5, 0.8, 0.3), Coefficients(-1.5, 0.8, 0.3), (0.0, 1.0, 2.0))
    0.5

    Alpaca-eval's ``predict_winrate``; from 0 to 1.
    """
    hard = np.asarray(difficulty, dtype=np.float64)
    return float(logistic(model.model - other.model + (model.difficulty - other.difficulty) * hard).mean())


def aligned(annotations: Sequence[Annotation], difficulty: Sequence[float]) -> Floats:
    """The difficulty of each item, by its field ``index`` where all have one, else by its place.

    Raises:
        ValueError: a difficulty that is not finite, an index that has none, or without indices another number than items.
    """
    values = np.asarray(difficulty, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a difficulty is a finite number: one of those given is not")
    places = [each.others.get("index") for each in annotations]
    if all(place is None for place in places):
        if len(values) != len(annotations):
            raise ValueError(
                f"{len(values)} difficulties for {len(annotations)} items that have no index. Pass those of your items "
                "in their order, or give each item the field index, its place in the whole benchmark"
            )
        return values
    chosen: list[int] = []
    for item, place in enumerate(places):
        if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < len(values):
            raise ValueError(f"item {item}: index is a whole number from 0 to {len(values) - 1}, got {place!r}")
        chosen.append(place)
    return values[chosen]


@dataclass(frozen=True)
class _Rows:
    """What is regressed on what; without a difficulty its column is left out."""

    shorter: Floats  # item; len(output_1) - len(output_2)
    hard: Floats | None  # item
    shares: Floats  # item; NaN where ungraded
    gamed: GamedBaselines | None

    def training(self, times: Floats) -> tuple[Floats, Floats, Floats]:
        """Features, shares, weights of the graded rows, each item counted ``times``; gamed baselines first, as there."""
        total = times.sum()
        mean = times @ self.shorter / total
        spread = np.sqrt(times @ (self.shorter - mean) ** 2 / (total - 1))
        standard = self.shorter / spread if spread > 0 else np.zeros_like(self.shorter)
        columns = [np.tanh(standard), np.ones_like(standard)]
        used = ~np.isnan(self.shares) & (times > 0)
        features = np.column_stack(columns if self.hard is None else [columns[0], self.hard, columns[1]])[used]
        shares, weights = self.shares[used], times[used]
        if self.gamed is None:
            return features, shares, weights
        return (
            np.concatenate([self._gamed(self.gamed), features]),
            np.concatenate([self.gamed.shares, shares]),
            np.concatenate([np.where(self.gamed.counts_as_model, 1.0, GAMED_WEIGHT), weights]),
        )

    def _gamed(self, gamed: GamedBaselines) -> Floats:
        columns = [np.tanh(gamed.lengths), np.asarray(gamed.counts_as_model, dtype=np.float64)]
        return np.column_stack([columns[0], gamed.row_difficulty, columns[1]] if self.hard is not None else columns)

    def predicted(self, fit: Fit) -> Floats:
        """Of each item, the share at equal lengths."""
        its = self.coefficients(fit)
        hard = np.zeros_like(self.shares) if self.hard is None else self.hard
        return logistic(its.difficulty * hard + its.model)

    def coefficients(self, fit: Fit) -> Coefficients:
        length, *middle, model = fit.coefficients.tolist()
        return Coefficients(length, middle[0] if middle else 0.0, model)


def _bootstrap(rows: _Rows, annotations: Sequence[Annotation], random: np.random.Generator, resamples: int) -> tuple[Floats, int]:
    """The win rate in each resample of whole instructions, and how many instructions there are."""
    numbers: dict[str, int] = {}
    which = np.array([numbers.setdefault(each.instruction, len(numbers)) for each in annotations])
    n = len(numbers)
    weakest = STRENGTHS[-1]
    start = penalised_logistic(*rows.training(np.ones(len(which))), weakest).coefficients
    draws = np.empty(resamples)
    for draw in range(resamples):
        times = np.bincount(random.integers(0, n, n), minlength=n)[which].astype(np.float64)
        again = penalised_logistic(*rows.training(times), weakest, start)
        draws[draw] = times @ rows.predicted(again) / times.sum()
    return draws, n


def _against_itself(shares: Floats, confidence: float, n: int) -> LengthControlled:
    """A half by construction, as in alpaca-eval."""
    graded = ~np.isnan(shares)
    half = Interval(0.5, 0.5, 0.5, n, confidence)
    nothing = Coefficients(0.0, 0.0, 0.0)
    predicted = (0.5,) * len(shares)
    return LengthControlled(half, 0.0, nothing, np.inf, predicted, float(shares[graded].mean()), int((~graded).sum()), 0.0, True)


def _standard_error(values: Floats) -> float:
    return float(values.std(ddof=1)) / float(np.sqrt(len(values)))
