"""Made-up runs of Skill-Mix: every text's points are set by rule, so that every number of a report is known beforehand."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.grading.graded_rows import graded

from genlab import chance
from genlab.grading.graded import GradedText
from genlab.results.records import columns_of, schema_of, table_of
from genlab.results.runs import Run
from genlab.results.texts import texts
from genlab.studies.skill_mix import SkillMix

NAMES = ("metaphor", "red herring", "modus ponens", "litotes", "zeugma", "irony")
KINDS = ("literary", "rhetorical", "logical")


def settings(student: str = "openai/x", k: int = 2, seed: int = 0, **changes: Any) -> dict[str, Any]:
    """The settings of a real condition, with changes; the models are named as if they were real."""
    study = SkillMix(student=(student,), grader=("anthropic/y",), k=(k,))
    return {**study.conditions()[0].settings, "seed": seed, **changes}


def row(
    student: str, grader: str, k: int, seed: int, index: int, generation: int, given: tuple[float, ...] | None, **others: Any
) -> GradedText:
    sample = f"english-k{k}-s{seed}-{index:04d}"
    about: dict[str, Any] = {
        "student": student,
        "index": index,
        "generation": generation,
        "skills": tuple(NAMES[(index + place) % len(NAMES)] for place in range(k)),
        "categories": tuple(KINDS[(index + place) % len(KINDS)] for place in range(k)),
        "topic": f"topic {index % 7}",
        "text": f"text {index}.{generation} by {student}",
        "input_tokens": 100,
        "output_tokens": 20,
        "grader_input_tokens": 300,
        "grader_output_tokens": 30,
        "cost": 0.01,
    }
    about |= others
    return graded(grader, str(about.pop("sample", sample)), [given] * 3, k=k, **about)


def made(
    rate: float,
    student: str = "openai/x",
    k: int = 2,
    *,
    n: int = 20,
    generations: int = 2,
    graders: Sequence[str] = ("anthropic/y",),
    seed: int = 0,
    statuses: Mapping[str, int] | None = None,
    controls: bool = True,
    **changes: Any,
) -> Run:
    """A run in which the first ``rate`` of all combinations earn full marks in every generation, and the others lack a skill.

    ``statuses`` says how many of the last texts are not graded, and why not.
    """
    about = settings(student, k, seed, grader=list(graders), n=n, generations=generations, **changes)
    rows = []
    lost = [status for status, count in (statuses or {}).items() for _ in range(count)]
    for index in range(n):
        for generation in range(1, generations + 1):
            place = n * generations - (index * generations + generation)
            for grader in graders:
                full = index < round(rate * n)
                points = (1.0,) * (k + 3) if full else (0.0, *(1.0,) * (k + 2))
                if place < len(lost):
                    told = {"status": lost[place], "why": "so it is"}
                    rows.append(row(student, grader, k, seed, index, generation, None, **told))
                else:
                    rows.append(row(student, grader, k, seed, index, generation, points))
    for place in range(8 if controls else 0):
        for grader in graders:
            deserving = place % 2 == 1
            truth = (float(deserving),) * (k + 3)
            kind = "deserving" if deserving else "empty"
            sample = {
                "control": kind,
                "truth": truth,
                "sample": f"english-k{k}-s{seed}-{place:04d}-{kind}",
                "text": f"planted {place}",
            }
            rows.append(row(student, grader, k, seed, place, 1, truth, **sample, cost=0.005))
    columns = columns_of(table_of(rows, schema_of(GradedText)))
    id = f"{chance.number('made', student, k, seed, *graders, str(sorted(changes))):016x}"[:16]
    return Run(id, about, "all combinations", columns)


def held_against(rate: float, other: float, student: str = "openai/x", against: str = "a/b", *, n: int = 40) -> Run:
    """A run of stop=apart: two students on the same combinations, in one condition."""
    rows = [each for run in (made(rate, student, n=n), made(other, against, n=n, controls=False)) for each in texts(run)]
    about = settings(student, n=n, stop="apart", against=against, width=0.1, look=10)
    return Run("apart", about, "apart after 40 combinations", columns_of(table_of(rows, schema_of(GradedText))))
