"""A user's folder, and the command line in it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jqfollow.cli import cli
from jqfollow.settings import default_config
from terminal import native

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with a Chinese name and a space, which is where commands run; no environment of the developer.

    Nothing of the vendor's is there either: a thread of an earlier test's terminal may still have imported it.
    """
    native.put_away()
    for name in list(os.environ):
        if name.upper().startswith("JQFOLLOW_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "我的 量化"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def config(folder: Path) -> Path:
    """The default configuration."""
    path = folder / "config.toml"
    path.write_bytes(default_config())
    return path


@pytest.fixture
def run() -> Run:
    """Runs a command; an exception that reaches the user as a traceback fails the test."""

    def invoke(*args: object, answer: str | None = None) -> Result:
        result = CliRunner().invoke(cli, [str(arg) for arg in args], input=answer, prog_name="jqfollow")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke
