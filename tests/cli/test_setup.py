"""`jqfollow setup`: asked at a terminal, or answered by options; nothing half-written; a first order that is filled."""

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest
from click.testing import CliRunner, Result

from jqfollow.cli.app import cli
from jqfollow.cli.setup import command
from jqfollow.settings import BrokerName, QmtAccount, Settings, default_config, load_settings, local_file
from jqfollow.setup import qmt_folder
from notify.wecom_server import WecomServer
from ports import free_port

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In an empty folder, with free ports."""
    for name in ("SIGNALS", "CONSOLE"):
        monkeypatch.setenv(f"JQFOLLOW_{name}__PORT", str(free_port()))
    folder = tmp_path / "跟 单"
    folder.mkdir()
    return folder / "config.toml"


def setup(config: Path, *words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["setup", "--config", str(config), "--no-order", *words], input=typed)


def followers(settings: Settings, strategy: str) -> dict[str, str]:
    return {name: str(one.figure) for name, one in settings.strategies[strategy].follow.items()}


# -- by options --------------------------------------------------------------------------------------------------------


def test_a_script_answers_by_options(config: Path) -> None:
    done = setup(config, "--broker", "paper", "--strategy", "s", "--ratio", "0.5", "--yes")
    assert done.exit_code == 0, done.output
    assert followers(load_settings(config), "s") == {"paper": "0.5"}
    client = config.parent / "jqfollow_client_s.py"
    assert "s" in client.read_text(encoding="utf-8")
    assert client.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
    assert config.read_bytes() == default_config(), "the default stays as it is"


def test_a_second_time_changes_only_what_is_given(config: Path) -> None:
    setup(config, "--strategy", "s", "--ratio", "0.5", "--yes")
    own = local_file(config)
    own.write_text(f"# mine\n{own.read_text(encoding='utf-8')}", encoding="utf-8")
    before = own.read_bytes()
    assert "配置不变" in setup(config, "--yes").output
    assert own.read_bytes() == before
    setup(config, "--ratio", "0.25", "--yes")
    assert followers(load_settings(config), "s") == {"paper": "0.25"}
    assert own.read_text(encoding="utf-8").startswith("# mine")


def test_a_real_account_beside_the_paper_one(config: Path, tmp_path: Path) -> None:
    mini = tmp_path / "国金QMT交易端" / "userdata_mini"
    mini.mkdir(parents=True)
    setup(config, "--strategy", "s", "--yes")
    done = setup(config, "--broker", "qmt", "--folder", str(mini.parent), "--account-id", "88888888", "--yes")
    settings = load_settings(config)
    main = settings.accounts["main"]
    assert isinstance(main, QmtAccount)
    assert (main.account_id, Path(main.qmt_path)) == ("88888888", mini)
    assert followers(settings, "s") == {"paper": "1", "main": "0.1"}
    if sys.platform != "win32":
        assert "只能在 Windows 上使用" in done.output, done.output
        assert done.exit_code == 1
    setup(config, "--account-id", "99999999", "--yes")
    assert load_settings(config).accounts["main"].account_id == "99999999"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--ratio", "0"], "大于 0"),
        (["--ratio", "50%"], "50 % 是 0.5"),
        (["--strategy", "我的"], "名称"),
        (["--wecom", "short"], "Webhook"),
        (["--broker", "qmt"], "--account-id"),
        (["--broker", "qmt", "--account-id", "8-8"], "资金账号"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_and_nothing_is_written(config: Path, words: list[str], told: str) -> None:
    done = setup(config, *words, "--yes")
    assert (done.exit_code, told in done.output) == (2, True), done.output
    assert not list(config.parent.iterdir())


def test_without_a_terminal_it_wants_options(config: Path) -> None:
    done = setup(config, typed="")
    assert (done.exit_code, "--yes" in done.output) == (2, True)


def test_a_wrong_configuration_is_told_and_not_touched(config: Path) -> None:
    config.write_text("[risk]\nmax_order_value = -1\n", encoding="utf-8")
    done = setup(config, "--yes")
    assert (done.exit_code, "risk.max_order_value (config.toml:2)" in done.output) == (2, True)
    assert not local_file(config).exists()


def test_the_robot_is_tried(config: Path) -> None:
    key = "0123abcd-4567-89ef-0123-456789abcdef"
    with WecomServer(keys=(key,)) as wecom:
        done = setup(config, "--wecom", wecom.address(key), "--yes")
        assert "已试发" in done.output
        assert any("测试消息" in text for text in wecom.texts())
        assert key not in done.output


# -- asked -------------------------------------------------------------------------------------------------------------

ANSWERS = ["1", "paper", "s", "0.5", "", "y"]
"""Of a paper account: broker, account, strategy, ratio, robot, and that it is written."""


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "can_ask", lambda: True)


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize("answered", range(len(ANSWERS)))
def test_ended_at_any_question_nothing_is_written(config: Path, answered: int) -> None:
    done = setup(config, typed="".join(f"{answer}\n" for answer in ANSWERS[:answered]))
    assert done.exit_code == 1
    assert not list(config.parent.iterdir())


@pytest.mark.usefixtures("somebody")
def test_a_no_at_the_end_writes_nothing(config: Path) -> None:
    done = setup(config, typed="\n".join([*ANSWERS[:-1], "n\n"]))
    assert (done.exit_code, "什么也没有写" in done.output) == (1, True)
    assert not list(config.parent.iterdir())


@pytest.mark.usefixtures("somebody")
def test_what_stands_now_is_offered_the_next_time(config: Path) -> None:
    assert setup(config, typed="\n".join([*ANSWERS, ""])).exit_code == 0
    done = setup(config, typed="\n" * 6)
    assert done.exit_code == 0, done.output
    for offered in ("[1]", "[paper]", "[s]", "[0.5]"):
        assert offered in done.output
    assert "配置不变" in done.output


@pytest.mark.usefixtures("somebody")
def test_a_wrong_answer_is_asked_again(config: Path) -> None:
    typed = ["9", "paper", "paper", "我的策略", "s", "50%", "nonsense", "0.5", "x", "", "y", ""]
    done = setup(config, typed="\n".join(typed))
    assert done.exit_code == 0, done.output
    for told in ("1、2 或 3", "名称", "50 % 是 0.5", "大于 0", "Webhook"):
        assert told in done.output
    assert followers(load_settings(config), "s") == {"paper": "0.5"}


@pytest.mark.usefixtures("somebody")
def test_the_folder_that_was_found_is_offered(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mini = tmp_path / "D" / "国金QMT交易端" / "userdata_mini"
    mini.mkdir(parents=True)
    found = qmt_folder.find([tmp_path / "D"], [])
    monkeypatch.setattr(qmt_folder, "find", lambda: found)
    done = setup(config, typed="2\n1\n88888888\nmain\ns\n0.1\n\ny\n")
    assert f"1  {mini}" in done.output
    account = load_settings(config).accounts["main"]
    assert isinstance(account, QmtAccount)
    assert Path(account.qmt_path) == mini


# -- MiniQMT's folder --------------------------------------------------------------------------------------------------


def test_miniqmt_is_found_on_drives_and_by_what_installers_tell(tmp_path: Path) -> None:
    usual = tmp_path / "D" / "Program Files" / "中信证券QMT实盘" / "userdata_mini"
    told = tmp_path / "elsewhere" / "userdata_mini"
    other = tmp_path / "D" / "games" / "userdata_mini"
    for number, folder in enumerate((usual, told, other)):
        folder.mkdir(parents=True)
        os.utime(folder, (number, number))
    icon = tmp_path / "elsewhere" / "bin.x64" / "XtItClient.exe"
    assert qmt_folder.find([tmp_path / "D"], [icon]) == [told, usual], "the one used last comes first"
    assert qmt_folder.find([tmp_path / "nothing"], []) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('"D:/国金 QMT/unins000.exe" /SILENT', "D:/国金 QMT/unins000.exe"),
        ("D:/QMT/bin.x64/XtItClient.exe,0", "D:/QMT/bin.x64/XtItClient.exe"),
        ("D:/QMT", "D:/QMT"),
    ],
)
def test_what_installers_tell(text: str, path: str) -> None:
    def value(key: str) -> str:
        if key in {"DisplayName", "InstallLocation"}:
            return {"DisplayName": "国金证券QMT交易端", "InstallLocation": text}[key]
        raise FileNotFoundError(key)

    assert qmt_folder._told(value) == [Path(path)]


@pytest.mark.parametrize("named", ["国金QMT", "国金QMT/userdata", "国金QMT/userdata_mini"])
def test_the_installation_may_be_named_instead(tmp_path: Path, named: str) -> None:
    mini = tmp_path / "国金QMT" / "userdata_mini"
    mini.mkdir(parents=True)
    assert qmt_folder.as_mini(tmp_path / named) == mini


# -- at a terminal -----------------------------------------------------------------------------------------------------


_AT_ITS_TERMINAL = """
import fcntl, signal, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
from jqfollow.cli import main
main()
"""
"""Takes its standard input for the terminal that rules it, so that Ctrl-C there is a signal, though ours be ignored."""


class Terminal:
    """The command at a pseudo terminal."""

    def __init__(self, config: Path, *words: str) -> None:
        import pty

        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _AT_ITS_TERMINAL, "setup", "--config", str(config), *words],
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, cwd=config.parent,
        )  # fmt: skip
        os.close(theirs)
        self.said = ""

    def until(self, words: str, timeout_s: float = 60) -> None:
        """Reads until it says `words` anew."""
        end, before = time.monotonic() + timeout_s, len(self.said)
        while words not in self.said[before:]:
            assert time.monotonic() < end, self.said
            if select.select([self._ours], [], [], 0.2)[0]:
                try:
                    self.said += ANSI.sub("", os.read(self._ours, 65536).decode(errors="replace")).replace("\r", "")
                except OSError:  # it has ended
                    assert words in self.said[before:], self.said
                    return

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        return self.process.wait(60)

    def interrupted(self) -> int:
        """Ctrl-C, pressed again while nothing happens: one that comes just before it reads is not heard."""
        for _ in range(60):
            with suppress(OSError):  # it has ended
                self.types("\x03")
            with suppress(subprocess.TimeoutExpired):
                return self.process.wait(5)  # a second one on its way out would end it unheard
        return self.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def stops(config: Path) -> Iterator[None]:
    yield
    CliRunner().invoke(cli, ["stop", "--config", str(config)])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
def test_ctrl_c_at_a_terminal(config: Path) -> None:
    with Terminal(config) as terminal:
        for question, answer in (("选择 [1]", "1\n"), ("给账户起个名字", "\n"), ("3/5", "s\n")):
            terminal.until(question)
            terminal.types(answer)
        terminal.until("4/5")
        assert terminal.interrupted() == 1
    assert not list(config.parent.iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("stops")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
def test_from_an_empty_folder_to_a_first_order(config: Path) -> None:
    with Terminal(config) as terminal:
        for question, answer in (
            ("选择 [1]", "1\n"), ("给账户起个名字", "\n"), ("3/5", "s\n"), ("4/5", "0.5\n"), ("5/5", "\n"),
            ("写入", "y\n"), ("下第一笔单", "y\n"), ("继续在后台运行", "n\n"),
        ):  # fmt: skip
            terminal.until(question)
            terminal.types(answer)
        terminal.until("接下来")
        assert terminal.end() == 0
    assert re.search(r"✓ 订单 1：买入 100 份成交.*\n.*✓ 订单 2：卖出 100 份成交", terminal.said)
    assert (config.parent / "jqfollow_client_s.py").is_file()
    assert "没有运行" in CliRunner().invoke(cli, ["status", "--config", str(config)]).output
    assert load_settings(config).strategies["s"].follow["paper"].ratio is not None
    assert load_settings(config).accounts["paper"].broker is BrokerName.PAPER
