"""What is kept running: started again after an end, later and later, and not after an end for good."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from jqfollow.cli.keeper import (
    FIRST_WAIT_S,
    FOR_GOOD,
    HELD_S,
    LONGEST_WAIT_S,
    AlreadyKeptError,
    Child,
    Kept,
    State,
    ask_to_end,
    asked_to_end,
    is_kept,
    only_keeper,
)


class Played:
    """Ends when told."""

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def last_lines(self) -> Sequence[str]:
        return ["what it said"]


class Stage:
    """Where a kept program is started; seconds pass by `at`."""

    def __init__(self, *, for_good: frozenset[int] = FOR_GOOD) -> None:
        self.started: list[Played] = []
        self.there: Played | None = None
        self.kept = Kept(name="serve", start=self.start, found=lambda: self.there, for_good=for_good)

    def start(self) -> Played:
        self.started.append(Played())
        return self.started[-1]

    def at(self, now: float) -> State:
        self.kept.look(now)
        return self.kept.state

    def end(self, code: int) -> None:
        self.started[-1].code = code


def test_what_fails_is_started_again_later_and_later() -> None:
    stage, now, waits = Stage(), 0.0, []
    stage.at(now)
    for _ in range(8):
        stage.end(1)
        assert stage.at(now) is State.WAITS
        began = now
        while stage.at(now) is State.WAITS:
            now += 0.5
        waits.append(now - began)
    assert waits[0] == FIRST_WAIT_S
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_S


def test_what_held_for_a_while_is_started_again_soon() -> None:
    stage = Stage()
    stage.at(0)
    for _ in range(6):
        stage.end(1)
        stage.at(0)
        stage.kept._next = 0
        stage.at(0)
    stage.end(1)
    stage.at(HELD_S)
    assert stage.at(HELD_S + FIRST_WAIT_S) is State.RUNS


@pytest.mark.parametrize("code", [0, 2, 3])
def test_an_end_for_good_wants_a_person(code: int) -> None:
    stage = Stage()
    stage.at(0)
    stage.end(code)
    assert stage.at(1) is State.OVER
    assert stage.at(10_000) is State.OVER
    assert (stage.kept.code, list(stage.kept.lines)) == (code, ["what it said"])
    stage.kept.again()
    assert stage.at(10_001) is State.RUNS
    assert len(stage.started) == 2


def test_a_tunnel_is_started_again_whatever_it_ended_with() -> None:
    stage = Stage(for_good=frozenset())
    stage.at(0)
    for code, now in ((2, 10.0), (3, 100.0), (0, 1000.0)):
        stage.end(code)
        assert stage.at(now) is State.WAITS
        assert stage.at(now + LONGEST_WAIT_S) is State.RUNS


def test_what_runs_already_is_taken_over_and_not_started_twice() -> None:
    stage = Stage()
    stage.there = Played()
    assert stage.at(0) is State.RUNS
    assert stage.started == []
    stage.there.code, stage.there = 1, None
    assert stage.at(1) is State.WAITS
    assert stage.at(1 + FIRST_WAIT_S) is State.RUNS
    assert len(stage.started) == 1


def test_what_a_person_starts_after_the_end_is_noticed() -> None:
    stage = Stage()
    stage.at(0)
    stage.end(2)
    stage.at(1)
    stage.there = Played()
    assert stage.at(2) is State.RUNS
    assert len(stage.started) == 1


def test_what_was_stopped_stays_stopped() -> None:
    stage = Stage()
    stage.at(0)
    stage.kept.no_more()
    stage.end(1)
    assert stage.at(1) is State.OVER
    assert stage.at(1000) is State.OVER


def test_what_cannot_be_started_is_tried_again() -> None:
    def fails() -> Played:
        raise FileNotFoundError(2, "no such file")

    kept = Kept(name="frpc", start=fails)
    kept.look(0)
    assert (kept.state, list(kept.lines)) == (State.WAITS, ["no such file"])


def test_a_childs_words_are_heard_without_secrets(tmp_path: Path) -> None:
    heard: list[str] = []
    script = "print('http://127.0.0.1/?token=abcdefghijk'); print('中文'); raise SystemExit(3)"
    child = Child([sys.executable, "-X", "utf8", "-c", script], folder=tmp_path, line=heard.append)
    while child.poll() is None:
        pass
    assert child.poll() == 3
    assert heard == list(child.last_lines()) == ["http://127.0.0.1/?token=***", "中文"]


def test_one_keeper_a_data_folder(tmp_path: Path) -> None:
    assert not is_kept(tmp_path)
    with only_keeper(tmp_path):
        assert is_kept(tmp_path)
        with pytest.raises(AlreadyKeptError), only_keeper(tmp_path):
            pass
    assert not is_kept(tmp_path)


def test_a_keeper_is_asked_to_end_once(tmp_path: Path) -> None:
    ask_to_end(tmp_path)
    with only_keeper(tmp_path):
        assert not asked_to_end(tmp_path)  # of one that is gone
        ask_to_end(tmp_path)
        assert asked_to_end(tmp_path)
        assert not asked_to_end(tmp_path)
