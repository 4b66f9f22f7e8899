"""No statement of the ledger reads through a table that grows: the plan of each that was ever run is looked at."""

import re
import sqlite3
from datetime import date, timedelta
from pathlib import Path

import pytest

from jqfollow.domain import AttemptState, OrderKey, SignalKind, WaitingFor
from jqfollow.execution.papers import Question, read_papers
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from ledger.samples import DAY, NOW, an_attempt, an_order, connection_of, fill_report, later, signal

GROWING = {"signals", "orders", "attempts", "fills", "decisions", "events", "outbox", "deliveries"}
ALLOWED = {
    # Newest first without a condition: the key's own order, as far as the limit.
    "SELECT * FROM signals ORDER BY signal_id DESC LIMIT",
    "SELECT * FROM orders ORDER BY order_id DESC LIMIT",
    "SELECT * FROM fills ORDER BY fill_id DESC LIMIT",
    "SELECT * FROM decisions ORDER BY decision_id DESC LIMIT",
    "SELECT * FROM outbox ORDER BY outbox_id DESC LIMIT",
}


def everything(tx: Tx) -> None:
    """Whatever the service, the console and the commands ask of the ledger, once."""
    attempt = an_attempt(tx, "m1")
    tx.attempts.update(attempt.attempt_id, NOW, broker_order_id="b1", state=AttemptState.NEW, cancels=1)
    tx.fills.add(attempt, "demo", fill_report(attempt), DAY)
    order = an_order(tx, "m2")
    tx.orders.wait(order, later(1), WaitingFor.CASH)
    tx.decisions.add(order.order_id, 1, NOW, "wait", None, [])
    tx.events.add(order.order_id, None, NOW, "x", "a", "b")
    tx.outbox.put("alert", "x", NOW, unique_key="k")
    tx.outbox.sent([1], NOW)
    tx.outbox.retry([1], NOW, "x")
    tx.outbox.give_up([1], "x")
    settle = timedelta(seconds=10)
    asked = Question(
        account="main",
        day=DAY,
        now=NOW,
        settle=settle,
        turnover=True,
        capped={"demo"},
        counted={"demo"},
        turnovers={"demo"},
    )
    tx.undone()  # what is kept would be read nowhere
    tx.attempts.counts_of("main", DAY, "demo", turnover=False)
    tx.attempts.counts_of("main", DAY, "demo", turnover=True)
    tx.attempts.spending("main", "demo")
    read_papers(tx, asked, lambda orders, *_: orders)
    tx.snapshots.before("main", DAY)
    tx.signals.record(signal("m9", kind=SignalKind.HELLO, order=None))
    tx.signals.received()
    tx.signals.first_follow("demo", "m1", DAY, 99)
    tx.signals.of_jq_order("demo", "m1", DAY)
    tx.signals.newest_day(["demo"])
    tx.signals.position("demo", "000001.SZ")
    tx.signals.positions("demo")
    for strategy in (None, "demo"):
        for day in (None, DAY):
            tx.signals.list(strategy=strategy, day=day)
            for account in (None, "main"):
                tx.orders.list(strategy=strategy, day=day, account=account)
                tx.fills.list(strategy=strategy, day=day, account=account)
    tx.orders.of_signal(1)
    tx.orders.open()
    tx.orders.open("main")
    tx.undone()
    tx.orders.get(1)
    tx.orders.some([1])
    tx.attempts.get(1)
    tx.attempts.of_order(1)
    tx.attempts.live()
    tx.attempts.live("main")
    tx.attempts.by_key(OrderKey(account="main", day=DAY, broker_order_id="b1"))
    tx.attempts.by_remark("x")
    tx.attempts.unknown("main")
    tx.attempts.without_answer("main", NOW)
    tx.attempts.missing_fills("main", DAY)
    tx.attempts.list(account="main", day=DAY)
    tx.attempts.counts("main", DAY)
    tx.fills.of_attempt(1)
    tx.fills.of_order(1)
    tx.fills.bought_on("main", "demo", "000001.SZ", date(2026, 1, 5))
    tx.books.list(account="main")
    tx.numbers.get("main")
    tx.numbers.has_something("main")
    tx.decisions.of_order(1)
    tx.decisions.list()
    tx.events.of_order(1)
    tx.outbox.due(NOW, 10)
    tx.outbox.oldest_pending()
    tx.outbox.pending()
    tx.outbox.list()
    tx.pauses.list()


@pytest.fixture
def statements(path: Path) -> list[str]:
    seen: list[str] = []

    def traced(tx: Tx) -> None:
        connection = connection_of(tx)
        connection.set_trace_callback(seen.append)
        try:
            everything(tx)
        finally:
            connection.set_trace_callback(None)

    with Ledger.open(path) as ledger:
        ledger.write_now(traced)
    return [statement for statement in dict.fromkeys(seen) if not statement.startswith(("--", "SAVEPOINT", "RELEASE"))]


def scans(connection: sqlite3.Connection, statement: str) -> list[str]:
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    return [step for step in plan if step.startswith("SCAN ") and step.split()[1] in GROWING and "USING" not in step]


def test_no_statement_reads_through_a_table_that_grows(statements: list[str], path: Path) -> None:
    assert len(statements) > 60
    connection = sqlite3.connect(path)
    try:
        bad = {s: scans(connection, s) for s in statements if not any(s.startswith(known) for known in ALLOWED)}
    finally:
        connection.close()
    assert {statement: found for statement, found in bad.items() if found} == {}


BROAD = re.compile(
    r"SEARCH (orders|attempts|fills|signals) USING (?:COVERING )?INDEX (\w+) "
    r"\((?:account|strategy|day)=\?(?: AND day=\?)?\)"
)
"""All that an account or a strategy ever did, or did on a day, by an index that does not say what of it."""
OF_WHAT_LIVES = {"orders_open", "attempts_live", "attempts_missing_fills", "signals_received", "signals_recorded"}
# A day's list, the last ten seconds of a day, a strategy's own limit, and what the index's end tells.
ASKED_FOR = (
    "SELECT * FROM attempts WHERE account = 'main' AND day = '2026-01-05' ORDER BY attempt_id",
    "SELECT * FROM attempts WHERE account = 'main' AND day = '2026-01-05' AND updated_at >=",
    "SELECT count(*) AS count FROM attempts JOIN orders",
    "SELECT attempts.* FROM attempts JOIN orders USING (order_id) WHERE attempts.account = 'main' AND attempts.day =",
    "SELECT fills.volume, fills.price FROM attempts JOIN fills USING (attempt_id) WHERE attempts.account = 'main' AND",
    "SELECT max(day) AS day FROM signals",
)


def test_what_lives_is_not_sought_among_all_that_ever_was(statements: list[str], path: Path) -> None:
    """SQLite counts nothing, and may take the index of a day where the one of what lives would give a row or two."""
    connection = sqlite3.connect(path)
    bad = {}
    for statement in statements:
        if "LIMIT" in statement or any(" ".join(statement.split()).startswith(known) for known in ASKED_FOR):
            continue
        for step in (row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")):
            found = BROAD.fullmatch(step)
            if found and found[2] not in OF_WHAT_LIVES:
                bad[statement] = step
    connection.close()
    assert bad == {}


def test_a_scan_is_seen(path: Path) -> None:
    with Ledger.open(path):
        connection = sqlite3.connect(path)
        assert scans(connection, "SELECT * FROM orders WHERE filled = 3")
        assert not scans(connection, "SELECT * FROM orders WHERE order_id = 3")
        live = "SELECT * FROM attempts WHERE state NOT IN ('filled', 'canceled', 'rejected') AND account = 'main'"
        [(*_, step)] = connection.execute(f"EXPLAIN QUERY PLAN {live} ORDER BY attempt_id LIMIT 9").fetchall()[:1]
        assert BROAD.fullmatch(step)
        connection.close()
