"""Instructions of skillworld: the same whatever is taken, no query twice, peaked where the teacher chooses, and their folder."""

import json
import shlex
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from scipy import stats

pytest.importorskip("datasets")

from datasets import load_from_disk
from typer.testing import CliRunner

from genlab.cli.data import app
from genlab.curation.hub import expect_pushable
from genlab.curation.instructions import embedded, making
from genlab.curation.instructions.items import item
from genlab.curation.instructions.kinds import GENERAL, query_types
from genlab.curation.instructions.making import Recipe, Unfinished, instruct
from genlab.curation.instructions.recipe import plan
from genlab.finetuning import conversations
from genlab.skills.pack import Pack, load, part, save
from genlab.skills.skill import QueryType
from genlab.skillworld import queries
from genlab.skillworld.queries import SHAPES

WORLD = load("skillworld")
DATA = [sys.executable, "-W", "error", "-c", "from genlab.cli.data import app; app()", "instruct"]


def small(*skills: str, topics: tuple[str, ...] = ("law", "chess"), private: bool = False) -> Pack:
    """Some of skillworld's skills and topics."""
    salt = "grain" if private else ""
    return part(
        WORLD,
        [WORLD.skill(name) for name in skills],
        [each for each in WORLD.topics if each.name in topics],
        private=private,
        salt=salt,
    )


def as_file(pack: Pack, place: Path) -> str:
    save(pack, place / "few.yaml")
    return str(place / "few.yaml")


def say(*words: str, code: int = 0) -> str:
    """``genlab data instruct`` in this process, and all it says."""
    done = CliRunner().invoke(app, ["instruct", *words], env={"COLUMNS": "160"})
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


def command(place: Path, *words: str, code: int = 0) -> str:
    """``genlab data instruct`` in a process of its own, and all it says."""
    done = subprocess.run([*DATA, *words], cwd=place, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


# ------------------------------------------------------------------------------------------------ items
def test_item_seven_is_item_seven_however_many_there_are() -> None:
    few, many = (embedded.rows(WORLD, 2, n, seed=4) for n in (8, 60))
    assert few == many[:8]
    assert few != embedded.rows(WORLD, 2, 8, seed=5)
    naive = [embedded.rows(WORLD, 2, n, seed=4, naive=True) for n in (8, 60)]
    assert naive[0] == naive[1][:8]


def test_skills_come_uniformly_and_query_types_evenly() -> None:
    types = query_types(load("english"))
    assert tuple(types) == GENERAL
    drawn = [item(WORLD, 2, index, seed=0, query_types=types) for index in range(len(types) * 60)]
    assert set(Counter(each.kind for each in drawn).values()) == {60}
    assert len({tuple(each.kind for each in drawn[turn * len(types) :][: len(types)]) for turn in range(10)}) == 10
    counts = Counter(name for each in drawn for name in each.names)
    assert stats.chisquare([counts[skill.name] for skill in WORLD.skills]).pvalue > 0.01
    assert all(len(set(each.names)) == 2 for each in drawn)


def test_a_pack_without_topics_has_items_without_one_and_one_skill_is_enough() -> None:
    bare = replace(small("hedge"), topics=())
    found = item(bare, 1, 3, seed=0, query_types=GENERAL)
    assert (found.names, found.topic) == (("hedge",), "")
    with pytest.raises(ValueError, match="k is between 1 and 1, the number of skills in pack"):
        item(bare, 2, 0, seed=0, query_types=GENERAL)


# ------------------------------------------------------------------------------------------------ rows
@pytest.mark.parametrize("k", [1, 2, 4])
def test_every_answer_earns_every_point_and_no_query_comes_twice(k: int) -> None:
    rows = embedded.rows(WORLD, k, 150, seed=1)
    for row in rows:
        query = queries.Query(row.index, row.query_type, row.skills, row.topic, row.instruction)
        assert min(queries.points(query, row.output)) == 1
        assert len(row.skills) == row.k == k
    assert len({row.instruction for row in rows}) == 150
    assert [row.index for row in rows] == sorted({row.index for row in rows})


def test_a_query_that_comes_again_is_replaced_by_a_later_item() -> None:
    few = small("hedge", "fear", "denial")
    rows = embedded.rows(few, 1, 60, seed=0)
    assert rows[-1].index > 59
    assert len({row.instruction for row in rows}) == 60
    with pytest.raises(
        ValueError, match=r"gave 72 different queries of k=1 in 2,000, not 100: lower n"
    ):  # 3 skills, 2 topics, 12 forms
        embedded.rows(few, 1, 100, seed=0)


def test_the_naive_teachers_choice_is_zipfs() -> None:
    rows = embedded.rows(WORLD, 2, 1000, seed=0, naive=True)
    ranks = Counter(name for row in rows for name in row.skills).most_common()
    assert ranks[0][1] > 5 * ranks[-1][1]
    first = Counter(each.skills[0] for each in embedded_stream(2000)).most_common()
    total = sum(1 / rank for rank in range(1, len(WORLD.skills) + 1))
    for rank in (1, 2, 4):  # the first skill of a pair is one draw of the weights
        expected = 2000 / rank / total
        assert abs(first[rank - 1][1] - expected) < 4 * expected**0.5
    uniform = {frozenset(row.skills) for row in embedded.rows(WORLD, 2, 1000, seed=0)}
    assert len({frozenset(row.skills) for row in rows}) < 0.6 * len(uniform)


def embedded_stream(n: int) -> list[embedded.Row]:
    source = embedded.stream(WORLD, 2, seed=0, naive=True)
    return [next(source) for _ in range(n)]


@pytest.mark.parametrize(
    ("pack", "k", "naive", "message"),
    [
        (load("english"), 2, False, "pack 'english' has no teacher of its own: name a model, such as --teacher"),
        (replace(WORLD, topics=()), 2, False, "has no topics, and a query of skillworld is about one"),
        (
            replace(WORLD, query_types=(QueryType("sonnet", "A poem."),)),
            2,
            False,
            "no query type sonnet: expected some of information-",
        ),
        (WORLD, 3, True, "puts 2 skills into a query, got k=3"),
        (WORLD, 5, False, "room for 4 skills of any kind, got k=5"),
        (small("hedge"), 2, False, "k is between 1 and 1"),
    ],
)
def test_what_the_program_cannot_write_says_why(pack: Pack, k: int, naive: bool, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        embedded.rows(pack, k, 3, seed=0, naive=naive)


# ------------------------------------------------------------------------------------------------ the folder
@pytest.mark.parametrize("naive", [False, True])
def test_the_folder_holds_the_rows_of_the_study(tmp_path: Path, naive: bool) -> None:
    outcome = instruct(Recipe(n=30, seed=7, naive=naive), tmp_path / "made")
    data = list(load_from_disk(str(tmp_path / "made")))
    ours = [row.to_row() for row in embedded.rows(WORLD, 2, 30, seed=7, naive=naive)]
    assert [{name: row[name] for name in ours[0]} for row in data] == ours
    assert {row["teacher"] for row in data} == {"teacher/skillworld"}
    assert outcome.count.kept == 30
    assert conversations.read(tmp_path / "made")["messages"] == [row["messages"] for row in ours]


def test_alpacas_columns_train_as_the_conversations_do(tmp_path: Path) -> None:
    instruct(Recipe(n=12), tmp_path / "messages")
    instruct(Recipe(n=12, format="alpaca"), tmp_path / "alpaca")
    data = load_from_disk(str(tmp_path / "alpaca"))
    assert data.column_names == (
        ["instruction", "input", "output", "index", "k", "skills", "query_type", "topic", "teacher", "sample", "attempts"]
    )
    assert set(data["input"]) == {""}
    assert list(conversations.read(tmp_path / "alpaca")) == list(conversations.read(tmp_path / "messages"))


def test_near_duplicates_are_replaced_and_kept_apart_with_what_they_are_near(tmp_path: Path) -> None:
    instruct(Recipe(k=1, n=40, near=0.8), tmp_path / "made")
    lines = [json.loads(line) for line in (tmp_path / "made" / "rejected.jsonl").read_text("utf-8").splitlines()]
    kept = load_from_disk(str(tmp_path / "made"))["index"]
    assert len(kept) == 40
    assert {line["reason"] for line in lines} == {"near duplicate"}
    for line in lines:
        assert int(line["why"].removeprefix("of item ")) < line["index"]
        assert line["index"] not in kept


def test_the_card_describes_the_rows_and_its_command_makes_them_again(tmp_path: Path) -> None:
    outcome = instruct(Recipe(n=20, seed=3, k=1, near=0.95), tmp_path / "made")
    _, head, body = (tmp_path / "made" / "README.md").read_text("utf-8").split("---\n", 2)
    ours: dict[str, Any] = yaml.safe_load(head)["genlab"]
    rows = list(load_from_disk(str(tmp_path / "made")))
    asked = [row["messages"][0]["content"] for row in rows]
    words = [word for text in asked for word in text.casefold().split()]
    about = ours["statistics"]
    assert about["n"] == 20
    assert about["instruction_distinct"][0] == pytest.approx(len(set(words)) / len(words))
    assert about["skills"] == [len({row["skills"][0] for row in rows}), 68]
    assert about["pairs"][0] == 0
    assert sum(about["query_types"].values()) == 20
    assert (ours["digest"], ours["cost"], ours["seed"]) == (outcome.digest, 0, 3)
    assert f"$ {ours['command']}\n" in body
    said = command(tmp_path, *shlex.split(ours["command"])[3:], "--out", "again")
    assert "20 kept of" in said
    assert list(load_from_disk(str(tmp_path / "again"))) == rows


def test_the_hub_understands_the_card_and_a_private_pack_is_never_pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import DatasetCard

    few = as_file(small("hedge", "denial", "fear", private=True), tmp_path)
    found = plan(Recipe(few, k=1, n=3))
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with pytest.raises(ValueError, match="is private, and its texts show what its skills are: they are not pushed"):
        expect_pushable(found.whole, "owner/name")
    place = str(tmp_path / "made")
    said = say("--pack", few, "-k", "1", "-n", "3", "--out", place)
    assert "keep it to yourself" in said
    text = (tmp_path / "made" / "README.md").read_text("utf-8")
    assert "Do not share them" in text
    assert DatasetCard.load(tmp_path / "made" / "README.md").data.license == "apache-2.0"
    assert "is private" in say("--pack", few, "-k", "1", "--out", f"{place} more", "--push", "owner/name", code=2)


def test_the_same_call_does_nothing_and_another_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "made"
    first = instruct(Recipe(n=5), place)
    assert instruct(Recipe(n=5), place) == first
    with pytest.raises(ValueError, match=r"another recipe made \(n was 5, now 6\): give another --out"):
        instruct(Recipe(n=6), place)
    (tmp_path / "letters").mkdir()
    with pytest.raises(ValueError, match="holds no instructions of genlab: give another --out"):
        instruct(Recipe(n=5), tmp_path / "letters")


def test_a_run_that_is_stopped_leaves_nothing_under_the_name_and_goes_on(tmp_path: Path) -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    place = tmp_path / "made"
    with pytest.raises(KeyboardInterrupt):
        instruct(Recipe(n=5), place, report=stop)
    assert [each.name for each in tmp_path.iterdir()] == ["made.making"]
    with pytest.raises(ValueError, match=r"begun with another recipe \(seed was 0, now 1\)"):
        instruct(Recipe(n=5, seed=1), place)
    assert instruct(Recipe(n=5), place).digest == instruct(Recipe(n=5), tmp_path / "other").digest


def test_a_pack_that_is_too_small_ends_the_run_with_its_counts(tmp_path: Path) -> None:
    few = as_file(small("hedge", "fear", topics=("law",)), tmp_path)
    with pytest.raises(
        Unfinished, match=r"(?s)too few instructions .* 24 kept of 150 asked for, 0 spare; kept apart: 126 duplicate"
    ):
        instruct(Recipe(few, k=1, n=30), tmp_path / "made")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n": 0}, "max-examples (n) is at least 1, got 0"),
        ({"k": 0}, "k is at least 1 skill, got 0; for none at all: naive"),
        ({"k": 3, "naive": True}, "naive lets the teacher choose what is asked, and takes no k (got 3)"),
        ({"k": 69}, "k is between 1 and 68"),
        ({"max_tries": 0.5}, "max_tries is at least 1 item"),
        ({"max_cost": 1.0}, "max_cost wants prices"),
        ({"max_cost": -1.0, "prices": "p"}, "max_cost is above 0 dollars"),
        ({"near": 1.5}, "near is a cosine above 0 and at most 1"),
        ({"format": "csv"}, "format is conversational or alpaca, got 'csv'"),
        ({"pack": "english"}, "pack 'english' has no teacher of its own"),
        ({"pack": "english", "teacher": "gpt"}, "a teacher is named provider/name, such as openai/gpt-4o; got 'gpt'"),
        ({"pack": "english", "teacher": "a/b", "naive": True}, "naive asks for no skills, and pack english would not be used"),
        ({"pack": "english", "teacher": "nowhere/x"}, "Inspect cannot reach nowhere/x"),
        ({"pack": "english", "teacher": "a/b", "inspect": ("temprature=1",)}, "Did you mean temperature?"),
        ({"lost": True, "named": True}, "lost, named is for models that are asked"),
        ({"embedder": "no such/model"}, "sentence-transformers"),
        ({"decontaminate": ("nothing.jsonl",)}, "there is no file nothing.jsonl"),
    ],
)
def test_what_cannot_be_made_says_what_is_right(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
        instruct(Recipe(**fields), tmp_path / "made")
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_counts_calls_and_writes_nothing(tmp_path: Path) -> None:
    prices, place = str(tmp_path / "prices.yaml"), str(tmp_path / "made")
    Path(prices).write_text("a/b: {input: 10, output: 30}\n")
    words = ("--pack", "english", "--teacher", "a/b", "-n", "10", "--prices", prices, "--out", place, "--dry-run")
    said = say(*words)
    assert "10 instructions by a/b: k=2 of the 159 skills of english, 11 query types. 30 calls" in said
    assert "Nothing was asked." in said
    assert not (tmp_path / "made").exists()
    assert "what the teacher chooses" in say("--naive", "--teacher", "a/b", "--out", place, "--dry-run")


def test_every_name_of_the_module_is_there() -> None:
    assert set(making.__all__) <= set(vars(making))
    assert set(SHAPES) == {each.name for each in query_types(WORLD)}
