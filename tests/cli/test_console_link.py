"""`jqfollow console` and `python -m jqfollow`."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from jqfollow.api.token import load_or_create_token

from .conftest import Run


def test_the_link_is_shown_again_and_alone(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jqfollow.cli.console.at_terminal", lambda: True)
    (config.parent / "data").mkdir()
    token = load_or_create_token(config.parent / "data").text
    for _ in range(2):
        shown = run("console")
        assert shown.exit_code == 0
        assert shown.stdout == f"http://127.0.0.1:8000/?token={token}\n"
        assert "jqfollow serve" in shown.stderr


def test_it_goes_into_no_file_and_no_pipe(run: Run, config: Path) -> None:
    (config.parent / "data").mkdir()
    token = load_or_create_token(config.parent / "data").text
    shown = run("console")
    assert (shown.exit_code, shown.stdout, token in shown.stderr) == (2, "", False)
    assert "--open" in shown.stderr


def test_no_token_is_made_by_looking(run: Run, config: Path) -> None:
    shown = run("console")
    assert shown.exit_code == 1
    assert "jqfollow serve" in shown.output
    assert not (config.parent / "data" / "console.token").exists()


def test_a_port_that_changes_has_no_link(run: Run, config: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8").replace("port = 8000", "port = 0"), encoding="utf-8")
    (config.parent / "data").mkdir()
    load_or_create_token(config.parent / "data")
    shown = run("console")
    assert shown.exit_code == 1
    assert "token=" not in shown.output


def test_the_browser_gets_it_and_the_screen_does_not(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    (config.parent / "data").mkdir()
    token = load_or_create_token(config.parent / "data").text
    shown = run("console", "--open")
    assert opened == [f"http://127.0.0.1:8000/?token={token}"]
    assert token not in shown.output


def test_python_m() -> None:
    done = subprocess.run([sys.executable, "-m", "jqfollow", "--version"], check=True, capture_output=True)
    assert done.stdout.startswith(b"jqfollow")
