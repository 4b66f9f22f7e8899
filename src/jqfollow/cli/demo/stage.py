"""A little JoinQuant for the demonstration: as much of it as the real client touches.

Orders fill at once and wholly at the stage's prices; what the strategy's author sees in the log is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from jqfollow.wire.client_file import render_client

CASH = 1_000_000.0


@dataclass(frozen=True, slots=True)
class MarketOrderStyle:
    """JoinQuant's name for it: the client goes by the name. Here with the price at which it is filled there."""

    price: float


@dataclass(slots=True)
class _Position:
    total_amount: int = 0
    locked_amount: int = 0
    closeable_amount: int = 0
    avg_cost: float = 0.0
    price: float = 0.0


@dataclass(slots=True)
class _Portfolio:
    available_cash: float = CASH
    positions: dict[str, _Position] = field(default_factory=dict)

    @property
    def total_value(self) -> float:
        return self.available_cash + sum(p.total_amount * p.price for p in self.positions.values())


class _Log:
    def __init__(self, tell: Callable[[str], None]) -> None:
        self.info = self.warn = self.error = lambda *texts: tell(" ".join(map(str, texts)))


class Stage:
    """One strategy's process at JoinQuant, with the client of `jqfollow client` in it.

    Its methods block, as the client does in JoinQuant: call them on a thread.
    """

    def __init__(self, *, url: str, key_text: str, strategy: str, day: datetime, log: Callable[[str], None]) -> None:
        """`day` is the JoinQuant time at which the play begins; `log` gets what the client logs."""
        self.now = day
        self._number = 1_600_000
        self._context = SimpleNamespace(
            run_params=SimpleNamespace(type="sim_trade"), portfolio=_Portfolio(), current_dt=day
        )
        self._namespace: dict[str, Any] = {
            "__name__": "strategy",
            "order": self._order,
            "log": _Log(log),
            "g": SimpleNamespace(),
        }
        source = render_client(url=url, key_text=key_text, strategy=strategy)
        exec(compile(source, "jqfollow_client.py", "exec"), self._namespace)  # noqa: S102  our own client's file

    def start(self) -> None:
        """JoinQuant starts the strategy's process: the client is installed and says hello."""
        self._namespace["process_initialize"](self._context)

    def order(self, security: str, amount: int, price: float) -> None:
        """The strategy's code calls `order`; a sell has a negative amount."""
        self._namespace["order"](security, amount, MarketOrderStyle(price))

    def after_close(self) -> None:
        """What JoinQuant calls at 15:30."""
        self._namespace["jqfollow_after_close"](self._context)

    def next_day(self, day: datetime) -> None:
        """A new JoinQuant day: what was bought can be sold."""
        self.now = day
        self._context.current_dt = day
        for position in self._context.portfolio.positions.values():
            position.closeable_amount = position.total_amount

    def held(self, security: str) -> int:
        """What the strategy holds."""
        position = self._context.portfolio.positions.get(security)
        return position.total_amount if position else 0

    def _order(self, security: str, amount: int, style: Any) -> SimpleNamespace:
        portfolio: _Portfolio = self._context.portfolio
        position = portfolio.positions.setdefault(security, _Position())
        position.total_amount += amount
        position.closeable_amount += min(amount, 0)
        position.price = position.avg_cost = style.price
        portfolio.available_cash -= amount * style.price
        self._number += 1
        return SimpleNamespace(
            order_id=self._number,
            status="OrderStatus.held",
            add_time=self.now,
            is_buy=amount > 0,
            amount=abs(amount),
            filled=abs(amount),
            security=security,
            price=style.price,
            avg_cost=style.price,
            side="long",
            action="open" if amount > 0 else "close",
            commission=5.0,
        )
