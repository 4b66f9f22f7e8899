"""Messages of strategies, and what the strategies hold."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from jqfollow.clock import SHANGHAI, from_ms, to_ms
from jqfollow.domain import Side, SignalKind, SignalState, StrategyOrder, Wire
from jqfollow.ledger.codec import Stored, day_text, decimal, figures, maybe, refusal_columns, stored, to_json
from jqfollow.ledger.errors import ConflictError
from jqfollow.ledger.rows import NewSignal, Recorded, SignalRow
from jqfollow.ledger.table import Table
from jqfollow.reasons import Reason, Refusal
from jqfollow.wire.messages import LIVE_RUN

SignalRows = list[SignalRow]

_FIRST_FOLLOW = """
SELECT * FROM signals WHERE kind = 'order' AND strategy = ? AND jq_order_id = ? AND +day = ? AND state = 'followed'
AND signal_id < ? ORDER BY signal_id LIMIT 1"""
_OF_JQ_ORDER = """
SELECT * FROM signals WHERE kind = 'order' AND strategy = ? AND jq_order_id = ? AND +day = ? ORDER BY signal_id"""
_NEWEST_DAY = "SELECT max(day) AS day FROM signals WHERE kind = 'order' AND strategy = ?"
_SET_POSITION = """
INSERT INTO strategy_positions (strategy, live, security, amount, updated_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (strategy, live, security) DO UPDATE SET amount = excluded.amount, updated_at = excluded.updated_at
WHERE excluded.updated_at >= strategy_positions.updated_at"""
_POSITION = "SELECT amount FROM strategy_positions WHERE strategy = ? AND live = ? AND security = ?"
_POSITIONS = """
SELECT security, amount FROM strategy_positions WHERE strategy = ? AND live = 1 AND amount <> 0 ORDER BY security"""
_SOLD_OUT = (
    "UPDATE strategy_positions SET amount = 0, updated_at = ?2 WHERE strategy = ?1 AND live = 1 AND updated_at <= ?2"
)


_NAMED = """
SELECT signal_id FROM signals WHERE strategy = ? AND message_id >= ? AND message_id < ? ORDER BY signal_id"""
_LAST_ORDER = """
SELECT max(made_at) AS at FROM signals WHERE strategy = ?1 AND kind = 'order' AND run = ?2 AND day = (
    SELECT max(day) FROM signals WHERE strategy = ?1 AND kind = 'order')"""
_RECORDED = """
SELECT * FROM signals WHERE kind = 'order' AND state = 'recorded' AND strategy = ?1 AND (?2 IS NULL OR security = ?2)
    AND made_at > ?3 AND made_at <= ?4 AND run = ?5 AND reason NOT IN (SELECT value FROM json_each(?6))
ORDER BY made_at"""
_RECORDED_OF = _RECORDED.replace("(?2 IS NULL OR security = ?2)", "security = ?2")
_STRATEGIES_RECORDED = """
SELECT DISTINCT strategy FROM signals
WHERE (signal_id > ?1 OR signal_id IN (SELECT value FROM json_each(?2))) AND kind = 'order' AND state = 'recorded'"""

_RECEIVED_AT = "SELECT signal_id, received_at FROM signals WHERE signal_id IN (SELECT value FROM json_each(?))"
_COUNTS = """
SELECT strategy, state, count(*) AS count FROM signals INDEXED BY signals_by_time
WHERE received_at >= ? AND kind = 'order' GROUP BY strategy, state"""


class Signals(Table):
    """The tables `signals` and `strategy_positions`."""

    __slots__ = ()

    def record(self, signal: NewSignal) -> Recorded:
        """Remembers a message and its id; a message that stands already changes nothing.

        Raises:
            ConflictError: its id stands already, with another text.
            ValueError: an order message without order, or another message with one.
        """
        if (signal.kind is SignalKind.ORDER) != (signal.order is not None):
            raise ValueError(f"a message of kind {signal.kind} with order {signal.order!r}")
        digest = hashlib.sha256(signal.text.encode("utf-8", "surrogatepass")).hexdigest()
        columns: dict[str, Stored] = {
            "strategy": stored(signal.strategy),
            "wire": stored(signal.wire),
            "message_id": stored(signal.message_id),
            "digest": digest,
            "kind": stored(signal.kind),
            "run": stored(signal.run),
            "text": stored(signal.text),
            "made_at": to_ms(signal.made_at),
            "received_at": to_ms(signal.received_at),
            "state": stored(SignalState.RECEIVED),
        }
        if signal.order is not None:
            columns |= _order_columns(signal.order)
        signal_id = self._insert_new("signals", columns)
        if signal_id is not None:
            self._kept.signals[signal_id] = _fresh(signal_id, signal)
            return Recorded(signal_id=signal_id, duplicate=False)
        known = self._one(
            "SELECT signal_id, digest, reason, figures FROM signals WHERE strategy = ? AND message_id = ?",
            stored(signal.strategy),
            stored(signal.message_id),
        )
        if known["digest"] != digest:
            raise ConflictError(
                f"message {signal.message_id} of {signal.strategy} came again with another text",
                f"策略 {signal.strategy} 的消息 {signal.message_id} 再次到达，但内容不同",
            )
        return Recorded(signal_id=known["signal_id"], duplicate=True, refusal=_refusal(known))

    def knows(self, strategy: str, message_id: str) -> bool:
        """Whether this message stands."""
        sql = "SELECT 1 FROM signals WHERE strategy = ? AND message_id = ?"
        return self._one(sql, stored(strategy), stored(message_id)) is not None

    def get(self, signal_id: int) -> SignalRow | None:
        """One message."""
        known = self._kept.signals.get(signal_id)
        if known is not None:
            return known
        row = self._one("SELECT * FROM signals WHERE signal_id = ?", signal_id)
        return None if row is None else signal_row(row)

    def newest(self) -> SignalRow | None:
        """The message that came last."""
        row = self._one("SELECT * FROM signals ORDER BY signal_id DESC LIMIT 1")
        return None if row is None else signal_row(row)

    def received(self) -> SignalRows:
        """Messages that nothing was made of yet, oldest first."""
        return [
            signal_row(row) for row in self._all("SELECT * FROM signals WHERE state = 'received' ORDER BY signal_id")
        ]

    def finish(self, signal_id: int, state: SignalState, refusal: Refusal | None) -> None:
        """What became of a message; an order message that is recorded only must say why."""
        self._kept.signals.pop(signal_id, None)
        self._update("signals", "signal_id", signal_id, {"state": stored(state), **refusal_columns(refusal)})

    def first_follow(self, strategy: str, jq_order_id: str, day: date, before: int) -> SignalRow | None:
        """The first signal of this JoinQuant order, earlier than signal `before`, that was followed."""
        row = self._one(_FIRST_FOLLOW, stored(strategy), stored(jq_order_id), day_text(day), before)
        return None if row is None else signal_row(row)

    def of_jq_order(self, strategy: str, jq_order_id: str, day: date) -> SignalRows:
        """All signals of one JoinQuant order, oldest first."""
        rows = self._all(_OF_JQ_ORDER, stored(strategy), stored(jq_order_id), day_text(day))
        return [signal_row(row) for row in rows]

    def named(self, strategy: str, prefix: str) -> list[int]:
        """The numbers of the messages whose id begins so, oldest first; `prefix` without signs of its own."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        rows = self._all(_NAMED, stored(strategy), stored(prefix), stored(end))
        return [int(row["signal_id"]) for row in rows]

    def last_order_made(self, strategy: str) -> datetime | None:
        """When the newest order message of a live run was made, by JoinQuant's clock; of the last day with any."""
        at = self._one(_LAST_ORDER, stored(strategy), stored(LIVE_RUN))["at"]
        return None if at is None else from_ms(at)

    def recorded_only(
        self,
        strategy: str,
        after: datetime,
        until: datetime,
        *,
        run: str,
        besides: Collection[Reason],
        security: str | None = None,
    ) -> SignalRows:
        """Orders of a run made in that time that no account followed, for reasons besides those; oldest first."""
        sql = _RECORDED if security is None else _RECORDED_OF
        when = (to_ms(after), to_ms(until))
        return [signal_row(row) for row in self._all(sql, stored(strategy), stored(security), *when, stored(run),
                                                  to_json(sorted(besides)))]  # fmt: skip

    def strategies_recorded(self, after: int, among: Collection[int]) -> set[str]:
        """Whose orders with a greater number than `after`, or one of those, were recorded and not followed."""
        return {row["strategy"] for row in self._all(_STRATEGIES_RECORDED, after, to_json(sorted(among)))}

    def newest_id(self) -> int:
        """The greatest number; 0 without signals."""
        return int(self._one("SELECT coalesce(max(signal_id), 0) AS number FROM signals")["number"])

    def list(
        self,
        *,
        strategy: str | None = None,
        day: date | None = None,
        kind: SignalKind | None = None,
        limit: int = 100,
        before_id: int | None = None,
    ) -> SignalRows:
        """Messages, newest first; `day` is the day in Shanghai on which they were received."""
        start = None if day is None else datetime.combine(date.fromisoformat(day_text(day)), time(), SHANGHAI)
        rows = self._newest(
            "signals",
            "signal_id",
            limit,
            strategy=stored(strategy),
            kind=stored(kind),
            received_at__ge=stored(start),
            received_at__lt=stored(start and start + timedelta(days=1)),
            signal_id__lt=before_id,
        )
        return [signal_row(row) for row in rows]

    def received_at(self, signal_ids: Iterable[int]) -> dict[int, datetime]:
        """When each of them came."""
        rows = self._all(_RECEIVED_AT, to_json(list(signal_ids)))
        return {row["signal_id"]: from_ms(row["received_at"]) for row in rows}

    def counts_since(self, at: datetime) -> dict[tuple[str, str], int]:
        """How many orders were told from `at` on, by strategy and state."""
        rows = self._all(_COUNTS, to_ms(at))
        return {(row["strategy"], row["state"]): int(row["count"]) for row in rows}

    def newest_day(self, strategies: Collection[str]) -> date | None:
        """The greatest JoinQuant day of their order messages."""
        days = [self._one(_NEWEST_DAY, stored(strategy))["day"] for strategy in strategies]
        return max((date.fromisoformat(day) for day in days if day is not None), default=None)

    def position(self, strategy: str, security: str, *, live: bool = True) -> int | None:
        """What the strategy itself holds, what rests counted as filled; `None` when its signals never told."""
        row = self._one(_POSITION, stored(strategy), stored(live), stored(security))
        return None if row is None else int(row["amount"])

    def set_position(self, strategy: str, security: str, amount: int, at: datetime, *, live: bool = True) -> None:
        """What the strategy itself holds by a message made at `at`; an older one changes nothing."""
        self._c.execute(_SET_POSITION, (stored(strategy), stored(live), stored(security), amount, to_ms(at)))

    def set_positions(self, strategy: str, amounts: Mapping[str, int], at: datetime) -> None:
        """Everything that the strategy itself holds by a message made at `at`: of what is not there, nothing."""
        self._c.execute(_SOLD_OUT, (stored(strategy), to_ms(at)))
        for security, amount in amounts.items():
            self.set_position(strategy, security, amount, at)

    def positions(self, strategy: str) -> dict[str, int]:
        """Everything that the strategy itself holds, by security; without zeros."""
        return {row["security"]: row["amount"] for row in self._all(_POSITIONS, stored(strategy))}


def _refusal(row: Any) -> Refusal | None:
    return None if row["reason"] is None else Refusal(reason=Reason(row["reason"]), figures=figures(row["figures"]))


def _order_columns(order: StrategyOrder) -> dict[str, Stored]:
    return {
        "jq_order_id": stored(order.jq_order_id),
        "security": stored(order.symbol),
        "side": stored(order.side),
        "amount": order.amount,
        "filled": order.filled,
        "price": stored(order.price),
        "limit_price": stored(order.limit),
        "status": stored(order.status),
        "position_side": stored(order.position_side),
        "day": day_text(order.day),
        "position_after": order.position_after,
        "total_value": stored(order.total_value),
    }


def _order(row: Any) -> StrategyOrder:
    return StrategyOrder(
        jq_order_id=row["jq_order_id"],
        symbol=row["security"],
        side=Side(row["side"]),
        amount=row["amount"],
        filled=row["filled"],
        price=decimal(row["price"]),
        limit=decimal(row["limit_price"]),
        status=row["status"],
        position_side=row["position_side"],
        day=date.fromisoformat(row["day"]),
        position_after=row["position_after"],
        total_value=decimal(row["total_value"]),
    )


def _fresh(signal_id: int, signal: NewSignal) -> SignalRow:
    """What `signal_row` would read of a message that was just written."""
    return SignalRow(
        signal_id=signal_id,
        strategy=signal.strategy,
        wire=signal.wire,
        message_id=signal.message_id,
        kind=signal.kind,
        run=signal.run,
        text=signal.text,
        made_at=from_ms(to_ms(signal.made_at)),
        received_at=from_ms(to_ms(signal.received_at)),
        order=signal.order,
        state=SignalState.RECEIVED,
        reason=None,
        figures={},
    )


def signal_row(row: Any) -> SignalRow:
    """The row as a value."""
    kind = SignalKind(row["kind"])
    return SignalRow(
        signal_id=row["signal_id"],
        strategy=row["strategy"],
        wire=Wire(row["wire"]),
        message_id=row["message_id"],
        kind=kind,
        run=row["run"],
        text=row["text"],
        made_at=from_ms(row["made_at"]),
        received_at=from_ms(row["received_at"]),
        order=_order(row) if kind is SignalKind.ORDER else None,
        state=SignalState(row["state"]),
        reason=maybe(Reason, row["reason"]),
        figures=figures(row["figures"]),
    )
