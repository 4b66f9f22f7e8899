"""`jqfollow drift`: how far each book is from what its strategy asked for, and why."""

from decimal import Decimal

import click

from jqfollow.cli.base import Command, json_option, print_json, say, settings_option, table, words
from jqfollow.cli.figures import moment, number
from jqfollow.cli.queries import read
from jqfollow.clock import SystemClock
from jqfollow.drift.causes import Drift, Line
from jqfollow.drift.reading import drifts
from jqfollow.drift.words import CAUSES_ZH
from jqfollow.settings import Settings


@click.command(cls=Command)
@click.argument("strategy", required=False)
@click.option("--account", help="某账户 / of one account")
@click.option("--all", "every", is_flag=True, help="也列出没有偏差的 / those without drift, too")
@json_option
@settings_option
def drift(*, settings: Settings, strategy: str | None, account: str | None, every: bool, as_json: bool) -> None:
    """各策略的目标、持仓与偏差，及每一股偏差的原因。 / Target, book and drift, and the causes that add up to it."""
    found = read(settings, lambda tx: drifts(tx, settings, strategy=strategy, account=account))
    found = [row for row in found if every or row.drift or row.target is None]
    prices = read(settings, lambda tx: {name: tx.snapshots.latest(name) for name in {row.account for row in found}})
    last = {(name, held.symbol): held.last for name, of in prices.items() if of is not None for held in of[2]}
    if as_json:
        print_json([_for_programs(row, last.get((row.account, row.security))) for row in found])
        return
    if not found:
        say("没有偏差", "no drift")
        return
    columns = words(
        "账户,策略,证券,目标,持仓,在途,偏差,金额,原因",
        "account,strategy,security,target,book,working,drift,yuan,causes",
    )
    cells = [_cells(row, last.get((row.account, row.security))) for row in found]
    title = words("偏差（正：少于目标）", "Drift (+ is less than the target)")
    table(title, columns.split(","), cells, right=(3, 4, 5, 6, 7))
    _say_how_old(found)


def _say_how_old(found: list[Drift]) -> None:
    """By which reports the targets were made; one that is old may be wrong."""
    told = {row.strategy: row.reported_at for row in found}
    for strategy, at in sorted(told.items()):
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


def _cells(row: Drift, price: Decimal | None) -> tuple[str, ...]:
    figures = (number(row.target), number(row.book), number(row.working), number(row.drift), number(_yuan(row, price)))
    return row.account, row.strategy, row.security, *figures, "\n".join(map(_line, row.lines))


def _line(line: Line) -> str:
    reason = "" if line.reason is None else f" {line.reason}"
    if line.day is not None:
        reason += words(f" 预计 {line.day} 到账", f" expected {line.day}")
    order = "" if line.signal_id is None else words(f"（信号 {line.signal_id}）", f" (signal {line.signal_id})")
    if line.order_id is not None:
        order = words(f"（委托 {line.order_id}）", f" (order {line.order_id})")
    return f"{number(line.shares)} {words(CAUSES_ZH[line.cause], line.cause)}{reason}{order}"
