"""A signal becomes orders, one an account that follows, or a recorded reason: in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jqfollow import restored
from jqfollow.clock import SHANGHAI
from jqfollow.domain import (
    MANUAL_RUN,
    RUNS_BY_PERSON,
    FollowMode,
    News,
    Side,
    SignalState,
    StrategyOrder,
    WaitingFor,
    Wire,
)
from jqfollow.execution.accounts import Account
from jqfollow.execution.transitions import Moment, Names, end_order
from jqfollow.execution.wishes import Wishes
from jqfollow.ledger.elsewhere import JqState
from jqfollow.ledger.rows import AttemptRow, NewOrder, SignalRow, Terms
from jqfollow.ledger.tx import Tx
from jqfollow.manual import manual_account
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import TOLD_ONCE, Reason, Refusal
from jqfollow.settings import Follow, Layers, Settings
from jqfollow.strategy_news import StrategyNews
from jqfollow.wire.jqf1 import FRESH_S
from jqfollow.wire.messages import LIVE_RUN
from jqfollow.wire.refusals import refusal_of

_ENDED = frozenset({"canceled", "rejected"})
_RESTS = frozenset({"new", "open", "filled", "pending_cancel"})
"""Of these something can still be filled at JoinQuant."""
_HAPPENED = frozenset({Reason.NOT_FOLLOWED, Reason.STALE})
"""No account follows it, and yet it changed what the strategy holds."""
_UNTOLD_RUN = "manual_message"
"""What stands in the place of `manual` or `repair` in a message: only a person's word makes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What the strategy holds, before and after its order; `None`: not known."""

    before: int | None
    closes: bool
    """The order brings it to zero."""


class Following:
    """Turns signals into orders; everything in it happens within the transaction that it is given."""

    def __init__(self, *, settings: Settings, accounts: Mapping[str, Account], wishes: Wishes, names: Names) -> None:
        self._settings = settings
        self._layers = Layers(settings)
        self._accounts = accounts
        self._wishes = wishes
        self._names = names
        self._news = StrategyNews(wishes=wishes, names=names)

    @property
    def news(self) -> StrategyNews:
        """What takes in the rest of messages."""
        return self._news

    def follow(
        self, tx: Tx, signal: SignalRow, told: StrategyOrder | None, news: News, now: datetime
    ) -> tuple[Sequence[AttemptRow], Refusal | None]:
        """One message becomes orders, or gets its reason; earlier orders end where its news say so.

        Args:
            tx: the transaction that records it, or a later one.
            signal: the message as it stands.
            told: its order; `None`: it has none.
            news: what it tells besides.
            now: by this machine's clock.

        Returns:
            Live attempts of orders that the strategy has ended, and why no account follows the message's own.
        """
        if signal.state is not SignalState.RECEIVED:
            return (), None
        live = self._news.take(tx, signal, news, now)
        if told is None:
            tx.signals.finish(signal.signal_id, SignalState.RECORDED, None)
            return live, None
        told = self._as_it_stands(tx, signal, told)
        refusal = self._refusal(tx, signal, told)
        if refusal is not None:
            if refusal.reason in _HAPPENED:
                self._track_position(tx, signal, told)
            self._refuse(tx, signal, refusal, now)
            return live, refusal
        if told.status in _ENDED:
            told = replace(told, amount=told.filled)  # what was filled of it, and no more
        held = self._track_position(tx, signal, told)
        self._stands(tx, signal, told)
        lates = []
        for account, follow in self._followers(signal):
            new = self._order(signal, told, account, follow, held)
            late = self._too_late(signal, told, account)
            lates.append(late)
            if late is None:
                self._create(tx, new, told, account, now)
            else:  # it ends as it begins: its share of the target is missing, and can be repaired
                moment = Moment(now=now, names=self._names, open_day=account.hours.open_day())
                end_order(tx, tx.orders.create(new, now), late, moment)
        late = lates[0] if all(lates) else None  # by whoever follows
        tx.signals.finish(signal.signal_id, SignalState.FOLLOWED, late)
        return live, late

    def _refuse(self, tx: Tx, signal: SignalRow, refusal: Refusal, now: datetime) -> None:
        tx.signals.finish(signal.signal_id, SignalState.RECORDED, refusal)
        if refusal.reason not in TOLD_ONCE:
            row = tx.signals.get(signal.signal_id)
            text = messages.signal_refused(row or signal, title=self._names.title(signal.strategy), name=None)
            tx.outbox.put(Kind.SIGNAL_REFUSED, text, now)

    def _create(self, tx: Tx, new: NewOrder, told: StrategyOrder, account: Account, now: datetime) -> None:
        """The order; one that JoinQuant itself still holds waits for the session in which it will be filled there."""
        session = None
        if told.status == "new" and new.terms.run == LIVE_RUN:
            execution = self._layers.execution(new.strategy)
            session = account.hours.next_session(now, join_auction=execution.join_auction)
        if session is None or session <= now:
            tx.orders.create(new, now)
            return
        # Waiting moves the deadline by as long as it lasts.
        held = replace(new, day=session.astimezone(SHANGHAI).date(), deadline=now + self._fresh(account, new.strategy))
        order = tx.orders.create(held, now)
        order = tx.orders.wait(order, now, WaitingFor.SESSION, session)
        text = messages.order_waiting(
            order,
            title=self._names.title(order.strategy),
            name=self._names.securities.get(order.security),
        )
        tx.outbox.put(Kind.ORDER_WAITING, text, now, unique_key=f"waiting-{order.order_id}-{session}")

    def _order(self, signal: SignalRow, told: StrategyOrder, account: Account, follow: Follow, held: _Held) -> NewOrder:
        """What the account shall do; all that must hold later stands in it."""
        run = signal.run if signal.run not in RUNS_BY_PERSON else _UNTOLD_RUN
        return NewOrder(
            signal_id=signal.signal_id,
            account=account.name,
            strategy=signal.strategy,
            day=told.day if account.traits.always_open else account.hours.trading_day(),
            security=told.symbol,
            side=told.side,
            terms=Terms(
                amount=told.amount,
                run=MANUAL_RUN if signal.wire is Wire.MANUAL else run,
                mode=follow.mode,
                figure=follow.figure,
                made_at=signal.made_at,
                total_value=told.total_value,
                held_before=held.before,
                reference=told.price,
                account_number=account.number,
            ),
            deadline=self._begun(signal, told) + self._fresh(account, signal.strategy),
            limit_price=told.limit,
            closes=held.closes,
        )

    def _refusal(self, tx: Tx, signal: SignalRow, told: StrategyOrder) -> Refusal | None:
        """Why no account shall follow the signal."""
        own = refusal_of(told)
        if own is not None:
            return own
        if told.amount <= 0:
            return Refusal(reason=Reason.NO_AMOUNT, figures={"amount": str(told.amount)})
        if told.position_side != "long":
            return Refusal(reason=Reason.SHORT_SIDE, figures={"position_side": told.position_side})
        first = self._first_follow(tx, signal, told)
        if told.status in _ENDED and (told.filled <= 0 or first is not None):
            # One that was followed was so for the whole, and has ended here, too.
            return Refusal(reason=Reason.NOT_TRADED, figures={"status": told.status})
        if first is not None:
            figures = {"jq_order_id": told.jq_order_id, "first_signal_id": str(first.signal_id)}
            return Refusal(reason=Reason.REPLAYED, figures=figures)
        return self._from_before(tx, signal) or self._nobody(signal)

    @staticmethod
    def _from_before(tx: Tx, signal: SignalRow) -> Refusal | None:
        """An older ledger was put back: it may have forgotten that the signal was followed."""
        until = restored.until(tx) if signal.wire is not Wire.MANUAL else None
        if until is None or signal.made_at > until:
            return None
        return Refusal(reason=Reason.RESTORED, figures={"until": f"{until:%m-%d %H:%M:%S}"})

    def _nobody(self, signal: SignalRow) -> Refusal | None:
        nobody = Refusal(reason=Reason.NOT_FOLLOWED, figures={"strategy": signal.strategy})
        return None if self._followers(signal) else nobody

    @staticmethod
    def _first_follow(tx: Tx, signal: SignalRow, told: StrategyOrder) -> SignalRow | None:
        """The live signal by which the order was followed already."""
        if signal.run != LIVE_RUN:
            return None
        return tx.signals.first_follow(signal.strategy, told.jq_order_id, told.day, signal.signal_id)

    def _too_late(self, signal: SignalRow, told: StrategyOrder, account: Account) -> Refusal | None:
        """Only a relay brings what is older than a direct message may be: no rule that waits makes it a trade.

        What JoinQuant holds until it opens grows old from then on.
        """
        most_s = max(FRESH_S, self._fresh(account, signal.strategy).total_seconds())
        if signal.wire in {Wire.MANUAL, Wire.REPAIR} or signal.run != LIVE_RUN:
            return None
        begun = self._begun(signal, told)
        age_s = (signal.received_at - begun).total_seconds()
        if age_s <= most_s and (begun > signal.made_at or age_s >= -most_s):
            return None
        return Refusal(reason=Reason.LATE, figures={"age_s": f"{age_s:.0f}", "max_age_s": f"{most_s:g}"})

    def _fresh(self, account: Account, strategy: str) -> timedelta:
        return timedelta(seconds=self._layers.risk(account.name, strategy).max_signal_age_s)

    def _begun(self, signal: SignalRow, told: StrategyOrder) -> datetime:
        """From when on it grows old: one that JoinQuant took while the exchange was closed, from the open on."""
        if told.status != "new":
            return signal.made_at
        starts = [
            account.hours.next_session(signal.made_at, join_auction=False) for account, _ in self._followers(signal)
        ]
        return min((start for start in starts if start is not None), default=signal.made_at)

    def _followers(self, signal: SignalRow) -> Sequence[tuple[Account, Follow]]:
        if signal.wire is Wire.MANUAL:
            account = self._accounts.get(manual_account(signal))
            return [(account, Follow.model_validate({FollowMode.RATIO.value: 1}))] if account else []
        strategy = self._settings.strategies.get(signal.strategy)
        return [(self._accounts[name], follow) for name, follow in strategy.follow.items()] if strategy else []

    @staticmethod
    def _track_position(tx: Tx, signal: SignalRow, told: StrategyOrder) -> _Held:
        """Keeps what the strategy holds, what rests counted as if it were filled; of backtests apart.

        The position that a message tells is the one once its order is done, other orders that rest left out.
        """
        if signal.wire is Wire.MANUAL:
            return _Held(before=None, closes=False)
        live = signal.run == LIVE_RUN
        change = told.amount if told.side is Side.BUY else -told.amount
        before, after = tx.signals.position(signal.strategy, told.symbol, live=live), told.position_after
        if after is None:
            after = (before or 0) + change
        else:
            before = after - change
        expected = told.holding.expected if told.holding else max(after, 0)
        tx.signals.set_position(signal.strategy, told.symbol, expected, signal.made_at, live=live)
        return _Held(before=before, closes=told.side is Side.SELL and after <= 0)

    @staticmethod
    def _as_it_stands(tx: Tx, signal: SignalRow, told: StrategyOrder) -> StrategyOrder:
        """The order, unless a later word about it came first, by another way: then it was ended meanwhile."""
        if signal.run != LIVE_RUN or told.status in _ENDED:
            return told
        known = tx.elsewhere.get(signal.strategy, told.jq_order_id, told.day)
        if known is None or known.state is not JqState.ENDED:
            return told
        return replace(
            told,
            status="canceled",
            filled=max(told.filled, known.filled),
            price=told.price or told.limit,
            limit=None,
        )

    @staticmethod
    def _stands(tx: Tx, signal: SignalRow, told: StrategyOrder) -> None:
        """Notes how the order stands at JoinQuant, and that it is followed."""
        if signal.wire is Wire.MANUAL or signal.run != LIVE_RUN:
            return
        state = JqState.ENDED if told.status in _ENDED else JqState.FILLED
        tx.elsewhere.tell(
            signal.strategy,
            told.jq_order_id,
            told.day,
            state=JqState.RESTING if told.status in _RESTS else state,
            filled=told.filled,
            signal_id=signal.signal_id,
            at=signal.made_at,
        )
