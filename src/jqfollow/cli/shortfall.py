"""`jqfollow shortfall`: what following cost, in four parts that add up, by strategy and account."""

from datetime import date, timedelta
from decimal import Decimal

import click

from jqfollow.cli.base import Command, Day, json_option, print_json, say, settings_option, table, words
from jqfollow.cli.figures import number
from jqfollow.cli.queries import check_names, read
from jqfollow.clock import SystemClock
from jqfollow.costs.figures import Figures, by_book, figures
from jqfollow.costs.orders import order_costs
from jqfollow.settings import Settings

_DAYS = timedelta(days=29)
_CENT, _TENTH = Decimal("0.01"), Decimal("0.1")


@click.command(cls=Command)
@click.argument("strategy", required=False)
@click.option("--account", help="某账户 / of one account")
@click.option("--from", "first", type=Day(), help="从某日 / from this day on; 29 days before the last")
@click.option("--to", "last", type=Day(), help="到某日 / to this day; today")
@json_option
@settings_option
def shortfall(
    *,
    settings: Settings,
    strategy: str | None,
    account: str | None,
    first: date | None,
    last: date | None,
    as_json: bool,
) -> None:
    """执行差：按策略价全部成交会怎样，减去实际怎样（正为成本）。 / What following cost beside the strategy's prices."""
    check_names(settings, strategy, account)
    last = last or SystemClock().now().date()
    first = first or last - _DAYS
    if first > last:
        raise click.BadParameter(f"{first} 晚于 {last} / is later than {last}", param_hint="--from")
    orders = [
        order
        for order in read(settings, lambda tx: order_costs(tx, first, last, strategy=strategy))
        if account in {None, order.account}
    ]
    books = by_book(orders)
    if as_json:
        print_json([{"strategy": name, "account": of, "figures": found} for (name, of), found in books.items()])
        return
    if not books:
        say(f"{first} 到 {last} 没有订单", f"no orders from {first} to {last}")
        return
    columns = words(
        "策略,账户,笔数,执行差,bps,延迟,交易,机会,费用,成交比例,缺价",
        "strategy,account,orders,shortfall,bps,delay,trading,opp.,fees,filled,unpriced",
    )
    rows = [_cells(*book, found) for book, found in books.items()]
    if len(books) > 1:
        rows.append(_cells(words("合计", "all"), "", figures(orders)))
    title = words(f"执行差 {first} 到 {last}，元（正为成本）", f"Shortfall {first} to {last}, yuan (+ is cost)")
    table(title, columns.split(","), rows, right=tuple(range(2, 11)), spare=(10, 9, 4))


def _cells(strategy: str, account: str, of: Figures) -> tuple[str, ...]:
    parts = [part.quantize(_CENT) for part in (of.parts.delay, of.parts.trading, of.parts.opportunity, of.parts.fees)]
    bps = "" if of.parts.bps is None else f"{of.parts.bps.quantize(_TENTH)}"
    filled = "" if of.filled_share is None else f"{of.filled_share * 100:.1f}%"
    figures_ = (
        number(sum(parts, Decimal(0))),
        bps,
        *map(number, parts),
        filled,
        number(of.unpriced) if of.unpriced else "",
    )
    return strategy, account, number(of.orders), *figures_
