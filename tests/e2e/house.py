"""The whole service in this process, seen from the outside: ports, ledger, paper exchanges, a robot's group.

    async with House(tmp_path, execution={"max_attempts": 2}) as house:
        house.market("000001.XSHE", last="10.00")
        signal_id = await house.send("demo", "000001.XSHE", "buy", 1000, price="10.00")
        [order] = await house.done(signal_id)
        assert order.state is OrderState.FILLED

Ports are free ones, the ledger and the exchanges' files are real, time goes with the machine's from a Monday at 10:00
on and jumps ahead when a test says so (`forward`). `restart` begins anew on the same files. What is not told to `House`
is what lets an order pass: one account, one strategy, prices across the book, generous limits.
"""

import asyncio
import itertools
import json
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import httpx

from jqfollow.clock import SHANGHAI
from jqfollow.domain import ORDER_OPEN, OrderState, SignalState
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.brokers.paper.faults import Faults, Gate
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.ledger.rows import AttemptRow, BookRow, FillRow, OrderRow, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.market.calendar import TradingCalendar
from jqfollow.market.securities import parse_security
from jqfollow.service import Service
from jqfollow.settings import Account, PaperAccount, Settings
from notify.wecom_server import WecomServer

from .senders import Jqf1Sender, seed_body

T = TypeVar("T")
MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
ROBOT = "robot-key-1"
PULSE_S = 0.02
_POLL_S, _MOST_POLL_S = 0.004, 0.05
_MANY = 10_000
_ANSWER_S = 60
"""A busy machine answers late; what hangs is ended by the test's own deadline."""


class TickingClock:
    """Goes with the machine's clock from `start` on; jumps ahead when told."""

    def __init__(self, start: datetime = MONDAY) -> None:
        self._start = start - timedelta(seconds=time.monotonic())
        self._ahead = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def forward(self, seconds: float) -> None:
        assert seconds >= 0
        self._ahead += seconds

    def set(self, seconds: float) -> None:
        """Somebody sets the wall clock, by so much."""
        self._start += timedelta(seconds=seconds)


class House:
    """See the module."""

    def __init__(
        self,
        folder: Path,
        *,
        accounts: Mapping[str, Mapping[str, Any]] | None = None,
        strategies: Mapping[str, Mapping[str, Any]] | None = None,
        execution: Mapping[str, Any] | None = None,
        risk: Mapping[str, Any] | None = None,
        notify: Mapping[str, Any] | None = None,
        wecom: bool = False,
        start: datetime = MONDAY,
        clock: Any = None,
        traits: Mapping[str, BrokerTraits] | None = None,
        pulse_s: float | None = PULSE_S,
    ) -> None:
        """Sections are those of `config.toml`, laid over the defaults above; `traits` make a paper account play real.

        Args:
            folder: an empty one; the data folder has a blank and Chinese characters in its name.
            accounts: `[accounts]`; one `paper` with ten million yuan.
            strategies: `[strategies]`; `demo`, followed by all accounts one to one.
            execution: laid over `[execution]`.
            risk: laid over `[risk]`.
            notify: laid over `[notify]`.
            wecom: with a stand-in of WeCom, at `house.wecom`.
            start: when the house's time begins.
            clock: in place of a `TickingClock` from `start` on.
            traits: by account, what its broker says of itself.
            pulse_s: how often the simulated markets move; `None`: only by what tests do.
        """
        self.clock = clock or TickingClock(start)
        self.brokers: dict[str, PaperBroker] = {}
        self.faults: dict[str, HouseFaults] = {}
        self._traits = traits or {}
        self._pulse_s = pulse_s
        self._numbers = itertools.count(1)
        self._held: dict[tuple[str, str], int] = {}
        self._outside = ExitStack()
        self._clients: list[httpx.AsyncClient] = []
        self.wecom = WecomServer(keys=(ROBOT,)) if wecom else None
        accounts = accounts or {"paper": {"cash": 10_000_000}}
        self.data_dir = folder / "数据 data"
        self.settings = Settings.model_validate(
            {
                "data_dir": self.data_dir,
                "signals": {"port": 0, "max_per_minute": 10_000},
                "console": {"port": 0},
                "accounts": {name: {"broker": "paper", **account} for name, account in accounts.items()},
                "strategies": strategies or {"demo": {"follow": dict.fromkeys(accounts, 1)}},
                "execution": {"price": "peer"} | dict(execution or {}),
                "risk": {"max_order_value": 1_000_000_000} | dict(risk or {}),
                "notify": dict(notify or {}) | {"wecom": {"keys": [self.wecom.address(ROBOT)] if self.wecom else []}},
            }
        )
        if "orders_per_second" not in (risk or {}):  # more than a configuration may say
            fast = self.settings.risk.model_copy(update={"orders_per_second": 1000})
            self.settings = self.settings.model_copy(update={"risk": fast})

    async def __aenter__(self) -> Self:
        if self.wecom is not None:
            self._outside.enter_context(self.wecom)
        try:
            await self.start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for faults in self.faults.values():
            faults.release()
        await self.stop()
        await asyncio.to_thread(self._outside.close)

    # -- begin and end -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begins, anew on the same files after a `stop`."""
        self.service = Service(self.settings, clock=self.clock, make_broker=self._make_broker)
        await self.service.start()
        self.ledger = self.service.ledger
        keys = self.data_dir / "keys.toml"
        strategies = self.settings.strategies.items()
        self._senders = {name: Jqf1Sender(key_text(keys, name), name) for name, one in strategies if one.wire == "jqf1"}
        token = (self.data_dir / "console.token").read_text(encoding="utf-8").strip()
        self._http = httpx.AsyncClient(trust_env=False, verify=False, timeout=_ANSWER_S)
        self.owner = {"Authorization": f"Bearer {token}"}
        self._console = httpx.AsyncClient(
            base_url=self.service.console_url,
            headers=self.owner,
            trust_env=False,
            verify=False,
            timeout=_ANSWER_S,
        )
        self._clients += [self._http, self._console]

    async def stop(self) -> None:
        """Ends in good order; does nothing when it has ended."""
        for client in self._clients:
            await client.aclose()
        self._clients.clear()
        await self.service.stop()

    async def crash(self) -> None:
        """Ends as if the machine had died, as far as one process can: nothing under way is finished or told.

        A call that hangs before the exchange never arrives there; what had arrived stands in the exchange's file.
        """
        for task in self.service._tasks:
            task.cancel()
        await asyncio.gather(*self.service._tasks, return_exceptions=True)
        for broker in self.brokers.values():
            broker.drop("the machine died")
        for faults in self.faults.values():
            faults.release()
        for client in self._clients:
            await client.aclose()
        self._clients.clear()
        self.service.hurried = lambda: True  # the dead wait for nothing
        await self.service._closing.aclose()

    async def restart(self) -> None:
        """`stop` and `start`."""
        await self.stop()
        await self.start()

    def _make_broker(self, name: str, account: Account) -> PaperBroker:
        self.faults.setdefault(name, HouseFaults())
        self.brokers[name] = PaperBroker(
            name=name,
            path=self.data_dir / f"paper-{name}.jsonl",
            clock=self.clock,
            cash=account.cash if isinstance(account, PaperAccount) else Decimal(10_000_000),
            hours=account.hours if isinstance(account, PaperAccount) else "exchange",
            calendar=TradingCalendar(),
            faults=self.faults[name],
            pulse_s=self._pulse_s,
            traits=self._traits.get(name),
        )
        return self.brokers[name]

    # -- the exchange ------------------------------------------------------------------------------------------------

    def market(self, security: str, last: str | Decimal = "10.00", *, account: str | None = None, **more: Any) -> None:
        """Pins the market of `security` at all accounts or at one: deep, and still; see `PaperBroker.set_market`."""
        market = {"prev_close": last, "depth": 1_000_000} | more
        prices: dict[str, Any] = {k: Decimal(v) if isinstance(v, str) else v for k, v in market.items()}
        for name in [account] if account else self.brokers:
            self.brokers[name].set_market(parse_security(security).symbol, last=Decimal(last), **prices)

    def forward(self, seconds: float) -> None:
        """Time jumps ahead."""
        self.clock.forward(seconds)

    async def sweep(self, after_s: float = 0) -> None:
        """What the schedule does every second or two, now; first time jumps `after_s` ahead."""
        if after_s:
            self.forward(after_s)
        now = self.clock.now()
        sweeps = self.service.parts.sweeps
        for account in self.service.parts.accounts.values():
            await sweeps.cancel_overdue(account, now)
            await sweeps.look_after(account, now)
            await sweeps.retry(account, now)

    async def morning(self) -> None:
        """What is done at the broker's every morning; at a practice exchange nothing."""

    # -- JoinQuant ---------------------------------------------------------------------------------------------------

    async def send(
        self,
        strategy: str,
        security: str,
        side: Literal["buy", "sell"],
        amount: int,
        *,
        price: str | Decimal | None = None,
        limit: str | Decimal | None = None,
        position_after: int | Literal["counted"] | None = "counted",
        day: date | None = None,
        run: str = "sim_trade",
        **order: Any,
    ) -> int:
        """A signal through the port, whose answer's seal is verified; gives its number.

        Args:
            strategy: whose it is.
            security: as JoinQuant writes it.
            side: buy or sell.
            amount: shares.
            price: the strategy's average fill price; `None`: nothing of it is filled.
            limit: of an order that is still open in JoinQuant.
            position_after: what the strategy holds afterwards; by what was sent so far, or `None`: not told.
            day: of the order in JoinQuant; today.
            run: JoinQuant's run type.
            order: further fields of the message's `order`, its `side` as `position_side`; `total_value`; `age_s`, how
                long ago the message was made.
        """
        text = self.order_text(
            strategy,
            security,
            side,
            amount,
            price=price,
            limit=limit,
            position_after=position_after,
            day=day,
            run=run,
            **order,
        )
        answer = await self.deliver(strategy, text)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "accepted", answer.text
        return int(answer.json()["signal_id"])

    def order_text(
        self,
        strategy: str,
        security: str,
        side: str,
        amount: int,
        *,
        price: str | Decimal | None = None,
        limit: str | Decimal | None = None,
        position_after: int | Literal["counted"] | None = "counted",
        day: date | None = None,
        run: str = "sim_trade",
        **order: Any,
    ) -> str:
        """The text of an order's message; counts what the strategy holds."""
        now = self.clock.now()
        filled = amount if limit is None else 0
        held = self._held.get((strategy, security), 0) + (filled if side == "buy" else -filled)
        if position_after == "counted":
            self._held[strategy, security] = position_after = max(held, 0)
        elif position_after is not None:
            self._held[strategy, security] = position_after
        fields = {
            "order_id": str(1_600_000 + next(self._numbers)),
            "security": security,
            "is_buy": side == "buy",
            "amount": amount,
            "filled": filled,
            "price": None if price is None else str(price),
            "limit": None if limit is None else str(limit),
            "status": "held" if limit is None else "open",
            "side": order.pop("position_side", "long"),
            "action": "open" if side == "buy" else "close",
            "add_time": f"{day or now.date()} {now:%H:%M:%S}",
        }
        made_at = int((now.timestamp() - order.pop("age_s", 0)) * 1000)
        told: dict[str, Any] = {"kind": "order", "run": run, "made_at": made_at}
        if position_after is not None:
            told["position"] = {"amount": position_after, "closeable": 0}
        if "total_value" in order:
            told["total_value"] = order.pop("total_value")
        return json.dumps(told | {"order": fields | order}, ensure_ascii=False)

    async def deliver(
        self, strategy: str, text: str, *, message_id: str | None = None, ts: int | None = None
    ) -> httpx.Response:
        """Seals `text` and posts it; an answer of 200 has been verified."""
        body = self.seal(strategy, text, message_id=message_id, ts=ts)
        answer = await self.post(body)
        assert answer.status_code != 200 or self._senders[strategy].verifies(answer.json(), body["id"])
        return answer

    def seal(self, strategy: str, text: str, *, message_id: str | None = None, ts: int | None = None) -> dict[str, Any]:
        """The body of one attempt at sending `text`."""
        message_id = message_id or f"{strategy}-{next(self._numbers)}"
        ts = int(self.clock.now().timestamp()) if ts is None else ts
        return self._senders[strategy].seal(text, message_id=message_id, ts=ts)

    async def post(self, body: Mapping[str, Any]) -> httpx.Response:
        """Posts `body` to the signals port."""
        return await self._http.post(f"{self.service.signals_url}/api/order", json=body)

    async def send_seed(
        self, password: str, security: str, side: Literal["buy", "sell"], amount: int, *, price: str, **changes: str
    ) -> httpx.Response:
        """What the original client would post; `changes` of its fields."""
        now = self.clock.now()
        fields = {
            "状态": "OrderStatus.held",
            "订单添加时间": f"{now:%Y-%m-%d %H:%M:%S}",
            "买卖": str(side == "buy"),
            "下单数量": str(amount),
            "已经成交": str(amount),
            "股票代码": security,
            "订单ID": str(1_600_000 + next(self._numbers)),
            "平均成交价格": price,
            "持仓成本": price,
            "多空": "long",
            "交易费用": "5.0",
            "时间戳": f"{now:%Y-%m-%d %H:%M:%S.%f}",
        }
        return await self.post(seed_body(password, fields | changes, now))

    # -- the console -------------------------------------------------------------------------------------------------

    async def console(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request with the bearer token."""
        return await self._console.request(method, path, **options)

    async def get(self, path: str) -> Any:
        """The console's answer to a query."""
        answer = await self.console("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # -- what became of it -------------------------------------------------------------------------------------------

    async def until(self, find: Callable[[Tx], T | None], *, timeout_s: float = _ANSWER_S) -> T:
        """What `find` gives when it gives anything true; looks at the ledger again and again."""
        end, pause_s = time.monotonic() + timeout_s, _POLL_S
        while True:
            found = await self.ledger.read(find)
            if found:
                return found
            if time.monotonic() > end:
                raise TimeoutError(f"not within {timeout_s} s; the ledger says:\n{await self.ledger.read(_story)}")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.3, _MOST_POLL_S)  # what takes long needs the processor more than we do

    async def done(self, *signal_ids: int, timeout_s: float = _ANSWER_S) -> list[OrderRow]:
        """The orders of these signals when all have ended; none: of signals that nobody follows."""

        def ended(tx: Tx) -> list[OrderRow] | None:
            signals = [tx.signals.get(signal_id) for signal_id in signal_ids]
            orders = [order for signal_id in signal_ids for order in tx.orders.of_signal(signal_id)]
            taken = all(signal is not None and signal.state is not SignalState.RECEIVED for signal in signals)
            followed = any(signal is not None and signal.state is SignalState.FOLLOWED for signal in signals)
            over = taken and bool(orders) == followed and all(order.state not in ORDER_OPEN for order in orders)
            return [*orders, *([] if orders else [_NOBODY])] if over else None

        return [order for order in await self.until(ended, timeout_s=timeout_s) if order is not _NOBODY]

    async def settled(self, *, timeout_s: float = _ANSWER_S) -> None:
        """Until nothing is under way."""
        await self.until(lambda tx: not tx.signals.received() and not tx.orders.open(), timeout_s=timeout_s)

    async def in_state(self, signal_id: int, state: OrderState, *, timeout_s: float = _ANSWER_S) -> OrderRow:
        """The first order of the signal when it is in `state`."""
        return await self.until(
            lambda tx: next((o for o in tx.orders.of_signal(signal_id) if o.state is state), None),
            timeout_s=timeout_s,
        )

    async def signal(self, signal_id: int) -> SignalRow:
        """A signal when it was looked at."""

        def looked_at(tx: Tx) -> SignalRow | None:
            row = tx.signals.get(signal_id)
            return row if row is not None and row.state is not SignalState.RECEIVED else None

        return await self.until(looked_at)

    async def attempts(self, order: OrderRow) -> Sequence[AttemptRow]:
        """Its attempts, the first first."""
        return await self.ledger.read(lambda tx: tx.attempts.of_order(order.order_id))

    async def fills(self, order: OrderRow) -> Sequence[FillRow]:
        """Its fills."""
        return await self.ledger.read(lambda tx: tx.fills.of_order(order.order_id))

    async def book(self, security: str, *, strategy: str = "demo", account: str = "paper") -> BookRow:
        """What the strategy holds in the account."""
        symbol = parse_security(security).symbol
        return await self.ledger.read(lambda tx: tx.books.get(account, strategy, symbol))

    async def told(self, *words: str, timeout_s: float = _ANSWER_S) -> str:
        """The text, delivered to the group, that holds all of `words`."""
        assert self.wecom is not None
        end = time.monotonic() + timeout_s
        while True:
            for text in self.wecom.texts():
                if all(word in text for word in words):
                    return text
            if time.monotonic() > end:
                raise TimeoutError(f"{words} not told; told was:\n" + "\n--\n".join(self.wecom.texts()))
            await asyncio.sleep(_POLL_S)


class HouseFaults(Faults):
    """Lets go, at a test's end, whatever still hangs."""

    def __init__(self) -> None:
        super().__init__()
        self.gates: list[Any] = []

    def hang(self, *args: Any, **options: Any) -> Any:
        self.gates.append(super().hang(*args, **options))
        return self.gates[-1]

    def release(self) -> None:
        for gate in self.gates:
            gate.release()


async def arrived(gate: Gate) -> None:
    """Until a call hangs at `gate`."""
    assert await asyncio.to_thread(gate.wait_arrived, 5)


def key_text(keys: Path, strategy: str) -> str:
    """The strategy's key, as it stands in the service's file."""
    return str(tomllib.loads(keys.read_text(encoding="utf-8"))[strategy]["key"])


def _story(tx: Tx) -> str:
    lines: list[str] = []
    for signal in reversed(tx.signals.list(limit=_MANY)):
        lines.append(f"signal {signal.signal_id} {signal.strategy} {signal.state} {signal.reason} {signal.figures}")
        for order in tx.orders.of_signal(signal.signal_id):
            lines.append(
                f"  order {order.order_id} {order.account} {order.security} {order.side} {order.filled}/{order.volume} "
                f"{order.state} waits for {order.waiting_for} {order.reason} {dict(order.figures)}"
            )
            lines += [
                f"    attempt {a.number} {a.volume}@{a.price} {a.state} {a.filled}, told {a.reported} {a.message}"
                for a in tx.attempts.of_order(order.order_id)
            ]
    return "\n".join(lines[-60:])


_NOBODY: Any = object()
