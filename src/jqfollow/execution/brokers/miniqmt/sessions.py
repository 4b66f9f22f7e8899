"""A small pool of session ids that lasts: each id ever used leaves a 72 MiB file in MiniQMT's folder for good."""

import json
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from jqfollow.clock import Clock, from_ms, to_ms

_log = structlog.get_logger(__name__)

POOL_SIZE = 4
"""One in use, and others to turn to while a hung connection still holds its own."""
REST = timedelta(seconds=3)
"""An id that was used less long ago may still be taken for the old connection."""
_LOWEST, _HIGHEST = 100_000_000, 2_000_000_000


@dataclass(slots=True)
class _Session:
    number: int
    used_at: datetime | None
    """When it was last taken or given back."""
    taken: bool = False


class SessionPool:
    """Ids in turn, kept in a JSON file over restarts; two accounts need two files. Thread-safe."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Reads the pool at `path`, or makes one; nothing here raises: a pool that cannot be kept still works."""
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions = self._read() or [_Session(number, None) for number in _made_up()]

    @property
    def numbers(self) -> tuple[int, ...]:
        """All ids of the pool."""
        return tuple(session.number for session in self._sessions)

    def take(self) -> int | None:
        """The id that rested longest, now in use; `None` when none has rested long enough: ask again in 3 s.

        When every id is held by a connection that never ended, the one taken longest ago is used again.
        """
        with self._lock:
            now = self._clock.now()
            free = [s for s in self._sessions if not s.taken] or self._sessions
            session = min(free, key=lambda s: (s.used_at is not None, s.used_at or now))
            if session.used_at is not None and timedelta(0) <= now - session.used_at < REST:
                return None
            session.taken, session.used_at = True, now
            self._write()
            return session.number

    def give_back(self, number: int) -> None:
        """The connection with this id has ended; its rest begins."""
        with self._lock:
            for session in self._sessions:
                if session.number == number:
                    session.taken, session.used_at = False, self._clock.now()
            self._write()

    def _read(self) -> list[_Session] | None:
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            sessions = [
                _Session(int(row["id"]), None if row["used_at"] is None else from_ms(int(row["used_at"])))
                for row in rows["sessions"]
            ]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError) as error:
            _log.warning("the pool of session ids cannot be read; new ids are made", path=str(self._path), error=error)
            return None
        return sessions or None

    def _write(self) -> None:
        rows = [{"id": s.number, "used_at": None if s.used_at is None else to_ms(s.used_at)} for s in self._sessions]
        scratch = self._path.with_name(self._path.name + ".new")
        try:
            scratch.write_text(json.dumps({"sessions": rows}), encoding="utf-8", newline="\n")
            scratch.replace(self._path)
        except OSError as error:
            _log.warning("the pool of session ids cannot be kept", path=str(self._path), error=error)


def _made_up() -> list[int]:
    first = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
    return [first + i for i in range(POOL_SIZE)]
