"""Quotes and facts of securities from a running MiniQMT, by the vendor's `xtdata`; paper accounts can use them too."""

import re
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Generic, TypeVar

import structlog

from jqfollow.clock import SHANGHAI, Clock, from_ms
from jqfollow.corporate.factors import Factor, NonsenseError, of_xtdata
from jqfollow.domain import BrokerDownError, BrokerError, BrokerTimeoutError, Instrument, Level, Phase, Quote
from jqfollow.execution.brokers.miniqmt.codes import price_of, volume_of
from jqfollow.execution.brokers.miniqmt.threads import Threads
from jqfollow.market.prices import tick
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.market.sessions import phase_at

T = TypeVar("T")
log = structlog.get_logger(__name__)

QUOTE_TTL_S = 0.3
"""The exchanges publish a snapshot every three seconds."""
INSTRUMENT_TTL_S = 20.0
"""Limits change once a day, before the opening; a stale one must not outlive it by long."""
_NO_LIMIT = 100_000
"""Upper limits from here on mean that there is none; no share costs so much."""
_FINEST = Decimal("0.001")

_PHASES: dict[int, tuple[Phase, ...]] = {
    11: (Phase.CLOSED,),
    12: (Phase.OPENING_AUCTION, Phase.OPENING_AUCTION_LOCKED, Phase.CLOSING_AUCTION),
    13: (Phase.CONTINUOUS,),
    14: (Phase.PRE_OPEN, Phase.LUNCH),
    15: (Phase.CLOSED,),
    18: (Phase.CLOSING_AUCTION,),
    22: (Phase.AFTER_HOURS,),
    23: (Phase.CLOSED,),
}
"""The trading state, which stands in `openInt` of a tick, as phases; the time tells which of several."""
_RISK_WARNING = re.compile(r"(XD|XR|DR)?(S?\*?ST|\*ST)", re.IGNORECASE)
"""ST and *ST, before a reform S, behind the exchange's mark of an ex-dividend day."""
_HALTED = frozenset({1, 16, 17, 20})
"""Suspended, volatility break, halted for a while, halted until the close."""


class XtQuotes:
    """A `QuoteSource`. Blocks up to `timeout_s` a question, whatever the vendor does (up to 150 s, S)."""

    _turn: ClassVar = threading.Lock()
    """One question at a time, of all accounts: the vendor keeps one connection, and makes it anew without a lock."""

    def __init__(
        self,
        *,
        load: Callable[[], Any],
        clock: Clock,
        timeout_s: float = 2.0,
        quote_ttl_s: float = QUOTE_TTL_S,
        instrument_ttl_s: float = INSTRUMENT_TTL_S,
        max_hung: int = 4,
    ) -> None:
        """`load` imports and returns the vendor's `xtdata`, or raises `BrokerDownError`."""
        self._load = load
        self._clock = clock
        self._timeout_s = timeout_s
        self._threads = Threads("xtdata", max_hung=max_hung)
        self._quotes: Cache[Quote] = Cache(clock, quote_ttl_s)
        self._instruments: Cache[Instrument] = Cache(clock, instrument_ttl_s)

    @property
    def hung(self) -> int:
        """How many requests the vendor never answered."""
        return self._threads.hung

    def quote(self, symbol: str) -> Quote | None:
        """The market now; `None`: not known.

        Raises:
            BrokerDownError: no MiniQMT answers for quotes.
            BrokerError: not to be had now.
        """
        known = self._quotes.get(symbol)
        if known:
            return known[0]
        ticks = self._ask(lambda xtdata: xtdata.get_full_tick([symbol]))
        told = ticks.get(symbol) if isinstance(ticks, Mapping) else None
        now = self._clock.now()
        return self._quotes.put(symbol, quote_of(symbol, told, now) if told else None)

    def instrument(self, symbol: str) -> Instrument | None:
        """Today's facts; `None`: unknown. Raises like `quote`."""
        known = self._instruments.get(symbol)
        if known:
            return known[0]
        told = self._ask(lambda xtdata: xtdata.get_instrument_detail(symbol))
        return self._instruments.put(symbol, instrument_of(symbol, told) if told else None)

    def factors(self, symbol: str, first: date, last: date) -> list[Factor]:
        """The corporate actions of a security in those days, as the vendor knows them: an empty answer proves nothing.

        Raises like `quote`; figures that no action has are left out, and logged.
        """
        days = (f"{first:%Y%m%d}", f"{last:%Y%m%d}")
        # What `xtdata.get_divid_factors` makes a table of: pandas need not be installed.
        told = self._ask(lambda xtdata: xtdata.get_client().get_divid_factors(symbol, *days))
        found: list[Factor] = []
        for index, row in told.items() if isinstance(told, Mapping) else ():
            try:
                found.append(of_xtdata(symbol, index, row if isinstance(row, Mapping) else {}))
            except NonsenseError as error:
                log.warning("no_corporate_action", symbol=symbol, error=str(error))
        return [factor for factor in found if first <= factor.day <= last]

    def _ask(self, question: Callable[[Any], T]) -> T:
        if not self._turn.acquire(timeout=self._timeout_s):
            raise BrokerTimeoutError("行情服务忙 / the quote service is busy")
        try:
            return self._threads.run("ask", lambda: question(self._load()), timeout_s=self._timeout_s)
        except BrokerError:
            raise
        except Exception as error:  # the vendor's request ends here; it raises bare exceptions
            raise BrokerDownError(
                f"取行情失败：{error}；请确认 MiniQMT 已登录 / no quotes, is MiniQMT running and logged in?"
            ) from error
        finally:
            self._turn.release()


class Cache(Generic[T]):
    """Answers by symbol, `None` included, for a while. Thread-safe by the dict's own atomicity."""

    def __init__(self, clock: Clock, ttl_s: float) -> None:
        self._clock = clock
        self._ttl_s = ttl_s
        self._known: dict[str, tuple[float, T | None]] = {}

    def get(self, symbol: str) -> tuple[T | None] | None:
        """What is known, in a tuple; `None`: nothing, or it is too old."""
        known = self._known.get(symbol)
        if known is None or self._clock.monotonic() - known[0] >= self._ttl_s:
            return None
        return (known[1],)

    def put(self, symbol: str, value: T | None) -> T | None:
        """Keeps and returns `value`."""
        self._known[symbol] = (self._clock.monotonic(), value)
        return value


def quote_of(symbol: str, told: Mapping[str, Any], now: datetime) -> Quote | None:
    """A full tick as a quote; `None` when it names no price at all."""
    step = _step(symbol)
    last, prev_close = price_of(told.get("lastPrice") or 0, step), price_of(told.get("lastClose") or 0, step)
    if last <= 0 and prev_close <= 0:
        return None
    at = _at(told, now)
    code = int(told.get("openInt") or 0)
    unit = _unit(symbol, told)
    return Quote(
        symbol=symbol,
        at=at,
        last=last if last > 0 else None,
        prev_close=prev_close,
        bids=_levels(told.get("bidPrice"), told.get("bidVol"), step, unit),
        asks=_levels(told.get("askPrice"), told.get("askVol"), step, unit),
        open=price_of(told.get("open") or 0, step) or None,
        suspended=code in _HALTED,
        phase=_phase(code, at),
    )


def instrument_of(symbol: str, told: Mapping[str, Any]) -> Instrument:
    """An instrument detail as an instrument."""
    told_step = Decimal(repr(float(told.get("PriceTick") or 0))).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    step = told_step.normalize() if told_step > 0 else _step(symbol)
    name = str(told.get("InstrumentName") or "").strip()
    return Instrument(
        symbol=symbol,
        name=name,
        prev_close=price_of(told.get("PreClose") or 0, _FINEST),
        limit_up=_limit(told.get("UpStopPrice"), step),
        limit_down=_limit(told.get("DownStopPrice"), step),
        tick=step,
        risk_warning=is_risk_warning(name),
        suspended=int(told.get("InstrumentStatus") or 0) >= 1,  # days suspended (S)
    )


def is_risk_warning(name: str) -> bool:
    """ST, *ST, or in its delisting period, by the name."""
    return bool(_RISK_WARNING.match(name)) or "退" in name


def _step(symbol: str) -> Decimal:
    try:
        return tick(parse_security(symbol))
    except UnknownSecurityError:
        return _FINEST


def _limit(value: object, step: Decimal) -> Decimal | None:
    if not isinstance(value, int | float) or not 0 < value < _NO_LIMIT:
        return None
    return price_of(value, step)


def _at(told: Mapping[str, Any], now: datetime) -> datetime:
    ms = told.get("time")
    if isinstance(ms, int | float) and ms > 0:
        return from_ms(int(ms))
    try:
        return datetime.strptime(str(told.get("timetag")), "%Y%m%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return now


def _phase(code: int, at: datetime) -> Phase | None:
    phases = _PHASES.get(code)
    if phases is None:
        return None
    by_time = phase_at(at)
    return by_time if by_time in phases else (phases[0] if len(phases) == 1 else None)


def _unit(symbol: str, told: Mapping[str, Any]) -> int:
    """Shares in one unit of the tick's volumes, mostly 手: told by turnover, volume and price where there are any."""
    try:
        bond = parse_security(symbol).is_bond
    except UnknownSecurityError:
        bond = False
    turnover, volume, price = (float(told.get(key) or 0) for key in ("amount", "volume", "lastPrice"))
    if turnover > 0 and volume > 0 and price > 0:
        ratio = turnover / volume / price
        return min((1, 10, 100), key=lambda unit: abs(ratio / unit - 1))
    return 10 if bond else 100


def _levels(prices: Any, volumes: Any, step: Decimal, unit: int) -> tuple[Level, ...]:
    levels = []
    for price, volume in zip(prices or (), volumes or (), strict=False):
        if price and price > 0 and volume and volume > 0:
            levels.append(Level(price=price_of(price, step), volume=volume_of(volume) * unit))
    return tuple(levels)
