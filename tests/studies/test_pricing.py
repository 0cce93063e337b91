import time

from genlab.studies.pricing import fastest


def test_what_a_first_call_sets_up_is_no_part_of_the_price() -> None:
    seconds = iter([1.2, 0.001, 0.001, 0.001, 0.001, 0.001])
    assert fastest(lambda: time.sleep(next(seconds))) < 0.5


def test_a_slow_call_is_timed_twice() -> None:
    seconds = iter([0.2, 1.1])
    assert fastest(lambda: time.sleep(next(seconds))) >= 0.2
