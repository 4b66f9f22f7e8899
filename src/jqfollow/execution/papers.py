"""What the ledger says of one account's orders, read at one moment for a whole round."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from jqfollow.domain import AttemptState, Side, WaitingFor
from jqfollow.execution.purse import Moves
from jqfollow.execution.turns import Around
from jqfollow.ledger.rows import AttemptRow, BookRow, DayCounts, OrderRow
from jqfollow.ledger.tx import Tx

Choice = Callable[[Sequence[OrderRow], Around], Sequence[OrderRow]]
"""Which of the idle orders are looked at."""


def _nothing(_tx: Tx, _order: OrderRow) -> Decimal:
    return Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOrders:
    """The other orders of one order's book, and what they do to it."""

    order: OrderRow
    open: tuple[OrderRow, ...]
    """Those that have not ended, oldest first."""
    unknown: frozenset[int]
    """Those of them with an attempt whose outcome nobody knows."""
    brought_later: int
    """Of a sell that is not sized: what later signals brought into the book, less what they sell of it: not its own."""
    resting: frozenset[int] = frozenset()
    """Of a sell: those of the buys that still rest at JoinQuant; nothing of theirs is its to end."""

    @property
    def selling(self) -> int:
        """How much of the book others are selling."""
        return sum(o.volume - o.filled for o in self.open if o.side is Side.SELL and o.sized)

    @property
    def ending_sells(self) -> bool:
        """Whether sells still hold some of the book that are being ended."""
        return any(o.side is Side.SELL and o.sized and o.cancel_reason is not None for o in self.open)

    @property
    def buys_before(self) -> tuple[OrderRow, ...]:
        """Earlier buys that JoinQuant counts as filled and that may still fill, if their outcome is known."""
        return tuple(
            o
            for o in self.open
            if o.side is Side.BUY
            and o.signal_id < self.order.signal_id
            and o.order_id not in self.unknown | self.resting
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """A live attempt on the other side of the same code."""

    attempt: AttemptRow
    closes: bool
    """It closes a position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a round reads its papers for."""

    account: str
    day: date
    """The account's trading day."""
    now: datetime
    settle: timedelta
    """So long the counter may show money and shares late."""
    turnover: bool
    """The day's turnover is looked at."""
    counted: Collection[str]
    """Strategies of whose own day something is limited."""
    turnovers: Collection[str]
    """Those of them of which it is the turnover."""
    capped: Collection[str]
    """Strategies whose capital in the account is limited."""
    owed: Callable[[Tx, OrderRow], Decimal] = _nothing
    """What an order may make up for; asked of those only that are not sized and of strategies in `catching`."""
    catching: Collection[str] = ()
    """Strategies that make up for more than what rounding leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What the ledger says that matters to one order."""

    order: OrderRow
    attempts: tuple[AttemptRow, ...]
    of_signal: int
    """The volume of all parts of the signal's order in the account."""
    book: BookRow
    others: BookOrders
    carries_since: int
    """Until it is sized: the signal of the close after which what rounding leaves of it is carried; 0: of none."""
    bought_today: int
    from_before: int | None
    """Of a sell: what the account held of the code when the day began, less what it sold since; `None`: not known."""
    others_hold: bool
    """Other strategies hold the same security in the account."""
    unknown: str | None
    """The remark of an attempt of the same account, code and side whose outcome nobody knows."""
    sells_under_way: bool
    """The strategy has open sells in the account."""
    last_sell: datetime | None
    """Of a buy: when the last of the strategy's sells of the day ended that brought money."""
    invested: Decimal
    """Of a buy: what a strategy with a `capital` holds in the account at cost, its live buys included, yuan."""
    resting: tuple[Resting, ...]
    """Of the same code in the account on the other side, over all strategies, oldest first."""
    moves: Moves
    """What the account did within the last seconds."""
    held: int
    """What the books of all strategies in the account hold of the code."""
    buying: Decimal
    """Of live buys of the same code in the account, yuan."""
    bought_at: datetime | None
    """When the ledger last learnt of one of them; `None`: none lives."""
    day: DayCounts
    of_strategy: DayCounts
    """The strategy's part of it, where it has a limit of its own."""
    paused: str | None
    """What a person paused, in words."""
    owed: Decimal = Decimal(0)
    """What was left before in its direction and may ride along."""

    @property
    def own_book(self) -> int:
        """What of the book was there before what later signals brought, what others are selling of it included."""
        return self.book.volume - self.others.brought_later

    @property
    def free(self) -> int:
        """What of the book this order, not sized yet, may sell."""
        return max(self.own_book - self.others.selling, 0)

    @property
    def carry(self) -> tuple[Decimal, Decimal]:
        """What rounding left to buys and to sells of the book since its last close before this order; to a close none.

        What is carried after a close that was judged late is of the orders that came after it.
        """
        return (Decimal(0), Decimal(0)) if self.order.closes else self.book.carry(self.carries_since)

    @property
    def left(self) -> int:
        """What is not filled yet, by the greater account."""
        return self.order.volume - sum(attempt.done for attempt in self.attempts)

    @property
    def reached(self) -> bool:
        """Whether anything of it ever was in the market; what the broker refused was not."""
        return any(a.broker_order_id is not None and a.state is not AttemptState.REJECTED for a in self.attempts)


def read_papers(tx: Tx, asked: Question, choose: Choice) -> list[Papers]:
    """The papers of the orders that `choose` takes of those that are open with nothing at the broker, in its order.

    Args:
        tx: one moment of the ledger.
        asked: whose orders, and what is looked at.
        choose: which, and in which order.
    """
    account, day = asked.account, asked.day
    opened = tx.orders.open(account)
    if not opened:
        return []
    live = tx.attempts.live(account)
    under_way = {attempt.order_id for attempt in live}
    unknown = [attempt for attempt in live if attempt.state is AttemptState.UNKNOWN]
    idle = [order for order in opened if order.order_id not in under_way]
    begun = [order for order in opened if order.waiting_for is not WaitingFor.NEXT_DAY]
    sellers = {order.strategy for order in begun if order.side is Side.SELL and order.day <= day}
    around = Around(
        live={(a.security, a.side) for a in live},
        unknown={(a.security, a.side) for a in unknown},
        sellers=sellers,
        oldest=min((order.day for order in begun), default=None),
    )
    chosen = choose(idle, around)
    if not chosen:
        return []
    attempts = tx.attempts.of_orders(order.order_id for order in chosen)
    counts = tx.attempts.counts(account, day, ahead=asked.turnover)
    remarks = {(a.security, a.side): a.remark for a in reversed(unknown)}
    unknown_orders = frozenset(a.order_id for a in unknown)
    pauses = tx.pauses.list()
    moved = tx.attempts.moved(account, day, asked.now - asked.settle) if asked.settle else []
    moves = Moves(settle=asked.settle, attempts=tuple(moved))
    buyers = {o.strategy for o in chosen if o.side is Side.BUY}
    last_sells = {strategy: tx.orders.last_sell(account, strategy, day) for strategy in buyers}
    invested = {strategy: _invested(tx, account, strategy) for strategy in buyers.intersection(asked.capped)}
    of_strategies = {
        strategy: tx.attempts.counts_of(account, day, strategy, turnover=strategy in asked.turnovers)
        for strategy in {o.strategy for o in chosen}.intersection(asked.counted)
    }
    resting = _resting(tx, live, opened)
    books = _by_security(tx.books.of_securities(account, {order.security for order in chosen}))
    of_book: dict[tuple[str, str], list[OrderRow]] = {}
    for order in opened:
        of_book.setdefault(order.book, []).append(order)
    found = []
    for order in chosen:
        sells = order.side is Side.SELL
        of_security = books.get(order.security, ())
        empty = BookRow(account=account, strategy=order.strategy, security=order.security)
        pause = next((p for p in pauses if p.stops(order)), None)
        buys = resting.get((order.security, Side.BUY), ())
        found.append(
            Papers(
                order=order,
                attempts=tuple(attempts[order.order_id]),
                of_signal=tx.orders.wanted_volume(account, order.signal_id) if order.sized else 0,
                book=next((b for b in of_security if b.strategy == order.strategy), empty),
                carries_since=0 if order.sized else tx.orders.carries_since(order),
                others=_others(tx, order, of_book[order.book], unknown_orders),
                bought_today=tx.fills.bought_on(account, order.strategy, order.security, day) if sells else 0,
                from_before=_from_before(tx, order, day) if sells else None,
                others_hold=any(b.volume and b.strategy != order.strategy for b in of_security),
                unknown=remarks.get((order.security, order.side)),
                sells_under_way=order.strategy in sellers,
                last_sell=None if sells else last_sells[order.strategy],
                invested=Decimal(0) if sells else invested.get(order.strategy, Decimal(0)),
                resting=tuple(buys if sells else resting.get((order.security, Side.SELL), ())),
                moves=moves,
                held=sum(b.volume for b in of_security),
                bought_at=max((r.attempt.updated_at for r in buys), default=None),
                buying=Decimal(0)
                if sells
                else sum(((r.attempt.volume - r.attempt.done) * r.attempt.price for r in buys), Decimal(0)),
                day=counts,
                of_strategy=of_strategies.get(order.strategy, DayCounts()),
                paused=pause.scope_zh if pause else None,
                owed=asked.owed(tx, order) if order.strategy in asked.catching and not order.sized else Decimal(0),
            )
        )
    return found


def _resting(
    tx: Tx, live: Sequence[AttemptRow], opened: Sequence[OrderRow]
) -> Mapping[tuple[str, Side], Sequence[Resting]]:
    """What lives, by code and side, oldest first."""
    closes = {order.order_id: order.closes for order in opened}
    found: dict[tuple[str, Side], list[Resting]] = {}
    for attempt in live:
        if attempt.order_id not in closes:  # its order had ended when the broker told that it stands after all
            order = tx.orders.get(attempt.order_id)
            closes[attempt.order_id] = order is not None and order.closes
        found.setdefault((attempt.security, attempt.side), []).append(
            Resting(attempt=attempt, closes=closes[attempt.order_id])
        )
    return found


def _by_security(books: Sequence[BookRow]) -> Mapping[str, Sequence[BookRow]]:
    found: dict[str, list[BookRow]] = {}
    for book in books:
        found.setdefault(book.security, []).append(book)
    return found


def _from_before(tx: Tx, order: OrderRow, day: date) -> int | None:
    opening = tx.holdings.opening(order.account, day, order.security)
    return None if opening is None else opening - tx.fills.sold_on(order.account, order.security, day)


def _invested(tx: Tx, account: str, strategy: str) -> Decimal:
    held = sum((book.cost for book in tx.books.list(account=account, strategy=strategy)), Decimal(0))
    return held + tx.attempts.spending(account, strategy)


def _others(tx: Tx, order: OrderRow, of_book: Sequence[OrderRow], unknown: frozenset[int]) -> BookOrders:
    others = tuple(o for o in of_book if o.order_id != order.order_id)
    return BookOrders(
        order=order,
        open=others,
        unknown=unknown & {o.order_id for o in others},
        brought_later=tx.orders.brought_later(order) if order.side is Side.SELL and not order.sized else 0,
        resting=frozenset(
            o.order_id
            for o in others
            if order.side is Side.SELL and o.side is Side.BUY and tx.elsewhere.rests(o.signal_id)
        ),
    )
