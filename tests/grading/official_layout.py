"""Folders in the layout of the official code's results, with texts of our own, whole or broken as a test wants them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genlab.grading import official
from genlab.grading.rubric import sentence_limit

WORDS = ("one", "two", "three", "four", "five")
SENT = ["k", "skills", "topic", "system prompt", "user_0", "assistant_0", "model_input_0", "text_0"]
SENT += ["user_1", "assistant_1", "model_input_1", "text_1"]
GRADED = ["k", "skills", "topic", "system prompt", "user_0", "assistant_0", "model_input_0", "score_0", "score_extracted_0"]
GRADED += ["points_0", "num_sentences_manual_in_student_answer_0", "true_sentence_lim_pt_0"]


@dataclass(frozen=True)
class Item:
    """A combination and a student's text for it."""

    skills: tuple[str, ...]
    topic: str
    text: str

    @property
    def criteria(self) -> list[str]:
        limit = sentence_limit(len(self.skills))
        noun = "sentence" if limit == 1 else "sentences"
        shown = [f"Correctly illustrates {skill.lower()}" for skill in self.skills]
        return [*shown, f"Pertains to {self.topic}", "Text makes sense", f"At most {WORDS[limit - 1]} {noun}"]


HIVE = Item(("red herring", "accident (fallacy)"), "Beekeeping", "Bees hum, so why ask about wax?")
KNOT = Item(("metaphor", "folk physics (common knowledge physics)"), "Knots", "Each knot is a promise. It holds.")


def table(item: Item, points: Sequence[object], *, end: str = "\n\nExplanation: as said.") -> str:
    """A well-formed reply; with fewer points than criteria, the table ends after that many rows."""
    rows = [f"| {name} | {point} |" for name, point in zip(item.criteria, points, strict=False)]
    if len(points) == len(item.criteria):
        rows.append(f"| Total Points Earned | {sum(float(str(point)) for point in points if str(point).isdigit()):g} |")
    return "\n".join([official.TABLE, "", "| Criteria | Points Earned |", "|:---|---:|", *rows]) + end


def prompt(item: Item, *, rubric: str | None = None) -> str:
    rubric = ", ".join(item.criteria) if rubric is None else rubric
    shown = f'Marks, please.\n\n{official.ANSWER}"{item.text}"\n\n{official.DEFINITIONS}:\n...\n\n'
    return f"{shown}The criteria are: {rubric}. Thank you."


def write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def texts(
    folder: Path, items: Sequence[Item], *, student: str = "gpt-4", round: int = 1, named: str = "k2_s10_vdefault_r{}"
) -> Path:
    """A student's file; returns its folder."""
    home = folder / named.format(round) / student
    rows = []
    for item in items:
        draft = f"Answer: draft of {item.topic}"
        said = f"Answer: {item.text}\n\nExplanation: it does."
        cell = ", \n".join(item.skills)
        rows.append([len(item.skills), cell, item.topic, "", "ask", draft, "in", draft[8:], "again", said, "in", item.text])
    write(home / "records.csv", SENT, rows)
    return home


def gradings(
    home: Path,
    items: Sequence[Item],
    replies: Sequence[str],
    *,
    named: str = "by_gpt-4_on_text_1_{}_gpt",
    round: int = 1,
    prompts: Sequence[str] | None = None,
    stored: Sequence[str] | None = None,
) -> Path:
    """A grader's file, with the points that the official code would store; returns its path."""
    rows = []
    for place, (item, reply) in enumerate(zip(items, replies, strict=False)):
        asked = prompt(item) if prompts is None else prompts[place]
        points = ",".join(map(str, _points(reply, "llama" in named))) if stored is None else stored[place]
        sentences = official.sentence_count(item.text)
        kept = float(sentences <= sentence_limit(len(item.skills)))
        cell = ",  \n".join(item.skills)
        k = cell.count(",") + 1
        rows.append([k, cell, item.topic, "", asked, reply, "in", 0.0, 0.0, points, sentences, kept])
    return write(home / "graded" / named.format(round) / "records.csv", GRADED, rows)


def _points(reply: str, listed: bool) -> tuple[float, ...]:
    try:
        return (official.listed_points if listed else official.table_points)(reply).points
    except official.Crash:
        return ()
