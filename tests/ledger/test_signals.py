"""Messages: remembered once, and found again."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import SignalKind, SignalState, Wire
from jqfollow.ledger.errors import ConflictError, LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import Recorded
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import DAY, NOW, SECURITY, connection_of, later, signal, strategy_order

STALE = Refusal(reason=Reason.STALE, figures={"age_s": "90", "max_age_s": "60"})


def test_a_message_comes_back_as_it_was_recorded(ledger: Ledger) -> None:
    sent = signal()
    recorded = ledger.write_now(lambda tx: tx.signals.record(sent))
    row = ledger.read_now(lambda tx: tx.signals.get(recorded.signal_id))
    assert row is not None
    assert recorded == Recorded(signal_id=row.signal_id, duplicate=False)
    assert (row.strategy, row.wire, row.message_id, row.kind) == ("demo", Wire.JQF1, "m1", SignalKind.ORDER)
    assert (row.run, row.text, row.made_at, row.received_at) == (sent.run, sent.text, NOW, NOW)
    assert row.order == sent.order
    assert (row.state, row.reason, dict(row.figures)) == (SignalState.RECEIVED, None, {})


def test_what_was_just_recorded_is_not_read_again(ledger: Ledger) -> None:
    statements: list[str] = []

    def played(tx: Tx) -> None:
        number = tx.signals.record(signal()).signal_id
        connection_of(tx).set_trace_callback(statements.append)
        assert tx.signals.get(number) is not None
        assert statements == []
        tx.signals.finish(number, SignalState.FOLLOWED, None)
        finished = tx.signals.get(number)
        connection_of(tx).set_trace_callback(None)
        assert finished is not None
        assert finished.state is SignalState.FOLLOWED

    ledger.write_now(played)


def test_every_optional_figure_of_an_order_may_be_missing(ledger: Ledger) -> None:
    order = strategy_order(price=None, limit=Decimal("11.2"), position_after=None, total_value=None, status="open")
    recorded = ledger.write_now(lambda tx: tx.signals.record(signal(order=order)))
    row = ledger.read_now(lambda tx: tx.signals.get(recorded.signal_id))
    assert row is not None
    assert row.order == order


def test_the_same_message_again_is_a_duplicate(ledger: Ledger) -> None:
    assert ledger.read_now(lambda tx: tx.signals.newest()) is None
    first = ledger.write_now(lambda tx: tx.signals.record(signal()))
    again = ledger.write_now(lambda tx: tx.signals.record(signal(received_at=later(30), made_at=later(30))))
    assert again == Recorded(signal_id=first.signal_id, duplicate=True)
    assert len(ledger.read_now(lambda tx: tx.signals.list())) == 1
    ledger.write_now(lambda tx: tx.signals.finish(first.signal_id, SignalState.RECORDED, STALE))
    why = ledger.write_now(lambda tx: tx.signals.record(signal()))
    assert why == Recorded(signal_id=first.signal_id, duplicate=True, refusal=STALE)
    ledger.write_now(lambda tx: tx.signals.record(signal("m2", order=strategy_order(jq_order_id="2"))))
    newest = ledger.read_now(lambda tx: tx.signals.newest())
    assert newest is not None
    assert newest.message_id == "m2"


def test_a_known_id_with_another_text_is_a_conflict(ledger: Ledger) -> None:
    ledger.write_now(lambda tx: tx.signals.record(signal()))
    with pytest.raises(ConflictError, match="m1"):
        ledger.write_now(lambda tx: tx.signals.record(signal(text="{}")))
    # Another strategy may use the same id.
    other = ledger.write_now(lambda tx: tx.signals.record(signal(strategy="other", text="{}")))
    assert not other.duplicate
    again = ledger.write_now(lambda tx: tx.signals.record(signal(strategy="other", text="{}")))
    assert again == Recorded(signal_id=other.signal_id, duplicate=True)


@pytest.mark.parametrize("kind", [SignalKind.POSITIONS, SignalKind.HELLO])
def test_other_kinds_have_no_order(ledger: Ledger, kind: SignalKind) -> None:
    recorded = ledger.write_now(lambda tx: tx.signals.record(signal(kind=kind, order=None)))
    row = ledger.read_now(lambda tx: tx.signals.get(recorded.signal_id))
    assert row is not None
    assert (row.state, row.order) == (SignalState.RECEIVED, None)
    ledger.write_now(lambda tx: tx.signals.finish(recorded.signal_id, SignalState.RECORDED, None))
    with pytest.raises(ValueError, match=kind):
        ledger.write_now(lambda tx: tx.signals.record(signal("m2", kind=kind)))


def test_what_does_not_stand_cannot_be_finished(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="signals has no row with signal_id 99"):
        ledger.write_now(lambda tx: tx.signals.finish(99, SignalState.FOLLOWED, None))


def test_an_order_message_needs_its_order(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="order"):
        ledger.write_now(lambda tx: tx.signals.record(signal(order=None)))


def test_received_orders_come_oldest_first_until_they_are_finished(ledger: Ledger) -> None:
    def record(name: str) -> int:
        order = strategy_order(jq_order_id=name)
        return ledger.write_now(lambda tx: tx.signals.record(signal(name, order=order))).signal_id

    ids = [record(name) for name in ("a", "b", "c")]
    ledger.write_now(lambda tx: tx.signals.finish(ids[0], SignalState.FOLLOWED, None))
    ledger.write_now(lambda tx: tx.signals.finish(ids[2], SignalState.RECORDED, STALE))
    assert [row.signal_id for row in ledger.read_now(lambda tx: tx.signals.received())] == [ids[1]]
    refused = ledger.read_now(lambda tx: tx.signals.get(ids[2]))
    assert refused is not None
    assert (refused.state, refused.reason, refused.figures) == (SignalState.RECORDED, Reason.STALE, STALE.figures)


def test_what_is_not_followed_says_why(ledger: Ledger) -> None:
    recorded = ledger.write_now(lambda tx: tx.signals.record(signal()))
    with pytest.raises(LedgerError, match="impossible"):
        ledger.write_now(lambda tx: tx.signals.finish(recorded.signal_id, SignalState.RECORDED, None))
    with pytest.raises(LedgerError, match="signal_id 99"):
        ledger.write_now(lambda tx: tx.signals.finish(99, SignalState.FOLLOWED, None))
    assert ledger.read_now(lambda tx: tx.signals.get(99)) is None


def test_one_joinquant_order_is_followed_once(ledger: Ledger) -> None:
    first, second, third = (
        ledger.write_now(lambda tx, name=name: tx.signals.record(signal(name))).signal_id for name in ("a", "b", "c")
    )
    jq_order_id = strategy_order().jq_order_id
    assert ledger.read_now(lambda tx: tx.signals.first_follow("demo", jq_order_id, DAY, third)) is None
    ledger.write_now(lambda tx: tx.signals.finish(first, SignalState.FOLLOWED, None))
    known = ledger.read_now(lambda tx: tx.signals.first_follow("demo", jq_order_id, DAY, third))
    assert known is not None
    assert known.signal_id == first
    assert ledger.read_now(lambda tx: tx.signals.first_follow("demo", jq_order_id, DAY, first)) is None
    assert ledger.read_now(lambda tx: tx.signals.first_follow("demo", jq_order_id, date(2026, 1, 6), third)) is None
    with pytest.raises(LedgerError, match="impossible"):
        ledger.write_now(lambda tx: tx.signals.finish(second, SignalState.FOLLOWED, None))
    rows = ledger.read_now(lambda tx: tx.signals.of_jq_order("demo", jq_order_id, DAY))
    assert [row.signal_id for row in rows] == [first, second, third]


@pytest.mark.parametrize("run", ["simple_backtest", "manual"])
def test_a_backtest_may_be_played_again(ledger: Ledger, run: str) -> None:
    for name in ("a", "b"):
        recorded = ledger.write_now(lambda tx, name=name: tx.signals.record(signal(name, run=run)))
        ledger.write_now(
            lambda tx, recorded=recorded: tx.signals.finish(recorded.signal_id, SignalState.FOLLOWED, None)
        )
    assert {row.state for row in ledger.read_now(lambda tx: tx.signals.list())} == {SignalState.FOLLOWED}


def test_the_list_is_newest_first_and_filtered(ledger: Ledger) -> None:
    midnight = datetime(2026, 1, 6, tzinfo=SHANGHAI)
    before, after = midnight - timedelta(milliseconds=1), midnight
    sent = [
        signal("a", received_at=before),
        signal("b", received_at=after, strategy="other"),
        signal("c", received_at=after, kind=SignalKind.HELLO, order=None),
        signal("d", received_at=midnight + timedelta(days=1)),
    ]
    for message in sent:
        ledger.write_now(lambda tx, message=message: tx.signals.record(message))

    def names(**conditions: object) -> list[str]:
        return [row.message_id for row in ledger.read_now(lambda tx: tx.signals.list(**conditions))]  # type: ignore[arg-type]

    assert names() == ["d", "c", "b", "a"]
    assert names(day=date(2026, 1, 6)) == ["c", "b"]
    assert names(strategy="demo", kind=SignalKind.ORDER) == ["d", "a"]
    assert names(limit=2) == ["d", "c"]
    assert names(limit=0) == []
    newest = ledger.read_now(lambda tx: tx.signals.list(limit=1))[0].signal_id
    assert names(before_id=newest, limit=2) == ["c", "b"]
    with pytest.raises(ValueError, match="limit"):
        names(limit=-1)
    with pytest.raises(TypeError, match="not a day"):
        names(day=midnight)


def test_the_newest_joinquant_day(ledger: Ledger) -> None:
    days = {"a": date(2025, 3, 3), "b": date(2025, 3, 4)}
    for name, day in days.items():
        message = signal(name, strategy=name, order=strategy_order(day=day))
        ledger.write_now(lambda tx, message=message: tx.signals.record(message))
    assert ledger.read_now(lambda tx: tx.signals.newest_day(["a", "b", "none"])) == days["b"]
    assert ledger.read_now(lambda tx: tx.signals.newest_day({"a"})) == days["a"]
    assert ledger.read_now(lambda tx: tx.signals.newest_day([])) is None


def test_what_the_strategy_holds(ledger: Ledger) -> None:
    assert ledger.read_now(lambda tx: tx.signals.position("demo", SECURITY)) is None
    ledger.write_now(lambda tx: tx.signals.set_position("demo", SECURITY, 300, NOW))
    ledger.write_now(lambda tx: tx.signals.set_position("demo", "600000.SH", 100, NOW))
    assert ledger.read_now(lambda tx: tx.signals.positions("demo")) == {SECURITY: 300, "600000.SH": 100}
    ledger.write_now(lambda tx: tx.signals.set_position("demo", SECURITY, 0, later(1)))
    assert ledger.read_now(lambda tx: tx.signals.position("demo", SECURITY)) == 0
    assert ledger.read_now(lambda tx: tx.signals.positions("demo")) == {"600000.SH": 100}
    assert ledger.read_now(lambda tx: tx.signals.positions("other")) == {}
