"""`jqfollow explain ORDER`: one order's story in words, whether the service runs or not."""

import re
from collections.abc import Iterable

import click

from jqfollow.cli.base import Command, json_option, print_json, settings_option, words
from jqfollow.cli.order_story import order_story, signal_told, story_lines
from jqfollow.cli.queries import no_order, read
from jqfollow.ledger.rows import SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.meant import closest
from jqfollow.settings import Settings

_OF_SIGNAL = re.compile(r"(?:s|S|信号)\s*#?(\d{1,18})")
_OF_ORDER = re.compile(r"(?:订单|order)?\s*#?(\d{1,18})", re.IGNORECASE)


@click.command(cls=Command)
@click.argument("order", metavar="ORDER")
@click.option("--english", is_flag=True, help="用英文讲 / in English, like --lang en")
@json_option
@settings_option
@click.pass_context
def explain(context: click.Context, *, settings: Settings, order: str, english: bool, as_json: bool) -> None:
    """一个订单的来龙去脉。ORDER：订单编号 12、信号 s5、备注 jq…-3、聚宽订单编号。 / One order's story in words.

    ORDER is an order's number, a signal's (s5), an attempt's remark (jq…-3) or JoinQuant's number. Works while the
    service runs and while it does not.
    """
    if english:
        context.meta["jqfollow.lang"] = "en"
    numbers = read(settings, lambda tx: found(tx, order.strip(), settings.strategies))
    if numbers is None:
        raise _suggested(settings, order.strip())
    signal, orders = numbers
    told = read(settings, lambda tx: [order_story(tx, number) for number in orders])
    stories = [story for story in told if story is not None]
    if as_json:
        print_json([{"order": story.order, "told": story_lines(settings, story)} for story in stories])
        return
    if not stories and signal is not None:
        click.echo(signal_told(settings, signal, {}))
        click.echo(words("没有由它而来的订单", "no order was made of it"))
    for story in stories:
        click.echo("\n".join(story_lines(settings, story)))


def found(tx: Tx, asked: str, strategies: Iterable[str]) -> tuple[SignalRow | None, list[int]] | None:
    """The signal, and the numbers of the orders that are asked for; `None`: nothing is so called."""
    if matched := _OF_SIGNAL.fullmatch(asked):
        signal = tx.signals.get(int(matched[1]))
        return None if signal is None else (signal, [row.order_id for row in tx.orders.of_signal(signal.signal_id)])
    if (matched := _OF_ORDER.fullmatch(asked)) and (order := tx.orders.get(int(matched[1]))):
        return tx.signals.get(order.signal_id), [order.order_id]
    orders = sorted(set(tx.finding.named(asked, strategies)))
    first = tx.orders.get(orders[0]) if orders else None
    return None if first is None else (tx.signals.get(first.signal_id), orders)


def _suggested(settings: Settings, asked: str) -> click.BadParameter:
    def remarks(tx: Tx) -> list[str]:
        return [a.remark for order in tx.orders.list(limit=200) for a in tx.attempts.of_order(order.order_id)]

    meant = closest(asked, read(settings, remarks)) if "-" in asked else None
    if meant is None:
        return no_order(settings, asked)
    return click.BadParameter(f"没有 {asked}，是不是 {meant}？ / no {asked}, did you mean {meant}?")
