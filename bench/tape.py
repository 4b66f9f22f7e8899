"""`python -m bench.tape [FOLDER]`: recorded quotes through the practice exchange, for the original's policy and others.

Each order of the tape is placed anew by each policy, against the quotes that stood around it, and ends after half an
hour at the latest. What is printed has 95 % intervals by resampling the orders. Without a folder a tape is generated:
it is synthetic, says so, and shows nothing about a real market. No default is changed on it.
"""

import argparse
import random
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

from jqfollow.costs.shortfall import Trade, shortfall
from jqfollow.domain import (
    Accepted,
    FillReport,
    Instrument,
    Level,
    OrderReport,
    Phase,
    PlaceRequest,
    Quote,
    Side,
)
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.pricing import PriceRequest, attempt_price
from jqfollow.market.calendar import TradingCalendar
from jqfollow.market.fees import fee
from jqfollow.market.lots import lot_rule, valid_buy
from jqfollow.market.prices import limit_prices, limit_ratio, tick
from jqfollow.market.securities import parse_security
from jqfollow.settings import PriceMode
from jqfollow.tape.lines import Begun, Done, Seen, read

LONGEST = timedelta(minutes=30)
_RESAMPLES = 1000
_MONEY = Decimal(10) ** 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How an order is worked."""

    name: str
    price: PriceMode
    cancel_after_s: int
    force_after: int
    slippage_ticks: int = 0
    max_attempts: int = 5


POLICIES = (
    Policy(name="original: last, 30 s, forced after 3", price=PriceMode.LATEST, cancel_after_s=30, force_after=4,
           max_attempts=50),
    Policy(name="ours: last, 30 s, forced from the 3rd", price=PriceMode.LATEST, cancel_after_s=30, force_after=3),
    Policy(name="last, 10 s, forced from the 3rd", price=PriceMode.LATEST, cancel_after_s=10, force_after=3),
    Policy(name="last + 1 tick, 30 s", price=PriceMode.LATEST, cancel_after_s=30, force_after=3, slippage_ticks=1),
    Policy(name="own side's best, 30 s", price=PriceMode.OWN, cancel_after_s=30, force_after=3),
    Policy(name="other side's best at once", price=PriceMode.PEER, cancel_after_s=30, force_after=1),
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Episode:
    """An order, and the market around it."""

    security: str
    side: Side
    volume: int
    decision: Decimal | None
    begins: datetime
    quotes: list[Quote] = field(default_factory=list)
    at: list[datetime] = field(default_factory=list)
    """When each of the quotes was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an episode under a policy."""

    wished: Decimal
    """Yuan."""
    filled: Decimal
    """Of it."""
    seconds: float | None
    bps: float | None
    cancels: int


class _Clock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class _Tape:
    """A `QuoteSource` of one episode."""

    def __init__(self, episode: Episode, clock: _Clock) -> None:
        self._episode, self._clock = episode, clock

    def quote(self, _symbol: str) -> Quote | None:
        number = bisect_right(self._episode.at, self._clock.now())
        return self._episode.quotes[max(number - 1, 0)]

    def instrument(self, symbol: str) -> Instrument | None:
        security, close = parse_security(symbol), self._episode.quotes[0].prev_close
        ratio = limit_ratio(security, self._clock.now().date(), risk_warning=False)
        up, down = limit_prices(close, ratio, tick(security)) if ratio else (None, None)
        return Instrument(symbol=symbol, name="", prev_close=close, limit_up=up, limit_down=down, tick=tick(security))


def episodes(folder: Path) -> list[Episode]:
    """The orders of all tapes in a folder that have quotes and a volume."""
    found: dict[tuple[Path, int], Episode] = {}
    for path in sorted(folder.glob("*.jsonl.gz")):
        for line in read(path):
            key = path, line.order_id
            if isinstance(line, Begun):
                found[key] = Episode(security=line.security, side=line.side, volume=0, decision=line.decision,
                                     begins=line.at)  # fmt: skip
            elif key in found and isinstance(line, Done):
                found[key].volume = line.wished
            elif key in found and isinstance(line, Seen):
                found[key].quotes.append(line.quote)
                found[key].at.append(line.at)
    return [episode for episode in found.values() if episode.volume and episode.quotes]


def generated(count: int, seed: int = 1) -> list[Episode]:
    """Synthetic: a walk by ticks around a spread of one to three of them; half drift against the order."""
    source, found = random.Random(seed), list[Episode]()
    start = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    for number in range(count):
        code = source.choice(["000001.SZ", "600519.SH", "300750.SZ"])
        step, price = Decimal("0.01"), Decimal(source.randrange(500, 5000)) / 100
        begins = start + timedelta(minutes=40 * number)
        close, last, against = price, price, source.random() < 0.5
        side = source.choice(list(Side))
        episode = Episode(security=code, side=side, volume=100 * source.randrange(1, 60), decision=price, begins=begins)
        for second in range(int(LONGEST.total_seconds()) + 1):
            lean = (0.005 if against else 0.0) * (1 if side is Side.BUY else -1)
            last = max(last + step * source.choices([-1, 0, 1], [0.15 - lean, 0.7, 0.15 + lean])[0], step * 10)
            gap = step * source.choice([1, 1, 2, 3])
            at = begins + timedelta(seconds=second)
            if second % 3 == 0:
                depth = [100 * source.randrange(1, 40) for _ in range(5)]
                bids = tuple(Level(price=last - step * n, volume=v) for n, v in enumerate(depth))
                asks = tuple(Level(price=last + gap + step * n, volume=v) for n, v in enumerate(reversed(depth)))
                quote = Quote(symbol=code, at=at, last=last, prev_close=close, bids=bids, asks=asks,
                              phase=Phase.CONTINUOUS)  # fmt: skip
                episode.quotes.append(quote)
                episode.at.append(at)
        found.append(episode)
    return found


def play(episode: Episode, policy: Policy, folder: Path) -> Outcome | None:
    """One order, worked by one policy; `None`: the board takes no such volume."""
    clock = _Clock(episode.begins)
    security = parse_security(episode.security)
    if episode.side is Side.BUY and not valid_buy(episode.volume, lot_rule(security, clock.now().date())):
        return None
    source = _Tape(episode, clock)
    broker = PaperBroker(name="tape", path=folder / "account.jsonl", clock=clock, cash=_MONEY, hours="always",
                         calendar=TradingCalendar(), quotes=source, pulse_s=None)  # fmt: skip
    (folder / "account.jsonl").unlink(missing_ok=True)
    fills: list[FillReport] = []
    broker.events(lambda event: fills.append(event) if isinstance(event, FillReport) else None)
    close = broker.connect()
    try:
        broker.set_holding(episode.security, episode.volume, cost=Decimal(1))
        cancels = _work(broker, clock, source, episode, policy)
        done = list(broker.fills())
    finally:
        close()
    return _outcome(episode, done, cancels)


def _work(broker: PaperBroker, clock: _Clock, source: _Tape, episode: Episode, policy: Policy) -> int:
    """Attempt after attempt until it is filled, given up, or the tape ends; how many were cancelled."""
    end = episode.begins + LONGEST
    left, cancels = episode.volume, 0
    for attempt in range(1, policy.max_attempts + 1):
        quote, instrument = source.quote(episode.security), source.instrument(episode.security)
        if quote is None or instrument is None or clock.at >= end:
            break
        price = attempt_price(
            PriceRequest(security=parse_security(episode.security), side=episode.side, volume=left, quote=quote,
                         instrument=instrument, phase=Phase.CONTINUOUS, mode=policy.price,
                         slippage_ticks=policy.slippage_ticks, forced=attempt >= policy.force_after,
                         signal_price=episode.decision, max_drift=Decimal("0.03"), limit_price=None,
                         named_by_person=False)
        ).price  # fmt: skip
        placed = None
        if price is not None:
            request = PlaceRequest(attempt_id=attempt, remark=f"tape-{attempt}", symbol=episode.security,
                                   side=episode.side, volume=left, price=price)  # fmt: skip
            placed = broker.place(request)
        report = _wait(broker, clock, placed, min(clock.at + timedelta(seconds=policy.cancel_after_s), end))
        if report is not None:
            left -= report.filled
        if not left:
            break
        cancels += report is not None
    return cancels


def _wait(broker: PaperBroker, clock: _Clock, placed: object, until: datetime) -> OrderReport | None:
    """A second at a time until it is filled or its time is over, and cancelled then; its last report."""

    def report() -> OrderReport | None:
        if not isinstance(placed, Accepted):
            return None
        return next(row for row in broker.orders() if row.broker_order_id == placed.broker_order_id)

    while clock.at < until:
        found = report()
        if found is not None and found.filled >= found.volume:
            return found
        clock.at += timedelta(seconds=1)
        broker.advance()
    found = report()
    if found is not None and isinstance(placed, Accepted) and found.filled < found.volume:
        broker.cancel(placed.broker_order_id)
        broker.advance()
        found = report()
    return found


def _outcome(episode: Episode, fills: Sequence[FillReport], cancels: int) -> Outcome:
    arrival = episode.quotes[0].last or episode.quotes[0].prev_close
    decision, close = episode.decision or arrival, episode.quotes[-1].last or arrival
    filled, turnover = sum(f.volume for f in fills), sum((f.volume * f.price for f in fills), Decimal(0))
    fees = fee(parse_security(episode.security), episode.side, filled, turnover / filled) if filled else Decimal(0)
    cost = shortfall(Trade(side=episode.side, wished=episode.volume, filled=filled, turnover=turnover,
                           decision=decision, arrival=arrival, close=close, fees=fees))  # fmt: skip
    return Outcome(
        wished=decision * episode.volume,
        filled=decision * filled,
        seconds=max((f.at - episode.begins).total_seconds() for f in fills) if fills else None,
        bps=float(cost.bps) if cost else None,
        cancels=cancels,
    )


def summary(outcomes: Sequence[Outcome], seed: int = 1) -> list[str]:
    """Filled share, seconds (median), shortfall (weighted by value) and cancels an order, with 95 % intervals."""
    measures: list[tuple[str, Callable[[Sequence[Outcome]], float]]] = [
        ("{:.1f}%", lambda of: 100 * float(sum(o.filled for o in of) / sum(o.wished for o in of))),
        ("{:.1f} s", lambda of: median([o.seconds for o in of if o.seconds is not None] or [0.0])),
        ("{:.1f} bps", lambda of: sum((o.bps or 0) * float(o.wished) for o in of) / float(sum(o.wished for o in of))),
        ("{:.2f}", lambda of: sum(o.cancels for o in of) / len(of)),
    ]
    source, told = random.Random(seed), []
    for form, measure in measures:
        samples = sorted(measure(source.choices(outcomes, k=len(outcomes))) for _ in range(_RESAMPLES))
        low, high = samples[int(0.025 * _RESAMPLES)], samples[int(0.975 * _RESAMPLES) - 1]
        told.append(f"{form.format(measure(outcomes))} [{low:.1f}, {high:.1f}]")
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """0: there was something to play."""
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # a console of Windows has a code page
    parser = argparse.ArgumentParser(prog="python -m bench.tape", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("folder", nargs="?", type=Path, help="of recorded tapes: data/tape")
    parser.add_argument("--orders", type=int, default=120, help="of a generated tape")
    wanted = parser.parse_args(arguments)
    played = episodes(wanted.folder) if wanted.folder else generated(wanted.orders)
    if not played:
        print(f"no orders on the tapes in {wanted.folder}", file=sys.stderr)
        return 1
    if not wanted.folder:
        print("SYNTHETIC: a generated tape, which shows nothing about a real market; no default is changed on it.\n")
    print(f"{len(played)} orders; filled share of value | median seconds | shortfall by value | cancels an order; 95 %")
    with tempfile.TemporaryDirectory(prefix="jqfollow-tape-", ignore_cleanup_errors=True) as folder:
        for policy in POLICIES:
            outcomes = [o for episode in played if (o := play(episode, policy, Path(folder))) is not None]
            print(f"{policy.name:40} {' | '.join(summary(outcomes))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
