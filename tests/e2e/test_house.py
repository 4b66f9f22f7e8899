"""The shortest way: a signal through the port becomes a filled order, a fill, a book and a message."""

from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.domain import OrderState
from jqfollow.ledger.errors import LedgerDamagedError
from ledger.test_file import torn_in_the_middle

from .house import House

CODE = "000001.XSHE"


async def test_a_signal_becomes_a_filled_order_and_a_message(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        house.market(CODE, last="10.52")
        [order] = await house.done(await house.send("demo", CODE, "buy", 1000, price="10.52"))
        assert (order.state, order.filled, order.avg_price) == (OrderState.FILLED, 1000, Decimal("10.53"))
        assert (await house.book(CODE)).volume == 1000
        assert "10.53" in await house.told("✅ 已跟", "买入", "000001.SZ", "1,000 股")
        [position] = house.brokers["paper"].positions()
        assert (position.symbol, position.volume, position.available) == ("000001.SZ", 1000, 0)
        told = await house.get(f"/api/orders/{order.order_id}")
        assert [verdict["outcome"] for verdict in told["decisions"][0]["verdicts"]].count("refuse") == 0
        assert await house.until(lambda tx: tx.security_names.all()) == {"000001.SZ": "模拟000001"}


async def test_a_ledger_torn_in_the_middle_lets_the_ports_answer_and_then_stops_the_service(tmp_path: Path) -> None:
    house = House(tmp_path)
    torn_in_the_middle(house.settings.ledger_file)
    async with house:
        with pytest.raises(LedgerDamagedError):
            await house.service.run()
        told = await house.ledger.read(lambda tx: [row.text for row in tx.outbox.list()])
        assert any("账本损坏" in text for text in told)
