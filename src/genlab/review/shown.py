"""A student's text as a rater may see it: what would hide, reorder or drown words is named instead of obeyed."""

from genlab import visible

MOST_SHOWN = 20_000  # characters; our assumption: fifty times a text of five sentences, and still quick on a telephone


def shown(text: str) -> str:
    r"""The text with each character that cannot be seen replaced by its name; line ends and tabs stay.

    >>> shown("a\u202eb\r\nc\x00\u200b\u200b\u200b")
    'a⟨U+202E⟩b\nc⟨U+0000⟩⟨U+200B × 3⟩'
    """
    return "".join(f"⟨{piece.words}⟩" if piece.odd else piece.words for piece in visible.pieces(text))


def clipped(text: str, most: int = MOST_SHOWN) -> tuple[str, str]:
    """The beginning of a text, and what to say of the rest: nothing where it is whole.

    >>> clipped("short"), clipped("much too long", 8)
    (('short', ''), ('much too', 'These are the first 8 of 13 characters.'))
    """
    beginning, rest = visible.clipped(text, most)
    return beginning, rest and f"These are {rest}."
