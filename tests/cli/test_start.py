"""`start`, `tray` and `stop` as a double click has them: real processes, in a folder with a Chinese name."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jqfollow.cli import start
from jqfollow.cli.keeper import is_kept
from jqfollow.cli.lock import is_running
from jqfollow.cli.stop import stop_all
from ports import free_port

from .conftest import Run

pytestmark = pytest.mark.timeout(1800)
BUSY_S = 600
"""A busy machine takes so long to start Python three times."""


@pytest.fixture
def told(config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A configuration with free ports; whatever was started on it is stopped at the end."""
    signals, console = free_port(), free_port()
    text = config.read_text(encoding="utf-8")
    text = text.replace("port = 8888", f"port = {signals}").replace("port = 8000", f"port = {console}")
    config.write_text(text, encoding="utf-8")
    monkeypatch.setattr(start, "PATIENCE_S", BUSY_S)
    yield config
    assert stop_all(config.parent / "data", patience_s=BUSY_S)


def test_a_double_click_starts_it_and_another_one_stops_it(run: Run, told: Path) -> None:
    data = told.parent / "data"
    assert run("stop").output.startswith("服务没有运行")
    result = run("start", "--no-browser")
    assert result.exit_code == 0, result.output
    first = is_running(data)
    assert first
    assert is_kept(data)
    os.kill(first, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)  # of Windows: TerminateProcess
    assert run("start", "--no-browser").exit_code == 0  # waits for the keeper to start it again
    assert is_running(data) not in {None, first}
    again = run("start", "--no-browser")
    assert "已在运行" in again.output
    assert "已在运行" in run("tray").output  # one keeper a folder
    stopped = run("stop")
    assert stopped.exit_code == 0, stopped.output
    assert is_running(data) is None
    assert not is_kept(data)


def test_a_service_that_cannot_start_says_why_at_once(run: Run, told: Path) -> None:
    (told.parent / "data").mkdir()
    (told.parent / "data" / "keys.toml").write_text("this is no key file", encoding="utf-8")
    result = run("start", "--no-browser")
    assert result.exit_code == 1
    assert "keys.toml" in result.output
