"""`jqfollow drift`: how far each book is from what its strategy asked for, and why."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import click

from jqfollow.cli.base import Command, json_option, print_json, say, settings_option, table, words
from jqfollow.cli.figures import moment, number, word
from jqfollow.cli.names import known_account, known_strategy
from jqfollow.cli.queries import called, read
from jqfollow.clock import SystemClock
from jqfollow.drift.causes import Drift, Line
from jqfollow.drift.memo import DriftMemo
from jqfollow.drift.prices import last_prices
from jqfollow.drift.reading import Key
from jqfollow.drift.words import CAUSES_ZH
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import IN_SHORT
from jqfollow.settings import Settings


@click.command(cls=Command)
@click.argument("strategy", required=False)
@click.option("--account", help="某账户 / of one account")
@click.option("--all", "every", is_flag=True, help="也列出没有偏差的 / those without drift, too")
@json_option
@settings_option
def drift(*, settings: Settings, strategy: str | None, account: str | None, every: bool, as_json: bool) -> None:
    """各策略的目标、持仓与偏差，及每一股偏差的原因。 / Target, book and drift, and the causes that add up to it."""
    rows, last, told = read(settings, lambda tx: _look(tx, settings, strategy, account))
    _refuse_unknown(settings, rows, strategy, account)
    found = [row for row in rows if every or row.drift or row.target is None]
    if as_json:
        print_json([_for_programs(row, last.get(_key(row))) for row in found])
        return
    _say_how_old(told)
    if not found:
        say("没有偏差", "no drift")
        return
    columns = words(
        "账户,策略,证券,目标,持仓,在途,偏差,金额,原因",
        "account,strategy,security,target,book,working,drift,yuan,causes",
    )
    name = called(settings)
    cells = [_cells(row, name(row.security), last.get(_key(row))) for row in found]
    title = words("偏差（正：少于目标）", "Drift (+ is less than the target)")
    table(title, columns.split(","), cells, right=(3, 4, 5, 6, 7), spare=(8, 5, 7, 0))


_Look = tuple[list[Drift], Mapping[Key, Decimal], Mapping[str, datetime | None]]


def _look(tx: Tx, settings: Settings, strategy: str | None, account: str | None) -> _Look:
    """The books, what a share of each is worth, and when the strategies' reports were made."""
    rows = [
        row
        for row in DriftMemo(settings).read(tx)
        if strategy in {None, row.strategy} and account in {None, row.account}
    ]
    names = [name for name in settings.strategies if strategy in {None, name}]
    return rows, last_prices(tx, rows), {name: tx.reports.newest_made(name) for name in names}


def _key(row: Drift) -> Key:
    return row.account, row.strategy, row.security


def _refuse_unknown(settings: Settings, rows: list[Drift], strategy: str | None, account: str | None) -> None:
    """What the configuration does not name any more may have books still."""
    if strategy is not None and not any(row.strategy == strategy for row in rows):
        known_strategy(settings, strategy)
    if account is not None and not any(row.account == account for row in rows):
        known_account(settings, account)


def _say_how_old(told: Mapping[str, datetime | None]) -> None:
    """By which reports the targets were made; one that is old may be wrong."""
    for strategy, at in told.items():
        if at is None:
            say(
                f"{strategy}：没有完整的持仓报告，目标只凭信号",
                f"{strategy}: no whole report, signals alone tell the target",
            )
        else:
            age = f"{(SystemClock().now() - at).total_seconds() / 3600:.1f}"
            say(
                f"{strategy}：持仓报告 {moment(at)}（{age} 小时前）",
                f"{strategy}: report of {moment(at)} ({age} h ago)",
            )


def _yuan(row: Drift, price: Decimal | None) -> Decimal | None:
    return None if row.drift is None or price is None else (row.drift * price).quantize(Decimal("0.01"))


def _for_programs(row: Drift, price: Decimal | None) -> dict[str, object]:
    names: dict[str, object] = {"account": row.account, "strategy": row.strategy, "security": row.security}
    shares = {"target": row.target, "book": row.book, "working": row.working, "drift": row.drift}
    more = {"before": row.before, "missing": row.missing, "reported_at": row.reported_at}
    return {**names, **shares, "yuan": _yuan(row, price), "causes": row.lines, **more}


def _cells(row: Drift, security: str, price: Decimal | None) -> tuple[str, ...]:
    figures = (number(row.target), number(row.book), number(row.working), number(row.drift), number(_yuan(row, price)))
    return row.account, row.strategy, security, *figures, "\n".join(map(_line, row.lines))


def _line(line: Line) -> str:
    reason = "" if line.reason is None else f" {word(IN_SHORT, line.reason)}"
    if line.day is not None:
        reason += words(f" 预计 {line.day} 到账", f" expected {line.day}")
    order = "" if line.signal_id is None else words(f"（信号 {line.signal_id}）", f" (signal {line.signal_id})")
    if line.order_id is not None:
        order = words(f"（订单 {line.order_id}）", f" (order {line.order_id})")
    return f"{number(line.shares)} {words(CAUSES_ZH[line.cause], line.cause)}{reason}{order}"
