"""The service killed on the way of an order, again and again, at its fail-points and at any time.

A life is a process: it finds what the one before it left, is held against the broker's record, gets new orders of
several strategies, and dies. Whatever it left is judged in the next life, within 30 seconds of its start.
"""

import random
import shutil
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from jqfollow.domain import ORDER_OPEN, JqfollowError
from jqfollow.failpoints import EXIT_CODE

from .beds import Bed, Outside
from .judge import Broken, Story, differences, refuse_broken, unfilled
from .life import Kind, Life, Mode, context
from .strategies import Strategies

SETTLED_S = 30.0
"""After a start everything is in a known state within this."""
LIVES = 30
"""So many lives share a data folder."""
DRIFT_S = 1.2
"""A person looks at an unknown outcome when it has stayed so for so long."""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """How a life shall end."""

    mode: Mode
    point: str = ""
    """A fail-point and how many times it is passed: `NAME@n`; empty: at some time."""
    early: bool = False
    """From the process's first moment on; else once it was found in order."""
    after_s: float = 0.0
    """Without a point: so long after the first moment, or after the orders began to go out."""


def at_any_time(mode: Mode, dice: random.Random) -> Kill:
    """A third of them while the process still begins, or looks for what the one before it left."""
    return Kill(mode=mode, early=dice.random() < 0.33, after_s=dice.uniform(0, 1.2))


def at_points(points: Iterable[str], mode: Mode, each: int) -> list[Kill]:
    """So many kills at each point: the first time that it is passed, later ones, and from the process's start on."""
    ways = [(1, False), (1, True), (2, False), (3, False), (2, True)]
    return [
        Kill(mode=mode, point=f"{point}@{ways[n % 5][0] + n // 5}", early=ways[n % 5][1])
        for n in range(each)
        for point in sorted(points)
    ]


@dataclass
class Tally:
    """What a lane counted."""

    kills: Counter[str] = field(default_factory=Counter)
    """By point and mode, or `any time`."""
    missed: Counter[str] = field(default_factory=Counter)
    """Points that were not reached in a life that should have ended there."""
    signals: int = 0
    orders: int = 0
    parts: int = 0
    cancels: int = 0
    unknown: int = 0
    """Outcomes that a person had to settle, each told by an alert."""
    reasons: Counter[str] = field(default_factory=Counter)
    longest_s: float = 0.0
    """From a start to the moment when everything was in a known state."""
    reached: set[str] = field(default_factory=set)

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    def add(self, other: "Tally") -> None:
        """Another lane's figures besides."""
        self.kills += other.kills
        self.missed += other.missed
        self.reasons += other.reasons
        self.reached |= other.reached
        self.longest_s = max(self.longest_s, other.longest_s)
        for name in ("signals", "orders", "parts", "cancels", "unknown"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Lane:
    """Kills of one kind of broker."""

    def __init__(self, kind: Kind, folder: Path, outside: Outside, *, seed: int = 1, flaw: str = "") -> None:
        """`flaw`: see `flaws.py`."""
        self._kind: Kind = kind
        self._flaw = flaw
        self._beds = 0
        self._folder = folder
        self._outside = outside
        self._processes = context()
        self._dice = random.Random(seed)
        self.tally = Tally()

    def run(self, kills: Sequence[Kill]) -> Tally:
        """Every one of them, and a last life without.

        Raises:
            Broken: something was lost, doubled, or in no known state.
        """
        for first in range(0, len(kills), LIVES):
            self._beds += 1
            bed = Bed(self._kind, self._folder / f"{self._kind} {self._beds}", self._outside)
            bed.flaw = self._flaw
            try:
                Episode(bed, self._processes, self._dice, self.tally).run(kills[first : first + LIVES])
            except BaseException:
                (bed.folder / "why.txt").write_text(traceback.format_exc(), encoding="utf-8")
                raise
            shutil.rmtree(bed.folder)
        return self.tally

    def survey(self, mode: Mode, lives: int = 8) -> set[str]:
        """The fail-points that lives come to in a mode; they end at any time."""
        before, self.tally.reached = self.tally.reached, set()
        kills = [at_any_time(mode, self._dice) for _ in range(lives - 2)]
        self.run([*kills, *[Kill(mode=mode, after_s=2.5)] * 2])
        found = self.tally.reached
        self.tally.reached = before | found
        return found


class Episode:
    """Some lives on one data folder."""

    def __init__(
        self, bed: Bed, processes: Any, dice: random.Random, tally: Tally, strategies: Strategies | None = None
    ) -> None:
        self._bed = bed
        self._processes = processes
        self._dice = dice
        self._tally = tally
        self._strategies = strategies or Strategies(bed.clock, bed.data / "keys.toml", dice)
        self._settled: set[int] = set()
        self._refusing = False

    def run(self, kills: Sequence[Kill]) -> None:
        for kill in kills:
            self._lead(kill)
        self._bed.become(Mode.PROMPT)
        last = self._born("")
        self.put_in_order(last)
        story, _ = self._judged(last)
        last.kill()
        self._sum_up(story)

    # -- a life

    def _lead(self, kill: Kill) -> None:
        self._bed.become(kill.mode)
        self._refusing |= kill.mode is Mode.REFUSING
        life = Life.begin(self._processes, self._bed.birth(kill.point if kill.early else ""))
        if kill.early and not kill.point:
            life.wait(kill.after_s)
            self._end(life, kill)
            return
        if not (life.ready() and self.put_in_order(life)):
            self._end(life, kill)
            return
        if kill.point and not kill.early:
            life.arm(kill.point)
        self._bed.trouble()
        self._strategies.large = kill.mode is not Mode.PARTIAL  # else it would take minutes
        with ThreadPoolExecutor() as hands:
            again = self._strategies.some_again()
            new = self._strategies.new(self._dice.randint(3, 6))
            sent = [hands.submit(self._strategies.deliver, life.signals, some) for some in (new, again)]
            if self._dice.random() < 0.4:
                hands.submit(self.a_person_cancels, life)
            if not kill.point:
                life.wait(kill.after_s)
                life.kill()
            for one in sent:
                one.result()
        if kill.point and life.alive:
            self._until_quiet_or_dead(life)
        self._end(life, kill)

    def _born(self, trap: str) -> Life:
        life = Life.begin(self._processes, self._bed.birth(trap))
        assert life.ready(), "it died without a reason"
        return life

    def _end(self, life: Life, kill: Kill) -> None:
        code = life.exit_code
        if code not in {None, EXIT_CODE, -signal.SIGKILL}:
            raise Broken(f"it ended by itself, with {code}:\n{self.log()}")
        died_there = code == EXIT_CODE
        life.kill()
        if died_there or not kill.point:
            self._tally.kills[f"{kill.point.partition('@')[0] or 'any time'} · {kill.mode}"] += 1
        else:
            self._tally.missed[f"{kill.point.partition('@')[0]} · {kill.mode}"] += 1

    def put_in_order(self, life: Life) -> bool:
        """What nobody acknowledged is sent again, and everything comes into a known state; `False`: it died before.

        Raises:
            Broken: it does not within 30 s, or something was lost or doubled.
        """
        begun = time.monotonic()
        self._strategies.deliver(life.signals, self._strategies.unanswered)
        found: list[str] = ["nothing was seen"]
        while life.alive:
            with suppress(JqfollowError):
                story, found = self._judged(life)
                if not found and not self._strategies.unanswered:
                    self._tally.longest_s = max(self._tally.longest_s, time.monotonic() - begun)
                    return self._settle(life, story)
            if time.monotonic() > begun + SETTLED_S:
                raise Broken("\n".join([f"not in order after {SETTLED_S} s", *found[:20]]))
            time.sleep(0.03)
            self._strategies.deliver(life.signals, self._strategies.unanswered)
        return False

    def _judged(self, life: Life) -> tuple[Story, list[str]]:
        """The ledger, and where it differs from the record; the ledger is read first and last."""
        del life
        story = Story.read(self._bed.data / "ledger.sqlite3")
        record = self._bed.record()
        later = Story.read(self._bed.data / "ledger.sqlite3")
        refuse_broken(record, later, self._strategies.sent)
        known = [one for one in self._strategies.sent if one.signal_id is not None]
        found = differences(record, story, known)
        return story, found and differences(record, later, known)

    def _until_quiet_or_dead(self, life: Life) -> None:
        """Gives the point the time in which an order's life is over."""
        end = time.monotonic() + 2.5
        while life.alive and time.monotonic() < end:
            life.wait(0.1)

    def log(self) -> str:
        return (self._bed.folder / "log.txt").read_text(encoding="utf-8")[-4000:]

    # -- a person

    def a_person_cancels(self, life: Life) -> None:
        with suppress(JqfollowError, httpx.HTTPError, OSError):
            story = Story.read(self._bed.data / "ledger.sqlite3")
            open_ = [order for order in story.orders if order.state in ORDER_OPEN]
            if open_:
                self._console(life, f"/api/orders/{self._dice.choice(open_).order_id}/cancel", None)

    def _settle(self, life: Life, story: Story) -> bool:
        """Whoever is told of unknown outcomes looks into the terminal, and says what is there."""
        if not story.unknown:
            return True
        life.wait(DRIFT_S)
        if not life.alive:
            return False
        story, record = Story.read(self._bed.data / "ledger.sqlite3"), self._bed.record()
        rows = {order["remark"]: order for order in record["orders"]}
        refused = False
        for attempt in story.unknown:
            row = rows.get(attempt.remark)
            told = {"outcome": "not_placed"} if row is None else {"outcome": "placed", "broker_order_id": row["id"]}
            with suppress(httpx.HTTPError):
                if not self._console(life, f"/api/orders/{attempt.order_id}/settle", told).is_success:
                    refused = True  # its call is still on its way, or it is known by now
                    continue
                self._settled.add(attempt.order_id)
                self._tally.unknown += 1
        return self.put_in_order(life) if refused else life.alive

    def _console(self, life: Life, path: str, told: Any) -> httpx.Response:
        token = (self._bed.data / "console.token").read_text(encoding="utf-8").strip()
        return httpx.post(
            f"{life.console}{path}",
            json=told,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            verify=False,
            timeout=10,
        )

    # -- the end

    def _sum_up(self, story: Story) -> None:
        tally = self._tally
        tally.signals += len(story.signals)
        tally.orders += len(story.orders)
        tally.parts += sum(order.part > 1 for order in story.orders)
        tally.cancels += sum(attempt.cancels for attempt in story.attempts)
        odd = unfilled(story, self._settled)
        tally.reasons += Counter(str(order.reason) for order in odd)
        if odd and not self._refusing:
            raise Broken("\n".join(["ended unfilled although nobody wished it", *map(str, odd[:10])]))
        tally.reached |= set((self._bed.folder / "reached.txt").read_text(encoding="utf-8").split("\n")) - {""}
