"""The evening of card 36: the terminal's own record, the ledger, books, positions, money and summary say the same."""

import asyncio
from datetime import date
from decimal import Decimal

from jqfollow.domain import Side
from jqfollow.market.securities import parse_security
from jqfollow.market.settlement import settles_same_day
from jqfollow.notify.kinds import Kind
from jqfollow.vocabulary import ORDERS, Tally, order_outcome

from .day import CASH, DayHouse
from .house import ACCOUNT

BY_HAND = "手工"
"""The remark of what a person orders in the terminal."""


async def judge(house: DayHouse, codes: list[str], before: date, today: date) -> None:
    """The terminal's own record, the ledger, the books, the positions, the money and the summary."""
    record = await asyncio.to_thread(house.terminal.record)
    orders = await house.agreed(day_over=True)
    ours = [order for order in orders if order["remark"] != BY_HAND]
    assert len(ours) >= 60
    # Nothing was placed twice: so many requests arrived as there are orders, each with a remark of its own.
    asked = [request["m_strOrderRemark"] for request in record["received"]]
    assert sorted(asked) == sorted({order["remark"] for order in ours})
    assert {order["state"] for order in ours} == {"filled", "canceled", "partially_filled", "new"}
    # T+1: no more was sold than was held from the day before.
    earlier = await house.ledger.read(lambda tx: tx.fills.list(account=ACCOUNT, day=before, limit=1000))
    todays = await house.ledger.read(lambda tx: tx.fills.list(account=ACCOUNT, day=today, limit=1000))
    for code in codes:
        security = parse_security(code)
        sold = sum(f["volume"] for f in record["fills"] if (f["symbol"], f["side"]) == (security.symbol, "sell"))
        held = sum(f.volume for f in earlier if f.security == security.symbol)
        assert sold <= held or settles_same_day(security), code
    # Books and positions, money and fees: what the ledger counts is what the account has.
    hand = [f for f in record["fills"] if f["order_id"] not in {order["id"] for order in ours}]
    books = await house.books()
    for fill in hand:
        books[fill["symbol"]] = books.get(fill["symbol"], 0) + fill["volume"]
    assert books == await house.positions()
    money = CASH - sum((Decimal(f["price"]) * f["volume"] + Decimal(f["fee"]) for f in hand), Decimal(0))
    for fill_row in [*earlier, *todays]:
        sign = 1 if fill_row.side is Side.SELL else -1
        money += sign * fill_row.volume * fill_row.price - fill_row.fee
    asset = await house.service.parts.accounts[ACCOUNT].asset()
    assert asset.cash + asset.frozen == money
    await summary(house, today, sum((f.volume * f.price for f in todays), Decimal(0)), asset.total)


async def summary(house: DayHouse, today: date, turnover: Decimal, total: Decimal) -> None:
    """The figures that a person reads in the evening are those of the terminal."""
    await house.service.parts.routine.send_summary(house.clock.now())
    messages = await house.ledger.read(lambda tx: tx.outbox.list(1000))
    [text] = [message.text for message in messages if message.kind == Kind.SUMMARY]
    orders = await house.ledger.read(lambda tx: tx.orders.list(account=ACCOUNT, day=today, limit=1000))
    outcomes = Tally.of([order_outcome(order.state, order.filled) for order in orders])
    assert f"📊 {today} 日终汇总：信号 " in text, text
    assert f"【{ACCOUNT} · 实盘】总资产 {total:,.2f} 元" in text, text
    assert f"{outcomes.text(ORDERS, 'zh')}；成交额 {turnover:,.2f} 元" in text, text
    assert "结果未知" not in text
    for words in ("【趋势】", "【半仓】", "【轮动】", "今日不可卖 1", "价格偏离 1", "非交易时段 1"):
        assert words in text, text
