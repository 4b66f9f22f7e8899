import threading
from collections.abc import Iterator

import pytest

from execution.brokers.contract import SYMBOL, Requests, quiet
from jqfollow.execution.brokers.fullqmt import folder
from jqfollow.execution.brokers.fullqmt.mailbox import read_heartbeat
from windows.wine import UNDER_WINE

from .rig import FullQmtRig
from .terminal import Terminal


def begun(terminal: Terminal) -> str | None:
    beat = read_heartbeat(terminal.mailbox)
    return beat and beat.epoch


@pytest.fixture(scope="session", autouse=True)
def _no_access_lists_under_wine() -> Iterator[None]:
    """Its `icacls` saves none, and every mailbox would be refused; what looks at the lists themselves is skipped."""
    with pytest.MonkeyPatch.context() as patch:
        if UNDER_WINE:
            patch.setattr(folder, "strangers_of", lambda _: "")
        yield


@pytest.fixture(scope="session")
def _terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with Terminal(tmp_path_factory.mktemp("fullqmt")) as terminal:
        while begun(terminal) is None:  # else its first run is taken for the one after the first reset
            threading.Event().wait(0.01)
        yield terminal


@pytest.fixture
def terminal(_terminal: Terminal) -> Iterator[Terminal]:
    """A running terminal with a new account, all well; the file in it did nothing that a terminal forbids."""
    _terminal.tell("speed", pass_s=0.01, push_s=0)
    before = begun(_terminal)
    _terminal.tell("reset")
    while begun(_terminal) in {None, before}:
        threading.Event().wait(0.01)
    yield _terminal
    assert _terminal.record()["violations"] == []


@pytest.fixture
def rig(terminal: Terminal) -> Iterator[FullQmtRig]:
    rig = FullQmtRig(terminal)
    yield rig
    rig.close()


@pytest.fixture
def make(rig: FullQmtRig) -> Requests:
    quiet(rig, SYMBOL)
    return Requests()
