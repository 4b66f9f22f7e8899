"""The strategies' side of a lane: what is wished, sent over both wires, sent again until it was acknowledged."""

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import httpx

from e2e.house import key_text
from e2e.senders import Jqf1Sender, seed_body

from .life import SharedClock

PASSWORD = "不再使用的密码"
STRATEGIES: dict[str, dict[str, Any]] = {
    "demo": {"wire": "jqf1"},
    "other": {"wire": "jqf1"},
    "old": {"wire": "seed", "secret": PASSWORD, "accept_weak_wire": True},
}
STOCKS = ("600000.XSHG", "000001.XSHE", "300750.XSHE")
BONDS = ("113001.XSHG", "123001.XSHE")
"""Sold on the day they were bought."""
STAR = "688001.XSHG"
"""At most 100,000 shares an order: more makes parts."""
FRESH_S = 200
_SYMBOLS = {".XSHG": ".SH", ".XSHE": ".SZ"}


def symbol_of(code: str) -> str:
    return code[:6] + _SYMBOLS[code[6:]]


@dataclass(eq=False)
class Sent:
    """One message: sent until it was acknowledged, and sometimes once more."""

    strategy: str
    message_id: str
    body: Any
    """The text of a `jqf1` message, or the whole body of the other wire."""
    symbol: str
    side: Literal["buy", "sell"]
    amount: int
    limit: str | None = None
    jq_id: str = ""
    at: float = field(default_factory=time.monotonic)
    numbers: set[int] = field(default_factory=set)
    """Under which it was acknowledged: one, however often it was sent."""

    @property
    def signal_id(self) -> int | None:
        """Once acknowledged."""
        return min(self.numbers, default=None)

    @property
    def is_fresh(self) -> bool:
        """The original client's message carries the time at which it was made, and is refused when that is long ago."""
        return time.monotonic() - self.at < FRESH_S


@dataclass
class Strategies:
    """Several strategies of one account, and what they wished so far."""

    clock: SharedClock
    keys: Path
    dice: random.Random
    sent: list[Sent] = field(default_factory=list)
    canceled: set[str] = field(default_factory=set)
    """JoinQuant's numbers of orders that their strategy has ended."""
    large: bool = True
    """Whether orders come that are too large to be one at the exchange."""
    _number: int = 0
    _senders: dict[str, Jqf1Sender] = field(default_factory=dict)
    _held: Counter[tuple[str, str]] = field(default_factory=Counter)

    # -- what is wished

    def new(self, many: int) -> list[Sent]:
        """Some new orders of all kinds, not yet sent."""
        made = [self._one() for _ in range(many)]
        self.sent += made
        return made

    def _one(self) -> Sent:
        dice, strategy = self.dice, self.dice.choice(list(STRATEGIES))
        chance = dice.random()
        if strategy == "old":
            return self._seed(dice.choice(STOCKS), 100 * dice.randint(1, 9))
        if chance < 0.1 and self.large:
            return self._jqf1(strategy, STAR, "buy", 200 * dice.randint(600, 1200))
        if chance < 0.35:
            return self._jqf1(strategy, dice.choice(STOCKS), "buy", 100 * dice.randint(1, 9), limit="9.50")
        if chance < 0.7:
            bond = dice.choice(BONDS)
            held = self._held[strategy, bond]
            if held and dice.random() < 0.5:
                return self._jqf1(strategy, bond, "sell", 10 * dice.randint(1, held // 10))
            return self._jqf1(strategy, bond, "buy", 10 * dice.randint(1, 90))
        return self._jqf1(strategy, dice.choice(STOCKS), "buy", 100 * dice.randint(1, 9))

    def _jqf1(
        self, strategy: str, code: str, side: Literal["buy", "sell"], amount: int, limit: str | None = None
    ) -> Sent:
        self._number += 1
        now, jq_id = self.clock.now(), str(1_600_000 + self._number)
        filled = 0 if limit else amount
        self._held[strategy, code] += filled if side == "buy" else -filled
        order = {
            "order_id": jq_id,
            "security": code,
            "is_buy": side == "buy",
            "amount": amount,
            "filled": filled,
            "price": None if limit else "10.00",
            "limit": limit,
            "status": "open" if limit else "held",
            "side": "long",
            "add_time": f"{now:%Y-%m-%d %H:%M:%S}",
        }
        position = {"amount": self._held[strategy, code], "closeable": 0}
        told: dict[str, Any] = {"kind": "order", "run": "sim_trade", "made_at": _ms(now), "position": position}
        ended = self._ends(strategy, now)
        text = json.dumps(told | {"order": order} | ended, ensure_ascii=False)
        name = f"{strategy}-{self._number}"
        return Sent(strategy, name, text, symbol_of(code), side, amount, limit, jq_id)

    def _ends(self, strategy: str, now: datetime) -> dict[str, Any]:
        """Now and then a standing limit order of the strategy is ended by it, while it is at the broker."""
        standing = [s for s in self.sent if s.strategy == strategy and s.limit and s.jq_id not in self.canceled]
        if not standing or self.dice.random() < 0.5:
            return {}
        one = self.dice.choice(standing)
        self.canceled.add(one.jq_id)
        return {"ended": [{"id": one.jq_id, "day": f"{now:%Y-%m-%d}", "filled": 0}]}

    def _seed(self, code: str, amount: int) -> Sent:
        self._number += 1
        now, jq_id = self.clock.now(), str(1_600_000 + self._number)
        fields = {
            "状态": "OrderStatus.held",
            "订单添加时间": f"{now:%Y-%m-%d %H:%M:%S}",
            "买卖": "True",
            "下单数量": str(amount),
            "已经成交": str(amount),
            "股票代码": code,
            "订单ID": jq_id,
            "平均成交价格": "10.00",
            "持仓成本": "10.00",
            "多空": "long",
            "交易费用": "5.0",
            "时间戳": f"{now:%Y-%m-%d %H:%M:%S.%f}",
        }
        return Sent(
            "old", f"old-{self._number}", seed_body(PASSWORD, fields, now), symbol_of(code), "buy", amount, None, jq_id
        )

    # -- sending

    @property
    def unanswered(self) -> list[Sent]:
        """What nobody has acknowledged yet: JoinQuant's client tries again."""
        return [one for one in self.sent if one.signal_id is None and (one.is_fresh or one.strategy != "old")]

    def some_again(self) -> list[Sent]:
        """Messages whose acknowledgement got lost on its way."""
        known = [one for one in self.sent if one.signal_id is not None and one.is_fresh]
        return self.dice.sample(known, min(len(known), 2)) if self.dice.random() < 0.5 else []

    def deliver(self, address: str, messages: Sequence[Sent]) -> None:
        """Sends them, each strategy's in their order, side by side with other strategies'; stops where none answers."""

        def in_order(mine: Sequence[Sent]) -> None:
            for one in mine:
                if not self.send(address, one):
                    return

        with ThreadPoolExecutor(len(STRATEGIES)) as clients:
            for done in [clients.submit(in_order, [m for m in messages if m.strategy == name]) for name in STRATEGIES]:
                done.result()

    def send(self, address: str, one: Sent) -> bool:
        """Sends a message once; whether it was acknowledged.

        Raises:
            AssertionError: the answer is none that the service may give.
        """
        try:
            answer = httpx.post(address, json=self._body(one), trust_env=False, verify=False, timeout=10)
        except httpx.HTTPError:
            return False
        if answer.status_code in {429, 503}:
            return False
        assert answer.status_code == 200, (one, answer.text)
        told = answer.json()
        assert one.strategy == "old" or self._senders[one.strategy].verifies(told, one.message_id), told
        one.numbers.add(int(told["signal_id"]))
        return True

    def _body(self, one: Sent) -> Any:
        if one.strategy == "old":
            return one.body
        if one.strategy not in self._senders:
            self._senders[one.strategy] = Jqf1Sender(key_text(self.keys, one.strategy), one.strategy)
        ts = int(self.clock.now().timestamp())
        return self._senders[one.strategy].seal(one.body, message_id=one.message_id, ts=ts)


def wait_a_little(seconds: float, until: Any) -> bool:
    """Whether `until` came true within so many seconds."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
