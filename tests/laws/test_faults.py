"""A provider that fails in eight ways, a run that is killed: every text ends with a status, and no reply is paid for twice."""

import math
import re
import time
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")

from tests.evaluation.commands import SECRET, done, kill, records, run_words, start, surroundings
from tests.evaluation.faulty import KINDS, Faulty, Seen
from tests.laws.test_interrupted import until

from genlab import chance
from genlab.evaluation.logs import read_texts
from genlab.results.store import Store
from genlab.studies.skill_mix.texts import main

SAMPLES, SOME, FEWER, PROCESSES = 500, 120, 200, 2
PATIENCE = 600.0  # seconds; half of them are waits between attempts
KILLS, LEAST, MOST = 5, 5, 30  # replies that are kept between two kills; the run needs some 600 of them
MODELS = ("student=openai-api/local/student", "grader=openai-api/local/grader")
SETTINGS = (*MODELS, "k=2", "generations=1", "gradings=1", "controls=0", f"processes={PROCESSES}")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * PATIENCE)]


def patient(connections: int) -> tuple[str, ...]:
    """Options that outlast every fault on a busy machine; Inspect's first wait is of 3 to 6 s, each further one twice as long."""
    return f"inspect=attempt_timeout=20,max_retries=8,max_connections={connections}", "grading=attempt_timeout=20"


def logged(place: Path) -> list[tuple[str, int]]:
    """The samples of the logs that ended well, by id and epoch; a killed run leaves its own beside them."""
    from inspect_ai.log import list_eval_logs, read_eval_log, read_eval_log_sample_summaries

    ended = [log for log in list_eval_logs(str(place / "store")) if read_eval_log(log, header_only=True).status == "success"]
    return [(str(each.id), each.epoch) for log in ended for each in read_eval_log_sample_summaries(log)]


def kept(place: Path) -> set[str]:
    """The bodies whose replies stand whole in Inspect's cache: the endpoint writes a body's hash into its reply's model."""
    found = set()
    for entry in (place / "cache").rglob("*"):
        if entry.is_file() and (reply := entry.read_bytes()).endswith(b"."):  # how a pickle ends
            found |= {each.decode() for each in re.findall(rb"@([0-9a-f]{16})", reply)}
    return found


def leaks(place: Path) -> list[Path]:
    """The files in which the key stands."""
    return [each for each in place.rglob("*") if each.is_file() and SECRET.encode() in each.read_bytes()]


@pytest.fixture(scope="module")
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Seen]:
    """A run of so many samples that nobody killed, and what the endpoint saw."""
    place = tmp_path_factory.mktemp("whole")
    with Faulty() as endpoint:
        words = run_words(place, f"n={request.param}", *SETTINGS, *patient(48))
        done(words, place, surroundings(place, endpoint.url), patience=PATIENCE)
    return place, endpoint.seen


@pytest.mark.parametrize(
    ("whole", "count"), [(SOME, SOME), pytest.param(SAMPLES, SAMPLES, marks=pytest.mark.long)], indirect=["whole"]
)
def test_every_text_ends_with_a_status_whatever_the_provider_does(whole: tuple[Path, Seen], count: int) -> None:
    place, seen = whole
    print({kind: len(hit) for kind, hit in seen.hits.items()}, sum(seen.requests.values()), sum(seen.delivered.values()))
    assert set(seen.hits) == set(KINDS)
    for kind, hit in seen.hits.items():  # four standard deviations of a fifth; a few are hidden by another one
        assert abs(len(hit) - count / 5) < 4.5 * math.sqrt(0.16 * count), kind

    samples = logged(place)
    assert len(samples) == len(set(samples)) == count
    rows = records(place)
    assert len(rows) == count
    assert {(row.sample, row.generation) for row in rows} == set(samples)

    statuses = Counter(row.status for row in rows)
    assert set(statuses) == {"graded", "ungraded"}  # eight retries outlast every fault: none is left unanswered
    for row in rows:
        scores = (row.full_marks, row.all_skills, row.skill_fraction)
        assert (row.status == "graded") == (row.points is not None) == (not row.why)
        assert all((score is not None) == (row.status == "graded") for score in scores)
    reasons = {re.sub(r"[\d,]+", "#", row.why) for row in rows if row.status == "ungraded"}
    assert reasons - {"the reply lacks the grading's code", "the reply holds no JSON object with the grading's code"} == {
        "the reply is empty",
        "the reply has # characters# more than #",
        "the text has # characters# more than #: no grader is asked to read it",
    }

    (cell,) = main(Store(place / "store").runs("skill_mix"))
    ratio = cell.mean("full_marks")
    assert ratio is not None
    assert ratio.n == statuses["graded"]
    graded = [row.full_marks for row in rows if row.full_marks is not None]
    assert math.isclose(ratio.centre, sum(graded) / statuses["graded"])
    assert leaks(place) == []


@pytest.mark.long
@pytest.mark.parametrize("whole", [SAMPLES], indirect=True)
def test_a_run_that_is_killed_pays_for_no_reply_that_it_kept(whole: tuple[Path, Seen], tmp_path: Path) -> None:
    """Killed with all its processes after a random number of replies, the same command goes on to an undisturbed run's texts.

    A request in flight at a kill is made again, and so may be one whose reply came in the moment of the kill: between the
    last byte on the wire and Inspect's cache lie a few milliseconds. No body whose reply stands in the cache is asked for again.
    """
    connections = 32
    words = run_words(tmp_path, f"n={FEWER}", *SETTINGS, *patient(connections))
    with Faulty(seconds=0.25) as endpoint:
        seen, environment = endpoint.seen, surroundings(tmp_path, endpoint.url)
        held: list[tuple[int, set[str]]] = []
        for place in range(KILLS):
            enough = len(kept(tmp_path)) + chance.python("kill an evaluation", place).randint(LEAST, MOST)
            process = start(words, tmp_path, environment)
            assert until(lambda: len(kept(tmp_path)) >= enough or process.poll() is not None)  # noqa: B023 - called here
            assert process.poll() is None, (tmp_path / "said.txt").read_text()
            kill(process)
            time.sleep(0.3)  # what the endpoint was about to write
            held.append((len(seen.asked), kept(tmp_path)))
        done(words, tmp_path, environment, patience=PATIENCE)
    print([(asked, len(there)) for asked, there in held], len(seen.asked), len(seen.requests), sum(seen.delivered.values()))
    for asked, there in held:
        assert set(seen.asked[asked:]) & there == set()
    assert len(held[-1][1]) >= KILLS * LEAST
    assert sum(seen.delivered.values()) - len(seen.delivered) <= KILLS * PROCESSES * 2 * connections  # student's and grader's

    samples = logged(tmp_path)
    assert len(set(samples)) == FEWER
    rows = records(tmp_path)
    assert {(row.sample, row.generation) for row in rows} == set(samples)
    assert len(rows) == FEWER
    assert len(read_texts(tmp_path / "store" / "conditions")) == FEWER
    assert rows == [row for row in records(whole[0]) if row.index < FEWER]
    assert leaks(tmp_path) == []
