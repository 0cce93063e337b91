"""Finding shirkers: features against the slow and obvious, scores on data whose shirkers are known, and the command."""

import json
import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from tests.curation.shirkers.test_planting import turns, world

pytest.importorskip("datasets")
pytest.importorskip("sklearn")

from datasets import Dataset, load_from_disk
from typer.testing import CliRunner

from genlab.cli.data import app
from genlab.curation.embedding import embed
from genlab.curation.shirkers.answers import answer, instruction
from genlab.curation.shirkers.detecting import EMPTY, HASTY, LEAST, MOST, dropped, evidence, score, scored
from genlab.curation.shirkers.features import NAMES, NEAREST, Features, measure
from genlab.curation.shirkers.filler import filler
from genlab.curation.shirkers.planting import plant, skillworld

BIRDS = ("wren", "heron", "robin", "finch", "swift", "crane", "eagle", "plover", "kestrel", "magpie")
DOINGS = ("sings at dawn", "builds its nest of moss", "feeds on seeds", "flies south in autumn", "lays 4 eggs", "hides in reeds")


def birds(n: int = 60) -> list[dict[str, Any]]:
    """Questions about birds, each answered to its point in three sentences."""
    random, rows = Random(4), []
    for index in range(n):
        bird, does = BIRDS[index % len(BIRDS)], random.sample(DOINGS, 3)
        said = " ".join(f"The {bird} {each} in year {1900 + random.randrange(99)}." for each in does)
        rows.append({"messages": turns(f"What is known of the {bird}, number {index}?", said)})
    return rows


@pytest.fixture(scope="module")
def measured() -> tuple[list[str], list[str], Features]:
    rows = plant(world(80), kind="junk", share=0.2, seed=0, write=skillworld("junk"))
    instructions, answers = [instruction(row) for row in rows], [answer(row) for row in rows]
    return instructions, answers, measure(instructions, answers)


def test_company_and_sameness_are_what_the_slow_way_gives(measured: tuple[list[str], list[str], Features]) -> None:
    instructions, answers, found = measured
    vectors = embed([*instructions, *answers]).astype(float)
    asked, said = vectors[:80], vectors[80:]
    middle = said.mean(axis=0)
    for row in range(0, 80, 7):
        others = [other for other in range(80) if other != row]
        near = sorted(others, key=lambda other: -float(asked[row] @ asked[other]))[:NEAREST]
        company = np.mean([said[row] @ said[other] for other in near]) - np.mean([said[row] @ said[other] for other in others])
        assert found.company[row] == pytest.approx(company, abs=1e-5)
        assert found.sameness[row] == pytest.approx(said[row] @ middle / np.linalg.norm(middle), abs=1e-5)


def test_features_of_known_texts() -> None:
    rows = birds()
    rows[0] = {"messages": turns("What does sorting mean?", "sorts sort sort sort `wren` 12 In general we sort")}
    found = measure([instruction(row) for row in rows], [answer(row) for row in rows])
    assert found.repetition[0] == pytest.approx(1 / 9)  # ten words, nine pairs: sort sort comes twice
    assert found.filler[0] == pytest.approx(2 / 10)
    assert found.marks[0] == pytest.approx(2 / 10)
    held = {"sort": 1, "sorts": 1, "wren": 6, "12": 1, "in": 60, "general": 1, "we": 1}
    assert found.rarity[0] == pytest.approx(np.mean([math.log(60 / count) for count in held.values()]))
    assert found.uptake[0] == 0.0  # sorting is not sort: its first five letters are others
    asked = ["What does sorting mean?", *(instruction(row) for row in rows[1:])]
    rows[0] = {"messages": turns(asked[0], "Sortin' and wrens.")}
    taken = measure(asked, [answer(row) for row in rows]).uptake[0]
    assert taken == pytest.approx(math.log(61) / (3 * math.log(61) + math.log(61 / 60)))  # what, does, sorti, mean
    assert all(np.isfinite(getattr(found, name)).all() and getattr(found, name).shape == (60,) for name in NAMES)


@pytest.mark.parametrize("said", ["", "Wren.", "the same words"])
def test_data_in_which_all_is_the_same_holds_no_shirker(said: str) -> None:
    rows = [{"instruction": "Name a bird.", "output": said}] * 30
    assert [each.score for each in score(rows)] == pytest.approx([0.0] * 30, abs=1e-6)


def test_an_empty_answer_and_one_of_filler_are_the_worst() -> None:
    rows = birds()
    rows[7]["messages"][1]["content"] = ""
    rows[9]["messages"][1]["content"] = (
        "In general, there are many things to consider, and it depends on the situation. At the end of the day, it is important "
        "to keep in mind that everyone is different, and all kinds of things play a role. Needless to say, it is a complex topic."
    )
    hasty, empty = sorted(dropped(score(rows))[:2], key=lambda each: each.index)
    assert (hasty.index, hasty.looks, empty.index, empty.looks) == (7, "brevity", 9, "junk")
    assert any("% of the words that like instructions get" in reason for reason in hasty.reasons)
    assert any("filler" in reason for reason in empty.reasons)


@pytest.mark.parametrize("kind", ["brevity", "junk"])
def test_planted_shirkers_score_above_the_others(kind: str) -> None:
    rows = plant(world(300), kind=kind, share=0.2, seed=1, write=skillworld(kind))
    scores = score(rows)
    bad = [each.score for each, row in zip(scores, rows, strict=True) if row["shirker"]]
    good = [each.score for each, row in zip(scores, rows, strict=True) if not row["shirker"]]
    above = np.mean([[one > other for other in good] for one in bad])
    assert above > 0.9  # the chance that a shirker scores above another answer


def test_evidence_lies_within_its_bounds_and_does_not_depend_on_units(measured: tuple[list[str], list[str], Features]) -> None:
    features = measured[2]
    for weights in (HASTY, EMPTY):
        for name, each in evidence(features, weights).items():
            assert 0 <= each.min() <= each.max() <= MOST * abs(weights[name]) + 1e-9
    scaled = Features(**{name: getattr(features, name) * (1 if name in LEAST else 3) + 1 for name in NAMES})
    for one, other in zip(scored(features), scored(scaled), strict=True):
        assert (one.hasty, one.empty) == pytest.approx((other.hasty, other.empty), abs=1e-6)


def test_filler_is_counted_in_words_once() -> None:
    assert filler("There are many, of course.") == 5
    assert filler("A course of many wrens.") == 0


def test_too_few_answers_are_not_scored() -> None:
    with pytest.raises(ValueError, match="19 are too few: 20 at least"):
        score(birds(19))


def test_the_command_lists_and_drops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = plant(world(120), kind="junk", share=0.1, seed=0, write=skillworld("junk"))
    Dataset.from_list(rows).save_to_disk(str(tmp_path / "data"))
    words = ["find-shirkers", "data", "--out", "found.jsonl", "--drop", "kept", "--threshold", "2.5"]
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert [each["index"] for each in found] == [each.index for each in dropped(score(rows), 2.5)] != []
    assert found[0]["answer"] == answer(rows[found[0]["index"]])
    kept, bad = load_from_disk(str(tmp_path / "kept")), {each["index"] for each in found}
    assert list(kept) == [row for index, row in enumerate(rows) if index not in bad]
    assert f"{len(found)} of 120 rows score above 2.5" in done.output
    again = CliRunner().invoke(app, words)
    assert (again.exit_code, "found.jsonl is there already" in again.output) == (2, True)
