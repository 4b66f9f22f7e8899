"""A few kills of the lane `kills`, and that its judge can tell; all of it: `python -m tests.reliability kills`."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import kills
from .beds import Outside
from .judge import Broken
from .kills import Kill, Lane, at_any_time, at_points
from .life import Mode

pytestmark = pytest.mark.skipif(os.name == "nt", reason="wants processes that are forked, and signals")
ON_THE_WAY = ("commit.after:Entries.intend", "call.after:Account.place", "reply.before:200")


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    with Outside(tmp_path) as outside:
        yield outside


def test_killed_on_the_way_nothing_is_lost_or_doubled(tmp_path: Path, outside: Outside) -> None:
    tally = Lane("paper", tmp_path / "beds", outside).run(at_points(ON_THE_WAY, Mode.PROMPT, 1))
    assert tally.killed == len(ON_THE_WAY)
    assert tally.orders > len(ON_THE_WAY)


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestTheJudgeCanTell:
    """Services that are wrong are found out, on both brokers."""

    def test_a_call_that_is_forgotten_is_told_otherwise(
        self, tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kills, "SETTLED_S", 6.0)
        lane = Lane("miniqmt", tmp_path / "beds", outside, flaw="forgets_calls")
        with pytest.raises(Broken, match=r"not in order[^$]*REJECTED"):
            lane.run(at_points(["call.after:Account.place"], Mode.PROMPT, 5))

    def test_an_order_that_goes_out_twice(self, tmp_path: Path, outside: Outside) -> None:
        lane = Lane("paper", tmp_path / "beds", outside, flaw="places_twice")
        with pytest.raises(Broken, match="placed twice"):
            lane.run([Kill(mode=Mode.PROMPT, after_s=1.0)])

    def test_an_answer_before_its_commit_is_a_lost_signal(self, tmp_path: Path, outside: Outside) -> None:
        lane = Lane("paper", tmp_path / "beds", outside, flaw="answers_early")
        with pytest.raises(Broken, match="lost"):
            lane.run(at_points(["reply.after:/api/order"], Mode.PROMPT, 5))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", Mode)
def test_killed_at_any_time_on_the_full_terminal(tmp_path: Path, outside: Outside, mode: Mode) -> None:
    dice = random.Random(7)
    Lane("fullqmt", tmp_path / "beds", outside).run([at_any_time(mode, dice) for _ in range(10)])
