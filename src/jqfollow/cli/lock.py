"""One service per data folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from jqfollow.domain import JqfollowError
from jqfollow.wire.private_file import private_folder, tighten

_LOCK = "jqfollow.lock"
_PID = "jqfollow.pid"


class AlreadyRunningError(JqfollowError):
    """Another service works on the same data folder."""


@contextlib.contextmanager
def only_instance(data_dir: Path) -> Iterator[None]:
    """Holds the data folder; the system lets go of it when the process ends, however it ends.

    Raises:
        AlreadyRunningError: another process holds it.
        OSError: the folder cannot be made or written.
    """
    private_folder(data_dir)
    tighten(data_dir)
    lock = FileLock(data_dir / _LOCK, timeout=1)  # `is_running` holds it for a moment
    try:
        lock.acquire()
    except Timeout:
        pid = _pid(data_dir)
        of_zh, of_en = (f"（进程号 {pid}）", f" (process {pid})") if pid else ("", "")
        raise AlreadyRunningError(
            f"{data_dir} 正被另一个 jqfollow 使用{of_zh}：请先停止它，或换一个 data_dir / "
            f"another jqfollow{of_en} works on this data folder: stop it, or choose another data_dir"
        ) from None
    pid_file = data_dir / _PID
    try:
        # A file of its own: Windows lets nobody read a locked one.
        pid_file.write_text(f"{os.getpid()}\n", encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            pid_file.unlink()
        lock.release()


def is_running(data_dir: Path) -> int | None:
    """The process number of the service that holds the folder, 0 when it is not known; `None`: none does."""
    path = data_dir / _LOCK
    if not path.exists():
        return None
    try:
        with FileLock(path, timeout=0):
            return None
    except Timeout:
        return _pid(data_dir)
    except OSError:  # not ours to lock
        return 0


def _pid(data_dir: Path) -> int:
    try:
        return int((data_dir / _PID).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
