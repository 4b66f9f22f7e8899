"""Decisions, events, outbox, pauses, snapshots, meta."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from jqfollow.clock import to_ms
from jqfollow.domain import Asset, Position
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import DecisionRow, EventRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason
from jqfollow.stages import BEFORE, OrderStages, Stage
from ledger.samples import DAY, NOW, SECURITY, an_attempt, an_order, connection_of, later

ASSET = Asset(cash=Decimal("1.10"), frozen=Decimal(0), market_value=Decimal("1E+3"), total=Decimal("1001.10"))
HELD = Position(symbol=SECURITY, volume=100, available=0, avg_cost=Decimal("11.305"), last=None)


def test_a_decision_keeps_every_verdict(ledger: Ledger) -> None:
    order = ledger.write_now(an_order)
    verdicts = [{"rule": "cash", "ok": False, "needed": Decimal("1130.00"), "为什么": "资金不足"}, {"rule": "hours"}]
    ledger.write_now(lambda tx: tx.decisions.add(order.order_id, 1, NOW, "refuse", Reason.NO_CASH, verdicts))
    ledger.write_now(lambda tx: tx.decisions.add(order.order_id, 2, NOW, "place", None, []))
    first, second = ledger.read_now(lambda tx: tx.decisions.of_order(order.order_id))
    assert (first.decision_id, first.attempt, first.made_at) == (1, 1, NOW)
    assert (first.outcome, first.reason) == ("refuse", Reason.NO_CASH)
    assert first.verdicts == ({**verdicts[0], "needed": "1130.00"}, verdicts[1])
    assert (second.reason, second.verdicts) == (None, ())
    assert ledger.read_now(lambda tx: tx.decisions.list(1)) == [second]

    def third(tx: Tx, *, ask_list: bool) -> list[DecisionRow]:
        """What is asked where it was just made knows it."""
        tx.decisions.add(order.order_id, 3, later(1), "wait", Reason.NO_CASH, [])
        return tx.decisions.list() if ask_list else tx.decisions.of_order(order.order_id)

    assert [row.attempt for row in ledger.write_now(lambda tx: third(tx, ask_list=True))] == [3, 2, 1]
    assert [row.attempt for row in ledger.write_now(lambda tx: third(tx, ask_list=False))] == [1, 2, 3, 3]
    with pytest.raises(LedgerError, match="impossible"):
        ledger.write_now(lambda tx: tx.decisions.add(order.order_id, 1, NOW, "perhaps", None, []))


def test_the_history_of_an_order(ledger: Ledger) -> None:
    attempt = ledger.write_now(an_attempt)

    def sized(tx: Tx) -> list[EventRow]:
        tx.events.add(attempt.order_id, None, NOW, "sized", "", "pending_new")
        return tx.events.of_order(attempt.order_id)

    assert [row.event for row in ledger.write_now(sized)] == ["sized"]
    ledger.write_now(
        lambda tx: tx.events.add(attempt.order_id, attempt.attempt_id, later(1), "accepted", "pending_new", "new", "b1")
    )
    first, second = ledger.read_now(lambda tx: tx.events.of_order(attempt.order_id))
    assert (first.attempt_id, first.at, first.event, first.detail) == (None, NOW, "sized", "")
    assert (second.attempt_id, second.before, second.after, second.detail) == (1, "pending_new", "new", "b1")
    with pytest.raises(LedgerError, match="impossible"):
        ledger.write_now(lambda tx: tx.events.add(99, None, NOW, "x", "", ""))


def test_words_that_are_no_text_do_not_keep_a_fact_out(ledger: Ledger) -> None:
    order = ledger.write_now(an_order)
    broken = b"\xce\xde\xd0\xa7".decode("ascii", "surrogateescape")
    ledger.write_now(lambda tx: tx.events.add(order.order_id, None, NOW, "refused", "", "", broken))
    assert ledger.read_now(lambda tx: tx.events.of_order(order.order_id))[0].detail == "????"


def test_the_outbox_from_queued_to_told(ledger: Ledger) -> None:
    assert ledger.write_now(lambda tx: tx.outbox.put("fill", "成交", NOW))
    assert ledger.write_now(lambda tx: tx.outbox.put("heartbeat", "还在", later(1), unique_key="2026-01-05"))
    assert not ledger.write_now(lambda tx: tx.outbox.put("heartbeat", "again", later(2), unique_key="2026-01-05"))
    assert ledger.write_now(lambda tx: tx.outbox.put("fill", "another", later(1)))
    assert ledger.read_now(lambda tx: tx.outbox.pending()) == 3
    assert [row.text for row in ledger.read_now(lambda tx: tx.outbox.due(NOW, 10))] == ["成交"]
    first, second, third = ledger.read_now(lambda tx: tx.outbox.due(later(1), 10))
    assert len(ledger.read_now(lambda tx: tx.outbox.due(later(1), 2))) == 2
    assert ledger.read_now(lambda tx: tx.outbox.due(later(1), 0)) == []
    assert ledger.read_now(lambda tx: tx.outbox.oldest_pending()) == first
    assert ledger.read_now(lambda tx: tx.outbox.get(second.outbox_id)) == second

    ledger.write_now(lambda tx: tx.outbox.retry([first.outbox_id], later(60), "45009"))
    ledger.write_now(lambda tx: tx.outbox.sent([second.outbox_id], later(2)))
    ledger.write_now(lambda tx: tx.outbox.give_up([third.outbox_id], "93000"))
    assert ledger.read_now(lambda tx: tx.outbox.due(later(59), 10)) == []
    assert [row.tries for row in ledger.read_now(lambda tx: tx.outbox.due(later(60), 10))] == [1]
    assert [row.state for row in ledger.read_now(lambda tx: tx.outbox.list())] == ["failed", "sent", "pending"]
    # What has ended stays so, however late another answer comes.
    ledger.write_now(lambda tx: tx.outbox.retry([second.outbox_id, third.outbox_id], NOW, "late"))
    ledger.write_now(lambda tx: tx.outbox.give_up([second.outbox_id], "late"))
    ledger.write_now(lambda tx: tx.outbox.give_up([first.outbox_id], "nobody", state="dropped"))
    ended = ledger.read_now(lambda tx: tx.outbox.list())
    assert [(row.state, row.tries) for row in ended] == [("failed", 1), ("sent", 1), ("dropped", 2)]
    assert ledger.read_now(lambda tx: (tx.outbox.pending(), tx.outbox.oldest_pending())) == (0, None)
    assert ledger.read_now(lambda tx: tx.outbox.get(99)) is None
    with pytest.raises(ValueError, match="limit"):
        ledger.read_now(lambda tx: tx.outbox.due(NOW, -1))


@pytest.mark.parametrize(
    ("paused", "covered"),
    [
        (("", ""), {("s", "a"), ("s", "b"), ("t", "a"), ("t", "b")}),
        (("s", ""), {("s", "a"), ("s", "b")}),
        (("", "a"), {("s", "a"), ("t", "a")}),
        (("t", "b"), {("t", "b")}),
    ],
)
def test_what_a_pause_covers(ledger: Ledger, paused: tuple[str, str], covered: set[tuple[str, str]]) -> None:
    ledger.write_now(lambda tx: tx.pauses.pause(*paused, NOW))
    ledger.write_now(lambda tx: tx.pauses.pause(*paused, later(9)))
    active = {
        (strategy, account)
        for strategy in "st"
        for account in "ab"
        if ledger.read_now(lambda tx, s=strategy, a=account: tx.pauses.active(s, a)) is not None
    }
    assert active == covered
    assert [row.since for row in ledger.read_now(lambda tx: tx.pauses.list())] == [NOW]


@pytest.mark.parametrize(
    ("resumed", "left"),
    [
        (("", ""), []),
        (("s", ""), [("", ""), ("", "a")]),
        (("", "a"), [("", ""), ("s", "")]),
        (("s", "a"), [("", ""), ("", "a"), ("s", "")]),
        (("t", ""), [("", ""), ("", "a"), ("s", ""), ("s", "a")]),
    ],
)
def test_what_a_resume_ends(ledger: Ledger, resumed: tuple[str, str], left: list[tuple[str, str]]) -> None:
    for pause in (("", ""), ("s", ""), ("", "a"), ("s", "a")):
        ledger.write_now(lambda tx, pause=pause: tx.pauses.pause(*pause, NOW))
    widest = ledger.read_now(lambda tx: tx.pauses.active("s", "a"))
    assert widest is not None
    assert (widest.strategy, widest.account) == ("", "")
    assert ledger.write_now(lambda tx: tx.pauses.resume(*resumed)) == 4 - len(left)
    assert [(row.strategy, row.account) for row in ledger.read_now(lambda tx: tx.pauses.list())] == left


def test_a_pause_counts_at_once_where_it_was_made(ledger: Ledger) -> None:
    def played(tx: Tx) -> list[int]:
        counts = [len(tx.pauses.list())]
        tx.pauses.pause("s", "a", NOW)
        counts.append(len(tx.pauses.list()))
        tx.pauses.resume("s", "a")
        return [*counts, len(tx.pauses.list())]

    assert ledger.write_now(played) == [0, 1, 0]


def test_snapshots(ledger: Ledger) -> None:
    tomorrow = date(2026, 1, 6)
    assert ledger.read_now(lambda tx: (tx.snapshots.latest("main"), tx.snapshots.days("main"))) == (None, [])
    ledger.write_now(lambda tx: tx.snapshots.put("main", DAY, NOW, ASSET, [HELD]))
    ledger.write_now(lambda tx: tx.snapshots.put("main", DAY, later(1), ASSET, []))
    ledger.write_now(lambda tx: tx.snapshots.put("main", tomorrow, later(2), ASSET, [HELD, _other()]))
    ledger.write_now(lambda tx: tx.snapshots.put("paper", DAY, later(3), ASSET, []))
    # The same moment again takes the place of the first.
    ledger.write_now(lambda tx: tx.snapshots.put("main", tomorrow, later(2), ASSET, [_other()]))
    assert ledger.read_now(lambda tx: tx.snapshots.latest("main")) == (later(2), ASSET, [_other()])
    assert ledger.read_now(lambda tx: tx.snapshots.last_of_day("main", DAY)) == (later(1), ASSET, [])
    assert ledger.read_now(lambda tx: tx.snapshots.last_of_day("none", DAY)) is None
    assert ledger.read_now(lambda tx: tx.snapshots.days("main")) == [DAY, tomorrow]


def test_a_second_snapshot_of_a_moment_takes_the_place_of_the_first_and_of_no_other(ledger: Ledger) -> None:
    tomorrow = date(2026, 1, 6)

    def put(account: str, day: date, seconds: float, *held: Position) -> None:
        ledger.write_now(lambda tx: tx.snapshots.put(account, day, later(seconds), ASSET, held))

    others = [("main", DAY, 0), ("main", tomorrow, 0), ("paper", DAY, 1), ("main", tomorrow, 1)]
    for key in others:
        put(*key, _other(), HELD)
    put("main", DAY, 1, HELD)
    put("main", DAY, 1, _other())
    found = ledger.read_now(
        lambda tx: (
            connection_of(tx)
            .execute("SELECT account, day, taken_at, count(*) FROM position_snapshots GROUP BY 1, 2, 3")
            .fetchall()
        )
    )
    counts = {(row[0], row[1], row[2]): row[3] for row in found}
    keys = [(account, str(day), to_ms(later(at))) for account, day, at in [*others, ("main", DAY, 1)]]
    assert counts == dict(zip(keys, [2, 2, 2, 2, 1], strict=True))
    assert ledger.read_now(lambda tx: tx.snapshots.latest("paper")) == (later(1), ASSET, [HELD, _other()]), "by code"


def _other() -> Position:
    return Position(symbol="600000.SH", volume=0, available=0, avg_cost=Decimal(0), last=Decimal("7.01"))


def test_the_newest_hundred_are_listed_unless_more_are_asked_for(ledger: Ledger) -> None:
    order = ledger.write_now(an_order)

    def fill(tx: Tx) -> None:
        for n in range(101):
            tx.outbox.put("fill", str(n), NOW)
            tx.decisions.add(order.order_id, n + 1, NOW, "wait", Reason.NO_CASH, [])

    ledger.write_now(fill)
    for name in ("outbox", "decisions"):
        assert len(ledger.read_now(lambda tx, n=name: getattr(tx, n).list())) == 100
        assert len(ledger.read_now(lambda tx, n=name: getattr(tx, n).list(200))) == 101


def test_how_long_each_stage_of_an_order_took(ledger: Ledger) -> None:
    one, two = (ledger.write_now(lambda tx, n=name: an_order(tx, n)).order_id for name in "ab")
    first = OrderStages(order_id=one, received_at=NOW, after_us=dict(zip(BEFORE, range(5, 500), strict=False)))
    second = OrderStages(order_id=two, received_at=later(1), after_us={Stage.SIZED: 7})
    ledger.write_now(lambda tx: tx.latencies.put([replace(first, after_us={}), second]))
    ledger.write_now(lambda tx: tx.latencies.put([first]))
    assert ledger.read_now(lambda tx: [tx.latencies.of_order(n) for n in (one, two, 99)]) == [first, second, None]


def test_meta(ledger: Ledger) -> None:
    assert ledger.read_now(lambda tx: tx.meta.get("x")) is None
    ledger.write_now(lambda tx: tx.meta.set("x", "1"))
    ledger.write_now(lambda tx: tx.meta.set("x", "2"))
    assert ledger.read_now(lambda tx: tx.meta.get("x")) == "2"
    ledger.write_now(lambda tx: tx.meta.set("y", "3"))
    ledger.write_now(lambda tx: tx.meta.remove("x"))
    assert ledger.read_now(lambda tx: (tx.meta.get("x"), tx.meta.get("y"))) == (None, "3")


def test_the_letters_of_remarks_are_five_and_new_ones_count_at_once(ledger: Ledger) -> None:
    def played(tx: Tx) -> list[str]:
        first = an_attempt(tx, "a").remark
        tx.meta.renew_remark_tag()
        return [first, an_attempt(tx, "b").remark]

    first, second = ledger.write_now(played)
    for remark in (first, second):
        assert re.fullmatch(r"jq[A-Z2-7]{5}-\d", remark)
    assert first[:7] != second[:7]


def test_old_days_keep_their_last_snapshot(ledger: Ledger) -> None:
    tomorrow = date.fromordinal(DAY.toordinal() + 1)
    for second in (0, 1):
        ledger.write_now(lambda tx, s=second: tx.snapshots.put("main", DAY, later(s), ASSET, [HELD]))
        ledger.write_now(lambda tx, s=second: tx.snapshots.put("main", tomorrow, later(s), ASSET, [HELD]))
    assert ledger.write_now(lambda tx: tx.snapshots.thin(tomorrow)) == 1
    assert (
        ledger.read_now(lambda tx: connection_of(tx).execute("SELECT * FROM position_snapshots").fetchall()[3:]) == []
    )
    assert ledger.read_now(lambda tx: tx.snapshots.last_of_day("main", DAY)) == (later(1), ASSET, [HELD])
    assert ledger.read_now(lambda tx: tx.snapshots.latest("main")) == (later(1), ASSET, [HELD])
    assert ledger.write_now(lambda tx: tx.snapshots.thin(tomorrow)) == 0


def test_the_newest_name_of_a_security_stands(ledger: Ledger) -> None:
    ledger.write_now(lambda tx: tx.security_names.put({"000001.SZ": "平安银行", "600000.SH": "浦发银行"}))
    ledger.write_now(lambda tx: tx.security_names.put({"600000.SH": "ST浦发"}))
    assert ledger.read_now(lambda tx: tx.security_names.all()) == {"000001.SZ": "平安银行", "600000.SH": "ST浦发"}
