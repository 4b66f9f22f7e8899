"""The doctor looks at jqfollow's own parts: configuration, calendar, ledger, keys, WeCom, brokers."""

import asyncio
from collections.abc import Sequence

from jqfollow.cli.doctor.findings import Finding, Surroundings, bad, ok, warn
from jqfollow.cli.doctor.vendor import missing
from jqfollow.domain import AttemptState, Wire
from jqfollow.ledger.errors import LedgerDamagedError, LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.market.calendar import FILE_NAME, CalendarError, load_calendar
from jqfollow.notify.robots import robots_of
from jqfollow.notify.wecom import Delivered, Outcome, make_client
from jqfollow.settings import BrokerName, ConfigError, PaperAccount
from jqfollow.vocabulary import half
from jqfollow.wire.keystore import KeyStore, KeyStoreError
from jqfollow.wire.private_file import is_private


def configuration(around: Surroundings) -> Sequence[Finding]:
    """It could be read; what in it makes little sense."""
    settings = around.settings
    accounts, strategies = len(settings.accounts), len(settings.strategies)
    found = [ok("config", f"{accounts} 个账户，{strategies} 个策略", f"{accounts} accounts, {strategies} strategies")]
    if not settings.strategies:
        zh, en = "没有配置策略，不会接受任何信号", "no strategy: no signal will be taken"
        found.append(warn("strategies", zh, en, "在配置中加 [strategies.名称]", "add [strategies.NAME]"))
    if settings.signals.open_to_others:
        host = settings.signals.host
        zh, en = f"信号端口监听 {host}，其他机器不经隧道就能连到", f"other machines reach the signals port on {host}"
        found.append(warn("signals.host", zh, en, '改为 "127.0.0.1"，用隧道', 'set "127.0.0.1" and use the tunnel'))
    for name, strategy in settings.strategies.items():
        place = f"strategies.{name}"
        if not strategy.follow:
            zh, en = f"策略 {name} 没有跟单账户，只记录", f"strategy {name} is recorded and followed by no account"
            found.append(warn(place, zh, en, f"设置 {place}.follow", f"set {place}.follow"))
        if strategy.wire is Wire.SEED:
            zh, en = (
                f"策略 {name} 用原版客户端，其加密可被破解",
                f"strategy {name} uses the original client, which is weak",
            )
            found.append(warn(place, zh, en, 'wire = "jqf1" 更安全', 'wire = "jqf1" is safe'))
    return found


def calendar(around: Surroundings) -> Sequence[Finding]:
    """The trading days are known."""
    try:
        days = load_calendar(around.settings.data_dir / FILE_NAME)
        last = days.last_covered_day()
    except CalendarError as error:
        return [bad("calendar", error.zh, error.en, f"改正 {FILE_NAME}", f"mend {FILE_NAME}")]
    today = around.clock.now().date()
    warning = days.warning(today)
    if last < today or warning is not None:
        zh, en = warning or (f"交易日历只到 {last}", f"the trading calendar ends on {last}")
        make = bad if last < today else warn
        remedy_zh = f"升级 chinesecalendar，或在 {around.settings.data_dir / FILE_NAME} 中补上"
        return [make("calendar", zh, en, remedy_zh, f"upgrade chinesecalendar, or complete {FILE_NAME}")]
    return [ok("calendar", f"交易日历到 {last}", f"the trading days are known up to {last}")]


def ledger(around: Surroundings) -> Sequence[Finding]:
    """The ledger can be read and is whole; nothing in it waits for a person."""
    path = around.settings.ledger_file
    if not path.exists():
        return [ok("ledger", "还没有账本，首次启动时建立", "there is no ledger yet; the first start makes it")]
    try:
        with Ledger.open(path, read_only=True) as opened:
            unknown, pauses = opened.read_now(
                lambda tx: (
                    [row for row in tx.attempts.live() if row.state is AttemptState.UNKNOWN],
                    tx.pauses.list(),
                )
            )
    except LedgerDamagedError as error:
        remedy = "按上面的步骤恢复备份", "restore a backup as said above"
        return [bad("ledger", error.zh, error.en, *remedy)]
    except LedgerError as error:
        return [bad("ledger", error.zh, error.en, "关闭占用它的程序再试", "close what holds it and try again")]
    found = [ok("ledger", f"账本完好（{path.stat().st_size / 1e6:.1f} MB）", "the ledger can be read and is whole")]
    if unknown:
        zh, en = f"{len(unknown)} 笔委托结果未知", f"the outcome of {len(unknown)} orders is unknown"
        found.append(
            warn("unknown", zh, en, "在券商端核对，到控制台处理", "look at the broker, settle them in the console")
        )
    if pauses:
        zh, en = f"有 {len(pauses)} 个暂停", f"{len(pauses)} pauses stand"
        found.append(warn("pauses", zh, en, "恢复用 jqfollow resume", "jqfollow resume ends them"))
    return found


def keys(around: Surroundings) -> Sequence[Finding]:
    """Every `jqf1` strategy has a key, and nobody else can read them."""
    path = around.settings.keys_file
    if not path.exists():
        return [ok("keys", "还没有密钥，首次启动时生成", "there are no keys yet; the first start makes them")]
    was_private = is_private(path)  # opening mends it
    try:
        store = KeyStore.open(path)
    except KeyStoreError as error:
        return [
            bad("keys", str(error), str(error), "恢复备份，或删除后重新生成并更换客户端", "restore it from a backup")
        ]
    found = [ok("keys", f"{len(store.strategies())} 个密钥", f"{len(store.strategies())} keys")]
    if was_private is False:
        zh, en = (
            f"{path} 原本能被其他用户读取，已改为只有本人可读",
            f"other users could read {path}; they cannot any more",
        )
        remedy = "怀疑泄露就用 jqfollow keys rotate 更换", "rotate the keys if in doubt: jqfollow keys rotate"
        found.append(warn("keys", zh, en, *remedy))
    return found


def notify(around: Surroundings) -> Sequence[Finding]:
    """The addresses of WeCom and of other channels are usable; with `--send-test`, each is sent a message."""
    settings = around.settings.notify
    if not settings.wecom.keys and not settings.channels:
        zh, en = "没有配置通知，出问题时不会告诉你", "nobody is told when something is wrong"
        return [warn("notify", zh, en, "设置 notify.wecom.keys", "set notify.wecom.keys")]
    try:
        outcomes = asyncio.run(_robots(around))
    except ConfigError as error:
        return [bad("notify", str(error), str(error), "改正 [notify]", "mend [notify]")]
    if not around.send_test:
        names = "、".join(outcomes)
        return [
            ok(
                "notify",
                f"{len(outcomes)} 个通知渠道（--send-test 试发）：{names}",
                f"{len(outcomes)} channels: {names}",
            )
        ]
    found = []
    for name, outcome in outcomes.items():
        if isinstance(outcome, Delivered):
            found.append(ok("notify", f"{name}：已试发", f"{name}: a test message was taken"))
        else:
            why = outcome.why if outcome else ""
            zh, en = f"{name} 发送失败：{half(why, 'zh')}", f"{name} failed: {half(why, 'en')}"
            found.append(bad("notify", zh, en, "检查地址、密钥和网络", "check the address, the key and the network"))
    return found


async def _robots(around: Surroundings) -> dict[str, Outcome | None]:
    async with make_client() as client:
        robots = robots_of(around.settings.notify, client)
        if not around.send_test:
            return {robot.name: None for robot in robots}
        text = "jqfollow 测试消息：收到说明通知正常"
        return {robot.name: await robot.send(text) for robot in robots}


def brokers(around: Surroundings) -> Sequence[Finding]:
    """The paper accounts; `miniqmt` looks at the real ones."""
    accounts = around.settings.accounts
    found: list[Finding] = []
    for name, account in accounts.items():
        place = f"accounts.{name}"
        if isinstance(account, PaperAccount) and account.quotes == "xtdata":
            found.append(
                missing(place, "真实行情", "real quotes")
                or ok(place, "模拟盘，MiniQMT 的真实行情", "paper trading on MiniQMT's quotes")
            )
        elif isinstance(account, PaperAccount):
            found.append(ok(place, "模拟盘，模拟行情", "paper trading on simulated quotes"))
    if all(account.broker is BrokerName.PAPER for account in accounts.values()):
        found.append(ok("accounts", "没有实盘账户，不会动用真实资金", "no real account: no real money is touched"))
    return found


def paper_cash(around: Surroundings) -> Sequence[Finding]:
    """A paper account without money fills nothing."""
    return [
        warn(
            f"accounts.{name}.cash",
            f"模拟账户 {name} 没有资金",
            f"paper account {name} has no cash",
            f"设置 accounts.{name}.cash",
            f"set accounts.{name}.cash",
        )
        for name, account in around.settings.accounts.items()
        if isinstance(account, PaperAccount) and not account.cash
    ]
