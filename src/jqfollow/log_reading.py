"""The newest lines of the log, as a person looks for them: read from the files' ends."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from jqfollow.logs import NAME, files_of

LEVELS = ("debug", "info", "warning", "error", "critical")
_BLOCK = 64 * 1024
_MOST_READ = 32 * 1024 * 1024
"""So much is looked through at most; older lines are in the files."""
_HEAD = frozenset({"at", "level", "event", "logger", "exception"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line."""

    at: str
    level: str
    event: str
    logger: str
    fields: Mapping[str, Any]
    exception: str


def newest(folder: Path, *, limit: int, level: str = "info", search: str = "", day: str = "") -> list[LogLine]:
    """Lines of `level` and above that contain `search`, newest first.

    Args:
        folder: where the files are.
        limit: how many at most.
        level: one of `LEVELS`.
        search: letters of either case; empty: all.
        day: `20260302`; empty: all.
    """
    wanted = LEVELS[LEVELS.index(level) :]
    found: list[LogLine] = []
    needle = search.casefold()
    for raw in _backwards(files_of(folder, NAME, day)):
        text = raw.decode("utf-8", "replace")
        if needle and needle not in text.casefold():
            continue
        line = _line(text)
        if line is not None and line.level in wanted:
            found.append(line)
            if len(found) >= limit:
                break
    return found


def _line(text: str) -> LogLine | None:
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None  # half a line: the power went
    if not isinstance(told, dict):
        return None
    return LogLine(
        at=str(told.get("at", "")),
        level=str(told.get("level", "info")),
        event=str(told.get("event", "")),
        logger=str(told.get("logger", "")),
        fields={name: value for name, value in told.items() if name not in _HEAD},
        exception=str(told.get("exception", "")),
    )


def _backwards(files: list[Path]) -> Iterator[bytes]:
    """The lines of all files, newest first."""
    left = _MOST_READ
    for path in reversed(files):
        try:
            with path.open("rb") as file:
                at = file.seek(0, 2)
                tail = b""
                while at > 0 and left > 0:
                    step = min(_BLOCK, at)
                    at, left = at - step, left - step
                    file.seek(at)
                    first, *lines = (file.read(step) + tail).split(b"\n")
                    tail = first
                    yield from (line for line in reversed(lines) if line)
                if at == 0 and tail:
                    yield tail
        except OSError:  # deleted meanwhile
            continue
