from pathlib import Path

import pytest

from terminal.conftest import _terminal, terminal  # noqa: F401  # fixtures

from .counter import Counters, counters_of


@pytest.fixture(params=["paper", pytest.param("terminal", marks=pytest.mark.slow)])
def counters_slowly(request: pytest.FixtureRequest, tmp_path: Path) -> Counters:
    """Like `counters`, the terminal in the slow lane."""
    return counters_of(request.param, tmp_path, lambda: request.getfixturevalue("terminal"))


@pytest.fixture(params=["paper", "terminal"])
def counters(request: pytest.FixtureRequest, tmp_path: Path) -> Counters:
    """Opens houses, once on the practice exchange and once on the simulated terminal."""
    return counters_of(request.param, tmp_path, lambda: request.getfixturevalue("terminal"))
