"""The gate: all verdicts are kept, the first that does not pass decides."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from jqfollow.domain import Phase, Side
from jqfollow.reasons import Reason
from jqfollow.risk.gate import decide, hold_back
from jqfollow.risk.rules import RULES
from jqfollow.risk.verdict import Outcome
from risk.samples import DAY, FINE, QUOTE, facts, risk

D = Decimal


def test_what_is_fine_may_go_out() -> None:
    decision = decide(FINE)
    assert (decision.deciding, decision.refusal) == (None, None)
    assert [verdict.rule for verdict in decision.verdicts] == [rule(FINE).rule for rule in RULES]
    assert {verdict.outcome for verdict in decision.verdicts} <= {Outcome.PASS, Outcome.SKIP}


# All of these fail at once; taking the first away lets the next one decide.
FAILING: list[tuple[Reason, dict[str, Any], dict[str, Any]]] = [
    (Reason.BACKTEST, {"backtest": True}, {"backtest": False}),
    (Reason.PAUSED, {"paused": "全部策略"}, {"paused": None}),
    (Reason.BLOCKED, {"risk": risk(blocked=frozenset({"000001.SZ"}), max_daily_turnover=1, max_position_ratio=0.9)},
     {"risk": risk(max_daily_turnover=1, max_position_ratio=0.9)}),
    (Reason.NOT_TRADING_DAY, {"trading_day": False}, {"trading_day": True}),
    (Reason.OUTSIDE_HOURS, {"phase": Phase.CLOSED}, {"phase": Phase.CONTINUOUS}),
    (Reason.BROKER_DOWN, {"ready": False}, {"ready": True}),
    (Reason.UNKNOWN_OUTCOME, {"unknown": "jqABCDE-1"}, {"unknown": None}),
    (Reason.OPPOSITE_OPEN, {"opposite": True}, {"opposite": False}),
    (Reason.SUSPENDED, {"quote": replace(QUOTE, suspended=True)}, {"quote": QUOTE}),
    (Reason.LIMIT_UP, {"stands_at": D(11)}, {"stands_at": None}),
    (Reason.PRICE_DRIFT, {"market_price": D(11)}, {"market_price": D(10)}),
    (Reason.PRICE_CAGE, {"broken_bound": D(10)}, {"broken_bound": None}),
    (Reason.MAX_ORDER_VALUE, {"order_value": D(10**6)}, {"order_value": D(10**4)}),
    (Reason.MAX_POSITION_RATIO, {"position_value": D(90_000)}, {"position_value": D(0)}),
    (Reason.MAX_DAILY_ORDERS, {"day": replace(DAY, attempts=500)}, {"day": DAY}),
    (Reason.MAX_DAILY_TURNOVER, {}, {"risk": risk()}),
    (Reason.NO_CASH, {"lacked": 4}, {"lacked": 0}),
]  # fmt: skip


def test_the_order_of_the_rules_decides() -> None:
    everything: dict[str, Any] = {}
    for _, breaks, _ in reversed(FAILING):
        everything |= breaks
    now = facts(**everything)
    for reason, _, mends in FAILING:
        decision = decide(now)
        assert decision.deciding is not None
        assert decision.deciding.rule is reason
        assert len(decision.verdicts) == len(RULES)
        assert decision.refusal is not None
        assert (decision.refusal.reason, decision.refusal.figures) == (reason, decision.deciding.figures)
        now = replace(now, **mends)
    assert decide(now).deciding is None


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    "missing",
    [
        {"security": None, "symbol": "999999.SZ", "instrument": None, "quote": None, "asset": None},
        {"ready": False, "instrument": None, "quote": None, "asset": None},
        {"instrument": None},
        {"quote": None, "market_price": None},
    ],
)
def test_facts_that_could_not_be_had_let_nothing_go_out(side: Side, missing: dict[str, Any]) -> None:
    without = {"volume": 0, "price": None, "order_value": None, "cost": None}
    decision = decide(facts(side=side, **without | missing))
    assert decision.deciding is not None
    assert decision.deciding.rule in {Reason.UNKNOWN_SECURITY, Reason.BROKER_DOWN, Reason.NO_QUOTE}


def test_what_needs_no_market_holds_back_before_anything_is_asked() -> None:
    without = {"instrument": None, "quote": None, "asset": None}
    assert hold_back(facts(**without)) is None
    assert hold_back(facts(**without, age_counts=False)) is None, "a rule that does not apply holds nothing back"
    for changes in ({"backtest": True}, {"opposite": True}):  # one refuses, one waits
        given = facts(**without, **changes)
        assert hold_back(given) == decide(given)
