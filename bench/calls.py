"""The record of the broker calls: when each placing call began, written by the process in which it began.

One line a call, handed to the operating system before the call goes on. The times are those of `perf_counter_ns`,
one clock for all processes of a machine, so that the driver subtracts its own times from them.
"""

import os
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

FILE_NAME = "calls.txt"
_POLL_S = 0.002


class CallRecorder:
    """The writing side; safe from any thread."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def record(self, symbol: str, side: str, volume: int) -> None:
        """A placing call begins now."""
        os.write(self._file, f"{time.perf_counter_ns()} {symbol} {side} {volume}\n".encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """By what a call is recognised as a signal's: the same key comes again only long after."""

    symbol: str
    side: str
    volume: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A signal as the driver sent it."""

    key: Key
    at_ns: int
    """Just before it was sent, or its connection was made."""


class CallsMissingError(Exception):
    """Not every signal came to the broker, or one came twice."""


@dataclass(slots=True)
class CallReader:
    """The reading side: follows the file as it grows."""

    folder: Path
    calls: list[tuple[int, Key]] = field(default_factory=list)
    _read: int = 0
    _rest: bytes = b""

    def poll(self) -> int:
        """Reads what is new; how many calls there are by now."""
        path = self.folder / FILE_NAME
        if path.exists() and path.stat().st_size > self._read:
            with path.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            self._read += len(new)
            *lines, self._rest = (self._rest + new).split(b"\n")
            for line in lines:
                at, symbol, side, volume = line.decode().split()
                self.calls.append((int(at), Key(symbol=symbol, side=side, volume=int(volume))))
        return len(self.calls)

    def wait(self, count: int, timeout_s: float) -> None:
        """Until there are `count` calls; raises `CallsMissingError` when they do not come."""
        end = time.monotonic() + timeout_s
        while self.poll() < count:
            if time.monotonic() > end:
                raise CallsMissingError(f"{len(self.calls)} of {count} calls within {timeout_s:g} s")
            time.sleep(_POLL_S)

    def latencies_ms(self, sent: Iterable[Sent], *, since: int = 0) -> list[float]:
        """Signal to broker call, in the order of `sent`, by the calls from the `since`-th on.

        Raises:
            CallsMissingError: a signal without its call, or a call without a signal.
        """
        waiting: defaultdict[Key, deque[int]] = defaultdict(deque)
        for at, key in self.calls[since:]:
            waiting[key].append(at)
        found = []
        for signal in sent:
            if not waiting[signal.key]:
                raise CallsMissingError(f"no call for {signal.key}")
            found.append((waiting[signal.key].popleft() - signal.at_ns) / 1e6)
        left = {key: len(calls) for key, calls in waiting.items() if calls}
        if left:
            raise CallsMissingError(f"calls that no signal asked for: {left}")
        return found
