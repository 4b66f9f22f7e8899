"""Processes of `multiprocessing` that several threads start and wait for.

Whoever starts a process, or asks for an exit code, lets `multiprocessing` read the exit codes of all of them. Each can
be read once: two threads that read the same one at a time would make 255 of it. Here one does at a time.
"""

import threading
from multiprocessing.connection import wait
from typing import Any

_TURN = threading.Lock()


def start(process: Any) -> None:
    """Starts it."""
    with _TURN:
        process.start()


def exit_code(process: Any) -> int | None:
    """`None` while it lives."""
    with _TURN:
        return process.exitcode  # type: ignore[no-any-return]


def ended(process: Any, within_s: float | None) -> bool:
    """Waits for its end, for ever without a limit; whether it came."""
    wait([process.sentinel], within_s)
    return exit_code(process) is not None
