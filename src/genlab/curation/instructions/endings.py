r"""Whether a text is at its end: a sentence's mark, a closing bracket, quote or fence, or a last line that needs none.

Whole replies were told apart from cut ones before, by the provider's word. What is looked for here is a text that somebody's
parser, or a tired teacher, broke off: "... and the details related to the".
"""

import re
import unicodedata

# marks that end a sentence, of Unicode's property Sentence_Terminal those in use today
MARKS = frozenset(".!?…‥‼⁇⁈⁉。！？｡．؟۔؞।॥።፧፨։།༎၊။។៕᠃᠉⸮𑁇𑅁")  # noqa: RUF001
CLOSERS = frozenset("\"'”’»›」』）)]}】》〉＞>“")  # noqa: RUF001 - “ closes a quote in German
OPEN = frozenset(",;:،；：、，&/\\")  # noqa: RUF001
WRAPS = "*_~`"  # Markdown's, around a last word
SPACELESS = ("THAI", "LAO", "KHMER", "TIBETAN", "MYANMAR", "JAVANESE")  # scripts that end a sentence with a blank or nothing
_WITHOUT_END = """
    a an the of to and or but nor with for from in on at by as than that which who whose into onto about between because if while
    when where is are was were be been its their his her your my our this these those such including like related both either
    not very more most should could would can will may might must has have had do does
"""  # no English text ends with these without a mark after them
DANGLING = frozenset(_WITHOUT_END.split())
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})", re.MULTILINE)
_ITEM = re.compile(r"^[ \t>]*(?:[-*+•–]|\(?(?:\d{1,3}|[a-zA-Z])[.)])[ \t]+\S|^[ \t]*\|.*\|[ \t]*$")
_FORMULA = re.compile(r"(?:\$|\\\]|\\\)|\\end\{\w+\*?\})$|^[^.!?\n]{0,200}=[ \t]*[-+]?[\w.,/%^(){} ]{1,40}$")
_LINK = re.compile(r"https?://\S+$")
_NUMBER = re.compile(r"\d[\d.,:/]*[ \t]*(?:%|°[CF]?|[€$£¥]|[A-Za-z]{1,3}[²³]?)?$")
_CLOSING = re.compile(r"^[^\n.!?]{2,60},[ \t]*$")  # "Kind regards,"
_WORDS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
SIGNATURE_WORDS = 6  # of a name below a letter, at most; our assumption
VERSE_WORDS = 12  # of a line of a poem, at most; our assumption


def ends(text: str) -> bool:
    r"""Whether an answer is at its end.

    A sentence's mark in any script, a closing quote, bracket or fence, a list's item, a table's row, a formula, a link, a number,
    a signature below a letter and a line of a poem are ends. An open fence, a comma, a colon, a dash and a word such as "the" are
    none.

    >>> ends("So it is."), ends("the details related to the"), ends("1. Bees\n2. Wasps"), ends("蜜蜂嗡嗡叫。"), ends("First:")
    (True, False, True, True, False)
    """
    lines = text.rstrip().splitlines()
    if not lines:
        return False
    if open_fence(text):
        return False
    last = lines[-1].strip()
    if _FENCE.match(last):
        return True
    bare = _bare(last)
    if not bare:
        return bool(last)  # a rule, an emoji, closing marks alone
    if bare[-1] in MARKS or _LINK.search(bare) or _FORMULA.search(last):
        return True
    if dangles(text):
        return False
    closed = last.rstrip(WRAPS + " \ufe0f")[-1:]
    if closed in CLOSERS or unicodedata.category(closed or " ") == "So" or unicodedata.name(bare[-1], "").startswith(SPACELESS):
        return True
    return bool(_ITEM.match(last) or _NUMBER.search(bare)) or _signed(lines) or _verse(lines)


def dangles(text: str) -> bool:
    """Whether a text stops in the middle: at a comma, colon or dash, an open bracket or fence, or a word such as "the".

    >>> dangles("How do I make tea"), dangles("Tell me the details related to the"), dangles("Translate this:")
    (False, True, True)
    """
    bare = _bare(text.rstrip().splitlines()[-1].strip()) if text.strip() else ""
    if open_fence(text):
        return True
    if not bare or bare[-1] in MARKS:
        return False
    if unicodedata.category(bare[-1]) in ("Pd", "Ps", "Pi") or bare[-1] in OPEN:
        return True
    words = _WORDS.findall(bare)
    return bool(words) and bare.endswith(words[-1]) and words[-1] in DANGLING


def open_fence(text: str) -> bool:
    """Whether a block of code is begun and not closed; a fence is closed by one of its kind, at least as long."""
    inside = ""
    for mark in _FENCE.findall(text):
        if not inside:
            inside = mark
        elif mark[0] == inside[0] and len(mark) >= len(inside):
            inside = ""
    return bool(inside)


def _bare(line: str) -> str:
    """A line without what may follow its last mark: closing quotes and brackets, Markdown, symbols such as emoji."""
    end = len(line)
    while end and (line[end - 1] in CLOSERS or line[end - 1] in WRAPS or line[end - 1].isspace() or _symbol(line[end - 1])):
        end -= 1
    return line[:end]


def _symbol(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk", "Mn", "Cf", "Me") and not character.isalpha()


def _signed(lines: list[str]) -> bool:
    """Whether the last line, or the last few, are a name below "Kind regards,"."""
    said = [line.strip() for line in lines if line.strip()]
    return any(
        _CLOSING.match(line) and all(len(_WORDS.findall(after)) <= SIGNATURE_WORDS for after in said[place + 1 :])
        for place, line in enumerate(said[-5:-1], start=max(0, len(said) - 5))
    )


def _verse(lines: list[str]) -> bool:
    """Whether the last lines are a poem's: the last one and the one before it stand together, short, with no mark between."""
    if len(lines) < 2:
        return False
    before, last = (len(_WORDS.findall(line)) for line in lines[-2:])
    return 0 < before <= VERSE_WORDS and 0 < last <= VERSE_WORDS
