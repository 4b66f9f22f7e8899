"""What the strategies send: orders of a hundred main-board codes, sealed as the real client seals them."""

import json
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bench.calls import Key
from jqfollow.clock import SHANGHAI
from jqfollow.market.securities import parse_security
from jqfollow.wire.jqf1 import Key as SealKey
from jqfollow.wire.jqf1 import seal, verify_ack

STRATEGIES = ("momentum", "value", "rotation", "dividend")
CODES = tuple(f"{600000 + n:06}.XSHG" for n in range(50)) + tuple(f"{n:06}.XSHE" for n in range(1, 51))
SYMBOLS = {code: parse_security(code).symbol for code in CODES}
_MOST_LOTS = 10
"""So few that a made book holds them; with as many codes, a key comes again after a thousand orders."""
_PRICE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One message, ready to be sent."""

    strategy: str
    message_id: str
    key: Key
    body: bytes


class Strategies:
    """Four strategies that trade the same codes; what they hold is counted as JoinQuant would tell it."""

    def __init__(self, keys: Mapping[str, SealKey]) -> None:
        self._keys = keys
        self._count = 0
        self._lock = threading.Lock()
        self._run = secrets.token_hex(3)  # the same ledger may have seen another run
        self._held: defaultdict[tuple[str, str], int] = defaultdict(int)

    def buy(self) -> Signal:
        """The next buy, from any thread: round the codes, lots growing with each round, another strategy each time."""
        with self._lock:
            n = self._count
            code = CODES[n % len(CODES)]
            volume = 100 * (n // len(CODES) % _MOST_LOTS + 1)
            return self._signal(self._next_strategy(), code, volume)

    def buys(self, count: int) -> list[Signal]:
        """The next `count` buys."""
        return [self.buy() for _ in range(count)]

    def unfilled(self) -> Signal:
        """An order that ended in JoinQuant with nothing filled: recorded, never followed."""
        return self._signal(self._next_strategy(), CODES[self._count % len(CODES)], 0)

    def sell(self, strategy: str, code: str, volume: int) -> Signal:
        """A sell of what `strategy` holds."""
        return self._signal(strategy, code, -volume)

    def buy_of(self, strategy: str, code: str, volume: int, *, day: date | None = None) -> Signal:
        """A certain buy, on JoinQuant day `day`."""
        return self._signal(strategy, code, volume, day)

    def verify(self, signal: Signal, answer: bytes) -> None:
        """Raises `ValueError` when the answer is not the keeper's of the key, or not a first acceptance."""
        told = json.loads(answer)
        proven = verify_ack(self._keys[signal.strategy], signal.message_id, told["status"], told["mac"])
        if told["id"] != signal.message_id or told["status"] != "accepted" or not proven:
            raise ValueError(f"not a proven acceptance: {told}")

    def _next_strategy(self) -> str:
        n = self._count
        return STRATEGIES[(n + n // len(CODES)) % len(STRATEGIES)]

    def _signal(self, strategy: str, code: str, change: int, day: date | None = None) -> Signal:
        """An order that changed what the strategy holds by `change`; by 0: it was canceled."""
        self._count += 1
        volume = abs(change)
        self._held[strategy, code] += change
        now = datetime.now(SHANGHAI)
        text = {
            "kind": "order",
            "run": "sim_trade",
            "made_at": int(now.timestamp() * 1000),
            "order": {
                "order_id": f"{self._run}-{self._count}",
                "security": code,
                "is_buy": change >= 0,
                "amount": volume or 100,
                "filled": volume,
                "price": f"{_PRICE}.00",
                "limit": None,
                "status": "held" if change else "canceled",
                "side": "long",
                "action": "open" if change >= 0 else "close",
                "add_time": f"{day or now.date()} {now:%H:%M:%S}",
            },
            "position": {"amount": self._held[strategy, code], "closeable": 0},
        }
        message_id = f"{strategy}-{self._run}-{self._count}"
        body = seal(self._keys[strategy], strategy, message_id, int(time.time()), json.dumps(text))
        return Signal(
            strategy=strategy,
            message_id=message_id,
            key=Key(symbol=SYMBOLS[code], side="buy" if change >= 0 else "sell", volume=volume),
            body=json.dumps(body).encode(),
        )
