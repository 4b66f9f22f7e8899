"""The sections of `config.toml` as models, and what is possible in each.

TOML's types are taken as they are: the text "8888" is no port and `true` is no ratio.
"""

import contextlib
import re
from collections.abc import Iterable
from datetime import time
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path, PureWindowsPath
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from jqfollow.domain import Board, FollowMode, Wire
from jqfollow.settings.guesses import is_guessed

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_WINDOWS_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"名称 {text!r} 只能用 1 到 64 个 A-Z a-z 0-9 . _ -，不能以 . 或 - 开头、以 . 结尾（中文名写在 title）"
            " / a name is 1 to 64 of A-Z a-z 0-9 . _ -, does not begin with . or - and does not end with ."
        )
    if _WINDOWS_DEVICES.fullmatch(text):
        raise ValueError(f"名称 {text!r} 是 Windows 的保留名 / is a device's name on Windows")
    return text


def _clock_time(value: object) -> object:
    if isinstance(value, str):
        if not _CLOCK_TIME.fullmatch(value):
            raise ValueError(f'{value!r} 不是 "09:00" 这样的时刻 / a time such as "09:00" is expected')
        return time.fromisoformat(value)
    return value


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


def _no_text(value: object) -> object:
    if isinstance(value, str | bool):
        kind = ("文字", "a text") if isinstance(value, str) else ("布尔值", "a boolean")
        raise ValueError(  # noqa: TRY004  # pydantic wants ValueError
            f"写成了{kind[0]}，应为不带引号的数 / is {kind[1]}, a number without quotes is expected"
        )
    return value


Name = Annotated[str, AfterValidator(_name)]
ClockTime = Annotated[time, BeforeValidator(_clock_time)]
Host = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S+$")]
Port = Annotated[int, Field(ge=0, le=65535)]
Money = Annotated[
    Decimal, Field(strict=False, ge=0, le=Decimal("1e12"), allow_inf_nan=False), BeforeValidator(_no_text)
]
Limit = Annotated[
    Decimal, Field(strict=False, gt=0, le=Decimal("1e12"), allow_inf_nan=False), BeforeValidator(_no_text)
]
Ratio = Annotated[Decimal, Field(strict=False, gt=0, le=1000, allow_inf_nan=False), BeforeValidator(_no_text)]
Share = Annotated[Decimal, Field(strict=False, gt=0, le=1, allow_inf_nan=False), BeforeValidator(_no_text)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
AnyPath = Annotated[Path, Field(strict=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class SignalsSettings(_Section):
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


class ConsoleSettings(_Section):
    """`[console]`: docs page, dashboard, manual orders, queries, for this machine only."""

    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    port: Port = 8000


class BrokerName(StrEnum):
    """`broker` of an account."""

    PAPER = "paper"
    QMT = "qmt"
    FULLQMT = "fullqmt"


class PaperAccount(_Section):
    """`[accounts.NAME]` with `broker = "paper"`."""

    broker: Literal[BrokerName.PAPER]
    cash: Money = Decimal(1_000_000)
    hours: Literal["always", "exchange"] = "always"
    quotes: Literal["simulated", "xtdata"] = "simulated"


class RealAccount(_Section):
    """What every `[accounts.NAME]` with real money has, whatever terminal leads to it."""

    account_id: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[0-9A-Za-z]+$")]
    account_type: Literal["STOCK", "CREDIT"] = "STOCK"


class QmtAccount(RealAccount):
    """`[accounts.NAME]` with `broker = "qmt"`: MiniQMT."""

    broker: Literal[BrokerName.QMT]
    qmt_path: AnyPath


class FullQmtAccount(RealAccount):
    """`[accounts.NAME]` with `broker = "fullqmt"`: the full terminal, by a file pasted into it."""

    broker: Literal[BrokerName.FULLQMT]
    mailbox: Annotated[AnyPath, AfterValidator(_local_folder)]


Account = Annotated[PaperAccount | QmtAccount | FullQmtAccount, Field(discriminator="broker")]


class Follow(_Section):
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


class Strategy(_Section):
    """`[strategies.NAME]`."""

    title: Annotated[str, Field(max_length=64)] = ""
    follow: dict[str, Follow] = Field(default_factory=dict)
    wire: Literal[Wire.JQF1, Wire.SEED] = Wire.JQF1
    secret: SecretStr | None = None
    accept_weak_wire: bool = False
    backtest: Literal["paper", "reject"] = "paper"
    max_order_value: Limit | None = None
    """Beside `risk.max_order_value`; the smaller holds."""
    max_daily_orders: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Of this strategy in each account, beside `risk.max_daily_orders`."""

    catch_up: Annotated[frozenset[Annotated[CatchUp, Field(strict=False)]], Field(strict=False)] = frozenset(
        {CatchUp.ROUNDING}
    )
    """What was left by these causes rides on the next signal of the same code and direction."""
    start: Literal["flat", "match", "adopt"] = "flat"
    """What of that which the strategy held before following began belongs to the target: nothing; all, to be bought;
    all, to be found among the account's own shares."""

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


class PriceMode(StrEnum):
    """`execution.price`."""

    LATEST = "latest"
    OWN = "own"
    PEER = "peer"
    SIGNAL = "signal"


class ExecutionSettings(_Section):
    """`[execution]`."""

    price: Annotated[PriceMode, Field(strict=False)] = PriceMode.LATEST
    slippage_ticks: Annotated[int, Field(ge=0, le=1000)] = 0
    cancel_after_s: Seconds = 30
    max_attempts: Annotated[int, Field(ge=1, le=50)] = 5
    force_after: Annotated[int, Field(ge=1, le=51)] = 3
    join_auction: bool = False
    cash_wait_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 60


class RiskSettings(_Section):
    """`[risk]`."""

    max_signal_age_s: Seconds = 60
    max_price_drift: Share = Decimal("0.03")
    at_limit: Literal["reject", "queue"] = "reject"
    outside_hours: Literal["reject", "hold"] = "reject"
    max_order_value: Limit = Decimal(500_000)
    max_position_ratio: Share = Decimal(1)
    max_daily_orders: Annotated[int, Field(ge=1, le=10_000)] = 500
    max_daily_turnover: Money = Decimal(0)
    max_cancels_per_day: Annotated[int, Field(ge=0, le=10_000)] = 400
    max_daily_loss: Money = Decimal(0)
    orders_per_second: Annotated[int, Field(ge=1, le=50)] = 20
    boards: Annotated[frozenset[Annotated[Board, Field(strict=False)]], Field(strict=False)] = frozenset(Board)
    blocked: Annotated[frozenset[str], Field(strict=False)] = frozenset()

    @field_validator("blocked")
    @classmethod
    def _codes(cls, blocked: frozenset[str]) -> frozenset[str]:
        for code in sorted(blocked):
            if not re.fullmatch(r"\d{6}\.[A-Za-z]{2,4}", code):
                raise ValueError(f"{code!r} 不是 000001.XSHE 或 000001.SZ 这样的代码 / is not such a code as these")
        return blocked


def _wecom_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9A-Za-z-]{8,64}|https?://\S+", key.get_secret_value()):
        raise ValueError("应为机器人的 key 或完整的 Webhook 地址 / a robot's key, or its whole webhook address")
    return key


class WecomSettings(_Section):
    """`[notify.wecom]`: robot keys or whole webhook addresses."""

    keys: Annotated[tuple[Annotated[SecretStr, AfterValidator(_wecom_key)], ...], Field(strict=False)] = ()


class NotifySettings(_Section):
    """`[notify]`."""

    heartbeat_at: ClockTime = time(9, 0)
    summary_at: ClockTime = time(15, 5)
    wecom: WecomSettings = WecomSettings()


def _distinct_in_file_names(names: Iterable[str], section: str) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise ValueError(f"{section}.{other} 与 {section}.{name} 只有大小写不同 / differ in case only")


class Settings(_Section):
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
        _distinct_in_file_names(self.accounts, "accounts")
        _distinct_in_file_names(self.strategies, "strategies")
        for name, strategy in self.strategies.items():
            for account in strategy.follow:
                if account not in self.accounts:
                    known = ", ".join(sorted(self.accounts)) or "无 / none"
                    raise ValueError(
                        f"strategies.{name}.follow: 没有账户 {account!r} / no such account；已配置 / known: {known}"
                    )
        real = [(a.account_id, a.account_type) for a in self.accounts.values() if isinstance(a, RealAccount)]
        if len(set(real)) < len(real):
            raise ValueError("accounts: 同一个 account_id 配置了两次 / the same account_id stands there twice")
        for name, strategy in self.strategies.items():
            self._weak_wire_is_accepted(name, strategy)
        if self.signals.port == self.console.port and self.signals.port != 0:
            raise ValueError("signals.port、console.port: 两个端口不能相同 / the two ports must differ")
        return self

    def _weak_wire_is_accepted(self, name: str, strategy: Strategy) -> None:
        """One captured message of the original client gives away its key: nothing of value follows it unawares."""
        if strategy.wire is not Wire.SEED or strategy.accept_weak_wire:
            return
        real = next((a for a in strategy.follow if isinstance(self.accounts.get(a), RealAccount)), None)
        if real is not None:
            why = f"跟单实盘账户 {real}", f"follows the real account {real}"
        elif self.signals.open_to_others:
            why = f"而信号端口对外开放（signals.host = {self.signals.host}）", f"listens on {self.signals.host}"
        else:
            return
        raise ValueError(
            f'strategies.{name}: wire = "seed" {why[0]}，但截获一条消息就能冒充它下单。请改用 "jqf1"；'
            f"知道后果仍要用，就在这一节写 accept_weak_wire = true / "
            f'wire = "seed" {why[1]}, yet whoever captures one message can order in its name: use "jqf1", or say '
            "accept_weak_wire = true in this section"
        )
