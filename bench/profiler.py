"""Where the time of a process goes: a sampler that costs little, and a counter of calls that costs much.

The sampler looks at every thread a thousand times a second and books the processor time that the thread has used since
to the innermost function of jqfollow that it is in, libraries and interpreter included. A thread that waits uses none,
so waiting is not booked. Where the system tells no thread's time (Windows), every look counts the same.
"""

import cProfile
import marshal
import pstats
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeVar

EVERY_S = 0.001
_ROOT = "jqfollow"


T = TypeVar("T")


def most(seconds: Mapping[T, float]) -> list[tuple[T, float]]:
    """The greatest first."""
    return sorted(seconds.items(), key=lambda one: -one[1])


class Sampler:
    """Samples all threads of this process between `start` and `stop`."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._clocks: dict[int, int] = {}
        self._used: dict[int, float] = {}
        self._threads: defaultdict[str, float] = defaultdict(float)
        self._selves: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._within: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._named: dict[CodeType, tuple[str, str] | None] = {}

    def start(self) -> None:
        """Begins."""
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(EVERY_S / 2)  # a busy thread gives way in time to be looked at
        self._began = time.perf_counter(), time.process_time()
        self._look(count=False)
        self._thread = threading.Thread(target=self._run, name="bench-sampler", daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, Any]:
        """Seconds by thread, by (module, function), and with all that they call."""
        self._ended.set()
        assert self._thread is not None
        self._thread.join()
        sys.setswitchinterval(self._interval)
        wall, cpu = (
            now - then for now, then in zip((time.perf_counter(), time.process_time()), self._began, strict=True)
        )
        return {
            "wall_s": wall,
            "cpu_s": cpu,
            "threads": most(self._threads),
            "selves": [[*place, seconds] for place, seconds in most(self._selves)],
            "within": [[*place, seconds] for place, seconds in most(self._within)],
        }

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            self._look()

    def _look(self, *, count: bool = True) -> None:
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for thread, frame in sys._current_frames().items():  # noqa: SLF001 - there is no other way
            used = self._since_last(thread)
            name = names.get(thread, "?")
            if count and used > 0 and not name.startswith("bench-"):
                self._threads[name] += used
                self._book(frame, used)

    def _since_last(self, thread: int) -> float:
        if not hasattr(time, "pthread_getcpuclockid"):
            return EVERY_S
        try:
            # Asked once: the system's answer for a thread that has ended is undefined.
            clock = self._clocks.get(thread) or self._clocks.setdefault(thread, time.pthread_getcpuclockid(thread))
            now = time.clock_gettime(clock)
        except OSError:
            self._clocks.pop(thread, None)
            return 0
        before = self._used.get(thread, now)
        self._used[thread] = now
        return now - before

    def _book(self, frame: FrameType | None, used: float) -> None:
        seen: set[tuple[str, str]] = set()
        while frame is not None:
            place = self._place(frame)
            if place is not None and place not in seen:
                if not seen:
                    self._selves[place] += used
                self._within[place] += used
                seen.add(place)
            frame = frame.f_back
        if not seen:
            self._selves["(outside)", "interpreter, event loop, libraries"] += used

    def _place(self, frame: FrameType) -> tuple[str, str] | None:
        code = frame.f_code
        if code not in self._named:
            module = str(frame.f_globals.get("__name__", ""))
            ours = module.partition(".")[0] == _ROOT
            self._named[code] = (module, code.co_qualname) if ours else None
        return self._named[code]


class CallCounter:
    """cProfile in every thread that begins after this object was made, and in the one that made it."""

    def __init__(self) -> None:
        self._profiles = [cProfile.Profile()]
        run, profiles = threading.Thread.run, self._profiles

        def counted(thread: threading.Thread) -> None:
            profile = cProfile.Profile()
            profiles.append(profile)
            profile.runcall(run, thread)

        threading.Thread.run = counted  # type: ignore[method-assign, assignment]
        self._profiles[0].enable()

    def start(self) -> None:
        """Forgets what was counted so far."""
        for profile in self._profiles:
            profile.clear()

    def write(self, path: str) -> None:
        """Writes what all threads did into `path`, for `pstats`."""
        total = pstats.Stats(*self._snapshots())
        with Path(path).open("wb") as file:
            marshal.dump(total.stats, file)  # type: ignore[attr-defined]

    def _snapshots(self) -> list[cProfile.Profile]:
        for profile in self._profiles:
            profile.create_stats = profile.snapshot_stats  # type: ignore[method-assign]
        return self._profiles
