"""`jqfollow fullqmt` and the doctor at such an account."""

import os
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from jqfollow.cli.app import cli
from jqfollow.cli.doctor import fullqmt
from jqfollow.cli.doctor.findings import Finding, Level, Surroundings
from jqfollow.cli.lock import only_instance
from jqfollow.clock import SystemClock
from jqfollow.execution.brokers.fullqmt.script import MOST_LINES
from jqfollow.settings import Settings

from .modes import Mode
from .terminal import Terminal


def config(folder: Path) -> Path:
    path = folder / "config.toml"
    path.write_text(
        f'data_dir = "data"\n[accounts.main]\nbroker = "fullqmt"\nmailbox = \'{folder / "信箱"}\'\n'
        'account_id = "88880001"\n[accounts.paper]\nbroker = "paper"\n',
        encoding="utf-8",
    )
    return path


def test_it_writes_the_file_and_makes_the_mailbox(tmp_path: Path) -> None:
    target = tmp_path / "策略.py"
    arguments = ["fullqmt", "main", "--config", str(config(tmp_path)), "--output", str(target)]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    text = target.read_bytes().decode("gbk")
    assert "88880001" in text
    assert len(text.splitlines()) <= MOST_LINES
    assert (tmp_path / "信箱" / "in").is_dir()
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code == 2
    assert "--force" in again.output
    assert CliRunner().invoke(cli, [*arguments, "--force"]).exit_code == 0


def test_only_for_an_account_of_that_kind(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["fullqmt", "paper", "--config", str(config(tmp_path))])
    assert done.exit_code == 2
    assert "main" in done.output


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "信箱").mkdir()
    (tmp_path / "信箱" / "照片.jpg").write_bytes(b"")
    done = CliRunner().invoke(
        cli, ["fullqmt", "main", "--config", str(config(tmp_path)), "--output", str(tmp_path / "x.py")]
    )
    assert done.exit_code == 1
    assert "照片.jpg" in done.output
    assert not (tmp_path / "x.py").exists()


@pytest.mark.parametrize("mailbox", ["box", r"\\\\server\\share\\box", "//server/box"])
def test_a_mailbox_that_is_no_local_folder(tmp_path: Path, mailbox: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[accounts.main]\nbroker = "fullqmt"\nmailbox = "{mailbox}"\naccount_id = "8"\n', encoding="utf-8")
    done = CliRunner().invoke(cli, ["fullqmt", "main", "--config", str(path)])
    assert done.exit_code == 2
    assert "accounts.main.mailbox" in done.output


def around(terminal: Terminal, folder: Path, **changes: str) -> Surroundings:
    account = {"broker": "fullqmt", "mailbox": str(terminal.mailbox), "account_id": terminal.account} | changes
    settings = Settings.model_validate({"data_dir": str(folder), "accounts": {"main": account}})
    return Surroundings(settings=settings, clock=SystemClock(), http=httpx.Client(trust_env=False, verify=False))


def levels(found: list[Finding]) -> dict[str, Level]:
    for finding in found:
        assert finding.zh
        assert finding.en
        assert (finding.level is Level.OK) == (not finding.remedy_zh) == (not finding.remedy_en)
    return {finding.name.removeprefix("accounts.main"): finding.level for finding in found}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fullqmt, "_LOOK_S", 0.3)


def test_all_is_well(terminal: Terminal, tmp_path: Path) -> None:
    found = list(fullqmt.mailboxes(around(terminal, tmp_path)))
    assert levels(found) == {".mailbox": Level.OK, ".strategy": Level.OK, "": Level.OK}
    assert "1,000,000.00" in found[2].zh
    assert "88880001" not in "".join(f.zh + f.en for f in found)


def test_nothing_is_there(terminal: Terminal, tmp_path: Path) -> None:
    found = list(fullqmt.mailboxes(around(terminal, tmp_path, mailbox=str(tmp_path / "none"))))
    assert levels(found) == {".mailbox": Level.FAIL}
    assert "jqfollow fullqmt" in found[0].remedy_zh


@pytest.mark.skipif(os.name == "nt", reason="rights are told by modes")
def test_others_can_open_it(terminal: Terminal, tmp_path: Path) -> None:
    terminal.mailbox.chmod(0o755)
    try:
        assert levels(list(fullqmt.mailboxes(around(terminal, tmp_path)))) == {".mailbox": Level.FAIL}
    finally:
        terminal.mailbox.chmod(0o700)


def test_a_dialog(terminal: Terminal, tmp_path: Path) -> None:
    terminal.mode(Mode.DIALOG)
    found = levels(list(fullqmt.mailboxes(around(terminal, tmp_path))))
    terminal.mode()
    assert found == {".mailbox": Level.OK, ".strategy": Level.FAIL}


def test_another_account(terminal: Terminal, tmp_path: Path) -> None:
    found = levels(list(fullqmt.mailboxes(around(terminal, tmp_path, account_id="77"))))
    assert found[".strategy"] is Level.FAIL


def test_logged_out(terminal: Terminal, tmp_path: Path) -> None:
    terminal.mode(Mode.LOGGED_OUT)
    found = levels(list(fullqmt.mailboxes(around(terminal, tmp_path))))
    terminal.mode()
    assert found[""] is Level.FAIL


def test_a_running_service_is_not_disturbed(terminal: Terminal, tmp_path: Path) -> None:
    terminal.mode(Mode.LOGGED_OUT)  # a connection would be told so
    with only_instance(tmp_path):
        found = levels(list(fullqmt.mailboxes(around(terminal, tmp_path))))
    terminal.mode()
    assert found[""] is Level.OK
