"""`jqfollow relay` and what it writes."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from jqfollow.cli import cli
from jqfollow.relay.config import DEFAULT, load_relay_config
from jqfollow.relay.errors import RelayError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("relay.toml").write_text(DEFAULT.replace("{public}", "relay.example.com"), encoding="utf-8")
    return tmp_path


def test_a_pcs_file_is_private_names_its_accounts_and_is_imported(folder: Path) -> None:
    made = CliRunner().invoke(cli, ["relay", "pc", "home", "--strategy", "demo", "--account", "8888"])
    assert made.exit_code == 0, made.output
    ticket = folder / "relay-home.json"
    told = json.loads(ticket.read_text(encoding="utf-8"))
    assert (told["accounts"], told["url"]) == (["8888"], "tls://relay.example.com:4222")
    assert told["seed"] not in made.output
    if os.name != "nt":
        assert ticket.stat().st_mode & 0o077 == 0
    Path("config.toml").write_text('[strategies.demo]\n[accounts.paper]\nbroker = "paper"\n', encoding="utf-8")
    joined = CliRunner().invoke(cli, ["relay", "join", "relay-home.json"])
    assert joined.exit_code == 0, joined.output
    assert (folder / "data" / "relay.json").exists()


def test_a_second_pc_for_one_account_is_refused_and_moving_wants_the_other_stopped(folder: Path) -> None:
    run = CliRunner()
    assert run.invoke(cli, ["relay", "pc", "home", "--strategy", "demo", "--account", "8888"]).exit_code == 0
    second = run.invoke(cli, ["relay", "pc", "office", "--strategy", "demo", "--account", "8888"])
    assert (second.exit_code, "home" in second.output) == (1, True)
    assert not (folder / "relay-office.json").exists()
    assert run.invoke(cli, ["relay", "pc", "office", "--strategy", "demo"]).exit_code == 0
    assert run.invoke(cli, ["relay", "move", "8888", "office"]).exit_code == 2
    assert run.invoke(cli, ["relay", "move", "8888", "office", "--stopped"]).exit_code == 0
    assert run.invoke(cli, ["relay", "pc", "home", "--strategy", "demo", "--account", "8888"]).exit_code == 1


def test_what_is_no_pcs_file_leaves_nothing_behind(folder: Path) -> None:
    Path("config.toml").write_text('[strategies.demo]\n[accounts.paper]\nbroker = "paper"\n', encoding="utf-8")
    Path("junk.json").write_text("{}", encoding="utf-8")
    assert CliRunner().invoke(cli, ["relay", "join", "junk.json"]).exit_code == 1
    assert not (folder / "data" / "relay.json").exists()


@pytest.mark.parametrize("text", ["port = 0", 'port = "8888"', "unknown = 1", "port = ", 'public = "a b"'])
def test_a_wrong_configuration_says_where(tmp_path: Path, text: str) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RelayError, match=r"relay\.toml"):
        load_relay_config(file)


@pytest.mark.usefixtures("folder")
def test_the_unit_starts_this_program_with_this_file() -> None:
    told = CliRunner().invoke(cli, ["relay", "unit"])
    assert 'relay --relay-config "' in told.output
