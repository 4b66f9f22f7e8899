"""Notices that an older data folder was put back, so that nothing made before that is an order again.

An older ledger has forgotten messages, and would take a captured one of the last minutes for new. How far the ledger
had come is kept outside the data folder, too; and the broker's list may know remarks that the ledger does not.
"""

import asyncio
import contextlib
import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import structlog

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.wire.private_file import write_private

log = structlog.get_logger(__name__)

KEEP_EVERY_S = 2
_UNTIL = "restored_until"
_NOTICED = "restored_before"
"""How far the ledger had come when its going back was noticed: the next start says nothing again."""
_MARGIN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a ledger has come: its newest message."""

    signal_id: int
    received_at: datetime

    def beyond(self, other: Self | None) -> bool:
        """Whether `other` is of before, by number and by time."""
        return other is None or (other.signal_id < self.signal_id and other.received_at < self.received_at)


class HighWater:
    """How far one ledger has ever come, kept outside its folder; no secret is in it."""

    def __init__(self, ledger_id: str, folder: Path | None = None) -> None:
        """`folder`: where people's programs keep their state, when not given."""
        self._path = (folder or state_folder()) / f"{ledger_id[:16]}.json"
        self._kept: Reach | None = None

    def read(self) -> Reach | None:
        """What was kept last; `None`: nothing that can be read."""
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return Reach(signal_id=int(told["signal_id"]), received_at=from_ms(int(told["received_at"])))
        except (OSError, ValueError, OverflowError, KeyError, TypeError):
            return None

    def keep(self, reach: Reach) -> None:
        """Keeps it, unless an older ledger was put back that has not come as far yet: it may be put back once more.

        A folder that cannot be written costs the notice, and nothing else.
        """
        self._kept = self._kept or self.read()
        if reach == self._kept or (self._kept is not None and self._kept.beyond(reach)):
            return
        told = {"signal_id": reach.signal_id, "received_at": to_ms(reach.received_at)}
        try:
            write_private(self._path, json.dumps(told).encode())
            self._kept = reach
        except OSError as error:
            log.warning("high_water_not_kept", error=str(error))


def state_folder() -> Path:
    """Where programs of this user keep their state: `JQF_STATE`, else the system's own place."""
    if told := os.environ.get("JQF_STATE"):
        return Path(told)
    with contextlib.suppress(KeyError):
        return Path(os.environ["LOCALAPPDATA"]) / "jqfollow" / "state"
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "jqfollow"


def reach(tx: Tx) -> Reach | None:
    """How far the ledger has come; `None`: it knows no message."""
    newest = tx.signals.newest()
    return None if newest is None else Reach(signal_id=newest.signal_id, received_at=newest.received_at)


async def notice(ledger: Ledger, high_water: HighWater, now: datetime) -> None:
    """At the start: whether the ledger is an older one than was here; then it is noted."""
    kept = await asyncio.to_thread(high_water.read)
    if kept is not None:
        await ledger.write(lambda tx: _note_older(tx, kept, now))


def _note_older(tx: Tx, kept: Reach, now: datetime) -> None:
    before = f"{kept.signal_id} {to_ms(kept.received_at)}"
    if not kept.beyond(reach(tx)) or tx.meta.get(_NOTICED) == before:
        return
    tx.meta.set(_NOTICED, before)
    note(tx, now, "放回了旧的数据文件夹或备份，之后收到的信号和下的单它都不记得")


def note(tx: Tx, now: datetime, why: str) -> None:
    """An older ledger was put back: from now on nothing made before is followed, until a person says so.

    The attempts to come get remarks that the forgotten ones did not have.
    """
    known = tx.meta.get(_UNTIL)
    if known is not None and from_ms(int(known)) >= now - _MARGIN:
        return
    tx.meta.set(_UNTIL, str(to_ms(now)))
    tx.meta.renew_remark_tag()
    tx.outbox.put(Kind.ALERT, messages.restored(now, why), now, unique_key=f"restored-{to_ms(now)}")


def until(tx: Tx) -> datetime | None:
    """Nothing made before is followed; `None`: no restore stands unanswered."""
    told = tx.meta.get(_UNTIL)
    return None if told is None else from_ms(int(told))


def accept(tx: Tx) -> bool:
    """A person says that it is well; whether there was something to say it of."""
    if until(tx) is None:
        return False
    tx.meta.remove(_UNTIL)
    return True
