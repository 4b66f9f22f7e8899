"""A signal becomes orders, one an account that follows, or a recorded reason: in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jqfollow.domain import MANUAL_RUN, ORDER_OPEN, FollowMode, Side, SignalState, StrategyOrder, Wire
from jqfollow.execution.accounts import Account
from jqfollow.execution.transitions import Moment, Names, end_order
from jqfollow.execution.wishes import Wishes
from jqfollow.ledger.rows import AttemptRow, NewOrder, SignalRow, Terms
from jqfollow.ledger.tx import Tx
from jqfollow.manual import manual_account
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import Follow, Settings
from jqfollow.wire.jqf1 import FRESH_S
from jqfollow.wire.messages import LIVE_RUN

_NOT_TRADED = frozenset({"canceled", "rejected"})
_QUIET = frozenset({Reason.NOT_TRADED, Reason.NO_AMOUNT})
"""What a strategy may well send, and nobody wants to be told."""
_UNTOLD_RUN = "manual_message"
"""What stands in the place of `manual` in a message: only a person's order is one."""


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
        self._accounts = accounts
        self._wishes = wishes
        self._names = names

    def follow(self, tx: Tx, signal: SignalRow, now: datetime) -> Sequence[AttemptRow]:
        """One signal becomes orders, or gets its reason; gives live attempts of orders that the strategy has ended."""
        told = signal.order
        if told is None or signal.state is not SignalState.RECEIVED:
            return ()
        refusal = self._refusal(tx, signal, told)
        if refusal is not None:
            tx.signals.finish(signal.signal_id, SignalState.RECORDED, refusal)
            if refusal.reason not in _QUIET:
                row = tx.signals.get(signal.signal_id)
                text = messages.signal_refused(row or signal, title=self._names.title(signal.strategy), name=None)
                tx.outbox.put(Kind.SIGNAL_REFUSED, text, now)
            return self._end_canceled(tx, signal, told) if told.status == "canceled" else ()
        late = self._too_late(signal)
        held = self._track_position(tx, signal, told, now)
        for account, follow in self._followers(signal):
            order = tx.orders.create(self._order(signal, told, account, follow, held), now)
            if late is not None:  # it ends as it begins: its share of the target is missing, and can be repaired
                end_order(tx, order, late, Moment(now=now, names=self._names, open_day=account.open_day()))
        tx.signals.finish(signal.signal_id, SignalState.FOLLOWED, late)
        return ()

    def _order(self, signal: SignalRow, told: StrategyOrder, account: Account, follow: Follow, held: _Held) -> NewOrder:
        """What the account shall do; all that must hold later stands in it."""
        run = signal.run if signal.run != MANUAL_RUN else _UNTOLD_RUN
        return NewOrder(
            signal_id=signal.signal_id,
            account=account.name,
            strategy=signal.strategy,
            day=told.day if account.traits.always_open else account.trading_day(),
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
            deadline=signal.made_at + timedelta(seconds=self._settings.risk.max_signal_age_s),
            limit_price=told.limit,
            closes=held.closes,
        )

    def _refusal(self, tx: Tx, signal: SignalRow, told: StrategyOrder) -> Refusal | None:
        """Why no account shall follow the signal."""
        if told.status in _NOT_TRADED:
            return Refusal(reason=Reason.NOT_TRADED, figures={"status": told.status})
        if told.amount <= 0:
            return Refusal(reason=Reason.NO_AMOUNT, figures={"amount": str(told.amount)})
        if told.position_side != "long":
            return Refusal(reason=Reason.SHORT_SIDE, figures={"position_side": told.position_side})
        if signal.run == LIVE_RUN:
            first = tx.signals.first_follow(signal.strategy, told.jq_order_id, told.day, signal.signal_id)
            if first is not None:
                figures = {"jq_order_id": told.jq_order_id, "first_signal_id": str(first.signal_id)}
                return Refusal(reason=Reason.REPLAYED, figures=figures)
        if not self._followers(signal):
            return Refusal(reason=Reason.NOT_FOLLOWED, figures={"strategy": signal.strategy})
        return None

    def _too_late(self, signal: SignalRow) -> Refusal | None:
        """Only a relay brings what is older than a direct message may be: no rule that waits makes it a trade."""
        age_s = (signal.received_at - signal.made_at).total_seconds()
        most_s = max(FRESH_S, self._settings.risk.max_signal_age_s)
        if signal.wire is Wire.MANUAL or signal.run != LIVE_RUN or abs(age_s) <= most_s:
            return None
        return Refusal(reason=Reason.LATE, figures={"age_s": f"{age_s:.0f}", "max_age_s": f"{most_s:g}"})

    def _followers(self, signal: SignalRow) -> Sequence[tuple[Account, Follow]]:
        if signal.wire is Wire.MANUAL:
            account = self._accounts.get(manual_account(signal))
            return [(account, Follow.model_validate({FollowMode.RATIO.value: 1}))] if account else []
        strategy = self._settings.strategies.get(signal.strategy)
        return [(self._accounts[name], follow) for name, follow in strategy.follow.items()] if strategy else []

    @staticmethod
    def _track_position(tx: Tx, signal: SignalRow, told: StrategyOrder, now: datetime) -> _Held:
        """Keeps what the strategy holds.

        The position that a message tells is the one afterwards, an order still open counted as if it were filled.
        """
        if signal.wire is Wire.MANUAL:
            return _Held(before=None, closes=False)
        change = told.amount if told.side is Side.BUY else -told.amount
        before, after = tx.signals.position(signal.strategy, told.symbol), told.position_after
        if after is None:
            after = (before or 0) + change
        else:
            before = after - change
        tx.signals.set_position(signal.strategy, told.symbol, max(after, 0), now)
        return _Held(before=before, closes=told.side is Side.SELL and after <= 0)

    def _end_canceled(self, tx: Tx, signal: SignalRow, told: StrategyOrder) -> Sequence[AttemptRow]:
        rows = tx.signals.of_jq_order(signal.strategy, told.jq_order_id, told.day)
        orders = [order for row in rows for order in tx.orders.of_signal(row.signal_id) if order.state in ORDER_OPEN]
        ended = [self._wishes.want_end(tx, order.order_id, Reason.CANCELED_BY_STRATEGY) for order in orders]
        return [live for _, live in ended if live is not None]
