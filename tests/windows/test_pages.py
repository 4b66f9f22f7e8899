"""Screen and files are right whatever the code page: of the console here, of Windows by the locale that Wine is run in.

`tests/windows/under_wine.sh` runs it with Windows' ANSI code page 936, 1252 and 65001. The programs run as a person
runs them, without Python's UTF-8 mode.
"""

import ctypes
import itertools
import os
import re
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest

from jqfollow.cli.lock import is_running
from jqfollow.cli.stop import ask_to_stop

from .folder import PATIENCE_S, Folder
from .wine import UNDER_WINE

pytestmark = [
    pytest.mark.skipif(sys.platform != "win32", reason="asks Windows"),
    pytest.mark.timeout(1800),
]
SCREEN = Path(__file__).with_name("screen.py")
PAGES = (936, 65001, 1252)
CHINESE_PAGE = 936


def around() -> dict[str, str]:
    """As a person's window has it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {"COLUMNS": "150"}


def on_screen(folder: Folder, page: int, *arguments: str) -> subprocess.Popen[bytes]:
    """The command in a console of that code page; `screen.txt` has what it shows when it has ended."""
    words = [sys.executable, str(SCREEN), str(page), "screen.txt", sys.executable, "-m", "jqfollow", *arguments]
    new = subprocess.CREATE_NEW_CONSOLE if sys.platform == "win32" else 0
    return subprocess.Popen(words, cwd=folder.path, env=around(), creationflags=new)


def shown(folder: Folder, page: int, *arguments: str) -> str:
    """What the screen shows of the command."""
    assert on_screen(folder, page, *arguments).wait(PATIENCE_S) in {0, 1, 2}
    return left_on_screen(folder)


def left_on_screen(folder: Folder) -> str:
    """What the screen showed at the command's end; colours never as letters."""
    text = (folder.path / "screen.txt").read_text(encoding="utf-8")
    if UNDER_WINE:  # its console takes the mode in which colours are understood, and understands none
        text = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert "\x1b" not in text
    assert "\ufffd" not in text
    return text


def piped(folder: Folder, *arguments: str) -> str:
    """What a pipe gets, which is UTF-8 to the last byte."""
    words = [sys.executable, "-m", "jqfollow", *arguments]
    done = subprocess.run(
        words,
        cwd=folder.path,
        env=around(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode in {0, 1, 2}, done.stderr
    return (done.stdout + done.stderr).decode("utf-8")


def bare(text: str) -> str:
    """Without blanks, figures (they change from run to run) and the second cell of a wide sign."""
    text = re.sub(r"[\s\d]", "", unicodedata.normalize("NFC", text))
    return "".join(sign for sign, _ in itertools.groupby(text))


@pytest.mark.parametrize("page", PAGES)
def test_the_screen_shows_what_a_pipe_gets(folder: Folder, page: int) -> None:
    """The whole of it, Chinese and signs."""
    assert "成交" in shown(folder, page, "setup", "--broker", "paper", "--strategy", "s", "--ratio", "0.5", "--yes")
    for command in (
        ["doctor"],
        ["status"],
        ["orders"],
        ["config", "show"],
        ["--help"],
        ["fills", "--strategy", "没有"],
    ):
        screen = shown(folder, page, *command)
        lines = [
            line for line in piped(folder, *command).splitlines() if "chcp" not in line and "code page" not in line
        ]
        assert lines
        missing = [line for line in lines if bare(line) not in bare(screen)]
        assert not missing, screen


@pytest.mark.parametrize("page", PAGES)
def test_the_service_on_the_screen_and_in_its_files(folder: Folder, page: int) -> None:
    process = on_screen(folder, page, "serve")
    until = time.monotonic() + PATIENCE_S
    while (pid := is_running(folder.data)) is None or not any('"event":"started"' in log for log in folder.logs()):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.2)
    assert "000001.SZ" in piped(folder, "send", "demo", "000001.XSHE", "buy", "1000", "--price", "10.5")
    folder.filled(1)
    assert ask_to_stop(pid)
    assert process.wait(PATIENCE_S) == 0
    screen = left_on_screen(folder)
    token = (folder.data / "console.token").read_text(encoding="ascii").strip()
    assert re.search(rf"http://127\.0\.0\.1:\d+/\S*{token}", screen), "the link is whole, on one line"
    assert "成交" in screen
    assert any("演示" in log for log in folder.logs())
    assert "已成" in piped(folder, "orders")


@pytest.mark.parametrize("name", ["QMT", "国金QMT交易端", "國金 𠮷"])
def test_natives_make_no_garbled_folder(folder: Folder, name: str) -> None:
    """They take the folder that was meant, or are not asked at all."""
    kernel32 = ctypes.WinDLL("kernel32") if sys.platform == "win32" else None
    assert kernel32 is not None
    home = folder.path / "brokers" / name
    (home / "userdata_mini" / "up_queue_xtquant").mkdir(parents=True)
    (folder.path / "config.local.toml").write_text(
        f"[accounts.main]\nbroker = 'qmt'\nqmt_path = '{home / 'userdata_mini'}'\naccount_id = '88880001'\n",
        encoding="utf-8",
    )
    said = piped(folder, "doctor")
    assert [each.name for each in home.parent.iterdir()] == [name]
    made = list((home / "userdata_mini").glob("down_queue_*"))
    if "区域" in said:
        assert kernel32.GetACP() != CHINESE_PAGE or "𠮷" in name
        assert not made, "the natives were asked although they would take it for another"
    else:
        assert made, said
