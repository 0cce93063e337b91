"""A made-up report for tests: the shapes are those of the papers, every number is invented."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from genlab.results.claims import Claim, Finding, Judged, Region, finding, not_measured
from genlab.results.figures import Array, Figure, Line, Panel, Rule
from genlab.results.report import ConditionRow, Report

ETAS = (0.01, 0.02, 0.04, 0.08)
SEEDS = (0, 1, 2)
HOSTILE = (
    "</script><img src=x onerror=\"window.ran='img'\"><script>window.ran='script'</script>"
    '\'"`${1}{{7*7}}<a href="javascript:alert(1)">'
)


def made_up_id(eta: float, seed: int) -> str:
    """Sixteen hex digits."""
    return hashlib.sha256(f"{eta}/{seed}".encode()).hexdigest()[:16]


def sharpness(eta: float, seed: int, points: int) -> tuple[Array, Array]:
    """Invented: rises to 2/eta, then hovers there in steps of alternating height."""
    chance = np.random.default_rng([seed, int(1000 * eta)])
    step = np.arange(float(points))
    rise = 4 + 230 * (1 - np.exp(-step * (1 + 0.15 * chance.normal()) / (0.9 * points)))
    hover = 2 / eta * (1.015 + 0.02 * chance.normal(size=points) + 0.012 * (-1.0) ** step)
    return step, np.where(rise < 2 / eta, rise * (1 + 0.004 * chance.normal(size=points)), hover)


def loss(eta: float, seed: int, points: int) -> tuple[Array, Array]:
    """Invented: falls faster with a larger step, with bumps."""
    chance = np.random.default_rng([seed, int(1000 * eta), 1])
    step = np.arange(float(points))
    return step, 2.3 * np.exp(-step * eta / (0.012 * points)) + 2e-4 / eta * np.exp(0.35 * chance.normal(size=points))


def curves(points: int = 5000) -> Figure:
    """Twelve lines a panel."""
    pairs = [(eta, seed) for eta in ETAS for seed in SEEDS]
    tall = [Line(f"η = {eta:g}, seed {seed}", *sharpness(eta, seed, points), group=f"η = {eta:g}") for eta, seed in pairs]
    low = [Line(f"η = {eta:g}, seed {seed}", *loss(eta, seed, points), group=f"η = {eta:g}") for eta, seed in pairs]
    rules = [Rule(2 / eta, f"2/η = {2 / eta:g}", group=f"η = {eta:g}") for eta in ETAS]
    return Figure(
        "sharpness-and-loss",
        "Sharpness rises to 2/η and stays there",
        "Full-batch gradient descent on a made-up task, three seeds a step size. Dashed: the largest sharpness at which gradient "
        "descent is stable on a quadratic, 2/η.",
        (
            Panel("Sharpness", "step", "sharpness λ", tall, rules),
            Panel("Training loss", "step", "mean loss", low, log_y=True),
        ),
    )


def gaps() -> Figure:
    """Lines with holes, a lone point, a divergence, a group in two dashes, and a panel nobody has measured."""
    step = np.arange(60.0)
    broken = np.where((step > 20) & (step < 30), np.nan, 0.9 - 0.8 * np.exp(-step / 12))
    exploded = np.where(step < 40, 0.3 + step / 400, np.inf)
    alone = np.full(60, np.nan)
    alone[45] = 0.2
    small, large = "batch 128", "batch 4096"
    return Figure(
        "accuracy",
        "Accuracy by batch size",
        "A made-up comparison. A gap is a point that was not measured or not finite.",
        (
            Panel(
                "Accuracy",
                "epoch",
                "share correct",
                (
                    Line("train", step, broken, group=small),
                    Line("test", step, broken - 0.1, group=small, dashed=True),
                    Line("train", step, exploded, group=large),
                    Line("test", step, alone, group=large, dashed=True),
                    Line("chance", step, np.full(60, 0.1), faint=True),
                ),
            ),
            Panel("Gradient norm", "epoch", "norm", ()),
            Panel(
                "Largest Hessian eigenvalue", "epoch", "λ", (Line("train", step, 10.0 ** (step / 20), group=small),), log_y=True
            ),
        ),
    )


def claims() -> tuple[Judged, ...]:
    """Nine claims: six hold, one fails, two are undecided."""
    near = Region(0.95, 1.2)
    ids = {eta: [made_up_id(eta, seed) for seed in SEEDS] for eta in ETAS}

    def at(eta: float, values: Sequence[float], region: Region = near, note: str = "") -> Finding:
        return finding(f"η = {eta:g}", region, dict(enumerate(values)), conditions=ids[eta], note=note)

    def judged(number: int, sentence: str, quantity: str, paper: str | None, *findings: Finding) -> Judged:
        return Judged(Claim(f"C{number}", sentence, quantity, paper, lambda runs: ()), findings)

    ratio = "mean sharpness over 2/η, last half"
    return (
        judged(1, "The sharpness rises until it reaches 2/η.", "share of steps with rising sharpness before 2/η", None,
               at(0.01, (0.93, 0.91, 0.94), Region(0.8)), at(0.02, (0.97, 0.95, 0.96), Region(0.8))),
        judged(2, "Having reached 2/η, the sharpness hovers at, or just above, it.", ratio, "at, or just above, 2/η",
               at(0.01, (1.012, 1.018, 1.015)), at(0.02, (1.021, 1.009, 1.017)), at(0.04, (1.03, 1.02, 1.01)),
               at(0.08, (1.31, 1.29, 1.34), note="two of three runs ended at their loss goal early")),
        judged(3, "While the sharpness hovers, the training loss still falls on the whole.", "last loss over that at 2/η", None,
               at(0.02, (0.112, 0.097, 0.104), Region(high=0.5))),
        judged(4, "The loss is not monotone once the sharpness has reached 2/η.", "share of steps on which the loss rises", None,
               at(0.02, (0.41, 0.44, 0.38), Region(0.05)), at(0.04, (0.46, 0.43, 0.45), Region(0.05))),
        judged(5, "With Polyak momentum the sharpness settles at (2 + 2β)/η.", "mean sharpness over (2 + 2β)/η", "(2 + 2β)/η",
               at(0.01, (0.97, 1.04, 1.12)), at(0.02, (0.84, 1.21, 1.1))),
        judged(6, "Dropping the step size lets the sharpness rise again.", "sharpness after over before", None,
               at(0.04, (1.62, float("nan"), float("nan")), Region(1.2))),
        judged(7, "A smaller step size follows the gradient flow for longer.", "distance to the flow, in weights", None,
               at(0.01, (0.00031, 0.00029, 0.00033), Region(high=0.01))),
        judged(8, "The effect is there for cross-entropy, where the sharpness falls again at the end.", ratio, None,
               at(0.02, (1.05, 1.07, 1.04)), not_measured("η = 0.08", near, "every run diverged", conditions=ids[0.08])),
        judged(9, "The largest stable step is predicted by the sharpness at the start.", "largest stable η times sharpness", None,
               at(0.04, (1.95, 1.9, 1.97), Region(1.5, 2.1))),
    )  # fmt: skip


def sample(points: int = 5000) -> Report:
    """The whole of it."""
    rows = [
        ConditionRow(
            id=made_up_id(eta, seed),
            label=f"gradient descent, η = {eta:g}, tanh network, seed {seed}",
            settings={"update": "gd", "eta": eta, "width": 200, "depth": 2, "loss": "mse", "steps": points, "seed": seed},
            status="finished",
            ending="loss goal" if eta > 0.05 else "steps",
            records=points,
            seconds=41.3 / eta * 0.01 + seed,
            environment="3f9a1c77d2e0b845",
        )
        for eta in ETAS
        for seed in SEEDS
    ]
    rows[-1] = replace(rows[-1], environment="b07e55aa91c3d2f4")
    failed = {"update": "gd", "eta": 0.16, "width": 200, "depth": 2, "loss": "mse", "steps": points, "seed": 0}
    trace = 'Traceback (most recent call last):\n  File "study.py", line 88, in run\nRuntimeError: made up for a test'
    rows.append(
        ConditionRow(made_up_id(0.16, 0), "gradient descent, η = 0.16, seed 0", failed, "failed", seconds=3.1, note=trace)
    )
    rows.append(
        ConditionRow(made_up_id(0.16, 1), "gradient descent, η = 0.16, seed 1", failed | {"seed": 1}, "incomplete", records=812)
    )
    machine = {"python": "3.12.4", "torch": "2.9.0", "numpy": "2.4.6", "device": "CPU", "precision": "float64", "threads": "1"}
    return Report(
        study="edge_of_stability",
        title="Gradient descent at the edge of stability",
        paper="Cohen, Kaur, Li, Kolter, Talwalkar 2021. Gradient Descent on Neural Networks Typically Occurs at the Edge of "
        "Stability. ICLR 2021. (A sample: every number on this page is invented.)",
        bibtex="@inproceedings{cohen2021gradient,\n  title = {Gradient Descent on Neural Networks Typically Occurs at the Edge "
        "of Stability},\n  author = {Cohen, Jeremy and Kaur, Simran and Li, Yuanzhi and Kolter, J. Zico and Talwalkar, Ameet},\n"
        "  booktitle = {ICLR},\n  year = {2021}\n}",
        command="genlab run edge_of_stability --preset mini --seeds 3 --out runs/edge",
        made=datetime(2026, 11, 24, 10, 12, tzinfo=UTC),
        preset="miniature",
        hardware="CPU, float64",
        judged=claims(),
        figures=(curves(points), gaps()),
        conditions=tuple(rows),
        settings={
            "gd, tanh": {"update": "gd", "etas": list(ETAS), "width": 200, "depth": 2, "loss": "mse", "steps": points},
            "gd, relu": {"update": "gd", "etas": list(ETAS), "width": 200, "depth": 3, "loss": "mse", "steps": points},
        },
        environments={
            "3f9a1c77d2e0b845": machine | {"commit": "3f2c1ab"},
            "b07e55aa91c3d2f4": machine | {"commit": "9d01e7c-dirty"},
        },
        warnings=("This store holds results of two commits: 3f2c1ab (13 conditions) and 9d01e7c-dirty (1 condition).",),
    )


def hostile() -> Report:
    """The sample with text in every place that tries to run."""
    bad = HOSTILE
    x = np.arange(3.0)
    panel = Panel(bad, bad, bad, (Line(bad, x, x, group=bad), Line("=1+1", x, x)), (Rule(1, bad),))
    told = finding(bad, Region(0), {0: 1.0, 1: 1.0}, conditions=(bad, "elsewhere"), note=bad)
    row = ConditionRow(bad, bad, {bad: bad, "seed": bad}, bad, bad, 1, 1.0, bad + "\ud800", bad)
    return Report(
        study=bad,
        title=bad,
        paper=bad,
        bibtex=bad,
        command=bad,
        made=datetime(2026, 11, 24, tzinfo=UTC),
        preset=bad,
        hardware=bad,
        judged=(Judged(Claim(bad, bad, bad, bad, lambda runs: ()), (told,)),),
        figures=(Figure(bad, bad, bad, (panel,)),),
        conditions=(row,),
        settings={bad: {bad: bad}},
        environments={bad: {bad: bad}},
        warnings=(bad,),
    )
