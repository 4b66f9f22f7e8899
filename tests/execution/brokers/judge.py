"""A second opinion on what an exchange may take, written from the rules alone, in whole thousandths of a yuan.

It shares no code with the house: prices are `int` (1/1000 yuan), boards are told by their codes.
"""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, kw_only=True)
class Board:
    minimum: int
    step: int
    most: int
    tick: int
    limit_percent: int
    cage: tuple[int, int] | None
    """(percent, at least so many thousandths)."""
    stock: bool
    same_day: bool = False


BOARDS = {
    "600000.SH": Board(minimum=100, step=100, most=1_000_000, tick=10, limit_percent=10, cage=(2, 100), stock=True),
    "300001.SZ": Board(minimum=100, step=100, most=300_000, tick=10, limit_percent=20, cage=(2, 100), stock=True),
    "688001.SH": Board(minimum=200, step=1, most=100_000, tick=10, limit_percent=20, cage=(2, 0), stock=True),
    "920001.BJ": Board(minimum=100, step=1, most=1_000_000, tick=10, limit_percent=30, cage=(5, 100), stock=True),
    "510300.SH": Board(minimum=100, step=100, most=1_000_000, tick=1, limit_percent=10, cage=None, stock=False),
    "113001.SH": Board(
        minimum=10, step=10, most=1_000_000, tick=1, limit_percent=20, cage=None, stock=False, same_day=True
    ),
}


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What stands when the order arrives."""

    prev_close: int
    best_bid: int | None
    best_ask: int | None
    last: int
    cash_cents: Fraction
    available: int


def half_up(value: Fraction, unit: int) -> int:
    return int((value / unit + Fraction(1, 2)) // 1) * unit


def limits(board: Board, prev_close: int) -> tuple[int, int]:
    up = half_up(Fraction(prev_close * (100 + board.limit_percent), 100), board.tick)
    down = half_up(Fraction(prev_close * (100 - board.limit_percent), 100), board.tick)
    return max(min(down, prev_close - board.tick), board.tick), max(up, prev_close + board.tick)


def may_be_sold(volume: int, available: int, board: Board) -> bool:
    if volume > available:
        return False
    if board.step == board.minimum:  # whole lots, with or without all of the odd part
        return volume % board.minimum in {0, available % board.minimum}
    return volume >= board.minimum or volume == available


def fee_cents(board: Board, buys: bool, turnover: Fraction) -> Fraction:
    """Commission 0.03 %, at least 5 yuan; stocks: transfer fee 0.001 %, sells duty 0.05 %. Turnover in 1/1000 yuan."""
    if not turnover:
        return Fraction(0)
    cents = turnover / 10
    total = max(half_up(cents * 3 / 10_000, 1), 500)
    if board.stock:
        total += half_up(cents / 100_000, 1)
        total += 0 if buys else half_up(cents * 5 / 10_000, 1)
    return Fraction(total)


def takes(symbol: str, *, buys: bool, volume: int, price: int, now: Situation) -> bool:
    """Whether the exchange takes this limit order in continuous trading."""
    board = BOARDS[symbol]
    down, up = limits(board, now.prev_close)
    if not 0 < volume <= board.most or price % board.tick or not down <= price <= up:
        return False
    if board.cage is not None:
        percent, least = board.cage
        first, second = (now.best_ask, now.best_bid) if buys else (now.best_bid, now.best_ask)
        reference = first or second or now.last
        distance = max(Fraction(reference * percent, 100), Fraction(least))
        if price > reference + distance if buys else price < reference - distance:
            return False
    if not buys:
        return may_be_sold(volume, now.available, board)
    lots = volume >= board.minimum and volume % board.step == 0
    value = Fraction(volume * price)
    return lots and value / 10 + fee_cents(board, True, value) <= now.cash_cents
