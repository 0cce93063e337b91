"""Made-up graded texts for the tests of the review: two students, two graders, k of 2 and 3."""

from collections.abc import Iterable
from dataclasses import replace

from genlab import chance
from genlab.grading.graded import GradedText, written
from genlab.grading.rubric import sentence_limit
from genlab.grading.scores import scores
from genlab.skills.skill import Skill

SKILLS = {
    name: Skill(name, category, f"Made-up definition of {name}, in one sentence.", f"A made-up example number {place}.")
    for place, (name, category) in enumerate(
        {
            "red herring": "logical",
            "metaphor": "literary",
            "self-serving bias": "reasoning",
            "modus ponens": "logical",
            "litotes": "rhetorical",
            "statistical syllogism": "reasoning",
        }.items()
    )
}
TOPICS = ("gardening", "dueling", "beekeeping", "sewing")
STUDENTS = ("openai/apple-9", "anthropic/berry-2")
GRADERS = ("google/cherry-1", "mistral/date-4")
HOSTILE = '</script><img src=x onerror="window.ran=1">{{ 7*7 }}<!--\u202egnp.exe\x00\u200b =1+1 \ud800 ' + "a" * 500


def text(student: str, index: int, generation: int) -> str:
    """A text of its own for each student, combination and generation."""
    said = (
        "The bees argued about the fence until the fence gave in"
        if student == STUDENTS[0]
        else "No thread was ever less unwilling"
    )
    return f"{said}, for the {index * 10 + generation}th time. It was not a small thing."


def row(student: str, grader: str, k: int, index: int, generation: int, **changes: object) -> GradedText:
    """One graded text; what it earned depends on its key alone."""
    random = chance.python("sample review", student, grader, k, index, generation)
    asked = chance.python("sample review", k, index)
    skills = tuple(asked.sample(sorted(SKILLS), k))
    points = tuple(float(random.random() < 0.85) for _ in range(k + 3))
    value = scores(points)
    made = GradedText(
        student=student,
        grader=grader,
        sample=f"english-k{k}-s0-{index:04d}",
        index=index,
        generation=generation,
        k=k,
        skills=skills,
        categories=tuple(SKILLS[name].category for name in skills),
        topic=asked.choice(TOPICS),
        text=text(student, index, generation),
        draft="a draft",
        control="",
        truth=None,
        gradings=(written(points),) * 3,
        reasons=("",) * 3,
        points=points,
        named=(0.0,) * k,
        sentences=sentence_limit(k),
        status="graded",
        why="",
        full_marks=value.full_marks,
        all_skills=value.all_skills,
        skill_fraction=value.skill_fraction,
        full_marks_unnamed=value.full_marks,
        all_skills_unnamed=value.all_skills,
        skill_fraction_unnamed=value.skill_fraction,
        input_tokens=1,
        output_tokens=1,
        grader_input_tokens=1,
        grader_output_tokens=1,
        cost=None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def rows(
    n: int = 6,
    *,
    students: Iterable[str] = STUDENTS,
    graders: Iterable[str] = GRADERS[:1],
    ks: Iterable[int] = (2, 3),
    generations: int = 2,
) -> list[GradedText]:
    """A whole evaluation: ``n`` combinations of each k, met by every student, graded by every grader."""
    graders, ks = list(graders), list(ks)
    return [
        row(student, grader, k, index, generation)
        for student in students
        for k in ks
        for index in range(n)
        for generation in range(1, generations + 1)
        for grader in graders
    ]
