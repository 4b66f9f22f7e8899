"""Files for their owner only: keys, tokens. The content is on disk whole, or not at all."""

import contextlib
import os
import stat
import subprocess
import tempfile
import time
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WINDOWS = os.name == "nt"
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
