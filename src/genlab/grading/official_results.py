"""Result folders of the official code (LeoYu/skill-mix) as graded texts, scored in both modes.

In paper mode as the official scripts would score them; in strict mode with each table read by the names of its rows. What is
broken is reported and not scored, in either mode; nothing is filled in, and a grading saved three times is one grading.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from genlab.grading import official, sentences
from genlab.grading.graded import GradedText, written
from genlab.grading.official_folder import Batch, Problem, Reply, Text, batches
from genlab.grading.rubric import OTHERS, Rubric, rubric, sentence_limit
from genlab.grading.scores import deducted, scores, vote
from genlab.skills.naming import names_itself, spoken
from genlab.skills.pack import Pack
from genlab.skills.skill import Skill, plain

__all__ = ["Imported", "Problem", "UnreadableTable", "named_points", "read"]

LISTS = {"14", "llama"}  # the official grading prompts that ask for a list of points; all others ask for a table
EMPTY_RUBRIC = re.compile(r"criteria(?: are)?:\s*\.(?:\s|$)")
SPELLED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")  # limits in the official rubric
POINT = re.compile(r"[*_`\s]*([01])(?:\.0+)?(?:\s*/\s*1|\s*\(?\s*out of 1\s*\)?)?[*_`\s]*", re.IGNORECASE)


class UnreadableTable(ValueError):
    """A grading that cannot be read by names without guessing; the message says why."""


@dataclass(frozen=True)
class Imported:
    """The texts of a folder in both scoring modes, in the same order, and what was found broken."""

    rows_paper: tuple[GradedText, ...]
    rows_strict: tuple[GradedText, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Grading:
    """One grading as either mode reads it: points, or None and why."""

    paper: tuple[float, ...] | None
    strict: tuple[float, ...] | None
    why_paper: str = ""
    why_strict: str = ""


def read(folder: Path, *, pack: Pack | None = None, count: Callable[[str], int] = sentences.count) -> Imported:
    """All texts below a folder, one row a text and grader.

    Tokens are not in the files: they read 0, and costs None. A sample's id holds seed, place, and a digest of skills and
    topic, so that rounds that do not hold the same combinations are never taken for each other.

    Args:
        folder: the official ``--exp_path``, what holds several, or a part of one.
        pack: where skills are looked up by name; without it categories are "" and no alias counts as naming a skill.
        count: how strict mode counts sentences.

    Raises:
        ValueError: no such folder, or no ``records.csv`` of texts or gradings in it.
    """
    layout = "expected k3_s10_vdefault_r1/STUDENT/records.csv and the like, as the official code writes them"
    if not folder.is_dir():
        raise ValueError(f"no folder {str(folder)!r}: {layout}")
    found, problems = batches(folder)
    if not found:
        reasons = "".join(f"; {each.file}: {each.what}" for each in problems)
        raise ValueError(f"no results below {str(folder)!r}: {layout}{reasons}")
    paper: list[GradedText] = []
    strict: list[GradedText] = []
    for batch in found:
        for place, text in enumerate(batch.texts):
            skills = _skills(text.skills, pack)
            gradings = _gradings(batch, place, rubric(skills, text.topic), problems)
            bare = _bare(batch, place, skills)
            paper.append(_in_paper_mode(bare, gradings))
            strict.append(_in_strict_mode(bare, gradings, skills, count))
    return Imported(tuple(paper), tuple(strict), tuple(problems))


def _skills(found: Sequence[str], pack: Pack | None) -> tuple[Skill, ...]:
    known = {plain(skill.name): skill for skill in pack.skills} if pack else {}
    unknown = Skill("", "", "", "")
    return tuple(replace(known.get(plain(name), unknown), name=name) for name in found)


def _bare(batch: Batch, place: int, skills: tuple[Skill, ...]) -> GradedText:
    """The row of a text before it is scored."""
    text = batch.texts[place]
    combination = "\x1f".join((*sorted(text.skills), text.topic))
    digest = hashlib.sha256(combination.encode()).hexdigest()[:6]
    drawn = batch.seed or plain(batch.experiment).replace(" ", ".")
    return GradedText(
        student=batch.student,
        grader=batch.grader,
        sample=f"official-k{len(skills)}-s{drawn}-{place:04d}-{digest}",
        index=place,
        generation=batch.generation,
        k=len(skills),
        skills=text.skills,
        categories=tuple(skill.category for skill in skills),
        topic=text.topic,
        text=text.text,
        draft=text.draft,
        control="",
        truth=None,
        gradings=(),
        reasons=(),
        points=None,
        named=(),
        sentences=0,
        status="ungraded",
        why=text.broken,
        full_marks=None,
        all_skills=None,
        skill_fraction=None,
        full_marks_unnamed=None,
        all_skills_unnamed=None,
        skill_fraction_unnamed=None,
        input_tokens=0,
        output_tokens=0,
        grader_input_tokens=0,
        grader_output_tokens=0,
        cost=None,
    )


def _in_paper_mode(row: GradedText, gradings: Sequence[_Grading]) -> GradedText:
    counted = official.sentence_count(row.text)
    row = replace(
        row,
        gradings=tuple("" if each.paper is None else written(official.padded(each.paper, row.k)) for each in gradings),
        reasons=tuple(each.why_paper for each in gradings),
        named=official.named(row.skills, row.text),
        sentences=counted,
    )
    limit = sentence_limit(row.k)
    readable = [
        official.with_length(official.padded(each.paper, row.k), counted, limit) for each in gradings if each.paper is not None
    ]
    if not readable:
        return _unscored(row)
    points = official.voted(readable)
    ratios = list(official.METHODS)[:3]
    plainly = [official.worth(points, row.k, each) for each in ratios]
    unnamed = [official.worth(deducted(points, row.named), row.k, each) for each in ratios]
    return _scored(row, points, plainly, unnamed)


def _in_strict_mode(
    row: GradedText, gradings: Sequence[_Grading], skills: Sequence[Skill], count: Callable[[str], int]
) -> GradedText:
    counted = count(row.text)
    row = replace(
        row,
        gradings=tuple("" if each.strict is None else written(each.strict) for each in gradings),
        reasons=tuple(each.why_strict for each in gradings),
        named=tuple(float(names_itself(skill, row.text)) for skill in skills),
        sentences=counted,
    )
    if not row.why and not row.text.strip():
        return replace(row, status="unanswered", why="the student's text is empty")
    readable = [each.strict for each in gradings if each.strict is not None]
    if not readable:
        return _unscored(row)
    points = (*vote(readable)[:-1], float(counted <= sentence_limit(row.k)))
    plainly, unnamed = scores(points), scores(deducted(points, row.named))
    return _scored(
        row,
        points,
        (plainly.full_marks, plainly.all_skills, plainly.skill_fraction),
        (unnamed.full_marks, unnamed.all_skills, unnamed.skill_fraction),
    )


def _scored(row: GradedText, points: tuple[float, ...], plainly: Sequence[float], unnamed: Sequence[float]) -> GradedText:
    return replace(
        row,
        status="graded",
        why="",
        points=points,
        full_marks=plainly[0],
        all_skills=plainly[1],
        skill_fraction=plainly[2],
        full_marks_unnamed=unnamed[0],
        all_skills_unnamed=unnamed[1],
        skill_fraction_unnamed=unnamed[2],
    )


def _unscored(row: GradedText) -> GradedText:
    return replace(row, why=row.why or "; ".join(dict.fromkeys(row.reasons)) or "no grading")


def _gradings(batch: Batch, place: int, asked: Rubric, problems: list[Problem]) -> list[_Grading]:
    """The gradings of one text; the same reply under every round is one grading."""
    there = [(str(file.path), file.replies[place]) for file in batch.files if place < len(file.replies)]
    if len(there) > 1 and len({reply.reply for _, reply in there}) == 1:
        problems.append(Problem(there[1][0], place + 1, "the same reply in every round of gradings: one grading, counted once"))
        del there[1:]
    found = []
    for file, reply in there:
        grading, said = _graded(reply, batch.texts[place], asked, batch.version in LISTS)
        problems += [Problem(file, place + 1, what) for what in said]
        found.append(grading)
    return found


def _graded(reply: Reply, text: Text, asked: Rubric, listed: bool) -> tuple[_Grading, list[str]]:
    """A grading in both modes, and what is to be reported of it."""
    due = asked.k + OTHERS
    if broken := text.broken or _broken(reply, text, listed, due):
        return _Grading(None, None, broken, broken), [] if text.broken else [broken]
    said = []
    paper: tuple[float, ...] | None = None
    why = ""
    try:
        paper = (official.listed_points(reply.reply) if listed else official.table_points(reply.reply)).points
    except official.Crash as crash:
        why = f"the official code stops: {crash}"
        said.append(f"paper mode: {why}")
    if paper is not None and len(paper) != due:
        said.append(f"paper mode: {len(paper)} points for {due} criteria, taken in their order and cut or filled with 0 as there")
    if paper is not None and reply.stored != ",".join(map(str, paper)):
        said.append(f"paper mode: the file says {reply.stored or 'no points'}, its reply reads {','.join(map(str, paper))}")
    if reply.counted and reply.counted != str(official.sentence_count(text.text)):
        said.append(f"paper mode: the file says {reply.counted} sentence(s), the text has {official.sentence_count(text.text)}")
    if listed:
        return _Grading(paper, None, why, "a list of points, which strict mode cannot read by names"), said
    try:
        return _Grading(paper, named_points(reply.reply, asked), why), said
    except UnreadableTable as error:
        return _Grading(paper, None, why, str(error)), [*said, f"strict mode: {error}"]


def _broken(reply: Reply, text: Text, listed: bool, due: int) -> str:
    """Why no mode may score a grading, or ""."""
    lines = [line for line in reply.reply.splitlines() if line.strip()]
    rows = [cells for line in lines if (cells := _cells(line)) and not _is_heading(cells)]
    given = sum(not _is_total(cells) for cells in rows)
    items = reply.reply.lower().count("earned:")
    if reply.torn:
        return "the row is torn: the file ends within it"
    if (reply.skills, reply.topic) != (text.skills, text.topic):
        return "a grading of another combination than the text in the same row"
    if text.text.strip() not in reply.prompt:
        return "the grader's prompt does not hold the student's text"
    if EMPTY_RUBRIC.search(reply.prompt.split(official.DEFINITIONS)[-1]):  # behind the student's text
        return "the grader was given an empty rubric"
    if not lines:
        return "the reply is empty"
    if listed:
        if not items:
            return "wrong format: a list of points was asked for, and there is none"
        return f"cut off after {items} of {due} criteria" if items < due and "grade:" not in reply.reply.lower() else ""
    if not any("|" in line for line in lines):
        return "wrong format: a table was asked for, and there is a list" if items else "wrong format: there is no table"
    if given == len(rows) < due and "|" in lines[-1]:
        return f"cut off: the reply ends in row {given} of a table of {due}, before its total"
    return ""


def _cells(line: str) -> list[str]:
    """The cells of a table's row; none for a line that is no row, or a rule."""
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    return cells if "|" in line and not all(set(cell) <= set("-: ") for cell in cells) else []


def _is_heading(cells: Sequence[str]) -> bool:
    return plain(cells[0]) in {"criteria", "criterion"}


def _is_total(cells: Sequence[str]) -> bool:
    return plain(cells[0]) in {"total", "total points", "total points earned", "total score"}


def named_points(reply: str, rubric: Rubric) -> tuple[float, ...]:
    """The k + 3 points, each 0 or 1, of a table without a code, in the rubric's order whatever the order of its rows.

    A row is a skill's if it says its name or an alias, with or without the part in brackets, or else words of its name alone.

    Raises:
        UnreadableTable: a criterion has no row, or rows that disagree; a row could be two criteria's; points are not 0 or 1.
    """
    found: dict[int, float] = {}
    strangers = []
    for name, cell in _rows(reply):
        place = _criterion(name, rubric)
        if place is None:
            strangers.append(repr(name[:60]))
            continue
        point = POINT.fullmatch(cell)
        if point is None:
            raise UnreadableTable(f"{name[:60]!r} earned {cell[:40]!r}: expected 0 or 1")
        if found.setdefault(place, float(point[1])) != float(point[1]):
            raise UnreadableTable(f"{name[:60]!r} is graded twice, differently")
    if missing := [each.name for place, each in enumerate(rubric.criteria) if place not in found]:
        other = f"; rows that fit nothing: {', '.join(strangers)}" if strangers else ""
        raise UnreadableTable(f"no row for {', '.join(missing)}{other}")
    return tuple(found[place] for place in range(rubric.k + OTHERS))


def _rows(reply: str) -> Iterator[tuple[str, str]]:
    """Name and points of each row of a reply's tables, without headings and totals."""
    column = -1
    for cells in filter(None, map(_cells, reply.splitlines())):
        if _is_heading(cells):
            column = next((place for place, cell in enumerate(cells) if "earned" in cell.lower()), -1)
        elif not _is_total(cells):
            yield cells[0], cells[column] if 1 < len(cells) > column else ""


def _criterion(row: str, rubric: Rubric) -> int | None:
    """The place of the criterion that a row names, after such words as "Correctly illustrates"; None for none."""
    words = re.sub(r"^\d+ (?=.)", "", plain(row)).split()
    lengths: dict[int, int] = {}
    for place, (forms, before) in enumerate(_named(rubric)):
        for form in forms:
            if form and words[-len(form) :] == form and set(words[: -len(form)]) <= before:
                lengths[place] = max(lengths.get(place, 0), len(form))
    nearest = [place for place, length in lengths.items() if length == max(lengths.values())]
    asked = {word for word in words if word not in _SHOWING}
    if not nearest and asked:
        nearest = [place for place, skill in enumerate(rubric.skills) if asked <= set(plain(skill.name).split())]
    if len(nearest) > 1:
        raise UnreadableTable(f"the row {row[:60]!r} could be {' or '.join(rubric.criteria[place].name for place in nearest)}")
    return nearest[0] if nearest else None


_SHOWING = {"correctly", "illustrates", "contains", "demonstrates", "shows", "the", "skill", "of"}


def _named(rubric: Rubric) -> Iterator[tuple[list[list[str]], set[str]]]:
    """For each criterion the word lists that name it, and the words that may stand before them."""
    for skill in rubric.skills:
        yield [words.split() for name in (skill.name, *skill.aliases) for words in (plain(name), spoken(name))], _SHOWING
    yield [plain(rubric.topic).split()], {"pertains", "relates", "relevant", "to", "on", "topic", "of", "the"}
    yield [["makes", "sense"]], {"the", "text"}
    numbers = {str(rubric.limit), *SPELLED[rubric.limit - 1 : rubric.limit]}
    yield (
        [["at", "most", number, noun] for number in sorted(numbers) for noun in ("sentence", "sentences")],
        {"the", "text", "has"},
    )
