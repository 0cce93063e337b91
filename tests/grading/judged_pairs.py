"""Made-up judgements of pairs of answers, and gamed baselines, by law: length, difficulty and model act as the regression says.

Only ``random()`` of Python's generator is drawn, whose values no version changes: fixtures made from these stay true.
"""

import math
import random
from dataclasses import dataclass
from pathlib import Path

from genlab import chance
from genlab.grading.annotations import Annotation

NOISE = 1.5  # standard deviation of the log-odds that no feature explains


@dataclass(frozen=True)
class Law:
    """What the log-odds of a preference are made of."""

    model: float = -0.8
    length: float = -1.4
    difficulty: float = 0.9
    hard: bool = False  # judgements are 1 or 2 and nothing between
    ungraded: int = 0  # of every this many, the first is
    ties: int = 0  # of every this many, the second is
    index: bool = False  # every third instruction only, named by its place


def normal(draw: random.Random) -> float:
    return math.sqrt(-2 * math.log(1 - draw.random())) * math.cos(2 * math.pi * draw.random())


def difficulties(n: int, key: str) -> list[float]:
    draw = chance.python("difficulties", key)
    return [1 + 1.2 * normal(draw) for _ in range(n)]


def judged(n: int, law: Law, key: str) -> list[Annotation]:
    """One judgement of each of n instructions."""
    draw = chance.python("judged", key)
    hard = difficulties(n, key)
    first = [200 + int(2800 * draw.random()) for _ in range(n)]
    second = [max(1, int(each * math.exp(0.2 + 0.5 * normal(draw)))) for each in first]
    spread = math.sqrt(sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) / n)
    found = []
    for place, (a, b) in enumerate(zip(first, second, strict=True)):
        odds = law.model + law.length * math.tanh((a - b) / spread) + law.difficulty * hard[place] + NOISE * normal(draw)
        share = 1 / (1 + math.exp(-odds))
        preference: float | None = 1 + (round(share, 9) if not law.hard else float(share > 0.5))
        if law.ties and place % law.ties == 1:
            preference = 1.5
        if law.ungraded and place % law.ungraded == 0:
            preference = None
        others = {"index": place} if law.index else {"dataset": "made up"}
        if not law.index or place % 3 == 0:
            one = Annotation(f"instruction {place}", "é" * a, "b" * b, "base", "model", "judge", preference, others)
            found.append(one)
    return found


def write_gamed(path: Path, n: int, key: str) -> None:
    """A file as alpaca-eval's df_gamed.csv: two baselines, judged on n instructions each."""
    draw = chance.python("gamed", key)
    hard = difficulties(n, key)
    lines = ["model,index,std_delta_len,instruction_difficulty,preference,not_gamed_baseline"]
    for name, model, shift in (("concise", -0.3, 0.8), ("verbose", 0.2, -1.4)):
        for place in range(n):
            length = shift + normal(draw)
            odds = model - 1.6 * math.tanh(length) + 0.75 * hard[place] + NOISE * normal(draw)
            lines.append(f"{name},{place},{length:.12g},{hard[place]!r},{1 / (1 + math.exp(-odds)):.9g},False")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


# name: how many instructions, by what law, and how alpaca-eval calls the regression
CASES = {
    "leaderboard size": (805, Law(ungraded=200, ties=150), "length_controlled_v1"),
    "small": (120, Law(ungraded=40), "length_controlled_v1"),
    "judge of 1 and 2": (150, Law(hard=True, ties=25), "length_controlled_v1"),
    "some indices": (240, Law(index=True), "length_controlled_v1"),
    "strong model": (120, Law(model=2.5, length=-0.2), "length_controlled_v1"),
    "not regularised": (300, Law(ungraded=100), "length_controlled_noreg"),
    "nothing to see": (60, Law(model=0.0, length=0.0, difficulty=0.0), "length_controlled_noreg"),
    "minimal": (200, Law(), "length_controlled_minimal"),
}
