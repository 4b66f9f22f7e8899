"""Disk, clock, network and sleep: what goes wrong around the real service while it follows, and what it made of it."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from jqfollow.domain import ORDER_OPEN
from jqfollow.notify.pace import MAX_BACK_OFF_S
from notify.wecom_server import Fate, Trouble, WecomServer

from .faked_time import VARIABLE, Hands
from .served import CONFIG, Sent, Served, message_id, order_text

ROBOT = "robot-key-1"
ROOT = Path(__file__).resolve().parents[2]
SLOW = "import sys; sys.path.insert(0, {root!r}); from bench.slow_disk import slow_down; slow_down({by_s})"
FAKED = "from reliability.faked_time import install; install()"
STANDING = CONFIG.replace('price = "peer"\nforce_after = 1', 'price = "own"\nforce_after = 3\ncancel_after_s = 2')
"""Orders stand at their own side's price for two seconds, twice, and then cross: there is always a due."""


class Broken(AssertionError):  # noqa: N818  # a verdict
    """Something was lost, doubled, stale, or not told."""


@dataclass
class Scene:
    """One service with a robot's group, and all that was sent to it."""

    served: Served
    wecom: WecomServer
    sent: list[Sent] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(3))

    def __post_init__(self) -> None:
        self.key = self.served.sender()

    def send(self, count: int = 1, *, retry_s: float = 0) -> list[Sent]:
        """So many new signals, one after the other."""
        sent = [self.served.send(self.served.number(), sender=self.key, retry_s=retry_s) for _ in range(count)]
        self.sent += sent
        return sent

    def taken(self, count: int = 3) -> None:
        """The service takes signals.

        Raises:
            Broken: it does not.
        """
        sent = self.send(count, retry_s=15)
        if any(one.status != 200 for one in sent):
            raise Broken(f"not taken: {sent} {self.served.said()[-1500:]}")

    def refused(self, count: int = 3) -> None:
        """The service takes nothing, says so, is not ready, lives, and has told a person.

        Raises:
            Broken: otherwise.
        """
        sent = self.send(count)
        if any(one.status != 503 for one in sent):
            raise Broken(f"not 503: {sent}")
        self.until(lambda: self.served.health("readyz") == 503, "ready, and takes nothing")
        if self.served.health("healthz") != 200:
            raise Broken("healthz does not answer")
        self.told("🚨")

    def told(self, words: str) -> None:
        """A person was told.

        Raises:
            Broken: nobody was.
        """
        self.until(lambda: any(words in text for text in self.wecom.texts()), f"nobody was told {words}")

    def until(self, holds: Callable[[], bool], otherwise: str, timeout_s: float = 30) -> float:
        """Waits; how long it took.

        Raises:
            Broken: it does not come.
        """
        begun = time.monotonic()
        while not holds():
            if time.monotonic() - begun > timeout_s:
                raise Broken(f"{otherwise}: {self.served.said()[-1500:]}")
            time.sleep(0.1)
        return time.monotonic() - begun

    def judged(self) -> str:
        """The exchange's record beside what was acknowledged.

        Raises:
            Broken: something is lost, doubled, more than was wished, or open without end.
        """
        if not self.served.settled(60):
            orders = self.served.read(lambda tx: [o for o in tx.orders.list(limit=10_000) if o.state in ORDER_OPEN])
            raise Broken(f"open without end: {orders[:3]}")
        signals = {s.message_id: s for s in self.served.read(lambda tx: tx.signals.list(limit=100_000))}
        orders = self.served.read(lambda tx: tx.orders.list(limit=100_000))
        by_signal = {order.signal_id: order for order in orders}
        for one in self.sent:
            signal = signals.get(message_id(one.number))
            if one.acknowledged and signal is None:
                raise Broken(f"acknowledged and lost: {one}")
            if one.acknowledged and signal is not None and signal.reason is None and signal.signal_id not in by_signal:
                raise Broken(f"neither followed nor refused: {signal}")
        if len(by_signal) != len(orders):
            raise Broken("a signal has two orders")
        if twice := [remark for remark, times in self.served.at_exchange().items() if times > 1]:
            raise Broken(f"at the exchange twice: {twice}")
        held, booked = sum(self.served.held().values()), sum(order.filled for order in orders)
        if held != booked or any(order.filled > order.volume for order in orders):
            raise Broken(f"the exchange holds {held}, the orders were filled for {booked}")
        said = self.served.said()
        if (place := said.find("Traceback")) >= 0:
            raise Broken(said[max(0, place - 300) : place + 3000])
        ends = Counter(str(o.state) if o.reason is None else str(o.reason) for o in orders)
        return ", ".join(f"{count} {end}" for end, count in ends.most_common())


@contextlib.contextmanager
def scene(folder: Path, *, before: str = "", config: str = CONFIG, hands: Hands | None = None) -> Iterator[Scene]:
    """A service that has begun."""
    with WecomServer(keys=(ROBOT,), per_minute=100_000) as wecom:
        environ = {} if hands is None else {VARIABLE: str(hands.path)}
        path = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "src"), str(ROOT)])
        served = Served(
            folder,
            robots=(wecom.address(ROBOT),),
            before=before,
            config=config,
            environ=environ | {"PYTHONPATH": path},
        )
        try:
            if served.start() is not None:
                raise Broken(served.said())
            yield Scene(served, wecom)
        finally:
            served.close()


# -- disk


def full(folder: Path, *, mounted: bool) -> str:
    """No room at all, again and again; then there is.

    Args:
        folder: where everything is.
        mounted: on a small disk of its own, which root can have; else the process is forbidden to let files grow.
    """
    with _small_disk(folder) if mounted else contextlib.nullcontext(), scene(folder) as on:
        for _ in range(2):
            on.taken()
            with _no_room(on.served, folder, mounted=mounted):
                on.until(lambda: on.send()[0].status == 503, "signals are taken without room")
                on.refused()
            took = on.until(lambda: on.served.health("readyz") == 200, "not ready although there is room")
            on.told("恢复")
        on.taken()
        return f"{on.judged()}; ready {took:.1f} s after there was room"


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def can_mount() -> bool:
    """Whether a small disk can be had."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("mount") is not None


@contextlib.contextmanager
def _no_room(served: Served, folder: Path, *, mounted: bool) -> Iterator[None]:
    if not mounted:
        process = psutil.Process(served.pid)
        before = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (0, before[1]))
        try:
            yield
        finally:
            process.rlimit(psutil.RLIMIT_FSIZE, before)
        return
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    try:
        yield
    finally:
        filler.unlink()


def slow(folder: Path, by_s: float) -> str:
    """Every sync takes so long."""
    with scene(folder, before=SLOW.format(root=str(ROOT), by_s=by_s)) as on:
        with ThreadPoolExecutor(8) as pool:
            texts = [(on.served.number(),) for _ in range(40)]
            on.sent += pool.map(lambda told: on.served.send(told[0], sender=on.key, retry_s=20), texts)
        if not all(one.acknowledged for one in on.sent):
            raise Broken(f"not acknowledged: {[one for one in on.sent if not one.acknowledged][:3]}")
        return on.judged()


def locked(folder: Path, seconds: float) -> str:
    """Another program holds the ledger."""
    with scene(folder) as on:
        on.taken()
        other = sqlite3.connect(on.served.data / "ledger.sqlite3", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            held = time.monotonic()
            on.refused()
            time.sleep(max(0, held + seconds - time.monotonic()))
        finally:
            other.close()
        took = on.until(lambda: on.served.health("readyz") == 200, "not ready although nobody holds the ledger")
        on.taken()
        return f"{on.judged()}; ready {took:.1f} s after it was let go"


def read_only(folder: Path) -> str:
    """A data folder that nobody may write to, at a start."""
    with scene(folder) as on:
        on.taken()
        on.served.stop()
        on.served.data.chmod(0o500)
        for path in on.served.data.iterdir():
            path.chmod(0o500 if path.is_dir() else 0o400)
        try:
            code = on.served.start()
            if code in {None, 0} or "Traceback" in on.served.said():
                raise Broken(f"{code}: {on.served.said()[-1500:]}")
        finally:
            for path in (on.served.data, *on.served.data.rglob("*")):
                path.chmod(0o700 if path.is_dir() else 0o600)
        if on.served.start() is not None:
            raise Broken(on.served.said())
        on.taken()
        return f"did not start (exit {code}) and said why; then {on.judged()}"


# -- network


def robots(folder: Path, fate: Fate | None, seconds: float) -> str:
    """WeCom answers so for a while; every message comes later, and no order waits for it."""
    with scene(folder) as on:
        on.taken(1)
        on.wecom.always = fate
        begun, slowest, count = time.monotonic(), 0.0, 0
        while time.monotonic() < begun + seconds:
            asked = time.monotonic()
            on.taken(1)
            slowest, count = max(slowest, time.monotonic() - asked), count + 1
            time.sleep(max(0.2, seconds / 600))
        on.wecom.always = None
        right = time.monotonic()
        ends = on.judged()
        on.until(lambda: _all_told(on), "messages are missing", timeout_s=MAX_BACK_OFF_S + 90)
        came = time.monotonic() - right
        return (
            f"{ends}; {count} signals meanwhile, the slowest answer {slowest:.2f} s; "
            f"every message came, the last {came:.0f} s afterwards"
        )


def _all_told(on: Scene) -> bool:
    waiting = on.served.read(lambda tx: [row for row in tx.outbox.list(10_000) if row.state == "pending"])
    return not waiting


# -- clock and sleep


def clocks(folder: Path, steps: tuple[float, ...]) -> str:
    """The wall clock is set under the running service, while orders stand that are soon due."""
    folder.mkdir(parents=True, exist_ok=True)
    hands = Hands(folder / "clock.txt")
    slowest = 0.0
    with scene(folder, before=FAKED, config=STANDING, hands=hands) as on:
        for step in steps:
            _send_shifted(on, hands, 2)
            time.sleep(0.5)
            hands.move(wall_s=step)
            begun = time.monotonic()
            if not on.served.settled(60):
                raise Broken(f"orders stand still after a step of {step:+g} s: {on.served.said()[-2000:]}")
            slowest = max(slowest, time.monotonic() - begun)
            _send_shifted(on, hands, 1)
        ends = on.judged()
        if any(abs(step) >= 30 for step in steps):
            on.told("时钟")
        return f"{ends}; after each step all was done within {slowest:.1f} s"


def _send_shifted(on: Scene, hands: Hands, count: int) -> None:
    """Signals of a sender whose clock goes with the machine's; right after a step both may be told to come again."""
    for _ in range(count):
        number = on.served.number()
        now = time.time() + hands.wall_s
        sent = on.served.send(number, sender=on.key, text=order_text(number, at=now), retry_s=10, ts=int(now))
        if not sent.acknowledged:
            raise Broken(f"{sent} at {hands.wall_s:+g} s")
        on.sent.append(sent)


def asleep(folder: Path, times: int, minutes: tuple[float, ...], *, monotonic: bool) -> str:
    """The PC sleeps in the middle of placing, cancelling and re-pricing; JoinQuant goes on sending.

    Args:
        folder: where everything is.
        times: how often.
        minutes: how long, by the wall clock, one after the other.
        monotonic: whether the monotonic clock goes on meanwhile, as it does on Windows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    hands = Hands(folder / "clock.txt")
    late: list[int] = []
    with scene(folder, before=FAKED, config=STANDING, hands=hands) as on:
        for number_of_sleep in range(times):
            long_s = 60 * minutes[number_of_sleep % len(minutes)]
            _send_shifted(on, hands, on.dice.randrange(1, 4))
            time.sleep(on.dice.random() * 3)
            with on.served.asleep():
                number, now = on.served.number(), time.time() + hands.wall_s
                text = order_text(number, at=now)
                late.append(number)
                sending = threading.Thread(target=_into_the_night, args=(on, number, text, int(now)))
                sending.start()
                time.sleep(0.3)
                hands.move(wall_s=long_s, monotonic_s=long_s if monotonic else 0)
            sending.join()
            time.sleep(1)
        ends = on.judged()
        signals = {s.message_id: s for s in on.served.read(lambda tx: tx.signals.list(limit=100_000))}
        orders = on.served.read(lambda tx: tx.orders.list(limit=100_000))
        stale = [signals[message_id(n)].signal_id for n in late if message_id(n) in signals]
        if gone_out := [o for o in orders if o.signal_id in stale and o.filled]:
            raise Broken(f"went out although it was minutes old: {gone_out}")
        return f"{ends}; of {len(late)} signals sent into the sleep {len(stale)} were recorded, none was placed"


def _into_the_night(on: Scene, number: int, text: str, ts: int) -> None:
    on.sent.append(on.served.send(number, sender=on.key, text=text, ts=ts))


FATES: dict[str, Fate] = {
    "hangs": Trouble.HANG,
    "trickles": Trouble.TRICKLE,
    "hangs up": Trouble.DROP,
    "500": 500,
    "busy": -1,
    "no JSON": b"<html>gateway</html>",
}
