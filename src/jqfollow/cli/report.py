"""`jqfollow report`: what following cost and brought, as one page."""

from datetime import date, timedelta
from pathlib import Path

import click

from jqfollow.cli.base import Command, Day, fail, say, settings_option, words
from jqfollow.cli.names import known_strategy
from jqfollow.cli.queries import read
from jqfollow.clock import SystemClock
from jqfollow.costs.reading import read_period
from jqfollow.settings import Settings
from jqfollow.wire.private_file import write_private

_DAYS = timedelta(days=30)


@click.command(cls=Command)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--strategy", help="某策略 / of one strategy")
@click.option("--from", "first", type=Day(), help="从某日 / from this day on; 30 days before the last")
@click.option("--to", "last", type=Day(), help="到某日 / to this day; today")
@settings_option
def report(file: Path, *, settings: Settings, strategy: str | None, first: date | None, last: date | None) -> None:
    """写出跟单报告（一个网页文件，可离线看、可打印）。 / Writes a page of what following cost and brought."""
    if strategy is not None:
        known_strategy(settings, strategy)
    last = last or SystemClock().now().date()
    first = first or last - _DAYS
    if first > last:
        raise click.BadParameter(f"{first} 晚于 {last} / is later than {last}", param_hint="--from")
    try:
        from jqfollow.costs.page import page
    except ModuleNotFoundError as error:
        fail(
            words(
                f'画图缺少 {error.name}：pip install "jqfollow[report]"',
                f'{error.name} is missing, which draws the plots: pip install "jqfollow[report]"',
            )
        )
    period, names = read(
        settings,
        lambda tx: (read_period(tx, settings, first, last, strategy=strategy), tx.security_names.all()),
    )
    titles = {name: of.title for name, of in settings.strategies.items()}
    try:
        write_private(file, page(period, titles=titles, names=names).encode())
    except OSError as error:
        fail(words(f"{file} 写不了：{error}", f"{file} cannot be written: {error}"))
    say(f"已写入 {file}：{len(period.orders)} 笔", f"{file} is written: {len(period.orders)} orders")
