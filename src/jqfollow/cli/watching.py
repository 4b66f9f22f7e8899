"""What becomes of a signal, told while it happens."""

import threading
import time

import click

from jqfollow.cli.base import say, words
from jqfollow.cli.figures import number, waiting, why, word
from jqfollow.domain import ORDER_OPEN
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import OrderRow, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.notify.figures import security
from jqfollow.settings import Settings
from jqfollow.vocabulary import ORDER_STATES, OUTCOMES, SIDES, Outcome, order_outcome, signal_outcome

_POLL_S = 0.2


def watch(settings: Settings, signal_id: int, jq_order_id: str, wait_s: float) -> None:
    """Prints each change of the signal's orders until all have ended, or for `wait_s` seconds."""
    try:
        with Ledger.open(settings.ledger_file, read_only=True) as ledger:
            _watch(ledger, signal_id, jq_order_id, wait_s)
    except LedgerError as error:
        say(f"看不到结果：{error}", f"what became of it cannot be seen: {error}")


def _watch(ledger: Ledger, signal_id: int, jq_order_id: str, wait_s: float) -> None:
    until, told, pause = time.monotonic() + wait_s, dict[int, str](), threading.Event()
    while True:
        signal, orders, names = ledger.read_now(lambda tx: _seen(tx, signal_id))
        if signal is None or signal.order is None or signal.order.jq_order_id != jq_order_id:
            say(
                "它在另一台机器的账本里，结果请到那边看",
                "it stands in another machine's ledger: look there for what becomes of it",
            )
            return
        for order in orders:
            line = _order_line(order, names.get(order.security))
            if told.get(order.order_id) != line:
                told[order.order_id] = line
                click.echo(f"  {line}")
        became = signal_outcome(signal.state, [order_outcome(order.state, order.filled) for order in orders])
        if became is not Outcome.UNDER_WAY:
            reason = why(signal.reason, signal.figures)
            say(f"结果：{word(OUTCOMES, became)}", f"result: {word(OUTCOMES, became)}")
            if reason:
                click.echo(f"  {reason}")
            return
        if time.monotonic() >= until:
            which = f"{orders[0].order_id}" if orders else f"s{signal_id}"
            say(
                f"等了 {wait_s:g} 秒，还在处理中；之后看 jqfollow explain {which}",
                f"still under way after {wait_s:g} s; see jqfollow explain {which} later",
            )
            return
        pause.wait(_POLL_S)


def _seen(tx: Tx, signal_id: int) -> tuple[SignalRow | None, list[OrderRow], dict[str, str]]:
    return tx.signals.get(signal_id), tx.orders.of_signal(signal_id), tx.security_names.all()


def _order_line(order: OrderRow, name: str | None) -> str:
    """How one order stands."""
    state = word(ORDER_STATES, order.state) + waiting(order.waiting_for)
    size = f"{number(order.filled)}/{number(order.volume)}" if order.sized else ""
    if not order.sized and order.state in ORDER_OPEN:
        size = words("数量待定", "not sized")
    average = order.avg_price
    price = "" if average is None else words(f" 均价 {number(average)}", f" at {number(average)}")
    told = why(order.reason, order.figures)
    what = f"#{order.order_id} {order.account} {word(SIDES, order.side)} {security(order.security, name)}"
    return " ".join(filter(None, (what, state, size))) + price + (f"{words('，', ', ')}{told}" if told else "")
