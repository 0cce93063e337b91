"""The study run for good, by scripts: the same records whatever happens on the way, and nothing asked twice."""

import dataclasses
import hashlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")

from tests.evaluation.commands import kill, start, surroundings
from tests.laws.test_interrupted import until
from tests.typed import typed

from genlab import chance
from genlab.evaluation.logs import read_texts
from genlab.grading.graded import GradedText
from genlab.results.records import schema_of, table_of, to_bytes
from genlab.results.store import Store
from genlab.results.texts import texts
from genlab.skills.pack import load
from genlab.studies.skill_mix import SkillMix
from genlab.studies.skill_mix.stopping import decide

SMALL = SkillMix(student=("scripted/student",), k=(2,), n=6, generations=2, gradings=2, controls=7)
WORDS = ("k=2", "n=6", "generations=2", "gradings=2", "controls=7")
Outcome = tuple[list[GradedText], str]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: None) -> None:
    """A cache for each test."""
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("GENLAB_PRICES", "GENLAB_MAX_COST", "GENLAB_LEDGER"):
        monkeypatch.delenv(name, raising=False)


def run(study: SkillMix, place: Path) -> Outcome:
    """The rows of a study's one condition, and how it ended; its logs are below ``place``."""
    (condition,) = study.conditions()
    advances = study.keeping_in(str(place)).run(condition.settings, None, "cpu")
    rows: list[GradedText] = []
    steps: list[tuple[int, int]] = []
    while True:
        try:
            advance = next(advances)
        except StopIteration as end:
            assert steps == sorted(steps)
            assert steps[-1][0] == steps[-1][1]
            return rows, end.value
        rows += advance.records
        steps.append((advance.step, advance.of))


def bytes_of(rows: Sequence[GradedText]) -> bytes:
    return to_bytes(table_of(rows, schema_of(GradedText)))


def replies(place: Path) -> int:
    """How many replies Inspect's cache holds: one a call that was made."""
    return sum(each.is_file() for each in (place / "cache").rglob("*"))


# ------------------------------------------------------------------------------------------------ in this process
def test_as_many_calls_and_rows_as_the_price_says(tmp_path: Path) -> None:
    rows, ending = run(SMALL, tmp_path / "store")
    price = SMALL.price(SMALL.conditions()[0].settings, "cpu")
    assert ending == "all combinations"
    assert len(rows) == price.records == 6 * 2 + 7
    again = sum(len(each.gradings) for each in rows)
    (log,) = (tmp_path / "store").rglob("*.eval")
    repeated = calls_in(log)[1] - again + 2 * sum(row.control == "empty" for row in rows)
    assert replies(tmp_path) == price.calls + repeated  # a reply that could not be read is asked for again
    assert repeated < 0.2 * price.calls


def calls_in(log: Path) -> tuple[int, int]:
    """(student's turns, graders' replies) that a log shows."""
    from inspect_ai.log import read_eval_log

    turns = graded = 0
    for sample in read_eval_log(str(log)).samples or ():
        turns += sum(message.role == "assistant" for message in sample.messages) if "control" not in sample.metadata else 0
        for score in (sample.scores or {}).values():
            graded += sum(len(each["replies"]) for each in (score.metadata or {}).get("graders", ()))
    return turns, graded


@pytest.mark.long
def test_two_processes_make_the_records_of_one(tmp_path: Path) -> None:
    one = run(SMALL, tmp_path / "one")
    asked = replies(tmp_path)
    two = run(dataclasses.replace(SMALL, processes=2), tmp_path / "two")
    assert bytes_of(one[0]) == bytes_of(two[0])
    assert asked > 0
    assert one[1] == two[1]
    assert replies(tmp_path) == asked
    assert len(list((tmp_path / "two").rglob("*.eval"))) == 2


@pytest.mark.long
def test_looks_make_the_records_of_one_piece(tmp_path: Path) -> None:
    """A rule that never stops early leaves what a run without one leaves, though it was made look by look."""
    whole = run(SMALL, tmp_path / "whole")
    looked = run(dataclasses.replace(SMALL, stop="width", width=0.001, look=4), tmp_path / "looked")
    assert sorted(map(repr, whole[0])) == sorted(map(repr, looked[0]))
    assert looked[1] == "most after 6 combinations"


def test_a_run_stops_when_it_knows_enough(tmp_path: Path) -> None:
    hopeless = dataclasses.replace(SMALL, student=("scripted/student-0",), n=100, generations=1, controls=0)
    study = dataclasses.replace(hopeless, stop="width", width=0.2, look=10)
    rows, ending = run(study, tmp_path / "store")
    used = len({row.index for row in rows})
    assert used < 100
    assert used % 10 == 0
    settings = study.conditions()[0].settings
    assert ending == f"narrow after {used} combinations"
    decision = decide(settings, rows)
    assert decision is not None
    assert decision.stop
    assert (decision.interval.high - decision.interval.low) / 2 <= 0.2
    earlier = decide(settings, [row for row in rows if row.index < used - 10])
    assert earlier is None or not earlier.stop
    assert len(list((tmp_path / "store").rglob("*.eval"))) == used // 10


@pytest.mark.long
def test_a_run_stops_when_two_students_are_told_apart(tmp_path: Path) -> None:
    good, bad = "scripted/student-100", "scripted/student-0"
    few = dataclasses.replace(SMALL, student=(good,), n=60, generations=1, controls=3)
    study = dataclasses.replace(few, against=bad, stop="apart", look=5)
    rows, ending = run(study, tmp_path / "store")
    ours, theirs = ({row.index for row in rows if row.student == name and not row.control} for name in (good, bad))
    assert ours == theirs == set(range(len(ours)))
    assert len(ours) < 60
    assert ending == f"apart after {len(ours)} combinations"
    decision = decide(study.conditions()[0].settings, rows)
    assert decision is not None
    assert decision.interval.low > 0
    assert sum(bool(row.control) for row in rows) == 2 * 3


@pytest.mark.long
def test_a_text_without_an_answer_fails_the_run_unless_it_may_be_lost(tmp_path: Path) -> None:
    study = dataclasses.replace(SMALL, controls=0, n=2, max_cost=1e-9, prices=str(tmp_path / "prices.yaml"))
    (tmp_path / "prices.yaml").write_text("scripted/student: {input: 1, output: 1}\nscripted/grader: {input: 1, output: 1}\n")
    with pytest.raises(
        RuntimeError, match=r"4 of 4 texts got no answer \(.*max_cost is reached.*--set lost=true ends without them"
    ):
        run(study, tmp_path / "store")
    rows, ending = run(dataclasses.replace(study, lost=True), tmp_path / "store")
    assert ending == "all combinations, 4 stopped"
    assert {row.status for row in rows} == {"stopped"}
    assert replies(tmp_path) == 0
    more, ending = run(dataclasses.replace(study, max_cost=10.0), tmp_path / "store")
    assert ending == "all combinations"
    assert {row.status for row in more} == {"graded"}
    assert all(row.cost for row in more)


def test_the_most_a_call_can_cost_is_what_its_options_allow(tmp_path: Path) -> None:
    """Of 4096 tokens, which a reply is assumed to take otherwise, not one would fit."""
    (tmp_path / "prices.yaml").write_text(
        "scripted/student: {input: 0, output: 1000}\nscripted/grader: {input: 0, output: 1000}\n"
    )
    short = dataclasses.replace(SMALL, controls=0, n=2, inspect=("max_tokens=50",), grading=("max_tokens=200",))
    rows, _ = run(dataclasses.replace(short, max_cost=4.0, prices=str(tmp_path / "prices.yaml")), tmp_path / "store")
    assert {row.status for row in rows} == {"graded"}
    assert 1 < sum(row.cost or 0.0 for row in rows) <= 4


def test_a_private_packs_words_are_in_no_file_of_the_store(tmp_path: Path) -> None:
    place = tmp_path / "pack.yaml"
    text = (Path(__file__).parents[2] / "examples" / "small_pack.yaml").read_text("utf-8")
    place.write_text(f"private: true\nsalt: 5e1f0c\n{text}", "utf-8")
    pack, study = load(str(place)), dataclasses.replace(SMALL, pack=str(place), n=3)
    rows, _ = run(study, tmp_path / "store")
    names = {skill.name for skill in pack.skills} | {topic.name for topic in pack.topics}
    assert not names & {name for row in rows for name in (*row.skills, row.topic)}
    assert all("withheld" in row.text or not row.text for row in rows)
    for log in (tmp_path / "store").rglob("*.eval"):
        assert not any(name in str(read_texts(log)) for name in names)
    again, _ = run(study, tmp_path / "store")  # as after a kill between the last row and the last log
    assert bytes_of(again) == bytes_of(rows)


# ------------------------------------------------------------------------------------------------ commands
def genlab(
    words: Sequence[str], place: Path, *, code: int = 0, before: str = "", environment: Mapping[str, str] | None = None
) -> str:
    if not before and environment is None:
        return " ".join(typed(words, place, code=code, **surroundings(place)).split())
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\nfrom genlab.cli import main; main()", *words],
        cwd=place,
        env=environment or surroundings(place),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def words(*settings: str, out: str = "store") -> list[str]:
    every = ("student=scripted/student", *settings)
    return ["run", "skill_mix", "--out", out, *(word for each in every for word in ("--set", each))]


def files(place: Path) -> dict[str, tuple[int, str]]:
    """Every file of the conditions, by when it was written and what it holds."""
    return {
        str(path.relative_to(place)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted((place / "store" / "conditions").rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


WITHOUT_INSPECT = "import sys; sys.modules['inspect_ai'] = None"


@pytest.mark.slow
def test_a_run_from_price_to_report_asks_nothing_twice_and_is_read_without_inspect(tmp_path: Path) -> None:
    priced = genlab([*words(*WORDS), "--dry-run"], tmp_path, before=WITHOUT_INSPECT)
    assert "1 conditions, at most 19 records" in priced
    assert "calls of language models" in priced
    assert not (tmp_path / "store").exists()
    assert replies(tmp_path) == 0

    told = genlab(words(*WORDS), tmp_path)
    assert "A script stands in for a model" in told
    assert "3 claims: 0 hold, 0 fail, 0 undecided, 3 not measured" in told
    before, asked = files(tmp_path), replies(tmp_path)
    assert "nothing to run" in genlab(words(*WORDS), tmp_path)
    assert (files(tmp_path), replies(tmp_path)) == (before, asked)

    shown = genlab(["show", "store"], tmp_path, before=WITHOUT_INSPECT)
    assert "scripted/student k=2 english seed 0" in shown
    assert "finished" in shown
    (tmp_path / "store" / "report.html").unlink()
    genlab(["report", "store"], tmp_path, before=WITHOUT_INSPECT)
    page = (tmp_path / "store" / "report.html").read_text("utf-8")
    for name in (
        "Scores over k",
        "Do gradings agree?",
        "Errors of the graders on planted texts",
        "The published leaderboard",
        "Examples",
    ):
        assert name in page


def test_a_price_needs_no_key_and_starts_nothing(tmp_path: Path) -> None:
    environment = {name: value for name, value in surroundings(tmp_path).items() if not name.endswith("_API_KEY")}
    asked = words("student=openai/gpt-4o", "grader=anthropic/claude", "k=2,3")
    told = genlab([*asked, "--dry-run"], tmp_path, environment=environment)
    assert "2 conditions" in told
    assert "dollars unknown: --set prices=FILE" in told
    assert list(tmp_path.iterdir()) == []
    refused = genlab(asked, tmp_path, environment=environment, code=2)
    assert "Inspect cannot reach" in refused
    assert replies(tmp_path) == 0


def test_without_inspect_a_run_says_how_to_get_it(tmp_path: Path) -> None:
    hidden = (
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'inspect_ai' else real(name, *rest)"
    )
    assert "pip install 'genlab[llm]'" in genlab(words(*WORDS), tmp_path, before=hidden, code=2)


@pytest.mark.long
def test_killed_at_three_moments_it_resumes_to_the_same_records(tmp_path: Path) -> None:
    longer = ("k=3", "n=24", "generations=1", "gradings=2", "controls=6", "processes=2")
    whole, _ = run(
        SkillMix(student=("scripted/student",), k=(3,), n=24, generations=1, gradings=2, controls=6), tmp_path / "whole"
    )
    asked = replies(tmp_path)
    cut = tmp_path / "cut"
    cut.mkdir()
    for life, reached in enumerate((0.1, 0.4, 0.7)):
        wanted = asked * (reached + chance.python("kill", life).uniform(0.0, 0.2))
        command = [sys.executable, "-c", "from genlab.cli import main; main()", *words(*longer)]
        process = start(command, cut, surroundings(cut))
        assert until(lambda: replies(cut) >= wanted or process.poll() is not None)  # noqa: B023 - called here
        assert process.poll() is None
        kill(process)
        assert replies(cut) < asked
    genlab(words(*longer), cut)
    (records,) = (cut / "store" / "conditions").glob("*/records.parquet")
    assert records.read_bytes() == bytes_of(whole)
    (made,) = Store(str(cut / "store")).runs("skill_mix")
    assert len(texts(made)) == 24 + 6
    assert replies(cut) == asked
