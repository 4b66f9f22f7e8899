"""What the probe does at an account, and what it finds.

One lot is bought at the lower limit and cancelled; one lot of what the account can sell is offered at the upper limit
and cancelled; one lot of a security that it does not hold is offered, to see a refusal. Nothing can be filled, unless
the market stands at its limit: then nothing is placed.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from jqfollow.cli.doctor.real import SYMBOL
from jqfollow.cli.probe.lags import LONGEST_S, Lag, Stopwatch
from jqfollow.clock import Clock
from jqfollow.domain import (
    ATTEMPT_ENDED,
    Accepted,
    BrokerError,
    BrokerEvent,
    OrderReport,
    PlaceFailed,
    PlaceRequest,
    Position,
    Refused,
    Side,
)
from jqfollow.market.lots import lot_rule
from jqfollow.market.securities import parse_security

if TYPE_CHECKING:
    from jqfollow.execution.brokers.port import Broker

FAR = Decimal("0.02")
"""The market must be at least this share away from the limit at which an order rests."""
REFUSAL_S = 5.0
"""So long a refused order is waited for in the list."""
UNHELD = ("601288.SH", "601988.SH", "601939.SH", "601328.SH", "600016.SH")
"""One that the account does not hold is offered, and refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """An order that rested and was cancelled."""

    remark: str
    broker_order_id: str
    placed: Sequence[Lag]
    canceled: Sequence[Lag]
    remark_told: str
    """What the list made of the remark."""
    codes: Sequence[int] = ()
    """The counter's own numbers for its states, in their order; empty: not known of this terminal."""
    ended: bool = True


@dataclass(slots=True, kw_only=True)
class Found:
    """All that was measured; what could not be has its reason in `not_measured`."""

    buy: Resting | None = None
    sell: Resting | None = None
    refusal: Sequence[tuple[str, str]] = ()
    """What a refusal looked like: what, and the words or yes and no."""
    fees_told: bool | None = None
    """Whether fills of today carry their fee; `None`: there are none."""
    ids_after_restart: str = ""
    """`same`, `changed`, `gone`; empty: not tried."""
    account_codes: Sequence[int] = ()
    not_measured: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    """Remarks of test orders whose end was not seen: a person must look for them."""


class Probe:
    """One run at one account that is connected."""

    def __init__(self, broker: "Broker", clock: Clock, *, longest_s: float = LONGEST_S) -> None:
        """`longest_s`: how long each thing is waited for."""
        self._broker = broker
        self._clock = clock
        self._longest_s = longest_s
        self._events: list[tuple[float, BrokerEvent]] = []
        self._turn = threading.Lock()
        self.found = Found()

    def hear(self, event: BrokerEvent) -> None:
        """The broker's pushes; on any thread."""
        with self._turn:
            self._events.append((self._clock.monotonic(), event))

    def use(self, broker: "Broker") -> None:
        """Another connection, of the same account."""
        self._broker = broker

    def run(self) -> Found:
        """Measures all that can be measured with one connection; each part that fails is noted and passed over."""
        for name, measure in (("buy", self._buy), ("sell", self._sell), ("refusal", self._refusal)):
            try:
                measure()
            except BrokerError as error:
                self.found.not_measured.append(f"{name}: {error}")
        try:
            fills = self._broker.fills()
            self.found.fees_told = any(fill.fee for fill in fills) if fills else None
        except BrokerError as error:
            self.found.not_measured.append(f"fills: {error}")
        raw = getattr(self._broker, "raw_codes", None)
        if raw is not None:
            self.found.account_codes = raw.accounts()
        return self.found

    def compare_ids(self) -> None:
        """After the terminal was restarted: whether the day's orders kept their ids."""
        before = self.found.buy
        if before is None:
            return
        mine = [r for r in self._broker.orders() if r.remark.strip() in {before.remark, before.remark_told.strip()}]
        ids = {report.broker_order_id for report in mine}
        listed = {report.broker_order_id for report in self._broker.orders()}
        if before.broker_order_id in (ids if before.remark == before.remark_told else listed):
            self.found.ids_after_restart = "same"
        else:
            self.found.ids_after_restart = "changed" if ids else "gone"

    # -- the three orders

    def _buy(self) -> None:
        limit = self._limit(SYMBOL, Side.BUY)
        if limit is None:
            self.found.not_measured.append(f"买入：{SYMBOL} 没有跌停价或正在跌停附近 / buy: no lower limit, or near it")
            return
        volume = lot_rule(parse_security(SYMBOL), self._clock.now().date()).minimum
        cash = self._broker.asset().cash
        value = limit * volume
        self.found.buy = self._rest(
            self._request("b", SYMBOL, Side.BUY, volume, limit),
            taken=lambda: self._broker.asset().cash <= cash - value,
            back=lambda: self._broker.asset().cash >= cash,
            figure="money",
        )

    def _sell(self) -> None:
        held = next((p for p in self._broker.positions() if self._can_offer(p)), None)
        limit = None if held is None else self._limit(held.symbol, Side.SELL)
        if held is None or limit is None:
            self.found.not_measured.append("卖出：没有可卖的一手持仓 / sell: no lot of anything can be sold")
            return
        volume, symbol = lot_rule(parse_security(held.symbol), self._clock.now().date()).minimum, held.symbol
        self.found.sell = self._rest(
            self._request("s", symbol, Side.SELL, volume, limit),
            taken=lambda: self._available(symbol) <= held.available - volume,
            back=lambda: self._available(symbol) >= held.available,
            figure="shares",
        )

    def _refusal(self) -> None:
        held = {position.symbol for position in self._broker.positions()}
        symbol = next((code for code in UNHELD if code not in held), None)
        limit = None if symbol is None else self._limit(symbol, Side.SELL)
        if symbol is None or limit is None:
            self.found.not_measured.append("refusal: 没有合适的证券 / no security fits")
            return
        request = self._request("r", symbol, Side.SELL, 100, limit)
        answer, words, order_id = "", "", ""
        try:
            placed = self._broker.place(request)
            if isinstance(placed, Refused):
                answer, words, order_id = "refused", placed.message, placed.broker_order_id
            else:
                answer, order_id = "accepted, with an id", placed.broker_order_id
        except BrokerError as error:
            answer, words = "unknown", str(error)
        watch = Stopwatch(self._clock, _sleep, longest_s=min(self._longest_s, REFUSAL_S))
        [listed] = watch.watch({"listed": lambda: self._ended_row(order_id, request.remark) is not None})
        row = self._row(order_id, request.remark)
        if row is not None and row.state not in ATTEMPT_ENDED:
            self._cancel(row.broker_order_id)
            self.found.doubtful.append(request.remark)
        with self._turn:
            told = [e for _, e in self._events if isinstance(e, PlaceFailed)]
        pushed = [e for e in told if request.remark == e.remark or (order_id and order_id == e.broker_order_id)]
        self.found.refusal = (
            ("answer", answer),
            ("words", words or (pushed[-1].message if pushed else "")),
            ("pushed", "yes" if pushed else "no"),
            ("names an id", "yes" if order_id or any(e.broker_order_id for e in pushed) else "no"),
            ("listed as rejected", "yes" if listed.ms is not None else "no"),
        )

    def _rest(
        self, request: PlaceRequest, *, taken: Callable[[], bool], back: Callable[[], bool], figure: str
    ) -> Resting:
        """Places an order that rests, waits until it is shown everywhere, and cancels it."""
        watch = Stopwatch(self._clock, _sleep, longest_s=self._longest_s)
        self.found.doubtful.append(request.remark)
        placed = self._broker.place(request)
        answered = Lag(what="answer", ms=watch.ms())
        if not isinstance(placed, Accepted):
            self.found.doubtful.remove(request.remark)
            raise BrokerError(f"券商拒绝 / refused: {placed.message}")
        order_id = placed.broker_order_id
        lags = watch.watch(
            {
                "push": lambda: self._pushed(order_id, ended=False),
                "list": lambda: self._row(order_id, request.remark) is not None,
                figure: taken,
            }
        )
        watch = Stopwatch(self._clock, _sleep, longest_s=self._longest_s)
        self._cancel(order_id)
        told = Lag(what="answer", ms=watch.ms())
        ends = watch.watch(
            {
                "push": lambda: self._pushed(order_id, ended=True),
                "list": lambda: self._ended_row(order_id, request.remark) is not None,
                figure: back,
            }
        )
        if not any(lag.ms is None for lag in ends if lag.what == "list"):
            self.found.doubtful.remove(request.remark)
        raw = getattr(self._broker, "raw_codes", None)
        return Resting(
            remark=request.remark,
            broker_order_id=order_id,
            placed=(answered, *lags),
            canceled=(told, *ends),
            remark_told=self._remark_told(order_id, request.remark),
            codes=raw.of(order_id) if raw is not None else (),
            ended=request.remark not in self.found.doubtful,
        )

    def _cancel(self, order_id: str) -> None:
        """Asks up to three times; whether it ended, the list tells."""
        for _ in range(3):
            try:
                self._broker.cancel(order_id)
            except BrokerError as error:
                self.found.not_measured.append(f"cancel: {error}")
                _sleep(1)
            else:
                return

    # -- what is looked at

    def _request(self, mark: str, symbol: str, side: Side, volume: int, price: Decimal) -> PlaceRequest:
        # As long as the longest remark of a ledger may be, to see what is cut.
        remark = f"jqprobe{mark}-{self._clock.now():%H%M%S%f}"[:24].ljust(24, "Z")
        return PlaceRequest(attempt_id=0, remark=remark, symbol=symbol, side=side, volume=volume, price=price)

    def _limit(self, symbol: str, side: Side) -> Decimal | None:
        """The limit at which an order rests; `None`: there is none, or the market is near it."""
        quote, instrument = self._broker.quote(symbol), self._broker.instrument(symbol)
        if quote is None or instrument is None or quote.last is None or quote.suspended:
            return None
        limit = instrument.limit_down if side is Side.BUY else instrument.limit_up
        return limit if limit is not None and abs(quote.last - limit) >= FAR * quote.last else None

    def _can_offer(self, position: Position) -> bool:
        rule = lot_rule(parse_security(position.symbol), self._clock.now().date())
        return position.available >= rule.minimum and self._limit(position.symbol, Side.SELL) is not None

    def _available(self, symbol: str) -> int:
        return next((p.available for p in self._broker.positions() if p.symbol == symbol), 0)

    def _row(self, order_id: str, remark: str) -> OrderReport | None:
        rows = self._broker.orders()
        return next((r for r in rows if r.broker_order_id == order_id or r.remark.strip() == remark), None)

    def _ended_row(self, order_id: str, remark: str) -> OrderReport | None:
        row = self._row(order_id, remark)
        return row if row is not None and row.state in ATTEMPT_ENDED else None

    def _pushed(self, order_id: str, *, ended: bool) -> bool | float:
        """When it was told; `False`: not yet."""
        with self._turn:
            for at, e in self._events:
                ours = isinstance(e, OrderReport) and e.broker_order_id == order_id
                if ours and isinstance(e, OrderReport) and (e.state in ATTEMPT_ENDED) is ended:
                    return at
        return False

    def _remark_told(self, order_id: str, remark: str) -> str:
        """The counter's own text, where the adapter keeps it; else what the list shows."""
        raw = getattr(self._broker, "raw_codes", None)
        told = raw.remark(order_id) if raw is not None else None
        if told is not None:
            return str(told)
        try:
            row = self._row(order_id, remark)
        except BrokerError:
            return ""
        return "" if row is None else row.remark


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)
