"""What a message tells besides its order: what became of earlier ones, what never came, what the strategy holds.

Everything happens within the transaction that records the message. Only a live run has news: what is of the past
changes nothing of now.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from jqfollow.clock import SHANGHAI
from jqfollow.domain import (
    ORDER_OPEN,
    News,
    OrderEnd,
    OrderProgress,
    Origin,
    Side,
    SignalState,
)
from jqfollow.execution.differences import reckon
from jqfollow.execution.transitions import Names
from jqfollow.execution.wishes import Wishes
from jqfollow.ledger.elsewhere import JqState
from jqfollow.ledger.rows import AttemptRow, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.notify import from_joinquant, messages
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason
from jqfollow.wire.messages import LIVE_RUN

GAP_PATIENCE = timedelta(seconds=60)
"""So long a message may be on its way: its sender gives it up after as long."""


class StrategyNews:
    """Takes in news, and tells people what they should look at."""

    def __init__(self, *, wishes: Wishes, names: Names) -> None:
        self._wishes = wishes
        self._names = names

    def take(self, tx: Tx, signal: SignalRow, news: News, now: datetime) -> Sequence[AttemptRow]:
        """Everything that `news` tell; gives live attempts of orders that are to end."""
        if signal.run != LIVE_RUN:
            return ()
        if news.origin is not None:
            self._heard(tx, signal, news.origin, now)
        self._lost(tx, signal, news, now)
        for grown in news.progress:
            self._grown(tx, signal, grown)
        live = [attempt for end in news.ends for attempt in self._ended(tx, signal, end, now)]
        for symbol, holding in news.holdings.items():
            tx.signals.set_position(signal.strategy, symbol, holding.expected, signal.made_at)
        if news.report is not None:
            report = tx.reports.add(signal.strategy, news.report, signal.made_at)
            if report is not None:
                held = {symbol: holding.expected for symbol, holding in report.holdings.items()}
                tx.signals.set_positions(signal.strategy, held, report.made_at)
        self._differs(tx, signal, news, now)
        return live

    # -- orders at JoinQuant -----------------------------------------------------------------------------------------

    def _ended(self, tx: Tx, signal: SignalRow, end: OrderEnd, now: datetime) -> Sequence[AttemptRow]:
        """An order told before was ended there: ours ends, and what was filled differently is a difference."""
        day = end.day or _day_of(tx, signal, end.jq_order_id)
        before = tx.elsewhere.get(signal.strategy, end.jq_order_id, day)
        if before is not None and before.state is not JqState.RESTING:
            return ()
        tx.elsewhere.tell(
            signal.strategy,
            end.jq_order_id,
            day,
            state=JqState.ENDED,
            filled=end.filled,
            signal_id=None,
            at=signal.made_at,
        )
        told = next((s for s in tx.signals.of_jq_order(signal.strategy, end.jq_order_id, day) if _is_followed(s)), None)
        if told is None or told.order is None:
            return ()
        if before is not None:
            rest = max(told.order.amount - end.filled, 0)
            held = tx.signals.position(signal.strategy, told.order.symbol) or 0
            held += -rest if told.order.side is Side.BUY else rest
            tx.signals.set_position(signal.strategy, told.order.symbol, max(held, 0), signal.made_at)
        return self._end_ours(tx, told, min(end.filled, told.order.amount), now)

    def _end_ours(self, tx: Tx, told: SignalRow, elsewhere: int, now: datetime) -> Sequence[AttemptRow]:
        orders = tx.orders.of_signal(told.signal_id)
        accounts = dict.fromkeys(order.account for order in orders)
        for account in accounts:
            tx.elsewhere.expect_difference(
                told.signal_id,
                account,
                strategy=told.strategy,
                security=orders[0].security,
                elsewhere=elsewhere,
                at=now,
            )
        open_orders = [order for order in orders if order.state in ORDER_OPEN]
        ended = [self._wishes.want_end(tx, order.order_id, Reason.CANCELED_BY_STRATEGY) for order in open_orders]
        for account in accounts:
            reckon(tx, told.signal_id, account, now)
        return [live for _, live in ended if live is not None]

    @staticmethod
    def _grown(tx: Tx, signal: SignalRow, grown: OrderProgress) -> None:
        """More of it is filled there; nothing ends here because of it."""
        tx.elsewhere.tell(
            signal.strategy,
            grown.jq_order_id,
            grown.day or _day_of(tx, signal, grown.jq_order_id),
            state=JqState.FILLED if grown.whole else JqState.RESTING,
            filled=grown.filled,
            signal_id=None,
            at=signal.made_at,
        )

    # -- what came, and what did not ---------------------------------------------------------------------------------

    def _heard(self, tx: Tx, signal: SignalRow, origin: Origin, now: datetime) -> None:
        tx.processes.arrived(signal.strategy, origin, signal.made_at, now)
        other = tx.processes.started_since(signal.strategy, origin.process, signal.made_at)
        if other is not None:
            text = from_joinquant.two_processes(self._names.title(signal.strategy), origin.process, other)
            pair = "-".join(sorted((origin.process, other)))
            self._alert(tx, text, now, key=f"two-processes-{signal.strategy}-{pair}")

    def _lost(self, tx: Tx, signal: SignalRow, news: News, now: datetime) -> None:
        """Messages that the client gave up: they are no gap, and people are told which."""
        for lost in news.lost:
            process = lost.process or (news.origin.process if news.origin else None)
            if process is not None:
                tx.processes.settle(signal.strategy, Origin(process=process, seq=lost.seq))
        if news.lost:
            tx.processes.note_lost(signal.strategy, signal.made_at)
            text = from_joinquant.lost(self._names.title(signal.strategy), news.lost)
            self._alert(tx, text, now, key=f"lost-{signal.signal_id}")

    def tell_gaps(self, tx: Tx, now: datetime) -> int:
        """Tells of messages that are missing for too long; how many gaps."""
        gaps = tx.processes.untold_gaps(now - GAP_PATIENCE)
        for gap in gaps:
            text = from_joinquant.gap(self._names.title(gap.strategy), gap)
            self._alert(tx, text, now, key=f"gap-{gap.strategy}-{gap.process}-{gap.first}")
            tx.processes.told_gap(gap)
        return len(gaps)

    def _differs(self, tx: Tx, signal: SignalRow, news: News, now: datetime) -> None:
        """JoinQuant's own list of the day against what was told."""
        title = self._names.title(signal.strategy)
        if news.untold:
            self._alert(tx, from_joinquant.untold(title, news.untold), now, key=f"untold-{signal.signal_id}")
        if news.missing:
            self._alert(tx, from_joinquant.missing(title, news.missing), now, key=f"missing-{signal.signal_id}")
        if news.unreached:
            day = signal.made_at.astimezone(SHANGHAI).date()
            text = from_joinquant.unreached(title, news.unreached)
            self._alert(tx, text, now, key=f"unreached-{signal.strategy}-{day}")

    @staticmethod
    def _alert(tx: Tx, text: str, now: datetime, *, key: str) -> None:
        tx.outbox.put(Kind.ALERT, messages.alert(text), now, unique_key=key)


def _day_of(tx: Tx, signal: SignalRow, jq_order_id: str) -> date:
    """The day of an order of which only the id was told: the newest one of that id, else the day of the message."""
    known = tx.elsewhere.latest_day(signal.strategy, jq_order_id)
    return known or signal.made_at.astimezone(SHANGHAI).date()


def _is_followed(signal: SignalRow) -> bool:
    return signal.state is SignalState.FOLLOWED and signal.run == LIVE_RUN
