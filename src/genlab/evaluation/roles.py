"""Who grades side by side: a pack's exact checker, and models in Inspect's roles."""

from collections.abc import Iterable

from genlab.skills.pack import Pack

CHECKER = "checker/"  # how an exact checker's name begins, where a grader's name stands


def checker_of(pack: Pack) -> str:
    """The name of the pack's exact checker as a grader, such as ``checker/skillworld``; "" where models grade."""
    return f"{CHECKER}{pack.checker}" if pack.checker else ""


def models_among(graders: Iterable[str]) -> tuple[str, ...]:
    """Those graders that are models.

    >>> models_among(["checker/skillworld", "openai/x"])
    ('openai/x',)
    """
    return tuple(each for each in graders if not each.startswith(CHECKER))


def roles(models: int, role: str = "grader") -> list[str]:
    """The model roles of that many graders that are models, or of that many models in another role.

    >>> roles(3), roles(0), roles(2, "judge")
    (['grader', 'grader_2', 'grader_3'], [], ['judge', 'judge_2'])
    """
    return [role, *(f"{role}_{place}" for place in range(2, models + 1))][:models]
