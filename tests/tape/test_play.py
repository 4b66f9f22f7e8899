"""A tape played through the practice exchange."""

from pathlib import Path

import pytest

from bench.tape import POLICIES, Policy, episodes, generated, main, play, summary
from jqfollow.settings import PriceMode
from jqfollow.tape.lines import Begun, Done, Seen, append

NEVER = Policy(name="too far", price=PriceMode.OWN, cancel_after_s=2000, force_after=9, slippage_ticks=-50)


def test_a_recorded_order_is_played_again(tmp_path: Path) -> None:
    made = generated(1)[0]
    lines = [Seen(order_id=1, at=at, quote=quote) for at, quote in zip(made.at, made.quotes, strict=True)]
    begun = Begun(order_id=1, at=made.begins, security=made.security, side=made.side, decision=made.decision)
    done = Done(order_id=1, at=made.begins, wished=made.volume, filled=0, paid=None)
    append(tmp_path / "2026-03-02.jsonl.gz", [begun, *lines[:5]])
    append(tmp_path / "2026-03-02.jsonl.gz", [*lines[5:], done])
    [read] = episodes(tmp_path)
    assert (read.volume, read.side, len(read.quotes)) == (made.volume, made.side, len(made.quotes))
    assert play(read, POLICIES[-1], tmp_path) == play(made, POLICIES[-1], tmp_path)


def test_a_policy_that_never_meets_the_market_pays_the_opportunity(tmp_path: Path) -> None:
    made = generated(1)[0]
    at_once, never = play(made, POLICIES[-1], tmp_path), play(made, NEVER, tmp_path)
    assert at_once is not None
    assert never is not None
    assert (at_once.filled, at_once.cancels) == (at_once.wished, 0)
    assert never.filled == 0
    assert len(summary([at_once, never])) == 4


def test_a_generated_tape_says_that_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--orders", "1"]) == 0
    assert capsys.readouterr().out.startswith("SYNTHETIC")
