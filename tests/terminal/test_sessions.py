"""The pool of session ids."""

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.execution.brokers.miniqmt.sessions import POOL_SIZE, REST, SessionPool


class StillClock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


def test_ids_go_round_and_last_over_restarts(tmp_path: Path, clock: StillClock) -> None:
    path = tmp_path / "会话 sessions.json"
    taken = []
    for _ in range(3 * POOL_SIZE):
        pool = SessionPool(path, clock)  # a new process each time
        number = pool.take()
        assert number is not None
        taken.append(number)
        pool.give_back(number)
        clock.moment += REST
    assert len(set(taken)) == POOL_SIZE
    assert all(a != b for a, b in itertools.pairwise(taken))


def test_an_id_rests_before_it_is_used_again(tmp_path: Path, clock: StillClock) -> None:
    pool = SessionPool(tmp_path / "s.json", clock)
    numbers = [pool.take() for _ in range(POOL_SIZE)]
    for number in numbers:
        assert number is not None
        pool.give_back(number)
    assert pool.take() is None
    assert SessionPool(tmp_path / "s.json", clock).take() is None
    clock.moment += REST - timedelta(milliseconds=1)
    assert pool.take() is None
    clock.moment += timedelta(milliseconds=1)
    assert pool.take() == numbers[0]


def test_an_id_that_a_hung_connection_holds_is_left_alone_while_there_are_others(
    tmp_path: Path, clock: StillClock
) -> None:
    pool = SessionPool(tmp_path / "s.json", clock)
    hung = pool.take()
    for _ in range(2 * POOL_SIZE):
        clock.moment += REST
        number = pool.take()
        assert number not in {None, hung}
        pool.give_back(number or 0)


def test_when_all_hang_the_one_that_hangs_longest_is_used_again(tmp_path: Path, clock: StillClock) -> None:
    pool = SessionPool(tmp_path / "s.json", clock)
    held = []
    for _ in range(POOL_SIZE):
        held.append(pool.take())
        clock.moment += REST
    assert pool.take() == held[0]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sessions": [{"id": "x"}]}', '{"sessions": []}', "\0\0"])
def test_a_damaged_file_is_replaced(tmp_path: Path, clock: StillClock, text: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(text, encoding="utf-8")
    pool = SessionPool(path, clock)
    number = pool.take()
    assert number in pool.numbers
    assert SessionPool(path, clock).numbers == pool.numbers


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path, clock: StillClock) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert SessionPool(tmp_path / "file" / "s.json", clock).take() is not None


def test_a_clock_that_was_put_back_locks_nothing(tmp_path: Path, clock: StillClock) -> None:
    pool = SessionPool(tmp_path / "s.json", clock)
    for _ in range(POOL_SIZE):
        pool.give_back(pool.take() or 0)
    clock.moment -= timedelta(days=400)
    assert pool.take() is not None
