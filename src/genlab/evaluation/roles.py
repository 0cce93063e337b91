"""The model roles of graders side by side."""


def roles(graders: int) -> list[str]:
    """The model roles of that many graders.

    >>> roles(3)
    ['grader', 'grader_2', 'grader_3']
    """
    return ["grader", *(f"grader_{place}" for place in range(2, graders + 1))]
