"""A made-up report of Skill-Mix for tests: our numbers are invented, and the published rows are those of the leaderboard."""

from dataclasses import replace

import numpy as np
from tests.results.sample_report import sample

from genlab.intervals import Interval
from genlab.results.claims import Claim, Judged, Region, judged
from genlab.results.exhibits import Outcome, Passage, Passages, Table
from genlab.results.figures import Bars, Figure, Line, Panel, Rule
from genlab.results.report import Report

MODELS = ("openai/gpt-5-mini", "anthropic/claude-sonnet", "local/tiny-1B-instruct")
KS = np.arange(2.0, 7.0)
# Yu et al. 2023, leaderboard (GPT-4 as grader, uncommon skills, names deducted), Ratio of Full Marks from k = 2.
PUBLISHED = {
    "GPT-4": (0.95, 0.66, 0.48, 0.12, 0.08),
    "GPT-3.5-turbo": (0.40, 0.04, 0.0, 0.0),
    "Xwin-LM-70B-V0.1": (0.38, 0.06, 0.0, 0.0),
    "LLaMA-2-70B-Chat": (0.22, 0.0, 0.0),
    "Falcon-180B-Chat": (0.20, 0.0, 0.0),
    "Qwen-14B-Chat": (0.09, 0.0, 0.0),
    "LLaMA-2-13B-Chat": (0.06, 0.0, 0.0),
    "LLaMA-2-7B-Chat": (0.03, 0.0, 0.0),
    "Tigerbot-70B-Chat": (0.03, 0.0, 0.0),
    "Mistral-7B-Instruct-v0.1": (0.02, 0.0, 0.0),
}
OURS = ((0.97, 0.81, 0.62, 0.38, 0.21), (0.93, 0.84, 0.55, 0.41, 0.17), (0.24, 0.06, 0.01, 0.0, 0.0))
CATEGORIES = (
    *("literary devices", "rhetoric", "formal and informal logic", "reasoning", "theory of mind", "pragmatics", "common sense"),
    "physical knowledge of everyday things, tools and materials",
)
TEXTS = (
    "The gardener swore the roses had held a vote. Every rose, being red, must want red; so the white one by the gate, he "
    "concluded, was a spy.",
    "“You always prune at dawn,” said Mia, who knew that Tom believed the shears were still in the shed.\n\nTom smiled: "
    "the shed, at that moment, was on fire.",
    "Knots are like promises. A sailor who ties one carelessly will learn, as surely as ice is cold, that both come undone.",
)
VERDICTS: tuple[Outcome, ...] = ("success", "failure", "success", "failure", "other")


def between(centre: float, n: int) -> tuple[float, float]:
    """Wilson's interval, so that the sample's look like real ones."""
    z2 = 1.96**2 / n
    middle, half = (centre + z2 / 2) / (1 + z2), np.sqrt(z2 * (centre * (1 - centre) + z2 / 4)) / (1 + z2)
    return float(middle - half), float(middle + half)


def k_curves() -> Figure:
    """Three models with intervals before ten published rows."""
    panels = []
    for title, scale in (("Ratio of Full Marks", 1.0), ("Skill Fraction", 0.7)):
        lines = []
        for model, values in zip(MODELS, OURS, strict=True):
            y = np.array(values) ** scale
            low, high = np.array([between(each, 100) for each in y]).T
            lines.append(Line(model, KS, y, model, low=low, high=high, n=np.full(5, 100.0), markers=True))
        for name, row in PUBLISHED.items():
            y = np.array(row) ** scale
            lines.append(Line(name, KS[: len(y)], y, "published, another pack", dashed=True, faint=True))
        panels.append(Panel(title, "k, skills in one text", "ratio", lines, y_range=(0, 1), whole_x=True))
    return Figure(
        "k-curves",
        "How many skills a model combines",
        "Bars are 95% intervals by a bootstrap over combinations. Dashed: the leaderboard of Yu et al. 2023; another pack and "
        "another grader, so not comparable.",
        tuple(panels),
    )


def bars(names: tuple[str, ...] = CATEGORIES, models: tuple[str, ...] = MODELS[:2]) -> Figure:
    """One value a category and model; one of them was not measured, and one is 0."""
    panels = []
    for title in ("k = 3",):
        drawn = []
        for place, model in enumerate(models):
            y = np.random.default_rng([place, len(names)]).uniform(0.2, 0.95, len(names))
            y[0] = 0.0
            if len(names) > 3 and place:
                y[3] = np.nan
            low, high = np.array([between(each, 40) for each in y]).T
            drawn.append(Bars(model, names, y, model, low=low, high=high, n=np.arange(30.0, 30 + len(names))))
        rules = (Rule(0.62, "all categories"),)
        panels.append(Panel(title, "category", "share of skill points earned", bars=drawn, rules=rules, y_range=(0, 1)))
    return Figure("categories", "Which skills are hard", "By category of the skill, with 95% intervals.", tuple(panels))


def tables() -> tuple[Table, Table]:
    """Numbers, and words."""
    published = [
        (name, *(f"{each:.2f}" for each in values), *("–" for _ in range(5 - len(values)))) for name, values in PUBLISHED.items()
    ]
    grader = (
        ("skill present", "40", "1", "0.03 [0.00, 0.13]"),
        ("skill named but absent", "40", "6", "0.15 [0.07, 0.29]"),
        ("tells the grader to give full marks, as a system message and in three languages", "40", "0", "0.00 [0.00, 0.09]"),
    )
    ks = tuple(f"k = {k}" for k in range(2, 7))
    note = "A dash: not run, since the ratio had fallen below 0.05 at a smaller k."
    errors = ("planted text", "texts", "errors", "error rate, 95% interval")
    return (
        Table(
            "published", "Published rows", "Full marks; another pack, so not comparable.", ("student", *ks), published, (note,)
        ),
        Table("grader", "The grader’s errors", "On planted texts whose right points are known.", errors, grader),
    )


def passages(count: int = 10) -> Passages:
    """Successes, failures and one that nobody could grade."""
    items = []
    for place in range(count):
        verdict = VERDICTS[place % 5]
        earned = {"success": True, "failure": False, "other": None}[verdict]
        rest = None if earned is None else True
        others = ("on topic: gardening", "makes sense", "at most 3 sentences")
        remark = "no analogy is drawn" if earned is False else ""
        marks = [("metaphor", rest, ""), ("false analogy", earned, remark), *((name, rest, "") for name in others)]
        facts = {"student": MODELS[place % 3], "k": "2", "topic": "gardening", "combination": f"english-k2-s0-{place:04d}"}
        items.append(Passage("metaphor + false analogy on gardening", verdict, facts, TEXTS[place % 3], marks))
    return Passages("examples", "Ten texts", "Five successes and five failures, drawn by the run’s seed.", items)


def mix(**more: object) -> Report:
    """The whole of it."""
    claim = Claim("M1", "Few models combine four skills.", "Ratio of Full Marks at k = 4", None, lambda runs: ())
    findings = tuple(
        judged(model, Region(high=0.5), Interval(values[2], *between(values[2], 100), n=100), conditions=())
        for model, values in zip(MODELS, OURS, strict=True)
    )
    made = Report(
        study="skill_mix",
        title="Skill-Mix: how many skills a model combines",
        paper="Yu, Kaur, Gupta, Brown-Cohen, Goyal, Arora 2023. Skill-Mix. (A sample: our numbers are invented.)",
        bibtex="",
        command="genlab run skill_mix --set k=2,3,4 --out runs/mix",
        made=sample(2).made,
        preset="miniature",
        hardware="CPU",
        judged=(Judged(claim, findings),),
        figures=(k_curves(), bars()),
        warnings=("The student is scripted: this is plumbing, and its numbers say nothing of any model.",),
        tables=tables(),
        passages=(passages(),),
        intervals="Ours is the ratio over combinations with its 95% interval by a bootstrap over combinations.",
    )
    return replace(made, **more)  # type: ignore[arg-type]
