"""`jqfollow probe`: asks, measures, and writes the page."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import httpx

from jqfollow.cli.base import Command, fail, say, settings_option, words
from jqfollow.cli.doctor.findings import Surroundings
from jqfollow.cli.doctor.real import SYMBOL, connected, real_accounts
from jqfollow.cli.lock import is_running
from jqfollow.cli.names import unknown
from jqfollow.cli.probe.lags import LONGEST_S
from jqfollow.cli.probe.measures import Found, Probe
from jqfollow.cli.probe.page import page
from jqfollow.clock import Clock, SystemClock
from jqfollow.domain import BrokerError, Phase
from jqfollow.market.calendar import CalendarError, TradingCalendar
from jqfollow.market.sessions import phase_at
from jqfollow.settings import RealAccount, Settings

if TYPE_CHECKING:
    from jqfollow.execution.brokers.port import Broker


_REAL = "实盘账户", "real account"


@click.command(cls=Command)
@click.argument("account", required=False)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="probe.md",
    show_default=True,
    help="写到哪个文件 / where the page goes",
)
@click.option("--no-restart", is_flag=True, help="不测终端重启 / without a restart of the terminal")
@settings_option
def probe(*, settings: Settings, account: str | None, output: Path, no_restart: bool) -> None:
    """实盘测量券商的延迟、备注、编号和状态码，写成可以发给别人的一页。 / Measures your counter, for a page to send."""
    with httpx.Client(trust_env=False) as http:
        around = Surroundings(settings=settings, clock=SystemClock(), http=http)
        name = _account(around, account)
        why = why_not(around)
        if why is not None:
            fail(words(*why))
        if not _agreed(name):
            say("没有下单", "nothing was placed")
            return
        restarted = None if no_restart else _restarted
        text, found = measured(around, name, restarted=restarted)
    output.write_text(text, encoding="utf-8", newline="\n")
    say(
        f"已写入 {output}：里面没有账号、姓名和金额，发出前可以打开看一遍",
        f"written to {output}: no account, name or amount stands in it; look through it before you send it",
    )
    if found.doubtful:
        remarks = "、".join(found.doubtful)
        zh = f"没有看到测试委托撤单成功，请在交易终端核对并撤销：{remarks}"
        fail(words(zh, f"test orders may still stand, look for them in the terminal and cancel them: {remarks}"))


def why_not(around: Surroundings) -> tuple[str, str] | None:
    """Why nothing can be measured now, in both languages; `None`: it can."""
    if is_running(around.settings.data_dir) is not None:
        return "服务正在运行，请先停止服务再测", "the service runs: stop it first"
    now = around.clock.now()
    try:
        trades = TradingCalendar().is_trading_day(now.date())
    except CalendarError:
        trades = False
    if not trades or phase_at(now) is not Phase.CONTINUOUS:
        return (
            f"{now:%m-%d %H:%M} 不在连续交易时段，请在交易日 9:30-11:30 或 13:00-14:57 再测",
            "not in continuous trading: try again in trading hours",
        )
    return None


def measured(
    around: Surroundings,
    name: str,
    *,
    restarted: Callable[[], bool] | None,
    longest_s: float = LONGEST_S,
) -> tuple[str, Found]:
    """The page, and what it is made of.

    Args:
        around: the configuration and the clock.
        name: of the account.
        restarted: has the terminal restarted, and tells whether it was; `None`: it is not.
        longest_s: how long each thing is waited for.

    Raises:
        BrokerDownError: the account cannot be reached.
    """
    run = _Run(around.clock, longest_s)
    with connected(around, name, run.prepare):
        found = run.probe.run()
    if restarted is not None and found.buy is not None and restarted():
        try:
            with connected(around, name, run.prepare) as broker:
                run.probe.use(broker)
                run.probe.compare_ids()
        except BrokerError as error:
            found.not_measured.append(f"restart: {error}")
    account = real_accounts(around)[name]
    secrets = [name, account.account_id, *_folders(account)]
    return page(found, kind=str(account.broker), now=around.clock.now(), secrets=secrets), found


class _Run:
    """Sets a broker up for measuring before it is connected."""

    def __init__(self, clock: Clock, longest_s: float) -> None:
        self._clock = clock
        self._longest_s = longest_s
        self._probe: Probe | None = None

    @property
    def probe(self) -> Probe:
        if self._probe is None:
            raise RuntimeError("not connected yet")
        return self._probe

    def prepare(self, broker: "Broker") -> None:
        from jqfollow.execution.brokers.miniqmt.broker import QmtBroker  # slow: the brokers
        from jqfollow.execution.brokers.miniqmt.raw import RawCodes

        if isinstance(broker, QmtBroker):
            broker.raw_codes = RawCodes()
        self._probe = self._probe or Probe(broker, self._clock, longest_s=self._longest_s)
        broker.events(self._probe.hear)


def _folders(account: RealAccount) -> list[str]:
    return [str(value) for value in account.model_dump().values() if isinstance(value, Path)]


def _account(around: Surroundings, name: str | None) -> str:
    known = real_accounts(around)
    if name is None and len(known) == 1:
        return next(iter(known))
    if name not in known:
        if name is None:
            names = ", ".join(known) or "-"
            raise click.BadParameter(f"请指定一个实盘账户 / name a real account: {names}")
        raise unknown(_REAL, name, known)
    return name


def _agreed(name: str) -> bool:
    zh = (
        f"账户 {name}：真实买入一手 {SYMBOL}（跌停价）、卖出一手已有持仓（涨停价），各自随后撤单，"
        "再报一笔注定被拒的卖单（没有持仓的证券）。都不会成交，继续吗？"
    )
    en = (
        f"account {name}: really buys a lot of {SYMBOL} at the lower limit and offers a lot of what is held at the "
        "upper limit, cancels both, and offers what is not held, to be refused. Nothing can fill. Go on?"
    )
    return click.confirm(words(zh, en), default=False, err=True)


def _restarted() -> bool:
    zh = "请关闭并重新登录交易终端，完成后输入 y（跳过输入 n）"
    en = "close the terminal, start it and log in again, then answer y (n: leave this out)"
    return click.confirm(words(zh, en), default=False, err=True)
