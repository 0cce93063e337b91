"""Which of two answers a judge prefers, item by item, in the format of AlpacaEval's annotations.json.

A file is a list of objects, one an item. output_1 is the baseline's answer, output_2 the model's, and ``preference`` lies between
1 (the baseline's is better) and 2 (the model's is), 1.5 a tie; a judge that gives probabilities fills the range between.
Fields as in alpaca-eval 0.6.6 and in the files of its repository's ``results`` folder.
"""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TEXTS = ("instruction", "output_1", "output_2", "generator_1", "generator_2", "annotator")
TIE = 1.5


@dataclass(frozen=True)
class Annotation:
    """One judgement of two answers to one instruction.

    Attributes:
        instruction: what both answer.
        output_1, output_2: the answers; the baseline's first.
        generator_1, generator_2: names of the models that gave them.
        annotator: name of the judge.
        preference: from 1 (output_1 is better) to 2 (output_2 is); None where the judge's reply could not be read.
        others: the item's other fields as they stand in the file (``dataset``, ``raw_completion``, ``index``, ...).

    Raises:
        ValueError: a preference outside 1 to 2.
    """

    instruction: str
    output_1: str
    output_2: str
    generator_1: str
    generator_2: str
    annotator: str
    preference: float | None
    others: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.preference is not None and not 1 <= self.preference <= 2:
            raise ValueError(f"a preference lies from 1 to 2, None where ungraded, got {self.preference!r}")

    @property
    def share(self) -> float | None:
        """How far output_2 is preferred, from 0 to 1: the preference less 1; None where ungraded."""
        return None if self.preference is None else self.preference - 1

    @property
    def longer(self) -> int:
        """By how many characters output_2 is longer; below 0 where it is shorter."""
        return len(self.output_2) - len(self.output_1)

    def swapped(self) -> "Annotation":
        """The same judgement with the answers named in the other order.

        >>> Annotation("Add 1 and 1.", "2", "3", "base", "model", "judge", 1.25).swapped().preference
        1.75
        """
        return Annotation(
            instruction=self.instruction,
            output_1=self.output_2,
            output_2=self.output_1,
            generator_1=self.generator_2,
            generator_2=self.generator_1,
            annotator=self.annotator,
            preference=None if self.preference is None else 3 - self.preference,
            others=self.others,
        )


def annotations_of(rows: Sequence[Mapping[str, Any]], where: str = "annotations") -> tuple[Annotation, ...]:
    """Annotations from rows as they stand in a file.

    A preference that is null or NaN is ungraded. One of 0 is a tie, as in files of AlpacaEval's first version.

    >>> row = dict.fromkeys(("instruction", "output_1", "output_2", "generator_1", "generator_2", "annotator"), "")
    >>> [each.preference for each in annotations_of([row | {"preference": value} for value in (1, 1.75, 0, None)])]
    [1.0, 1.75, 1.5, None]
    >>> annotations_of([row | {"preference": 3}])
    Traceback (most recent call last):
    ...
    ValueError: annotations, item 0: preference is from 1 to 2, 0 for a tie or null for ungraded, got 3

    Args:
        rows: one a judgement.
        where: what errors call the rows, such as the file's name.

    Raises:
        ValueError: a row that is not an object, a field that is missing or not text, a preference that is none.
    """
    return tuple(_annotation(row, f"{where}, item {place}") for place, row in enumerate(rows))


def read_annotations(path: str | os.PathLike[str]) -> tuple[Annotation, ...]:
    """The annotations in a file, in its order.

    Raises:
        ValueError: a file that is no JSON or no list, no item in it, or as ``annotations_of``.
        OSError: a file that cannot be read.
    """
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: expected AlpacaEval's annotations, a JSON list, but it does not parse: {error}") from None
    if not isinstance(rows, list) or not rows:
        what = f"{type(rows).__name__} at the top" if not isinstance(rows, list) else "no item"
        raise ValueError(f"{path}: expected AlpacaEval's annotations, a list of objects, got {what}")
    return annotations_of(rows, str(path))


def write_annotations(path: str | os.PathLike[str], annotations: Sequence[Annotation]) -> None:
    """Write annotations as AlpacaEval does: a JSON list, null where ungraded. The file is written whole or not at all.

    Raises:
        ValueError: other fields that JSON cannot hold, or that bear the name of one of ours.
    """
    path = Path(path)
    rows = []
    for place, each in enumerate(annotations):
        ours = {name: getattr(each, name) for name in (*TEXTS, "preference")}
        if ours.keys() & each.others.keys():
            raise ValueError(f"item {place}: others may not hold {', '.join(sorted(ours.keys() & each.others.keys()))}")
        rows.append(ours | dict(each.others))
    try:
        text = json.dumps(rows, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} was not written: JSON cannot hold a field of others ({error})") from None
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _annotation(row: object, where: str) -> Annotation:
    if not isinstance(row, Mapping):
        raise ValueError(f"{where}: expected an object, got {type(row).__name__}")
    missing = [name for name in (*TEXTS, "preference") if name not in row]
    if missing:
        raise ValueError(f"{where}: has no {', '.join(missing)}; it has {', '.join(map(str, row)) or 'no field'}")
    for name in TEXTS:
        if not isinstance(row[name], str):
            raise ValueError(f"{where}: {name} is text, got {row[name]!r}")
    texts = {name: row[name] for name in TEXTS}
    others = {name: value for name, value in row.items() if name not in texts and name != "preference"}
    return Annotation(**texts, preference=_preference(row["preference"], where), others=others)


def _preference(value: object, where: str) -> float | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not (value == 0 or 1 <= value <= 2):
        raise ValueError(f"{where}: preference is from 1 to 2, 0 for a tie or null for ungraded, got {value!r}")
    return TIE if value == 0 else float(value)
