"""What is kept and what is kept apart; benchmarks and who repeats them; the card's numbers against slow and obvious ones."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("datasets")

from genlab.curation.embedding import embed
from genlab.curation.instructions.benchmarks import Benchmark, grams, read, repeats
from genlab.curation.instructions.embedded import rows
from genlab.curation.instructions.replies import Pair
from genlab.curation.instructions.sifting import Made, sift
from genlab.curation.instructions.statistics import distinct, spread, statistics
from genlab.skills.pack import load

HIVE = "How many frames of honey should a hive hold before the first frost comes to my valley?"


def made(index: int, text: str = "", *, skills: tuple[str, ...] = ("a", "b"), **changes: Any) -> Made:
    pair = Pair(text, f"Answer {index}.") if text else None
    refused = () if text else ({"reason": "unreadable", "why": "no JSON object alone", "said": "Hm."},)
    return Made(index, len(skills), skills, "planning", "", f"few-{index:05d}", pair, **{"refused": refused, **changes})


# ------------------------------------------------------------------------------------------------ sifting
@given(st.lists(st.sampled_from(["good", "bad", "again", "silent"]), max_size=30), st.integers(1, 12), st.randoms())
def test_the_first_good_ones_are_kept_and_all_are_counted(kinds: list[str], n: int, random: Random) -> None:
    texts = {"good": "Say {}.", "again": "Say  AGAIN.", "bad": "", "silent": ""}
    items = [made(i, texts[kind].format(i)) for i, kind in enumerate(kinds)]
    items = [
        replace(each, silent="dead", refused=()) if kind == "silent" else each for each, kind in zip(items, kinds, strict=True)
    ]
    found = sift(random.sample(items, len(items)), n)
    good = [i for i, kind in enumerate(kinds) if kind == "good" or (kind == "again" and "again" not in kinds[:i])]
    assert [each.index for each in found.kept] == good[:n]
    assert [each.index for each in found.spare] == good[n:]
    assert found.asked == len(kinds)
    count = found.count()
    expected = {
        "unreadable": kinds.count("bad"),
        "unanswered": kinds.count("silent"),
        "duplicate": max(0, kinds.count("again") - 1),
    }
    assert count.rejected == {reason: number for reason, number in expected.items() if number}
    assert (count.attempts_refused, sum(count.refused.values())) == (kinds.count("bad"), kinds.count("bad"))
    assert [each.made.index for each in found.rejected] == sorted(each.made.index for each in found.rejected)


def test_of_near_ones_the_lowest_stays_and_what_is_near_a_dropped_one_only_is_kept() -> None:
    words = [f"word{place}" for place in range(40)]
    texts = [" ".join(words[start : start + 20]) for start in (0, 3, 6, 20)]  # each near the next, the first not the third
    cosines = embed(texts) @ embed(texts).T
    threshold = float(cosines[0, 2] + min(cosines[0, 1], cosines[1, 2])) / 2
    assert cosines[0, 2] < threshold < min(cosines[0, 1], cosines[1, 2])
    found = sift([made(index, text) for index, text in enumerate(texts)], 9, near=threshold)
    assert [each.index for each in found.kept] == [0, 2, 3]
    assert [(each.reason, each.why) for each in found.rejected] == [("near duplicate", "of item 0")]


def test_a_line_of_what_is_kept_apart_has_the_words_and_why() -> None:
    found = sift([made(0, "Say it."), made(1, "say  it."), made(2)], 5)
    lines = [json.loads(json.dumps(each.to_json())) for each in found.rejected]
    assert [(line["index"], line["reason"], line["why"]) for line in lines] == (
        [(1, "duplicate", "of item 0"), (2, "unreadable", "no JSON object alone")]
    )
    assert lines[0]["instruction"] == "say  it."
    assert lines[1]["attempts"][0]["said"] == "Hm."


# ------------------------------------------------------------------------------------------------ benchmarks
def test_pieces_are_eight_words_and_a_short_text_is_one() -> None:
    assert grams("One, two; three!") == {("one", "two", "three")}
    assert len(grams("a b c d e f g h i j")) == 3
    assert grams("...") == set()


@pytest.mark.parametrize(
    ("instruction", "how"),
    [
        (HIVE, "8-grams"),
        (HIVE.upper().replace("?", " !"), "8-grams"),
        (f"I live at 900 metres. {HIVE} I have two hives, both of them strong, and plenty of sugar in the shed.", "8-grams"),
        ("How many frames of honey should a hive hold before the first frost?", "8-grams"),
        ("How many frames of honey shall hives hold before first frosts come to our valley?", "embedding"),
        ("How many frames of brood does a hive need in spring?", ""),
        ("Why do bees hum?", "8-grams"),
        ("Why do bees hum in the evening?", ""),
    ],
)
def test_who_repeats_a_question_is_found(instruction: str, how: str) -> None:
    benchmark = Benchmark("hives", (HIVE, "Why do bees hum?", "Name a flower."))
    found = repeats([instruction, "What is the tallest mountain?"], [benchmark], cosine=0.7)
    assert {place: each.how for place, each in found.items()} == ({0: how} if how else {})
    assert all(each.benchmark == "hives" and each.question in benchmark.texts and each.share >= 0.5 for each in found.values())


def test_what_repeats_a_benchmark_is_kept_apart_and_another_takes_its_place() -> None:
    items = [made(0, HIVE), made(1, "Name the tallest mountain."), made(2, "Plan a picnic for nine people.")]
    found = sift(items, 2, benchmarks=[Benchmark("hives", (HIVE,))])
    assert [each.index for each in found.kept] == [1, 2]
    (apart,) = found.rejected
    assert (apart.reason, apart.made.index) == ("repeats a benchmark", 0)
    assert apart.why == f"hives: {HIVE!r} (8-grams, 1.0)"


def test_questions_are_read_from_the_forms_that_benchmarks_have(tmp_path: Path) -> None:
    import datasets

    (tmp_path / "alpaca.json").write_text(
        json.dumps([{"instruction": "A?", "output": "x", "dataset": "d"}, {"instruction": "B?"}])
    )
    (tmp_path / "mt.jsonl").write_text('{"question_id": 1, "turns": ["A?", "And B?"]}\n\n')
    talk = [{"role": "user", "content": "A?"}, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "And B?"}]
    (tmp_path / "wild.jsonl").write_text(json.dumps({"conversation_input": talk}) + "\n")
    (tmp_path / "plain.txt").write_text("A?\n\nB?\nA?\n")
    (tmp_path / "table.csv").write_text("id,prompt\n1,A?\n2,B?\n")
    datasets.Dataset.from_list([{"question": "A?"}, {"question": "B?"}]).to_parquet(str(tmp_path / "q.parquet"))
    datasets.DatasetDict(
        {split: datasets.Dataset.from_list([{"messages": [{"role": "user", "content": f"{split}?"}]}]) for split in ("A", "B")}
    ).save_to_disk(str(tmp_path / "folder"))
    for name, texts in {
        "alpaca.json": ("A?", "B?"),
        "mt.jsonl": ("A?", "And B?"),
        "wild.jsonl": ("A?", "And B?"),
        "plain.txt": ("A?", "B?"),
        "table.csv": ("A?", "B?"),
        "q.parquet": ("A?", "B?"),
        "folder": ("A?", "B?"),
    }.items():
        assert read(str(tmp_path / name)).texts == texts
    assert read(str(tmp_path / "mt.jsonl")).digest == read(str(tmp_path / "wild.jsonl")).digest


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"answer": "x"}\n', "has no column that holds questions (instruction, question, prompt"),
        ("a.jsonl", "{\n", "is not JSONL"),
        ("a.json", "3", "has no column that holds questions"),
        ("a.json", "[1]", "expected a list of objects or texts"),
        ("a.jsonl", '{"question": "  "}\n', "holds no question in its column question"),
        ("a.jsonl", None, "there is no file"),
        ("a/b", None, "is no file or folder of questions here, and the hub would not give such a data set"),
    ],
)
def test_a_benchmark_that_cannot_be_read_says_what_is_right(
    name: str, content: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_text(content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
        read(name)
    assert message in str(caught.value)


# ------------------------------------------------------------------------------------------------ statistics
def test_the_spread_is_one_minus_the_mean_cosine_of_all_pairs() -> None:
    vectors = embed([row.instruction for row in rows(load("skillworld"), 2, 30, seed=0)])
    cosines = [float(one @ other) for one, other in combinations(vectors.astype(float), 2)]
    assert spread(vectors) == pytest.approx(1 - np.mean(cosines), abs=1e-6)
    assert spread(vectors[:1]) is None


@given(st.lists(st.text("ab ", max_size=12), max_size=6), st.integers(1, 2))
def test_distinct_is_different_ones_over_all(texts: list[str], n: int) -> None:
    grams = [tuple(words[at : at + n]) for words in map(str.split, texts) for at in range(len(words) - n + 1)]
    assert distinct(texts, n) == (len(set(grams)) / len(grams) if grams else 0)


def test_statistics_of_few_rows_by_hand() -> None:
    pack = load("skillworld")
    items = [
        made(0, "one two three", skills=("hedge", "fear")),
        made(1, "one two three four five", skills=("fear", "hedge")),
        made(2, "seven", skills=("fear", "hope")),
    ]
    found = statistics(items, pack)
    assert (found.n, found.skills, found.pairs) == (3, (3, 68), (2, 68 * 67 // 2))
    assert found.instruction.mean == 3
    assert found.instruction.quantiles[2] == 3
    assert found.instruction_distinct == (6 / 9, 4 / 6)
    assert found.query_types == {"planning": 3}
    assert statistics(items[:1], None).spread is None
