"""`jqfollow demo`: a JoinQuant trading day through the real port, with the real client, on the paper broker."""

import asyncio
import os
import tempfile
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jqfollow.cli.base import Command, Exit, words
from jqfollow.clock import SHANGHAI, SystemClock
from jqfollow.market.securities import parse_security
from jqfollow.settings import Account, PaperAccount, Settings, parse_settings

if TYPE_CHECKING:
    from jqfollow.cli.demo.play import Play
    from jqfollow.execution.brokers.port import Broker

STRATEGY = "demo"
ACCOUNT = "paper"


def demo_settings(folder: Path) -> Settings:
    """A practice account that gives up quickly, on free ports."""
    return parse_settings(
        {
            "data_dir": str(folder),
            "signals": {"port": 0},
            "console": {"port": 0},
            "accounts": {ACCOUNT: {"broker": "paper"}},
            "strategies": {STRATEGY: {"title": "演示策略", "follow": {ACCOUNT: 0.5}}},
            "execution": {"cancel_after_s": 1, "force_after": 2, "max_attempts": 3},
        },
        source="demo",
        environ={},
    )


async def _play(console: Console, folder: Path) -> "Play":
    from jqfollow.cli.demo import play as acts
    from jqfollow.cli.demo.stage import Stage
    from jqfollow.execution.brokers.paper.broker import PaperBroker
    from jqfollow.market.calendar import TradingCalendar
    from jqfollow.service import Service

    clock = SystemClock()
    brokers: list[PaperBroker] = []

    def make(name: str, account: Account) -> "Broker":
        cash = account.cash if isinstance(account, PaperAccount) else Decimal(0)
        broker = PaperBroker(
            name=name,
            path=folder / "paper.jsonl",
            clock=clock,
            cash=cash,
            hours="always",
            calendar=TradingCalendar(),
            pulse_s=None,  # the market moves only when the play wants it to
        )
        brokers.append(broker)
        return broker

    service = Service(demo_settings(folder), clock=clock, make_broker=make)
    today = clock.now().date()
    async with service:
        first = datetime.combine(today, time(9, 35), SHANGHAI)
        stage = Stage(
            url=service.signals_url,
            key_text=service.keys.keys(STRATEGY)[0].text,
            strategy=STRATEGY,
            day=first,
            log=lambda text: console.print(Text(f"       {words('聚宽日志', 'JoinQuant log')}  {text}", style="dim")),
        )
        play = acts.Play(service=service, stage=stage, broker=brokers[0], console=console)
        addresses = f"{words('信号端口', 'signals')} {service.signals_url}"
        play.say(f"{addresses}   {words('控制台', 'console')} {service.console_url}", "dim")
        await asyncio.to_thread(stage.start)
        for minutes, act in enumerate(acts.ACTS):
            stage.now = first + timedelta(minutes=7 * minutes)
            await act(play)
        await acts.replayed(play, clock)
        await asyncio.to_thread(stage.after_close)
        stage.next_day(first + timedelta(days=1))
        await acts.sell_out(play)
        books = await service.ledger.read(lambda tx: tx.books.list(account=ACCOUNT, strategy=STRATEGY))
        sold_out = {parse_security(security).symbol for security in acts.SOLD_OUT}
        play.told(
            words("次日收盘时的账本", "the books at the end"),
            words("清仓的证券为零", "zero for what was sold out"),
            ", ".join(f"{b.security} {b.volume}" for b in books) or words("空", "empty"),
            right=not any(b.security in sold_out for b in books),
        )
        return play


def _table(play: "Play") -> Table:
    table = Table(title=words("这一天", "The day"), title_justify="left", header_style="bold")
    for name in (words("发生了什么", "what happened"), words("应当", "expected"), words("实际", "found"), ""):
        table.add_column(name)
    for what, expected, found, right in play.rows:
        table.add_row(what, expected, found, Text("✓" if right else "✗", style="green" if right else "red"))
    return table


@click.command(cls=Command)
def demo() -> None:
    """演示：用真实端口和真实客户端走完一个聚宽交易日（模拟盘） / plays a JoinQuant trading day on the paper broker."""
    console = Console(markup=False, highlight=False, emoji=False)
    heading = words(
        "一个聚宽策略下单，jqfollow 按 0.5 的比例在模拟盘上跟单。不碰真实账户，不留文件。",
        "A JoinQuant strategy trades; jqfollow follows at 0.5 on a paper account. No real account, no files left.",
    )
    console.print(Panel(heading, title="jqfollow demo", title_align="left", expand=False))
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory(prefix="jqfollow-demo-", ignore_cleanup_errors=True) as folder:
        os.environ["JQF_STATE"] = str(Path(folder) / "state")  # nothing of it is left anywhere
        play = asyncio.run(_play(console, Path(folder)))
    console.print()
    console.print(_table(play))
    wrong = [row for row in play.rows if not row[3]]
    if wrong:
        console.print(
            Text(words(f"有 {len(wrong)} 项不符", f"{len(wrong)} rows are not as expected"), style="bold red")
        )
        raise click.exceptions.Exit(Exit.FAILED)
    console.print(
        Text(words("全部符合。下一步：jqfollow serve", "All as expected. Next: jqfollow serve"), style="bold green")
    )
