"""Whatever happens to an order moves the marks of those parts that show it, and no others."""

from collections.abc import Callable

import pytest

from jqfollow.domain import OrderState
from jqfollow.ledger.changes import Mark
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import DAY, NOW, fill_report, later, new_attempt, new_order, signal

_REFUSAL = Refusal(reason=Reason.CANCELED_BY_USER, figures={"left": "100"})


def fill(tx: Tx) -> None:
    attempt = tx.attempts.get(1)
    assert attempt is not None
    tx.fills.add(attempt, "demo", fill_report(attempt, "again"), DAY)


@pytest.fixture
def busy(ledger: Ledger) -> Ledger:
    """Some of everything stands already: two of each, so that the first and the last differ."""

    def filled(tx: Tx) -> None:
        for n in ("1", "2"):
            order = tx.orders.create(new_order(tx.signals.record(signal(n)).signal_id, volume=300), NOW)
            attempt = tx.attempts.create(new_attempt(order), NOW)
            tx.fills.add(attempt, "demo", fill_report(attempt, n, volume=100), DAY)
            tx.events.add(order.order_id, None, NOW, "sized", "", "")
            tx.decisions.add(order.order_id, 1, NOW, "place", None, [])

    ledger.write_now(filled)
    return ledger


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        (lambda tx: None, set()),
        (lambda tx: tx.events.add(1, None, NOW, "waits", "", ""), {"orders"}),
        (lambda tx: tx.decisions.add(1, 2, NOW, "wait", Reason.PAUSED, []), {"orders"}),
        (lambda tx: tx.orders.create(new_order(1, part=2, account="paper"), NOW), {"orders"}),
        (lambda tx: tx.orders.update(1, later(1), state=OrderState.NEW), {"orders"}),
        (lambda tx: tx.orders.update(1, later(1), state=OrderState.CANCELED, refusal=_REFUSAL), {"orders"}),
        (fill, {"orders", "books"}),
    ],
)
def test_whatever_happens_moves_the_marks_of_what_shows_it(
    busy: Ledger, what: Callable[[Tx], object], parts: set[str]
) -> None:
    def marks() -> dict[str, Mark]:
        return busy.read_now(lambda tx: tx.changes.marks(["main"]))

    before = marks()
    busy.write_now(what)
    after = marks()
    assert {name for name in before if before[name] != after[name]} == parts


def test_an_order_that_takes_the_place_of_one_that_ended_is_seen(busy: Ledger) -> None:
    """Between two looks: as many, as large, of the same moment."""
    third = busy.write_now(lambda tx: tx.orders.create(new_order(1, part=2), NOW))
    before = busy.read_now(lambda tx: tx.changes.marks([]))

    def replaced(tx: Tx) -> None:
        tx.orders.update(third.order_id, NOW, state=OrderState.CANCELED, refusal=_REFUSAL)
        tx.orders.create(new_order(1, part=3), NOW)

    busy.write_now(replaced)
    after = busy.read_now(lambda tx: tx.changes.marks([]))
    assert {name for name in before if before[name] != after[name]} == {"orders"}


def test_a_fill_that_comes_after_its_orders_end_is_seen(busy: Ledger) -> None:
    busy.write_now(lambda tx: tx.orders.update(1, later(1), state=OrderState.CANCELED, refusal=_REFUSAL))
    before = busy.read_now(lambda tx: tx.changes.marks([]))
    busy.write_now(fill)
    after = busy.read_now(lambda tx: tx.changes.marks([]))
    assert {name for name in before if before[name] != after[name]} == {"orders", "books"}
