"""The log: files that are never renamed, lines that keep no secret, a console that may hang."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog
from rich.console import Console

from jqfollow import logs
from jqfollow.clock import SHANGHAI
from jqfollow.logs import DatedFiles, logging_to

KEY = "jqf1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
NOON = 1_772_424_000.0  # 2026-03-02 12:00 in Shanghai


@pytest.fixture(autouse=True)
def _no_errors_unseen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a handler could not do fails the test."""
    failed: list[str] = []
    monkeypatch.setattr(logging.Handler, "handleError", lambda _, record: failed.append(str(record.msg)))
    yield
    assert failed == []


def lines(folder: Path) -> list[dict[str, Any]]:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()))
    return [json.loads(line) for line in text.splitlines()]


def fails(words: str) -> None:
    raise ValueError(words)


def test_lines_of_structlog_and_of_libraries(folder: Path) -> None:
    with logging_to(folder / "logs", console=None):
        structlog.get_logger("jqfollow.x").info("已下单", account="主账户", price=Decimal("10.50"), at_price=None)
        structlog.get_logger("jqfollow.x").debug("not_shown")
        logging.getLogger("lib").warning("slow %s", "disk")
        logging.getLogger("httpx").info("POST https://example.invalid/?key=abc")
        try:
            fails("原因")
        except ValueError:
            structlog.get_logger("jqfollow.x").exception("failed")
    first, second, third = lines(folder / "logs")
    assert (first["event"], first["account"], first["price"], first["level"]) == ("已下单", "主账户", "10.50", "info")
    assert (second["event"], second["logger"], second["level"]) == ("slow disk", "lib", "warning")
    assert "ValueError: 原因" in third["exception"]
    assert first["at"].endswith("+08:00")


def test_no_secret_comes_through(folder: Path) -> None:
    console = io.StringIO()
    with logging_to(folder / "logs", console=Console(file=console)):
        log = structlog.get_logger("x")
        log.info("key %s", KEY, nested={"token": "hunter2", "list": [KEY]}, secret="hunter2", console_token="hunter2")
        log.info("post", url="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=hunter2-hunter2", 密码="hunter2")
        log.info(
            "asked", header="Authorization: Bearer hunter2hunter2", thing=type("T", (), {"__str__": lambda _: KEY})()
        )
        logging.getLogger("y").error("GET /?token=hunter2hunter2 %s", KEY)
        try:
            fails(KEY)
        except ValueError:
            log.exception("failed")
    text = "".join(path.read_text(encoding="utf-8") for path in (folder / "logs").iterdir())
    assert len(text.splitlines()) == 5
    for written in (text, console.getvalue()):
        assert "hunter2" not in written
        assert KEY[5:] not in written
        assert "jqf1_***" in written


def test_a_line_that_json_cannot_hold_is_not_lost(folder: Path) -> None:
    with logging_to(folder / "logs", console=None):
        structlog.get_logger("x").info("odd", half="\ud800", huge=10**40, key={1: 2})
    (line,) = lines(folder / "logs")
    assert line["huge"] == 10**40


def record(text: str, created: float) -> logging.LogRecord:
    made = logging.LogRecord("x", logging.INFO, "", 0, text, None, None)
    made.created = created
    return made


def test_a_new_file_each_day_and_when_one_is_full(folder: Path) -> None:
    handler = DatedFiles(folder / "logs", max_bytes=100, keep=3)
    for text, created in [("a" * 60, NOON), ("b" * 60, NOON), ("c", NOON), ("d", NOON + 12 * 3600 - 1)]:
        handler.emit(record(text, created))
    assert sorted(p.name for p in (folder / "logs").iterdir()) == ["jqfollow-20260302.1.log", "jqfollow-20260302.log"]
    handler.emit(record("next day", NOON + 12 * 3600))
    handler.emit(record("e" * 500, NOON + 12 * 3600))
    handler.close()
    assert sorted(p.name for p in (folder / "logs").iterdir()) == [
        "jqfollow-20260302.1.log",
        "jqfollow-20260303.1.log",
        "jqfollow-20260303.log",
    ]
    again = DatedFiles(folder / "logs", max_bytes=100, keep=3)
    again.emit(record("f", NOON + 12 * 3600))
    again.close()
    assert (folder / "logs" / "jqfollow-20260303.2.log").read_text(encoding="utf-8") == "f\n", "files stay in order"


def test_a_number_is_not_used_again_after_its_file_was_deleted(folder: Path) -> None:
    handler = DatedFiles(folder / "logs", max_bytes=100, keep=2)
    for number in range(7):
        handler.emit(record(f"{number}" * 60, NOON))
    handler.close()
    files = sorted((folder / "logs").iterdir())
    assert [file.name for file in files] == ["jqfollow-20260302.5.log", "jqfollow-20260302.6.log"]
    assert files[1].read_text(encoding="utf-8") == "6" * 60 + "\n"


def test_only_its_own_files_are_deleted(folder: Path) -> None:
    for name in ("jqfollow-20200101.log", "other.log", "jqfollow-x.log"):
        (folder / name).write_text("", encoding="utf-8")
    handler = DatedFiles(folder, keep=1)
    handler.emit(record("x", NOON))
    handler.close()
    assert sorted(p.name for p in folder.glob("*.log")) == ["jqfollow-20260302.log", "jqfollow-x.log", "other.log"]
    assert SHANGHAI.key == "Asia/Shanghai"


class Stuck(io.StringIO):
    """A console window in which somebody selects text."""

    def __init__(self) -> None:
        super().__init__()
        self.writing = threading.Event()
        self.released = threading.Event()

    def write(self, text: str) -> int:
        self.writing.set()
        assert self.released.wait(30)
        return super().write(text)


@pytest.mark.parametrize("room", [1000, 10])
def test_a_console_that_hangs_holds_nobody_up(folder: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(logs, "_CONSOLE_LINES", room)
    console = Stuck()
    with logging_to(folder / "logs", console=Console(file=console)):
        log = structlog.get_logger("x")
        log.info("one")
        assert console.writing.wait(30)
        for number in range(100):
            log.info("more", number=number)
        assert len(lines(folder / "logs")) == 101
        console.released.set()
    assert ("number=99" in console.getvalue()) is (room > 100)
    assert "number=5" in console.getvalue()


def test_a_console_that_hangs_to_the_end_is_left_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_CLOSE_S", 0.01)
    console = Stuck()
    with logging_to(folder / "logs", console=Console(file=console)):
        structlog.get_logger("x").info("one")
        assert console.writing.wait(30)
    console.released.set()


def test_what_was_set_up_before_is_restored(folder: Path) -> None:
    root, httpx = logging.getLogger(), logging.getLogger("httpx")
    before = root.handlers[:], root.level, httpx.level
    with logging_to(folder / "logs", console=None, level=logging.DEBUG):
        assert root.handlers != before[0]
        assert (root.level, httpx.level) == (logging.DEBUG, logging.WARNING)
    assert (root.handlers, root.level, httpx.level) == before


def test_no_line_gets_into_what_is_shown(folder: Path) -> None:
    screen = io.StringIO()
    link = "http://127.0.0.1:8000/?token=abcdefgh"

    def slowly() -> None:
        for letter in link:
            screen.write(letter)
            began.set()
            logged.wait(30)
        screen.write("\n")

    began, logged = threading.Event(), threading.Event()
    with logging_to(folder / "logs", console=Console(file=screen, width=200)) as show:
        show(slowly)
        assert began.wait(30)
        for _ in range(20):
            structlog.get_logger().info("meanwhile")
        logged.set()
    assert link in screen.getvalue().splitlines()
    assert screen.getvalue().count("meanwhile") == 20
