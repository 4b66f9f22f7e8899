"""`jqfollow send`: one signal, as JoinQuant would send it, and the service's answer in words."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import cycle
from typing import Any

import click
import httpx

from jqfollow.cli.addresses import check_url
from jqfollow.cli.base import Command, Exit, Figure, fail, say, settings_option, words
from jqfollow.cli.keys import open_keys
from jqfollow.cli.names import known_strategy
from jqfollow.cli.watching import watch
from jqfollow.client_files import public_port
from jqfollow.clock import SystemClock, to_ms
from jqfollow.domain import Wire
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.settings import Settings
from jqfollow.wire.jqf1 import Key, seal, verify_ack
from jqfollow.wire.seed import PASSWORD_FIELD

_OK = 200
_TIMEOUT_S = 15


class Price(click.ParamType[Decimal]):
    """A price in yuan."""

    name = "price"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The price of the text."""
        try:
            price = Decimal(value)
        except InvalidOperation:
            price = Decimal(0)
        if not price.is_finite() or not 0 < price <= 10**6:  # no share costs more
            self.fail(f"{value!r} 不是价格 / is no price", param, ctx)
        return price


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signal:
    strategy: str
    security: str
    is_buy: bool
    amount: int
    price: Decimal | None
    run: str
    at: datetime
    order_id: str


@click.command(cls=Command)
@click.argument("strategy")
@click.argument("security")
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("amount", type=click.IntRange(1, 10**9))
@click.option("--price", type=Price(), help="策略的成交价 / the strategy's fill price")
@click.option("--run", type=click.Choice(["sim_trade", "simple_backtest"]), default="sim_trade", show_default=True)
@click.option(
    "--wait",
    "wait_s",
    type=Figure(0, 3600),
    default=30.0,
    show_default=True,
    help="最多等几秒看结果，0 不等 / seconds to wait for what becomes of it, 0: none",
)
@click.option("--url", help="默认本机的信号端口 / by default the signals port of this machine")
@settings_option
def send(
    *,
    settings: Settings,
    strategy: str,
    security: str,
    side: str,
    amount: int,
    price: Decimal | None,
    run: str,
    url: str | None,
    wait_s: float,
) -> None:
    """像聚宽那样发一条信号。实盘账户若跟随该策略，会真的下单！ / Sends one signal; real accounts follow it, too!"""
    known_strategy(settings, strategy)
    try:
        code = parse_security(security).joinquant
    except UnknownSecurityError as error:
        raise click.BadParameter(str(error), param_hint="SECURITY") from None
    now = SystemClock().now()
    signal = _Signal(
        strategy=strategy,
        security=code,
        is_buy=side == "buy",
        amount=amount,
        price=price,
        run=run,
        at=now,
        order_id=f"send{to_ms(now)}{secrets.token_hex(2)}",
    )
    address = (check_url(settings, url, public_port(settings)) if url else _local(settings)) + "/api/order"
    if settings.strategies[strategy].wire is Wire.JQF1:
        (key, *_) = open_keys(settings).keys(strategy)
        message_id = f"{strategy[:40]}-{signal.order_id}"
        body = seal(key, strategy, message_id, int(now.timestamp()), _jqf1_text(signal))
        signal_id = _report(*_post(address, body), key, message_id)
    else:
        secret = settings.strategies[strategy].secret
        answer = _post(address, seed_body(signal, secret.get_secret_value() if secret else ""))
        signal_id = _report(*answer, None, "")
    if wait_s and signal_id is not None:
        watch(settings, signal_id, signal.order_id, wait_s)


def _local(settings: Settings) -> str:
    host, port = settings.signals.host, settings.signals.port
    if port == 0:
        raise click.UsageError("signals.port 是 0（随机端口）：请用 --url / signals.port is random: give --url")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _jqf1_text(signal: _Signal) -> str:
    order = {
        "order_id": signal.order_id,
        "security": signal.security,
        "is_buy": signal.is_buy,
        "amount": signal.amount,
        "filled": signal.amount,
        "price": None if signal.price is None else str(signal.price),
        "limit": None,
        "status": "held",
        "side": "long",
        "action": "open" if signal.is_buy else "close",
        "add_time": f"{signal.at:%Y-%m-%d %H:%M:%S}",
    }
    message = {"kind": "order", "run": signal.run, "made_at": to_ms(signal.at), "order": order}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def seed_body(signal: _Signal, password: str) -> dict[str, str]:
    """What the original client would post (joinquant.md: The original client)."""
    added = signal.at if signal.run == "sim_trade" else signal.at.replace(year=signal.at.year - 1, day=1)
    fields = {
        "状态": "held",
        "订单添加时间": f"{added:%Y-%m-%d %H:%M:%S}",
        "买卖": str(signal.is_buy),
        "下单数量": str(signal.amount),
        "已经成交": str(signal.amount),
        "股票代码": signal.security,
        "订单ID": signal.order_id,
        "平均成交价格": str(signal.price or ""),
        "持仓成本": str(signal.price or ""),
        "多空": "long",
        "交易费用": "0",
        "时间戳": f"{signal.at:%Y-%m-%d %H:%M:%S.%f}",
        PASSWORD_FIELD: signal.strategy,
    }
    text = json.dumps(fields, ensure_ascii=False).encode()
    key = hashlib.sha256(password.encode()).digest()
    box = {
        "signature": hmac.new(key, text, hashlib.sha256).hexdigest(),
        "data": base64.b64encode(bytes(a ^ b for a, b in zip(text, cycle(key), strict=False))).decode(),
    }
    sealed = base64.b64encode(json.dumps(box).encode()).decode()
    return {"encrypted_order": sealed, "timestamp": f"{signal.at:%Y-%m-%d %H:%M:%S.%f}"}


def _post(address: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    try:
        # Straight to the service: a proxy of the environment cannot reach this machine.
        response = httpx.post(address, json=body, timeout=_TIMEOUT_S, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fail(
            words(
                f"连不上 {address}（{type(error).__name__}）：服务在运行吗？用 jqfollow serve 启动，或检查 --url",
                f"{address} does not answer ({type(error).__name__}): does the service run? Start it with "
                "jqfollow serve, or check --url",
            )
        )
    try:
        answer = response.json()
    except ValueError:
        answer = None
    return response.status_code, answer if isinstance(answer, dict) else {}


def _report(status: int, answer: dict[str, Any], key: Key | None, message_id: str) -> int | None:
    """Says whether it came; the signal's number when it is new."""
    if status != _OK:
        detail = str(answer.get("detail", ""))[:300]
        fail(words(f"服务没有接收（{status}）：{detail}", f"the service did not take it ({status}): {detail}"))
    said = str(answer.get("status"))
    if key is not None and not verify_ack(key, message_id, said, str(answer.get("mac", ""))):
        fail(
            words(
                "回答没有通过验证：对方可能不是你的 jqfollow，或密钥不同；这条信号不算送达",
                "the answer is not authentic: it may not be your jqfollow, or its key differs; not delivered",
            )
        )
    signal_id = answer.get("signal_id")
    proof = words("，回答已验证", ", the answer is authentic") if key else ""
    if said == "duplicate":
        say(
            f"服务早已收到（信号 {signal_id}）{proof}，不会重复跟单",
            f"it was there already (signal {signal_id}){proof}",
        )
    elif said == "accepted":
        say(
            f"已送达并写入账本（信号 {signal_id}）{proof}",
            f"delivered and on disk (signal {signal_id}){proof}",
        )
        return signal_id if isinstance(signal_id, int) else None
    else:
        fail(words(f"看不懂的回答：{said[:80]}", f"an answer that is not understood: {said[:80]}"), Exit.FAILED)
    return None
