"""What people ask for, and what they are shown."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from jqfollow.domain.errors import JqfollowError
from jqfollow.domain.states import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """Whether an account can trade now, for people and for the answer to `hello`."""

    account: str
    broker: str
    real: bool
    ready: bool
    why_zh: str = ""
    """Why it is not ready."""
    why_en: str = ""


class ManualOrderError(JqfollowError):
    """What a person asked for in the console cannot be done; `zh` and `en` say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualOrder:
    """An order that a person places in the console."""

    strategy: str
    account: str
    security: str
    """Any accepted spelling: `000001.XSHE`, `000001.SZ`."""
    side: Side
    volume: int
    price: Decimal | None
    """A limit, never to be passed; `None`: priced like a signal."""
    confirm: str | None
    """On a real account, its account id."""
    key: str | None = None
    """Two orders with the same key are one, over a restart, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a person should see before an order is placed; `None`: not known now."""

    security: str
    name: str | None
    last: Decimal | None
    limit_up: Decimal | None
    limit_down: Decimal | None
    cash: Decimal | None
    total: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a person found at the broker about an attempt whose outcome is unknown."""

    outcome: Literal["not_placed", "placed", "ended"]
    """The broker does not hold it; holds it as `broker_order_id`; or it is over with `filled` at `price`."""
    broker_order_id: str | None = None
    filled: int = 0
    price: Decimal | None = None
    """Average of what was filled, yuan."""
