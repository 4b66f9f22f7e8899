"""What the counter refuses, and in which words the house will classify it."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.domain import Accepted, AttemptState, PlaceFailed, PlaceRequest, Refused, Side
from jqfollow.execution.refusals import RefusalKind, classify

from .contract import Requests, listed
from .paper_rig import PaperRig, at

MAIN, STAR, CHINEXT, BSE, ETF, BOND = "600000.SH", "688001.SH", "300001.SZ", "920001.BJ", "510300.SH", "113001.SH"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PaperRig]:
    rig = PaperRig(tmp_path, cash=Decimal(100_000_000))
    for symbol in (MAIN, STAR, CHINEXT, BSE, ETF, BOND):
        rig.broker.set_market(symbol, prev_close=Decimal(10), last=Decimal(10), depth=1000)
        rig.hold(symbol, 2_350_250)
    yield rig
    rig.close()


B, S = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("symbol", "side", "volume", "price", "words", "kind"),
    [
        ("600001.XX", B, 100, "10", "证券代码不存在", RefusalKind.PERMANENT),
        ("000001.SH", B, 100, "10", "证券代码不存在", RefusalKind.PERMANENT),
        ("", B, 100, "10", "证券代码不存在", RefusalKind.PERMANENT),
        (MAIN, B, 0, "10", "大于零", RefusalKind.PERMANENT),
        (MAIN, S, -100, "10", "大于零", RefusalKind.PERMANENT),
        (MAIN, B, 50, "10", "交易单位", RefusalKind.PERMANENT),
        (MAIN, B, 150, "10", "交易单位", RefusalKind.PERMANENT),
        (STAR, B, 199, "10", "交易单位", RefusalKind.PERMANENT),
        (BSE, B, 99, "10", "交易单位", RefusalKind.PERMANENT),
        (ETF, B, 110, "10", "交易单位", RefusalKind.PERMANENT),
        (BOND, B, 15, "10", "交易单位", RefusalKind.PERMANENT),
        (MAIN, B, 1_000_100, "10", "单笔上限", RefusalKind.PERMANENT),
        (CHINEXT, B, 300_100, "10", "单笔上限", RefusalKind.PERMANENT),
        (STAR, S, 100_001, "10", "单笔上限", RefusalKind.PERMANENT),
        (MAIN, B, 10**30, "10", "单笔上限", RefusalKind.PERMANENT),
        (MAIN, S, 120, "10", "零股", RefusalKind.PERMANENT),
        (MAIN, S, 20, "10", "零股", RefusalKind.PERMANENT),
        (STAR, S, 50, "10", "零股", RefusalKind.PERMANENT),
        (MAIN, B, 100, "10.001", "最小变动", RefusalKind.PRICE),
        (ETF, B, 100, "10.0001", "最小变动", RefusalKind.PRICE),
        (MAIN, B, 100, "11.01", "涨停价", RefusalKind.PRICE),
        (MAIN, S, 100, "8.99", "跌停价", RefusalKind.PRICE),
        (STAR, B, 200, "12.01", "涨停价", RefusalKind.PRICE),
        (BSE, S, 100, "6.99", "跌停价", RefusalKind.PRICE),
        (BOND, B, 10, "12.001", "涨停价", RefusalKind.PRICE),
        (MAIN, B, 100, "10.22", "有效申报价格范围", RefusalKind.PRICE),
        (MAIN, S, 100, "9.78", "有效申报价格范围", RefusalKind.PRICE),
        (STAR, B, 200, "10.22", "有效申报价格范围", RefusalKind.PRICE),
        (BSE, B, 100, "10.52", "有效申报价格范围", RefusalKind.PRICE),
        (MAIN, B, 100, "0", "价格无效", RefusalKind.PRICE),
        (MAIN, B, 100, "-10", "价格无效", RefusalKind.PRICE),
        (MAIN, B, 100, "NaN", "价格无效", RefusalKind.PRICE),
        (MAIN, B, 100, "sNaN", "价格无效", RefusalKind.PRICE),
        (MAIN, B, 100, "Infinity", "价格无效", RefusalKind.PRICE),
        (MAIN, B, 100, "1e30", "价格无效", RefusalKind.PRICE),
    ],
)
def test_what_breaks_a_rule_is_refused(
    rig: PaperRig, symbol: str, side: Side, volume: int, price: str, words: str, kind: RefusalKind
) -> None:
    before = rig.broker.asset()
    placed = rig.broker.place(Requests()(side, volume, price, symbol=symbol))
    assert isinstance(placed, Refused)
    assert words in placed.message
    assert classify(placed.message) is kind
    assert rig.broker.orders() == []
    assert rig.broker.asset() == before
    rig.faults.refuse_by_push = True  # the same words, later; what cannot even be written down is refused at once
    again = rig.broker.place(Requests()(side, volume, price, symbol=symbol))
    assert isinstance(again, Refused | Accepted)
    rig.restart()
    assert rig.broker.asset() == before


@pytest.mark.parametrize(
    ("symbol", "side", "volume", "price"),
    [
        (MAIN, B, 100, "10.21"),
        (MAIN, S, 50, "9.80"),
        (MAIN, S, 150, "11.00"),
        (MAIN, B, 1_000_000, "9.00"),
        (STAR, B, 201, "10.21"),
        (STAR, S, 250, "9.80"),
        (BSE, B, 101, "10.51"),
        (ETF, B, 100, "11.000"),
        (ETF, S, 100, "9.000"),
        (BOND, B, 10, "12.000"),
        (CHINEXT, B, 300_000, "10.00"),
    ],
)
def test_what_just_keeps_the_rules_is_taken(rig: PaperRig, symbol: str, side: Side, volume: int, price: str) -> None:
    assert isinstance(rig.broker.place(Requests()(side, volume, price, symbol=symbol)), Accepted)


def test_the_last_yuan_can_be_spent_but_not_more(rig: PaperRig) -> None:
    rig.broker.set_money(Decimal("1005.01"))  # 100 at 10 yuan, least commission 5, transfer fee 0.01
    request = Requests().buy(100, "10")
    assert isinstance(rig.broker.place(request), Accepted)
    assert rig.broker.asset().cash == 0
    rig.broker.cancel(rig.broker.orders()[0].broker_order_id)
    rig.broker.set_money(Decimal("1005.00"))
    placed = rig.broker.place(request)
    assert isinstance(placed, Refused)
    assert classify(placed.message) is RefusalKind.FUNDS


def test_money_of_a_standing_buy_is_not_spent_twice(rig: PaperRig) -> None:
    rig.broker.set_money(Decimal(1500))
    make = Requests()
    assert isinstance(rig.broker.place(make.buy(100, "10")), Accepted)
    assert isinstance(rig.broker.place(make.buy(100, "10")), Refused)


def test_shares_of_a_standing_sell_are_not_sold_twice(rig: PaperRig) -> None:
    rig.hold(MAIN, 100)
    make = Requests()
    assert isinstance(rig.broker.place(make.sell(100, "10.50")), Accepted)
    placed = rig.broker.place(make.sell(100, "10.50"))
    assert isinstance(placed, Refused)
    assert classify(placed.message) is RefusalKind.FUNDS


def test_a_sell_costs_no_more_than_it_brings(rig: PaperRig) -> None:
    rig.broker.set_market("600001.SH", prev_close=Decimal("0.10"), last=Decimal("0.10"), depth=100)
    rig.hold("600001.SH", 7)
    rig.broker.set_money(Decimal(0))
    rig.broker.place(Requests().sell(7, "0.09", symbol="600001.SH"))
    assert [f.fee for f in rig.broker.fills()] == [Decimal("0.63")]
    assert rig.broker.asset().cash == 0


def test_bonds_are_sold_on_the_day_they_were_bought(rig: PaperRig) -> None:
    symbol = "113002.SH"
    rig.broker.set_market(symbol, prev_close=Decimal(100), last=Decimal(100), depth=1000)
    make = Requests()
    rig.broker.place(make.buy(20, "100.001", symbol=symbol))
    rig.broker.place(make.sell(20, "99.999", symbol=symbol))
    assert [f.side for f in rig.broker.fills()] == [Side.BUY, Side.SELL]


def test_a_suspended_security_takes_no_orders(rig: PaperRig) -> None:
    rig.broker.set_market(MAIN, suspended=True)
    placed = rig.broker.place(Requests().buy(100, "10"))
    assert isinstance(placed, Refused)
    assert "停牌" in placed.message
    rig.restart()  # and the flag is for good
    assert isinstance(rig.broker.place(Requests().buy(100, "10")), Refused)
    rig.broker.set_market(MAIN, suspended=False)
    assert isinstance(rig.broker.place(Requests().buy(100, "10")), Accepted)


def test_of_one_st_stock_only_so_much_is_bought_a_day(rig: PaperRig) -> None:
    rig.broker.set_market(MAIN, risk_warning=True)
    instrument = rig.broker.instrument(MAIN)
    assert instrument is not None
    assert (instrument.risk_warning, instrument.limit_up) == (True, Decimal("10.50"))  # before 2026-07-06
    assert instrument.name.startswith("ST")
    make = Requests()
    assert isinstance(rig.broker.place(make.buy(499_900, "10")), Accepted)
    assert isinstance(rig.broker.place(make.buy(100, "10")), Accepted)
    placed = rig.broker.place(make.buy(100, "10"))
    assert isinstance(placed, Refused)
    assert "风险警示" in placed.message


def test_refused_by_push_it_stands_rejected_in_the_list(rig: PaperRig) -> None:
    rig.faults.refuse_by_push = True
    request = Requests().buy(150, "10")
    placed = rig.broker.place(request)
    assert isinstance(placed, Accepted)
    row = listed(rig, placed.broker_order_id)
    assert (row.state, row.remark) == (AttemptState.REJECTED, request.remark)
    failed = [e for e in rig.pushes() if isinstance(e, PlaceFailed)]
    assert [(e.broker_order_id, e.remark, e.message) for e in failed] == [
        (placed.broker_order_id, request.remark, row.message)
    ]
    assert rig.broker.asset().frozen == 0


def test_a_remark_is_cut_at_24_bytes(rig: PaperRig) -> None:
    request: PlaceRequest = replace(Requests().buy(100, "9.90"), remark="跟单" * 6)
    placed = rig.broker.place(request)
    assert isinstance(placed, Accepted)
    assert listed(rig, placed.broker_order_id).remark == "跟单" * 4


def test_a_day_without_calendar_takes_no_orders(tmp_path: Path) -> None:
    rig = PaperRig(tmp_path, hours="exchange", moment=at("10:00").replace(year=2150))
    placed = rig.broker.place(Requests().buy(100, "10"))
    assert isinstance(placed, Refused)
    assert "当前时间" in placed.message
    rig.close()
