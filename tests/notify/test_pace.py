from hypothesis import given
from hypothesis import strategies as st

from jqfollow.notify.pace import MAX_BACK_OFF_S, MAX_IN_WINDOW, MAX_ORDINARY, WINDOW_S, Pace


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=120))
def test_no_minute_holds_more_than_the_limit(steps: list[tuple[float, bool]]) -> None:
    pace, now, sent = Pace(), 0.0, list[float]()
    for gap, urgent in steps:
        now += gap
        now += pace.wait_s(now, urgent=urgent)
        assert pace.wait_s(now, urgent=urgent) < 1e-6  # when the wait is over it is over
        pace.used(now)
        sent.append(now)

    for at in sent:
        assert sum(at - WINDOW_S + 1e-6 < other <= at for other in sent) <= MAX_IN_WINDOW


def test_a_part_of_the_window_is_kept_for_what_is_urgent() -> None:
    pace = Pace()
    for _ in range(MAX_ORDINARY):
        assert pace.wait_s(0, urgent=False) == 0
        pace.used(0)

    assert pace.wait_s(1, urgent=False) == WINDOW_S - 1
    assert pace.wait_s(1, urgent=True) == 0


def test_a_full_window_opens_a_minute_after_its_first_message() -> None:
    pace = Pace()
    for n in range(MAX_IN_WINDOW):
        pace.used(n / 10)

    assert pace.wait_s(55, urgent=True) == 5
    assert pace.wait_s(60, urgent=True) == 0
    assert pace.wait_s(60, urgent=False) > 0


def test_back_off_doubles_up_to_a_ceiling_and_ends_with_success() -> None:
    pace = Pace()
    delays = [pace.failed(0, 0) for _ in range(40)]

    assert delays[:4] == [2, 4, 8, 16]
    assert delays[-1] == MAX_BACK_OFF_S
    assert pace.wait_s(100, urgent=True) == MAX_BACK_OFF_S - 100
    assert pace.failing_since == 0
    pace.succeeded()
    assert pace.wait_s(100, urgent=True) == 0
    assert pace.failing_since is None
    assert pace.failed(0, 0) == 2


def test_the_other_side_may_ask_for_more_time() -> None:
    pace = Pace()

    assert pace.failed(0, 60) == 60
    assert pace.wait_s(59, urgent=True) == 1
