"""Storms and attacks against the real service with its ledger. Each gives a line of the page, or raises."""

import asyncio
import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import psutil

from jqfollow.domain import ORDER_OPEN

from .flood import Flood, Stall, Stalled, crawled
from .served import STRATEGY, Served, message_id, order_text

GROWTH_BYTES = 40 * 1024 * 1024
"""Of memory: what a first flood of any kind may cost for good (caches, pools); ten floods cost no more."""


_LOG_BYTES = 8 * 1024 * 1024
"""What the write-ahead log may hold between two checkpoints."""


class Broken(AssertionError):  # noqa: N818  # a verdict
    """Something that may never be."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one attack showed."""

    attack: str
    count: int
    answers: Counter[int]
    took_s: float
    note: str = ""
    growth: str = ""


@dataclass
class Body:
    """What the process holds now."""

    memory: int
    descriptors: int
    signals: int
    ledger: int

    @classmethod
    def of(cls, served: Served) -> "Body":
        process = psutil.Process(served.pid)
        descriptors = process.num_handles() if hasattr(process, "num_handles") else process.num_fds()
        signals = served.read(lambda tx: len(tx.signals.list(limit=1_000_000)))
        ledger = sum(path.stat().st_size for path in served.data.glob("ledger.sqlite3*"))
        return cls(memory=process.memory_info().rss, descriptors=descriptors, signals=signals, ledger=ledger)


@dataclass
class Attack:
    """One service, attacked again and again; what stands in its ledger and at its exchange is looked at each time."""

    served: Served
    sender: Any = field(init=False)
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self.sender = self.served.sender()

    def body(self, number: int, text: str | None = None, *, ts: int | None = None) -> bytes:
        """A sealed message."""
        when = int(time.time()) if ts is None else ts
        told = self.sender.seal(text or order_text(number), message_id=message_id(number), ts=when)
        return json.dumps(told, separators=(",", ":")).encode()

    def measured(
        self,
        name: str,
        count: int,
        work: Callable[[], Counter[int]],
        *,
        allowed: set[int],
        signals: int,
        note: str = "",
    ) -> Figures:
        """Has `work` done and looks at what it left.

        Raises:
            Broken: an answer that is not allowed, another number of new signals than `signals`, descriptors that stay,
                or memory or a ledger that grew.
        """
        if not self.served.settled(900):  # or the ledger grows by what is still done with them
            raise Broken(f"{name}: orders of before have not ended")
        before, begun = Body.of(self.served), time.monotonic()
        answers = work()
        took = time.monotonic() - begun
        if unknown := {status for status in answers if status not in allowed}:
            raise Broken(f"{name}: answered {unknown}: {answers}")
        if not self.served.alive:
            raise Broken(f"{name}: the service ended: {self.served.said()[-2000:]}")
        after = self._calm(before)
        if after.signals - before.signals != signals:
            raise Broken(f"{name}: {after.signals - before.signals} new signals, and not {signals}")
        if after.descriptors > before.descriptors + 10:
            raise Broken(f"{name}: {before.descriptors} descriptors before, {after.descriptors} after")
        if after.memory > before.memory + GROWTH_BYTES + 4096 * signals:
            raise Broken(f"{name}: {before.memory:,} bytes before, {after.memory:,} after")
        if after.ledger > before.ledger + (_LOG_BYTES + 16_384 * signals if signals else 1024 * 1024):
            raise Broken(f"{name}: a ledger of {before.ledger:,} bytes before, {after.ledger:,} after")
        grown = (after.memory - before.memory) / 1e6
        growth = f"{grown:+.1f} MB, {after.descriptors - before.descriptors:+d} descriptors, {signals:+d} signals"
        return Figures(attack=name, count=count, answers=answers, took_s=took, note=note, growth=growth)

    def _calm(self, before: Body) -> Body:
        """After connections had their time to end."""
        end = time.monotonic() + 60
        while (after := Body.of(self.served)).descriptors > before.descriptors + 10 and time.monotonic() < end:
            time.sleep(1)
        return after

    def once_each(self, acknowledged: int) -> str:
        """Every signal has its orders, each at the exchange at most once.

        Raises:
            Broken: one is lost or doubled.
        """
        end = time.monotonic() + 180
        while True:
            orders = self.served.read(lambda tx: tx.orders.list(limit=1_000_000))
            waiting = [o for o in orders if o.state in ORDER_OPEN]
            if not waiting:
                break
            if time.monotonic() > end:
                raise Broken(f"{len(waiting)} orders neither ended nor wait for anything: {waiting[:3]}")
            time.sleep(0.5)
        signals = self.served.read(lambda tx: tx.signals.list(limit=1_000_000))
        if len(signals) != acknowledged:
            raise Broken(f"{acknowledged} acknowledged, {len(signals)} in the ledger")
        followed = Counter(order.signal_id for order in orders)
        if twice := [signal for signal, count in followed.items() if count > 1]:
            raise Broken(f"followed twice: {twice[:5]}")
        if lost := [s for s in signals if s.reason is None and s.signal_id not in followed and s.kind == "order"]:
            raise Broken(f"neither followed nor refused: {lost[:3]}")
        remarks = self.served.at_exchange()
        if twice_placed := [remark for remark, count in remarks.items() if count > 1]:
            raise Broken(f"placed twice: {twice_placed[:5]}")
        ends = Counter(str(order.state) if order.reason is None else str(order.reason) for order in orders)
        return ", ".join(f"{count} {end}" for end, count in ends.most_common())


def copies(attack: Attack, count: int) -> Figures:
    """One message, `count` times, on 64 connections at once."""
    body = attack.body(attack.served.number())
    flood = Flood(attack.served.signals, connections=64)
    return attack.measured(
        f"{count:,} copies of a message", count, lambda: flood.post([body] * count), allowed={200}, signals=1
    )


def rush(attack: Attack, per_s: int, seconds: int) -> Figures:
    """So many different signals a second."""
    count = per_s * seconds
    flood = Flood(attack.served.signals, connections=64)
    bodies = (attack.body(attack.served.number()) for _ in range(count))
    figures = attack.measured(
        f"{per_s} signals a second for {seconds} s",
        count,
        lambda: flood.post(bodies, per_s=per_s),
        allowed={200},
        signals=count,
    )
    rate = count / figures.took_s
    note = f"{rate:.0f} a second were acknowledged, the slowest after {flood.slowest_s:.2f} s"
    return replace(figures, note=note)


def stalled(attack: Attack, kind: Stall, count: int, honest: int = 20) -> Figures:
    """`count` connections that stall, opened anew when they are thrown out; an honest sender beside them.

    Its messages go out by turns on a kept connection, on a new one, and on a new one of a slow line.
    """
    slowest, tries = [0.0, 0.0], 0

    async def through(number: int) -> int:
        """Sends one message until it is acknowledged, 30 s at most, as JoinQuant's client does."""
        nonlocal tries
        body, slow, begun = attack.body(number), number % 3 == 0, time.monotonic()
        while True:
            tries += 1
            if number % 3 == 1:
                sent = await asyncio.to_thread(attack.served.send, number, sender=attack.sender)
                status = sent.status
            else:
                rate = 1250.0 if slow else math.inf
                status, answer = await crawled(attack.served.signals, body, bytes_per_s=rate)
                if status == 200 and not attack.sender.verifies(json.loads(answer), message_id(number)):
                    raise Broken(f"{kind}: a receipt that is not proven: {answer!r}")
            took = time.monotonic() - begun
            if status == 200 or took > 30:
                slowest[slow] = max(slowest[slow], took)
                return status
            await asyncio.sleep(0.5)

    async def attacked() -> Counter[int]:
        async with Stalled(attack.served.signals, kind, count):
            return Counter([await through(attack.served.number()) for _ in range(honest)])

    name = f"{count:,} connections: {kind}"
    figures = attack.measured(name, honest, lambda: asyncio.run(attacked()), allowed={200}, signals=honest)
    told = f"the slowest in {slowest[0]:.2f} s, on a line of 10 kbit/s in {slowest[1]:.2f} s"
    return replace(figures, note=f"{honest} of {honest} honest signals through in {tries} tries, {told}")


def flips(attack: Attack, messages: int, every: int = 1) -> Figures:
    """Every single bit of so many messages changed, before the messages themselves were ever seen.

    A few messages at a time: five minutes later they would be refused for their age.
    """
    name = f"every {'single' if every == 1 else f'{every}th'} bit of {messages} messages changed"
    flood, parts = Flood(attack.served.signals), list[Figures]()
    for done in range(0, messages, 4):
        bodies = [attack.body(attack.served.number()) for _ in range(min(4, messages - done))]
        changed = [_flipped(body, bit) for body in bodies for bit in range(0, len(body) * 8, every)]
        parts.append(_refused(attack, name, flood, changed))
        if any(status != 200 for status in Flood(attack.served.signals).post(bodies)):
            raise Broken("a message itself is not taken after its flips")
    answers = sum((part.answers for part in parts), Counter[int]())
    return Figures(
        attack=name,
        count=sum(part.count for part in parts),
        answers=answers,
        took_s=sum(part.took_s for part in parts),
        note="then the messages themselves were taken",
        growth=f"{parts[-1].growth} with the last {len(bodies)} messages",
    )


def _refused(attack: Attack, name: str, flood: Flood, bodies: list[bytes]) -> Figures:
    return attack.measured(name, len(bodies), lambda: flood.post(bodies), allowed={400, 401, 413, 429}, signals=0)


def _flipped(body: bytes, bit: int) -> bytes:
    made = bytearray(body)
    made[bit // 8] ^= 1 << bit % 8
    return bytes(made)


def fuzz(attack: Attack, count: int) -> Figures:
    """Bodies and whole requests that mean nothing."""
    flood = Flood(attack.served.signals)
    genuine = attack.body(attack.served.number())
    requests = (_fuzzed(attack.dice, genuine, flood) for _ in range(count))
    allowed = {0, 400, 401, 404, 408, 411, 413, 415, 429}
    return attack.measured(
        f"{count:,} fuzzed requests", count, lambda: flood.send(requests), allowed=allowed, signals=0
    )


def _fuzzed(dice: random.Random, genuine: bytes, flood: Flood) -> bytes:
    told = json.loads(genuine)
    changed, forged = bytearray(genuine), genuine.replace(b'"box":"', b'"box":"A', 1)
    for place in dice.sample(range(len(changed)), dice.randrange(1, 6)):
        changed[place] ^= dice.randrange(1, 256)  # another byte than it was, or it is the message itself
    cut, depth = dice.randrange(1, len(genuine)), dice.randrange(1, 7000)
    told[dice.choice(list(told))] = dice.choice([None, 1, -1, 10**30, 1e308, "", "x" * 3000, [], {}, [[[]]]])
    head = bytearray(flood.request(forged))
    for place in dice.sample(range(120), 3):
        head[place] ^= dice.randrange(1, 256)
    bodies = (
        dice.randbytes(dice.randrange(1, 2000)),
        bytes(changed),
        genuine[:cut] + genuine[cut + 1 :],
        json.dumps(told).encode(),
        b"[" * depth + b"]" * depth,
        b'{"encrypted_order":"' + dice.randbytes(60).hex().encode() + b'","timestamp":"1"}',
        b'{"v":"jqf1",' + genuine[1:],  # a field that stands twice
    )
    return dice.choice([bytes(head), *map(flood.request, bodies)])


def sealed_junk(attack: Attack, count: int) -> Figures:
    """Texts that mean nothing, sealed with the strategy's own key."""
    flood = Flood(attack.served.signals)
    bodies = (attack.body(attack.served.number(), text) for text in _junk(attack.dice, count))
    name = f"{count:,} validly sealed junk messages"
    return attack.measured(name, count, lambda: flood.post(bodies), allowed={400, 429}, signals=0)


def _junk(dice: random.Random, count: int) -> Iterator[str]:
    good = json.loads(order_text(1))
    for _ in range(count):
        match dice.randrange(6):
            case 0:
                yield "".join(chr(dice.randrange(0x20, 0x2FF)) for _ in range(dice.randrange(1, 400)))
            case 1:
                yield json.dumps({"kind": dice.choice(["x", "", None, 1, "ORDER"]), "run": "sim_trade", "made_at": 1})
            case 2:
                yield json.dumps(
                    good | {"order": good["order"] | {"amount": dice.choice([-1, 1.5, "x", 10**12, None])}}
                )
            case 3:
                yield json.dumps(
                    good | {"order": good["order"] | {"price": dice.choice(["-1", "NaN", "1e15", [], "x"])}}
                )
            case 4:
                yield json.dumps(good | {"made_at": dice.choice([-1, 10**18, "now", None, 0.5])})
            case _:
                yield "[" * dice.randrange(1, 900)


def forged_times(attack: Attack, count: int) -> Figures:
    """Genuine messages of another time than now, as somebody who recorded them would play them."""
    flood = Flood(attack.served.signals)
    now = int(time.time())
    stale = [*range(-86_400 * 30, -301, 9973), *range(400, 86_400 * 30, 9973)]
    bodies = (attack.body(attack.served.number(), ts=now + attack.dice.choice(stale)) for _ in range(count))
    name = f"{count:,} genuine messages of another time"
    return attack.measured(name, count, lambda: flood.post(bodies), allowed={401, 429}, signals=0)


__all__ = ["STRATEGY", "Attack", "Broken", "Figures"]
