"""One house on either of two counters, the practice exchange and the simulated terminal, and one way to spoil both.

    async with counters("terminal") as house:
        house.wrong(money_lag_s=3)

`wrong` takes the names of `Faults`. The practice exchange plays a real one: its list proves nothing by its silence,
and it may show money and shares late.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from jqfollow.clock import SHANGHAI
from jqfollow.domain import Accepted, BrokerError, PlaceRequest, Side
from jqfollow.execution.brokers.port import BrokerTraits
from terminal.house import QmtHouse
from terminal.modes import Mode
from terminal.terminal import Terminal

from .house import MONDAY, House

Kind = Literal["paper", "terminal"]
Counters = Callable[..., AbstractAsyncContextManager["Counter"]]
CASH = 1_000_000
LOST = BrokerError("没有答复")


def at(hour: int, minute: int, second: int = 0, *, day: int = 2) -> datetime:
    """A time of March 2026, whose second day is a Monday."""
    return datetime(2026, 3, day, hour, minute, second, tzinfo=SHANGHAI)


class Counter(House):
    """What tests of both ask for, besides what every house does."""

    name = "paper"

    def wrong(self, **faults: Any) -> None:
        """Sets what goes wrong from now on."""
        for name, value in faults.items():
            assert hasattr(self.faults[self.name], name), name
            setattr(self.faults[self.name], name, value)

    def lose_answers(self, times: int = 1) -> None:
        """The next placing calls arrive and get no answer."""
        self.faults[self.name].fail("place", LOST, after=True, times=times)

    def lose_order(self) -> None:
        """The next placing call does not arrive, and nobody says so."""
        self.faults[self.name].fail("place", LOST)

    def all_well(self) -> None:
        """Answers come again."""

    def refuse_next(self, message: str, *, times: int = 1) -> None:
        """The next order is refused; the counter lists it all the same, under an id."""
        self.faults[self.name].refuse(message, times=times)
        self.faults[self.name].refuse_by_push = True

    def by_hand(self, symbol: str, side: str, volume: int, price: str, *, remark: str = "") -> str:
        """A person orders in the terminal; the order's id, or the words of its refusal."""
        request = PlaceRequest(
            attempt_id=0, remark=remark, symbol=symbol, side=Side(side), volume=volume, price=Decimal(price)
        )
        try:
            placed = self.brokers[self.name].place(request)
        except BrokerError as error:  # a fault that was meant for ours
            return str(error)
        return placed.broker_order_id if isinstance(placed, Accepted) else placed.message

    def give(self, symbol: str, volume: int) -> None:
        """The account holds this much of a code, bought before today."""
        self.brokers[self.name].set_holding(symbol, volume, cost=Decimal(10))

    def truth(self) -> list[dict[str, Any]]:
        """The exchange's own orders of the day, whatever is told of them."""
        exchange = self.brokers[self.name]._exchange
        assert exchange is not None
        return [
            {
                "remark": o.remark,
                "symbol": o.symbol,
                "side": o.side,
                "volume": o.volume,
                "filled": o.filled,
                "state": o.state,
            }
            for o in (order.report() for order in exchange.account.orders.values())
        ]

    def traded(self, symbol: str, side: str = "buy") -> int:
        """How much of a code really was bought or sold today."""
        return sum(o["filled"] for o in self.truth() if (o["symbol"], o["side"]) == (symbol, side))

    async def alerts(self) -> str:
        """What people were told as an alert."""
        return await self.ledger.read(lambda tx: "\n".join(m.text for m in tx.outbox.list(limit=1000)))


class TerminalCounter(QmtHouse, Counter):
    """On the simulated terminal."""

    name = "main"

    def wrong(self, **faults: Any) -> None:
        told = {
            name: value.isoformat() if isinstance(value, datetime) else sorted(value) if name == "halted" else value
            for name, value in faults.items()
        }
        if told.pop("remark", None) is not None:
            self._kept = (Mode.REMARK_REWRITTEN,)
            self.terminal.mode(*self._kept)
        self.terminal.tell("fault", **told)

    def lose_answers(self, times: int = 1) -> None:
        del times  # until `all_well`
        self.terminal.mode(Mode.NO_ANSWER, *self._kept)

    def lose_order(self) -> None:
        self.terminal.mode(Mode.MINUS_ONE, *self._kept)

    _kept: tuple[Mode, ...] = ()

    def all_well(self) -> None:
        self.terminal.mode(*self._kept)

    def refuse_next(self, message: str, *, times: int = 1) -> None:
        for _ in range(times):
            self.terminal.tell("refuse", message=message)
        self.terminal.mode(Mode.REFUSED_LISTED, *self._kept)

    def by_hand(self, symbol: str, side: str, volume: int, price: str, *, remark: str = "") -> str:
        return str(self.terminal.tell("manual", symbol=symbol, side=side, volume=volume, price=price, remark=remark))

    def give(self, symbol: str, volume: int) -> None:
        self.terminal.tell("hold", symbol=symbol, volume=volume, cost="10")

    def truth(self) -> list[dict[str, Any]]:
        return self.terminal.orders()

    async def stop(self) -> None:
        self._kept = ()
        await super().stop()


def counters_of(kind: Kind, folder: Path, terminal: Callable[[], Terminal]) -> Counters:
    """Opens houses of one kind; `terminal` gives the running one. Strategies follow to `*`, the one account."""

    @asynccontextmanager
    async def open_(
        *, start: datetime = MONDAY, hours: str = "always", cash: int = CASH, **options: Any
    ) -> AsyncIterator[Counter]:
        account_name = "paper" if kind == "paper" else "main"
        strategies = options.pop("strategies", {"demo": {"follow": {"*": 1}}})
        options["strategies"] = {
            name: {**told, "follow": {account_name: told["follow"]["*"]}} for name, told in strategies.items()
        }
        if kind == "paper":
            always = hours == "always"
            traits = BrokerTraits(
                real=not always,
                absence_is_proof=False,
                always_open=always,
                width=4,
                index="000001.SZ",  # ticks like an index
            )
            account = {"paper": {"cash": cash, "hours": hours}}
            async with Counter(folder, accounts=account, traits={"paper": traits}, start=start, **options) as house:
                yield house
            return
        running = terminal()
        running.tell("reset", at=start.replace(tzinfo=None).isoformat(), pulse_s=0.02, cash=str(cash), hours=hours)
        async with TerminalCounter(folder, running, start=start, **options) as house:
            yield house

    return open_
