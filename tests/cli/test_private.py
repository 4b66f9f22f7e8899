"""What is written is its owner's alone, whatever command wrote it; what is not is found and shut."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jqfollow.wire import private_file
from jqfollow.wire.private_file import let_in, open_to_others, tighten

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows' access is its folder's")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@POSIX
def test_whatever_a_command_writes_is_its_owners(tmp_path: Path) -> None:
    folder = tmp_path / "跟 单"
    folder.mkdir(mode=0o755)
    command = [sys.executable, "-m", "jqfollow", "setup", "--strategy", "s", "--no-order", "--yes"]
    subprocess.run(command, cwd=folder, check=False, capture_output=True)
    written = list(folder.rglob("*"))
    assert {"config.local.toml", "jqfollow_client_s.py", "keys.toml"} <= {path.name for path in written}
    assert {str(path.relative_to(folder)): oct(mode(path)) for path in written if mode(path) & 0o077} == {}


@POSIX
def test_what_stood_open_is_found_and_shut(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "backups").mkdir(parents=True)
    data.chmod(0o700)
    copy = data / "backups" / "ledger-20260102.db"
    copy.write_bytes(b"x")
    copy.chmod(0o644)
    assert set(open_to_others(data)) == {str(copy), str(copy.parent)}
    tighten(data)
    assert open_to_others(data) == []


@pytest.mark.parametrize(
    ("descriptor", "found"),
    [
        ("D:PAI(A;OICI;FA;;;S-1-5-21-1-2-3-1001)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", set()),
        ("D:AI(A;OICIID;FA;;;SY)(A;OICIID;0x1200a9;;;BU)", {"BU"}),
        ("D:(A;;FR;;;WD)(A;;FA;;;S-1-5-11)", {"WD", "S-1-5-11"}),
        ("D:(D;;FA;;;WD)", set()),
    ],
)
def test_whom_windows_lets_in(descriptor: str, found: set[str]) -> None:
    assert let_in(descriptor) == found


def test_on_windows_the_folder_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_file, "_WINDOWS", True)
    monkeypatch.setattr(private_file, "_groups", lambda _: {"BU"})
    assert open_to_others(tmp_path) == [str(tmp_path)]
