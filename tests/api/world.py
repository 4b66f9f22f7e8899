"""A real ledger with a trading day in it."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from jqfollow.domain import (
    Asset,
    AttemptState,
    FillReport,
    FollowMode,
    OrderState,
    Position,
    Side,
    SignalKind,
    SignalState,
    StrategyOrder,
    WaitingFor,
    Wire,
)
from jqfollow.ledger import Ledger, Tx
from jqfollow.ledger.rows import AttemptRow, NewAttempt, NewOrder, NewSignal, OrderRow, Terms
from jqfollow.reasons import Reason, Refusal

from .fakes import START

DAY = date(2026, 1, 5)
LIMIT_UP = Refusal(reason=Reason.LIMIT_UP, figures={"security": "600519.SH", "limit": "1523.50"})


class Story:
    """Writes what happens, a second at a time."""

    def __init__(self, tx: Tx, *, broker_id: int = 1000) -> None:
        self.tx = tx
        self.now: datetime = START - timedelta(minutes=20)
        self._broker_id = broker_id

    def signal(
        self, security: str, side: Side, amount: int, price: str, *, strategy: str = "demo", wire: Wire = Wire.JQF1
    ) -> int:
        self.now += timedelta(seconds=47)
        number = self.tx.signals.list(limit=1)
        message_id = f"{strategy}-{number[0].signal_id + 1 if number else 1}"
        order = StrategyOrder(
            jq_order_id=message_id,
            symbol=security,
            side=side,
            amount=amount,
            filled=amount,
            price=Decimal(price),
            limit=None,
            status="held",
            position_side="long",
            day=DAY,
            position_after=amount if side is Side.BUY else 0,
            total_value=Decimal("102345.67"),
        )
        recorded = self.tx.signals.record(
            NewSignal(
                strategy=strategy,
                wire=wire,
                message_id=message_id,
                kind=SignalKind.ORDER,
                run="sim_trade",
                text=f'{{"kind":"order","n":"{message_id}"}}',
                made_at=self.now - timedelta(seconds=1),
                received_at=self.now,
                order=order,
            )
        )
        return recorded.signal_id

    def order(self, signal_id: int, volume: int, *, account: str = "paper", limit: str | None = None) -> OrderRow:
        signal = self.tx.signals.get(signal_id)
        assert signal is not None
        assert signal.order is not None
        self.tx.signals.finish(signal_id, SignalState.FOLLOWED, None)
        return self.tx.orders.create(
            NewOrder(
                signal_id=signal_id,
                account=account,
                strategy=signal.strategy,
                day=DAY,
                security=signal.order.symbol,
                side=signal.order.side,
                terms=Terms(
                    amount=volume, run=signal.run, mode=FollowMode.RATIO, figure=Decimal(1), made_at=signal.made_at
                ),
                deadline=signal.made_at + timedelta(seconds=60),
                limit_price=None if limit is None else Decimal(limit),
                volume=volume,
                sized=True,
            ),
            self.now,
        )

    def decide(self, order: OrderRow, outcome: str, refusal: Refusal | None = None) -> None:
        verdicts: list[dict[str, object]] = [
            {"rule": rule, "outcome": "pass", "figures": {}}
            for rule in (Reason.STALE, Reason.PAUSED, Reason.OUTSIDE_HOURS, Reason.SUSPENDED, Reason.PRICE_DRIFT)
        ]
        if refusal is not None:
            verdicts.append({"rule": refusal.reason, "outcome": outcome, "figures": dict(refusal.figures)})
        reason = None if refusal is None else refusal.reason
        self.tx.decisions.add(order.order_id, 1, self.now, outcome, reason, verdicts)

    def attempt(self, order: OrderRow, price: str, *, number: int = 1) -> AttemptRow:
        self._broker_id += 1
        attempt = self.tx.attempts.create(
            NewAttempt(
                order_id=order.order_id,
                number=number,
                account=order.account,
                day=DAY,
                security=order.security,
                side=order.side,
                volume=order.volume - order.filled,
                price=Decimal(price),
            ),
            self.now,
        )
        self.step(attempt, AttemptState.NEW, "accepted")
        self.tx.orders.update(order.order_id, self.now, state=OrderState.NEW)
        return self.tx.attempts.update(
            attempt.attempt_id, self.now, state=AttemptState.NEW, broker_order_id=str(self._broker_id)
        )

    def step(self, attempt: AttemptRow, after: AttemptState, event: str, detail: str = "") -> None:
        self.tx.events.add(attempt.order_id, attempt.attempt_id, self.now, event, attempt.state, after, detail)

    def fill(self, attempt: AttemptRow, volume: int, price: str, strategy: str = "demo") -> None:
        self.now += timedelta(seconds=1)
        report = FillReport(
            traded_id=f"T{len(self.tx.fills.list())}",
            broker_order_id=attempt.broker_order_id or "",
            remark=attempt.remark,
            symbol=attempt.security,
            side=attempt.side,
            volume=volume,
            price=Decimal(price),
            at=self.now,
            fee=Decimal("5.00"),
        )
        self.tx.fills.add(attempt, strategy, report, DAY)
        whole = volume == attempt.volume
        after = AttemptState.FILLED if whole else AttemptState.PARTIALLY_FILLED
        self.step(attempt, after, "reported_filled" if whole else "reported_partially_filled", f"{volume} @ {price}")
        self.tx.attempts.update(attempt.attempt_id, self.now, state=after, reported=volume)
        state = OrderState.FILLED if whole else OrderState.PARTIALLY_FILLED
        self.tx.orders.update(attempt.order_id, self.now, state=state)


def tell(tx: Tx) -> None:
    """A buy that fills, one refused at its limit, one half done, one unknown, one waiting, a manual sell."""
    story = Story(tx)
    bought = story.order(story.signal("000001.SZ", Side.BUY, 1000, "10.52"), 1000)
    story.decide(bought, "place")
    story.fill(story.attempt(bought, "10.53"), 1000, "10.53")
    refused = story.order(story.signal("600519.SH", Side.BUY, 100, "1523.50"), 100)
    story.decide(refused, "refuse", LIMIT_UP)
    tx.orders.update(refused.order_id, story.now, state=OrderState.REJECTED, refusal=LIMIT_UP)
    both = story.signal("510300.SH", Side.BUY, 2000, "4.102")
    half = story.order(both, 2000)
    story.decide(half, "place")
    story.fill(story.attempt(half, "4.103"), 800, "4.102")
    uncertain = story.order(both, 1000, account="main")
    story.decide(uncertain, "place")
    lost = story.attempt(uncertain, "4.103")
    story.step(lost, AttemptState.UNKNOWN, "no_answer", "order_stock: no answer in 5 s")
    tx.attempts.update(lost.attempt_id, story.now, state=AttemptState.UNKNOWN)
    waiting = story.order(story.signal("300750.SZ", Side.BUY, 100, "255.10", strategy="other"), 100)
    short = Refusal(reason=Reason.NO_CASH, figures={"needed": "25515.00", "cash": "12840.20"})
    story.decide(waiting, "wait", short)
    waiting = tx.orders.wait(waiting, story.now, WaitingFor.CASH, story.now + timedelta(seconds=60))
    tx.orders.update(waiting.order_id, story.now, refusal=short)
    ignored = story.signal("000002.SZ", Side.SELL, 300, "7.01", strategy="other")
    tx.signals.finish(ignored, SignalState.RECORDED, Refusal(reason=Reason.NOT_TRADED, figures={"status": "canceled"}))
    sold = story.order(story.signal("000001.SZ", Side.SELL, 200, "10.61", wire=Wire.MANUAL), 200)
    story.decide(sold, "place")
    story.fill(story.attempt(sold, "10.61"), 200, "10.61")
    held = [
        Position(symbol="000001.SZ", volume=800, available=0, avg_cost=Decimal("10.535"), last=Decimal("10.61")),
        Position(symbol="510300.SH", volume=800, available=0, avg_cost=Decimal("4.1083"), last=Decimal("4.095")),
    ]
    asset = Asset(
        cash=Decimal("988301.40"),
        frozen=Decimal("4923.60"),
        market_value=Decimal("11764.00"),
        total=Decimal("1004989.00"),
    )
    tx.snapshots.put("paper", DAY, story.now, asset, held)
    tx.outbox.put("order", "买入 000001.SZ 1000 股", story.now)


def make(path: Path) -> Ledger:
    """A new ledger at `path` with that day in it."""
    ledger = Ledger.open(path)
    ledger.write_now(tell)
    return ledger
