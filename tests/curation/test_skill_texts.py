"""Texts of skillworld's teacher: full marks only, the first n, written whole or not at all, with a card; and what is refused."""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.skillworld.plain_world import graded

pytest.importorskip("datasets")

from genlab.curation import taught
from genlab.curation.hub import expect_pushable
from genlab.curation.recipe import Recipe
from genlab.curation.sifting import Written, sift
from genlab.curation.skill_texts import Outcome, Unfinished, read, skill_texts
from genlab.curation.teachers import checked
from genlab.finetuning import conversations
from genlab.skills.pack import Pack, load, part, save
from genlab.skills.split import hold_out
from genlab.skillworld import teacher
from genlab.skillworld.skills import HELD_OUT, pack

TRAIN = hold_out(pack(), categories=HELD_OUT, topics=0.3, seed=0).train
DATA = [sys.executable, "-W", "error", "-c", "from genlab.cli.data import app; app()"]


def data(place: Path, *words: str, code: int = 0, **environment: str) -> str:
    """``genlab data`` in a process of its own, and all it says."""
    import os

    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    command = [*DATA, "skill-texts", *words]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def card_of(folder: Path) -> tuple[dict[str, Any], str]:
    _, head, body = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(head), body


def small(place: Path, *skills: str, private: bool = False) -> str:
    """A pack of some of skillworld's skills and two topics, as a file."""
    whole = pack()
    topics = [each for each in whole.topics if each.name in ("law", "chess")]
    few: Pack = part(whole, [whole.skill(name) for name in skills], topics, private=private, salt="grain" if private else "")
    save(few, place / "few.yaml")
    return str(place / "few.yaml")


# ------------------------------------------------------------------------------------------------ what is in it
def test_each_k_has_its_n_texts_of_full_marks_of_the_training_part(tmp_path: Path) -> None:
    outcome = skill_texts(Recipe(n=40, k=(1, 2, 4), seed=5), tmp_path / "texts")
    rows = list(read(outcome.folder))
    assert [row["k"] for row in rows] == [1] * 40 + [2] * 40 + [4] * 40
    for row in rows:
        asked, said = row["messages"]
        assert (asked["role"], said["role"]) == ("user", "assistant")
        assert graded(said["content"], row["skills"], row["topic"], max(1, row["k"] - 1)) == (1,) * (row["k"] + 3)
        assert row["points"] == [1] * (row["k"] + 3)
        assert (row["teacher"], row["grader"]) == ("teacher/skillworld", "checker/skillworld")
        assert {skill.name for skill in TRAIN.skills}.issuperset(row["skills"])
        assert row["topic"] in {topic.name for topic in TRAIN.topics}
    for count in outcome.counts:
        assert count.asked == count.kept + count.spare + sum(count.rejected.values())
    assert (outcome.cost, outcome.input_tokens) == (0, 0)


def test_texts_are_those_of_the_study_and_more_of_them_begin_with_the_same(tmp_path: Path) -> None:
    few, many = (read(skill_texts(Recipe(n=n, k=(3,)), tmp_path / str(n)).folder) for n in (10, 300))
    assert list(few) == list(many)[:10]
    study = [each.to_row() for each in islice(taught.texts(TRAIN, 3, seed=0), 10)]
    assert [{name: row[name] for name in study[0]} for row in few] == study


def test_trl_reads_the_folder(tmp_path: Path) -> None:
    outcome = skill_texts(Recipe(n=3), tmp_path / "texts")
    assert conversations.read(outcome.folder)["messages"] == read(outcome.folder)["messages"]


# ------------------------------------------------------------------------------------------------ what is kept
def written(index: int, text: str, **changes: Any) -> Written:
    of = taught.Taught(2, index, ("hedge", "fear"), "law", (("user", "Write."), ("assistant", text)))
    return Written(of, text, f"few-k2-s0-{index:04d}", 1, **{"points": (1.0,) * 5, **changes})


FAULTS: dict[str, dict[str, Any]] = {
    "not full marks": {"points": (1.0, 0.0, 1.0, 1.0, 1.0)},
    "names a skill": {"named": True},
    "cut at max_tokens": {"cut": True},
    "ungraded": {"points": None, "status": "ungraded"},
    "unanswered": {"points": None, "status": "unanswered"},
    "stopped": {"points": None, "status": "stopped"},
}


@given(st.lists(st.sampled_from(["", "again", *FAULTS]), max_size=30), st.integers(1, 12), st.randoms())
def test_the_first_good_ones_are_kept_and_all_are_counted(kinds: list[str], n: int, random: Random) -> None:
    texts = [
        written(i, "Same  text." if kind == "again" else f"Text {i}.", **FAULTS.get(kind, {})) for i, kind in enumerate(kinds)
    ]
    good = [i for i, kind in enumerate(kinds) if kind not in FAULTS and not (kind == "again" and "again" in kinds[:i])]
    kept, count = sift(2, random.sample(texts, len(texts)), n)
    assert [each.taught.index for each in kept] == good[:n]
    assert (count.asked, count.kept, count.spare) == (len(kinds), len(kept), len(good) - len(kept))
    wanted = {kind: kinds.count(kind) for kind in FAULTS if kind in kinds}
    if kinds.count("again") > 1:
        wanted["duplicate"] = kinds.count("again") - 1
    assert count.rejected == wanted
    assert count.lacking == ({"skill": wanted["not full marks"]} if "not full marks" in wanted else {})


def test_points_lost_are_counted_by_criterion() -> None:
    texts = [
        written(0, "a", points=(0, 0, 1, 1, 0)),
        written(1, "b", points=(1, 0, 1, 0, 1)),
        written(2, "c", points=(1, 1, 0, 1, 1)),
    ]
    assert sift(2, texts, 3)[1].lacking == {"skill": 2, "length": 1, "sense": 1, "topic": 1}


def test_case_and_spaces_make_no_other_text() -> None:
    assert sift(2, [written(0, "The  Bee\nhums."), written(1, "the bee hums.")], 2)[1].rejected == {"duplicate": 1}


def test_a_writer_that_errs_is_found_out() -> None:
    def write(skills: Sequence[str], topic: str, limit: int, random: Random) -> str:
        kind = random.choice(["good", "plain", "long", "off"])
        if kind == "good":
            return teacher.write(skills, topic, limit, random)
        if kind == "plain":
            return teacher.write([], topic, limit, random)
        if kind == "long":
            return teacher.write(skills, topic, limit + 1, random)
        return teacher.write(skills, "theatre" if topic != "theatre" else "law", limit, random)

    texts = list(islice(checked(TRAIN, 3, seed=0, write=write), 200))
    kept, count = sift(3, texts, 200)
    assert 20 < len(kept) < 80
    assert all(graded(each.text, each.taught.skills, each.taught.topic, 2) == (1,) * 6 for each in kept)
    assert set(count.lacking) == {"skill", "length", "topic"}
    assert sum(count.lacking.values()) == count.rejected["not full marks"]


def test_texts_written_twice_are_dropped_and_too_many_of_them_end_the_run(tmp_path: Path) -> None:
    few = small(tmp_path, "hedge", "denial", "fear")
    recipe = Recipe(few, held=("mind",), held_topics=0, k=(1,), n=700, max_tries=1)
    with pytest.raises(Unfinished, match=r"too few texts that can be taught at k=1.*\n  k=1: \d+ kept of 700 .* \d+ duplicate\n"):
        skill_texts(recipe, tmp_path / "texts")
    assert not (tmp_path / "texts").exists()
    outcome = skill_texts(Recipe(**{**vars(recipe), "max_tries": 10}), tmp_path / "texts")
    assert outcome.counts[0].rejected["duplicate"] == outcome.counts[0].asked - 700 > 0
    assert len({row["messages"][1]["content"] for row in read(outcome.folder)}) == 700


# ------------------------------------------------------------------------------------------------ whole or not at all
def files(place: Path) -> dict[str, int]:
    return {str(each.relative_to(place)): each.stat().st_mtime_ns for each in place.rglob("*")}


def test_the_same_call_again_does_nothing_and_another_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "texts"
    first = skill_texts(Recipe(n=5), place)
    before = files(tmp_path)
    assert skill_texts(Recipe(n=5), place) == first
    assert isinstance(first, Outcome)
    with pytest.raises(ValueError, match=r"another recipe \(n was 5, now 6\): give another --out"):
        skill_texts(Recipe(n=6), place)
    assert files(tmp_path) == before


def test_a_run_that_is_stopped_leaves_nothing_under_the_name_and_goes_on(tmp_path: Path) -> None:
    def stop(k: int, done: int, of: int) -> None:
        raise KeyboardInterrupt

    place = tmp_path / "texts"
    with pytest.raises(KeyboardInterrupt):
        skill_texts(Recipe(n=5), place, report=stop)
    assert [each.name for each in tmp_path.iterdir()] == ["texts.making"]
    with pytest.raises(ValueError, match=r"begun with another recipe \(seed was 0, now 1\)"):
        skill_texts(Recipe(n=5, seed=1), place)
    with pytest.raises(ValueError, match=r"texts.making beside it is not finished"):
        read(place)
    assert skill_texts(Recipe(n=5), place).digest == skill_texts(Recipe(n=5), tmp_path / "other").digest
    assert sorted(each.name for each in tmp_path.iterdir()) == ["other", "texts"]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    with pytest.raises(ValueError, match="holds no skill texts: give another --out"):
        skill_texts(Recipe(n=5), tmp_path / "letters")
    assert [each.name for each in tmp_path.iterdir()] == ["letters"]


# ------------------------------------------------------------------------------------------------ its card
def test_the_card_says_what_it_is_and_its_command_makes_the_same_again(tmp_path: Path) -> None:
    recipe = Recipe(held=("rise and fall", "voice"), held_topics=0.5, k=(2, 3), n=4, seed=3, max_tries=2.5)
    outcome = skill_texts(recipe, tmp_path / "texts")
    head, body = card_of(tmp_path / "texts")
    ours = head["genlab"]
    whole = load("skillworld")
    assert (head["license"], head["size_categories"]) == ("apache-2.0", ["n<1K"])
    assert ours["pack"] == {"name": "skillworld", "version": whole.version, "digest": whole.digest}
    split = hold_out(whole, categories=recipe.held or (), topics=0.5, seed=0)
    train = split.train
    sizes = {"skills": len(train.skills), "topics": len(train.topics)}
    assert ours["split"]["train"] == {"version": train.version, "digest": train.digest, **sizes}
    assert (tmp_path / "texts" / "split.json").read_text("utf-8") == split.record.to_json()
    assert (ours["cost"], ours["digest"], ours["seed"]) == (0, outcome.digest, 3)
    assert [each["kept"] for each in ours["counts"]] == [4, 4]
    assert f"$ {ours['command']}\n" in body
    words = shlex.split(ours["command"])
    assert words[:3] == ["genlab", "data", "skill-texts"]
    data(tmp_path, *words[3:], "--out", "again")
    assert card_of(tmp_path / "again")[0]["genlab"]["digest"] == outcome.digest


def test_the_hub_understands_the_card(tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    skill_texts(Recipe(n=2), tmp_path / "texts")
    head = DatasetCard.load(tmp_path / "texts" / "README.md").data
    assert (head.license, head.task_categories) == ("apache-2.0", ["text-generation"])


def test_a_private_pack_warns_and_is_never_pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = small(tmp_path, "hedge", "denial", "fear", private=True)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with pytest.raises(ValueError, match="is private, and its texts show what its skills are: they are not pushed"):
        expect_pushable(load(few), "owner/name")
    said = data(tmp_path, "--pack", few, "--held", "mind", "--held-topics", "0", "-k", "1", "--n", "3", "--out", "texts")
    assert "keep it to yourself" in said
    assert "Do not share them" in card_of(tmp_path / "texts")[1]
    assert "hedge" not in (tmp_path / "texts" / "split.json").read_text("utf-8")


# ------------------------------------------------------------------------------------------------ what is refused
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n": 0}, "n is at least 1, got 0"),
        ({"k": ()}, "k names different numbers from 1, such as 1,2,3; got none"),
        ({"k": (1, 1)}, "k names different numbers from 1"),
        ({"k": (41,)}, "k is between 1 and 40"),
        ({"max_tries": 0.5}, "max_tries is at least 1 text for each that is wanted, got 0.5"),
        ({"max_cost": 1.0}, "max_cost wants prices"),
        ({"max_cost": 0.0, "prices": "p"}, "max_cost is above 0 dollars"),
        ({"pack": "english"}, "pack english is graded by a model: name one, such as --grader"),
        ({"pack": "english", "grader": "a/b"}, "pack english has no teacher of its own: name a model, such as --teacher"),
        ({"grader": "a/b"}, "graded exactly, by checker/skillworld: leave grader out"),
        ({"teacher": "gpt"}, "a teacher is named provider/name, such as openai/gpt-4o; got 'gpt'"),
        ({"generations": 2}, "generations is for models that are asked, and teacher/skillworld is none: leave it out"),
        ({"lost": True, "inspect": ("temperature=1",)}, "inspect, lost is for models"),
        ({"held": ("verbs",)}, "held-out category 'verbs' is not in the pack"),
        ({"held": (), "held_topics": 0.0}, "nothing is held out"),
    ],
)
def test_what_cannot_be_made_says_what_is_right(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
        skill_texts(Recipe(**fields), tmp_path / "texts")
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_texts_of_others_are_read_and_checked(tmp_path: Path) -> None:
    import datasets

    row = {"k": 1, "skills": ["hedge"], "topic": "law", "messages": [{"role": "user", "content": "Write."}]}
    datasets.DatasetDict({"train": datasets.Dataset.from_list([row])}).save_to_disk(str(tmp_path / "whole"))
    assert read(tmp_path / "whole")[0] == row
    datasets.Dataset.from_list([{"k": 1, "text": "Bees."}]).save_to_disk(str(tmp_path / "other"))
    with pytest.raises(ValueError, match=r"lacks the column\(s\) skills, topic, messages: .* it has k, text"):
        read(tmp_path / "other")
    datasets.DatasetDict({"test": datasets.Dataset.from_list([row])}).save_to_disk(str(tmp_path / "splits"))
    with pytest.raises(ValueError, match="splits and none named train: test"):
        read(tmp_path / "splits")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no data set"):
        read(tmp_path / "empty")


def test_pushing_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    few = ("--n", "2", "--out", "texts", "--push")
    assert "export HF_TOKEN=" in data(tmp_path, *few, "owner/name", code=2, HF_TOKEN="")
    assert "is named owner/name, got 'name'" in data(tmp_path, *few, "name", code=2)
    said = data(tmp_path, *few, "owner/name", code=2, HF_TOKEN="hf_secret", HF_ENDPOINT="http://127.0.0.1:9")
    assert "the hub does not take the token in HF_TOKEN, or is out of reach" in said
    assert "hf_secret" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_the_command_writes_nothing(tmp_path: Path) -> None:
    said = data(tmp_path, "--n", "50", "-k", "2,3", "--out", "texts", "--dry-run")
    assert "2 50 0 0 0.00 3 50 0 0 0.00 teacher/skillworld writes, checker/skillworld grades; 40 training skills" in said
    assert list(tmp_path.iterdir()) == []
    assert "-k wants numbers joined by commas, such as 1,2,3; got 'x'" in data(tmp_path, "-k", "x", "--out", "texts", code=2)
