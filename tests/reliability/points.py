"""Where the source commits, calls brokers, answers and notifies, read from it and held against what is said here.

`ON_THE_WAY` names every place that writes to the ledger on the way of an order, with the fail-points that it is known
by; `BESIDE` every other one. A place that stands in neither is new, and somebody has to say where it belongs.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jqfollow

SOURCE = Path(jqfollow.__file__).parent
WRITES = ("write", "write_all", "hand_over", "write_now")

ON_THE_WAY: dict[str, tuple[str, ...]] = {
    "follower.Follower._recorded": ("Follower._recorded/_record", "Follower._recorded/signals"),
    "follower.Follower.follow_received": ("Follower._follow_again",),
    "execution.desk.Desk.place": ("Entries.intend",),
    "execution.desk.Desk._hand_over": ("Desk._answered",),
    "execution.desk.Desk._contradicted": ("Desk._contradicted/_answered",),
    "execution.desk.Desk.hear": ("Desk._heard",),
    "execution.reconcile.Reconciler.reconcile": ("Reconciler.reconcile/_apply",),
    "execution.rounds.Rounds._write": ("Entries.wait", "Entries.refuse", "Entries.end"),
    "execution.rounds.Rounds._give_up": ("Rounds._give_up",),
    "execution.wishes.Wishes.cancel": ("Wishes.cancel/want_end",),
    "execution.wishes.Wishes.cancel_attempt": (
        "Wishes.cancel_attempt/_cancel_asked",
        "Wishes.cancel_attempt/_cancel_failed",
    ),
    "execution.wishes.Wishes.settle": ("Wishes.settle/_settled",),
    "notify.line.Line._mark": ("Line._mark/deliveries",),
    "notify.line.Line._retry": ("Line._retry/outbox",),
    "notify.outbox.Outbox._close": ("Outbox._close/deliveries",),
}
"""By the function that writes, the names of the transactions; `recover` is the start's."""
RECOVERY = "Service._start/recover"
RARE = {
    "Follower._recorded/signals": "a message on which the program fails",
    "Follower._follow_again": "a signal on which the program failed when it came",
    "Desk._contradicted/_answered": "an answer that the ledger refuses",
    "Rounds._give_up": "an order on which the program itself fails",
    "Line._retry/outbox": "a robot that is away",
    "Entries.end": "an order that ends without a question: its deadline went by, or its strategy is gone",
    "Entries.refuse": "an order that a rule refuses",
    "Entries.wait": "an order that a rule lets wait",
}
"""Transactions that a day of a lane need not come to; each is tried by tests of its own."""
BESIDE = {
    "accounting": "a person's repairs, and corporate actions",
    "api.deeds": "notes what a person did",
    "api.routes.acting": "a person pauses and resumes",
    "api.routes.steering": "a person has a message sent again",
    "cli": "programs of their own",
    "clock_steps": "the clock was set",
    "execution.closing": "tells people",
    "execution.owed": "orders of the next day are begun",
    "execution.own_line": "what an account holds beyond its books",
    "execution.rounds.Rounds.rehearse": "nothing of it stands",
    "execution.supervisor": "tells people",
    "execution.sweeps": "tells people, and keeps pictures",
    "follower.Follower._end_signal": "a signal on which the program itself fails twice",
    "follower.Follower.tell_gaps": "tells people",
    "keys_watch": "which keys were seen last",
    "ledger_watch": "tries whether the ledger takes anything",
    "routine": "once a day",
    "beside": "what is kept beside the work",
    "restored": "an older ledger is noticed",
    "service": "the start",
    "tape": "prices around orders",
}
"""By the beginning of their names, writers that no order waits for."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A call or an attribute in the source, and the function in which it stands."""

    function: str
    """Module and function, as in `follower.Follower.record`."""
    node: ast.Call | ast.Attribute
    body: ast.AST
    """The innermost function around it."""
    around: tuple[ast.AST, ...]
    """What it stands in, the outermost first."""

    @property
    def name(self) -> str:
        """What is called, or asked for, as it is written."""
        return dotted(self.node.func if isinstance(self.node, ast.Call) else self.node)


def dotted(node: ast.AST) -> str:
    """Names and their attributes as they are written; whatever else stands before an attribute is a question mark."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"


@cache
def trees() -> dict[str, ast.Module]:
    """Every module but those that run elsewhere, by name without the package's."""
    found = {}
    for file in sorted(SOURCE.rglob("*.py")):
        name = ".".join(file.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        if not name.startswith(("wire.joinquant_", "execution.brokers.fullqmt.inside")):
            found[name] = ast.parse(file.read_text(encoding="utf-8"))
    return found


def _found(node: ast.AST, name: str, body: ast.AST | None, around: tuple[ast.AST, ...]) -> Iterator[Place]:
    for child in ast.iter_child_nodes(node):
        inside, within = name, body
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = name if isinstance(body, ast.FunctionDef | ast.AsyncFunctionDef) else f"{name}.{child.name}"
            within = body if isinstance(child, ast.ClassDef) else child
        if isinstance(child, ast.Call | ast.Attribute) and body is not None:
            yield Place(function=name, node=child, body=body, around=(*around, node))
        yield from _found(child, inside, within, (*around, node))


@cache
def places() -> tuple[Place, ...]:
    """Every call and every attribute inside a function."""
    return tuple(place for module, tree in trees().items() for place in _found(tree, module, None, ()))


def calls(*ends: str) -> list[Place]:
    """Every call of what is written so, or ends so."""
    return [place for place in places() if isinstance(place.node, ast.Call) and place.name.endswith(ends)]


def writers() -> set[str]:
    """Every function that writes to the ledger."""
    return {
        place.function
        for place in places()
        if isinstance(place.node, ast.Call) and re.search(rf"\b_?ledger\.({'|'.join(WRITES)})$", place.name)
    }


def is_beside(function: str) -> bool:
    """Whether no order waits for it."""
    return any(function == known or function.startswith(f"{known}.") for known in BESIDE)


def points() -> set[str]:
    """The fail-points that a lane has to come to: of commits, and of what else is on the way, whatever the broker."""
    commits = {RECOVERY, *(name for names in ON_THE_WAY.values() for name in names)} - set(RARE)
    return {f"commit.{when}:{name}" for name in commits for when in ("before", "after")} | {
        "call.before:Account.place",
        "call.logged:Account.place",
        "call.after:Account.place",
        "call.before:Account.cancel/broker",
        "call.after:Account.cancel/broker",
        "reply.before:200",
        "reply.after:/api/order",
        "notify.before:WecomRobot.send",
        "notify.after:WecomRobot.send",
    }
