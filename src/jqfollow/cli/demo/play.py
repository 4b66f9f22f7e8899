"""The acts of the demonstration: what the strategy does, and what jqfollow must make of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
from rich.console import Console
from rich.text import Text

from jqfollow.cli.base import lang, words
from jqfollow.cli.demo.stage import Stage
from jqfollow.clock import Clock, to_ms
from jqfollow.domain import ATTEMPT_ENDED, ORDER_OPEN, AttemptState, OrderState, Side
from jqfollow.ledger.rows import AttemptRow, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from jqfollow.wire.jqf1 import seal

if TYPE_CHECKING:
    from jqfollow.execution.brokers.paper.broker import PaperBroker
    from jqfollow.service import Service

STRATEGY = "demo"
STEP_TIMEOUT_S = 12.0
SOLD_OUT = {"000001.XSHE": 10.6, "600519.XSHG": 1510.0, "601318.XSHG": 50.1, "002415.XSHE": 30.1}
"""What the strategy sells on the second day, and for how much."""
_POLL_S = 0.05
_COLOURS = {
    OrderState.FILLED: "green",
    OrderState.REJECTED: "yellow",
    OrderState.CANCELED: "yellow",
    OrderState.EXPIRED: "yellow",
}


@dataclass(slots=True)
class Play:
    """What the acts work with, and what they found."""

    service: "Service"
    stage: Stage
    broker: "PaperBroker"
    console: Console
    rows: list[tuple[str, str, str, bool]] = field(default_factory=list)
    """Of the final table: what happened, what was expected of jqfollow, what it did, and whether that is right."""

    def say(self, text: str, style: str = "") -> None:
        """A line of the play."""
        self.console.print(Text(text, style=style))

    def told(self, what: str, expected: str, found: str, *, right: bool) -> None:
        """A row of the final table."""
        self.rows.append((what, expected, found, right))

    def market(self, symbol: str, price: str, *, depth: int = 1000) -> None:
        """Somebody sells `depth` at `price`, the last price."""
        last = Decimal(price)
        self.broker.set_market(symbol, last=last, bid=last - Decimal("0.01"), ask=last, depth=depth)

    async def act(self, title: str, expected: str, security: str, amount: int, price: float) -> OrderRow | None:
        """The strategy orders; shows the signal and what became of it."""
        side = words("买入", "buys") if amount > 0 else words("卖出", "sells")
        clock = f"{self.stage.now:%H:%M}"
        self.say(f"\n{clock}  {title}", "bold")
        self.say(f"       {words('聚宽', 'JoinQuant')} {side} {security} {abs(amount)} @ {price}", "cyan")
        before = await self._last_signal()
        await asyncio.to_thread(self.stage.order, security, amount, price)
        order = await self.followed(before)
        if order is None:
            self.told(title, expected, words("没有收到", "not received"), right=False)
        return order

    async def _last_signal(self) -> int:
        rows = await self.service.ledger.read(lambda tx: tx.signals.list(limit=1))
        return rows[0].signal_id if rows else 0

    async def followed(self, before: int) -> OrderRow | None:
        """The order of the signal after `before`, when it has ended; shows its attempts as they come."""
        loop = asyncio.get_running_loop()
        until = loop.time() + STEP_TIMEOUT_S
        shown: set[tuple[int, str]] = set()
        while loop.time() < until:
            signal_id, order, attempts = await self.service.ledger.read(lambda tx: _news(tx, before))
            if signal_id and (0, "") not in shown:
                shown.add((0, ""))
                acknowledged = words("已入账并签收", "recorded and acknowledged")
                self.say(f"       {words('信号', 'signal')} #{signal_id} ✓ {acknowledged}")
            self._show(attempts, shown)
            if order is not None and order.state not in ORDER_OPEN:
                self._end(order)
                return order
            await asyncio.sleep(_POLL_S)
        return None

    def _show(self, attempts: Sequence[AttemptRow], shown: set[tuple[int, str]]) -> None:
        for attempt in attempts:
            if (attempt.attempt_id, "placed") not in shown:
                shown.add((attempt.attempt_id, "placed"))
                self.say(
                    f"       → {words('第', 'attempt ')}{attempt.number}{words('次委托', '')}"
                    f"  {attempt.volume} @ {attempt.price}"
                )
            ended = attempt.state in ATTEMPT_ENDED and attempt.state is not AttemptState.FILLED
            if ended and (attempt.attempt_id, "ended") not in shown:
                shown.add((attempt.attempt_id, "ended"))
                self.say(
                    f"         {words('已撤单，成交', 'canceled, filled')} {attempt.filled}/{attempt.volume}", "yellow"
                )

    def _end(self, order: OrderRow) -> None:
        if order.state is OrderState.FILLED:
            price = order.avg_price or Decimal(0)
            self.say(
                f"       ✓ {words('全部成交', 'filled')} {order.filled} @ {price.quantize(Decimal('0.001'))}", "green"
            )
        else:
            why = Refusal(reason=order.reason or Reason.INTERNAL_ERROR, figures=order.figures)
            self.say(f"       ✗ {why.text(lang())}", _COLOURS[order.state])


def _news(tx: Tx, before: int) -> tuple[int, OrderRow | None, Sequence[AttemptRow]]:
    """The signal after `before`, its order and the order's attempts, as far as there are any."""
    later = [signal.signal_id for signal in tx.signals.list(limit=5) if signal.signal_id > before]
    if not later:
        return 0, None, ()
    orders = tx.orders.of_signal(min(later))
    return min(later), orders[0] if orders else None, tx.attempts.of_order(orders[0].order_id) if orders else ()


async def fills(play: Play) -> None:
    """An ordinary order."""
    title, expected = words("普通买入，按 0.5 跟单", "a buy, followed at 0.5"), words("成交 500", "500 filled")
    play.market("000001.SZ", "10.52")
    order = await play.act(title, expected, "000001.XSHE", 1000, 10.52)
    if order:
        play.told(title, expected, _found(order), right=order.filled == 500)  # noqa: PLR2004


async def below_a_lot(play: Play) -> None:
    """Half of a lot, twice: rounding is carried on."""
    title = words("半手：不足一手，余数留下", "half a lot: too little, carried on")
    play.market("600519.SH", "1500")
    expected = words("拒绝 below_lot", "refused: below_lot")
    order = await play.act(title, expected, "600519.XSHG", 100, 1500.0)
    if order:
        play.told(title, expected, _found(order), right=order.reason is Reason.BELOW_LOT)
    title, expected = words("再来半手：凑成一手", "another half: together a lot"), words("成交 100", "100 filled")
    order = await play.act(title, expected, "600519.XSHG", 100, 1500.0)
    if order:
        play.told(title, expected, _found(order), right=order.filled == 100)  # noqa: PLR2004


async def at_limit_up(play: Play) -> None:
    """A stock that nobody sells."""
    title, expected = words("涨停板上买入", "a buy at limit-up"), words("拒绝 limit_up", "refused: limit_up")
    play.broker.set_market("300750.SZ", last=Decimal("240.00"), prev_close=Decimal("200.00"))
    order = await play.act(title, expected, "300750.XSHE", 400, 240.0)
    if order:
        play.told(title, expected, _found(order), right=order.reason is Reason.LIMIT_UP)


async def cancel_and_reprice(play: Play) -> None:
    """A quote that runs away: cancelled, priced again, at last across the book."""
    title = words("没人卖给我们：撤单、重新定价", "nobody sells to us: cancel and re-price")
    expected = words("多次委托后成交", "filled after several attempts")
    play.broker.set_market(
        "601318.SH", last=Decimal("50.00"), prev_close=Decimal("49.80"), bid=Decimal("50.00"), ask=Decimal("50.05")
    )
    order = await play.act(title, expected, "601318.XSHG", 600, 50.0)
    if order:
        attempts = await play.service.ledger.read(lambda tx: tx.attempts.of_order(order.order_id))
        found = f"{_found(order)} ({len(attempts)})"
        play.told(title, expected, found, right=order.filled == 300 and len(attempts) > 1)  # noqa: PLR2004


async def odd_fills(play: Play) -> None:
    """A buy of which the market has only an odd volume."""
    title = words("只成交了零股，其余撤单", "an odd part is filled, the rest is not")
    expected = words("持有零股", "an odd lot is held")
    play.market("002415.SZ", "30.00", depth=130)
    order = await play.act(title, expected, "002415.XSHE", 400, 30.0)
    if order:
        play.told(title, expected, _found(order), right=order.filled == 130)  # noqa: PLR2004


ACTS: tuple[Callable[[Play], Awaitable[None]], ...] = (
    fills,
    below_a_lot,
    at_limit_up,
    cancel_and_reprice,
    odd_fills,
)
"""The first day, in order."""


async def replayed(play: Play, clock: Clock) -> None:
    """The same message once more, and one that somebody made up."""
    title = words("网络抖动：同一条消息到达两次", "the network stutters: one message, twice")
    play.say(f"\n{play.stage.now:%H:%M}  {title}", "bold")
    key = play.service.keys.keys(STRATEGY)[0]
    made = to_ms(clock.now())
    text = (
        f'{{"kind":"order","run":"sim_trade","made_at":{made},"order":{{"order_id":"replay","security":"000002.XSHE",'
        f'"is_buy":true,"amount":200,"filled":200,"price":"8.00","limit":null,"status":"held","side":"long",'
        f'"action":"open","add_time":"{play.stage.now:%Y-%m-%d %H:%M:%S}"}},"position":null,"total_value":null}}'
    )
    body = seal(key, STRATEGY, "replayed-1", made // 1000, text)
    url = f"{play.service.signals_url}/api/order"
    async with httpx.AsyncClient(trust_env=False) as client:
        first = (await client.post(url, json=body)).json()
        second = (await client.post(url, json=body)).json()
        play.say(f"       {first['status']} #{first['signal_id']} → {second['status']} #{second['signal_id']}", "green")
        play.told(
            title,
            words("只跟一次", "followed once"),
            second["status"],
            right=second["status"] == "duplicate" and first["signal_id"] == second["signal_id"],
        )
        await play.followed(first["signal_id"] - 1)
        play.say(f"\n{play.stage.now:%H:%M}  {words('有人伪造一条买入消息', 'somebody forges a message')}", "bold")
        box = body["box"]
        forged = {**body, "id": "forged-1", "box": ("A" if box[0] != "A" else "B") + box[1:]}
        answer = await client.post(url, json=forged)
        play.say(f"       ✗ HTTP {answer.status_code} {answer.json()['error']}", "green")
    play.told(
        words("伪造的消息", "a forged message"),
        words("拒绝，不留痕迹", "refused"),
        f"HTTP {answer.status_code}",
        right=answer.status_code == httpx.codes.UNAUTHORIZED,
    )


async def sell_out(play: Play) -> None:
    """The next day the strategy sells everything: the books are empty, odd lots included."""
    day = play.stage.now
    play.say(
        f"\n—— {day:%Y-%m-%d} {words('次日：策略清仓（T+1）', 'the next day: the strategy sells out (T+1)')} ——",
        "bold magenta",
    )
    for security, price in (
        ("000001.XSHE", 10.6),
        ("600519.XSHG", 1510.0),
        ("601318.XSHG", 50.1),
        ("002415.XSHE", 30.1),
    ):
        held = play.stage.held(security)
        title = f"{words('清仓', 'sells out')} {security}"
        expected = words("账本归零，零股也卖", "an empty book")
        order = await play.act(title, expected, security, -held, price)
        if order:
            right = order.state is OrderState.FILLED and order.side is Side.SELL
            play.told(title, expected, _found(order), right=right)


def _found(order: OrderRow) -> str:
    if order.state is OrderState.FILLED:
        return f"{words('成交', 'filled')} {order.filled}"
    part = f" ({words('成交', 'filled')} {order.filled})" if order.filled else ""
    return f"{order.reason}{part}"
