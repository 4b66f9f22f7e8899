"""What a market is, and what it shows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Board(StrEnum):
    """The boards of `risk.boards`."""

    MAIN = "main"
    CHINEXT = "chinext"
    STAR = "star"
    BSE = "bse"
    FUND = "fund"
    BOND = "bond"


class Phase(StrEnum):
    """Phases of the exchange day (market-rules: The trading day)."""

    CLOSED = "closed"
    OPENING_AUCTION = "opening_auction"
    """9:15-9:20: orders and cancels."""
    OPENING_AUCTION_LOCKED = "opening_auction_locked"
    """9:20-9:25: orders, no cancels."""
    PRE_OPEN = "pre_open"
    """9:25-9:30: the broker holds orders."""
    CONTINUOUS = "continuous"
    LUNCH = "lunch"
    CLOSING_AUCTION = "closing_auction"
    """14:57-15:00: orders, no cancels."""
    AFTER_HOURS = "after_hours"
    """15:05-15:30: fixed price trading, which jqfollow does not use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of an order book."""

    price: Decimal
    volume: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A snapshot of one security's market; best levels first, empty levels left out."""

    symbol: str
    at: datetime
    last: Decimal | None
    """`None` before the first trade of the day and while suspended."""
    prev_close: Decimal
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    open: Decimal | None = None
    """The day's first price; `None`: before it, or when the source does not tell."""
    suspended: bool = False
    phase: Phase | None = None
    """What the exchange itself says; `None` when the source does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What the broker, or the table of rules, says of one security today."""

    symbol: str
    name: str
    prev_close: Decimal
    """The ex-rights reference of today's limits."""
    limit_up: Decimal | None
    """`None`: no limit today."""
    limit_down: Decimal | None
    tick: Decimal
    risk_warning: bool = False
    """ST, *ST or in its delisting period."""
    suspended: bool = False
