"""Precision and recall of the shirker detector on shirkers that programs planted, and what it would drop where there are none.

    python benchmarks/shirkers.py --tune    the threshold, on tuning data
    python benchmarks/shirkers.py           what is reported: other seeds, the other half of all modules, other filler

Data: 1,000 queries of skillworld of k = 2, and English from docstrings (lazy_english.py), all of it ("english") and what has 40
words or more ("english 40+"), as answers of instruction data mostly have. Planted rows whose answer did not change (the first
sentence of a single one) are left out of the counts. Intervals: Wilson, 95%.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import lazy_english
import numpy as np

from genlab import chance
from genlab.curation.shirkers import detecting, planting
from genlab.curation.shirkers.answers import answer, instruction
from genlab.curation.shirkers.detecting import THRESHOLD, Scored, scored
from genlab.curation.shirkers.features import Features, measure
from genlab.intervals import wilson
from genlab.skillworld import queries
from genlab.skillworld.skills import pack

SHARES = (0.05, 0.2, 0.4)
TUNING_SEEDS, SEEDS = (100,), (0, 1, 2)  # of English the first
GRID = [round(0.25 * step, 2) for step in range(4, 25)]
Rows = list[dict[str, Any]]


def world(seed: int, n: int = 1000) -> Rows:
    found = []
    for each in islice(queries.queries(pack(), 2, seed=seed), n):
        said = queries.answer(each, chance.python("answer", seed, each.index))
        row = {"instruction": each.instruction, "output": said, "skills": list(each.skills)}
        found.append({**row, "query_type": each.query_type, "topic": each.topic})
    return found


def sets(half: int, collection: tuple[str, ...]) -> Iterator[tuple[str, Callable[[int], Rows], Mapping[str, Any]]]:
    """Name, rows by seed, and writers by name."""
    english = lazy_english.rows(half)
    longer = [row for row in english if len(row["output"].split()) >= 40]
    lazy = {"brevity": lazy_english.first_sentence, "brevity (a third)": lazy_english.first_third}
    lazy["junk"] = lazy_english.junk(collection)
    yield "skillworld", world, {kind: planting.skillworld(kind) for kind in planting.KINDS}
    yield "english", lambda seed: english, lazy
    yield "english 40+", lambda seed: longer, lazy


def measured(rows: Rows) -> Features:
    return measure([instruction(row) for row in rows], [answer(row) for row in rows])


def counts(rows: Sequence[Mapping[str, Any]], scores: Sequence[Scored], threshold: float) -> "np.ndarray[Any, Any]":
    """Dropped shirkers, dropped rows, shirkers, rows, and dropped shirkers that were taken for the right kind."""
    found = np.zeros(5, int)
    for row, each in zip(rows, scores, strict=True):
        if row["shirker"] and answer(row) == row["unshirked"]:
            continue
        bad, hit = bool(row["shirker"]), each.score > threshold
        found += (bad and hit, hit, bad, 1, bad and hit and each.looks == row["shirker"])
    return found


def tune() -> None:
    f1: dict[float, list[float]] = {limit: [] for limit in GRID}
    clean: dict[float, list[float]] = {limit: [] for limit in GRID}
    for _, rows_of, writers in sets(0, lazy_english.TUNING):
        for seed in TUNING_SEEDS:
            unspoilt = scored(measured(rows_of(seed)))
            for limit in GRID:
                clean[limit].append(float(np.mean([each.score > limit for each in unspoilt])))
            for name, write in writers.items():
                for share in SHARES:
                    rows = planting.plant(rows_of(seed), kind=name.split()[0], share=share, seed=seed, write=write)
                    scores = scored(measured(rows))
                    for limit in GRID:
                        both, dropped, bad, _, _ = counts(rows, scores, limit)
                        f1[limit].append(2 * both / (dropped + bad))
    for limit in GRID:
        worst = " ".join(f"{each:.3f}" for each in clean[limit])
        print(f"threshold {limit:4}: mean F1 {np.mean(f1[limit]):.3f}; dropped where there are none {worst}")


def report(without: Sequence[str], only: str) -> None:
    for name in without:
        detecting.HASTY.pop(name, None), detecting.EMPTY.pop(name, None)
    print(f"threshold {THRESHOLD}; counts over all seeds{f'; without {without}' if without else ''}")
    for data, rows_of, writers in sets(1, lazy_english.REPORTED):
        if only not in ("", data):
            continue
        seeds = SEEDS if data == "skillworld" else SEEDS[:1]
        dropped = [each.score > THRESHOLD for seed in seeds for each in scored(measured(rows_of(seed)))]
        print(f"| {data} | none | 0 | | | {wilson(sum(dropped), len(dropped))} of {len(dropped):,} dropped |")
        for name, write in writers.items():
            for share in SHARES:
                total = np.zeros(5, int)
                for seed in seeds:
                    rows = planting.plant(rows_of(seed), kind=name.split()[0], share=share, seed=seed, write=write)
                    total += counts(rows, scored(measured(rows)), THRESHOLD)
                both, hit, bad, n, right = (int(each) for each in total)
                precision = wilson(both, hit) if hit else "none dropped"
                kinds = f"{right / both:.2f}" if both else "-"
                print(
                    f"| {data} | {name} | {share:g} | {precision} | {wilson(both, bad)} | n {n:,}, kind right {kinds} |",
                    flush=True,
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--without", nargs="*", default=[], help="features left out, such as filler")
    parser.add_argument("--only", default="", help="one of the data sets")
    given = parser.parse_args()
    tune() if given.tune else report(given.without, given.only)
