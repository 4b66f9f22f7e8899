"""A few runs of the stateful model, and that it can tell; 10,000 of them: `python -m tests.reliability model`."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from jqfollow.domain import BrokerDownError
from jqfollow.execution.calls import CallLog
from jqfollow.execution.desk import Desk
from jqfollow.ledger.tx import Tx

from .model import OrdersModel


def play(runs: int, steps: int = 20) -> None:
    tried = settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(OrdersModel, settings=tried)  # type: ignore[no-untyped-call]


def test_the_model_holds() -> None:
    before = OrdersModel.seen["placed"]
    play(20)
    assert OrdersModel.seen["placed"] - before > 20


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestItCanTell:
    def test_that_an_unknown_outcome_is_placed_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answered = Desk._answered

        def hasty(self: Desk, tx: Tx, *, placed: Any, **told: Any) -> None:
            answered(self, tx, placed=BrokerDownError("x") if isinstance(placed, Exception) else placed, **told)

        monkeypatch.setattr(Desk, "_answered", hasty)
        with pytest.raises(AssertionError):
            play(200, 30)

    def test_that_a_start_takes_what_was_handed_over_for_never_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(CallLog, "handed_over", lambda *_: False)
        with pytest.raises(AssertionError):
            play(400, 30)
