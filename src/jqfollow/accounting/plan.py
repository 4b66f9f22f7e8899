"""The orders that would close a strategy's drift, and what stands against each. Pure.

Only the strategy's own books are in scope: a sell never goes beyond what its book holds, a buy never beyond its target.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import orjson

from jqfollow.clock import to_ms
from jqfollow.domain import Position, Side
from jqfollow.drift.causes import Cause, Drift
from jqfollow.market.lots import buyable, lot_rule, sellable, split
from jqfollow.market.securities import Security, UnknownSecurityError, parse_security

GOOD_FOR = timedelta(minutes=1)
"""So long a plan that a person looks at can be carried out."""
_ZERO = Decimal(0)


class Word(StrEnum):
    """What only a person can decide."""

    UNEXPLAINED = "unexplained"
    """A drift of which nothing explains a part is closed all the same."""
    ZERO = "zero"
    """The report says that the strategy holds nothing, and no signal sold it: it is sold."""


class Hindrance(StrEnum):
    """Why a drift is not closed."""

    NO_TARGET = "no_target"
    NO_REPORT = "no_report"
    OLD_REPORT = "old_report"
    """Not of today."""
    ORDER_SINCE = "order_since"
    """An order message is newer than the report."""
    NOT_CONNECTED = "not_connected"
    UNDER_WAY = "under_way"
    """Orders of the book have not ended."""
    UNKNOWN_OUTCOME = "unknown_outcome"
    NEEDS_WORD = "needs_word"
    EXPECTED = "expected"
    """A corporate action is about to bring it."""
    BELOW_LOT = "below_lot"
    NOT_SELLABLE = "not_sellable"
    """T+1, or frozen at the broker."""
    NO_PRICE = "no_price"
    UNKNOWN_SECURITY = "unknown_security"
    BELOW_ZERO = "below_zero"
    """The book stands below zero: a person has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known of one account as the plan is made."""

    account: str
    connected: bool
    why_zh: str = ""
    why_en: str = ""
    day: date
    cash: Decimal = _ZERO
    positions: Mapping[str, Position] = field(default_factory=dict)
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    open_books: Collection[tuple[str, str]] = ()
    """Strategy and security of books with orders that have not ended."""
    unknown: Collection[str] = ()
    """Securities with an attempt whose outcome nobody knows."""
    bought_today: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Strategy and security; shares that T+1 keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAge:
    """What matters of the strategy's newest whole report."""

    made_at: datetime | None
    day: date | None
    last_order_at: datetime | None
    """When the newest order message was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An order of the plan."""

    account: str
    security: str
    side: Side
    volume: int
    parts: tuple[int, ...]
    price: Decimal
    """The last price as the plan was made, yuan: what the price guard measures from."""
    drift: Drift
    off_book: int = 0
    """Sold by somebody else at the broker, and taken from the book first."""

    @property
    def yuan(self) -> Decimal:
        """Without fees."""
        return self.volume * self.price

    @property
    def left(self) -> Decimal:
        """What is left of the drift when it is filled; signed like the drift."""
        return (self.drift.drift or _ZERO) - (self.volume if self.side is Side.BUY else -self.volume)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A drift, or a part of it, that the plan leaves."""

    account: str
    security: str
    shares: Decimal | None
    why: Hindrance
    words: tuple[Word, ...] = ()
    """What a person would have to say for it to be closed."""
    day: date | None = None
    off_book: int = 0
    """Taken from the book all the same: no order is needed for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done, for a person to look at."""

    strategy: str
    made_at: datetime
    report: ReportAge
    words: tuple[Word, ...]
    items: tuple[Item, ...]
    """Sells first, then buys, the largest first."""
    kept: tuple[Kept, ...]
    seen: tuple[Mapping[str, Any], ...]
    """Everything that it was made of and that must still hold when it is carried out."""

    @property
    def key(self) -> str:
        """Names exactly this plan."""
        text = {
            "strategy": self.strategy,
            "made_at": to_ms(self.made_at),
            "report": None if self.report.made_at is None else to_ms(self.report.made_at),
            "words": self.words,
            "items": [
                (item.account, item.security, item.side, item.parts, item.off_book, str(item.price))
                for item in self.items
            ],
            "kept": [(k.account, k.security, k.why, k.off_book) for k in self.kept],
            "seen": self.seen,
        }
        return hashlib.sha256(orjson.dumps(text, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    def is_over(self, now: datetime) -> bool:
        """Whether it was looked at for too long; a clock that was set back makes it old, too."""
        return not timedelta(0) <= now - self.made_at <= GOOD_FOR


def make_plan(
    strategy: str,
    rows: Sequence[Drift],
    scenes: Mapping[str, Scene],
    report: ReportAge,
    *,
    today: date,
    words: Collection[Word],
    made_at: datetime,
    prices: Mapping[tuple[str, str], Decimal] | None = None,
) -> Plan:
    """The plan that closes `rows`, all of one strategy.

    Args:
        strategy: whose books.
        rows: the drift of its books.
        scenes: what is known of their accounts, by name.
        report: of the strategy.
        today: the day that the report must be of.
        words: what a person has decided.
        made_at: now.
        prices: by account and security, where the plan is made once more: those of the first time.
    """
    items: list[Item] = []
    kept: list[Kept] = []
    why = _report_hinders(report, today)
    for row in rows:
        if row.drift == 0 and not row.missing:
            continue
        price = (prices or {}).get((row.account, row.security))
        made = _keep(row, why) if why else _close(row, scenes[row.account], words, price)
        if isinstance(made, Item):
            items.append(made)
        else:
            kept.append(made)
    items.sort(key=lambda item: (item.side is Side.BUY, -item.yuan, item.account, item.security))
    return Plan(
        strategy=strategy,
        made_at=made_at,
        report=report,
        words=tuple(sorted(words)),
        items=tuple(items),
        kept=tuple(kept),
        seen=tuple(_seen(row, scenes[row.account]) for row in rows),
    )


def _report_hinders(report: ReportAge, today: date) -> Hindrance | None:
    if report.made_at is None:
        return Hindrance.NO_REPORT
    if report.day != today:
        return Hindrance.OLD_REPORT
    if report.last_order_at is not None and report.last_order_at >= report.made_at:
        return Hindrance.ORDER_SINCE
    return None


def _close(row: Drift, scene: Scene, words: Collection[Word], price: Decimal | None) -> Item | Kept:
    why = _hindrance(row, scene)
    if why is not None:
        return _keep(row, why)
    asked = ((Word.UNEXPLAINED, row.unexplained != 0), (Word.ZERO, row.zero_untold))
    needed = tuple(word for word, is_so in asked if is_so and word not in words)
    if needed:
        return replace(_keep(row, Hindrance.NEEDS_WORD), words=needed)
    days = [line.day for line in row.lines if line.cause is Cause.CORPORATE and line.day is not None]
    if days:
        return replace(_keep(row, Hindrance.EXPECTED), day=max(days))
    return _order(row, scene, price)


def _keep(row: Drift, why: Hindrance) -> Kept:
    return Kept(account=row.account, security=row.security, shares=row.drift, why=why)


def _hindrance(row: Drift, scene: Scene) -> Hindrance | None:
    checks = (
        (Hindrance.NOT_CONNECTED, not scene.connected),
        (Hindrance.UNKNOWN_OUTCOME, row.security in scene.unknown),
        (Hindrance.UNDER_WAY, row.working or (row.strategy, row.security) in scene.open_books),
        (Hindrance.NO_TARGET, row.drift is None),
        (Hindrance.BELOW_ZERO, row.book < 0),
        (Hindrance.UNKNOWN_SECURITY, _security(row) is None),
    )
    return next((why for why, is_so in checks if is_so), None)


def _security(row: Drift) -> Security | None:
    try:
        return parse_security(row.security)
    except UnknownSecurityError:
        return None


def _order(row: Drift, scene: Scene, price: Decimal | None) -> Item | Kept:
    """The order; or what is left of the drift, with what somebody else sold taken from the book all the same."""
    drift, security = row.drift, _security(row)
    kept = replace(_keep(row, Hindrance.BELOW_LOT), off_book=row.missing)
    if not drift or security is None:
        return kept
    rule = lot_rule(security, scene.day)
    price = price or scene.prices.get(row.security)
    side = Side.BUY if drift > 0 else Side.SELL
    held = scene.positions.get(row.security)
    available = held.available if held else 0
    if side is Side.BUY:
        volume = buyable(drift, rule)
    else:
        wish = min(-drift, Decimal(row.book))
        today = max(row.book - scene.bought_today.get((row.strategy, row.security), 0), 0)
        volume = sellable(min(wish, Decimal(today)), available, rule)
        if not volume and sellable(wish, max(available, row.book), rule):
            return replace(kept, why=Hindrance.NOT_SELLABLE)
    if not volume:
        return kept
    if price is None:
        return replace(kept, why=Hindrance.NO_PRICE)
    return Item(
        account=row.account,
        security=row.security,
        side=side,
        volume=volume,
        parts=split(volume, side, available, rule),
        price=price,
        drift=row,
        off_book=row.missing,
    )


def _seen(row: Drift, scene: Scene) -> Mapping[str, Any]:
    held = scene.positions.get(row.security)
    return {
        "account": row.account,
        "security": row.security,
        "target": str(row.target),
        "book": row.book,
        "missing": row.missing,
        "working": str(row.working),
        "held": held.volume if held else 0,
        "available": held.available if held else 0,
    }
