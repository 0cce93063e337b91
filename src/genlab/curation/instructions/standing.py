"""Whether an instruction stands alone: what it points to ("the text below", "the attached file") is there."""

import re

_THINGS = (
    r"(?:texts?|passages?|paragraphs?|articles?|excerpts?|code|snippets?|scripts?|functions?|quer(?:y|ies)|tables?|data(?:sets?)?|"
    r"lists?|figures?|images?|pictures?|photos?|charts?|graphs?|diagrams?|emails?|letters?|messages?|documents?|files?|essays?|"
    r"stor(?:y|ies)|poems?|sentences?|dialogues?|transcripts?|reports?|reviews?|examples?|scenarios?|conversations?|drafts?|"
    r"equations?|problems?|arguments?|statements?|quotes?|information|details|context)"
)
_ATTACHED = re.compile(
    rf"\b(?:attached|enclosed|uploaded)(?: \w+)? {_THINGS}\b|\b{_THINGS} (?:I(?:'ve|’ve| have)? )?(?:attached|uploaded)\b"
    r"|\b(?:see|find) (?:the )?attach(?:ed|ment)\b|\b(?:attached|enclosed) (?:is|are)\b",
    re.I,
)
_BEFORE = re.compile(  # of an earlier conversation
    r"\b(?:your|the) (?:previous|earlier|preceding|prior) (?:question|answer|response|instruction|prompt|turn)s?\b"
    r"|\bas (?:we|you|I) (?:discussed|mentioned|said) (?:above|before|earlier)\b",
    re.I,
)
_BEHIND = re.compile(
    rf"\b(?:above|aforementioned|preceding)(?:-\w+)? {_THINGS}\b|\b{_THINGS} (?:given |shown |provided |quoted )?above\b"
    r"|\b(?:mentioned|described|given|listed|shown|stated) above\b",
    re.I,
)
_AHEAD = re.compile(
    rf"\b(?:following|below)(?: \w+)? {_THINGS}\b|\b{_THINGS} (?:given |shown |provided |quoted |pasted )?below\b|\bas follows\b",
    re.I,
)
_GIVEN = re.compile(
    rf"\bthe (?:provided|given|supplied|quoted) {_THINGS}\b|\bthe {_THINGS} (?:provided|supplied|given)\b"
    r"|\bthis (?:text|passage|paragraph|excerpt|code|snippet|script|function|table|dataset|transcript|draft|essay)\b"
    r"|\bthis (?:equation|sentence)\b",
    re.I,
)
_QUOTE = re.compile(
    r"“[^”]{12,}”|\"[^\"]{12,}\"|«[^»]{12,}»|「[^」]{6,}」|„[^“]{12,}“|(?<!\w)['\u2018][^'’\n]{20,}['’](?!\w)|`[^`]{6,}`"
)
_WORD = re.compile(r"\w+")
SHOWN, AFTER_COLON = 5, 2  # words of a thing that is shown on lines of its own, or behind a colon, at least; our assumption


def stands_alone(instruction: str) -> str:
    r"""What an instruction points to and does not hold, or "" where it stands alone.

    >>> stands_alone("Summarize the text below."), stands_alone("Summarize the text below.\n\nBees hum all day, even in rain.")
    ('the text below', '')
    """
    for pattern in (_ATTACHED, _BEFORE):
        if match := pattern.search(instruction):
            return _seen(instruction, match)
    for pattern, holds in ((_BEHIND, _holds_behind), (_AHEAD, _holds_ahead), (_GIVEN, _holds)):
        for match in pattern.finditer(instruction):
            if not holds(instruction, match):
                return _seen(instruction, match)
    return ""


def _seen(instruction: str, match: re.Match[str]) -> str:
    article = re.search(r"\b(?:the|this|an?|my|your) \Z", instruction[: match.start()], re.I)
    return (article[0] if article else "") + match[0]


def _holds_behind(instruction: str, match: re.Match[str]) -> bool:
    """Something is shown before the line that points back."""
    before = instruction[: match.start()]
    return bool(_QUOTE.search(before) or "```" in before) or len(_WORD.findall(before[: before.rfind("\n") + 1])) >= SHOWN


def _holds_ahead(instruction: str, match: re.Match[str]) -> bool:
    """Something stands after the pointer, behind a colon or on lines of its own."""
    after = instruction[match.end() :]
    shown = re.search(r":|\n", after)
    return bool(_QUOTE.search(after) or "```" in after) or bool(shown and len(_WORD.findall(after[shown.end() :])) >= AFTER_COLON)


def _holds(instruction: str, match: re.Match[str]) -> bool:
    """Something is shown anywhere: a quote, code, or a line or a list of some words other than the one that points."""
    start, end = instruction.rfind("\n", 0, match.start()) + 1, instruction.find("\n", match.end())
    others = instruction[:start] + (instruction[end:] if end >= 0 else "")
    colon = instruction.find(":", match.end())
    listed = instruction[colon + 1 :] if colon >= 0 else ""
    quoted = bool(_QUOTE.search(instruction) or "```" in instruction)
    return quoted or len(_WORD.findall(others)) >= SHOWN or len(_WORD.findall(listed)) >= AFTER_COLON
