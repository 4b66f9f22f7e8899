"""`jqfollow signals | orders | positions | fills`: what stands in the ledger, whether the service runs or not."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import TypeVar

import click

from jqfollow.cli.base import Command, Day, F, json_option, print_json, settings_option, table, words
from jqfollow.cli.figures import moment, number, outcome, waiting, why, word
from jqfollow.cli.names import known_account, known_strategy
from jqfollow.cli.order_story import order_story, story_lines
from jqfollow.domain import Position
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import BookRow, OrderRow, SignalRow
from jqfollow.ledger.snapshots import Snapshot
from jqfollow.ledger.tx import Tx
from jqfollow.notify.figures import security
from jqfollow.settings import Settings
from jqfollow.vocabulary import KINDS, ORDER_STATES, RUNS, SIDES

T = TypeVar("T")


def read(settings: Settings, fn: Callable[[Tx], T]) -> T:
    """What `fn` finds in the ledger, all of the same moment."""
    with Ledger.open(settings.ledger_file, read_only=True) as ledger:
        return ledger.read_now(fn)


def called(settings: Settings) -> Callable[[str], str]:
    """What people call a security, by its symbol: 平安银行 000001.SZ; without a ledger the symbol."""
    names: dict[str, str] = {}
    with suppress(LedgerError):  # what was done through the service is done
        names = read(settings, lambda tx: tx.security_names.all())
    return lambda symbol: security(symbol, names.get(symbol))


def check_names(settings: Settings, strategy: str | None, account: str | None) -> None:
    """Ends the command when neither the configuration nor the ledger knows the names."""

    def stands(tx: Tx) -> tuple[bool, bool]:
        of_strategy = strategy and (tx.signals.list(strategy=strategy, limit=1) or tx.books.list(strategy=strategy))
        of_account = account and (tx.orders.list(account=account, limit=1) or tx.snapshots.days(account))
        return bool(of_strategy), bool(of_account)

    new_strategy = strategy is not None and strategy not in settings.strategies
    new_account = account is not None and account not in settings.accounts
    if not (new_strategy or new_account):
        return
    strategy_stands, account_stands = read(settings, stands)
    if strategy is not None and not strategy_stands:
        known_strategy(settings, strategy)
    if account is not None and not account_stands:
        known_account(settings, account)


def filters(*, limit: bool = True, day: str = "") -> Callable[[F], F]:
    """Adds `--strategy`, `--account`, `--day` and `--limit`."""

    def add(function: F) -> F:
        if limit:
            function = click.option(
                "--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="最多几条 / at most"
            )(function)
        function = click.option("--day", type=Day(), help=f"某日 2026-03-02 或 today / {day or 'of one day'}")(function)
        function = click.option("--account", help="某账户 / of one account")(function)
        return click.option("--strategy", help="某策略 / of one strategy")(function)

    return add


@click.command(cls=Command)
@filters(day="received on that day")
@json_option
@settings_option
def signals(
    *, settings: Settings, strategy: str | None, account: str | None, day: date | None, limit: int, as_json: bool
) -> None:
    """收到的信号，新的在前。 / Signals that came, newest first."""
    check_names(settings, strategy, account)
    if account is not None:
        names = [name for name, of in settings.strategies.items() if account in of.follow]
        rows = read(settings, lambda tx: [r for n in names for r in tx.signals.list(strategy=n, day=day, limit=limit)])
        rows = sorted((r for r in rows if strategy in {None, r.strategy}), key=lambda r: -r.signal_id)[:limit]
    else:
        rows = read(settings, lambda tx: tx.signals.list(strategy=strategy, day=day, limit=limit))
    if as_json:
        print_json([_with_why(row) for row in rows])
        return
    orders_of = read(settings, lambda tx: [tx.orders.of_signal(row.signal_id) for row in rows])
    name = called(settings)
    shown = [
        (
            str(row.signal_id),
            moment(row.received_at),
            row.strategy,
            word(KINDS, row.kind),
            *(
                (name(row.order.symbol), word(SIDES, row.order.side), number(row.order.amount), number(row.order.price))
                if row.order
                else ("", "", "", "")
            ),
            word(RUNS, row.run),
            outcome(row, made),
            why(row.reason, row.figures),
        )
        for row, made in zip(rows, orders_of, strict=True)
    ]
    columns = words(
        "编号,收到,策略,种类,证券,方向,数量,价格,运行,状态,原因",
        "id,received,strategy,kind,security,side,amount,price,run,state,why",
    )
    table(words("信号", "Signals"), columns.split(","), shown, right=(0, 6, 7), spare=(10, 8, 3, 7))


@click.command(cls=Command)
@click.argument("order_id", type=click.IntRange(1, 2**63 - 1), required=False)
@filters(day="of one trading day")
@json_option
@settings_option
def orders(
    *,
    settings: Settings,
    order_id: int | None,
    strategy: str | None,
    account: str | None,
    day: date | None,
    limit: int,
    as_json: bool,
) -> None:
    """订单，新的在前；给出 ORDER_ID 则显示它的全部经过。 / Orders, newest first; with ORDER_ID everything about one."""
    if order_id is not None:
        _one_order(settings, order_id, as_json=as_json)
        return
    check_names(settings, strategy, account)
    rows = read(settings, lambda tx: tx.orders.list(strategy=strategy, account=account, day=day, limit=limit))
    if as_json:
        print_json([_with_why(row) for row in rows])
        return
    _order_table(rows, called(settings))


def _order_table(rows: list[OrderRow], name: Callable[[str], str]) -> None:
    columns = words(
        "编号,时间,交易日,账户,策略,证券,方向,数量,成交,均价,状态,原因",
        "id,created,day,account,strategy,security,side,volume,filled,average,state,why",
    )
    cells = [_order_cells(row, name) for row in rows]
    table(words("订单", "Orders"), columns.split(","), cells, right=(0, 7, 8, 9), spare=(11, 2, 9, 3, 1))


def _order_cells(row: OrderRow, name: Callable[[str], str]) -> tuple[str, ...]:
    average = row.avg_price
    return (
        str(row.order_id),
        moment(row.created_at),
        row.day.isoformat(),
        row.account,
        row.strategy,
        name(row.security),
        word(SIDES, row.side),
        number(row.volume) if row.sized else "?",
        number(row.filled),
        number(average.quantize(Decimal("0.0001"))) if average is not None else "",
        word(ORDER_STATES, row.state) + waiting(row.waiting_for),
        why(row.reason, row.figures),
    )


def _with_why(row: OrderRow | SignalRow) -> dict[str, object]:
    names = type(row).__dataclass_fields__
    return {name: getattr(row, name) for name in names} | {"why": why(row.reason, row.figures)}


def no_order(settings: Settings, name: str) -> click.BadParameter:
    """Says that there is no such order, and which ones came last."""
    rows = read(settings, lambda tx: tx.orders.list(limit=5))
    newest = ", ".join(f"#{row.order_id} {row.security}" for row in rows) or "-"
    return click.BadParameter(f"没有订单 {name}；最近的订单：{newest} / no order {name}; the last ones: {newest}")


def _one_order(settings: Settings, order_id: int, *, as_json: bool) -> None:
    story = read(settings, lambda tx: order_story(tx, order_id))
    if story is None:
        raise no_order(settings, str(order_id))
    if as_json:
        parts = {name: getattr(story, name) for name in ("attempts", "fills", "decisions", "events")}
        after_us = {} if story.stages is None else story.stages.after_us
        print_json({"order": _with_why(story.order), **parts, "stages_after_us": dict(after_us)})
        return
    click.echo("\n".join(story_lines(settings, story)))


@click.command(cls=Command)
@filters(day="of one trading day")
@json_option
@settings_option
def fills(
    *, settings: Settings, strategy: str | None, account: str | None, day: date | None, limit: int, as_json: bool
) -> None:
    """成交，新的在前。 / Fills, newest first."""
    check_names(settings, strategy, account)
    rows = read(settings, lambda tx: tx.fills.list(strategy=strategy, account=account, day=day, limit=limit))
    if as_json:
        print_json(rows)
        return
    columns = words(
        "编号,时间,账户,策略,证券,方向,数量,价格,金额,费用,成交编号",
        "id,at,account,strategy,security,side,volume,price,value,fee,trade id",
    )
    name = called(settings)
    shown = [
        (
            str(row.fill_id),
            moment(row.filled_at),
            row.account,
            row.strategy,
            name(row.security),
            word(SIDES, row.side),
            number(row.volume),
            number(row.price),
            number(row.volume * row.price),
            number(row.fee),
            row.traded_id,
        )
        for row in rows
    ]
    table(words("成交", "Fills"), columns.split(","), shown, right=(0, 6, 7, 8, 9), spare=(10, 9, 2, 8, 1))


def snapshots(tx: Tx, settings: Settings, account: str | None, day: date | None) -> dict[str, Snapshot]:
    """The newest snapshot of each account, or the last of a day."""
    names = [account] if account is not None else list(settings.accounts)
    found = {n: tx.snapshots.latest(n) if day is None else tx.snapshots.last_of_day(n, day) for n in names}
    return {name: snapshot for name, snapshot in found.items() if snapshot is not None}


@click.command(cls=Command)
@filters(limit=False, day="the accounts as last seen on that day")
@json_option
@settings_option
def positions(
    *, settings: Settings, strategy: str | None, account: str | None, day: date | None, as_json: bool
) -> None:
    """各策略的持仓，和各账户在券商处的持仓。 / What strategies hold, and what accounts hold at their brokers."""
    if day is not None and strategy is not None:
        raise click.UsageError("--day 显示账户持仓，不能与 --strategy 同用 / --day shows accounts, not strategies")
    check_names(settings, strategy, account)
    books, held = read(
        settings,
        lambda tx: (
            [] if day is not None else tx.books.list(account=account, strategy=strategy),
            snapshots(tx, settings, account, day),
        ),
    )
    if as_json:
        accounts = {
            name: {"taken_at": at, "asset": asset, "positions": rows} for name, (at, asset, rows) in held.items()
        }
        print_json({"books": books, "accounts": accounts})
        return
    named = called(settings)
    last = {(name, row.symbol): row.last for name, (_, _, rows) in held.items() for row in rows}
    if day is None:
        columns = words("账户,策略,证券,数量,成本价,现价,浮动盈亏", "account,strategy,security,volume,cost,last,gain")
        cells = [_book(book, named, last.get((book.account, book.security))) for book in books]
        table(words("策略持仓", "Strategies' books"), columns.split(","), cells, right=(3, 4, 5, 6), spare=(4, 5, 0))
    for name, (at, asset, rows) in held.items():
        total, cash, frozen = number(asset.total), number(asset.cash), number(asset.frozen)
        title = words(
            f"账户 {name}（{moment(at)}）总资产 {total}，可用 {cash}，冻结 {frozen}",
            f"account {name} ({moment(at)}): total {total}, cash {cash}, frozen {frozen}",
        )
        columns = words("证券,数量,可卖,成本价,现价", "security,volume,can be sold,cost,last")
        table(title, columns.split(","), [_held(row, named) for row in rows], right=(1, 2, 3, 4))


def _book(book: BookRow, name: Callable[[str], str], price: Decimal | None) -> tuple[str, ...]:
    average = (book.cost / book.volume).quantize(Decimal("0.0001")) if book.volume > 0 else None
    gain = None if price is None else (price * book.volume - book.cost).quantize(Decimal("0.01"))
    names = (book.account, book.strategy, name(book.security))
    return (*names, number(book.volume), number(average), number(price), number(gain))


def _held(row: Position, name: Callable[[str], str]) -> tuple[str, ...]:
    return name(row.symbol), number(row.volume), number(row.available), number(row.avg_cost), number(row.last)
