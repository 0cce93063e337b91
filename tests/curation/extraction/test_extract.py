"""Packs made by models as teachers, played by scripts in processes of their own: nothing is paid for twice, nothing is lost."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasets")
pytest.importorskip("inspect_ai")
pytest.importorskip("sklearn")

from inspect_ai.log import list_eval_logs, read_eval_log
from tests.evaluation.commands import done, kill, start, surroundings
from tests.evaluation.evals import evaluated
from tests.evaluation.faulty import Faulty
from tests.laws.test_interrupted import until

from genlab.curation.extraction.embedded import agnostic, dependent
from genlab.curation.extraction.extract import Outcome, Recipe, Unfinished, extract
from genlab.curation.extraction.pricing import prices
from genlab.curation.extraction.seeds import seeds
from genlab.evaluation import writing
from genlab.evaluation.logs import rows
from genlab.grading import controls, prompts
from genlab.grading.rubric import rubric
from genlab.skills.check import check
from genlab.skills.combinations import draw
from genlab.skills.pack import load

SCRIPTED = Recipe(domain="keeping bees", teacher="scripted/teacher-of-skills-70", topics=3, per_topic=4, query_types=3)
DATA = [sys.executable, "-c", "from genlab.cli.data import app; app()", "skills"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, warm: None) -> Iterator[Path]:
    """A folder with a cache of its own, which the fork server's processes use as well."""
    folder = tmp_path_factory.mktemp("skills")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_CACHE_DIR", str(folder / "cache"))
        for name in ("GENLAB_PRICES", "GENLAB_MAX_COST", "GENLAB_LEDGER"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="module")
def made(place: Path) -> Outcome:
    return extract(SCRIPTED, place / "bees.yaml")


def replies(place: Path) -> int:
    """How many replies Inspect's cache holds: one a call that was made."""
    return sum(each.is_file() for each in (place / "cache").rglob("*"))


def test_the_pack_is_one_that_people_can_use_and_the_outcome_is_what_the_logs_hold(made: Outcome, place: Path) -> None:
    pack = load(str(made.file))
    assert (len(pack.skills), len(pack.topics), len(pack.query_types)) == (made.skills, made.topics, made.query_types)
    assert (made.topics, made.query_types) == (3, 3)
    assert not [problem for problem in check(pack) if problem.severity == "error"]
    assert pack.digest == made.digest
    assert pack.version == f"1.0.0+{SCRIPTED.digest}"
    assert pack.source == f"{SCRIPTED.teacher}, by genlab's skill extraction, recipe {SCRIPTED.digest}"
    assert set(pack.categories) <= {topic.name for topic in pack.topics}
    logs = [read_eval_log(each) for each in list_eval_logs(str(place / "bees.yaml.making" / "logs"))]
    samples = [sample for log in logs for sample in log.samples or ()]
    assert made.requests == len(samples)
    assert made.replies == sum(len(sample.messages) // 2 for sample in samples) == replies(place)
    assert made.replies - made.requests == sum(made.unreadable.values()) > 0
    assert made.input_tokens == sum(usage.input_tokens for each in samples for usage in each.model_usage.values())
    assert made.cost is None


def test_the_same_recipe_asks_nothing_and_leaves_an_edited_pack_alone(made: Outcome, place: Path) -> None:
    before, text = replies(place), made.file.read_text("utf-8")
    made.file.write_text(text.replace("about: ", "about: Edited. "))
    assert extract(SCRIPTED, made.file) == made
    assert "Edited" in made.file.read_text("utf-8")
    made.file.unlink()
    assert extract(SCRIPTED, made.file) == made
    assert made.file.read_text("utf-8") == text
    assert replies(place) == before


def test_skill_mix_takes_the_pack_with_examples_and_without(made: Outcome, place: Path, tmp_path: Path) -> None:
    log = evaluated(tmp_path, pack=str(made.file), n=2, generations=1, gradings=1)
    assert [row.status for row in rows(log)] == ["graded"] * 2
    pack = load(str(made.file))
    bare = replace(pack, skills=tuple(replace(each, example="") for each in pack.skills))
    for whole in (pack, bare):
        asked = draw(whole, 2, 6, seed=0).combinations
        kinds = {control.kind for _, control in controls.planted(asked, whole, 6, seed=0)}
        assert ("present" in kinds) == (whole == pack)  # it would be a text of examples, and deserve every point
    told = writing.draft(rubric(bare.skills[:2], "bees"), form=bare.text)
    assert "For example" not in told + prompts.grading(rubric(bare.skills[:2], "bees"), "A text.", "code", form=bare.text)


def test_other_recipes_and_files_of_others_are_refused(made: Outcome, place: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"another recipe \(domain was keeping bees, now law\)"):
        extract(replace(SCRIPTED, domain="law"), made.file)
    with pytest.raises(ValueError, match=r"another recipe \(per_topic was 4, now 5\)"):
        extract(replace(SCRIPTED, per_topic=5), made.file)
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    with pytest.raises(ValueError, match="is there already"):
        extract(SCRIPTED, tmp_path / "mine.yaml")
    with pytest.raises(ValueError, match=r"should end in \.yaml"):
        extract(SCRIPTED, tmp_path / "mine")
    assert [each.name for each in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_teacher_of_garbage_ends_the_run_after_its_tries(place: Path) -> None:
    before = replies(place)
    hopeless = replace(SCRIPTED, teacher="scripted/teacher-of-skills-0", tries=2)
    with pytest.raises(
        Unfinished, match=r"(?s)gave no reply about query types and topics that could be read, with up to 2 tries.*logs"
    ):
        extract(hopeless, place / "hopeless.yaml")
    assert replies(place) == before + 2 * 2
    assert not (place / "hopeless.yaml").exists()


@pytest.mark.long
def test_a_budget_stops_the_run_and_more_of_it_asks_for_the_rest_only(place: Path, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(f"{SCRIPTED.teacher}: {{input: 10, output: 10}}\n")
    poor = replace(SCRIPTED, seed=1, prices=str(tmp_path / "prices.yaml"), max_cost=0.03, inspect=("max_tokens=1000",))
    before = replies(place)
    with pytest.raises(Unfinished, match=r"max_cost is reached: .* requests wait\. The same command with a larger --max-cost"):
        extract(poor, tmp_path / "poor.yaml")
    stopped = replies(place) - before
    assert stopped > 0
    assert not (tmp_path / "poor.yaml").exists()
    outcome = extract(replace(poor, max_cost=5.0), tmp_path / "poor.yaml")
    assert replies(place) - before == outcome.replies > stopped
    assert outcome.cost == pytest.approx((outcome.input_tokens + outcome.output_tokens) * 1e-5)


def test_the_price_counts_what_is_asked_when_every_reply_is_good(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(f"{SCRIPTED.teacher}: {{input: 1, output: 1}}\n")
    priced = replace(SCRIPTED, per_topic=25, prices=str(tmp_path / "prices.yaml"))
    found = prices(priced, None)
    assert [(each.stage, each.calls) for each in found] == [("topics", 1), ("query types", 1), ("skills", 3 * 2)]
    assert all(each.dollars == pytest.approx(each.tokens * 1e-6, rel=1e-2) for each in found)
    assert prices(Recipe(), None) == []
    (tmp_path / "seeds.jsonl").write_text(json.dumps({"instruction": "a", "output": "b" * 4000}) + "\n")
    seeded = prices(Recipe(data="seeds", teacher="a/b"), seeds(str(tmp_path / "seeds.jsonl"), 9, seed=0))
    assert [(each.stage, each.calls, each.dollars) for each in seeded] == [("labels", 1, None), ("names", 3, None)]
    assert seeded[0].tokens > 1000


# ------------------------------------------------------------------------------------------------ without a model
def test_without_a_teacher_skillworld_answers(tmp_path: Path) -> None:
    outcome = extract(Recipe(), tmp_path / "own.yaml")
    assert load(str(outcome.file)) == agnostic()
    assert (outcome.skills, outcome.replies, outcome.cost) == (68, 0, 0.0)
    answers = ["Perhaps the tiny, small bee sees the hive.", "Plain English.", "Ann fears that the seed needs the soil!"]
    lines = [{"messages": [{"role": "user", "content": "Oh?"}, {"role": "assistant", "content": said}]} for said in answers]
    (tmp_path / "seeds.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    seeded = Recipe(data=str(tmp_path / "seeds.jsonl"))
    pack = load(str(extract(seeded, tmp_path / "seeded.yaml").file))
    assert pack == dependent([answers[row] for row in seeds(seeded.data, 200, seed=0).texts])
    assert {skill.name for skill in pack.skills} == {"faint echo of size", "hedge", "fear", "exclamation"}
    (tmp_path / "seeds.jsonl").write_text(json.dumps(lines[0]) + "\n")
    with pytest.raises(ValueError, match="another recipe"):
        extract(seeded, tmp_path / "seeded.yaml")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"domain": "law"}, "domain is for a teacher that is a model, and teacher/skillworld is none: leave it out"),
        ({"teacher": "a/b", "domain": " "}, "domain is empty"),
        ({"teacher": "gpt"}, "provider/name"),
        ({"teacher": "a/b", "data": "x", "domain": "law"}, "domain is for skills that are asked for without seed data"),
        ({"teacher": "a/b", "examples": 3}, "examples is for seed data, and none are given"),
        ({"teacher": "a/b", "max_cost": 1.0}, "max_cost wants prices"),
        ({"teacher": "a/b", "topics": 0}, "topics is at least 1"),
        ({"teacher": "a/b", "near": float("nan")}, "near is above 0 and at most 1"),
    ],
)
def test_what_does_not_go_together_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"teacher": "nowhere/x"}, "Inspect cannot reach nowhere/x"),
        ({"inspect": ("temprature=1",)}, "Did you mean temperature?"),
        ({"teacher": "scripted/other", "prices": "P", "max_cost": 1.0}, "max_cost wants a price for scripted/other"),
        ({"data": "missing.jsonl", "domain": ""}, "there is no file missing.jsonl"),
        ({"embedding": "no-such/model"}, "sentence-transformers"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_written(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(f"{SCRIPTED.teacher}: {{input: 1, output: 1}}\n")
    fields = {name: str(tmp_path / "prices.yaml") if value == "P" else value for name, value in fields.items()}
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        extract(replace(SCRIPTED, **fields), tmp_path / "skills.yaml")
    assert [each.name for each in tmp_path.iterdir()] == ["prices.yaml"]


# ------------------------------------------------------------------------------------------------ killed
@pytest.mark.long
def test_killed_in_the_middle_it_goes_on_to_the_same_pack_and_asks_nothing_twice(tmp_path: Path) -> None:
    words = [*DATA, "--out", "bees.yaml", "--teacher", "openai-api/local/teacher-of-skills-70", "--domain", "keeping bees"]
    words += ["--topics", "6", "--per-topic", "10", "--inspect", "max_connections=2"]
    with Faulty(rate=0.0, seconds=0.05) as endpoint:
        environment = surroundings(tmp_path, endpoint.url)
        process = start(words, tmp_path, environment)
        assert until(lambda: len(endpoint.seen.delivered) >= 6 or process.poll() is not None)
        assert process.poll() is None
        kill(process)
        assert not (tmp_path / "bees.yaml").exists()
        done(words, tmp_path, environment)
        seen = endpoint.seen
        twice = sum(seen.delivered.values()) - len(seen.delivered)
        assert twice <= 2  # what was in flight when it was killed
        first = (tmp_path / "bees.yaml").read_text("utf-8")
        whole = tmp_path / "whole"
        done(words, whole, surroundings(whole, endpoint.url))
    assert (whole / "bees.yaml").read_text("utf-8") == first
