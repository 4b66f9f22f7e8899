"""The doctor's test order: a hundred shares at the lower limit, and their cancel; asked for, and agreed to."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from jqfollow.cli.doctor.findings import Finding, Surroundings, bad, ok, warn
from jqfollow.cli.doctor.real import SYMBOL, connected, real_accounts
from jqfollow.cli.lock import is_running
from jqfollow.domain import ATTEMPT_ENDED, Accepted, AttemptState, BrokerError, OrderReport, Phase, PlaceRequest, Side
from jqfollow.market.calendar import CalendarError, TradingCalendar
from jqfollow.market.sessions import phase_at
from jqfollow.vocabulary import ATTEMPT_STATES
from jqfollow.vocabulary import name as word

if TYPE_CHECKING:
    from jqfollow.execution.brokers.port import Broker

_WAIT_S = 15.0
_POLL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOrder:
    """What the person is asked to agree to."""

    __test__ = False  # not a test of pytest's

    account: str
    symbol: str
    volume: int
    price: Decimal


def order_test(around: Surroundings, agrees: Callable[[TestOrder], bool]) -> Sequence[Finding]:
    """Places a hundred shares at the lower limit at each real account, and cancels them; asks before each.

    Args:
        around: as for a check.
        agrees: shows the order to the person; nothing is placed unless it says yes.
    """
    accounts = real_accounts(around)
    if not accounts:
        return [ok("order-test", "没有实盘账户", "no real account")]
    if is_running(around.settings.data_dir) is not None:
        zh, en = "服务正在运行，未做下单测试", "the service runs: no test order"
        return [warn("order-test", zh, en, "先停止服务再测试", "stop the service first")]
    now = around.clock.now()
    try:
        trades = TradingCalendar().is_trading_day(now.date())
    except CalendarError:
        trades = False
    if not trades or phase_at(now) is not Phase.CONTINUOUS:
        zh, en = f"{now:%m-%d %H:%M} 不在连续交易时段，未做下单测试", "not in continuous trading: no test order"
        return [warn("order-test", zh, en, "交易日 9:30-11:30、13:00-14:57 再试", "try again in trading hours")]
    return [_test_order(around, name, agrees) for name in accounts]


def _test_order(around: Surroundings, name: str, agrees: Callable[[TestOrder], bool]) -> Finding:
    place = f"order-test.{name}"
    placed_zh, placed_en = "", ""
    try:
        with connected(around, name) as broker:
            instrument = broker.instrument(SYMBOL)
            if instrument is None or instrument.limit_down is None:
                zh, en = f"没有 {SYMBOL} 的跌停价，未下单", f"no lower limit of {SYMBOL} is known: not placed"
                return warn(place, zh, en, "确认行情已连接后再试", "see that quotes come")
            order = TestOrder(account=name, symbol=SYMBOL, volume=100, price=instrument.limit_down)
            if not agrees(order):
                return ok(place, "未下单", "not placed")
            request = PlaceRequest(
                attempt_id=0,
                remark=f"jqdoctor-{around.clock.now():%H%M%S}",
                symbol=SYMBOL,
                side=Side.BUY,
                volume=order.volume,
                price=order.price,
            )
            placed_zh = f"（备注 {request.remark}，请在 QMT 中核对并撤销）"
            placed_en = f" (remark {request.remark}: look it up in QMT and cancel it)"
            placed = broker.place(request)
            if not isinstance(placed, Accepted):
                zh, en = f"券商拒绝：{placed.message}", f"the broker refused: {placed.message}"
                return bad(place, zh, en, "按券商的提示处理，或联系客户经理", "do as the broker says")
            report = _wait(broker, placed.broker_order_id, lambda r: r.state is not AttemptState.NEW or bool(r.filled))
            if report is None or report.state not in ATTEMPT_ENDED:
                broker.cancel(placed.broker_order_id)
                report = _wait(broker, placed.broker_order_id, lambda r: r.state in ATTEMPT_ENDED)
    except BrokerError as error:
        zh, en = f"下单测试没有完成：{error}{placed_zh}", f"the test order did not come to its end: {error}{placed_en}"
        return bad(place, zh, en, "在 QMT 的委托列表中核对", "look into QMT's list of orders")
    if report is not None and report.state is AttemptState.CANCELED and not report.filled:
        remark = "备注完整返回" if report.remark == request.remark else f"备注被改为 {report.remark!r}"
        return ok(place, f"下单并撤单成功，{remark}", "placed and cancelled")
    state = "没有结果" if report is None else f"{word(ATTEMPT_STATES, report.state, 'zh')}，成交 {report.filled}"
    return bad(
        place,
        f"测试委托的结局是：{state}{placed_zh}",
        f"the test order ended as {report.state if report else 'unknown'}{placed_en}",
        "在 QMT 的委托列表中核对",
        "look into QMT's list of orders",
    )


def _wait(broker: "Broker", order_id: str, is_it: Callable[[OrderReport], bool]) -> OrderReport | None:
    pause = threading.Event()
    report = None
    for _ in range(int(_WAIT_S / _POLL_S)):
        report = next((r for r in broker.orders() if r.broker_order_id == order_id), None)
        if report is not None and is_it(report):
            return report
        pause.wait(_POLL_S)
    return report
