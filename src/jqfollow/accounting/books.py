"""A person sets, moves, adopts shares between books, and takes it back.

Everything is checked against what the broker holds now and what other books hold; nothing is changed by half. Books of
an account never say together more than the account holds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import BrokerError, ManualOrderError, Position
from jqfollow.drift.reading import COUNTER_LAGS, drifts
from jqfollow.execution.accounts import Account
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import BookingKind, BookingRow, BookRow, NewBooking
from jqfollow.ledger.tx import Tx
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.meant import ACCOUNT, STRATEGY, no_such
from jqfollow.settings import Settings

log = structlog.get_logger(__name__)

MOST_SHARES = 10**10
_Bookings = Callable[[Tx], list[NewBooking]]
_CENT_OF_CENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who does it, and why."""

    who: str
    why: str

    def __post_init__(self) -> None:
        if not self.who.strip() or not self.why.strip():
            raise ManualOrderError("要写明由谁、为什么改账", "say who changes the book, and why")


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What was done at once."""

    act: int
    bookings: Sequence[BookingRow]
    undone: bool = False


class BookKeeper:
    """Changes books at a person's word."""

    def __init__(self, *, ledger: Ledger, accounts: Mapping[str, Account], settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._settings = settings
        self._clock = clock

    async def set(self, account: str, strategy: str, security: str, shares: int, hand: Hand) -> Act:
        """The book holds `shares` from now on.

        Raises:
            ManualOrderError: what it cannot be, with the figures; nothing is changed.
        """
        symbol = self._symbol(account, strategy, security, shares)
        held = await self._held(account, symbol)

        def bookings(tx: Tx) -> list[NewBooking]:
            book = tx.books.get(account, strategy, symbol)
            _room(tx, book, held, shares - book.volume)
            return [_change(book, BookingKind.SET, shares - book.volume, held, hand)]

        return await self._write(account, symbol, bookings)

    async def adopt(self, account: str, strategy: str, security: str, shares: int, hand: Hand) -> Act:
        """Shares that the account holds and no book become the strategy's; raises like `set`."""
        symbol = self._symbol(account, strategy, security, shares)
        held = await self._held(account, symbol)

        def bookings(tx: Tx) -> list[NewBooking]:
            book = tx.books.get(account, strategy, symbol)
            _room(tx, book, held, shares)
            return [_change(book, BookingKind.ADOPT, shares, held, hand)]

        return await self._write(account, symbol, bookings)

    async def adopt_target(self, account: str, strategy: str, hand: Hand) -> list[Act]:
        """Adopts, of what the strategy is short of, all that the account holds and no book: by its newest report.

        Gives what was done; books with orders that have not ended are left as they are. Raises like `set`.
        """
        self._known(account, strategy)
        rows = await self._ledger.read(lambda tx: drifts(tx, self._settings, strategy=strategy, account=account))
        acts = []
        for row in rows:
            if not row.drift or row.drift < 1:
                continue
            held = await self._held(account, row.security)
            others = await self._ledger.read(partial(_booked, account=account, symbol=row.security))
            shares = min(int(row.drift), (held.volume if held else 0) - others)
            if shares > 0:
                acts.append(await self.adopt(account, strategy, row.security, shares, hand))
        return acts

    async def move(self, account: str, security: str, giver: str, taker: str, shares: int, hand: Hand) -> Act:
        """Shares of one strategy's book become another's, at what they cost; raises like `set`."""
        symbol = self._symbol(account, giver, security, shares)
        self._known(account, taker)
        if giver == taker or shares < 1:
            raise ManualOrderError(
                "要从一个策略移到另一个策略，至少 1 股", "between two strategies, at least one share"
            )
        held = await self._held(account, symbol)

        def bookings(tx: Tx) -> list[NewBooking]:
            first, second = tx.books.get(account, giver, symbol), tx.books.get(account, taker, symbol)
            if first.volume < shares:
                raise ManualOrderError(
                    f"策略 {giver} 在账户 {account} 只有 {symbol} {first.volume}，不能移出 {shares}",
                    f"{giver} holds {first.volume} of {symbol} in {account}: {shares} cannot be moved",
                )
            given = _change(first, BookingKind.MOVE, -shares, held, hand)
            taken = _change(second, BookingKind.MOVE, shares, held, hand)
            return [given, replace(taken, cost=-given.cost)]

        return await self._write(account, symbol, bookings)

    async def undo(self, act: int, hand: Hand) -> Act:
        """Takes back what was done at once; raises like `set`."""
        rows = await self._ledger.read(lambda tx: tx.bookings.of_act(act))
        if not rows or rows[0].undoes is not None or rows[0].kind in {BookingKind.SPLIT, BookingKind.DIVIDEND}:
            raise ManualOrderError(f"没有可撤销的改账 {act}", f"there is no act {act} that can be undone")
        account, symbol = rows[0].account, rows[0].security
        held = await self._held(account, symbol)

        def bookings(tx: Tx) -> list[NewBooking]:
            if tx.bookings.is_undone(act):
                raise ManualOrderError(f"改账 {act} 已经撤销过", f"act {act} was undone already")
            _room(tx, tx.books.get(account, rows[0].strategy, symbol), held, -sum(row.shares for row in rows))
            back = []
            for row in rows:
                book = tx.books.get(account, row.strategy, symbol)
                if book.volume < row.shares:
                    raise ManualOrderError(
                        f"策略 {row.strategy} 现在只有 {symbol} {book.volume}，不能撤回 {row.shares}",
                        f"{row.strategy} holds {book.volume} of {symbol} now: {row.shares} cannot be taken back",
                    )
                back.append(
                    NewBooking(account=account, strategy=row.strategy, security=symbol, kind=row.kind,
                               shares=-row.shares, cost=-row.cost, carry_buy=-row.carry_buy,
                               carry_sell=-row.carry_sell, who=hand.who, why=hand.why, undoes=row.booking_id)
                )  # fmt: skip
            return back

        return await self._write(account, symbol, bookings)

    async def acts(self, limit: int, account: str | None = None) -> list[Act]:
        """The newest of all that was done, oldest first."""
        return acts_of(await self._ledger.read(lambda tx: tx.bookings.newest_acts(limit, account=account)))

    async def _write(self, account: str, symbol: str, bookings: _Bookings) -> Act:
        def act(tx: Tx) -> Act:
            _at_rest(tx, account, symbol, self._clock)
            new = bookings(tx)
            if not any(each.shares for each in new):
                raise ManualOrderError("持仓已经是这样，没有改动", "the books are so already: nothing to change")
            number = tx.bookings.add(new, self._clock.now())
            return Act(act=number, bookings=tx.bookings.of_act(number))

        done = await self._ledger.write(act)
        for row in done.bookings:
            log.info("booked", act=done.act, account=account, strategy=row.strategy, security=symbol, kind=row.kind,
                     shares=row.shares, who=row.who, why=row.why)  # fmt: skip
        return done

    # -- what is checked ---------------------------------------------------------------------------------------------

    def _known(self, account: str, strategy: str) -> None:
        if account not in self._accounts:
            raise ManualOrderError(*no_such(ACCOUNT, account, self._accounts))
        if strategy not in self._settings.strategies:
            raise ManualOrderError(*no_such(STRATEGY, strategy, self._settings.strategies))

    def _symbol(self, account: str, strategy: str, security: str, shares: int) -> str:
        """The security's, when all that was named is known."""
        self._known(account, strategy)
        if not 0 <= shares <= MOST_SHARES:
            raise ManualOrderError(f"股数 {shares} 应为不小于 0 的整数", f"{shares} is no whole number of shares")
        try:
            return parse_security(security).symbol
        except UnknownSecurityError as error:
            raise ManualOrderError(f"不认识的证券 {security}：{error.why_zh}", f"{security}: {error.why_en}") from error

    async def _held(self, account: str, symbol: str) -> Position | None:
        """What the broker says now that the account holds; an answer that did not come is no zero."""
        of = self._accounts[account]
        if not of.ready:
            raise ManualOrderError(
                f"账户 {account} 未连接，不能核对持仓：{of.why_zh}",
                f"account {account} is not connected, nothing can be checked: {of.why_en}",
            )
        try:
            positions = await of.positions()
        except BrokerError as error:
            raise ManualOrderError(
                f"账户 {account} 没有答复持仓：{error}", f"account {account} did not tell its positions: {error}"
            ) from error
        return next((position for position in positions if position.symbol == symbol), None)


def acts_of(rows: Sequence[BookingRow]) -> list[Act]:
    """Bookings as what was done at once, oldest first."""
    undone = {row.undoes for row in rows}
    acts: dict[int, list[BookingRow]] = {}
    for row in rows:
        acts.setdefault(row.act, []).append(row)
    return [Act(act=act, bookings=of, undone=of[0].booking_id in undone) for act, of in acts.items()]


def _at_rest(tx: Tx, account: str, symbol: str, clock: Clock) -> None:
    """Nothing of the security is under way in the account, and its counter shows what was filled."""
    if any(order.security == symbol for order in tx.orders.open(account)):
        raise ManualOrderError(
            f"账户 {account} 还有 {symbol} 的订单未结束，等它结束再改账",
            f"orders of {symbol} in {account} have not ended: change the book when they have",
        )
    if symbol in tx.fills.moved_since(account, clock.now() - COUNTER_LAGS):
        raise ManualOrderError(
            f"{symbol} 刚有成交，柜台持仓还没更新，{COUNTER_LAGS.seconds} 秒后再试",
            f"{symbol} was filled just now, and the counter lags: try again in {COUNTER_LAGS.seconds} s",
        )


def _booked(tx: Tx, account: str, symbol: str) -> int:
    return sum(book.volume for book in tx.books.of_security(account, symbol))


def _room(tx: Tx, book: BookRow, held: Position | None, change: int) -> None:
    """Together the books say no more than the account holds; what is taken away is always possible."""
    volume, booked = held.volume if held else 0, _booked(tx, book.account, book.security)
    if change > 0 and booked + change > volume:
        raise ManualOrderError(
            f"账户 {book.account} 持有 {book.security} {volume}，各策略已记 {booked}，不能再记 {change}",
            f"{book.account} holds {volume} of {book.security}, books say {booked}: {change} more do not fit",
        )


def _change(book: BookRow, kind: BookingKind, shares: int, held: Position | None, hand: Hand) -> NewBooking:
    """Shares that come cost what the broker says they did; those that go take their part of the cost away."""
    if shares >= 0:
        cost = (shares * held.avg_cost).quantize(_CENT_OF_CENT) if held else Decimal(0)
    else:
        left = book.volume + shares
        cost = (book.cost * left / book.volume).quantize(_CENT_OF_CENT) - book.cost if left > 0 else -book.cost
    return NewBooking(
        account=book.account,
        strategy=book.strategy,
        security=book.security,
        kind=kind,
        shares=shares,
        cost=cost,
        who=hand.who,
        why=hand.why,
    )
