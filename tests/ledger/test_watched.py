"""A ledger's file as it is seen from outside: whole and growing, or cut, overwritten, replaced, gone."""

import os
import sys
from pathlib import Path
from typing import Never

import pytest

from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.watched import FileWatch, read_apart
from ledger.samples import put, signal

_HELD_OPEN = pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody take away what is open")


@pytest.fixture
def file(path: Path) -> Path:
    with Ledger.open(path) as ledger:
        ledger.write_now(lambda tx: put(tx, "mark", "first"))
    return path


def cut(path: Path, size: int) -> None:
    with path.open("r+b") as opened:
        opened.truncate(size)


def grow(path: Path) -> None:
    with path.open("ab") as opened:
        opened.write(bytes(4096))


def test_a_ledger_that_grows_is_whole_and_one_that_was_cut_stays_damaged(file: Path) -> None:
    watch = FileWatch(file)
    assert watch.look() is None
    grow(file)
    assert watch.look() is None
    cut(file, file.stat().st_size - 1)
    trouble = watch.look()
    assert trouble is not None
    assert "is damaged" in trouble.en
    assert trouble.lost
    grow(file)
    assert watch.look() is not None
    watch.close()


def test_closing_twice_closes_the_file_once_and_no_other(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, closed, close = FileWatch(file), list[int](), os.close
    opened = watch._file

    def noted(descriptor: int) -> None:
        closed.append(descriptor)
        close(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "close", noted)
        watch.close()
        watch.close()
    assert closed == [opened]


def test_the_least_of_all_descriptors_is_closed_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service without a console has no standard input."""
    closed = list[int]()
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", lambda *_: 0)
        patched.setattr(os, "close", closed.append)
        FileWatch(file).close()
    assert closed == [0]


def test_a_ledger_whose_first_bytes_are_others_is_damaged(file: Path) -> None:
    watch = FileWatch(file)
    with file.open("r+b") as opened:
        opened.write(b"no ledger")
    trouble = watch.look()
    assert trouble is not None
    assert "is damaged" in trouble.en
    watch.close()


def test_trouble_without_a_word_is_told_by_its_kind(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Never:
        raise OSError

    watch = FileWatch(file)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", fail)
        trouble = watch.look()
    assert trouble is not None
    assert "is gone: OSError" in trouble.en
    watch.close()


@_HELD_OPEN
def test_a_ledger_that_was_deleted_or_replaced_is_not_the_one_that_was_opened(file: Path) -> None:
    watch, whole = FileWatch(file), file.read_bytes()
    file.unlink()
    trouble = watch.look()
    assert trouble is not None
    assert "is gone: No such file or directory" in trouble.en
    file.with_name("other").write_bytes(whole)
    file.with_name("other").replace(file)
    trouble = watch.look()
    assert trouble is not None
    assert "is another file now" in trouble.en
    watch.close()


@pytest.mark.parametrize(("suffix", "moved"), [("-wal", FileWatch.log_moved), ("-shm", FileWatch.index_moved)])
def test_the_first_log_that_is_seen_is_ours_and_it_only_grows(file: Path, suffix: str, moved: object) -> None:
    assert callable(moved)
    watch, log = FileWatch(file), Path(f"{file}{suffix}")
    assert not moved(watch)  # none yet
    log.write_bytes(b"12345678")
    assert not moved(watch)
    cut(log, 7)
    assert moved(watch)
    grow(log)
    assert moved(watch)
    watch.trust_log()
    assert not moved(watch)
    grow(log)
    assert not moved(watch)
    another = log.with_name("another")
    another.write_bytes(bytes(99_999))
    another.replace(log)
    assert moved(watch)
    watch.trust_log()
    assert not moved(watch)
    log.unlink()
    assert moved(watch)
    watch.close()


def test_what_another_program_reads_of_it(file: Path) -> None:
    assert read_apart(file, "mark") == ("first", 0)
    assert read_apart(file, "nothing") == (None, 0)
    with Ledger.open(file) as ledger:
        for name in "ab":
            ledger.write_now(lambda tx, n=name: tx.signals.record(signal(n)))  # type: ignore[misc]
        ledger.write_now(lambda tx: put(tx, "another", "2"))
    assert read_apart(file, "mark") == ("first", 2)
    file.write_bytes(b"no ledger")
    with pytest.raises(LedgerError, match="not a database"):
        read_apart(file, "mark")
