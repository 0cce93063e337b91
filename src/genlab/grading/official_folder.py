"""The layout of the official code's results: which text, graded by whom in which file, and what is missing or torn.

``k3_s10_vdefault_r1/STUDENT/records.csv`` holds the texts of a round, one a row, and beside it
``graded/by_GRADER_on_text_1_1_gpt/records.csv`` the gradings of its second turn, row by row, first of three times.
"""

import csv
import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mode

from genlab.grading import official

ROUND = re.compile(r"k\d+_s(?P<seed>-?\d+)_v(?P<version>.+)_r(?P<round>\d+)")
GRADING = re.compile(r"by_(?P<grader>.+)_on_(?P<column>[^_]+_\d+)(?:_(?P<round>\d+))?(?:_(?P<version>.+))?")


@dataclass(frozen=True)
class Problem:
    """What is wrong in a file; ``row`` counts its texts from 1, None where the whole file or folder is meant.

    >>> print(Problem("records.csv", 3, "the reply is empty"))
    records.csv, row 3: the reply is empty
    """

    file: str
    row: int | None
    what: str

    def __str__(self) -> str:
        return f"{self.file}{'' if self.row is None else f', row {self.row}'}: {self.what}"


@dataclass(frozen=True)
class Text:
    """One row of a student's file; ``broken`` says why it cannot be scored, or ""."""

    skills: tuple[str, ...]
    topic: str
    text: str
    draft: str
    broken: str


@dataclass(frozen=True)
class Reply:
    """One row of a grader's file; ``stored`` and ``counted`` are the points and the sentences the official code wrote there."""

    skills: tuple[str, ...]
    topic: str
    prompt: str
    reply: str
    stored: str
    counted: str
    torn: bool


@dataclass(frozen=True)
class GradingFile:
    """One round of gradings of one student's round, in the order of its texts."""

    path: Path
    round: int | None
    replies: tuple[Reply, ...]


@dataclass(frozen=True)
class Batch:
    """One student's texts of one round, and all files in which one grader graded them with one prompt.

    Attributes:
        student, grader: as the folders name them; with what differs in brackets where two batches would bear the same names.
        experiment, seed: of the round's folder; ``seed`` is "" where its name does not follow the layout.
        generation: which round.
        column: which turn was graded, "text_1" for the second.
        version: the grading prompt's name in the official code.
        path: the student's folder.
        files: gradings, each once: without files that are copies of another, byte by byte.
    """

    student: str
    grader: str
    experiment: str
    seed: str
    generation: int
    column: str
    version: str
    path: Path
    texts: tuple[Text, ...]
    files: tuple[GradingFile, ...]

    @property
    def k(self) -> int:
        """Number of skills of most of its texts; 0 if there is none."""
        return mode(len(each.skills) for each in self.texts) if self.texts else 0


def skill_names(cell: str, k: int | None = None) -> tuple[str, ...]:
    r"""The skills in a cell, joined by a comma and a line break; commas and brackets may stand inside a name.

    Where all breaks are lost, commas divide, if that gives k names.

    >>> skill_names("red herring,  \ncause, effect (both ),  \nmetaphor")
    ('red herring', 'cause, effect (both )', 'metaphor')
    >>> skill_names("red herring, metaphor", 2)
    ('red herring', 'metaphor')
    """
    found = [" ".join(piece.split()) for piece in re.split(r",\s*\n\s*", cell.strip())]
    if k is not None and "\n" not in cell.strip() and cell.count(",") == k - 1:
        found = [" ".join(piece.split()) for piece in cell.split(",")]
    return tuple(name for name in found if name)


def batches(folder: Path) -> tuple[list[Batch], list[Problem]]:
    """Everything below a folder that follows the layout, and what does not."""
    problems: list[Problem] = []
    students: dict[tuple[Path, str], dict[str, Path]] = defaultdict(dict)
    for path in sorted(folder.absolute().rglob("records.csv")):
        above, student, grading = _place(path)
        students[above, student][grading] = path
    for path in sorted(folder.absolute().rglob("by_*")):
        if path.parent.name == "graded" and path.is_dir() and not any(path.rglob("records.csv")):
            problems.append(Problem(str(path), None, "no records.csv in this folder of gradings"))
    top = folder.absolute().parent
    found = [each for (above, student), files in students.items() for each in _of_student(above, student, files, top, problems)]
    found = _filled(found, problems)
    _compare_rounds(found, problems)
    return _told_apart(found), problems


def _place(path: Path) -> tuple[Path, str, str]:
    """The round's folder, the student, and the grading's folder ("" for the texts); student and grader may hold strokes."""
    parts = path.parts[:-1]
    rounds = [place for place, part in enumerate(parts) if ROUND.fullmatch(part)]
    graded = [place for place, part in enumerate(parts) if part == "graded" and place > (rounds[-1] if rounds else 0)]
    end = graded[0] if graded else len(parts)
    above = rounds[-1] if rounds else max(end - 2, 0)
    return Path(*parts[: above + 1]), "/".join(parts[above + 1 : end]), "/".join(parts[end + 1 :])


def _of_student(above: Path, student: str, files: dict[str, Path], top: Path, problems: list[Problem]) -> list[Batch]:
    home = above / student
    where = above.parent.relative_to(top).as_posix() if above.parent.is_relative_to(top) else above.parent.name
    said = ROUND.fullmatch(above.name)
    if said is None:
        problems.append(Problem(str(above), None, "no folder name like k3_s10_vdefault_r1: read as one round of its own"))
    rows = _rows(files[""], {"skills", "topic"}, problems) if "" in files else None
    graded: dict[tuple[str, str, str], list[tuple[GradingFile, bytes]]] = defaultdict(list)
    for name, path in files.items():
        replies = _replies(path, problems) if name else None
        if replies is not None:
            by = GRADING.fullmatch(name)
            key = (by["grader"], by["column"], by["version"] or "") if by else (name.removeprefix("by_"), "", "")
            number = int(by["round"]) if by and by["round"] else None
            graded[key].append((GradingFile(path, number, replies), hashlib.sha256(path.read_bytes()).digest()))
    if rows is None and not graded:
        return []
    if "" not in files:
        problems.append(Problem(str(home), None, "no records.csv of the student: the texts are taken from the graders' prompts"))
    found = []
    for (grader, column, version), several in graded.items() or [(("", "", ""), [])]:
        texts = _shown(several[0][0].replies) if rows is None else _texts(rows, column, str(files[""]), problems)
        batch = Batch(
            student=student,
            grader=grader,
            experiment=f"{where}/{said['version'] if said else above.name}",
            seed=said["seed"] if said else "",
            generation=int(said["round"]) if said else 1,
            column=column,
            version=version,
            path=home,
            texts=texts,
            files=_once(sorted(several, key=lambda each: (each[0].round or 0, each[0].path)), problems),
        )
        _compare_gradings(batch, [each.round for each, _ in several], problems)
        found.append(batch)
    return found


def _rows(path: Path, columns: set[str], problems: list[Problem]) -> list[dict[str, str | None]] | None:
    """The rows of a file; a cell that a torn row lacks is None. No rows but None where the columns are not there."""
    data = path.read_bytes()
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = data.decode("cp1252", errors="replace")
        problems.append(Problem(str(path), None, "not UTF-8 text: read as Windows-1252"))
    try:
        reader = csv.DictReader(io.StringIO(content, newline=""), restkey="")
        rows = [{key: value for key, value in row.items() if key} for row in reader]
    except csv.Error as error:
        problems.append(Problem(str(path), None, f"not a CSV file that can be read: {error}"))
        return None
    if missing := columns - set(reader.fieldnames or ()):
        problems.append(Problem(str(path), None, f"lacks the column(s) {', '.join(sorted(missing))}: not read"))
        return None
    return rows


def _texts(rows: Sequence[dict[str, str | None]], column: str, file: str, problems: list[Problem]) -> tuple[Text, ...]:
    turns = sorted(
        (name for name in (rows[0] if rows else ()) if re.fullmatch(r"text_\d+", name)), key=lambda name: int(name[5:])
    )
    if column and turns and column not in rows[0]:
        problems.append(Problem(file, None, f"lacks the graded column {column}: {turns[-1]} is read"))
    chosen = column if rows and column in rows[0] else (turns[-1] if turns else "")
    before = f"text_{int(chosen[5:]) - 1}" if chosen in turns else ""
    found = []
    for place, row in enumerate(rows, start=1):
        k = row.get("k") or ""
        skills = skill_names(row["skills"] or "", int(k) if k.isdigit() else None)
        text = row.get(chosen)
        broken = ""
        if text is None or row["topic"] is None:
            broken = "the row is torn, or has no text"
        elif k.isdigit() and int(k) != len(skills):
            broken = f"the row says k = {k} and names {len(skills)} skill(s)"
        if broken:
            problems.append(Problem(file, place, broken))
        found.append(Text(skills, row["topic"] or "", text or "", row.get(before) or "", broken))
    return tuple(found)


def _replies(path: Path, problems: list[Problem]) -> tuple[Reply, ...] | None:
    rows = _rows(path, {"skills", "topic", "model_input_0", "points_0"}, problems)
    if rows is None:
        return None
    names = list(rows[0]) if rows else []
    place = names.index("model_input_0") if rows else 0
    if rows and place < 2:
        problems.append(Problem(str(path), None, "expected the columns of prompt and reply before model_input_0: not read"))
        return None
    asked, answered = names[place - 2 : place] if rows else ("", "")  # named by role: user_0, assistant_0, or [INST]_0, [/INST]_0
    found = []
    for row in rows:
        k = row.get("k") or ""
        found.append(
            Reply(
                skills=skill_names(row["skills"] or "", int(k) if k.isdigit() else None),
                topic=row["topic"] or "",
                prompt=row[asked] or "",
                reply=row[answered] or "",
                stored=row["points_0"] or "",
                counted=row.get("num_sentences_manual_in_student_answer_0") or "",
                torn=any(value is None for value in row.values()),
            )
        )
    return tuple(found)


def _shown(replies: Sequence[Reply]) -> tuple[Text, ...]:
    """Texts as the graders' prompts quote them."""
    found = []
    for each in replies:
        try:
            quoted, broken = official.answer_in(each.prompt), ""
        except official.Crash as error:
            quoted, broken = "", str(error)
        text = quoted[1:-1] if len(quoted) > 1 and quoted[0] == quoted[-1] == '"' else quoted
        found.append(Text(each.skills, each.topic, text, "", broken))
    return tuple(found)


def _once(files: Sequence[tuple[GradingFile, bytes]], problems: list[Problem]) -> tuple[GradingFile, ...]:
    """Files without those that are copies: the official code saves its last grading under every round (its ``--nruns``)."""
    first: dict[bytes, GradingFile] = {}
    for each, digest in files:
        if first.setdefault(digest, each) is not each:
            what = f"the same bytes as {first[digest].path.parent.name}: one grading, counted once"
            problems.append(Problem(str(each.path), None, what))
    return tuple(first.values())


def _compare_gradings(batch: Batch, rounds: Sequence[int | None], problems: list[Problem]) -> None:
    numbers = {number for number in rounds if number is not None}
    if missing := sorted(set(range(1, max(numbers, default=0) + 1)) - numbers):
        what = f"gradings by {batch.grader}: round {_listed(numbers)}, but not {_listed(missing)}"
        problems.append(Problem(str(batch.path / "graded"), None, what))
    for each in batch.files:
        if len(each.replies) != len(batch.texts):
            problems.append(Problem(str(each.path), None, f"{len(each.replies)} row(s) of gradings for {len(batch.texts)} texts"))


def _same(batch: Batch) -> tuple[str, str, str, int]:
    """What the rounds of one experiment share."""
    return batch.student, batch.experiment, batch.seed, batch.k


def _filled(found: Sequence[Batch], problems: list[Problem]) -> list[Batch]:
    """Batches, and one without files for each grader that graded other rounds of the same student and not this one."""
    graders: dict[tuple[str, str, str, int], dict[tuple[str, str, str], None]] = defaultdict(dict)
    here: dict[Path, list[Batch]] = defaultdict(list)
    for each in found:
        here[each.path].append(each)
        if each.grader:
            graders[_same(each)][each.grader, each.column, each.version] = None
    filled = []
    for path, several in here.items():
        known = graders[_same(several[0])]
        filled += [each for each in several if each.grader or not known]
        for grader, column, version in sorted(known.keys() - {(each.grader, each.column, each.version) for each in several}):
            if several[0].column in ("", column):
                filled.append(replace(several[0], grader=grader, column=column, version=version, files=()))
                problems.append(Problem(str(path), None, f"not graded by {grader}, which graded other rounds"))
        if not known:
            problems.append(Problem(str(path), None, "no gradings"))
    return filled


def _compare_rounds(found: Sequence[Batch], problems: list[Problem]) -> None:
    """Report what makes the official script stop, or take one round for another."""
    last: dict[tuple[str, str, int], int] = defaultdict(int)
    students: dict[tuple[str, str, str, int], dict[int, Batch]] = defaultdict(dict)
    for each in found:
        last[_same(each)[1:]] = max(last[_same(each)[1:]], each.generation)
        students[_same(each)].setdefault(each.generation, each)
    for same, rounds in students.items():
        home = str(rounds[min(rounds)].path)
        if missing := sorted(set(range(1, last[same[1:]] + 1)) - rounds.keys()):
            problems.append(Problem(home, None, f"texts of round {_listed(rounds)}, but not {_listed(missing)}"))
        if len(sizes := {len(each.texts) for each in rounds.values()}) > 1:
            problems.append(Problem(home, None, f"rounds of {_listed(sizes)} texts: not the same number in each"))
        for place, texts in enumerate(zip(*(each.texts for each in rounds.values()), strict=False), start=1):
            if len({(frozenset(text.skills), text.topic) for text in texts}) > 1:
                problems.append(Problem(home, place, "not the same combination in every round"))


def _told_apart(found: Sequence[Batch]) -> list[Batch]:
    """Batches in order; where two would bear the same names, with what differs in brackets behind the name."""
    students: dict[tuple[str, str, int], set[tuple[str, str]]] = defaultdict(set)
    graders: dict[tuple[str, str, str, int], set[str]] = defaultdict(set)
    for each in found:
        students[each.student, each.seed, each.k].add((each.experiment, each.column))
        graders[each.student, each.grader, each.seed, each.k].add(each.version)
    told = []
    for each in found:
        student, grader = each.student, each.grader
        if len(students[student, each.seed, each.k]) > 1:
            student = f"{student} ({each.experiment} {each.column})"
        if len(graders[each.student, grader, each.seed, each.k]) > 1:
            grader = f"{grader} ({each.version})"
        told.append(replace(each, student=student, grader=grader))
    return sorted(told, key=lambda each: (each.student, each.k, each.seed, each.grader, each.generation))


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
