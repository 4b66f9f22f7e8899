"""The mailbox's folder: its owner's alone, and small."""

import os
from pathlib import Path

import pytest

from jqfollow.domain import BrokerDownError
from jqfollow.execution.brokers.fullqmt import folder
from windows.wine import wine_lacks

MINE = "S-1-5-21-1-2-3-1001"


@wine_lacks("an icacls that saves access lists")
def test_it_is_made_for_its_owner_only(tmp_path: Path) -> None:
    box = tmp_path / "新 信箱"
    folder.make(box)
    folder.check(box)
    assert folder.strangers_of(box) == ""
    folder.make(box)  # again: nothing changes


@pytest.mark.skipif(os.name == "nt", reason="rights are told by modes")
def test_an_open_mailbox_is_refused_and_tightened_by_the_command(tmp_path: Path) -> None:
    box = tmp_path / "box"
    folder.make(box)
    box.chmod(0o777)
    with pytest.raises(BrokerDownError, match="refused"):
        folder.check(box)
    folder.make(box)
    folder.check(box)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    before = tmp_path.stat().st_mode
    with pytest.raises(BrokerDownError, match="documents"):
        folder.make(tmp_path)
    assert tmp_path.stat().st_mode == before


def test_a_link_is_no_mailbox(tmp_path: Path) -> None:
    folder.make(tmp_path / "box")
    try:
        (tmp_path / "link").symlink_to(tmp_path / "box", target_is_directory=True)
    except OSError:
        pytest.skip("links are not allowed here")
    with pytest.raises(BrokerDownError):
        folder.check(tmp_path / "link")


def test_what_is_old_is_swept(tmp_path: Path) -> None:
    folder.make(tmp_path / "box")
    box, now = tmp_path / "box", 1_800_000_000.0
    ages = {"journal-20260101.jsonl": 8, "journal-20260109.jsonl": 1, "out/a.json": 2, "out/b.json": 0, "in/c.json": 9}
    for name, days in ages.items():
        (box / name).write_text("{}", encoding="utf-8")
        os.utime(box / name, (now - days * 86_400 - 1,) * 2)
    folder.sweep(box, now)
    left = {file.relative_to(box).as_posix() for file in box.rglob("*.json*")}
    assert left == {"journal-20260109.jsonl", "out/b.json", "in/c.json"}
    assert folder.size(box) == 6


@pytest.mark.parametrize(
    ("sddl", "strangers"),
    [
        (f"D:PAI(A;OICI;FA;;;{MINE})", ""),
        (f"D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{MINE})(A;OICIIO;FA;;;CO)", ""),
        (f"D:AI(A;OICI;FA;;;{MINE})(A;OICIID;0x1200a9;;;BU)", "BU"),
        ("D:AI(A;ID;FA;;;S-1-5-21-1-2-3-1002)(A;;FR;;;WD)", "S-1-5-21-1-2-3-1002, WD"),
        (f"D:PAI(D;OICI;FA;;;WD)(A;OICI;FA;;;{MINE})", ""),  # a denial lets nobody in
        ("", "没有访问控制列表 / no access list"),
        ("D:NO_ACCESS_CONTROL", "没有访问控制列表 / no access list"),
    ],
)
def test_who_an_access_list_of_windows_lets_in(sddl: str, strangers: str) -> None:
    assert folder.strangers_in(sddl, MINE) == strangers
