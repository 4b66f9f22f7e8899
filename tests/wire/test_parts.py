"""The fields of messages: what they take, to the last value, and what they refuse without a crash."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from jqfollow.clock import SHANGHAI
from jqfollow.domain import Side, StrategyHolding
from jqfollow.market.prices import MOST
from jqfollow.wire import parts
from jqfollow.wire.parts import DroppedPart, EndedPart, HeldPart, OrderPart, PositionPart, ProgressPart, UntoldPart

AT = datetime(2026, 1, 2, 10, 50, tzinfo=SHANGHAI)
FIELDS: dict[str, tuple[Any, dict[Any, Any], list[Any]]] = {
    "yuan": (
        parts.Yuan,
        {0: 0, "10.52": Decimal("10.52"), "1e2": 100, 10**12: 10**12, "999999999999999e-9": Decimal("999999.999999999"),
         "1." + "2" * 20: Decimal("1." + "2" * 20), Decimal("1.5"): Decimal("1.5")},
        [True, 1.5, None, -1, "-0.1", "nan", "inf", " 1", "1.", ".5", 10**12 + 1, "1e13", "1e100", "1" * 16,
         "1." + "2" * 21, [], "1,000"],
    ),
    "price": (parts.Price, {str(MOST): MOST, 0: 0}, [str(MOST + 1)]),
    "volume": (parts.Volume, {0: 0, 10**9: 10**9}, [-1, 10**9 + 1, "1", 1.0, None]),
    "day": (
        parts.Day,
        {"2026-01-02": date(2026, 1, 2)},
        [20260102, None, "20260102", "2026-1-2", "2026-13-01", "2026-W01-1", ""],
    ),
    "moment": (
        parts.Moment,
        {"2026-01-02 10:50:00": AT, "2026-01-02T10:50:00": AT, "2026-01-02 10:50:00.5": AT.replace(microsecond=500000)},
        [20260102, None, "2026-01-02", "2026-01-02 10:50", "2026-01-02 10:50:00+08:00", "2026-01-02 25:00:00",
         "2026-01-02 10:50:00Z"],
    ),
    "status": (
        parts.Status,
        {"0": "open", "1": "filled", "2": "canceled", "3": "rejected", "4": "held", "8": "new", "9": "pending_cancel",
         "OrderStatus.held": "held", " New ": "new"},
        ["5", "7", "", None, 4, "OrderStatus."],
    ),
    "name": (parts.Name, {"a.b-c_1": "a.b-c_1", "x" * 32: "x" * 32}, ["", "x" * 33, "a b", "策略", "a\n"]),
    "security": (parts.SecurityText, {"000001.XSHE": "000001.XSHE", "~" * 32: "~" * 32}, ["", "x" * 33, "a b", "股"]),
    "order id": (parts.OrderId, {"!": "!", "1" * 64: "1" * 64}, ["", "1" * 65, "1 2", 12]),
    "short text": (parts.ShortText, {"": "", "一" * 80: "一" * 80}, ["一" * 81, "a\nb", "\x00"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_takes_what_it_says_and_nothing_else(name: str) -> None:
    kind, taken, refused = FIELDS[name]
    field: TypeAdapter[Any] = TypeAdapter(kind, config=None)
    for told, value in taken.items():
        assert field.validate_python(told, strict=True) == value
    for told in refused:
        with pytest.raises(ValidationError):
            field.validate_python(told, strict=True)


def an_order(**changes: Any) -> OrderPart:
    told = {
        "order_id": "1", "security": "000001.XSHE", "is_buy": True, "amount": 100, "filled": 0, "price": None,
        "status": "held", "side": "long", "add_time": "2026-01-02 10:50:00",
    }  # fmt: skip
    return OrderPart.model_validate({**told, **changes})


def test_an_orders_own_bounds() -> None:
    assert (an_order().pindex, an_order().found, an_order().refuse, an_order().limit) == (0, False, None, None)
    assert an_order(pindex=0).pindex == 0
    assert an_order(action="x" * 16).action == "x" * 16
    assert (an_order(pindex=1000).pindex, an_order(limit="0.001").limit) == (1000, Decimal("0.001"))
    for change in (
        {"pindex": -1}, {"pindex": 1001}, {"limit": 0}, {"refuse": "a" * 33}, {"refuse": "A"}, {"refuse": ""},
        {"style": ""}, {"style": "x" * 65}, {"style": "a\nb"}, {"action": "x" * 17}, {"side": "both"},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            an_order(**change)


def test_what_rests_and_is_locked_is_nothing_unless_it_is_told() -> None:
    for part in (
        PositionPart(amount=5, closeable=4, held=3).holding(),
        HeldPart(amount=3, closeable=4, avg_cost=Decimal(0), price=Decimal(0)).holding(),
    ):
        assert part is not None
        assert (part.held, part.closeable, part.locked, part.resting_buy, part.resting_sell) == (3, 4, 0, 0, 0)
        assert part.avg_cost is part.price is None
    assert PositionPart(amount=5, closeable=4).holding() is None
    told = HeldPart(amount=3, closeable=4, avg_cost="9.5", price="10.5").holding()  # type: ignore[arg-type]
    assert (told.avg_cost, told.price) == (Decimal("9.5"), Decimal("10.5"))


def test_what_is_told_of_a_holding_is_kept() -> None:
    told = HeldPart(amount=9, closeable=4, avg_cost=Decimal("1.5"), price=Decimal("0.01"), locked=3, resting_buy=2,
                    resting_sell=1).holding()  # fmt: skip
    assert told == StrategyHolding(held=9, closeable=4, locked=3, resting_buy=2, resting_sell=1,
                                   avg_cost=Decimal("1.5"), price=Decimal("0.01"))  # fmt: skip


def test_orders_told_of_later() -> None:
    day = date(2026, 1, 2)
    end = EndedPart(id="1", day="2026-01-02", filled=7).end()  # type: ignore[arg-type]
    assert (end.jq_order_id, end.day, end.filled, end.status) == ("1", day, 7, "canceled")
    for status, whole in (("held", True), ("filled", False)):
        more = ProgressPart(id="1", filled=7, status=status).progress()  # type: ignore[arg-type]
        assert (more.day, more.whole) == (None, whole)
    for is_buy, side in ((True, Side.BUY), (False, Side.SELL)):
        untold = UntoldPart(
            id="1", security="600000.XSHG", is_buy=is_buy, amount=5, filled=2, status="OrderStatus.open"
        ).untold()  # type: ignore[arg-type]
        assert (untold.side, untold.symbol, untold.status) == (side, "600000.SH", "open")


def test_a_lost_messages_number_can_be() -> None:
    for seq in (1, 10**9):
        assert DroppedPart(seq=seq).lost().seq == seq
    for seq in (0, 10**9 + 1):
        with pytest.raises(ValidationError):
            DroppedPart(seq=seq)


def test_what_was_told_is_not_changed_afterwards() -> None:
    told = an_order()
    with pytest.raises(ValidationError):
        told.amount = 200
