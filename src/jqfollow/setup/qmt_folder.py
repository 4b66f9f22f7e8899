"""Where MiniQMT stands on this machine: its folder `userdata_mini`, of whatever broker's edition."""

import contextlib
import string
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

NAME = "userdata_mini"
_UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
_UNINSTALL_32 = r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
_TOLD_BY = ("InstallLocation", "DisplayIcon", "UninstallString")
_WORDS = ("qmt", "迅投", "交易端", "iquant")
_PARENTS = ("", "Program Files", "Program Files (x86)", "Programs", "App", "Soft", "Software", "软件", "量化")
_MOST = 20
_FIXED = 3


def find(roots: Iterable[Path] | None = None, told: Iterable[Path] | None = None) -> list[Path]:
    """The folders that are there, the one used last first.

    Args:
        roots: drives to look on, instead of all of this Windows.
        told: places that installers told of, instead of this Windows' registry.
    """
    places = [*(_installed() if told is None else told), *_usual(_drives() if roots is None else roots)]
    found = {folder for place in places for folder in _inside(place)}
    return sorted(found, key=_used, reverse=True)[:_MOST]


def as_mini(path: Path) -> Path:
    """The folder that a person means who names the installation, or the other folder beside it."""
    for candidate in (path / NAME, path.parent / NAME):
        if path.name != NAME and _is_folder(candidate):
            return candidate
    return path


def _inside(place: Path) -> Iterator[Path]:
    for folder in (place, place / NAME, place.parent / NAME, place.parent.parent / NAME):
        if folder.name == NAME and _is_folder(folder):
            yield folder.resolve()


def _usual(roots: Iterable[Path]) -> Iterator[Path]:
    """Folders of each drive whose name sounds like QMT, at its root or where programs are put."""
    for root in roots:
        for parent in _PARENTS:
            for folder in _children(root / parent if parent else root):
                if any(word in folder.name.casefold() for word in _WORDS):
                    yield folder


def _children(folder: Path) -> list[Path]:
    try:
        return [child for child in folder.iterdir() if _is_folder(child)]
    except OSError:
        return []


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _drives() -> list[Path]:
    """The fixed drives of this Windows."""
    if sys.platform == "win32":
        import ctypes

        kernel32 = ctypes.WinDLL("kernel32")
        bits = kernel32.GetLogicalDrives()
        names = [f"{letter}:\\" for number, letter in enumerate(string.ascii_uppercase) if bits >> number & 1]
        return [Path(name) for name in names if kernel32.GetDriveTypeW(name) == _FIXED]
    return []


def _installed() -> list[Path]:
    """What the uninstall entries of this Windows tell of programs whose name sounds like QMT."""
    found: list[Path] = []
    if sys.platform == "win32":
        import winreg

        hives = (
            (winreg.HKEY_CURRENT_USER, _UNINSTALL),
            (winreg.HKEY_LOCAL_MACHINE, _UNINSTALL),
            (winreg.HKEY_LOCAL_MACHINE, _UNINSTALL_32),
        )
        for hive, name in hives:
            with contextlib.suppress(OSError), winreg.OpenKey(hive, name) as programs:
                for number in range(winreg.QueryInfoKey(programs)[0]):
                    with (
                        contextlib.suppress(OSError),
                        winreg.OpenKey(programs, winreg.EnumKey(programs, number)) as one,
                    ):

                        def registered(key: str, one: winreg.HKEYType = one) -> str:
                            return str(winreg.QueryValueEx(one, key)[0])

                        found += _told(registered)
    return found


def _told(value: Callable[[str], str]) -> list[Path]:
    """The folders that one entry tells, when its name or one of them sounds like QMT."""
    values: dict[str, str] = {}
    for key in ("DisplayName", *_TOLD_BY):
        with contextlib.suppress(OSError):
            values[key] = value(key)
    if not any(word in text.casefold() for text in values.values() for word in _WORDS):
        return []
    return [path for key in _TOLD_BY if (path := _path_in(values.get(key, ""))) is not None]


def _path_in(text: str) -> Path | None:
    """The path in `"D:/QMT/unins000.exe" /S` or `D:/QMT/bin.x64/XtItClient.exe,0`."""
    text = text.strip()
    bare = text[1:].partition('"')[0] if text.startswith('"') else text.rpartition(",")[0] or text
    return Path(bare) if bare else None
