"""What the driver may ask of a process that it started: lines on its standard input, answers on its standard output.

When the input ends, the driver is gone, and so is the process.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

MARK = "bench:"
"""Begins an answer among the other lines of the output."""

Command = Callable[[str], Any]


def listen(commands: Mapping[str, Command]) -> None:
    """Answers from now on, on a thread of its own; `cpu` is always known."""
    known: dict[str, Command] = {"cpu": lambda _: time.process_time(), **commands}
    threading.Thread(target=_answer, args=(known,), name="bench-control", daemon=True).start()


def _answer(commands: Mapping[str, Command]) -> None:
    for line in sys.stdin:
        name, _, argument = line.strip().partition(" ")
        sys.stdout.write(f"{MARK}{json.dumps(commands[name](argument))}\n")
        sys.stdout.flush()
    os._exit(0)
