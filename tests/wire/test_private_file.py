"""Files and folders for their owner only, on either kind of system."""

import os
import re
import stat
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jqfollow.wire import private_file
from jqfollow.wire.private_file import (
    is_private,
    let_in,
    make_private,
    open_to_others,
    private_folder,
    tighten,
    write_private,
)

posix = pytest.mark.skipif(os.name == "nt", reason="a file's mode means something on POSIX only")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_what_others_can_read_is_found_and_closed_whatever_it_is(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("", encoding="utf-8")
    outside.chmod(0o644)
    folder = tmp_path / "data"
    assert private_folder(folder / "in") == ""
    assert mode(folder / "in") == 0o700
    assert private_folder(folder / "in") == "", "it stands already"
    folder.chmod(0o755)
    for name, bits in (("own", 0o600), ("group", 0o640), ("other", 0o604), ("run", 0o601), ("kept", 0o400)):
        (folder / name).write_text("", encoding="utf-8")
        (folder / name).chmod(bits)
    (folder / "link").symlink_to(outside)
    (folder / "in").chmod(0o750)
    found = open_to_others(folder)
    assert found[0] == str(folder)
    assert {Path(one).name for one in found} == {"data", "in", "group", "other", "run"}
    tighten(folder)
    assert open_to_others(folder) == [str(folder)], "what is in it"
    assert (mode(folder / "in"), mode(folder / "group"), mode(outside)) == (0o700, 0o600, 0o644)
    assert mode(folder / "kept") == 0o400, "nobody else could read it"
    assert private_folder(folder) == ""
    assert (mode(folder), open_to_others(folder)) == (0o700, [])
    folder.chmod(0o500)
    assert (private_folder(folder), mode(folder)) == ("", 0o500), "what is private stays as it is"


@posix
def test_where_others_cannot_be_shut_out_people_are_warned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    file.write_text("", encoding="utf-8")
    file.chmod(0o644)

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "chmod", refused)
        assert "（Operation not permitted）" in make_private(file)
        patch.setattr(Path, "chmod", lambda *_: (_ for _ in ()).throw(OSError("odd")))
        assert "（odd）" in make_private(file)
        patch.setattr(Path, "chmod", lambda *_: None)  # as on FAT
        assert "chmod" in make_private(file)
    assert make_private(file) == ""
    assert is_private(file)


@posix
def test_a_write_that_fails_leaves_what_stood_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "new" / "folder" / "keys"
    assert write_private(file, b"1") == ""
    naps: list[float] = []
    monkeypatch.setattr(private_file.time, "sleep", naps.append)

    def held(*_: object) -> None:
        raise PermissionError(13, "held")

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(PermissionError):
        write_private(file, b"2")
    assert (file.read_bytes(), list(file.parent.iterdir()), naps) == (b"1", [file], [])


def test_all_of_it_is_on_disk_before_it_takes_the_old_files_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys"
    file.write_bytes(b"old")
    synced: list[tuple[int, bytes]] = []
    fsync = os.fsync

    def seen(handle: int) -> None:
        fsync(handle)
        synced.append((os.fstat(handle).st_size, file.read_bytes()))

    monkeypatch.setattr(os, "fsync", seen)
    write_private(file, b"new content")
    assert synced == [(len(b"new content"), b"old")]
    assert file.read_bytes() == b"new content"


class Windows:
    """Its tool, as far as a call of it can be seen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, code: int = 0, text: str = "", error: Any = None) -> None:
        self.calls: list[list[str]] = []
        self.code, self.text, self.error = code, text, error
        monkeypatch.setattr(private_file, "_WINDOWS", True)
        monkeypatch.setattr(subprocess, "run", self)
        monkeypatch.setenv("USERNAME", "u")
        monkeypatch.setenv("USERDOMAIN", "")
        monkeypatch.setenv("SYSTEMROOT", "R")

    def __call__(self, command: list[str], *, check: bool, timeout: float, capture_output: bool) -> object:
        assert timeout <= 20
        assert capture_output
        self.calls.append(command)
        if self.error:
            raise self.error
        if check and self.code:
            raise subprocess.CalledProcessError(self.code, command)
        if "/save" in command:
            Path(command[command.index("/save") + 1]).write_bytes(self.text.encode("utf-16"))
        return SimpleNamespace(returncode=self.code)


def test_windows_grants_a_folder_with_all_that_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(monkeypatch)
    assert private_folder(tmp_path / "data") == ""
    (tmp_path / "file").touch()
    assert make_private(tmp_path / "file") == ""
    assert [call[3] for call in windows.calls] == ["u:(OI)(CI)F", "u:F"]
    assert is_private(tmp_path) is None
    tighten(tmp_path)
    assert len(windows.calls) == 2, "what is in a folder has the folder's access"
    monkeypatch.setenv("USERNAME", "")
    assert "USERNAME" in make_private(tmp_path / "file")
    monkeypatch.setenv("USERNAME", "u")
    windows.code = 5
    assert "icacls 5" in make_private(tmp_path / "file")
    windows.error = subprocess.TimeoutExpired("icacls", 20)
    assert "TimeoutExpired" in make_private(tmp_path / "file")


def test_windows_lets_in_groups_by_their_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = "(A;OICI;FA;;;S-1-5-21-1-1001)(A;;FA;;;SY)(A;;FA;;;BA)"
    for group in ("WD", "AU", "BU", "BG", "AN", "IU", "S-1-1-0", "S-1-5-11", "S-1-5-32-545", "S-1-5-32-546"):
        assert let_in(f"D:{own}(A;;0x1200a9;;;{group})") == {group}
        assert let_in(f"D:(D;;FA;;;{group}){own}") == set(), "who is kept out is not let in"
    windows = Windows(monkeypatch, text=f"data\r\nD:{own}(A;;FR;;;WD)\r\n")
    assert open_to_others(tmp_path) == [str(tmp_path)]
    windows.text = f"data\r\nD:{own}\r\n"
    assert open_to_others(tmp_path) == []
    windows.code, windows.text = 5, f"data\r\nD:{own}(A;;FR;;;WD)\r\n"
    assert open_to_others(tmp_path) == [], "the tool says that it failed"
    assert all(re.search(r"System32.icacls\.exe$", call[0]) for call in windows.calls)


@pytest.mark.parametrize(("held", "ends"), [(0, True), (3, True), (39, True), (40, False)])
def test_windows_waits_while_somebody_reads_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int, ends: bool
) -> None:
    Windows(monkeypatch)
    naps: list[float] = []
    left, replace = [held], Path.replace

    def replaced(path: Path, target: Path) -> Path:
        if left[0]:
            left[0] -= 1
            raise PermissionError(13, "held")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(private_file.time, "sleep", naps.append)
    file = tmp_path / "keys"
    if ends:
        write_private(file, b"1")
        assert file.read_bytes() == b"1"
    else:
        with pytest.raises(PermissionError):
            write_private(file, b"1")
        assert list(tmp_path.iterdir()) == []
    assert len(naps) == min(held, 39)
    assert sum(naps) < 5
