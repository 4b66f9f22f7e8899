"""A tape's file: one line a quote, a line as an order is first seen and one as it has ended; gzip, a day a file."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from jqfollow.clock import from_ms, to_ms
from jqfollow.domain import Level, Quote, Side

FOLDER = "tape"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An order, as its tape begins."""

    order_id: int
    at: datetime
    """When it was made."""
    security: str
    side: Side
    decision: Decimal | None
    """The strategy's price, yuan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The market of an order's security."""

    order_id: int
    at: datetime
    """When it was asked for."""
    quote: Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of an order."""

    order_id: int
    at: datetime
    wished: int
    filled: int
    paid: Decimal | None


Line = Begun | Seen | Done


def path_of(folder: Path, day: date) -> Path:
    """The tape of one day."""
    return folder / f"{day.isoformat()}.jsonl.gz"


def append(path: Path, lines: Iterable[Line]) -> None:
    """Adds lines as a member of their own: a crash loses none that stood before. Blocks; raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "ab") as file:
        file.writelines(orjson.dumps(_told(line)) + b"\n" for line in lines)


def read(path: Path) -> Iterator[Line]:
    """The lines of a tape; a torn end, and what is no line, is left out. Raises `OSError`: there is none."""
    with gzip.open(path, "rb") as file:
        while True:
            try:
                text = file.readline()
            except (EOFError, zlib.error, gzip.BadGzipFile):
                return
            if not text:
                return
            try:
                line = _line(orjson.loads(text))
            except (ValueError, KeyError, TypeError, ArithmeticError):
                continue
            yield line


def _told(line: Line) -> dict[str, object]:
    match line:
        case Begun():
            return {"k": "order", "o": line.order_id, "t": to_ms(line.at), "s": line.security, "side": line.side,
                    "p": _text(line.decision)}  # fmt: skip
        case Done():
            return {"k": "done", "o": line.order_id, "t": to_ms(line.at), "w": line.wished, "f": line.filled,
                    "p": _text(line.paid)}  # fmt: skip
        case Seen():
            quote = line.quote
            return {"o": line.order_id, "t": to_ms(line.at), "s": quote.symbol, "q": to_ms(quote.at),
                    "l": _text(quote.last), "c": str(quote.prev_close), "b": _levels(quote.bids),
                    "a": _levels(quote.asks)}  # fmt: skip


def _levels(levels: tuple[Level, ...]) -> list[list[object]]:
    return [[str(level.price), level.volume] for level in levels]


def _text(price: Decimal | None) -> str | None:
    return None if price is None else str(price)


def _price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _line(told: Mapping[str, Any]) -> Line:
    order_id, at = int(told["o"]), from_ms(told["t"])
    match told.get("k"):
        case "order":
            return Begun(order_id=order_id, at=at, security=told["s"], side=Side(told["side"]),
                         decision=_price(told["p"]))  # fmt: skip
        case "done":
            return Done(order_id=order_id, at=at, wished=int(told["w"]), filled=int(told["f"]), paid=_price(told["p"]))
        case _:
            bids, asks = (
                tuple(Level(price=Decimal(price), volume=int(volume)) for price, volume in told[side])
                for side in ("b", "a")
            )
            quote = Quote(symbol=told["s"], at=from_ms(told["q"]), last=_price(told["l"]),
                          prev_close=Decimal(told["c"]), bids=bids, asks=asks)  # fmt: skip
            return Seen(order_id=order_id, at=at, quote=quote)
