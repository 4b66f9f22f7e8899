"""`serve`: the first start, what it announces, how it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import jqfollow.service
from jqfollow.domain import AccountState, JqfollowError
from jqfollow.ledger.errors import LedgerDamagedError
from jqfollow.service import Announcement
from jqfollow.settings import Settings, default_config
from windows.wine import wine_lacks

from .conftest import Run

Announce = Callable[[Announcement], None]
ACCOUNTS = (
    AccountState(account="paper", broker="paper", real=False, ready=True),
    AccountState(account="main", broker="qmt", real=True, ready=False, why_zh="未登录", why_en="not logged in"),
)


def announcement(token: str | None) -> Announcement:
    return Announcement(
        signals_url="http://127.0.0.1:8888/api/order",
        console_url="http://127.0.0.1:8000",
        console_token=token,
        new_keys=["demo"],
        accounts=ACCOUNTS,
        warnings=["注意事项"],
    )


def plays(monkeypatch: pytest.MonkeyPatch, part: Callable[[Settings, Announce], bool]) -> None:
    def run(settings: Settings, *, config: Path, announce: Announce, hurried: Callable[[], bool], lang: object) -> bool:
        return part(settings, announce)

    monkeypatch.setattr(jqfollow.service, "serve", run)


def test_an_empty_folder_gets_a_configuration_and_is_told(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Settings] = []

    def part(settings: Settings, _: Announce) -> bool:
        seen.append(settings)
        return False

    plays(monkeypatch, part)
    result = run("serve")
    assert result.exit_code == 0
    assert (folder / "config.toml").read_bytes() == default_config()
    assert str(folder / "config.toml") in result.output
    assert seen[0].data_dir == folder / "data"
    assert "config.toml" not in run("serve").output


def test_a_configuration_that_stands_is_left_alone(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("data_dir = 'elsewhere'", encoding="utf-8")
    plays(monkeypatch, lambda _, __: False)
    assert run("serve", "--config", "config.toml").exit_code == 0
    assert config.read_text(encoding="utf-8") == "data_dir = 'elsewhere'"
    assert (config.parent / "elsewhere" / "logs").is_dir()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_announcement(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    token = "t" * 43

    def part(_: Settings, announce: Announce) -> bool:
        announce(announcement(token))
        return False

    plays(monkeypatch, part)
    monkeypatch.setattr("jqfollow.cli.serve.at_terminal", lambda: True)
    shown = run("serve", "--lang", lang).output
    assert shown.count(token) == 1
    assert f"http://127.0.0.1:8000/?token={token}\n" in shown
    assert "http://127.0.0.1:8888/api/order" in shown
    for words in ("注意事项", "jqfollow client demo", "未登录" if lang == "zh" else "not logged in"):
        assert words in shown
    for path in (config.parent / "data" / "logs").iterdir():
        assert token not in path.read_text(encoding="utf-8")


def test_the_link_goes_into_no_file_and_no_pipe(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def part(_: Settings, announce: Announce) -> bool:
        announce(announcement("t" * 43))
        return False

    plays(monkeypatch, part)
    shown = run("serve").output
    assert "tttt" not in shown
    assert "http://127.0.0.1:8000\n" in shown
    assert "jqfollow console" in shown


def test_a_person_may_want_it_to_begin_anew(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def part(settings: Settings, _: Announce) -> bool:
        seen.append(settings.signals.port)
        config.write_text(config.read_text(encoding="utf-8").replace("port = 8888", "port = 8889"), encoding="utf-8")
        return len(seen) < 2

    plays(monkeypatch, part)
    assert run("serve").exit_code == 0
    assert seen == [8888, 8889], "with what the files say then"


def test_without_a_new_token_no_link_is_shown(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def part(_: Settings, announce: Announce) -> bool:
        announce(announcement(None))
        return False

    plays(monkeypatch, part)
    assert "token=" not in run("serve").output


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 0, "已停止"),
        (JqfollowError("出了这件事"), 1, "出了这件事"),
        (LedgerDamagedError("damaged", "坏了"), 3, "坏了"),
        (RuntimeError("jqf1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"), 1, "RuntimeError"),
    ],
)
def test_how_it_ends(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    def part(_: Settings, __: Announce) -> bool:
        raise error

    plays(monkeypatch, part)
    result = run("serve")
    assert result.exit_code == code
    assert words in result.output
    assert "AAECAwQ" not in result.output
    assert not (config.parent / "data" / "jqfollow.pid").exists()


def test_a_data_folder_that_cannot_be(run: Run, config: Path) -> None:
    (config.parent / "data").write_text("a file", encoding="utf-8")
    result = run("serve")
    assert result.exit_code == 1
    assert "data" in result.stderr


@wine_lacks("Ctrl-Break for a process without a console (GenerateConsoleCtrlEvent)")
def test_the_real_one_starts_tells_and_stops_in_order(config: Path) -> None:
    text = config.read_text(encoding="utf-8").replace("port = 8888", "port = 0").replace("port = 8000", "port = 0")
    config.write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", "from jqfollow.cli import main; main()", "serve"]
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONIOENCODING": "cp936"},
        creationflags=flags,
    ) as process:
        try:
            assert process.stdout is not None
            shown = []
            while line := process.stdout.readline().decode("utf-8"):
                shown.append(line)
                if "Ctrl-C" in line:
                    break
            process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
            rest, errors = process.communicate(timeout=60)
        finally:
            process.kill()  # else a test that fails would wait for it for ever, and leave it behind
    assert process.returncode == 0, errors.decode("utf-8")
    assert "已停止" in rest.decode("utf-8")
    assert sum("token=" in line for line in shown) == 0, "a pipe is no screen"
    assert any("demo" in line for line in shown)
    assert (config.parent / "data" / "keys.toml").exists()
