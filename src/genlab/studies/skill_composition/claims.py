"""The paper's findings as functions of the records.

Regions were written down before the study ran. Every difference is between students of one seed on the same combinations, and
its interval is over seeds. Strict and replay students, and other bases, are settings of their own.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product

from genlab.results.claims import Claim, Finding, Region, finding, not_measured
from genlab.results.runs import Run
from genlab.studies.skill_composition.scores import Student, students

ABOVE = Region(low=0.01)  # better by a text in a hundred or more: our assumption, so that two students at 0 are no success
MORE = (4, 5)  # skills a text that nobody was fine-tuned on
UNTAUGHT = (2, 3, 4)


def _grouped(runs: Sequence[Run]) -> list[dict[str, Student]]:
    """The students that may be compared: of one base, pack and way; a base stands beside each of its ways."""
    groups: dict[tuple[str, str, str], dict[str, Student]] = {}
    every = students(runs)
    for each in every:
        if each.way:
            groups.setdefault((each.pack, each.base, each.way), {})[each.mixture] = each
    for (pack, base, _), group in groups.items():
        group.update({each.mixture: each for each in every if not each.way and (each.pack, each.base) == (pack, base)})
    return list(groups.values())


def _difference(better: Student, worse: Student, split: str, k: int, score: str = "full_marks") -> dict[int, float]:
    ours, theirs = better.by_seed(split, k, score), worse.by_seed(split, k, score)
    return {seed: ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())}


def _found(setting: str, values: Mapping[int, float], pair: Sequence[Student]) -> Finding:
    conditions = [id for student in pair for id in student.conditions]
    if not values:
        return not_measured(setting, ABOVE, "no texts of this k and split", conditions=conditions)
    lost = f"one seed of {max(len(each.runs) for each in pair)} is in both" if len(values) == 1 else ""
    return finding(
        setting, ABOVE, {s: v if math.isfinite(v) else math.nan for s, v in values.items()}, conditions=conditions, note=lost
    )


def _against_controls(split: str, sizes: Sequence[int], scores: Mapping[str, str], runs: Sequence[Run]) -> list[Finding]:
    findings = []
    for group in _grouped(runs):
        if "D(1,2,3)" not in group:
            continue
        ours = group["D(1,2,3)"]
        for control in (group[name] for name in ("base", "format") if name in group):
            for k, (score, words) in product(sizes, scores.items()):
                values = _difference(ours, control, split, k, score)
                if values:
                    setting = f"{ours.name} minus {control.mixture}, {words}, {split}, k={k}, on {ours.base}"
                    findings.append(_found(setting, values, (ours, control)))
    return findings


def _more_skills(runs: Sequence[Run]) -> Sequence[Finding]:
    return _against_controls("train", MORE, {"full_marks": "full marks", "present": "skills shown"}, runs)


def _other_skills(runs: Sequence[Run]) -> Sequence[Finding]:
    return _against_controls("held-out", UNTAUGHT, {"full_marks": "full marks"}, runs)


def _richer_data(runs: Sequence[Run]) -> Sequence[Finding]:
    findings = []
    for group in _grouped(runs):
        for better, worse in (("D(1,2)", "D(1)"), ("D(1,2,3)", "D(1,2)")):
            if better not in group or worse not in group:
                continue
            pair = (group[better], group[worse])
            if "growing" in pair[0].way:
                continue  # there, more k is more data: it says nothing of data efficiency
            findings += [
                _found(f"{pair[0].name} minus {worse}, full marks, train, k={k}, on {pair[0].base}", values, pair)
                for k in (3, 4)
                if (values := _difference(*pair, "train", k))
            ]
    return findings


def _other_grader(runs: Sequence[Run]) -> Sequence[Finding]:
    why = "an exact checker is no matter of taste; with other packs, name two graders and compare the two tables"
    return [
        not_measured(each.name, ABOVE, why, conditions=each.conditions) for each in students(runs) if each.mixture == "D(1,2,3)"
    ]


def _held_out_better(runs: Sequence[Run]) -> Sequence[Finding]:
    findings = []
    for each in students(runs):
        if each.mixture != "D(1,2,3)":
            continue
        for k in UNTAUGHT:
            held, train = each.by_seed("held-out", k, "full_marks"), each.by_seed("train", k, "full_marks")
            values = {seed: held[seed] - train[seed] for seed in sorted(held.keys() & train.keys())}
            if values:
                findings.append(_found(f"{each.name}, held-out minus train, full marks, k={k}, on {each.base}", values, (each,)))
    return findings


CLAIMS = (
    Claim(
        "C1",
        "Fine-tuning on texts of one to three skills improves texts of four and five",
        "difference in full marks, and in the share of skills shown",
        None,
        _more_skills,
    ),
    Claim(
        "C2",
        "Fine-tuning on some categories of skills improves how skills of other categories are combined",
        "difference in full marks on held-out skills and topics",
        None,
        _other_skills,
    ),
    Claim(
        "C3",
        "At equal size, data with more skills a text teach more",
        "difference in full marks at k = 3 and 4, at equal tokens",
        None,
        _richer_data,
    ),
    Claim(
        "C4", "The trend is the same under another grader", "difference in full marks by the other grader", None, _other_grader
    ),
    Claim(
        "C5",
        "After fine-tuning, held-out skills are combined better than trained ones",
        "full marks on held-out skills minus those on trained ones",
        None,
        _held_out_better,
    ),
)
