"""What the terminal gives a strategy: `ContextInfo`, its functions, an import that knows a white list, one thread."""

import builtins
import json
import os
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

ALLOWED = frozenset({"json", "os", "time"})


class ContextInfo:
    """Attributes that a strategy sets roll back after every call, as between bars."""

    def __init__(self, terminal: Any) -> None:
        object.__setattr__(self, "_terminal", terminal)

    def set_account(self, account: str) -> None:
        self._terminal.subscribed_account = account

    def run_time(self, name: str, period: str, start: str, market: str = "SH") -> None:
        time.strptime(start, "%Y-%m-%d %H:%M:%S")
        assert period.endswith("nMilliSecond"), period
        self._terminal.timers.append((name, int(period.removesuffix("nMilliSecond")) / 1000))

    def get_full_tick(self, codes: list[str]) -> dict[str, Any]:
        return self._terminal.full_tick(codes)

    def subscribe_quote(self, code: str, period: str = "follow") -> int:
        self._terminal.quoted.add(code)
        return len(self._terminal.quoted)

    def get_instrument_detail(self, code: str) -> dict[str, Any] | None:
        return self._terminal.detail(code)

    def roll_back(self) -> None:
        for name in [name for name in vars(self) if name != "_terminal"]:
            delattr(self, name)


def strategy(path: str, functions: dict[str, Callable[..., Any]], violations: list[str]) -> dict[str, Any]:
    """Runs the file at `path` as the terminal does: GBK source, a white list of imports, no sleeping."""

    def sleep(_seconds: float) -> None:
        violations.append("time.sleep")
        raise RuntimeError("sleeping stops the terminal")

    clock = types.ModuleType("time")
    vars(clock).update({name: value for name, value in vars(time).items() if not name.startswith("__")})
    clock.sleep = sleep  # type: ignore[attr-defined]
    modules = {"json": json, "os": os, "time": clock}

    def importer(name: str, *_: Any, **__: Any) -> types.ModuleType:
        if name not in ALLOWED:
            violations.append(f"import {name}")
            raise ImportError(f"{name} is not on the broker's white list")
        return modules[name]

    raw = Path(path).read_bytes()
    assert raw.startswith(b"#coding:gbk\r\n")
    space: dict[str, Any] = {"__name__": "strategy", "__builtins__": {**vars(builtins), "__import__": importer}}
    space.update(functions)
    exec(compile(raw, path, "exec"), space)
    return space


class OneThread:
    """Everything of the strategy's runs here, one after the other: timers and callbacks."""

    def __init__(self) -> None:
        self._queue: list[Callable[[], None]] = []
        self._changed = threading.Condition()
        self.ident = 0
        self.idle = threading.Event()

    def put(self, call: Callable[[], None]) -> None:
        with self._changed:
            self._queue.append(call)
            self.idle.clear()
            self._changed.notify()

    def run(self, name: Callable[[], float], timer: Callable[[], None]) -> None:
        """For ever: queued calls in order, `timer` every `name()` seconds."""
        self.ident = threading.get_ident()
        due = time.monotonic()
        while True:
            with self._changed:
                if not self._queue:
                    self.idle.set()
                    self._changed.wait(max(due - time.monotonic(), 0))
                call = self._queue.pop(0) if self._queue else None
            if call is not None:
                call()
            if time.monotonic() >= due:
                timer()
                due = max(due + name(), time.monotonic())
