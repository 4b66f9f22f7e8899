"""The account's own line: what its broker shows beyond all books, compared each morning and after the close.

A person may hold what they like beside the strategies. Told are changes of it that no order of theirs explains (bonus
shares, a lost fill, a transfer), and securities of which the broker holds less than the books.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from jqfollow.clock import SHANGHAI
from jqfollow.domain import BrokerError, FillReport, Position, Side
from jqfollow.execution.accounts import Account
from jqfollow.execution.desk import Desk
from jqfollow.execution.ours import Ours
from jqfollow.execution.reconcile import CLOSE_MARGIN
from jqfollow.ledger.corporate import ActionState
from jqfollow.ledger.holdings import OwnLine, Session
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import BookingKind
from jqfollow.ledger.tx import Tx
from jqfollow.market.sessions import day_end
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind

log = structlog.get_logger(__name__)

MORNING: Final = timedelta(hours=9)
"""From then on the night's settlement, bonus shares included, stands in the broker's figures."""
PATIENCE = timedelta(minutes=10)
"""So long after the close what still lives is waited for; then the comparison is made with it."""
CONFIRMED_AFTER = timedelta(seconds=20)
"""A difference counts when it is seen again so much later: a terminal that has just begun shows less than there is."""
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a person is told of one security."""

    security: str
    held: int
    booked: int
    change: int
    """Of the account's own line since the last comparison, what people's own orders explain left out."""

    @property
    def short(self) -> bool:
        """Whether the broker holds less than the books."""
        return self.held < self.booked


def compare(
    held: Mapping[str, int],
    booked: Mapping[str, int],
    by_hand: Mapping[str, int],
    booked_over: Mapping[str, int],
    before: Mapping[str, OwnLine] | None,
    day: date,
) -> tuple[list[OwnLine], list[Difference]]:
    """The own lines now, and what of them people are to be told.

    Args:
        held: by security, what the broker shows.
        booked: the sum of all books.
        by_hand: what people's own orders of `day` brought until now; what they sold is negative.
        booked_over: what was put into books since the last comparison without a fill: it left the own line.
        before: as the last comparison left them; `None`: this is the first, and what is held beyond is taken as known.
        day: the trading day.
    """
    lines: list[OwnLine] = []
    told: list[Difference] = []
    for security in sorted({*held, *booked, *(before or ())}):
        own = held.get(security, 0) - booked.get(security, 0)
        known = before.get(security) if before is not None else None
        change = 0
        if before is not None:
            counted = known.by_hand if known is not None and known.day == day else 0
            change = own - (known.volume if known is not None else 0) - (by_hand.get(security, 0) - counted)
            change += booked_over.get(security, 0)
        if own or by_hand.get(security, 0):
            lines.append(OwnLine(security=security, volume=own, by_hand=by_hand.get(security, 0), day=day))
        if change or own < 0:
            found = Difference(
                security=security, held=held.get(security, 0), booked=booked.get(security, 0), change=change
            )
            told.append(found)
    return lines, told


class OwnLines:
    """Compares brokers' positions with the books, for all accounts."""

    def __init__(self, *, ledger: Ledger, desk: Desk) -> None:
        self._ledger = ledger
        self._desk = desk
        self._done: set[tuple[str, date, Session]] = set()
        self._seen: dict[str, tuple[datetime, Sequence[Difference]]] = {}

    async def look(self, account: Account, now: datetime) -> None:
        """Makes the comparison that is due, if any, and tells what it found."""
        session = self._due(account, now)
        if session is None or await self._is_done(account, session):
            return
        day = account.hours.trading_day()
        patient = session == "close" and now < day_end(day) + PATIENCE
        if patient and await self._ledger.read(lambda tx: bool(tx.attempts.live(account.name))):
            return
        last = self._seen.get(account.name)
        if last is not None and now - last[0] < CONFIRMED_AFTER:
            return
        try:
            positions, fills = await account.positions(), await account.fills()
        except BrokerError as error:
            log.info("positions_not_compared", account=account.name, error=str(error))
            return
        found = await self._ledger.read(lambda tx: _compared(tx, account, positions, fills)[1])
        if found and (last is None or last[1] != found):
            self._seen[account.name] = now, found
            return
        await self._ledger.write(lambda tx: _write(tx, account, session, positions, fills, now))
        self._seen.pop(account.name, None)
        self._done.add((account.name, day, session))
        self._desk.tell_people()

    def _due(self, account: Account, now: datetime) -> Session | None:
        if account.traits.always_open or not account.ready or not account.hours.is_trading_day():
            return None
        day = account.hours.trading_day()
        midnight = datetime.combine(day, datetime.min.time(), SHANGHAI)
        if now >= day_end(day):
            return "close" if now >= day_end(day) + CLOSE_MARGIN else None
        return "open" if now >= midnight + MORNING else None

    async def _is_done(self, account: Account, session: Session) -> bool:
        key = (account.name, account.hours.trading_day(), session)
        if key not in self._done and await self._ledger.read(lambda tx: tx.holdings.checked(*key)):
            self._done.add(key)
        return key in self._done


def _compared(
    tx: Tx, account: Account, positions: Sequence[Position], fills: Sequence[FillReport]
) -> tuple[list[OwnLine], list[Difference]]:
    day = account.hours.trading_day()
    booked: Counter[str] = Counter()
    for book in tx.books.list(account=account.name):
        booked[book.security] += book.volume
    held = {position.symbol: position.volume for position in positions}
    by_hand = _by_hand(tx, account, fills)
    shown = {security: volume for security, volume in booked.items() if volume}
    lines, told = compare(held, shown, by_hand, _booked_over(tx, account), tx.holdings.lines(account.name), day)
    actions = _corporate(tx, account)
    return lines, [d for d in told if d.short or d.security not in actions]


def _booked_over(tx: Tx, account: Account) -> Mapping[str, int]:
    """What people, or the program, put into books since the last comparison; what a split brought came to both."""
    since, moved = tx.holdings.last_check(account.name), Counter[str]()
    for booking in () if since is None else tx.bookings.since(account.name, since):
        if booking.kind is not BookingKind.SPLIT:
            moved[booking.security] += booking.shares
    return moved


def _corporate(tx: Tx, account: Account) -> frozenset[str]:
    """Securities whose change a corporate action of the last days explains, which has been booked."""
    since = tx.holdings.last_check(account.name)
    recent = account.hours.trading_day() if since is None else since.astimezone(SHANGHAI).date()
    actions = tx.corporate.list(account.name)
    return frozenset(a.security for a in actions if a.state is ActionState.BOOKED and a.updated_at.date() >= recent)


def _by_hand(tx: Tx, account: Account, fills: Sequence[FillReport]) -> Mapping[str, int]:
    """What fills of orders that are not ours brought today, by security."""
    ours = Ours(tx.attempts.list(account=account.name, day=account.hours.trading_day()))
    brought: Counter[str] = Counter()
    for fill in fills:
        if ours.find(account.key(fill.broker_order_id, fill.at), fill.remark) is None:
            brought[fill.symbol] += _signed(fill)
    return brought


def _signed(fill: FillReport) -> int:
    return fill.volume if fill.side is Side.BUY else -fill.volume


def _write(
    tx: Tx,
    account: Account,
    session: Session,
    positions: Sequence[Position],
    fills: Sequence[FillReport],
    now: datetime,
) -> None:
    day = account.hours.trading_day()
    lines, told = _compared(tx, account, positions, fills)
    if session == "open":
        opening: Counter[str] = Counter({position.symbol: position.volume for position in positions})
        for fill in fills:
            opening[fill.symbol] -= _signed(fill)
        tx.holdings.put_opening(account.name, day, {code: volume for code, volume in opening.items() if volume > 0})
    tx.holdings.put(account.name, day, session, now, lines)
    if told:
        log.warning("positions_differ", account=account.name, session=session, told=told)
        text = messages.alert(_text(account, session, told))
        tx.outbox.put(Kind.ALERT, text, now, unique_key=f"holdings-{account.name}-{day}-{session}")


def _text(account: Account, session: Session, told: Sequence[Difference]) -> str:
    when = "开盘前" if session == "open" else "收盘后"
    short = [d for d in told if d.short]
    changed = [d for d in told if not d.short]
    lines = [f"账户 {account.name} {when}核对持仓："]
    if short:
        lines.append("券商持有的比账本少，清仓会卖不够，请尽快核对：" + _named(short))
    if changed:
        lines.append(
            "账本之外的持仓变了，没有对应的手工委托（送股、转入、漏记的成交？清仓不会卖它）：" + _named(changed)
        )
    lines.append("用 jqfollow drift 看每本账，核对后用它给出的命令改账")
    return "\n".join(lines)


def _named(found: Sequence[Difference]) -> str:
    named = "；".join(
        f"{d.security} 券商 {d.held}、账本 {d.booked}" + (f"（变化 {d.change:+d}）" if d.change else "")
        for d in found[:_MOST_NAMED]
    )
    return named + (f" 等 {len(found)} 只" if len(found) > _MOST_NAMED else "")
