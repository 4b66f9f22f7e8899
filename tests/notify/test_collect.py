"""The facts of heartbeat and summary, from a ledger on disk."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jqfollow import __version__
from jqfollow.clock import SHANGHAI
from jqfollow.domain import AccountState, Asset, AttemptState, OrderState, Side, SignalKind, SignalState, Wire
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from jqfollow.notify.collect import Scene, heartbeat_facts, summary_facts
from jqfollow.notify.facts import Difference, HeartbeatFacts, StrategyFacts, SummaryFacts
from jqfollow.notify.reports import heartbeat, summary
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import Follow, Strategy
from jqfollow.vocabulary import Tally
from ledger.samples import fill_report, new_attempt, new_order, signal, strategy_order

DAY = date(2026, 3, 3)
OPEN = datetime(2026, 3, 3, 10, 0, tzinfo=SHANGHAI)
CLOSED = datetime(2026, 3, 3, 15, 5, tzinfo=SHANGHAI)
YESTERDAY = timedelta(days=1)
BANK, STEEL, CHIP, BOND = "000001.SZ", "600010.SH", "688001.SH", "113050.SH"
NAMES = {BANK: "平安银行"}
MAIN = AccountState(account="main", broker="qmt", real=True, ready=True)
PAPER = AccountState(account="paper", broker="paper", real=False, ready=True)

Do = Callable[[Callable[[Tx], Any]], Any]


@pytest.fixture
def do(tmp_path: Path) -> Iterator[Do]:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        yield ledger.write_now


def scene(follow: Mapping[str, Follow] | None = None, **changes: Any) -> Scene:
    if follow is None:
        follow = {"main": Follow(ratio=Decimal("0.5"))}
    values: dict[str, Any] = {
        "now": CLOSED,
        "accounts": (MAIN, PAPER),
        "days": {"main": DAY, "paper": DAY},
        "strategies": {"demo": Strategy(title="演示策略", follow=follow)},
        "names": NAMES,
        "trading_day": True,
    }
    return Scene(**values | changes)


def tell(
    tx: Tx, name: str, kind: SignalKind = SignalKind.ORDER, text: str = "{}", at: datetime = OPEN, **order: Any
) -> int:
    told = strategy_order(jq_order_id=name, day=DAY, **order) if kind is SignalKind.ORDER else None
    message = signal(name, kind=kind, text=text, made_at=at, received_at=at, order=told)
    return tx.signals.record(message).signal_id


def order_of(tx: Tx, name: str, **changes: Any) -> Any:
    """An order of a signal of its own, which is followed."""
    symbol = changes.get("security", BANK)
    signal_id = tell(tx, name, symbol=symbol)
    tx.signals.finish(signal_id, SignalState.FOLLOWED, None)
    return tx.orders.create(new_order(signal_id, day=DAY, **changes), OPEN)


def bought(tx: Tx, symbol: str, volume: int, account: str = "main") -> None:
    """The strategy's book holds so much."""
    order = order_of(tx, f"{account}-{symbol}", security=symbol, account=account, volume=volume)
    attempt = tx.attempts.create(new_attempt(order, volume=volume), OPEN)
    report = fill_report(attempt, f"t-{symbol}", broker_order_id=f"b-{symbol}", price=Decimal(10))
    tx.fills.add(attempt, "demo", report, DAY)
    tx.attempts.update(attempt.attempt_id, OPEN, state=AttemptState.FILLED)
    tx.orders.update(order.order_id, OPEN, state=OrderState.FILLED)


def positions(tx: Tx, held: Mapping[str, int], *, part: int = 1, parts: int = 1, at: datetime = CLOSED) -> None:
    body = {
        "kind": "positions", "run": "sim_trade", "made_at": int(at.timestamp() * 1000), "part": part, "parts": parts,
        "positions": {code: {"amount": amount, "closeable": amount} for code, amount in held.items()},
    }  # fmt: skip
    name = f"p{part}of{parts}at{at:%d%H%M%S}"
    tell(tx, name, SignalKind.POSITIONS, json.dumps(body), at)


def summed(do: Do, where: Scene | None = None) -> SummaryFacts:
    where = where or scene()
    facts: SummaryFacts = do(lambda tx: summary_facts(tx, where))
    assert summary(facts)
    return facts


def differences(do: Do, where: Scene | None = None) -> tuple[Difference, ...] | None:
    (strategy,) = summed(do, where).strategies
    return strategy.differences


def difference(symbol: str, expected: int, book: int, account: str = "main") -> Difference:
    return Difference(account=account, symbol=symbol, name=NAMES.get(symbol), expected=expected, book=book)


# -- what the strategy holds, times the ratio, beside the book ---------------------------------------------------------


def hold(do: Do, held: Mapping[str, int]) -> None:
    def write(tx: Tx) -> None:
        for symbol, amount in held.items():
            tx.signals.set_position("demo", symbol, amount, OPEN)

    do(write)


@pytest.mark.parametrize(
    ("symbol", "held", "book", "differs"),
    [
        (BANK, 1000, 500, False),
        (BANK, 1100, 500, False),  # 550: rounding
        (BANK, 1199, 500, False),  # 599.5
        (BANK, 1200, 500, True),
        (BANK, 1000, 600, True),
        (BANK, 1000, 0, True),
        (BANK, 0, 500, True),
        (BANK, 0, 50, True),  # sold out is sold out
        (BANK, 0, 0, False),
        (CHIP, 1000, 301, False),  # its lot is 200
        (CHIP, 1000, 300, True),
        (BOND, 100, 41, False),
        (BOND, 100, 40, True),
        ("odd", 10, 4, True),
    ],
)
def test_books_a_lot_or_more_away_are_named(do: Do, symbol: str, held: int, book: int, differs: bool) -> None:
    hold(do, {symbol: held})
    if book:
        do(lambda tx: bought(tx, symbol, book))
    found = differences(do)
    if not held and not book:
        assert found is None
    else:
        assert found == ((difference(symbol, held // 2, book),) if differs else ())


def test_what_is_in_one_of_both_only_is_named_and_told(do: Do) -> None:
    hold(do, {BANK: 1000})
    do(lambda tx: bought(tx, STEEL, 300))
    facts = summed(do)
    assert facts.strategies[0].differences == (difference(BANK, 500, 0), difference(STEEL, 0, 300))
    text = summary(facts)
    assert "平安银行 000001.SZ 应有 500，实有 0 股（少 500）" in text
    assert "600010.SH 应有 0，实有 300 股（多 300）" in text


def test_a_strategy_that_sold_everything_is_compared_too(do: Do) -> None:
    """Its last sell failed here: this is the day on which to say so."""
    do(lambda tx: bought(tx, BANK, 500))
    hold(do, {BANK: 0})
    assert differences(do) == (difference(BANK, 0, 500),)


def test_each_account_by_its_own_ratio(do: Do) -> None:
    hold(do, {BANK: 1000})
    do(lambda tx: bought(tx, BANK, 1000, "main"))
    follow = {"paper": Follow(ratio=Decimal(2)), "main": Follow(ratio=Decimal(1))}
    assert differences(do, scene(follow)) == (difference(BANK, 2000, 0, "paper"),)


@pytest.mark.parametrize(
    "follow",
    [
        {},
        {"main": Follow(value=Decimal(20_000))},
        {"main": Follow(shares=500)},
        {"main": Follow(equity=Decimal(10**5))},
    ],
)
def test_only_a_ratio_can_be_compared(do: Do, follow: Mapping[str, Follow]) -> None:
    hold(do, {BANK: 1000})
    assert differences(do, scene(follow)) is None


def test_nothing_told_is_nothing_known(do: Do) -> None:
    assert differences(do) is None
    do(lambda tx: bought(tx, BANK, 500))  # by a person: the strategy never told of it
    assert differences(do) is None
    assert "没有核对" in summary(summed(do))


# -- the message after the close ---------------------------------------------------------------------------------------


def test_the_message_after_the_close_knows_better_than_the_sum_of_signals(do: Do) -> None:
    hold(do, {BANK: 9000, STEEL: 100})
    do(lambda tx: bought(tx, BANK, 500))
    do(lambda tx: positions(tx, {"000001.XSHE": 1000}))
    assert differences(do) == ()


def test_an_empty_message_says_that_nothing_is_held(do: Do) -> None:
    hold(do, {BANK: 9000})
    do(lambda tx: positions(tx, {}))
    assert differences(do) == ()


def test_a_code_that_nobody_knows_is_compared_as_it_stands(do: Do) -> None:
    do(lambda tx: positions(tx, {"IF2603.CCFX": 2}))
    assert differences(do) == (difference("IF2603.CCFX", 1, 0),)


def test_a_message_in_parts_counts_when_it_is_whole(do: Do) -> None:
    do(lambda tx: bought(tx, BANK, 500))
    hold(do, {BANK: 1000})
    do(lambda tx: positions(tx, {"600010.XSHG": 600}, part=2, parts=2))
    assert differences(do) == (), "half a message is none: the sum of signals stands"
    do(lambda tx: positions(tx, {"000001.XSHE": 2000}, part=1, parts=2))
    assert differences(do) == (difference(BANK, 1000, 500), difference(STEEL, 300, 0))


def test_parts_of_different_messages_do_not_mix(do: Do) -> None:
    do(lambda tx: positions(tx, {"000001.XSHE": 1000}))
    do(lambda tx: positions(tx, {"600010.XSHG": 600}, part=1, parts=2, at=CLOSED + timedelta(seconds=9)))
    assert differences(do) == (difference(BANK, 500, 0),)


def test_the_newest_message_of_the_day_counts_and_yesterdays_does_not(do: Do) -> None:
    hold(do, {STEEL: 200})
    do(lambda tx: positions(tx, {"000001.XSHE": 800}, at=CLOSED - YESTERDAY))
    assert differences(do) == (difference(STEEL, 100, 0),)
    do(lambda tx: positions(tx, {"000001.XSHE": 1000}))
    do(lambda tx: positions(tx, {"000001.XSHE": 600}, at=CLOSED + timedelta(seconds=9)))
    assert differences(do) == (difference(BANK, 300, 0),)


def test_a_message_of_another_version_is_passed_over(do: Do) -> None:
    hold(do, {BANK: 1000})
    do(lambda tx: tell(tx, "odd", SignalKind.POSITIONS, '{"kind":"positions"}'))
    do(lambda tx: tell(tx, "odder", SignalKind.POSITIONS, "no json"))
    assert differences(do) == (difference(BANK, 500, 0),)


# -- signals and orders ------------------------------------------------------------------------------------------------


def test_signals_and_their_fate_are_counted(do: Do) -> None:
    def write(tx: Tx) -> None:
        bought(tx, BANK, 500)
        refused = order_of(tx, "refused")
        no_cash = Refusal(reason=Reason.NO_CASH, figures={"needed": "1", "cash": "0"})
        tx.orders.update(refused.order_id, OPEN, state=OrderState.REJECTED, refusal=no_cash)
        recorded = tell(tx, "recorded")
        canceled = Refusal(reason=Reason.NOT_TRADED, figures={"status": "canceled"})
        tx.signals.finish(recorded, SignalState.RECORDED, canceled)
        tell(tx, "of yesterday", at=OPEN - YESTERDAY)
        tell(tx, "hello", SignalKind.HELLO)

    do(write)
    (found,) = summed(do).strategies
    assert found == StrategyFacts(
        strategy="demo",
        title="演示策略",
        signals=Tally(followed=1, not_followed=2),
        refused={Reason.NO_CASH: 1, Reason.NOT_TRADED: 1},
        differences=None,
    )


def test_an_accounts_day(do: Do) -> None:
    def picture(tx: Tx, at: datetime, total: int) -> None:
        money = Asset(cash=Decimal(total), frozen=Decimal(0), market_value=Decimal(0), total=Decimal(total))
        tx.snapshots.put("main", at.date(), at, money, [])

    def write(tx: Tx) -> None:
        for before, total in ((4, 900), (1, 1000), (0, 1010), (0, 1020)):
            picture(tx, CLOSED - before * YESTERDAY + timedelta(seconds=total), total)
        bought(tx, BANK, 500)
        for name, state in (("c", OrderState.CANCELED), ("e", OrderState.EXPIRED), ("r", OrderState.REJECTED)):
            order = order_of(tx, name)
            why = Refusal(reason=Reason.DAY_OVER, figures={"day": "2026-03-03", "left": "100"})
            tx.orders.update(order.order_id, OPEN, state=state, refusal=why)
        tx.attempts.create(new_attempt(order_of(tx, "open")), OPEN)

    do(write)
    main, paper = summed(do).accounts
    assert (main.total, main.previous_total, main.previous_day) == (1020, 1000, date(2026, 3, 2))
    assert (main.orders, main.unknown) == (Tally(followed=1, not_followed=3, under_way=1), 0)
    assert main.turnover == 5000
    assert (paper.total, paper.previous_total, paper.orders) == (None, None, Tally())


def an_unknown(tx: Tx) -> None:
    attempt = tx.attempts.create(new_attempt(order_of(tx, "unknown", side=Side.SELL, volume=300)), OPEN)
    tx.attempts.update(attempt.attempt_id, OPEN, state=AttemptState.UNKNOWN)
    tx.attempts.create(new_attempt(order_of(tx, "known")), OPEN)


def test_what_is_unknown_is_listed(do: Do) -> None:
    do(an_unknown)
    facts = summed(do)
    (unknown,) = facts.unknown
    assert (unknown.account, unknown.symbol, unknown.name) == ("main", BANK, "平安银行")
    assert (unknown.side, unknown.volume, unknown.price) == (Side.SELL, 300, Decimal("11.30"))
    assert unknown.since == OPEN
    assert facts.accounts[0].unknown == 1
    assert f"结果未知 #{unknown.order_id} main 卖出 平安银行 000001.SZ 300 股" in summary(facts)


# -- the heartbeat -----------------------------------------------------------------------------------------------------


def test_a_heartbeat_from_an_empty_ledger(do: Do) -> None:
    facts: HeartbeatFacts = do(lambda tx: heartbeat_facts(tx, scene({}, trading_day=False)))
    assert facts == HeartbeatFacts(
        at=CLOSED, version=__version__, trading_day=False, accounts=(MAIN, PAPER), strategies=0
    )


def test_a_heartbeat_tells_what_wants_attention(do: Do) -> None:
    def write(tx: Tx) -> None:
        an_unknown(tx)
        tx.pauses.pause("", "", OPEN)
        tx.pauses.pause("demo", "", OPEN)
        tx.outbox.put("alert", "text", OPEN)

    do(write)
    facts: HeartbeatFacts = do(lambda tx: heartbeat_facts(tx, scene(warnings=("日历到头了",))))
    assert (facts.strategies, facts.open_orders, len(facts.unknown), facts.pending_outbox) == (1, 2, 1, 1)
    assert facts.paused == ("全部策略 · 全部账户", "demo · 全部账户")
    assert facts.warnings == ("日历到头了",)
    assert "日历到头了" in heartbeat(facts)


def test_a_persons_signal_is_counted_like_any(do: Do) -> None:
    def write(tx: Tx) -> None:
        told = strategy_order(jq_order_id="manual-1", day=DAY)
        message = signal("manual-1", wire=Wire.MANUAL, run="manual", made_at=OPEN, received_at=OPEN, order=told)
        tx.signals.record(message)

    do(write)
    assert summed(do).strategies[0].signals.received == 1
