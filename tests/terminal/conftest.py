from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from execution.brokers.contract import SYMBOL, Requests, quiet
from jqfollow.execution.lanes import Lanes

from . import native
from .qmt_rig import QmtRig
from .terminal import Terminal


@pytest.fixture(scope="session")
def _terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with Terminal(tmp_path_factory.mktemp("qmt")) as terminal:
        yield terminal
        native.use_market(None)


@pytest.fixture(autouse=True)
def _vendor_for_a_test() -> Iterator[None]:
    yield
    native.put_away()


@pytest.fixture
def terminal(_terminal: Terminal) -> Iterator[Terminal]:
    """A running terminal with a new account, all well."""
    _terminal.tell("reset")
    native.use_market(_terminal.path)
    yield _terminal
    native.use_market(None)
    native.put_away()


@pytest.fixture
def rig(terminal: Terminal, tmp_path: Path) -> Iterator[QmtRig]:
    """A `QmtBroker` connected to the terminal."""
    rig = QmtRig(terminal, tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def make(rig: QmtRig) -> Requests:
    quiet(rig, SYMBOL)
    return Requests()


@pytest.fixture
async def lanes() -> AsyncIterator[Lanes]:
    lanes = Lanes("main")
    yield lanes
    await lanes.close(1)
