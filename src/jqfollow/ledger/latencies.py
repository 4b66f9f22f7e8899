"""How long each stage of an order took."""

from collections.abc import Iterable

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.table import Table
from jqfollow.stages import BEFORE, OrderStages

_NAMES = tuple(stage.value for stage in BEFORE)
_PUT = (
    f"INSERT OR REPLACE INTO order_stages (order_id, received_at, {', '.join(_NAMES)}) "  # noqa: S608  own names
    f"VALUES ({', '.join('?' * (2 + len(_NAMES)))})"
)


class Latencies(Table):
    """The table `order_stages`."""

    __slots__ = ()

    def put(self, orders: Iterable[OrderStages]) -> None:
        """Keeps what is known of them by now."""
        rows = [
            (order.order_id, to_ms(order.received_at), *(order.after_us.get(stage) for stage in BEFORE))
            for order in orders
        ]
        self._c.executemany(_PUT, rows)

    def of_order(self, order_id: int) -> OrderStages | None:
        """Of one order; `None`: nothing was measured."""
        row = self._one("SELECT * FROM order_stages WHERE order_id = ?", order_id)
        if row is None:
            return None
        after = {stage: row[stage.value] for stage in BEFORE if row[stage.value] is not None}
        return OrderStages(order_id=order_id, received_at=from_ms(row["received_at"]), after_us=after)
