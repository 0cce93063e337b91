"""Times in words, without the numerical libraries that the rest of a report's words stand on: every command wants them."""


def duration(seconds: float | None) -> str:
    """Seconds as a reader says them; empty where they are unknown.

    >>> duration(0.42), duration(75), duration(9000), duration(2e6), duration(None)
    ('0.42 s', '1 min 15 s', '2 h 30 min', '23 d 3 h', '')
    """
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{whole} s"
