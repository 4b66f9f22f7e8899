"""Where a process may die on the way of an order: named points that do nothing until a trap is set.

A point is a moment and what is at stake there, as in `commit.after:Desk._answered`. The moments stand at the few doors
through which everything goes (the ledger's commit, the broker's call, the port's reply, the robot's message), and the
rest of the name is that of the function that goes through: no commit and no call can be without its points.

    JQF_FAILPOINT=commit.after:Desk._answered@3 jqfollow serve

ends the process, as a kill does, when it comes there for the third time. Nothing else is changed by it.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import partial
from typing import Any

SETTING = "JQF_FAILPOINT"
EXIT_CODE = 86
"""Of a process that ended at its point."""


class At(StrEnum):
    """Where a point stands, before and after what cannot be taken back."""

    COMMIT_BEFORE = "commit.before"
    """On the writer's thread: everything is said to the ledger, and nothing of it stands."""
    COMMIT_AFTER = "commit.after"
    """It stands, and nobody was told."""
    CALL_BEFORE = "call.before"
    """On the broker's lane: nothing is written in the log of calls, nothing asked."""
    CALL_LOGGED = "call.logged"
    """The log of calls has its line, and the broker was not called."""
    CALL_AFTER = "call.after"
    """The broker has answered or raised, and nobody was told."""
    REPLY_BEFORE = "reply.before"
    """The sender's answer is made and not sent."""
    REPLY_AFTER = "reply.after"
    NOTIFY_BEFORE = "notify.before"
    """The robot's message is made and not sent."""
    NOTIFY_AFTER = "notify.after"
    """The robot has it, and the ledger does not know."""


Trap = Callable[[str], None]
_trap: Trap | None = None


def reach(moment: At, *what: object, all_of: Iterable[object] = ()) -> None:
    """The process comes to a point.

    Args:
        moment: which kind.
        what: is at stake: a word, or the function that does it.
        all_of: the same, of several that go through one door together.
    """
    if _trap is not None:
        for name in dict.fromkeys(map(name_of, (*what, *all_of))):
            _trap(f"{moment}:{name}")


def set_trap(trap: Trap | None) -> None:
    """From now on `trap` is told the name of each point that is reached, on the thread that comes there."""
    global _trap  # noqa: PLW0603  # one process has one end
    _trap = trap


def dying_at(setting: str) -> Trap:
    """A trap that ends the process at `NAME`, or at the nth time by `NAME@n`.

    Raises:
        ValueError: what stands behind the `@` is no number.
    """
    wanted, _, times = setting.partition("@")
    left, turn = Counter({wanted: int(times or 1)}), threading.Lock()

    def trap(name: str) -> None:
        if name == wanted:
            with turn:
                left[name] -= 1
                if left[name] == 0:
                    os._exit(EXIT_CODE)

    return trap


def name_of(what: Any) -> str:
    """A function's name without what Python adds; of a lambda also the first thing that it names."""
    if isinstance(what, str):
        return what
    while isinstance(what, partial):
        what = what.func
    name, _, inner = what.__qualname__.partition(".<locals>")
    if inner.endswith("<lambda>") and what.__code__.co_names:
        return f"{name}/{what.__code__.co_names[0]}"
    return str(name)


if setting := os.environ.get(SETTING):
    set_trap(dying_at(setting))
