"""The exact grader: a program in a grader's place, for packs of a formal language. It calls no model and costs nothing."""

from collections.abc import Callable, Sequence

from genlab.evaluation.grading import Graded
from genlab.evaluation.roles import checker_of
from genlab.grading.graded import written
from genlab.grading.rubric import Rubric
from genlab.skills.pack import Pack
from genlab.skillworld.checker import check

Check = Callable[[str, Sequence[str], str, int], tuple[float, ...]]  # of text, skills, topic and limit; ValueError: not its skill
CHECKERS: dict[str, Check] = {"skillworld": check}  # by the name that a pack's ``checker`` has


def graded(text: str, rubric: Rubric, pack: Pack, *, gradings: int) -> Graded:
    """What the pack's checker makes of a text: as many gradings as asked for, all of them the same points."""
    points = CHECKERS[pack.checker](text, [skill.name for skill in rubric.skills], rubric.topic, rubric.limit)
    return Graded(checker_of(pack), (written(points),) * gradings, ("",) * gradings, cost=0.0)


def expect_checkable(pack: Pack, mode: str) -> None:
    """Nothing, where the pack can be evaluated in this mode.

    Raises:
        ValueError: paper mode, of a pack that does not keep to the paper's protocol; or a skill or topic that its checker does
            not know.
    """
    if mode == "paper" and (pack.checker or pack.manner != "paper"):
        why = f"is graded by {checker_of(pack)}" if pack.checker else "asks in one turn"
        raise ValueError(
            f"mode=paper scores two turns and a model's grading as the official code does, and pack {pack.name!r} {why}: "
            "set mode=strict"
        )
    if not pack.checker:
        return
    for topic in pack.topics:
        try:
            CHECKERS[pack.checker]("", [skill.name for skill in pack.skills], topic.name, 1)
        except ValueError as error:
            raise ValueError(f"pack {pack.name!r} names checker {pack.checker!r}, and {error}") from error
