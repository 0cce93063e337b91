"""Text that somebody else wrote, made safe to read: what would hide, reorder or break it is named instead of obeyed."""

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 4000  # our assumption: ten times the longest text of Skill-Mix at k = 6; the records hold the whole
KEPT = {"\n", "\t"}
JOINERS = {"\u200c", "\u200d"}  # needed inside emoji and some scripts
NAMED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, formats, half, private and unassigned characters, line separators
# Blank or ignorable all the same (Unicode's Default_Ignorable_Code_Point, and the braille blank), and no character at all.
BLANK = (
    *("\u034f", "\u115f-\u1160", "\u17b4-\u17b5", "\u2065", "\u2800", "\u3164", "\uffa0", "\ufdd0-\ufdef"),
    *("\ufff0-\ufff8", "\ufffe-\uffff", "\U000e0000-\U000e00ff", "\U000e01f0-\U000e0fff"),
)
HIDDEN = re.compile(f"[{''.join(BLANK)}]")
SELECTOR = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # chooses the shape of the character before it
LATIN = "\u024f"  # up to here no script joins its letters


@dataclass(frozen=True)
class Piece:
    """A stretch of a text: as it is, or, where ``odd``, the name of what stands there ("U+202E", "U+200B × 3")."""

    words: str
    odd: bool = False


def pieces(text: str) -> list[Piece]:
    r"""A text cut at the characters that a reader would not see: direction overrides, zero widths, controls, half characters.

    Line ends become ``\n``. Joiners and variation selectors stay where a script or an emoji needs them.

    >>> pieces("a\u202eb\x00")
    [Piece(words='a', odd=False), Piece(words='U+202E', odd=True), Piece(words='b', odd=False), Piece(words='U+0000', odd=True)]
    >>> pieces("one\r\ntwo \u200b\u200b\u200b")[1]
    Piece(words='U+200B × 3', odd=True)
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found: list[Piece] = []
    start = place = 0
    while place < len(text):
        if not _odd(text, place):
            place += 1
            continue
        if place > start:
            found.append(Piece(text[start:place]))
        start = place
        while place < len(text) and text[place] == text[start] and _odd(text, place):
            place += 1
        times = f" × {place - start}" if place - start > 1 else ""
        found.append(Piece(f"U+{ord(text[start]):04X}{times}", odd=True))
        start = place
    return [*found, Piece(text[start:])] if start < len(text) else found


def visible(text: str) -> str:
    r"""The same as one string, for places without markup; line ends and tabs become blanks.

    >>> visible("see\u2066 here\x1b\nand there")
    'see[U+2066] here[U+001B] and there'
    """
    if text.isascii() and text.isprintable():
        return text  # most are, and ten thousand conditions have many
    return "".join(f"[{each.words}]" if each.odd else " ".join(each.words.split("\n")) for each in pieces(text)).replace(
        "\t", " "
    )


def clipped(text: str, most: int = LONGEST) -> tuple[str, str]:
    """The beginning of a text, and what to say of the rest; nothing where it is whole.

    >>> clipped("short"), clipped("much too long", 8)
    (('short', ''), ('much too', 'the first 8 of 13 characters'))
    """
    return (text, "") if len(text) <= most else (text[:most], f"the first {most:,} of {len(text):,} characters")


def _odd(text: str, place: int) -> bool:
    character, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if character in KEPT:
        return False
    if character in JOINERS:
        return not (_joins(before) and _joins(after))
    if SELECTOR.match(character):
        return not before or before.isspace() or _hides(before) or bool(SELECTOR.match(before))
    return _hides(character)


def _joins(neighbour: str) -> bool:
    return neighbour > LATIN and not neighbour.isspace() and not _hides(neighbour)


def _hides(character: str) -> bool:
    return unicodedata.category(character) in NAMED or bool(HIDDEN.match(character))
