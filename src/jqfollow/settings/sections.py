"""The sections of `config.toml` as models, and what is possible in each."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path, PureWindowsPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from jqfollow.domain import FollowMode, Wire
from jqfollow.meant import closest
from jqfollow.settings.guesses import is_guessed
from jqfollow.settings.policy import AccountRisk, ExecutionSettings, RiskSettings, StrategyExecution, StrategyRisk
from jqfollow.settings.values import AnyPath, ClockTime, Host, Limit, Money, Name, Port, Ratio, Section

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _loopback(host: str) -> str:
    if host not in _LOOPBACK:
        raise ValueError(
            '控制台只给本机用，只能是 "127.0.0.1"、"::1" 或 "localhost" / '
            'the console is for this machine only: "127.0.0.1", "::1" or "localhost"'
        )
    return host


def _local_folder(path: Path) -> Path:
    if not (path.is_absolute() or PureWindowsPath(path).is_absolute()):
        raise ValueError(f"{str(path)!r} 应写完整路径 / an absolute path is expected")
    if str(path).startswith(("\\\\", "//")):
        raise ValueError(
            f"{str(path)!r} 在网络上，应为本机硬盘上的文件夹 / is on a network, a local folder is expected"
        )
    return path


class SignalsSettings(Section):
    """`[signals]`: the only port that may be reachable from outside."""

    host: Host = "127.0.0.1"
    port: Port = 8888
    max_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600

    @property
    def open_to_others(self) -> bool:
        """Whether other machines reach it without a tunnel."""
        with contextlib.suppress(ValueError):
            return not ip_address(self.host).is_loopback
        return self.host not in _LOOPBACK


class ConsoleSettings(Section):
    """`[console]`: docs page, dashboard, manual orders, queries, for this machine only."""

    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    port: Port = 8000


class BrokerName(StrEnum):
    """`broker` of an account."""

    PAPER = "paper"
    QMT = "qmt"
    FULLQMT = "fullqmt"


class PaperAccount(Section):
    """`[accounts.NAME]` with `broker = "paper"`."""

    broker: Literal[BrokerName.PAPER]
    cash: Money = Decimal(1_000_000)
    hours: Literal["always", "exchange"] = "always"
    quotes: Literal["simulated", "xtdata"] = "simulated"
    risk: AccountRisk = AccountRisk()


class RealAccount(Section):
    """What every `[accounts.NAME]` with real money has, whatever terminal leads to it."""

    account_id: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[0-9A-Za-z]+$")]
    account_type: Literal["STOCK", "CREDIT"] = "STOCK"
    risk: AccountRisk = AccountRisk()


class QmtAccount(RealAccount):
    """`[accounts.NAME]` with `broker = "qmt"`: MiniQMT."""

    broker: Literal[BrokerName.QMT]
    qmt_path: AnyPath


class FullQmtAccount(RealAccount):
    """`[accounts.NAME]` with `broker = "fullqmt"`: the full terminal, by a file pasted into it."""

    broker: Literal[BrokerName.FULLQMT]
    mailbox: Annotated[AnyPath, AfterValidator(_local_folder)]


Account = Annotated[PaperAccount | QmtAccount | FullQmtAccount, Field(discriminator="broker")]


class Follow(Section):
    """One of: ratio of the strategy's amount, yuan an order, shares an order, or yuan of the strategy's total value."""

    ratio: Ratio | None = None
    value: Limit | None = None
    shares: Annotated[int, Field(gt=0, le=100_000_000)] | None = None
    equity: Limit | None = None
    capital: Limit | None = None
    """Beside one of them: most that the strategy may have invested in the account, yuan."""

    @model_validator(mode="before")
    @classmethod
    def _bare_ratio(cls, value: object) -> object:
        if isinstance(value, bool | str):
            raise ValueError(  # noqa: TRY004  # pydantic wants ValueError
                "应为 0.5 这样的比例，或 { value = 20000 }、{ shares = 500 }、{ equity = 300000 } / "
                "a ratio such as 0.5, or { value = 20000 }, { shares = 500 }, { equity = 300000 } is expected"
            )
        return {"ratio": value} if isinstance(value, int | float | Decimal) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [m for m in FollowMode if getattr(self, m) is not None]
        if len(given) != 1:
            raise ValueError("ratio、value、shares、equity 必须恰好写一个 / exactly one of them is expected")
        return self

    @property
    def mode(self) -> FollowMode:
        """Which of the four it is."""
        return next(m for m in FollowMode if getattr(self, m) is not None)

    @property
    def figure(self) -> Decimal:
        """The number of its mode."""
        return Decimal(getattr(self, self.mode))


class CatchUp(StrEnum):
    """`catch_up` of a strategy: causes of what an order left."""

    ROUNDING = "rounding"
    UNFILLED = "unfilled"
    REFUSED = "refused"
    CASH = "cash"
    MISSED = "missed"
    """Messages that came too late, and those that never arrived, as a report of the strategy shows."""


class Strategy(Section):
    """`[strategies.NAME]`."""

    title: Annotated[str, Field(max_length=64)] = ""
    follow: dict[str, Follow] = Field(default_factory=dict)
    wire: Literal[Wire.JQF1, Wire.SEED] = Wire.JQF1
    secret: SecretStr | None = None
    accept_weak_wire: bool = False
    backtest: Literal["paper", "reject"] = "paper"
    catch_up: Annotated[frozenset[Annotated[CatchUp, Field(strict=False)]], Field(strict=False)] = frozenset(
        {CatchUp.ROUNDING}
    )
    """What was left by these causes rides on the next signal of the same code and direction."""
    start: Literal["flat", "match", "adopt"] = "flat"
    """What of that which the strategy held before following began belongs to the target: nothing; all, to be bought;
    all, to be found among the account's own shares."""
    execution: StrategyExecution = StrategyExecution()
    risk: StrategyRisk = StrategyRisk()

    @field_validator("catch_up")
    @classmethod
    def _rounding_is_always_carried(cls, causes: frozenset[CatchUp]) -> frozenset[CatchUp]:
        if CatchUp.ROUNDING not in causes:
            raise ValueError('"rounding" 总是结转，不能去掉 / what rounding leaves is always carried: keep "rounding"')
        return causes

    @model_validator(mode="after")
    def _seed_tells_no_total_value(self) -> Self:
        if self.wire is Wire.SEED and any(follow.equity is not None for follow in self.follow.values()):
            raise ValueError(
                'wire = "seed" 的消息里没有策略总资产，不能用 equity，请改用比例 / '
                "the original client tells no total value: follow by ratio instead of equity"
            )
        return self

    @model_validator(mode="after")
    def _secret_goes_with_seed(self) -> Self:
        if self.wire is Wire.SEED and (self.secret is None or not self.secret.get_secret_value()):
            raise ValueError(
                'wire = "seed" 要写 secret = "…"，即原客户端里的密码 / '
                'needs secret = "…", the password of the original client'
            )
        if self.wire is Wire.JQF1 and self.secret is not None:
            raise ValueError(
                'secret 只用于 wire = "seed"；"jqf1" 的密钥在 keys.toml / '
                'secret goes with wire = "seed" only; keys of "jqf1" live in keys.toml'
            )
        return self

    @model_validator(mode="after")
    def _secret_is_no_guess(self) -> Self:
        secret = "" if self.secret is None else self.secret.get_secret_value()
        if secret and is_guessed(secret):
            raise ValueError(
                "secret 太容易猜：至少 6 个字符、4 个不同的，不能只是 10 个以下的数字、连续的键或常见词加数字；"
                "原客户端里的密码要一起改 / secret is too easy to guess: at least 6 characters, 4 different ones, and "
                "not only less than 10 digits, a row of keys, or a common word with digits; change the password in "
                "the original client as well"
            )
        return self


def _wecom_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9A-Za-z-]{8,64}|https?://\S+", key.get_secret_value()):
        raise ValueError("应为机器人的 key 或完整的 Webhook 地址 / a robot's key, or its whole webhook address")
    return key


def _channel_url(url: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[a-z][a-z0-9+-]{1,30}://\S+", url.get_secret_value()):
        raise ValueError(
            "应为 dingtalk://…、lark://…、schan://…、mailtos://… 这样的地址 / "
            "an address such as dingtalk://…, lark://…, schan://… or mailtos://…"
        )
    return url


QuietKind = Literal[
    "account_up", "heartbeat", "order_done", "order_refused", "order_waiting", "picture", "remainder",
    "signal_refused", "started", "stopped", "summary",
]  # fmt: skip
"""What `notify.quiet` may name; the urgent kinds cannot be silenced."""


class WecomSettings(Section):
    """`[notify.wecom]`: robot keys or whole webhook addresses."""

    keys: Annotated[tuple[Annotated[SecretStr, AfterValidator(_wecom_key)], ...], Field(strict=False)] = ()


class ChannelSettings(Section):
    """`[notify.NAME]`: addresses as the library `apprise` writes them."""

    urls: Annotated[tuple[Annotated[SecretStr, AfterValidator(_channel_url)], ...], Field(strict=False, min_length=1)]


class NotifySettings(Section):
    """`[notify]`; sections of other names are channels beside WeCom."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[Name, ChannelSettings] = Field(init=False)

    heartbeat_at: ClockTime = time(9, 0)
    summary_at: ClockTime = time(15, 5)
    quiet: Annotated[tuple[QuietKind, ...], Field(strict=False)] = ()
    gather_s: Annotated[float, Field(ge=0, le=3600, strict=False)] = 0
    remainders_s: Annotated[float, Field(ge=0, le=86_400, strict=False)] = 300
    wecom: WecomSettings = WecomSettings()

    @property
    def channels(self) -> dict[str, ChannelSettings]:
        """By the names of their sections."""
        return dict(self.__pydantic_extra__ or {})

    @model_validator(mode="before")
    @classmethod
    def _only_sections_are_channels(cls, data: object) -> object:
        """A mistyped key is no channel."""
        for key, value in data.items() if isinstance(data, Mapping) else ():
            if key not in cls.model_fields and not isinstance(value, Mapping):
                close = closest(str(key), cls.model_fields)
                hint = f"，是不是 {close}？ / unknown key, did you mean {close}?" if close else " / unknown key"
                raise ValueError(f"没有这个配置项 {key}{hint}")
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Two parts, each possible by itself, that are not so together."""

    path: tuple[str, ...]
    what: str


def misfits(
    *,
    accounts: Mapping[str, Account],
    known: Iterable[str],
    strategies: Mapping[str, Strategy],
    signals: SignalsSettings | None,
    console: ConsoleSettings | None,
) -> list[Misfit]:
    """All that does not fit together.

    Args:
        accounts: the accounts that are possible by themselves.
        known: the names of all accounts.
        strategies: the strategies that are possible by themselves.
        signals: `None` when it is not possible by itself.
        console: the same.
    """
    found = [*_alike("accounts", known), *_alike("strategies", strategies), *_twice(accounts)]
    for name, strategy in strategies.items():
        found += _unknown_followers(name, strategy, list(known))
        found += _weak_wire(name, strategy, accounts, signals)
        found += _named_like_itself(name, strategy)
    if signals and console and signals.port == console.port != 0:
        what = f"signals.port、console.port 都是 {console.port}：两个端口不能相同 / the two ports must differ"
        found.append(Misfit(path=("console", "port"), what=what))
    return found


def _named_like_itself(name: str, strategy: Strategy) -> Iterator[Misfit]:
    if strategy.secret is not None and is_guessed(strategy.secret.get_secret_value(), name, strategy.title or ""):
        what = "secret 就是策略自己的名字，太容易猜 / secret is the strategy's own name: too easy to guess"
        yield Misfit(path=("strategies", name, "secret"), what=what)


def _alike(section: str, names: Iterable[str]) -> Iterator[Misfit]:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            what = f"{section}.{other} 与 {section}.{name} 只有大小写不同 / differ in case only"
            yield Misfit(path=(section, name), what=what)


def _twice(accounts: Mapping[str, Account]) -> Iterator[Misfit]:
    seen: dict[tuple[str, str], str] = {}
    for name, account in accounts.items():
        if isinstance(account, RealAccount):
            other = seen.setdefault((account.account_id, account.account_type), name)
            if other != name:
                what = f"同一个 account_id 配置了两次，另见 accounts.{other} / the same account_id stands there twice"
                yield Misfit(path=("accounts", name, "account_id"), what=what)


def _unknown_followers(name: str, strategy: Strategy, known: Sequence[str]) -> Iterator[Misfit]:
    for account in strategy.follow:
        if account not in known:
            close = closest(account, known)
            hint_zh, hint_en = (f"，是不是 {close}？", f", did you mean {close}?") if close else ("；", ";")
            names = ", ".join(sorted(known)) or "无 / none"
            what = f"没有账户 {account!r}{hint_zh}已配置：{names} / no such account{hint_en} known: {names}"
            yield Misfit(path=("strategies", name, "follow", account), what=what)


def _weak_wire(
    name: str, strategy: Strategy, accounts: Mapping[str, Account], signals: SignalsSettings | None
) -> Iterator[Misfit]:
    """One captured message of the original client gives away its key: nothing of value follows it unawares."""
    if strategy.wire is not Wire.SEED or strategy.accept_weak_wire:
        return
    real = next((a for a in strategy.follow if isinstance(accounts.get(a), RealAccount)), None)
    if real is not None:
        why = f"跟单实盘账户 {real}", f"follows the real account {real}"
    elif signals is not None and signals.open_to_others:
        why = f"而信号端口对外开放（signals.host = {signals.host}）", f"listens on {signals.host}"
    else:
        return
    what = (
        f'wire = "seed" {why[0]}，但截获一条消息就能冒充它下单。请改用 "jqf1"；'
        f"知道后果仍要用，就在这一节写 accept_weak_wire = true / "
        f'wire = "seed" {why[1]}, yet whoever captures one message can order in its name: use "jqf1", or say '
        "accept_weak_wire = true in this section"
    )
    yield Misfit(path=("strategies", name), what=what)


class Settings(Section):
    """The whole configuration."""

    data_dir: AnyPath = Path("data")
    signals: SignalsSettings = SignalsSettings()
    console: ConsoleSettings = ConsoleSettings()
    accounts: dict[Name, Account] = Field(default_factory=dict)
    strategies: dict[Name, Strategy] = Field(default_factory=dict)
    execution: ExecutionSettings = ExecutionSettings()
    risk: RiskSettings = RiskSettings()
    notify: NotifySettings = NotifySettings()

    @property
    def ledger_file(self) -> Path:
        """What happened, on disk."""
        return self.data_dir / "ledger.sqlite3"

    @property
    def keys_file(self) -> Path:
        """The keys of `jqf1` strategies."""
        return self.data_dir / "keys.toml"

    @property
    def logs_dir(self) -> Path:
        """The folder of the log files."""
        return self.data_dir / "logs"

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        found = misfits(
            accounts=self.accounts,
            known=self.accounts,
            strategies=self.strategies,
            signals=self.signals,
            console=self.console,
        )
        if found:
            raise ValueError("\n".join(f"{'.'.join(misfit.path)}: {misfit.what}" for misfit in found))
        return self
