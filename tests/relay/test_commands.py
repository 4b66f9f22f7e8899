"""`jqfollow relay` and what it writes."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from jqfollow.cli import cli
from jqfollow.cli.doctor.command import examine
from jqfollow.cli.doctor.findings import Level
from jqfollow.cli.doctor.relay import relay as doctor_relay
from jqfollow.cli.lock import only_instance
from jqfollow.clock import SystemClock
from jqfollow.ledger.ledger import Ledger
from jqfollow.relay.book import Book
from jqfollow.relay.config import DEFAULT, load_relay_config
from jqfollow.relay.connect import connect, trusting
from jqfollow.relay.errors import RelayError
from jqfollow.relay.monitor import look
from jqfollow.relay.words import seed_mac
from ports import free_port

from .rig import Rig


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


def test_a_moved_account_revokes_both_files_and_wants_its_data_folder(folder: Path) -> None:
    run = CliRunner()
    for name, accounts in (("home", ["--account", "8888"]), ("office", [])):
        assert run.invoke(cli, ["relay", "pc", name, "--strategy", "demo", *accounts]).exit_code == 0
    before = Book.open(folder / "relay-data").pcs
    assert run.invoke(cli, ["relay", "move", "8888", "nobody", "--stopped"]).exit_code == 1
    assert run.invoke(cli, ["relay", "move", "8888", "office", "--stopped"]).exit_code == 0
    after = Book.open(folder / "relay-data").pcs
    assert all(before[name].public != after[name].public for name in ("home", "office"))
    again = run.invoke(cli, ["relay", "pc", "office", "--strategy", "demo", "--account", "8888"])
    assert again.exit_code == 0, again.output
    Path("config.toml").write_text(
        '[strategies.demo]\nfollow = { main = 1 }\n[accounts.main]\nbroker = "qmt"\nqmt_path = "C:/qmt"\n'
        'account_id = "8888"\n',
        encoding="utf-8",
    )
    joined = run.invoke(cli, ["relay", "join", "relay-office.json"])
    assert (joined.exit_code, "8888" in joined.output) == (2, True)
    assert not (folder / "data" / "relay.json").exists()
    with Ledger.open(folder / "data" / "ledger.sqlite3") as ledger:
        asyncio.run(ledger.write(lambda tx: tx.numbers.set("main", "8888", SystemClock().now())))
    joined = run.invoke(cli, ["relay", "join", "relay-office.json"])
    assert joined.exit_code == 0, joined.output


def test_a_pc_is_taken_away_and_the_original_client_let_in(folder: Path) -> None:
    run = CliRunner()
    assert run.invoke(cli, ["relay", "seed", "demo"]).exit_code == 1
    assert run.invoke(cli, ["relay", "pc", "home", "--strategy", "demo"]).exit_code == 0
    told = run.invoke(cli, ["relay", "seed", "demo"]).output
    key = Book.open(folder / "relay-data").relay_key("demo")
    assert key is not None
    assert f"http://relay.example.com:8888/demo.{seed_mac(key, 'demo')}/api/order" in told
    assert key.hex() not in told
    assert run.invoke(cli, ["relay", "remove", "nobody"]).exit_code == 1
    assert run.invoke(cli, ["relay", "remove", "home"]).exit_code == 0
    assert Book.open(folder / "relay-data").pcs == {}
    assert run.invoke(cli, ["relay", "status"]).exit_code == 1  # none runs here
    assert run.invoke(cli, ["relay", "pc", "home", "--strategy", "demo", "--websocket"]).exit_code == 1


def test_the_doctor_says_what_is_wrong_with_the_relay(folder: Path) -> None:
    run, config = CliRunner(), folder / "config.toml"
    config.write_text('[accounts.paper]\nbroker = "paper"\n', encoding="utf-8")

    def findings() -> list[str]:
        return [finding.level + finding.en for finding in examine(config, send_test=False, checks=[doctor_relay])]

    assert "no relay was joined" in findings()[0]
    (folder / "relay.toml").write_text(f'public = "127.0.0.1"\nengine_port = {free_port()}', encoding="utf-8")
    assert run.invoke(cli, ["relay", "pc", "home", "--strategy", "demo"]).exit_code == 0
    assert run.invoke(cli, ["relay", "join", "relay-home.json"]).exit_code == 0
    unfollowed, unreachable = findings()
    assert unfollowed.startswith("warn")
    assert unreachable.startswith("failtls://127.0.0.1")
    (folder / "data" / "relay.json").write_text("{}", encoding="utf-8")
    assert "is not a relay's file" in findings()[0]


async def test_the_doctor_and_the_operator_see_a_relay_that_is_well(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    ticket = rig.ticket("home")
    data = tmp_path / "data"
    data.mkdir()
    (data / "relay.json").write_text(ticket.model_dump_json(), encoding="utf-8")
    (tmp_path / "config.toml").write_text('[strategies.demo]\n[accounts.paper]\nbroker = "paper"\n', encoding="utf-8")
    async with rig:
        [finding] = await asyncio.to_thread(examine, tmp_path / "config.toml", send_test=False, checks=[doctor_relay])
        assert (finding.level, "0 messages wait" in finding.en) == (Level.OK, True)
        connection = await connect(ticket.url, ticket.seed, "home", trusting(ticket.certificate))
        seen = await asyncio.to_thread(look, rig.config, Book.open(rig.folder))
        assert (seen.syncs, seen.pcs[0].connections) == (True, 1)
        await connection.close()


def test_a_second_relay_in_one_folder_is_refused(folder: Path) -> None:
    with only_instance(folder / "relay-data"):
        second = CliRunner().invoke(cli, ["relay"])
    assert (second.exit_code, "正被另一个" in second.output) == (1, True)
