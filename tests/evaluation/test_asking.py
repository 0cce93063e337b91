"""A provider that gives no reply: how often it is asked, what is said of it, and that all goes on when it is well again."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")

from tenacity import Future, RetryError
from tests.evaluation.commands import SECRET
from tests.evaluation.faulty import Faulty
from tests.evaluation.parts import part, reaching, run

from genlab.evaluation.asking import is_final, reason
from genlab.evaluation.logs import read_texts
from genlab.evaluation.part import RETRIES, Part

N = 5


@pytest.fixture
def meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Faulty], Part]:
    """From an endpoint to a part that asks it."""
    reach = reaching(tmp_path, monkeypatch)
    return lambda endpoint: part(tmp_path, who=reach(endpoint), n=N, gradings=2, max_retries=0)


def leaks(place: Path) -> list[Path]:
    return [each for each in place.rglob("*") if each.is_file() and SECRET.encode() in each.read_bytes()]


@pytest.mark.parametrize(("status", "name"), [(400, "ModelGenerateError"), (401, "AuthenticationError"), (404, "NotFoundError")])
def test_a_student_that_is_not_there_is_asked_again_by_the_next_run(
    status: int, name: str, tmp_path: Path, meet: Callable[[Faulty], Part]
) -> None:
    with Faulty(kinds=()) as endpoint:
        asked, seen = meet(endpoint), endpoint.seen
        endpoint.down["student"] = status
        run(asked)
        assert [(row.status, row.why, row.points) for row in read_texts(asked.log_dir)] == [
            ("unanswered", f"{asked.student} gave no reply: {name}: Error code: {status} - no service today", None)
        ] * N
        assert list(seen.requests.values()) == [1 + RETRIES] * N  # Inspect's, of the sample; none of ours: it would be the same
        endpoint.down.clear()
        run(asked)
        assert {row.status for row in read_texts(asked.log_dir)} == {"graded"}
        assert len(read_texts(asked.log_dir)) == N
    assert set(seen.delivered.values()) == {1}
    assert leaks(tmp_path) == []


def test_a_grader_that_is_not_there_costs_the_student_nothing(tmp_path: Path, meet: Callable[[Faulty], Part]) -> None:
    with Faulty(kinds=()) as endpoint:
        asked, seen = meet(endpoint), endpoint.seen
        endpoint.down["grader"] = 401
        run(asked)
        (grader,) = asked.graders
        assert [(row.status, row.why) for row in read_texts(asked.log_dir)] == [
            ("unanswered", f"{grader} gave no reply: AuthenticationError: Error code: 401 - no service today")
        ] * N
        assert sorted(seen.requests.values()) == [1] * 2 * N + [1 + RETRIES] * 2 * N
        endpoint.down.clear()
        run(asked)
        assert [row.status for row in read_texts(asked.log_dir)] == ["graded"] * N
    assert set(seen.delivered.values()) == {1}
    assert leaks(tmp_path) == []


def test_a_text_that_the_grader_will_not_read_is_ungraded(meet: Callable[[Faulty], Part]) -> None:
    """Too long for it, or filtered: the same request again would be refused again."""
    with Faulty(kinds=()) as endpoint:
        asked, seen = meet(endpoint), endpoint.seen
        endpoint.down["grader"] = 400
        run(asked)
        (grader,) = asked.graders
        found = read_texts(asked.log_dir)
        assert [(row.status, row.gradings, row.full_marks) for row in found] == [("ungraded", ("", ""), None)] * N
        assert {row.why for row in found} == {f"{grader} gave no reply: ModelGenerateError: Error code: 400 - no service today"}
        run(asked)
        assert set(seen.requests.values()) == {1}


def test_the_reason_is_the_providers_and_no_address_in_memory() -> None:
    last = Future(1)
    last.set_exception(ConnectionError("the line\nis dead"))
    assert reason(RetryError(last)) == "ConnectionError: the line is dead"
    assert not is_final(RetryError(last))
    assert len(reason(ValueError("long " * 1000))) < 400
