"""Inspect's traps, G1 to G7 of our notes on language model tools: what a careless use of Inspect meets, and ours does not."""

import dataclasses
import math
import re
import shutil
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import krippendorff
import pytest

pytest.importorskip("inspect_ai")

from tests.evaluation.commands import INSPECT, done, records, run_words, surroundings
from tests.evaluation.evals import quiet
from tests.evaluation.faulty import USAGE, Faulty
from tests.evaluation.parts import Reach, part, reaching, run

from genlab import chance
from genlab.evaluation.logs import read_texts
from genlab.evaluation.part import CONNECTIONS, RETRIES, set_torn_aside
from genlab.grading.agreement import between_gradings
from genlab.grading.graded import readings
from genlab.studies.skill_mix.study import SkillMix

LOCAL = ("student=openai-api/local/student", "grader=openai-api/local/grader")
SHORT = ("k=2", "generations=1", "gradings=1", "controls=0")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reach:
    return reaching(tmp_path, monkeypatch)


def log_of(place: Path) -> Any:
    """The one log in a folder."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    (log,) = list_eval_logs(str(place))
    return read_eval_log(log)


# ------------------------------------------------------------------------------------------------ G1: offline
def test_a_model_that_counts_no_tokens_needs_no_download(tmp_path: Path, reach: Reach) -> None:
    """Inspect counts what a provider does not with tiktoken, which fetches its vocabulary from the network."""
    with Faulty(kinds=(), usage=False) as endpoint:
        run(part(tmp_path, who=reach(endpoint)))
    rows = read_texts(tmp_path / "logs")
    assert [row.status for row in rows] == ["graded"] * 6
    assert {(row.input_tokens, row.output_tokens, row.grader_input_tokens, row.cost) for row in rows} == {(0, 0, 0, None)}
    assert not (tmp_path / "no tokens").exists()


# ------------------------------------------------------------------------------------------------ G2: money
def test_a_sample_that_failed_is_tried_again_without_another_call_for_what_it_had(tmp_path: Path, reach: Reach) -> None:
    """A 404 ends the sample with an error, before its text or its grading too; Inspect runs the sample again."""
    kinds = ("404", "500", "cut")
    with Faulty(0.4, kinds) as endpoint:
        run(part(tmp_path, who=reach(endpoint), n=40))
    seen, log = endpoint.seen, log_of(tmp_path / "logs")
    assert all(len(seen.hits[kind]) >= 8 for kind in kinds)
    assert sum(bool(sample.error_retries) for sample in log.samples) == len(seen.hits["404"])
    assert set(seen.delivered.values()) == {1}
    assert sum(seen.requests.values()) == len(seen.delivered) + sum(len(seen.hits[kind]) for kind in kinds)
    assert [row.status for row in read_texts(tmp_path / "logs")] == ["graded"] * 40


# ------------------------------------------------------------------------------------------------ G3: limits and the budget
@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ({"token_limit": 640}, "Inspect's token limit of 640"),
        ({"message_limit": 2}, "Inspect's message limit of 2"),
        ({"turn_limit": 1}, "Inspect's turn limit of 1"),
    ],
)
def test_a_text_that_a_limit_of_inspect_stopped_is_in_no_ratio(limit: dict[str, Any], why: str, tmp_path: Path) -> None:
    """Inspect itself would score it."""
    run(part(tmp_path, n=12, **limit))
    log, rows = log_of(tmp_path / "logs"), read_texts(tmp_path / "logs")
    assert len(rows) == 12
    stopped = {str(sample.id) for sample in log.samples if sample.limit is not None}
    assert stopped
    assert {row.sample for row in rows if row.status == "stopped"} == stopped
    assert {row.why for row in rows if row.status == "stopped"} == {why}
    for row in rows:
        assert (row.full_marks is None) == (row.status == "stopped")
        assert (row.points is None) == (row.status == "stopped")
    graded = [row.full_marks for row in rows if row.full_marks is not None]
    values = {
        score.name: score.metrics["mean"].value for score in log.results.scores if score.reducer == "mean" and score.metrics
    }
    if limit == {"token_limit": 640}:
        assert 0 < len(stopped) < 12
        assert values["full_marks"] == pytest.approx(sum(graded) / len(graded))  # what `inspect view` shows
    else:
        assert math.isnan(values["full_marks"])


@pytest.mark.long
def test_a_budget_counts_all_processes_and_graders_and_nothing_twice(tmp_path: Path) -> None:
    dollar, words, n = 1e-6, 50, 20
    once, most = USAGE[1] * dollar, words * dollar  # a dollar a million output tokens, nothing for input
    (tmp_path / "prices.yaml").write_text(
        "".join(f"openai-api/local/{who}: {{input: 0, output: 1}}\n" for who in ("student", "grader"))
    )
    settings = (
        *LOCAL,
        *SHORT,
        f"n={n}",
        "processes=2",
        f"inspect=max_tokens={words},max_connections=2",
        f"grading=max_tokens={words}",
    )
    flying = 2 * 2 * 2 * most  # two processes, twice as many samples as connections
    with Faulty(kinds=()) as endpoint:
        seen, environment = endpoint.seen, surroundings(tmp_path, endpoint.url)

        def spend(limit: float, code: int) -> str:
            return done(
                run_words(tmp_path, *settings, f"max_cost={limit!r}", "prices=prices.yaml"), tmp_path, environment, code=code
            )

        def ledger() -> float:
            with sqlite3.connect(tmp_path / "store" / "budget.sqlite") as book:
                return float(book.execute("select sum(dollars) from calls").fetchone()[0])

        small = 20 * once + flying
        said = spend(small, 1)
        first = sum(seen.delivered.values())
        assert 20 <= first < 3 * n
        assert first * once <= small
        assert ledger() == pytest.approx(first * once)
        assert "max_cost" in said
        large = small + (3 * n - first) * once + flying
        assert large < (3 * n + first) * once + flying  # or counting the replays again would go unnoticed
        spend(large, 0)
    assert sum(seen.delivered.values()) == sum(seen.requests.values()) == len(seen.delivered)
    assert ledger() == pytest.approx(len(seen.delivered) * once)
    assert {row.status for row in records(tmp_path)} == {"graded"}
    assert sum(row.cost or 0.0 for row in records(tmp_path)) == pytest.approx(len(seen.delivered) * once)


# ------------------------------------------------------------------------------------------------ G4, G7: how Inspect is run
def test_inspect_neither_draws_nor_writes_along(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(part(tmp_path, generations=2)) == 12
    config = log_of(tmp_path / "logs").eval.config
    assert (config.log_realtime, config.max_samples) == (False, 2 * CONNECTIONS)
    assert (config.retry_on_error, config.continue_on_fail) == (RETRIES, True)
    assert capfd.readouterr() == ("", "")
    assert run(part(tmp_path, generations=2)) == 0  # all is there


def test_a_second_evaluation_in_a_process_asks_its_own_grader(tmp_path: Path, reach: Reach) -> None:
    """Inspect holds on to the models of roles: a grader fetched by name and role would be the former one."""
    run(part(tmp_path / "first"))
    with Faulty(kinds=()) as endpoint:
        other = dataclasses.replace(part(tmp_path / "second"), graders=(f"{reach(endpoint)}/grader",))
        run(other)
    assert len(endpoint.seen.requests) >= 6
    assert {row.grader for row in read_texts(tmp_path / "second")} == set(other.graders)


# ------------------------------------------------------------------------------------------------ G5: agreement over epochs
def test_agreement_is_that_of_single_gradings_whatever_inspect_makes_of_epochs(tmp_path: Path) -> None:
    run(part(tmp_path, n=15, generations=2, gradings=3))
    log, rows = log_of(tmp_path / "logs"), read_texts(tmp_path / "logs")
    assert log.eval.config.epochs_reducer == ["mean", "max"]
    raw = [sample.scores["rubric_points"].metadata["graders"][0]["gradings"] for sample in log.samples]
    assert len(raw) == 30
    units = []
    for gradings in raw:
        points = [[float(each) for each in grading.split(",")] if grading else [math.nan] * 5 for grading in gradings]
        units += [[grading[place] for grading in points] for place in range(5)]
    expected = krippendorff.alpha(reliability_data=list(zip(*units, strict=True)), level_of_measurement="nominal")
    found = between_gradings(rows, random=chance.numpy("test"))["scripted/grader"]["all"]
    assert found.alpha == pytest.approx(expected)
    assert 0 < expected < 1
    assert {value for row in rows for grading in readings(row.gradings) for value in grading} == {0.0, 1.0}
    sample = rows[0].sample
    both = [row.full_marks or 0.0 for row in rows if row.sample == sample]
    averaged = next(each for each in log.reductions if each.reducer == "mean")
    assert next(each.value for each in averaged.samples if each.sample_id == sample)["full_marks"] == sum(both) / 2


# ------------------------------------------------------------------------------------------------ G6: names
def test_every_metric_has_a_column_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    from inspect_ai.analysis import evals_df

    run(part(tmp_path, generations=2))
    with quiet():
        frame = evals_df(str(tmp_path / "logs"))
    log = log_of(tmp_path / "logs")
    values = {
        f"score_{score.name}_{score.reducer}_{name}": metric.value
        for score in log.results.scores
        for name, metric in score.metrics.items()
    }
    assert len(values) == sum(len(score.metrics) for score in log.results.scores) == 6 * 2 * 2
    assert Counter(frame.columns).most_common(1)[0][1] == 1
    for name, value in values.items():
        assert frame[name].item() == pytest.approx(value)


# ------------------------------------------------------------------------------------------------ completed == total
def test_a_log_that_lost_a_text_shows_no_number_until_it_is_there_again(tmp_path: Path) -> None:
    """Other parts of other sizes then stand beside what is left of the former."""
    from inspect_ai.log import list_eval_logs, read_eval_log, write_eval_log

    small = SkillMix(student=("scripted/student",), k=(2,), n=6, generations=1, gradings=1, controls=6, cache=False)
    small = small.keeping_in(str(tmp_path))
    (condition,) = small.conditions()

    def ran(processes: int) -> str:
        *_, last = dataclasses.replace(small, processes=processes).run(condition.settings, None, "cpu")
        return repr(last.records)  # a planted text's truth holds NaN, which equals nothing

    expected = ran(2)
    assert expected.count("GradedText(") == 12
    assert ran(2) == expected
    first = tmp_path / "conditions" / condition.id / "logs" / "0" / "look-00000" / "part-0"
    (log,) = (read_eval_log(each) for each in list_eval_logs(str(first)))
    assert log.samples
    lost = [next(each for each in log.samples if planted == ("planted" in each.metadata)) for planted in (True, False)]
    log.samples = [each for each in log.samples if each not in lost]
    write_eval_log(log, log.location)
    with pytest.raises(RuntimeError, match=f"{re.escape(str(first))} holds 7 texts of 9 that were asked for. Delete that folder"):
        ran(2)
    shutil.rmtree(first)
    assert ran(3) == expected


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_torn_log_is_set_aside(share: float, tmp_path: Path) -> None:
    """Inspect writes a log whole or not at all; a full disk or a cut copy does not."""
    run(part(tmp_path))
    expected = read_texts(tmp_path / "logs")
    (log,) = (tmp_path / "logs").glob("*.eval")
    log.write_bytes(log.read_bytes()[: int(share * log.stat().st_size)])
    with pytest.raises(ValueError, match="is no whole Inspect log, cut off or damaged"):
        read_texts(tmp_path / "logs")
    assert run(part(tmp_path)) == len(expected)
    assert read_texts(tmp_path / "logs") == expected
    assert [each.name for each in (tmp_path / "logs").glob("*.torn")] == [f"{log.name}.torn"]
    assert set_torn_aside(str(tmp_path / "logs")) == []


def test_the_command_of_inspect_writes_the_same_rows(tmp_path: Path) -> None:
    arguments = [word for each in (*SHORT, "n=6") for word in ("-T", each)]
    models = ["--model", "scripted/student", "--model-role", "grader=scripted/grader"]
    done([*INSPECT, "eval", "genlab/skill_mix", *models, *arguments, "--log-dir", "logs"], tmp_path, surroundings(tmp_path))
    run(part(tmp_path / "ours"))
    assert read_texts(tmp_path / "logs") == read_texts(tmp_path / "ours" / "logs")
