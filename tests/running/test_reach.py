"""The word after --ray: what it may be, and what a condition takes when nothing else is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.running.pool import share
from genlab.running.reach import Reach, reach, shared


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("local", Reach("local")),
        ("auto", Reach("auto")),
        ("head:6379", Reach("head:6379")),
        (" auto , cpus=4 ", Reach("auto", 4.0)),
        ("auto,gpus=0.25", Reach("auto", None, 0.25)),
        ("auto,gpus=2,cpus=0.5", Reach("auto", 0.5, 2.0)),
    ],
)
def test_an_address_and_what_a_condition_takes(text: str, value: Reach) -> None:
    assert reach(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "got ''"),
        ("ray://head:10001", "Ray's client"),
        ("cpus=2", "got 'cpus=2'"),
        ("auto,cpus", "got 'cpus'"),
        ("auto,cpus=many", "got 'cpus=many'"),
        ("auto,cpus=0", "got 'cpus=0'"),
        ("auto,cpus=-1", "got 'cpus=-1'"),
        ("auto,cpus=inf", "got 'cpus=inf'"),
        ("auto,memory=2", "got 'memory=2'"),
        ("auto,gpus=1.5", "a part of one, or whole ones"),
    ],
)
def test_another_word_is_an_error_that_says_what_is_right(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        reach(text)


@given(st.integers(1, 64), st.integers(1, 99), st.none() | st.integers(1, 99))
def test_locally_a_condition_gets_what_it_would_without_ray(cores: int, tasks: int, workers: int | None) -> None:
    settled, at_once = shared(Reach("local"), cores=cores, tasks=tasks, workers=workers, device="cpu")
    assert (at_once, settled.threads()) == share(cores, tasks, workers)
    assert settled.gpus == 0


def test_a_cluster_gives_a_core_each_and_a_gpu_where_it_is_to_run_on_one() -> None:
    assert shared(Reach("auto"), cores=2, tasks=9, workers=None, device="cpu") == (Reach("auto", 1, 0), None)
    assert shared(Reach("auto"), cores=2, tasks=9, workers=3, device="cuda") == (Reach("auto", 1, 1.0), 3)
    assert shared(Reach("auto", 4, 0.5), cores=2, tasks=9, workers=None, device="cuda") == (Reach("auto", 4, 0.5), None)
    assert shared(Reach("local", cpus=2), cores=8, tasks=9, workers=None, device="cpu") == (Reach("local", 2, 0), 4)
