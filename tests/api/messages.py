"""Messages as strategies send them."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from jqfollow.wire.jqf1 import Key, seal

from .fakes import START

KEY = Key(secret=bytes(range(32)))
OLD_KEY = Key(secret=bytes(range(1, 33)))
STRANGER = Key(secret=b"x" * 32)


def order_text(order_id: str = "1600001", **changes: Any) -> str:
    order = {
        "order_id": order_id,
        "security": "000001.XSHE",
        "is_buy": True,
        "amount": 1000,
        "filled": 1000,
        "price": "10.52",
        "limit": None,
        "status": "held",
        "side": "long",
        "action": "open",
        "add_time": "2026-01-05 09:59:58",
    }
    message = {"kind": "order", "run": "sim_trade", "made_at": int(START.timestamp() * 1000), "order": order | changes}
    return json.dumps(message, ensure_ascii=False)


def hello_text() -> str:
    return json.dumps({"kind": "hello", "run": "sim_trade", "made_at": int(START.timestamp() * 1000), "note": "启动"})


def sealed(
    text: str | None = None,
    *,
    key: Key = KEY,
    kid: str = "demo",
    message_id: str = "demo-1",
    at: datetime = START,
    shift_s: int = 0,
) -> bytes:
    text = order_text() if text is None else text
    return json.dumps(seal(key, kid, message_id, int(at.timestamp()) + shift_s, text)).encode()


def seed_body(password: str = "old secret", *, sent: datetime = START, **changes: str) -> bytes:
    fields = {
        "状态": "held",
        "订单添加时间": "2026-01-05 09:59:58",
        "买卖": "True",
        "下单数量": "1000",
        "已经成交": "1000",
        "股票代码": "000001.XSHE",
        "订单ID": "1600002",
        "平均成交价格": "10.52",
        "持仓成本": "10.5231",
        "多空": "long",
        "交易费用": "5.0",
        "时间戳": sent.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "密码": "xxx",
    } | changes
    text = json.dumps(fields, ensure_ascii=False).encode()
    key = hashlib.sha256(password.encode()).digest()
    data = bytes(byte ^ key[i % 32] for i, byte in enumerate(text))
    box = {"signature": hmac.new(key, text, hashlib.sha256).hexdigest(), "data": base64.b64encode(data).decode()}
    encrypted = base64.b64encode(json.dumps(box).encode()).decode()
    return json.dumps({"encrypted_order": encrypted, "timestamp": str(sent)}).encode()
