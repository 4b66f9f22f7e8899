"""The configuration: read and validated as a whole at the start.

Sources, later ones win: defaults, `config.toml`, the environment (`JQFOLLOW_NOTIFY__WECOM__KEYS='["…"]'`).
"""

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jqfollow.domain import Board, JqfollowError, Wire

ENV_PREFIX = "JQFOLLOW_"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class ConfigError(JqfollowError):
    """The configuration cannot be used; the message names each key, what is wrong and what is allowed."""


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("1 to 64 of the characters A-Z a-z 0-9 . _ - are allowed")
    return text


def _clock_time(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('a time such as "09:00" is expected')
    return value


def _loopback(host: str) -> str:
    if host not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError('the console is for this machine only: "127.0.0.1", "::1" or "localhost"')
    return host


Name = Annotated[str, AfterValidator(_name)]
ClockTime = Annotated[time, BeforeValidator(_clock_time)]
Port = Annotated[int, Field(ge=0, le=65535)]
Money = Annotated[Decimal, Field(ge=0, le=Decimal("1e12"), allow_inf_nan=False)]
Ratio = Annotated[Decimal, Field(gt=0, le=1000, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SignalsSettings(_Section):
    """`[signals]`: the only port that may be reachable from outside."""

    host: str = "127.0.0.1"
    port: Port = 8888
    max_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600


class ConsoleSettings(_Section):
    """`[console]`: docs page, dashboard, manual orders, queries, for this machine only."""

    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    port: Port = 8000


class BrokerName(StrEnum):
    """`broker` of an account."""

    PAPER = "paper"
    QMT = "qmt"


class PaperAccount(_Section):
    """`[accounts.NAME]` with `broker = "paper"`."""

    broker: Literal[BrokerName.PAPER]
    cash: Money = Decimal(1_000_000)
    hours: Literal["always", "exchange"] = "always"
    quotes: Literal["simulated", "xtdata"] = "simulated"


class QmtAccount(_Section):
    """`[accounts.NAME]` with `broker = "qmt"`."""

    broker: Literal[BrokerName.QMT]
    qmt_path: Path
    account_id: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[0-9A-Za-z]+$")]
    account_type: Literal["STOCK", "CREDIT"] = "STOCK"


Account = Annotated[PaperAccount | QmtAccount, Field(discriminator="broker")]


class FollowMode(StrEnum):
    """How a strategy's order is scaled for an account."""

    RATIO = "ratio"
    VALUE = "value"
    SHARES = "shares"
    EQUITY = "equity"


class Follow(_Section):
    """One of: ratio of the strategy's amount, yuan an order, shares an order, or yuan of the strategy's total value."""

    ratio: Ratio | None = None
    value: Annotated[Decimal, Field(gt=0, le=Decimal("1e10"))] | None = None
    shares: Annotated[int, Field(gt=0, le=100_000_000)] | None = None
    equity: Annotated[Decimal, Field(gt=0, le=Decimal("1e12"))] | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_ratio(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("a ratio such as 0.5, or { value = 20000 }, { shares = 500 }, { equity = 300000 }")  # noqa: TRY004  # pydantic wants ValueError
        return {"ratio": value} if isinstance(value, int | float | Decimal | str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [m for m in FollowMode if getattr(self, m) is not None]
        if len(given) != 1:
            raise ValueError("exactly one of ratio, value, shares, equity is expected")
        return self

    @property
    def mode(self) -> FollowMode:
        """Which of the four it is."""
        return next(m for m in FollowMode if getattr(self, m) is not None)

    @property
    def figure(self) -> Decimal:
        """The number of its mode."""
        return Decimal(getattr(self, self.mode))


class Strategy(_Section):
    """`[strategies.NAME]`."""

    title: Annotated[str, Field(max_length=64)] = ""
    follow: dict[str, Follow] = Field(default_factory=dict)
    wire: Literal[Wire.JQF1, Wire.SEED] = Wire.JQF1
    secret: SecretStr | None = None
    backtest: Literal["paper", "reject"] = "paper"

    @model_validator(mode="after")
    def _secret_goes_with_seed(self) -> Self:
        if self.wire is Wire.SEED and (self.secret is None or not self.secret.get_secret_value()):
            raise ValueError('wire = "seed" needs secret = "…", the password of the original client')
        if self.wire is Wire.JQF1 and self.secret is not None:
            raise ValueError('secret goes with wire = "seed" only; keys of "jqf1" live in keys.toml')
        return self


class PriceMode(StrEnum):
    """`execution.price`."""

    LATEST = "latest"
    OWN = "own"
    PEER = "peer"
    SIGNAL = "signal"


class ExecutionSettings(_Section):
    """`[execution]`."""

    price: PriceMode = PriceMode.LATEST
    slippage_ticks: Annotated[int, Field(ge=0, le=1000)] = 0
    cancel_after_s: Seconds = 30
    max_attempts: Annotated[int, Field(ge=1, le=50)] = 5
    force_after: Annotated[int, Field(ge=1, le=51)] = 3
    join_auction: bool = False
    cash_wait_s: Annotated[float, Field(ge=0, le=3600)] = 60


class RiskSettings(_Section):
    """`[risk]`."""

    max_signal_age_s: Seconds = 60
    max_price_drift: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.03")
    at_limit: Literal["reject", "queue"] = "reject"
    outside_hours: Literal["reject", "hold"] = "reject"
    max_order_value: Annotated[Decimal, Field(gt=0, le=Decimal("1e12"))] = Decimal(500_000)
    max_position_ratio: Annotated[Decimal, Field(gt=0, le=1)] = Decimal(1)
    max_daily_orders: Annotated[int, Field(ge=1, le=10_000)] = 500
    max_daily_turnover: Money = Decimal(0)
    max_cancels_per_day: Annotated[int, Field(ge=0, le=10_000)] = 400
    orders_per_second: Annotated[int, Field(ge=1, le=100)] = 20
    boards: frozenset[Board] = frozenset(Board)
    blocked: frozenset[str] = frozenset()


def _wecom_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not re.fullmatch(r"[0-9A-Za-z-]{8,64}|https?://\S+", text):
        raise ValueError("a robot's key, or its whole webhook address, is expected")
    return key


class WecomSettings(_Section):
    """`[notify.wecom]`: robot keys or whole webhook addresses."""

    keys: tuple[Annotated[SecretStr, AfterValidator(_wecom_key)], ...] = ()


class NotifySettings(_Section):
    """`[notify]`."""

    heartbeat_at: ClockTime = time(9, 0)
    summary_at: ClockTime = time(15, 5)
    wecom: WecomSettings = WecomSettings()


class Settings(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__", hide_input_in_errors=True
    )

    data_dir: Path = Path("data")
    signals: SignalsSettings = SignalsSettings()
    console: ConsoleSettings = ConsoleSettings()
    accounts: dict[Name, Account] = Field(default_factory=dict)
    strategies: dict[Name, Strategy] = Field(default_factory=dict)
    execution: ExecutionSettings = ExecutionSettings()
    risk: RiskSettings = RiskSettings()
    notify: NotifySettings = NotifySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return env_settings, init_settings

    @field_validator("risk")
    @classmethod
    def _symbols(cls, risk: RiskSettings) -> RiskSettings:
        for code in risk.blocked:
            if not re.fullmatch(r"\d{6}\.[A-Za-z]{2,4}", code):
                raise ValueError(f"blocked: {code!r} is not a code such as 000001.XSHE or 000001.SZ")
        return risk

    @model_validator(mode="after")
    def _references(self) -> Self:
        for name, strategy in self.strategies.items():
            for account in strategy.follow:
                if account not in self.accounts:
                    known = ", ".join(sorted(self.accounts)) or "none is configured"
                    raise ValueError(f"strategies.{name}.follow names account {account!r}; known accounts: {known}")
        if self.signals.port == self.console.port and self.signals.port != 0:
            raise ValueError("signals.port and console.port must differ")
        return self


def load_settings(path: Path) -> Settings:
    """The configuration in the TOML file `path` and the environment; relative paths in it are relative to the file.

    Raises:
        ConfigError: the file cannot be read, is not UTF-8 or not TOML, or holds something impossible.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} 不是 UTF-8 编码（第 {error.start} 字节），请在编辑器中另存为 UTF-8 / "
            f"is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
    except OSError as error:
        raise ConfigError(f"无法读取 {path}：{error.strerror} / cannot be read") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} 不是有效的 TOML：{error} / is not valid TOML") from error
    settings = parse_settings(data, source=str(path))
    if settings.data_dir.is_absolute():
        return settings
    return settings.model_copy(update={"data_dir": path.resolve().parent / settings.data_dir})


def parse_settings(data: Mapping[str, Any], *, source: str) -> Settings:
    """The configuration `data`, completed by the environment; raises `ConfigError` like `load_settings`."""
    unknown = _unknown_environment()
    if unknown:
        raise ConfigError(f"环境变量 {', '.join(unknown)} 不对应任何配置项 / no such configuration key")
    try:
        return Settings(**data)
    except ValidationError as error:
        lines = "\n".join(f"  {_place(e['loc'])}: {_what(e)}" for e in error.errors(include_url=False))
        raise ConfigError(f"配置有误 / wrong configuration in {source}:\n{lines}") from None
    except ValueError as error:  # the environment source: a value that is not JSON
        raise ConfigError(f"环境变量有误 / wrong environment variable: {error}") from None


def _unknown_environment() -> list[str]:
    known = {f"{ENV_PREFIX}{name}".upper() for name in Settings.model_fields}
    names = (name for name in os.environ if name.upper().startswith(ENV_PREFIX))
    return sorted(n for n in names if n.upper().split("__")[0] not in known and n.upper() not in _OWN_VARIABLES)


_OWN_VARIABLES = frozenset({"JQFOLLOW_CONFIG", "JQFOLLOW_LANG", "JQFOLLOW_PYTHON36"})


def _place(location: tuple[int | str, ...]) -> str:
    parts = [str(part) for part in location if part not in {"paper", "qmt"} or location.index(part) == 1]
    return ".".join(parts) or "config"


def _what(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "没有这个配置项 / unknown key"
    if error["type"] == "missing":
        return "缺少这一项 / is missing"
    return str(error["msg"]).removeprefix("Value error, ")
