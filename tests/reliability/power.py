"""Losses of power in the middle of a practice account's day: the ledger's files and the account's own, together.

A life of the service is recorded write by write while strategies send and a person cancels. Then the day is played
again up to any point: what the disk has then is put into a new folder, the service begins there (on a machine that was
started anew), and is judged as after a kill: whatever was acknowledged before that point stands, once.
"""

import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from .beds import Bed, Outside
from .judge import Broken
from .kills import Episode, Tally
from .life import Life, Mode, SharedClock, context
from .recorded import Disk, read_log
from .strategies import Sent, Strategies

HIGH_WATER = "high-water"
"""In the log, the file that is kept outside the data folder; it counts as being on the disk at once."""
LEFT_OUT = ("logs", "backups")


@dataclass
class Noted(Strategies):
    """Strategies that note how long the log was when a message first went out, and when it was acknowledged."""

    log: Path = Path()
    begun: dict[str, int] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)

    def send(self, address: str, one: Sent) -> bool:
        self.begun.setdefault(one.message_id, self.log.stat().st_size)
        done = super().send(address, one)
        if done:
            self.known.setdefault(one.message_id, self.log.stat().st_size)
        return done


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A loss of power: where, when, and what is left of the files."""

    point: int
    moment: float
    """By the machine's own clock."""
    files: dict[str, bytes]


class Day:
    """A recorded day of a practice account."""

    def __init__(
        self, folder: Path, outside: Outside, *, mode: Mode, seed: int, synchronous: str = "FULL", flaw: str = ""
    ) -> None:
        self._outside = outside
        self._folder = folder
        self._dice = random.Random(seed)
        self._processes = context()
        self.bed = Bed("paper", folder / "day", outside)
        self.bed.mode = mode
        self.bed.synchronous, self.bed.flaw = synchronous, flaw
        self._log = self.bed.folder / "writes.log"
        self._log.touch()
        self._strategies = Noted(
            self.bed.clock, self.bed.data / "keys.toml", self._dice, large=mode is not Mode.PARTIAL, log=self._log
        )
        self._before = folder / "before"
        self._first = 0
        """How long the log was when the first message could go out."""

    def live(self, messages: int) -> None:
        """A first start, and a recorded life in which so many messages are sent."""
        life = Life.begin(self._processes, self.bed.birth())
        assert life.ready()
        life.kill()
        shutil.copytree(self.bed.folder, self._before)
        self.bed.recorded = True
        life = Life.begin(self._processes, self.bed.birth())
        assert life.ready()
        self._first = self._log.stat().st_size
        episode = Episode(self.bed, self._processes, self._dice, Tally(), self._strategies)
        while len(self._strategies.sent) < messages:
            self._strategies.deliver(life.signals, self._strategies.new(self._dice.randint(1, 6)))
            self._strategies.deliver(life.signals, self._strategies.unanswered)
            if self._dice.random() < 0.3:
                episode.a_person_cancels(life)
            life.wait(self._dice.choice([0, 0.05, 0.3]))
        life.wait(1)
        assert life.alive, "it died by itself"
        life.kill()

    def cuts(self, many: int) -> Iterator[Cut]:
        """So many losses of power, at points drawn evenly from the log, in the log's order."""
        disk = Disk(self._before / self.bed.data.name)
        points = sorted(self._dice.randrange(self._first, self._log.stat().st_size) for _ in range(many))
        for end, op in read_log(self._log):
            while points and points[0] < end:
                yield Cut(point=points.pop(0), moment=op.moment, files=disk.cut(self._dice))
            disk.do(op)

    def judge(self, cut: Cut) -> Tally:
        """The service begins on what is left.

        Raises:
            Broken: something that was acknowledged is lost, or something is there twice.
        """
        folder = self._folder / f"cut {cut.point} {time.monotonic_ns()}"
        bed = Bed("paper", folder, self._outside)
        bed.mode, bed.boot = self.bed.mode, f"after {cut.point}"
        bed.clock = SharedClock(self.bed.clock.epoch - timedelta(seconds=time.monotonic() - cut.moment - 3))
        self._lay_down(cut, bed)
        strategies = self._told_by(cut, bed)
        tally = Tally()
        episode = Episode(bed, self._processes, random.Random(cut.point), tally, strategies)
        life = Life.begin(self._processes, bed.birth())
        try:
            if not (life.ready() and episode.put_in_order(life)):
                raise Broken(f"it ended by itself:\n{episode.log()}")  # noqa: TRY301  # one way out for all
        except (Broken, RuntimeError) as error:
            raise Broken(f"cut at {cut.point} of {self._log}, {folder}: {error}") from error
        finally:
            life.kill()
        shutil.rmtree(folder)
        tally.signals = sum(one.signal_id is not None for one in strategies.sent)
        return tally

    def _lay_down(self, cut: Cut, bed: Bed) -> None:
        shutil.copytree(self._before, bed.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*-shm", *LEFT_OUT))
        files = dict(cut.files)
        kept = files.pop(HIGH_WATER, None)
        for name, content in files.items():
            if name.endswith("-shm"):
                continue
            (bed.data / name).write_bytes(content)
        for path in (bed.folder / "state").glob("*.json") if kept is not None else ():
            path.write_bytes(kept or b"")

    def _told_by(self, cut: Cut, bed: Bed) -> Strategies:
        """The strategies as they are at the cut: what was sent, and what they heard of it."""
        noted, sent = self._strategies, list[Sent]()
        for one in noted.sent:
            if noted.begun.get(one.message_id, cut.point + 1) <= cut.point:
                heard = noted.known.get(one.message_id, cut.point + 1) <= cut.point
                sent.append(replace(one, at=time.monotonic(), numbers=set(one.numbers) if heard else set()))
        return Strategies(bed.clock, bed.data / "keys.toml", random.Random(cut.point), sent=sent)


def judged(day: Day, cut: Cut) -> Any:
    """The tally, or what was broken."""
    try:
        return day.judge(cut)
    except Broken as error:
        return error
