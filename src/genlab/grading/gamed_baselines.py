"""The gamed baselines that AlpacaEval's length control is regularised to (told to be concise, or verbose), from the user's file.

alpaca-eval 0.6.6 downloads ``df_gamed.csv`` and ``instruction_difficulty.csv`` from the data set tatsu-lab/alpaca_eval; genlab
ships neither. What their columns mean is read off that package's code (``metrics/glm_winrate.py``).
"""

import csv
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genlab.intervals import Floats

COLUMNS = ("index", "std_delta_len", "instruction_difficulty", "preference", "not_gamed_baseline")
FLAGS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


@dataclass(frozen=True)
class GamedBaselines:
    """Judged rows of the gamed baselines, and the difficulty of every instruction of the benchmark.

    Attributes:
        lengths: per row, by how much the baseline's answer is longer, over the standard deviation.
        row_difficulty: per row.
        shares: per row, how far the gamed answer is preferred, from 0 to 1.
        counts_as_model: per row, the file's ``not_gamed_baseline``: false for all rows of a gamed baseline.
        difficulty: of each instruction, by its place in the benchmark.
        ungraded: rows of the file without a preference, which are left out above.
    """

    lengths: Floats
    row_difficulty: Floats
    shares: Floats
    counts_as_model: NDArray[np.bool_]
    difficulty: tuple[float, ...]
    ungraded: int = 0


def read_gamed_baselines(path: str | os.PathLike[str]) -> GamedBaselines:
    """The gamed baselines in a file with alpaca-eval's columns.

    Raises:
        ValueError: columns missing, a cell that is not what its column holds, an index without a row, or rows of one index that
            differ in its difficulty.
        OSError: a file that cannot be read.
    """
    rows: list[tuple[float, float, float, bool]] = []
    difficulty: dict[int, float] = {}
    ungraded = 0
    for where, row in _rows(path, COLUMNS):
        place = _number(row, "index", where)
        if place < 0 or place != int(place):
            raise ValueError(f"{where}: index is a whole number from 0, got {row['index']!r}")
        hard = _number(row, "instruction_difficulty", where)
        if difficulty.setdefault(int(place), hard) != hard:
            raise ValueError(f"{where}: index {place:g} has difficulty {hard:g} here and {difficulty[int(place)]:g} above")
        if row["preference"].strip().lower() in ("", "nan"):
            ungraded += 1
            continue
        share, flag = _number(row, "preference", where), row["not_gamed_baseline"].strip().lower()
        if not 0 <= share <= 1:
            raise ValueError(f"{where}: preference is a share from 0 to 1 in this file, got {share:g}")
        if flag not in FLAGS:
            raise ValueError(f"{where}: not_gamed_baseline is True or False, got {row['not_gamed_baseline']!r}")
        rows.append((_number(row, "std_delta_len", where), hard, share, FLAGS[flag]))
    gaps = sorted(set(range(max(difficulty, default=0) + 1)) - set(difficulty))
    if gaps or not rows:
        raise ValueError(f"{path}: {f'no row has index {gaps[0]}' if gaps else 'no row has a preference'}")
    lengths, hards, shares, flags = (np.array(column) for column in zip(*rows, strict=True))
    return GamedBaselines(lengths, hards, shares, flags, tuple(difficulty[each] for each in range(len(difficulty))), ungraded)


def read_difficulty(path: str | os.PathLike[str]) -> tuple[float, ...]:
    """The difficulty of each instruction, in the order of their indices, from a file of two columns: index, difficulty.

    Raises:
        ValueError: not two columns, a cell that is not a number, or indices that are not 0, 1, 2, ...
        OSError: a file that cannot be read.
    """
    found: dict[int, float] = {}
    for where, row in _rows(path, ()):
        if len(row) != 2:
            raise ValueError(f"{where}: expected an index and a difficulty, got {len(row)} columns")
        index, value = row
        place = _number(row, index, where)
        if place != len(found):
            raise ValueError(f"{where}: expected index {len(found)}, got {row[index]!r}")
        found[len(found)] = _number(row, value, where)
    return tuple(found.values())


def _rows(path: str | os.PathLike[str], columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row and what errors call it; lines count from 1, the header's."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        missing = [each for each in columns if each not in (reader.fieldnames or ())]
        if missing:
            have = ", ".join(reader.fieldnames or ()) or "none"
            raise ValueError(f"{path}: has no column {', '.join(missing)}; it has {have}")
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise ValueError(f"{where}: has another number of cells than the header has")
            yield where, row


def _number(row: dict[str, str], column: str, where: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{where}: {column or 'the index'} is a number, got {row[column]!r}")
    return value
