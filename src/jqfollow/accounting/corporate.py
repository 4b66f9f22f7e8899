"""Corporate actions in accounts: the broker's position is the fact, the factor is the explanation.

Where an account's change equals the factor within a share, and no fill explains it, it is shared out over the books and
the account's own shares. Else nothing is booked: it is expected, or a person is asked.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import structlog

from jqfollow.accounting.owed import LOOKED_BACK, sell_owed
from jqfollow.clock import SHANGHAI, Clock
from jqfollow.corporate.factors import Factor, NonsenseError
from jqfollow.corporate.handkept import FILE_NAME, ActionsFileError, load_actions
from jqfollow.corporate.matching import Seen, Shown, arrives, jumped, shown
from jqfollow.corporate.sharing import after_split
from jqfollow.domain import BrokerError, Position
from jqfollow.drift.reading import COUNTER_LAGS
from jqfollow.execution.accounts import Account
from jqfollow.ledger.corporate import ActionRow, ActionState
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import BookingKind, BookRow, NewBooking
from jqfollow.ledger.tx import Tx
from jqfollow.market.calendar import TradingCalendar
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.settings import Settings

log = structlog.get_logger(__name__)

FactorSource = Callable[[str, date, date], Sequence[Factor]]
"""The actions of a security in some days, as a vendor knows them; blocks, raises `BrokerError`."""

TOLD_AHEAD = timedelta(days=7)
"""So long before their day rights are told."""
_WHO = "jqfollow"
_CENT_OF_CENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """A book, and what it held when the ex day began."""

    book: BookRow
    before: int


class CorporateActions:
    """Looks at every account, before the session and again while something is expected."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        settings: Settings,
        calendar: TradingCalendar,
        clock: Clock,
        sources: Mapping[str, FactorSource],
        wake: Callable[[], None],
        told: Callable[[], None],
    ) -> None:
        """`sources`: of accounts that a vendor tells of; `wake`: there are orders; `told`: the outbox has news."""
        self._ledger = ledger
        self._accounts = accounts
        self._settings = settings
        self._calendar = calendar
        self._clock = clock
        self._sources = sources
        self._wake = wake
        self._told = told
        self._asked: dict[tuple[str, str], tuple[date, Sequence[Factor]]] = {}

    @property
    def file(self) -> Path:
        """What is kept by hand."""
        return self._settings.data_dir / FILE_NAME

    async def look(self, now: datetime) -> None:
        """Looks at every account that is connected; raises `LedgerError` when nothing can be written."""
        try:
            kept = await asyncio.to_thread(load_actions, self.file)
        except ActionsFileError as error:
            await self._alert(f"除权除息文件不能用，其中一条都没有入账：{error}", key=f"actions-file-{now:%Y%m%d}")
            return
        for account in self._accounts.values():
            if account.ready:
                try:
                    await self._look_at(account, kept)
                except BrokerError as error:
                    log.warning("corporate_actions_not_seen", account=account.name, error=str(error))

    async def _look_at(self, account: Account, kept: Sequence[Factor]) -> None:
        today = account.hours.trading_day()
        positions = {position.symbol: position for position in await account.positions()}
        books = await self._ledger.read(lambda tx: tx.books.list(account=account.name))
        known = positions.keys() | {book.security for book in books}
        factors = await self._factors(account, sorted(known), kept, today)
        for factor in factors:
            if factor.rights and today < factor.day:
                await self._tell_rights(account, factor)
            if factor.moves and factor.day <= today:
                held = positions.get(factor.security)
                await self._ledger.write(partial(self._treat, account=account, factor=factor, held=held))
        await self._ledger.write(lambda tx: sell_owed(tx, account, positions, self._settings, self._clock.now()))
        await self._look_for_unnamed(account, positions, {factor.security for factor in factors})
        self._told()
        self._wake()

    async def _factors(
        self, account: Account, securities: Sequence[str], kept: Sequence[Factor], today: date
    ) -> list[Factor]:
        """The actions of the days around, a person's before the vendor's; in the order of their days."""
        first, last = today - LOOKED_BACK, today + TOLD_AHEAD
        found = {(f.security, f.day): f for f in kept if f.security in securities and first <= f.day <= last}
        source = self._sources.get(account.name)
        for security in securities if source else ():
            for factor in await self._of_vendor(account.name, security, today, first, last):
                found.setdefault((factor.security, factor.day), factor)
        return sorted(found.values(), key=lambda factor: (factor.day, factor.security))

    async def _of_vendor(self, account: str, security: str, today: date, first: date, last: date) -> Sequence[Factor]:
        """Asked once a day and security; what could not be had is asked again."""
        asked = self._asked.get((account, security))
        if asked is not None and asked[0] == today:
            return asked[1]
        try:
            factors = await asyncio.to_thread(self._sources[account], security, first, last)
        except BrokerError as error:
            log.warning("factors_not_told", account=account, security=security, error=str(error))
            return ()
        self._asked[account, security] = today, factors
        return factors

    # -- one action in one account -----------------------------------------------------------------------------------

    def _treat(self, tx: Tx, account: Account, factor: Factor, held: Position | None) -> None:
        known = tx.corporate.get(account.name, factor.security, factor.day)
        if known is not None and known.state is ActionState.BOOKED:
            return
        seen = self._seen(tx, account, factor, held.volume if held else 0)
        if seen is None or seen.before == 0 or not self._at_rest(tx, account, factor.security):
            return
        how = Shown.WHOLE if factor.settled else shown(seen, factor.shares)
        if how is Shown.WHOLE:
            self._book(tx, account, factor, seen)
        elif how is Shown.NOTHING:
            self._put(tx, account, factor, seen, ActionState.EXPECTED, None)
            day = arrives(factor, self._calendar)
            text = f"{_words(factor)}，除权日 {factor.day}，还没有到账，按惯例 {day} 到账，到账后自动入账"
            self._tell(tx, text, factor, account, "expected")
        else:
            self._ask_a_person(tx, account, factor, seen)

    def _ask_a_person(self, tx: Tx, account: Account, factor: Factor, seen: Seen) -> None:
        due = (seen.before * (factor.shares - 1)).normalize()
        self._put(tx, account, factor, seen, ActionState.ASKED, None)
        self._tell(
            tx,
            f"{_words(factor)} 应增加 {due:f} 股，券商持仓除成交外变化 "
            f"{seen.now - seen.before - seen.traded} 股，对不上，没有入账。请核对后用 jqfollow book set 改账，并在 "
            f"{FILE_NAME} 里写明（settled = true）",
            factor,
            account,
            "asked",
        )

    def _at_rest(self, tx: Tx, account: Account, security: str) -> bool:
        """Nothing moves the position now, and the counter shows what did."""
        live = any(attempt.security == security for attempt in tx.attempts.live(account.name))
        return not live and security not in tx.fills.moved_since(account.name, self._clock.now() - COUNTER_LAGS)

    @staticmethod
    def _seen(tx: Tx, account: Account, factor: Factor, now: int) -> Seen | None:
        """By the last picture before the ex day and the fills since; without a picture nothing is known."""
        picture = tx.snapshots.last_before(account.name, factor.day)
        if picture is None:
            return None
        taken_at, _, positions = picture
        then = next((position.volume for position in positions if position.symbol == factor.security), 0)
        since = tx.fills.net(account.name, factor.security, after=taken_at, before=factor.day)
        traded = tx.fills.net(account.name, factor.security, since=factor.day)
        return Seen(before=then + since, traded=traded, now=now)

    def _book(self, tx: Tx, account: Account, factor: Factor, seen: Seen) -> None:
        holders = [self._holder(tx, account, book, factor) for book in tx.books.list(
            account=account.name, held_only=False) if book.security == factor.security]  # fmt: skip
        own = seen.before - sum(holder.before for holder in holders)
        if not factor.settled and (own < 0 or any(holder.before < 0 for holder in holders)):
            self._ask_a_person(tx, account, factor, seen)
            return
        act = None
        if not factor.settled:
            total = seen.now - seen.traded
            shares = after_split(total, [*(holder.before for holder in holders), own], factor.shares)
            bookings = [
                booking
                for holder, after in zip(holders, shares, strict=False)
                for booking in self._bookings(holder, after, factor)
            ]
            act = tx.bookings.add(bookings, self._clock.now()) if bookings else None
        self._put(tx, account, factor, seen, ActionState.BOOKED, act)
        if act is not None:
            parts = "，".join(f"{row.strategy} {row.shares:+d}" for row in tx.bookings.of_act(act) if row.shares)
            text = f"{_words(factor)} 已入账{'（' + parts + '）' if parts else ''}"
            self._tell(tx, text, factor, account, "booked", kind=Kind.ORDER_DONE)

    @staticmethod
    def _holder(tx: Tx, account: Account, book: BookRow, factor: Factor) -> _Holder:
        since = tx.fills.net(account.name, book.security, strategy=book.strategy, since=factor.day)
        began = datetime.combine(factor.day, time(), SHANGHAI)
        set_since = sum(
            row.shares
            for row in tx.bookings.since(account.name, began)
            if (row.strategy, row.security) == (book.strategy, book.security)
        )
        return _Holder(book=book, before=book.volume - since - set_since)

    def _bookings(self, holder: _Holder, after: int, factor: Factor) -> list[NewBooking]:
        book, grown = holder.book, factor.shares - 1
        new = NewBooking(
            account=book.account,
            strategy=book.strategy,
            security=book.security,
            kind=BookingKind.SPLIT,
            shares=after - holder.before,
            carry_buy=(book.carry_buy * grown).quantize(_CENT_OF_CENT),
            carry_sell=(book.carry_sell * grown).quantize(_CENT_OF_CENT),
            who=_WHO,
            why=f"{_words(factor)} {factor.day}",
        )
        found = [new] if new.shares or new.carry_buy or new.carry_sell else []
        cash = (holder.before * factor.cash).quantize(_CENT_OF_CENT)
        if cash:
            nothing = Decimal(0)
            dividend = replace(new, kind=BookingKind.DIVIDEND, shares=0, cost=-cash)
            found.append(replace(dividend, carry_buy=nothing, carry_sell=nothing))
        return found

    def _put(self, tx: Tx, account: Account, factor: Factor, seen: Seen, state: ActionState, act: int | None) -> None:
        tx.corporate.put(
            ActionRow(
                account=account.name,
                security=factor.security,
                day=factor.day,
                factor=factor.shares,
                cash=factor.cash,
                held=seen.before,
                arrives=arrives(factor, self._calendar),
                state=state,
                act=act,
                source=factor.source,
                updated_at=self._clock.now(),
            )
        )

    # -- what nobody names -------------------------------------------------------------------------------------------

    async def _look_for_unnamed(self, account: Account, positions: Mapping[str, Position], named: set[str]) -> None:
        """A position that grew, or shrank with the previous close, without fills and without a factor."""
        today = account.hours.trading_day()
        changed = await self._ledger.read(lambda tx: self._changed(tx, account, positions, named, today))
        for security, before, now, last in changed:
            instrument = await account.instrument(security) if last else None
            jump = bool(instrument and last and _fits(security, today, before, now, instrument.prev_close, last))
            if now > before or jump:
                why = "，昨收盘价也随之跳变，像是送转或折算" if jump else ""
                await self._alert(
                    f"账户 {account.name} {security} 持仓从 {before} 变为 {now}，没有成交，也没有查到除权除息{why}。"
                    f"账本没有改动：请在 {FILE_NAME} 里写明，或用 jqfollow book 改账",
                    key=f"unnamed-{account.name}-{security}-{today}",
                )

    def _changed(
        self, tx: Tx, account: Account, positions: Mapping[str, Position], named: set[str], today: date
    ) -> list[tuple[str, int, int, Decimal | None]]:
        picture = tx.snapshots.last_before(account.name, today)
        if picture is None:
            return []
        taken_at, _, then = picture
        found = []
        for position in then:
            held = positions.get(position.symbol)
            now = held.volume if held else 0
            due = position.volume + tx.fills.net(account.name, position.symbol, after=taken_at)
            booked = any(book.volume for book in tx.books.of_security(account.name, position.symbol))
            at_rest = self._at_rest(tx, account, position.symbol)
            if booked and at_rest and due > 0 and now != due and position.symbol not in named:
                found.append((position.symbol, due, now, position.last))
        return found

    # -- telling -----------------------------------------------------------------------------------------------------

    async def _tell_rights(self, account: Account, factor: Factor) -> None:
        await self._alert(
            f"账户 {account.name} 持有 {factor.security}，除权日 {factor.day} 前的登记日收市后配股：每股配 "
            f"{factor.rights}，价 {factor.rights_price} 元。配股要由人在券商客户端缴款，程序不代办",
            key=f"rights-{account.name}-{factor.security}-{factor.day}",
        )

    def _tell(self, tx: Tx, text: str, factor: Factor, account: Account, what: str, *, kind: Kind = Kind.ALERT) -> None:
        key = f"corporate-{what}-{account.name}-{factor.security}-{factor.day}"
        text = f"账户 {account.name} {factor.security}：{text}"
        tx.outbox.put(kind, messages.alert(text) if kind is Kind.ALERT else text, self._clock.now(), unique_key=key)

    async def _alert(self, text: str, *, key: str) -> None:
        now = self._clock.now()
        await self._ledger.write(lambda tx: tx.outbox.put(Kind.ALERT, messages.alert(text), now, unique_key=key))
        self._told()


def _fits(security: str, day: date, before: int, now: int, prev_close: Decimal, last: Decimal) -> bool:
    if not before or not now:
        return False
    try:
        return jumped(prev_close, last, Factor(security=security, day=day, ratio=Decimal(now) / before))
    except NonsenseError:
        return False


def _words(factor: Factor) -> str:
    """For people: 10送3转2派1.5元."""
    parts = [(factor.bonus, "送", ""), (factor.gift, "转", ""), (factor.cash, "派", "元")]
    told = "".join(f"{word}{(value * 10).normalize():f}{unit}" for value, word, unit in parts if value)
    of_ten = f"10{told}" if told else ""
    return of_ten if factor.ratio == 1 else f"{of_ten}折算 1:{factor.ratio.normalize():f}"
