"""No commit, broker call, reply or notification on the way of an order is without its fail-points."""

import ast
import os
import subprocess
import sys
from functools import partial

import pytest

from jqfollow import failpoints
from jqfollow.failpoints import EXIT_CODE, SETTING, At, dying_at, name_of, reach, set_trap

from .points import BESIDE, ON_THE_WAY, RARE, Place, calls, dotted, is_beside, places, writers

ASKED = frozenset({"connect", "place", "cancel", "orders", "fills", "positions", "asset", "quote", "instrument"})
"""What a broker is asked; `events` is how it speaks by itself."""


def reached_around(place: Place) -> tuple[list[str], list[str]]:
    """The moments that the innermost function comes to, in lines above and in lines below the call."""
    above, below = [], []
    for node in ast.walk(place.body):
        if isinstance(node, ast.Call) and dotted(node.func) == "reach":
            (above if node.lineno < place.node.lineno else below).append(dotted(node.args[0]))
    return above, below


def bare(found: list[Place], before: At, after: At) -> list[str]:
    """Which of the calls do not stand between both of their points."""
    missing = []
    for place in found:
        above, below = reached_around(place)
        if f"At.{before.name}" not in above or f"At.{after.name}" not in below:
            missing.append(f"{place.function}, line {place.node.lineno}: {place.name}")
    return missing


def commits(place: Place) -> bool:
    assert isinstance(place.node, ast.Call)
    words = [str(one.value).upper() for one in place.node.args if isinstance(one, ast.Constant)]
    return place.name.endswith(".commit") or any(word.startswith(("COMMIT", "END")) for word in words)


def test_every_commit_goes_through_one_door_with_its_points() -> None:
    """Whatever is written on the way of an order is committed by the one writer."""
    # Before a ledger is used at all, or of a copy of it; and the practice exchange's own change of state.
    apart = ("ledger.store", "ledger.migrations", "ledger.backups", "execution.brokers.paper")
    found = [p for p in calls(".execute", ".commit") if commits(p) and not p.function.startswith(apart)]
    assert [place.function for place in found] == ["ledger.writer.Writer._commit"]
    assert bare(found, At.COMMIT_BEFORE, At.COMMIT_AFTER) == []


def is_handed_to_the_door(place: Place) -> bool:
    """Whether it stands in what `Account._call` gets: there itself, or in what is called or named there."""
    account = "execution.accounts.Account."
    if not place.function.startswith(account):
        return False
    method = next((node for node in place.around if isinstance(node, ast.AsyncFunctionDef)), None)
    if method is None:
        callers = [call for call in calls(f"self.{_name(place.body)}") if call.function.startswith(account)]
        return bool(callers) and all(is_handed_to_the_door(caller) for caller in callers)
    doors = [n for n in ast.walk(method) if isinstance(n, ast.Call) and dotted(n.func) == "self._call"]
    return any(place.node in ast.walk(door) or dotted(door.args[1]) == _name(place.body) for door in doors)


def _name(body: ast.AST) -> str:
    return str(getattr(body, "name", ""))


def test_every_broker_call_goes_through_one_door_with_its_points() -> None:
    asked = [
        place
        for place in places()
        if isinstance(place.node, ast.Attribute)
        and place.node.attr in ASKED
        and dotted(place.node.value).rpartition(".")[2].lstrip("_") == "broker"
        and not place.function.startswith("cli.")  # programs of their own
    ]
    assert {place.node.attr for place in asked if isinstance(place.node, ast.Attribute)} == ASKED
    assert [place.function for place in asked if not is_handed_to_the_door(place)] == []
    assert {place.function for place in calls("lanes.call")} == {"execution.accounts.Account._call"}
    inner = [place for place in calls("fn") if place.function == "execution.accounts.Account._call"]
    assert len(inner) == 1
    assert bare(inner, At.CALL_BEFORE, At.CALL_AFTER) == []


def test_a_kill_between_the_log_of_calls_and_the_call_is_a_point() -> None:
    [place] = calls("self.broker.place")
    above, _ = reached_around(place)
    assert "At.CALL_LOGGED" in above


def test_every_reply_has_its_points() -> None:
    """The signals port's answer, and the receipt and the acknowledgement of what a relay kept."""
    port = [place for place in calls("send") if place.function == "api.signals.SignalsPort.__call__"]
    relay = [place for place in calls("js.publish", "message.ack") if place.function == "relay.pc.RelayLine._taken"]
    assert len(port) == 1
    assert len(relay) == 2
    assert bare([*port, *relay], At.REPLY_BEFORE, At.REPLY_AFTER) == []


def test_every_notification_has_its_points() -> None:
    apart = ("notify.outbox.Outbox._shout_to", "cli.")  # past the ledger and about it; programs of their own
    sent = [p for p in calls("robot.send", "robot.send_image") if not p.function.startswith(apart)]
    assert {place.function for place in sent} == {"notify.line.Line._send"}
    assert bare(sent, At.NOTIFY_BEFORE, At.NOTIFY_AFTER) == []


def test_every_place_that_writes_is_known() -> None:
    """A new one is on the way of an order, or beside it: say so in `points.py`."""
    found = writers()
    assert {function for function in found if function not in ON_THE_WAY and not is_beside(function)} == set()
    assert set(ON_THE_WAY) <= found
    assert set(RARE) <= {name for names in ON_THE_WAY.values() for name in names}
    assert [known for known in BESIDE if not any(f"{function}.".startswith(f"{known}.") for function in found)] == []


class TestATrap:
    def test_nothing_happens_without_one(self) -> None:
        reach(At.REPLY_BEFORE, "200")

    def test_it_is_told_each_name_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[str] = []
        monkeypatch.setattr(failpoints, "_trap", told.append)
        reach(At.COMMIT_AFTER, all_of=(self.test_it_is_told_each_name_once, partial(name_of, 1), name_of, lambda: told))
        assert told == [
            "commit.after:TestATrap.test_it_is_told_each_name_once",
            "commit.after:name_of",
        ]

    def test_a_lambda_is_named_by_what_it_calls(self) -> None:
        def inner() -> object:
            return lambda tx: tx.signals.get(1)

        assert name_of(inner()) == "TestATrap.test_a_lambda_is_named_by_what_it_calls/signals"

    def test_what_is_no_number_is_refused(self) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            dying_at("reply.before:200@often")

    def test_it_can_be_taken_away(self) -> None:
        told: list[str] = []
        set_trap(told.append)
        set_trap(None)
        reach(At.REPLY_BEFORE, "200")
        assert told == []


def test_a_process_dies_at_its_point_and_not_before() -> None:
    program = """
from jqfollow.failpoints import At, reach
for n in (1, 2, 3):
    reach(At.CALL_AFTER, "x")
    print(n, flush=True)
"""
    environment = os.environ | {SETTING: "call.after:x@3"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout.split()) == (EXIT_CODE, [b"1", b"2"])
