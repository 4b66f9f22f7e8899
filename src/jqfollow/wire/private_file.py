"""Files for their owner only: keys, tokens. The content is on disk whole, or not at all."""

import contextlib
import os
import re
import stat
import subprocess
import tempfile
import time
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WINDOWS = os.name == "nt"
_OTHER_PEOPLE = frozenset({"WD", "AU", "BU", "BG", "AN", "IU", "S-1-1-0", "S-1-5-11", "S-1-5-32-545", "S-1-5-32-546"})
_REPLACE_TRIES = 40
_REPLACE_PAUSE_S = 0.05


def write_private(path: Path, content: bytes) -> str:
    """Replaces `path` by `content`, readable for its owner only from the first byte on.

    Returns:
        A warning for people when other users could not be shut out (Windows without `icacls`, FAT); else "".

    Raises:
        OSError: not written; what stood there before still does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            warning = make_private(temporary)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return warning


def private_folder(path: Path) -> str:
    """Makes a folder for its owner only, or one that stands; everything in it is then the owner's alone.

    Returns:
        A warning for people, "" when others are shut out.

    Raises:
        OSError: it cannot be made.
    """
    path.mkdir(parents=True, exist_ok=True)
    return "" if is_private(path) else make_private(path)


def tighten(folder: Path) -> None:
    """Takes away what earlier versions, or a copy, left open in a folder; Windows' files have their folder's access."""
    if _WINDOWS:
        return
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # gone just now, or not ours
            if not path.is_symlink() and is_private(path) is False:
                make_private(path)


def open_to_others(path: Path) -> list[str]:
    """What of a folder and the files in it others can read, the folder first; for `doctor`, which may take its time."""
    if _WINDOWS:
        return [str(path)] if _groups(path) else []
    return [str(one) for one in (path, *path.rglob("*")) if not one.is_symlink() and is_private(one) is False]


def is_private(path: Path) -> bool | None:
    """Can only the owner read it? `None` where the file's mode does not tell (Windows)."""
    return None if _WINDOWS else not path.stat().st_mode & _OTHERS


def make_private(path: Path) -> str:
    """Takes everybody else's access away; returns a warning for people, "" when it is done."""
    why = _icacls(path) if _WINDOWS else _chmod(path, stat.S_IRWXU if path.is_dir() else stat.S_IRUSR | stat.S_IWUSR)
    if not why:
        return ""
    return (
        f"无法限制 {path.name} 只由本人读取（{why}），请确认别人不能登录这台电脑 / "
        "other users of this machine may be able to read it: make sure that there are none"
    )


def _chmod(path: Path, mode: int) -> str:
    try:
        path.chmod(mode)
    except OSError as error:
        return error.strerror or str(error)
    return "" if is_private(path) else "chmod"


def _icacls(path: Path) -> str:
    user = os.environ.get("USERNAME", "")
    domain = os.environ.get("USERDOMAIN", "")
    if not user:
        return "USERNAME"
    tool = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "icacls.exe"
    owner = f"{domain}\\{user}" if domain else user
    # One call, so that there is no moment without an owner: first the grant, then no inherited rights.
    rights = f"{owner}:(OI)(CI)F" if path.is_dir() else f"{owner}:F"
    command = [str(tool), str(path), "/grant:r", rights, "/inheritance:r", "/q"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, check=False)  # noqa: S603  # a fixed tool, no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        return type(error).__name__
    return f"icacls {done.returncode}" if done.returncode else ""


def _groups(path: Path) -> set[str]:
    """The groups of other people that Windows lets into `path`, by their letters in a security descriptor."""
    tool = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "icacls.exe"
    with tempfile.TemporaryDirectory() as scratch:
        saved = Path(scratch) / "acl"
        command = [str(tool), str(path), "/save", str(saved), "/q"]
        try:
            subprocess.run(command, capture_output=True, timeout=20, check=True)  # noqa: S603  # a fixed tool, no shell
            text = saved.read_bytes().decode("utf-16")
        except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
            return set()
    return let_in(text)


def let_in(descriptor: str) -> set[str]:
    """Of a descriptor in Windows' own letters: everyone, who is logged in, guests, and users of this machine."""
    allowed = re.findall(r"\(A;[^;]*;[^;]*;[^;]*;[^;]*;([^;)]+)\)", descriptor)
    return set(allowed) & _OTHER_PEOPLE


def _replace(temporary: Path, path: Path) -> None:
    """Windows refuses while somebody has `path` open to read it; that is over soon."""
    for left in reversed(range(_REPLACE_TRIES)):
        try:
            temporary.replace(path)
        except PermissionError:
            if not left or not _WINDOWS:
                raise
            time.sleep(_REPLACE_PAUSE_S)
        else:
            return
