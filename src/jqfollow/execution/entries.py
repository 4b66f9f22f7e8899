"""What a round writes down about an order: that it goes out, waits, is refused, or ends. Each in one transaction."""

from dataclasses import replace
from decimal import Decimal

from jqfollow.clock import Clock
from jqfollow.domain import ORDER_OPEN, Side, WaitingFor
from jqfollow.execution.accounts import Account
from jqfollow.execution.acts import End, Place, Refuse, Wait
from jqfollow.execution.papers import Papers
from jqfollow.execution.sizing import Sized
from jqfollow.execution.transitions import Moment, Names, carry_odd_rest, end_order, still_wanted
from jqfollow.execution.volume import carries
from jqfollow.ledger.rows import AttemptRow, NewAttempt, NewOrder, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal
from jqfollow.risk.gate import Decision

_SIZING = frozenset({Reason.BELOW_LOT, Reason.HELD_ALREADY, Reason.NOTHING_TO_SELL, Reason.NOT_SELLABLE_TODAY})

_EXIT_STOPPED = frozenset({WaitingFor.PAUSE, WaitingFor.BROKER, WaitingFor.FEED, WaitingFor.HALT})
"""What a person is told when an exit waits for it; of unknown outcomes and hours they are told anyway."""


class TakenBackError(Exception):
    """A person or the strategy stopped the order while it was being judged."""


class Entries:
    """One account's; every function takes the transaction that it writes in."""

    def __init__(self, account: Account, *, clock: Clock, names: Names) -> None:
        self._account = account
        self._clock = clock
        self._names = names

    def moment(self) -> Moment:
        """Now, for what happens to an order of the account."""
        return Moment(now=self._clock.now(), names=self._names, open_day=self._account.hours.open_day())

    def intend(self, tx: Tx, place: Place) -> AttemptRow:
        """Everything that belongs to an intent, in one transaction; raises `TakenBackError`."""
        papers, account, now = place.papers, self._account, self._clock.now()
        fresh = still_wanted(tx, papers.order)
        if fresh is None:
            raise TakenBackError
        order = fresh if fresh.waiting is None else tx.orders.wait(fresh, now, None)
        if place.sized is not None:
            self._write_size(tx, papers, order, place)
        if order.terms.reference is None and place.reference is not None:
            tx.orders.update(order.order_id, now, reference=place.reference)
        number = 1 + max((a.number for a in papers.attempts), default=0)
        self._note(tx, papers, "place", place.decision, None)
        if place.guarded and order.side is Side.SELL:
            self._tell_guarded(tx, order, place.price)
        return tx.attempts.create(
            NewAttempt(
                order_id=order.order_id,
                number=number,
                account=order.account,
                day=account.hours.trading_day(),
                security=order.security,
                side=order.side,
                volume=place.volume,
                price=place.price,
            ),
            now,
        )

    def _write_size(self, tx: Tx, papers: Papers, order: OrderRow, place: Place) -> None:
        """The order's volume, its further parts, and what is carried on."""
        sized, now = place.sized, self._clock.now()
        if sized is None:
            return
        tx.orders.update(order.order_id, now, volume=sized.parts[0], sized=True)
        for number, volume in enumerate(sized.parts[1:], start=2):
            tx.orders.create(_part(order, number, volume, place.reference), now)
        if place.owed:
            self._owe(tx, order, 1 + len(sized.parts), place)
        left = papers.free - sized.volume - place.owed
        if order.closes and left > 0:
            self._tell_left(tx, order, sized.volume, left)
        _carry_on(tx, papers, sized)

    def _owe(self, tx: Tx, order: OrderRow, number: int, place: Place) -> None:
        """What was bought today is sold when the next day begins."""
        now = self._clock.now()
        part = tx.orders.create(_part(order, number, place.owed, place.reference), now)
        self._tell_owed(tx, tx.orders.wait(part, now, WaitingFor.NEXT_DAY), place.owed)

    def _tell_owed(self, tx: Tx, order: OrderRow, volume: int) -> None:
        title, how_much = self._names.title(order.strategy), f" {volume}" if volume else ""
        text = messages.alert(
            f"策略 {title} 卖出 {order.security}{how_much}：是今天买入的，账户 {order.account} 今天还不能卖（T+1）。"
            f"订单 #{order.order_id} 等到下一个交易日开盘后卖出，不要的话请在控制台撤单"
        )
        tx.outbox.put(Kind.ALERT, text, self._clock.now(), unique_key=f"owed-{order.order_id}")

    def _tell_left(self, tx: Tx, order: OrderRow, volume: int, left: int) -> None:
        text = messages.alert(
            f"策略 {self._names.title(order.strategy)} 已清仓 {order.security}，账户 {order.account} 现在只能卖 "
            f"{volume}，还剩 {left} 不能卖（T+1、已冻结或零股），之后不会自动再卖，请留意"
        )
        tx.outbox.put(Kind.ALERT, text, self._clock.now(), unique_key=f"left-{order.order_id}")

    def wait(self, tx: Tx, papers: Papers, step: Wait) -> None:
        """That the order waits, once for each thing that it waits for."""
        fresh, now = tx.orders.get(papers.order.order_id), self._clock.now()
        order = fresh if step.what is WaitingFor.PAUSE else still_wanted(tx, papers.order)
        if order is None or order.state not in ORDER_OPEN or order.cancel_reason is not None:
            return
        self._note(tx, papers, "wait", step.decision, step.decision.refusal)
        row = tx.orders.wait(order, now, step.what, step.until)
        if order.closes and order.side is Side.SELL and step.what in _EXIT_STOPPED and step.decision.refusal:
            self._tell_exit(tx, order, step.decision.refusal.text("zh"), step.what)
        if step.what is WaitingFor.NEXT_DAY:
            self._tell_owed(tx, order, order.volume)
        if step.what is WaitingFor.SESSION:
            title, name = self._names.title(order.strategy), self._names.securities.get(order.security)
            text = messages.order_waiting(row, title=title, name=name)
            tx.outbox.put(Kind.ORDER_WAITING, text, now, unique_key=f"waiting-{order.order_id}-{step.until}")

    def _tell_exit(self, tx: Tx, order: OrderRow, why: str, key: str) -> None:
        text = messages.alert(
            f"策略 {self._names.title(order.strategy)} 在账户 {order.account} 清仓 {order.security} 还没有卖出：{why}。"
            f"订单 #{order.order_id} 继续等待，可在控制台处理"
        )
        tx.outbox.put(Kind.ALERT, text, self._clock.now(), unique_key=f"exit-{order.order_id}-{key}")

    def _tell_guarded(self, tx: Tx, order: OrderRow, price: Decimal) -> None:
        text = messages.alert(
            f"订单 #{order.order_id}（{order.account} {order.security} 卖出）：行情已低于允许的最大偏离"
            f"（risk.max_price_drift），挂在 {price} 等待，收盘前不再降价。要更快卖出请人工处理"
        )
        tx.outbox.put(Kind.ALERT, text, self._clock.now(), unique_key=f"guarded-{order.order_id}")

    def refuse(self, tx: Tx, papers: Papers, step: Refuse) -> None:
        """That a rule refuses it: the verdicts, what is carried on, and the order's end."""
        order, sized = papers.order, step.sized
        self._note(tx, papers, "refuse", step.decision, step.refusal)
        if step.refusal.reason in _SIZING and sized is not None:
            if order.sized and carries(order):
                carry_odd_rest(tx, order)
            elif not order.sized:
                _carry_on(tx, papers, sized)
        end_order(tx, order, step.refusal, self.moment())

    def end(self, tx: Tx, papers: Papers, step: End) -> None:
        """That it ends whatever the market says."""
        order = papers.order
        if step.missing_fills:
            reported = sum(attempt.reported for attempt in papers.attempts)
            text = messages.alert(
                f"订单 #{order.order_id}（{order.account} {order.security}）券商报告成交 {reported}，成交明细只有 "
                f"{order.filled}，当日已结束。账本少记了这部分，请在交易终端核对"
            )
            tx.outbox.put(Kind.ALERT, text, self._clock.now(), unique_key=f"missing-fills-{order.order_id}")
        end_order(tx, order, step.refusal, self.moment())

    def _note(self, tx: Tx, papers: Papers, outcome: str, decision: Decision, refusal: Refusal | None) -> None:
        tx.decisions.add(
            papers.order.order_id,
            len(papers.attempts) + 1,
            self._clock.now(),
            outcome,
            refusal.reason if refusal else None,
            [verdict.as_json() for verdict in decision.verdicts],
        )


def _part(order: OrderRow, number: int, volume: int, reference: Decimal | None) -> NewOrder:
    return NewOrder(
        signal_id=order.signal_id,
        account=order.account,
        strategy=order.strategy,
        part=number,
        day=order.day,
        security=order.security,
        side=order.side,
        terms=replace(order.terms, reference=order.terms.reference or reference),
        deadline=order.deadline,
        limit_price=order.limit_price,
        closes=order.closes,
        volume=volume,
        sized=True,
    )


def _carry_on(tx: Tx, papers: Papers, sized: Sized) -> None:
    """What sizing changed of what is carried; others may have changed it since it was read."""
    order, (buy, sell) = papers.order, papers.carry
    tx.books.carry_on(
        order.account,
        order.strategy,
        order.security,
        since=papers.carries_since,
        buy=sized.carry_buy - buy,
        sell=sized.carry_sell - sell,
    )
