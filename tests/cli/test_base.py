"""How commands end: exit codes, sentences instead of tracebacks, both languages."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from jqfollow.cli import cli

from .conftest import Run

READING = ["status", "signals", "orders", "positions", "fills"]


@pytest.mark.parametrize("command", sorted(cli.list_commands(click.Context(cli))))
def test_every_command_explains_itself_in_both_languages(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert " / " in result.output
    assert "--lang" in result.output
    listed = run("--help").output
    assert command in listed


@pytest.mark.parametrize("command", [[c] for c in READING] + [["keys"], ["pause"], ["export", "x"], ["frp"], ["serve"]])
def test_a_wrong_configuration_is_exit_2_and_named(run: Run, config: Path, command: list[str]) -> None:
    config.write_text("[signals]\nport = true\n", encoding="utf-8")
    result = run(*command)
    assert result.exit_code == 2
    assert "signals.port" in result.stderr
    assert "Traceback" not in result.output
    assert not (config.parent / "data").exists()


@pytest.mark.parametrize("command", [*READING, "pause"])
def test_a_configuration_that_is_not_there_is_exit_2(run: Run, command: str) -> None:
    result = run(command, "--config", "nowhere.toml")
    assert result.exit_code == 2
    assert "nowhere.toml" in result.stderr


@pytest.mark.parametrize("command", [*READING, "pause", "resume"])
def test_a_damaged_ledger_is_exit_3(run: Run, config: Path, command: str) -> None:
    data = config.parent / "data"
    data.mkdir()
    (data / "ledger.sqlite3").write_bytes(b"no ledger at all" * 1000)
    result = run(command)
    assert result.exit_code == 3
    assert "backups" in result.stderr


@pytest.mark.parametrize("command", READING[1:])
def test_no_ledger_yet_is_a_sentence(run: Run, config: Path, command: str) -> None:
    result = run(command)
    assert result.exit_code == 1
    assert result.stderr
    assert not (config.parent / "data" / "ledger.sqlite3").exists()


@pytest.mark.parametrize(
    "args",
    [["nope"], ["orders", "x"], ["orders", "--limit", "0"], ["fills", "--day", "2026-13-01"], ["send", "demo"]],
)
def test_wrong_use_is_exit_2(run: Run, config: Path, args: list[str]) -> None:
    assert run(*args).exit_code == 2


def test_the_configuration_may_be_named_by_option_or_environment(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = config.rename(config.parent / "别的 config.toml")
    assert run("status").exit_code == 2
    assert run("status", "--config", other).exit_code == 0
    monkeypatch.setenv("JQFOLLOW_CONFIG", str(other))
    assert run("status").exit_code == 0


@pytest.mark.parametrize("args", [["--lang", "en", "status"], ["status", "--lang", "en"]])
def test_the_language_is_chosen_anywhere(
    run: Run, config: Path, args: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "没有运行过" in run("status").output
    assert "it never ran" in run(*args).output
    monkeypatch.setenv("JQFOLLOW_LANG", "en")
    assert "it never ran" in run("status").output
    assert "没有运行过" in run("status", "--lang", "zh").output


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "cp936"}, {"LANG": "C", "LC_ALL": "C"}],
)
def test_output_is_utf8_whatever_the_code_page(config: Path, environment: dict[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHONIO")}
    command = [sys.executable, "-c", "from jqfollow.cli import main; main()"]
    done = subprocess.run([*command, "keys"], env=kept | environment, capture_output=True, check=False)
    assert done.returncode == 0
    assert str(config.parent) in done.stdout.decode("utf-8")
    wrong = subprocess.run(
        [*command, "status", "--config", "没有.toml"], env=kept | environment, capture_output=True, check=False
    )
    assert wrong.returncode == 2
    assert "找不到配置文件" in wrong.stderr.decode("utf-8")
