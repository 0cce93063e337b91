"""How many combinations the sequential mode saves at equal error, and whether its intervals cover.

    python benchmarks/sequential.py                 made-up gradings, and the rates of the published leaderboard
    python benchmarks/sequential.py FILE            recorded gradings: a number a line, one combination's mean over its texts
    python benchmarks/sequential.py FILE --apart    the same, differences of two models

Streams are drawn with replacement from recorded values, one a combination. Equal error means: for one model, an interval within
the same width, against the fixed n that reaches it whatever the rate is (half of the texts succeed); for two models, 5% false and
90% true alarms at the smallest difference of interest, against a fixed-n paired test. "knew" holds the same looks against a plan
by somebody who knew the spread in advance: a design that nobody has, and the harder comparison.
"""

import math
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genlab import chance
from genlab.grading.sequential import (
    Reason,
    Simulation,
    StopRule,
    fixed_for_difference,
    fixed_for_width,
    simulate,
    until_apart,
    until_narrow,
)
from genlab.intervals import CONFIDENCE

Floats = NDArray[np.float64]

RECORDED = 2000  # combinations in a made-up record
SHARED = 0.5  # correlation of the generations of one combination (our assumption)
PUBLISHED = {  # Ratio of Full Marks on the leaderboard of Yu et al. 2023 (skill-mix.github.io at e1dc0e2), by k
    2: (0.03, 0.06, 0.22, 0.40, 0.95, 0.02, 0.09, 0.38, 0.20, 0.03),
    3: (0.00, 0.00, 0.00, 0.04, 0.66, 0.00, 0.00, 0.06, 0.00, 0.00),
    4: (0.00, 0.00, 0.00, 0.00, 0.48, 0.00, 0.00, 0.00, 0.00, 0.00),
    5: (0.00, 0.12, 0.00),
    6: (0.08,),
}


def texts(rate: float, generations: int) -> Floats:
    """A record: each combination's mean over its generations, whose chance of success varies from combination to combination."""
    random = chance.numpy("benchmark", "texts", f"{rate:g}", generations)
    if rate in (0, 1):
        return np.full(RECORDED, rate)
    within = (1 - SHARED) / SHARED
    ease = random.beta(rate * within, (1 - rate) * within, RECORDED) if generations > 1 else np.full(RECORDED, rate)
    return np.asarray(random.binomial(generations, ease) / generations)


def differences(apart: float, split: float) -> Floats:
    """A record of one text a model and combination: they differ in ``split`` of them, and by ``apart`` on average."""
    better, worse = round(RECORDED * (split + apart) / 2), round(RECORDED * (split - apart) / 2)
    return np.concatenate([np.ones(better), -np.ones(worse), np.zeros(RECORDED - better - worse)])


def row(label: str, found: Simulation, knew: int) -> str:
    return (
        f"{label}  {found.coverage.centre:6.3f} [{found.coverage.low:.3f}, {found.coverage.high:.3f}]  {found.mean_used:6.0f}  "
        f"{found.fixed:5d} {found.saved:+7.0%}  {knew:5d} {1 - found.mean_used / max(knew, 1):+7.0%}"
    )


def knew_width(width: float, deviation: float) -> int:
    """Values after which the fixed-n interval is within ``width`` if their deviation is known, with the same made-up values."""
    z2 = 3.841  # 95%
    n = 1
    while math.sqrt(z2 * (n * deviation**2 + z2 / 4) / (n + z2)) / math.sqrt(n + z2) > width:
        n += 1
    return n


def one_model(repeats: int) -> None:
    print("One model, until the interval is within the width. ± is half the interval where it stopped, on average.")
    print("width  texts  rate        ±   coverage               used   fixed   saved   knew   saved")
    for width in (0.1, 0.05):
        rule, fixed = until_narrow(width), fixed_for_width(width)
        for generations in (1, 3):
            for rate in (0.0, 0.05, 0.1, 0.2, 0.35, 0.5):
                record = texts(rate, generations)
                random = chance.numpy("benchmark", "one", f"{width:g}", generations, f"{rate:g}")
                found = simulate(record.tolist(), rule, fixed=fixed, repeats=repeats, random=random)
                label = f"{width:5g}  {generations:5d}  {record.mean():4.2f}  {found.half_width:7.3f}"
                print(row(label, found, knew_width(width, float(record.std()))))
    print()
    print("The cells of the published leaderboard (34 of Full Marks), each until within the width")
    for width in (0.1, 0.05):
        rule, fixed = until_narrow(width), fixed_for_width(width)
        rates = [rate for by_k in PUBLISHED.values() for rate in by_k]
        for generations in (1, 3):
            used = {
                rate: simulate(
                    texts(rate, generations).tolist(),
                    rule,
                    fixed=fixed,
                    repeats=repeats // 4,
                    random=chance.numpy("benchmark", "published", f"{width:g}", generations, f"{rate:g}"),
                ).mean_used
                for rate in sorted(set(rates))
            }
            mean = float(np.mean([used[rate] for rate in rates]))
            saved = 1 - mean / fixed
            print(f"  width {width:4g}, texts {generations}: {mean:5.0f} a cell in place of {fixed}, {saved:.0%} saved")


def two_models(repeats: int) -> None:
    print("Two models, until told apart or found alike; split is the share of combinations on which they differ.")
    print("smallest  split  truth  apart  alike   coverage               used   fixed   saved   knew   saved")
    for smallest, split in ((0.1, 0.2), (0.1, 0.4), (0.2, 0.4)):
        rule, fixed = until_apart(smallest), fixed_for_difference(smallest)
        for times in (0.0, 1.0, 1.5, 2.0):
            truth = times * smallest
            if truth > split:
                continue
            random = chance.numpy("benchmark", "two", f"{smallest:g}", f"{split:g}", f"{times:g}")
            found = simulate(differences(truth, split).tolist(), rule, fixed=fixed, repeats=repeats, random=random)
            reasons = found.reasons
            label = f"{smallest:8g}  {split:5g}  {truth:5.2f}  {reasons['apart']:5.2f}  {reasons['alike']:5.2f}"
            print(row(label, found, fixed_for_difference(smallest, math.sqrt(split - smallest**2))))
    print("The same, planned with the spread known: the power is then that of the fixed test")
    for smallest, split in ((0.1, 0.2), (0.1, 0.4), (0.2, 0.4)):
        deviation = math.sqrt(split - smallest**2)
        rule, fixed = until_apart(smallest, deviation=deviation), fixed_for_difference(smallest, deviation)
        for times in (0.0, 1.0, 1.5, 2.0):
            truth = times * smallest
            if truth > split:
                continue
            random = chance.numpy("benchmark", "known", f"{smallest:g}", f"{split:g}", f"{times:g}")
            found = simulate(differences(truth, split).tolist(), rule, fixed=fixed, repeats=repeats, random=random)
            reasons = found.reasons
            label = f"{smallest:8g}  {split:5g}  {truth:5.2f}  {reasons['apart']:5.2f}  {reasons['alike']:5.2f}"
            print(row(label, found, fixed))
    print()
    print("All pairs of models of the published leaderboard at one k, as unrelated coins with the published rates")
    for smallest in (0.1, 0.2):
        rule, fixed = until_apart(smallest), fixed_for_difference(smallest)
        used: list[float] = []
        counts: dict[Reason, float] = {"apart": 0.0, "alike": 0.0, "most": 0.0}
        for k, rates in PUBLISHED.items():
            for pair in combinations(rates, 2):
                record = unrelated(*pair)
                random = chance.numpy("benchmark", "pairs", k, *(f"{each:g}" for each in (smallest, *pair)))
                found = simulate(record.tolist(), rule, fixed=fixed, repeats=max(10, repeats // 20), random=random)
                used.append(found.mean_used)
                for name in counts:
                    counts[name] += found.reasons[name]
        said = ", ".join(f"{count / len(used):.0%} {name}" for name, count in counts.items())
        mean = float(np.mean(used))
        saved = 1 - mean / fixed
        print(f"  smallest {smallest:g}: {len(used)} pairs, {mean:.0f} a pair in place of {fixed}, {saved:.0%} saved; {said}")


def unrelated(first: float, second: float) -> Floats:
    """Differences of two models that succeed independently."""
    better, worse = round(RECORDED * first * (1 - second)), round(RECORDED * second * (1 - first))
    return np.concatenate([np.ones(better), -np.ones(worse), np.zeros(RECORDED - better - worse)])


def recorded(path: str, apart: bool, repeats: int) -> None:
    values = [float(line) for line in Path(path).read_text().split()]
    plans: list[tuple[str, StopRule, int]] = (
        [(f"smallest {each}", until_apart(each), fixed_for_difference(each)) for each in (0.1, 0.2)]
        if apart
        else [(f"width {each}", until_narrow(each), fixed_for_width(each)) for each in (0.1, 0.05)]
    )
    print(f"{path}: {len(values)} combinations, mean {np.mean(values):.3f}, deviation {np.std(values):.3f}")
    for label, rule, fixed in plans:
        found = simulate(values, rule, fixed=fixed, repeats=repeats, random=chance.numpy("benchmark", "recorded", label))
        print(f"  {label}: coverage {found.coverage}, {found.mean_used:.0f} in place of {fixed}, {found.saved:.0%} saved")
        print("    " + ", ".join(f"{share:.0%} {why}" for why, share in found.reasons.items() if share))


def main(arguments: list[str]) -> None:
    begun = time.perf_counter()
    files = [each for each in arguments if not each.startswith("-")]
    if files:
        recorded(files[0], "--apart" in arguments, repeats=2000)
        return
    print(f"Confidence {CONFIDENCE:.0%}. Coverage with its own 95% interval; saved is against fixed, then against knew.")
    print()
    one_model(repeats=300)
    print()
    two_models(repeats=300)
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
