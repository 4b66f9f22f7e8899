"""The journal gives back what it was given, or says that it cannot."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.execution.brokers.paper.journal import Journal, JournalDamagedError, JournalError

PAYLOADS = st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b" ")), max_size=6)


def written(path: Path, payloads: list[bytes]) -> bytes:
    path.unlink(missing_ok=True)
    journal = Journal(path)
    for payload in payloads:
        journal.append(payload)
    content = path.read_bytes()  # before close: the operating system has it already
    journal.close()
    return content


def read(path: Path) -> list[bytes]:
    journal = Journal(path)
    journal.close()
    return journal.payloads


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("账户 文件") / "paper.journal"


@given(payloads=PAYLOADS, data=st.data())
def test_cut_anywhere_it_begins_like_what_was_written(path: Path, payloads: list[bytes], data: st.DataObject) -> None:
    content = written(path, payloads)
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    assert read(path) == payloads[:whole]
    journal = Journal(path)  # and what is written next follows on
    journal.append(b"next")
    journal.close()
    assert read(path) == [*payloads[:whole], b"next"]


@given(payloads=PAYLOADS.filter(lambda p: len(p) > 1), data=st.data())
def test_a_change_before_the_last_line_is_found(path: Path, payloads: list[bytes], data: st.DataObject) -> None:
    content = bytearray(written(path, payloads))
    last = content.rindex(b"\n", 0, -1)
    where = data.draw(st.integers(0, last - 1))
    content[where] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(JournalDamagedError, match="damaged"):
        Journal(path)


def test_a_line_that_was_taken_out_is_missed(path: Path) -> None:
    lines = written(path, [b"one", b"two", b"three", b"four"]).splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines[2:]]))
    with pytest.raises(JournalDamagedError):
        Journal(path)


def test_a_last_line_of_zeros_is_dropped(path: Path) -> None:
    content = written(path, [b"one", b"two"])
    path.write_bytes(content + bytes(40))
    assert read(path) == [b"one", b"two"]
    assert path.read_bytes() == content


def test_a_last_line_with_a_wrong_sum_is_dropped(path: Path) -> None:
    content = written(path, [b"one", b"two"])
    path.write_bytes(content[:-2] + b"X\n")
    assert read(path) == [b"one"]


def test_rewritten_it_holds_only_the_new_and_goes_on(path: Path) -> None:
    written(path, [b"one", b"two"])
    journal = Journal(path)
    journal.rewrite([b"all"])
    journal.append(b"three")
    journal.close()
    assert read(path) == [b"all", b"three"]


def test_when_it_cannot_be_rewritten_it_goes_on_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "paper.journal"
    journal = Journal(path)
    journal.append(b"one")
    (tmp_path / "paper.journal.new").mkdir()
    journal.rewrite([b"all"])
    journal.append(b"two")
    journal.close()
    assert read(path) == [b"one", b"two"]


@given(lengths=st.lists(st.integers(1, 700), min_size=1, max_size=8), data=st.data())
def test_sectors_that_never_reached_the_disk_are_no_damage(path: Path, lengths: list[int], data: st.DataObject) -> None:
    """After a loss of power later sectors of what was not synced may be there, and earlier ones not."""
    payloads = [bytes([97 + n]) * length for n, length in enumerate(lengths)]
    content = bytearray(written(path, payloads))
    synced = data.draw(st.integers(0, len(content) - 1))
    first = synced // 512 * 512
    for sector in range(first, len(content), 512):
        if data.draw(st.booleans()):
            begin, end = max(sector, synced), min(sector + 512, len(content))
            content[begin:end] = bytes(end - begin)
    path.write_bytes(content)
    try:
        left = read(path)
    except JournalDamagedError:  # so few zeros that they may be anything
        zeros = [run for run in re.findall(rb"\0+", bytes(content)) if len(run) >= 8]
        assert not zeros
        return
    whole = bytes(content[:synced]).count(b"\n")
    assert left[:whole] == payloads[:whole]
    assert left == payloads[: len(left)]


def test_zeros_far_from_the_end_are_damage(path: Path) -> None:
    content = bytearray(written(path, [b"one" * 400, *[b"x" * 65_536] * 17]))
    content[512:1024] = bytes(512)
    path.write_bytes(content)
    with pytest.raises(JournalDamagedError):
        Journal(path)


class _FullDisk:
    """A file of which only half a line fits."""

    def __init__(self, journal: Journal) -> None:
        self._file = journal._file
        self.closed = False

    def write(self, line: bytes) -> int:
        return self._file.write(line[: len(line) // 2])

    def truncate(self, size: int) -> int:
        return self._file.truncate(size)


def test_a_line_that_does_not_fit_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "paper.journal"
    journal = Journal(path)
    journal.append(b"one")
    with monkeypatch.context() as patch:
        patch.setattr(journal, "_file", _FullDisk(journal))
        with pytest.raises(JournalError, match="cannot be written"):
            journal.append(b"two")
    journal.append(b"three")
    journal.close()
    assert read(path) == [b"one", b"three"]


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "paper.journal")
    journal.close()
    with pytest.raises(JournalError):
        journal.append(b"late")


def test_what_is_no_file_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path)
