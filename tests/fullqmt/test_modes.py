"""The numbered cards of docs/acceptance.md (full QMT) at the adapter: what it says, and what was really ordered."""

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from execution.brokers.contract import SYMBOL, Requests, accepted, listed, pushed_fills, quiet, wait_state
from jqfollow.domain import (
    Accepted,
    AttemptState,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    Disconnected,
    FillReport,
    OrderReport,
    PlaceFailed,
    Refused,
)
from jqfollow.execution.brokers.fullqmt.mailbox import read_heartbeat

from .modes import ACCOUNT, Mode
from .rig import FullQmtRig
from .terminal import Terminal


def of(kind: type[BrokerEvent], remark: str) -> Callable[[list[BrokerEvent]], BrokerEvent | None]:
    return lambda events: next((e for e in events if isinstance(e, kind) and getattr(e, "remark", "") == remark), None)


def unknown(rig: FullQmtRig, request: object) -> None:
    with pytest.raises(BrokerError) as caught:
        rig.broker.place(request)  # type: ignore[arg-type]
    assert not isinstance(caught.value, BrokerDownError), caught.value  # that would mean: certainly not placed


# -- placing


def test_40_shown_by_nothing(rig: FullQmtRig, make: Requests) -> None:
    request = make.buy(100, "9.90")
    rig.go_wrong(Mode.NO_ANSWER)
    unknown(rig, request)
    assert [o["remark"] for o in rig.terminal.orders()] == [request.remark]
    rig.go_wrong()
    assert [o.remark for o in rig.broker.orders()] == [request.remark]
    assert rig.terminal.record()["handed_over"] == [request.remark]


def test_41_not_taken_in_time_is_taken_back(rig: FullQmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.DIALOG)
    with pytest.raises(BrokerDownError, match="certainly not sent"):
        rig.broker.place(make.buy(100, "9.90"))
    rig.go_wrong()
    rig.broker.connect()
    assert list(rig.broker.orders()) == []
    assert rig.terminal.record()["handed_over"] == []


def test_42_refused_without_id_or_remark(rig: FullQmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.ERROR_ONLY)
    placed = rig.broker.place(make.sell(100, "9.99"))
    assert isinstance(placed, Refused)
    assert "不足" in placed.message


def test_42b_two_alike_and_one_refusal_prove_nothing(rig: FullQmtRig, make: Requests) -> None:
    """Which of them it was, nobody can tell: the row decides, and where there is none it is unknown."""
    rig.terminal.tell("speed", pass_s=0.1, push_s=0)
    rig.go_wrong(Mode.ERROR_ONLY)
    requests, outcomes = [make.sell(100, "9.99"), make.sell(100, "9.99")], []

    def place(n: int) -> None:
        try:
            outcomes.append(rig.broker.place(requests[n]))
        except BrokerError as error:
            outcomes.append(error)  # type: ignore[arg-type]

    with_dialog = [threading.Thread(target=place, args=(n,)) for n in range(2)]
    rig.go_wrong(Mode.ERROR_ONLY, Mode.DIALOG)  # both lie there when it goes on
    for thread in with_dialog:
        thread.start()
    while len(list((rig.terminal.mailbox / "in").iterdir())) < 2:
        threading.Event().wait(0.005)
    rig.go_wrong(Mode.ERROR_ONLY)
    for thread in with_dialog:
        thread.join(10)
    assert not any(isinstance(outcome, Accepted) for outcome in outcomes)
    assert any(isinstance(outcome, BrokerError) for outcome in outcomes)


def test_43_refused_by_a_dialog_only(rig: FullQmtRig, make: Requests) -> None:
    """Everything stands still until a person closes it: nothing more goes out, and the outcome is unknown."""
    rig.go_wrong(Mode.DIALOG_ONLY)
    request = make.buy(200_000, "10.01")
    unknown(rig, request)
    with pytest.raises(BrokerDownError):
        rig.broker.place(make.buy(100, "9.90"))
    rig.go_wrong()
    rig.broker.connect()
    assert rig.terminal.record()["handed_over"] == [request.remark]
    assert list(rig.broker.orders()) == []


def test_44_a_row_without_id_is_neither_taken_nor_refused(rig: FullQmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.EMPTY_ID)
    request = make.buy(100, "9.90")
    unknown(rig, request)
    assert list(rig.broker.orders()) == []  # nothing that the desk could name
    rig.go_wrong()
    rig.wait(of(OrderReport, request.remark), "the id, by push")


def test_45_a_refusal_whose_row_never_gets_an_id(rig: FullQmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.REFUSED_WITHOUT_ID)
    placed = rig.broker.place(make.sell(100, "9.99"))
    assert isinstance(placed, Refused)
    assert "不足" in placed.message


def test_46_passorder_breaks_after_the_order_went_out(rig: FullQmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.PASSORDER_RAISES)
    request = make.buy(100, "9.90")
    with suppress(BrokerError):  # unknown, or its row came first
        rig.broker.place(request)
    rig.go_wrong()
    assert [o.remark for o in rig.broker.orders()] == [request.remark]
    assert rig.terminal.record()["handed_over"] == [request.remark]


def test_47_a_deadline_that_passed_on_the_way(rig: FullQmtRig, make: Requests) -> None:
    """What lies there past its deadline is not handed over, whoever takes it when."""
    late = {"v": 1, "account": rig.terminal.account, "side": "buy", "code": SYMBOL, "volume": 100, "price": "9.90"}
    body = json.dumps({**late, "remark": "jqlate00-1", "not_after": 1.0})
    put(rig.terminal.mailbox, "p-0000000000001-late", body)
    failed = rig.wait(of(PlaceFailed, "jqlate00-1"), "never handed over")
    assert isinstance(failed, PlaceFailed)
    assert rig.terminal.record()["handed_over"] == []


GOOD = {
    "v": 1,
    "account": ACCOUNT,
    "side": "buy",
    "code": SYMBOL,
    "volume": 100,
    "price": "9.90",
    "remark": "r",
    "not_after": 9e12,
}
WRONG = [{"v": 2}, {"account": "99999999"}, {"side": "short"}, {"volume": 0}, {"volume": "x"}, {"price": "nan"}]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", *(json.dumps(GOOD | wrong) for wrong in WRONG)])
def test_48_nonsense_in_the_mailbox_is_no_order(rig: FullQmtRig, text: str) -> None:
    put(rig.terminal.mailbox, "p-0000000000001-odd", text)
    put(rig.terminal.mailbox, "x-odd", text)
    rig.broker.asset()
    assert rig.terminal.record()["handed_over"] == []
    assert rig.broker.asset()


def put(mailbox: Path, rid: str, text: str) -> None:
    new = mailbox / "tmp" / f"{rid}.json"
    new.write_text(text, encoding="utf-8")
    new.replace(mailbox / "in" / f"{rid}.json")


def test_49_an_id_that_was_handed_over_is_never_again(rig: FullQmtRig, make: Requests) -> None:
    """A power cut may bring a taken request back into `in/`: neither end takes it for a new one."""
    before, request = time.time(), make.buy(100, "9.90")
    accepted(rig, request)
    [journal] = rig.terminal.mailbox.glob("journal-*.jsonl")
    [rid] = [
        entry["id"]
        for line in journal.read_text(encoding="utf-8").splitlines()
        if line and (entry := json.loads(line))["at"] >= before
    ]
    body = {"v": 1, "account": rig.terminal.account, "side": "buy", "code": SYMBOL, "volume": 100, "price": "9.90"}
    text = json.dumps({**body, "remark": request.remark, "not_after": 9e12})
    put(rig.terminal.mailbox, rid, text)
    rig.broker.asset()
    assert rig.terminal.record()["handed_over"] == [request.remark]
    rig.lose_connection()
    put(rig.terminal.mailbox, rid, text)
    rig.broker.connect()
    assert [o.remark for o in rig.broker.orders()] == [request.remark]
    assert not [e for e in rig.pushes() if isinstance(e, PlaceFailed)]  # it is no proof that it was not placed


def test_50_what_a_killed_service_left_is_taken_back_and_told(rig: FullQmtRig) -> None:
    rig.lose_connection()  # nobody takes it
    body = {"v": 1, "account": rig.terminal.account, "side": "buy", "code": SYMBOL, "volume": 100, "price": "9.90"}
    put(rig.terminal.mailbox, "p-0000000000001-left", json.dumps({**body, "remark": "jqleft00-1", "not_after": 9e12}))
    (rig.terminal.mailbox / "in" / "p-0000000000001-left.json").rename(
        rig.terminal.mailbox / "taken" / "p-0000000000001-left.json"
    )  # taken, and killed before its intent was written
    rig.broker.connect()
    assert rig.wait(of(PlaceFailed, "jqleft00-1"), "never handed over")
    assert rig.terminal.record()["handed_over"] == []


# -- the file system


def test_51_a_scanner_holds_the_file_until_the_deadline(
    rig: FullQmtRig, make: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, held = Path.rename, []

    def scanned(self: Path, target: Path) -> Path:
        if self.parent.name == "in":
            held.append(self)
            raise PermissionError(13, "held by a scanner")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", scanned)
    rig.go_wrong(Mode.DIALOG)
    unknown(rig, make.buy(100, "9.90"))  # whether it was taken, nobody knows
    assert len(held) > 3
    monkeypatch.undo()
    rig.go_wrong()
    rig.broker.connect()
    assert rig.terminal.record()["handed_over"] in ([], ["jqtest0-1"])


def test_51b_a_scanner_lets_go_in_time(rig: FullQmtRig, make: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, held = Path.rename, []

    def scanned(self: Path, target: Path) -> Path:
        if self.parent.name == "in" and len(held) < 5:
            held.append(self)
            raise PermissionError(13, "held by a scanner")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", scanned)
    rig.go_wrong(Mode.DIALOG)
    with pytest.raises(BrokerDownError, match="certainly not sent"):
        rig.broker.place(make.buy(100, "9.90"))
    assert len(held) == 5


def test_52_a_mailbox_that_cannot_be_written(rig: FullQmtRig, make: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, *_: object, **__: object) -> int:
        raise OSError(28, "no space left")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(BrokerDownError, match="not sent"):
        rig.broker.place(make.buy(100, "9.90"))
    monkeypatch.undo()
    assert rig.terminal.record()["handed_over"] == []


# -- lists


def test_53_the_list_lags(rig: FullQmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.LIST_LAGS)
    request = make.buy(100, "9.90")
    order_id = accepted(rig, request)  # its callback names it
    assert list(rig.broker.orders()) == []
    rig.terminal.tell("clock_at", forward_s=6)
    assert listed(rig, order_id).remark == request.remark


def test_54_a_slow_list_is_asked_for_once_for_all(rig: FullQmtRig, make: Requests) -> None:
    order_id = accepted(rig, make.buy(100, "9.90"))
    rig.go_wrong(Mode.LIST_SLOW)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(rig.broker.orders())) for _ in range(1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [[o.broker_order_id for o in orders] for orders in found] == [[order_id]]  # type: ignore[attr-defined]


def test_55_the_counter_is_away(rig: FullQmtRig) -> None:
    rig.go_wrong(Mode.EMPTY)
    for question in (rig.broker.asset, rig.broker.orders, rig.broker.fills, rig.broker.positions):
        with pytest.raises(BrokerDownError, match="logged out"):
            question()
    rig.go_wrong()
    assert rig.broker.asset()


def test_56_positions_that_stop_refreshing(terminal: Terminal) -> None:
    rig = FullQmtRig(terminal, grace_s=0.2)
    quiet(rig, SYMBOL)
    make = Requests()
    rig.hold(SYMBOL, 1000)
    assert [p.volume for p in rig.broker.positions()] == [1000]
    rig.go_wrong(Mode.POSITIONS_STILL)
    pushed_fills(rig, accepted(rig, make.sell(400, "9.99")), 400)
    assert rig.broker.positions()  # it may lag a little
    threading.Event().wait(0.25)
    with pytest.raises(BrokerError, match="stand still"):
        rig.broker.positions()
    assert rig.broker.asset()  # an answer about money is no proof
    rig.go_wrong()
    assert [p.volume for p in rig.broker.positions()] == [600]
    rig.close()


def test_57_a_code_that_was_not_subscribed(rig: FullQmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.UNSUBSCRIBED)
    quote = rig.broker.quote(SYMBOL)
    assert quote is not None
    assert quote.last is not None


# -- pushes


def test_58_pushes_twice(rig: FullQmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.PUSHES_TWICE)
    order_id = accepted(rig, make.buy(300, "10.01"))
    wait_state(rig, order_id, AttemptState.FILLED)
    fills = [e for e in rig.pushes() if isinstance(e, FillReport)]
    assert len(fills) == 2
    assert fills[0] == fills[1]


def test_59_nothing_is_pushed_then_the_lists_tell(rig: FullQmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.PUSHES_DROPPED)
    order_id = accepted(rig, make.buy(300, "10.01"))
    assert listed(rig, order_id).state is AttemptState.FILLED
    assert [f.volume for f in rig.broker.fills()] == [300]


# -- cancelling


def test_60_cancel_says_false_and_cancels(rig: FullQmtRig, make: Requests) -> None:
    order_id = accepted(rig, make.buy(100, "9.90"))
    rig.go_wrong(Mode.CANCEL_FALSE)
    rig.broker.cancel(order_id)
    assert wait_state(rig, order_id, AttemptState.CANCELED)


# -- the terminal and the folder


def test_61_a_dialog_stops_everything_and_it_goes_on_by_itself(rig: FullQmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.DIALOG)
    assert rig.wait(lambda es: next((e for e in es if isinstance(e, Disconnected)), None), "silence")
    with pytest.raises(BrokerDownError, match="silent"):
        rig.broker.place(make.buy(100, "9.90"))
    rig.go_wrong()
    rig.broker.connect()
    assert accepted(rig, make.buy(100, "9.90"))


def test_62_the_strategy_is_of_another_account(terminal: Terminal) -> None:
    other = FullQmtRig(terminal, connect=False)
    other.broker._account_id = "77770009"
    with pytest.raises(BrokerDownError, match="another account") as caught:
        other.broker.connect()
    assert "77770009" not in str(caught.value)


def test_63_another_version(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jqfollow.execution.brokers.fullqmt.mailbox.VERSION", 2)
    with pytest.raises(BrokerDownError, match="another version"):
        FullQmtRig(terminal)


def test_64_two_instances_of_the_strategy(rig: FullQmtRig, make: Requests, tmp_path: Path) -> None:
    """A second one waits while the first is at work; when it takes over, the first does nothing any more."""
    first = read_heartbeat(rig.terminal.mailbox)
    assert first is not None
    second = Terminal(tmp_path)
    second.mailbox, second.script = rig.terminal.mailbox, rig.terminal.script
    second.path.mkdir(parents=True)
    second.start()
    try:
        assert accepted(rig, make.buy(100, "9.90"))
        assert second.record()["handed_over"] == []
        rig.go_wrong(Mode.DIALOG)  # the first hangs, and the second takes over
        assert rig.wait(lambda es: next((e for e in es if isinstance(e, Disconnected)), None), "the loss")
        rig.broker.connect()
        now = read_heartbeat(rig.terminal.mailbox)
        assert now is not None
        assert now.epoch != first.epoch
        rig.go_wrong()
        second.tell("market", symbol=SYMBOL, last="10.00", bid="9.99", ask="10.01", prev_close="10.00", depth=1000)
        request = make.buy(100, "9.90")
        accepted(rig, request)
        assert second.record()["handed_over"] == [request.remark]
        assert any("another instance" in line for line in rig.terminal.record()["printed"])
    finally:
        second.stop()


@pytest.mark.skipif(os.name == "nt", reason="rights are told by modes")
def test_65_a_folder_that_others_can_open_is_refused(rig: FullQmtRig) -> None:
    rig.terminal.mailbox.chmod(0o755)
    try:
        with pytest.raises(BrokerDownError, match="refused"):
            rig.broker.connect()
    finally:
        rig.terminal.mailbox.chmod(0o700)


def test_66_no_folder(terminal: Terminal, tmp_path: Path) -> None:
    rig = FullQmtRig(terminal, connect=False)
    rig.broker._path = tmp_path / "没有"
    with pytest.raises(BrokerDownError, match="jqfollow fullqmt"):
        rig.broker.connect()
