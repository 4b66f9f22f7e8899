"""Each rule: what it lets pass, refuses, holds back and leaves to others."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import Board, Instrument, Phase, Side, WaitingFor
from jqfollow.market.securities import parse_security
from jqfollow.reasons import Reason, Refusal
from jqfollow.risk import admission, limits, market, means
from jqfollow.risk.facts import DayFacts, Facts
from jqfollow.risk.rules import RULES
from jqfollow.risk.verdict import Outcome, Verdict
from jqfollow.settings import OwnLimits
from risk.samples import ASSET, DAY, FINE, INSTRUMENT, NOW, QUOTE, facts, risk

D = Decimal
PASS, WAIT, REFUSE, SKIP = Outcome
S = Side.SELL


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def at(clock: str) -> datetime:
    hour, minute = clock.split(":")
    return NOW.replace(hour=int(hour), minute=int(minute))


def short(reason: Reason) -> Refusal:
    figures = {"security": "000001.SZ", "account": "main", "book": "500", "available": "0", "wanted": "50"}
    lots = {"side": "buy", "side_zh": "买", "volume": "150", "minimum": "100", "step": "100", "excess": "70"}
    return Refusal(reason=reason, figures=figures | lots)


SIZED = (
    Reason.NO_TOTAL_VALUE, Reason.NOTHING_TO_SELL, Reason.HELD_ALREADY, Reason.ODD_VOLUME, Reason.BELOW_LOT,
    Reason.NOT_SELLABLE_TODAY,
)  # fmt: skip

Case = tuple[Outcome, dict[str, Any]]
HALF = risk(max_position_ratio=0.5)
UNSURE: dict[str, Any] = {
    "risk": HALF,
    "position_value": D("40000.01"),
    "position_least": D(0),
    "position_until": ago(-1),
}
"""Over the share of a code, or not: it turns on what may be counted twice."""
CASES: dict[Reason, list[Case]] = {
    Reason.BACKTEST: [
        (PASS, {}),
        (PASS, {"backtest": True, "run": "simple_backtest", "real": False}),
        (REFUSE, {"backtest": True, "run": "simple_backtest", "real": False, "backtest_allowed": False}),
        (REFUSE, {"backtest": True, "run": "simple_backtest"}),
        (PASS, {"backtest_allowed": False}),
    ],
    Reason.PAUSED: [
        (PASS, {}),
        (REFUSE, {"paused": "demo · 全部账户"}),
        (REFUSE, {"paused": ""}),
        (WAIT, {"paused": "demo", "closes": True, "side": S}),
    ],
    Reason.UNKNOWN_SECURITY: [
        (PASS, {}),
        (REFUSE, {"security": None, "symbol": "000001.XSHG", "unknown_zh": "是指数", "unknown_en": "an index"}),
    ],
    Reason.BOARD_NOT_ALLOWED: [
        (PASS, {}),
        (PASS, {"risk": risk(boards=frozenset({Board.MAIN}))}),
        (REFUSE, {"risk": risk(boards=frozenset({Board.STAR}))}),
        (REFUSE, {"risk": risk(boards=frozenset())}),
        (PASS, {"risk": risk(boards=frozenset()), "closes": True, "side": S}),
        (SKIP, {"security": None}),
    ],
    Reason.BLOCKED: [
        (PASS, {"risk": risk(blocked=frozenset({"600000.SH"}))}),
        (REFUSE, {"risk": risk(blocked=frozenset({"000001.SZ"}))}),
        (REFUSE, {"risk": risk(blocked=frozenset({"000001.xshe"}))}),
        (PASS, {"risk": risk(blocked=frozenset({"000001.XSHG"}))}),
        (PASS, {"risk": risk(blocked=frozenset({"000001.SZ"})), "closes": True, "side": S}),
        (SKIP, {"security": None}),
    ],
    Reason.NOT_TRADING_DAY: [
        (PASS, {}),
        (REFUSE, {"trading_day": False}),
        (PASS, {"trading_day": False, "session_at": at("10:30")}),  # what is held for the day that comes
        (REFUSE, {"trading_day": False, "session_at": NOW}),
    ],
    Reason.OUTSIDE_HOURS: [
        (PASS, {}),
        (REFUSE, {"phase": Phase.LUNCH, "now": at("12:00")}),
        (WAIT, {"phase": Phase.LUNCH, "now": at("12:00"), "risk": risk(outside_hours="hold")}),
        (WAIT, {"phase": Phase.LUNCH, "now": at("12:00"), "attempt": 2}),
        (WAIT, {"phase": Phase.LUNCH, "now": at("12:00"), "side": S, "closes": True}),
        (REFUSE, {"phase": Phase.CLOSED, "now": at("16:00"), "risk": risk(outside_hours="hold")}),
        (REFUSE, {"phase": Phase.CLOSING_AUCTION, "now": at("14:58"), "attempt": 2}),
        (PASS, {"phase": Phase.CLOSING_AUCTION, "now": at("14:58"), "join_auction": True}),
        (WAIT, {"phase": Phase.PRE_OPEN, "now": at("9:27"), "join_auction": True, "attempt": 2}),
        (PASS, {"phase": Phase.CONTINUOUS, "now": at("23:00")}),  # an exchange that never closes
        (WAIT, {"session_at": at("13:00")}),
        (PASS, {"session_at": NOW}),
        (WAIT, {"phase": Phase.LUNCH, "now": at("12:00"), "session_at": at("10:30")}),
    ],
    Reason.BROKER_DOWN: [
        (PASS, {}),
        (WAIT, {"ready": False}),
        (WAIT, {"ready": False, "made_at": ago(60)}),
        (REFUSE, {"ready": False, "made_at": ago(60.001)}),
        (WAIT, {"ready": False, "made_at": ago(9999), "attempt": 2}),
        (WAIT, {"ready": False, "made_at": ago(9999), "age_counts": False}),
        (WAIT, {"ready": False, "made_at": ago(9999), "closes": True, "side": S}),
    ],
    Reason.STALE: [
        (PASS, {}),
        (PASS, {"made_at": ago(60)}),
        (REFUSE, {"made_at": ago(60.001)}),
        (REFUSE, {"made_at": ago(1e9)}),
        (PASS, {"made_at": ago(-300)}),  # the sender's clock runs ahead
        (SKIP, {"made_at": ago(9999), "attempt": 2}),
        (SKIP, {"made_at": ago(9999), "age_counts": False}),
        (SKIP, {"made_at": ago(9999), "waits_for_broker": True, "ready": False}),
        (REFUSE, {"made_at": ago(9999), "waits_for_broker": True}),
        (REFUSE, {"made_at": ago(9999), "ready": False}),
        (REFUSE, {"made_at": ago(9999), "closes": True}),  # a buy closes nothing
        (SKIP, {"made_at": ago(9999), "closes": True, "side": S}),
    ],
    Reason.UNKNOWN_OUTCOME: [(PASS, {}), (WAIT, {"unknown": "jqABCDE-7"})],
    Reason.OPPOSITE_OPEN: [(PASS, {}), (WAIT, {"opposite": True, "side": S})],
    Reason.NO_QUOTE: [
        (PASS, {}),
        (REFUSE, {"quote": None}),
        (WAIT, {"quote": None, "side": S, "closes": True}),
        (REFUSE, {"instrument": None}),
        (REFUSE, {"market_price": None}),
        (PASS, {"market_price": None, "quote": replace(QUOTE, last=None, suspended=True)}),
        (PASS, {"market_price": None, "instrument": replace(INSTRUMENT, suspended=True)}),
        (REFUSE, {"market_price": None, "instrument": None, "quote": replace(QUOTE, suspended=True)}),
        (REFUSE, {"market_price": None, "instrument": replace(INSTRUMENT, suspended=True), "quote": None}),
        (SKIP, {"quote": None, "ready": False}),
        (SKIP, {"quote": None, "security": None}),
    ],
    Reason.SUSPENDED: [
        (PASS, {}),
        (WAIT, {"quote": replace(QUOTE, suspended=True)}),
        (REFUSE, {"instrument": replace(INSTRUMENT, suspended=True)}),
        (WAIT, {"instrument": replace(INSTRUMENT, suspended=True), "side": S, "closes": True}),
        (SKIP, {"quote": None}),
        (SKIP, {"instrument": None}),
    ],
    Reason.LIMIT_UP: [
        (PASS, {}),
        (REFUSE, {"stands_at": D("11.00")}),
        (PASS, {"stands_at": D("11.00"), "risk": risk(at_limit="queue")}),
        (SKIP, {"stands_at": D("11.00"), "has_limit": True}),
        (SKIP, {"stands_at": D("9.00"), "side": S}),
        (SKIP, {"quote": None}),
    ],
    Reason.LIMIT_DOWN: [
        (PASS, {"side": S}),
        (REFUSE, {"side": S, "stands_at": D("9.00")}),
        (PASS, {"side": S, "stands_at": D("9.00"), "risk": risk(at_limit="queue")}),
        (PASS, {"side": S, "stands_at": D("9.00"), "closes": True}),
        (SKIP, {"side": S, "stands_at": D("9.00"), "has_limit": True}),
        (SKIP, {"stands_at": D("11.00")}),
    ],
    Reason.PRICE_DRIFT: [
        (PASS, {}),
        (PASS, {"signal_price": D(100), "market_price": D(103)}),
        (REFUSE, {"signal_price": D(100), "market_price": D("103.01")}),
        (PASS, {"signal_price": D(100), "market_price": D(97)}),
        (REFUSE, {"signal_price": D(100), "market_price": D("96.99")}),
        (PASS, {"signal_price": D(100), "market_price": D("96.99"), "side": S}),
        (REFUSE, {"signal_price": D(100), "market_price": D("96.99"), "side": S, "named_by_person": True}),
        (SKIP, {"signal_price": None}),
        (SKIP, {"market_price": None}),
        (SKIP, {"signal_price": D(100), "market_price": D(200), "has_limit": True}),
    ],
    Reason.PRICE_CAGE: [
        (PASS, {}),
        (REFUSE, {"broken_bound": D("10.21"), "price": D("10.50")}),
        (SKIP, {"price": None}),
    ],
    Reason.MAX_ORDER_VALUE: [
        (PASS, {}),
        (PASS, {"order_value": D(500_000)}),
        (REFUSE, {"order_value": D("500000.01")}),
        (REFUSE, {"order_value": D("1e15"), "side": S}),
        (SKIP, {"order_value": D("1e15"), "attempt": 2}),
        (SKIP, {"order_value": D("1e15"), "closes": True, "side": S}),
        (SKIP, {"order_value": None}),
    ],
    Reason.MAX_POSITION_RATIO: [
        (PASS, {"position_value": D(40_000), "risk": HALF}),
        (REFUSE, {"position_value": D("40000.01"), "risk": HALF}),
        (REFUSE, {"position_value": D("40000.01"), "risk": HALF, "payable": 900}),
        (REFUSE, {"position_value": D("40000.01"), "risk": HALF, "total_late": D(1)}),
        (REFUSE, {"risk": risk(max_position_ratio=0.05)}),
        (PASS, {"position_value": D(999_999)}),  # of the whole there is no more than money pays
        (PASS, {"asset": replace(ASSET, total=D(0))}),
        (REFUSE, {"asset": replace(ASSET, total=D(0)), "risk": HALF}),
        (SKIP, {"position_value": D(999_999), "risk": HALF, "side": S}),
        (SKIP, {"position_value": D(999_999), "risk": HALF, "attempt": 2}),
        (SKIP, {"asset": None, "risk": HALF}),
        (SKIP, {"order_value": None, "risk": HALF}),
    ],
    Reason.MAX_DAILY_ORDERS: [
        (PASS, {}),
        (PASS, {"day": replace(DAY, attempts=499)}),
        (PASS, {"day": replace(DAY, of_strategy=9), "own": OwnLimits(orders=10)}),
        (REFUSE, {"day": replace(DAY, of_strategy=10), "own": OwnLimits(orders=10)}),
        (SKIP, {"day": replace(DAY, of_strategy=10), "own": OwnLimits(orders=10), "side": S, "closes": True}),
        (REFUSE, {"day": replace(DAY, attempts=500)}),
        (REFUSE, {"day": replace(DAY, attempts=501), "side": S, "attempt": 3}),
        (SKIP, {"day": None}),
    ],
    Reason.MAX_DAILY_TURNOVER: [
        (PASS, {"day": replace(DAY, turnover=D("1e12"))}),  # 0: no limit
        (PASS, {"risk": risk(max_daily_turnover=30_000)}),
        (REFUSE, {"risk": risk(max_daily_turnover=29_999)}),
        (REFUSE, {"risk": risk(max_daily_turnover=29_999), "side": S, "attempt": 2}),
        (PASS, {"day": replace(DAY, turnover_of_strategy=D(5_000)), "own": OwnLimits(turnover=D(15_000))}),
        (REFUSE, {"day": replace(DAY, turnover_of_strategy=D(5_000)), "own": OwnLimits(turnover=D(14_999))}),
        (SKIP, {"risk": risk(max_daily_turnover=1), "side": S, "closes": True}),
        (SKIP, {"day": None}),
        (SKIP, {"price": None}),
        (SKIP, {"order_value": None}),
    ],
    Reason.OLD_QUOTE: [
        (PASS, {}),
        (PASS, {"feed_at": ago(30)}),
        (WAIT, {"feed_at": ago(31)}),
        (PASS, {"feed_at": ago(3600), "now": at("9:30")}),
        (PASS, {"feed_at": ago(3600), "phase": Phase.OPENING_AUCTION}),
        (PASS, {"quote": replace(QUOTE, at=ago(3600))}),
        (WAIT, {"quote": replace(QUOTE, at=ago(26 * 3600))}),
        (SKIP, {"quote": None}),
    ],
    Reason.COUNTER_LAGS: [
        (PASS, {}),
        (PASS, {"money_until": ago(-1)}),
        (WAIT, {"money_until": ago(-1), "payable": 900}),
        (WAIT, {"money_until": ago(-1), "lacked": 1}),
        (PASS, {"money_until": NOW, "payable": 0}),
        (PASS, {"payable": 0}),
        (PASS, {"side": S, "shares_until": ago(-1)}),
        (WAIT, {"side": S, "shares_until": ago(-1), "short_of_shares": True}),
        (WAIT, {"side": S, "shares_until": ago(-1), "lacked": 1}),
        (PASS, {"money_until": ago(-1), "payable": 0, "cost": None}),
        (PASS, {"side": S, "shares_until": NOW, "short_of_shares": True}),
        (PASS, {"side": S, "money_until": ago(-1), "short_of_shares": True}),
        (WAIT, UNSURE),
        (WAIT, UNSURE | {"position_least": D(40_000)}),
        (PASS, UNSURE | {"position_least": D("40000.01")}),
        (WAIT, UNSURE | {"position_least": D("40000.01"), "total_late": D("0.02")}),
        (PASS, UNSURE | {"position_value": D(40_000)}),
        (PASS, UNSURE | {"position_until": NOW}),
        (PASS, UNSURE | {"position_until": None}),
        (PASS, UNSURE | {"attempt": 2}),
        (PASS, UNSURE | {"asset": None}),
        (PASS, UNSURE | {"order_value": None}),
        (PASS, UNSURE | {"side": S}),
        (PASS, UNSURE | {"risk": risk()}),
        (WAIT, UNSURE | {"money_until": ago(-1), "position_until": NOW, "payable": 0}),
    ],
    Reason.CAPITAL: [
        (SKIP, {}),
        (PASS, {"own": OwnLimits(capital=D(10_000)), "within_capital": 1000}),
        (PASS, {"own": OwnLimits(capital=D(10_000)), "within_capital": 100}),
        (REFUSE, {"own": OwnLimits(capital=D(10_000)), "within_capital": 100, "served": True}),
        (PASS, {"own": OwnLimits(capital=D(10_000)), "within_capital": 1000, "volume": 1000, "served": True}),
        (REFUSE, {"own": OwnLimits(capital=D(10_000)), "within_capital": 0}),
        (SKIP, {"own": OwnLimits(capital=D(10_000)), "within_capital": 0, "side": S}),
        (SKIP, {"own": OwnLimits(capital=D(10_000))}),
        (SKIP, {"within_capital": 0}),
    ],
    Reason.OWN_CROSSING: [
        (PASS, {}),
        (WAIT, {"crossing": "jq-1", "crossing_until": ago(-1)}),
        (PASS, {"crossing": "jq-1", "crossing_until": NOW}),
        (PASS, {"crossing": "jq-1"}),
        (PASS, {"crossing_until": ago(-1)}),
    ],
    Reason.NO_CASH: [
        (PASS, {"payable": 1000}),
        (PASS, {"payable": 100}),
        (PASS, {"payable": 1}),
        (PASS, {"payable": 1000, "served": True}),
        (REFUSE, {"payable": 1000, "served": True, "lacked": 1}),
        (REFUSE, {"payable": 0}),
        (REFUSE, {"payable": 100, "served": True}),
        (WAIT, {"payable": 100, "served": True, "sells_under_way": True}),
        (WAIT, {"payable": 0, "sells_under_way": True}),
        (WAIT, {"payable": 0, "cash_until": ago(-1)}),
        (REFUSE, {"payable": 0, "cash_until": NOW}),
        (PASS, {"payable": 900, "lacked": 3}),
        (REFUSE, {"payable": 900, "lacked": 4}),
        (REFUSE, {"payable": 900, "lacked": 4, "sells_under_way": True}),
        (WAIT, {"payable": 0, "lacked": 3, "sells_under_way": True}),
        (SKIP, {"cost": D("1e9"), "side": S}),
        (SKIP, {"asset": None}),
        (SKIP, {"cost": None}),
    ],
    Reason.RATE: [
        (PASS, {}),
        (PASS, {"day": replace(DAY, turn_in_s=0.9)}),
        (PASS, {"day": replace(DAY, turn_in_s=1.0), "made_at": ago(59)}),
        (REFUSE, {"day": replace(DAY, turn_in_s=1.0), "made_at": ago(59.5)}),
        (PASS, {"day": replace(DAY, turn_in_s=1.0), "made_at": ago(59.5), "attempt": 2}),
        (PASS, {"day": replace(DAY, turn_in_s=1.0), "made_at": ago(59.5), "age_counts": False}),
        (PASS, {"made_at": ago(61)}),  # its turn has come: `stale` says so
        (SKIP, {"day": replace(DAY, turn_in_s=1.0), "made_at": ago(59.5), "closes": True, "side": S}),
        (SKIP, {"day": None}),
    ],
    **{
        reason: [(PASS, {}), (REFUSE, {"sizing": short(reason), "volume": 0}), (SKIP, {"volume": 0})]
        for reason in SIZED
    },
}
_ODD = {"sizing": short(Reason.BELOW_LOT), "volume": 0, "side": S, "closes": True, "others_hold": True}
CASES[Reason.BELOW_LOT] += [
    (WAIT, _ODD),
    (REFUSE, _ODD | {"attempt": 2}),
    (REFUSE, _ODD | {"closes": False}),
    (REFUSE, _ODD | {"others_hold": False}),
    (PASS, {"side": S, "closes": True, "others_hold": True}),
]
_OWED = {"sizing": short(Reason.NOT_SELLABLE_TODAY), "volume": 0, "side": S, "owed": 1}
CASES[Reason.NOT_SELLABLE_TODAY] += [
    (WAIT, _OWED),
    (REFUSE, _OWED | {"attempt": 2}),
    (REFUSE, _OWED | {"owed": 0}),
    (PASS, {"side": S, "owed": 1}),
]
FLAT = [
    pytest.param(rule, outcome, changes, id=f"{rule}-{number}-{outcome}")
    for rule, cases in CASES.items()
    for number, (outcome, changes) in enumerate(cases)
]


def verdict_of(rule: Reason, given: Facts) -> Verdict:
    (found,) = [verdict for verdict in (judge(given) for judge in RULES) if verdict.rule is rule]
    return found


@pytest.mark.parametrize(("rule", "outcome", "changes"), FLAT)
def test_each_rule(rule: Reason, outcome: Outcome, changes: dict[str, Any]) -> None:
    assert verdict_of(rule, facts(**changes)).outcome is outcome


@pytest.mark.parametrize(
    ("found", "changes", "outcome", "waits_for"),
    [
        (Reason.BELOW_LOT, {"closes": True, "others_hold": True}, WAIT, WaitingFor.ODD_LOT),
        (Reason.BELOW_LOT, {"closes": True, "others_hold": True, "attempt": 2}, REFUSE, None),
        (Reason.BELOW_LOT, {"closes": True}, REFUSE, None),
        (Reason.BELOW_LOT, {"others_hold": True}, REFUSE, None),
        (Reason.NOT_SELLABLE_TODAY, {"owed": True}, WAIT, WaitingFor.NEXT_DAY),
        (Reason.NOT_SELLABLE_TODAY, {"owed": True, "attempt": 2}, REFUSE, None),
        (Reason.NOT_SELLABLE_TODAY, {}, REFUSE, None),
    ],
)
def test_what_of_an_exit_cannot_go_yet_waits(
    found: Reason, changes: dict[str, Any], outcome: Outcome, waits_for: WaitingFor | None
) -> None:
    verdict = verdict_of(found, facts(sizing=short(found), volume=0, side=S, **changes))
    assert (verdict.outcome, verdict.waiting_for, verdict.figures) == (outcome, waits_for, short(found).figures)
    nothing_found = verdict_of(found, facts(side=S, **changes))
    assert (nothing_found.outcome, nothing_found.waiting_for) == (PASS, None)


@pytest.mark.parametrize("found", SIZED)
def test_what_sizing_found_is_refused_by_its_own_rule_alone(found: Reason) -> None:
    given = facts(sizing=short(found), volume=0)
    outcomes = {rule: verdict_of(rule, given).outcome for rule in SIZED}
    assert outcomes == {rule: REFUSE if rule is found else SKIP for rule in SIZED}


@pytest.mark.parametrize(("rule", "outcome", "changes"), [c for c in FLAT if c.values[1] in {REFUSE, WAIT}])
def test_a_verdict_carries_the_figures_of_its_sentences(
    rule: Reason, outcome: Outcome, changes: dict[str, Any]
) -> None:
    changes = {"not_ready_zh": "行情中断", "not_ready_en": "no quotes"} | changes
    verdict = verdict_of(rule, facts(**changes))
    refusal = Refusal(reason=verdict.rule, figures=verdict.figures)
    for text in (refusal.text("zh"), refusal.text("en")):
        assert "?" not in text
        assert text.strip()
    assert all(isinstance(value, str) for value in verdict.figures.values())
    assert verdict.as_json() == {"rule": rule, "outcome": outcome, "figures": dict(verdict.figures)}


def test_every_rule_has_its_cases() -> None:
    mine = [judge(FINE).rule for judge in RULES]
    assert len(set(mine)) == len(mine)
    assert set(mine) == set(CASES)
    assert all({PASS, SKIP} & {outcome for outcome, _ in cases} for cases in CASES.values())
    assert all({REFUSE, WAIT} & {outcome for outcome, _ in cases} for cases in CASES.values())


@pytest.mark.parametrize(
    ("rule", "changes", "waits_for", "until"),
    [
        (Reason.OUTSIDE_HOURS, {"phase": Phase.LUNCH, "now": at("12:00"), "attempt": 2}, WaitingFor.SESSION, "13:00"),
        (Reason.OUTSIDE_HOURS, {"phase": Phase.PRE_OPEN, "now": at("9:27"), "attempt": 2}, WaitingFor.SESSION, "9:30"),
        (Reason.BROKER_DOWN, {"ready": False, "made_at": at("9:59")}, WaitingFor.BROKER, "10:00"),
        (Reason.BROKER_DOWN, {"ready": False, "attempt": 2}, WaitingFor.BROKER, None),
        (Reason.BROKER_DOWN, {"ready": False, "age_counts": False}, WaitingFor.BROKER, None),
        (Reason.UNKNOWN_OUTCOME, {"unknown": "jqABCDE-7"}, WaitingFor.UNKNOWN, None),
        (Reason.OPPOSITE_OPEN, {"opposite": True}, WaitingFor.OPPOSITE, None),
        (Reason.OUTSIDE_HOURS, {"session_at": at("13:00")}, WaitingFor.SESSION, "13:00"),
        (Reason.PAUSED, {"paused": "demo", "closes": True, "side": S}, WaitingFor.PAUSE, None),
        (Reason.NO_QUOTE, {"quote": None, "closes": True, "side": S}, WaitingFor.FEED, None),
        (Reason.SUSPENDED, {"quote": replace(QUOTE, suspended=True)}, WaitingFor.HALT, None),
        (Reason.BELOW_LOT, _ODD, WaitingFor.ODD_LOT, None),
        (Reason.NOT_SELLABLE_TODAY, _OWED, WaitingFor.NEXT_DAY, None),
        (Reason.COUNTER_LAGS, {"money_until": at("10:01"), "payable": 0}, WaitingFor.SETTLE, "10:01"),
        (Reason.OWN_CROSSING, {"crossing": "jq-1", "crossing_until": at("10:01")}, WaitingFor.CROSSING, "10:01"),
        (
            Reason.NO_CASH,
            {"payable": 0, "sells_under_way": True, "cash_until": at("10:01")},
            WaitingFor.CASH,
            None,
        ),
        (Reason.OLD_QUOTE, {"feed_at": ago(31)}, WaitingFor.FEED, None),
        (
            Reason.NO_CASH,
            {"payable": 0, "cash_until": at("10:01")},
            WaitingFor.CASH,
            "10:01",
        ),
    ],
)
def test_what_is_waited_for_and_how_long(
    rule: Reason, changes: dict[str, Any], waits_for: WaitingFor, until: str | None
) -> None:
    verdict = verdict_of(rule, facts(**changes))
    assert (verdict.outcome, verdict.waiting_for) == (WAIT, waits_for)
    assert verdict.wait_until == (None if until is None else at(until))


@pytest.mark.parametrize("outcome", [PASS, REFUSE, SKIP])
def test_only_who_waits_says_for_what(outcome: Outcome) -> None:
    for rule, cases in CASES.items():
        for expected, changes in cases:
            if expected is outcome:
                verdict = verdict_of(rule, facts(**changes))
                assert (verdict.waiting_for, verdict.wait_until) == (None, None)


FIGURES: list[tuple[Callable[[Facts], Verdict], dict[str, Any], dict[str, str]]] = [
    (admission.stale, {"made_at": ago(75.4)}, {"age_s": "75", "max_age_s": "60"}),
    (admission.stale, {"made_at": ago(2), "risk": risk(max_signal_age_s=1.5)}, {"age_s": "2", "max_age_s": "1.5"}),
    (
        market.price_drift,
        {"signal_price": D("10"), "market_price": D("10.3051")},
        {"price": "10.3051", "signal_price": "10", "drift": "3.05%", "max_drift": "3.00%"},
    ),
    (limits.max_order_value, {"order_value": D("512345.678")}, {"value": "512,345.68", "limit": "500,000"}),
    (
        limits.max_position_ratio,
        {"position_value": D(43_000), "risk": HALF},
        {"security": "000001.SZ", "ratio": "53.0%", "limit": "50.0%"},
    ),
    (
        limits.max_position_ratio,
        {"asset": replace(ASSET, total=D(0)), "risk": HALF},
        {"security": "000001.SZ", "ratio": "∞", "limit": "50.0%"},
    ),
    (limits.max_daily_turnover, {"risk": risk(max_daily_turnover=25_000)}, {"value": "30,000.00", "limit": "25,000"}),
    (means.no_cash, {"cost": D("50005.004"), "payable": 0}, {"needed": "50,005.00", "cash": "50,000.00"}),
    (admission.outside_hours, {"phase": Phase.LUNCH, "now": at("12:00")}, {"time": "12:00:00", "phase": "lunch"}),
    (admission.not_trading_day, {"trading_day": False}, {"day": "2026-03-03"}),
    (
        admission.broker_down,
        {"ready": False, "not_ready_zh": "断开", "not_ready_en": "lost"},
        {"account": "main", "why": "断开 / lost"},
    ),
    (market.old_quote, {"feed_at": ago(31)}, {"security": "000001.SZ", "at": "03-03 09:59:29", "age_s": "31"}),
    (
        market.old_quote,
        {"feed_at": ago(31), "quote": replace(QUOTE, at=ago(26 * 3600))},
        {"security": "000001.SZ", "at": "03-03 09:59:29", "age_s": "31"},
    ),
    (
        means.counter_lags,
        {"money_until": ago(-1), "payable": 0},
        {"security": "000001.SZ", "until": "10:00:01"},
    ),
    (means.crossing, {"crossing": "jq-1", "crossing_until": ago(-1)}, {"security": "000001.SZ", "remark": "jq-1"}),
    (
        means.capital,
        {"own": OwnLimits(capital=D(10_000)), "within_capital": 0, "invested": D("9500.5")},
        {"invested": "9,500.50", "limit": "10,000"},
    ),
    (means.capital, {"own": OwnLimits(capital=D(1)), "within_capital": 0}, {"invested": "0.00", "limit": "1"}),
    (admission.unknown_outcome, {"unknown": "jq-7"}, {"remark": "jq-7"}),
    (admission.opposite_open, {"opposite": True}, {"security": "000001.SZ"}),
]


@pytest.mark.parametrize(("rule", "changes", "figures"), FIGURES)
def test_figures_as_people_read_them(
    rule: Callable[[Facts], Verdict], changes: dict[str, Any], figures: dict[str, str]
) -> None:
    assert rule(facts(**changes)).figures == figures


def test_a_bond_and_a_fund_are_of_their_boards() -> None:
    only_stocks = risk(boards=frozenset({Board.MAIN, Board.STAR, Board.CHINEXT, Board.BSE}))
    for symbol, board in (("113050.SH", "bond"), ("510300.SH", "fund")):
        verdict = admission.board_not_allowed(facts(security=parse_security(symbol), symbol=symbol, risk=only_stocks))
        assert verdict.figures == {"security": symbol, "board": board}


def test_times_are_compared_over_zones() -> None:
    assert admission.stale(facts(made_at=NOW.astimezone(UTC))).outcome is PASS
    assert NOW.tzinfo is SHANGHAI


@pytest.mark.parametrize(
    ("bound", "instrument", "reason"),
    [
        (D("11.00"), INSTRUMENT, Reason.PRICE_LIMIT),
        (D("9.00"), INSTRUMENT, Reason.PRICE_LIMIT),
        (D("10.21"), INSTRUMENT, Reason.PRICE_CAGE),
        (D("10.21"), None, Reason.PRICE_CAGE),
    ],
)
def test_a_price_outside_the_days_limit_is_told_apart_from_one_outside_the_cage(
    bound: Decimal, instrument: Instrument | None, reason: Reason
) -> None:
    verdict = market.price_cage(facts(broken_bound=bound, price=D(12), instrument=instrument))
    assert (verdict.rule, verdict.outcome) == (reason, REFUSE)
    assert verdict.figures == {"price": "12", "bound": str(bound)}


def test_what_nobody_told_is_nothing() -> None:
    told = {"now", "risk", "account", "real", "ready", "trading_day", "phase", "join_auction", "attempt", "side", "run"}
    told |= {"backtest", "backtest_allowed", "made_at", "aged", "deadline", "age_counts", "named_by_person"}
    told |= {"signal_price", "has_limit", "symbol", "security"}
    bare = Facts(**{name: getattr(FINE, name) for name in told})
    assert not any(getattr(bare, each.name) for each in fields(Facts) if each.name not in told | {"own"})
    day = DayFacts(attempts=3, turnover=D(1), turn_in_s=0)
    assert (day.of_strategy, day.turnover_of_strategy) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "goes"),
    [
        ({}, 1000),
        ({"payable": 900}, 900),
        ({"within_capital": 800}, 800),
        ({"within_capital": 800, "payable": 700}, 700),
        ({"within_capital": 2000, "payable": 2000}, 1000),
        ({"side": S, "payable": 0, "within_capital": 0}, 1000),
    ],
)
def test_a_buy_is_no_more_than_money_and_capital_allow(changes: dict[str, Any], goes: int) -> None:
    assert facts(**changes).to_place == goes
