"""The mailbox's folder: its parts, and that nobody but its owner can write into it.

Whoever can write there can order: a folder that others can open is refused.
"""

import csv
import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jqfollow.domain import BrokerDownError

PARTS = ("in", "taken", "out", "back", "tmp")
ALIVE, EVENTS, JOURNAL = "alive.json", "events.jsonl", "journal-*.jsonl"
KEEP_JOURNAL_S = 7 * 86_400
"""Requests carry a deadline of seconds: an id this old can never come again."""
KEEP_S = 86_400
MOST_BYTES = 64 * 2**20
"""A mailbox of a busy day is a tenth of it."""
_OURS = re.compile(r"in|taken|out|back|tmp|alive\.json|events\.jsonl|journal-\d{8}\.jsonl")
_WINDOWS = os.name == "nt"
_TRUSTED = frozenset({"SY", "BA", "CO", "OW", "S-1-5-18", "S-1-5-32-544", "S-1-3-0", "S-1-3-4"})
"""The system, administrators, and whoever made or owns a file: they need no leave."""
_ACE = re.compile(r"\((?:A|XA|OA);[^;)]*;[^;)]*;[^;)]*;[^;)]*;([^;)]+)[^)]*\)")


def make(path: Path) -> None:
    """Makes the folder and its parts, for their owner only; tightens one that is a mailbox already, or empty.

    Raises:
        BrokerDownError: it holds other things (its rights are then not ours to change), or cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        strangers = sorted(entry.name for entry in path.iterdir() if not _OURS.fullmatch(entry.name))
        if strangers:
            raise BrokerDownError(
                f"mailbox {path} 里有别的东西（{', '.join(strangers[:3])}），请给信箱一个单独的空文件夹 / "
                "holds other things: the mailbox wants a folder of its own"
            )
        _shut(path)
        for part in PARTS:
            (path / part).mkdir(exist_ok=True)
            if not _WINDOWS:  # there they inherit
                (path / part).chmod(stat.S_IRWXU)
    except OSError as error:
        raise BrokerDownError(f"不能建立信箱 {path}：{error.strerror or error} / the mailbox cannot be made") from error
    check(path)


def check(path: Path) -> None:
    """Raises `BrokerDownError`, saying what to do, when `path` is no mailbox or others can get in."""
    remedy = "运行 jqfollow fullqmt 账户名 / run jqfollow fullqmt ACCOUNT"
    if path.is_symlink() or not path.is_dir() or not all((path / part).is_dir() for part in PARTS):
        raise BrokerDownError(f"信箱 {path} 不存在或不完整：{remedy}，it is missing or incomplete")
    why = strangers_of(path)
    if why:
        raise BrokerDownError(
            f"信箱 {path} 别人也能打开（{why}），谁能往里写谁就能下单，因此拒绝使用：{remedy}，"
            "others can open it, and whoever writes there can order: refused"
        )


def strangers_of(path: Path) -> str:
    """Who besides its owner can open the folder; "" when nobody can."""
    if not _WINDOWS:
        about = path.stat()
        mine = about.st_uid == os.getuid()  # type: ignore[attr-defined, unused-ignore]  # Windows has none
        return "" if mine and not about.st_mode & (stat.S_IRWXG | stat.S_IRWXO) else stat.filemode(about.st_mode)
    with tempfile.TemporaryDirectory() as scratch:
        saved = Path(scratch) / "acl"
        _tool("icacls.exe", str(path), "/save", str(saved), "/q")
        sddl = saved.read_text(encoding="utf-16-le", errors="replace")
    return strangers_in(sddl, _my_sid())


def strangers_in(sddl: str, mine: str) -> str:
    """The principals whom an access list in SDDL lets in, besides `mine` (a SID), the system and administrators."""
    names = {sid.upper() for sid in _ACE.findall(sddl)}
    if not names:
        return "没有访问控制列表 / no access list"
    return ", ".join(sorted(names - _TRUSTED - {mine.upper()}))


def sweep(path: Path, now_s: float) -> None:
    """At `now_s`, removes what nobody can need any more, so that the folder stays small; what is held stays."""
    old = [file for file in path.glob(JOURNAL) if _older(file, now_s - KEEP_JOURNAL_S)]
    for part in ("back", "tmp", "out"):
        old += [file for file in (path / part).iterdir() if _older(file, now_s - KEEP_S)]
    for file in old:
        try:
            file.unlink()
        except OSError:
            continue


def size(path: Path) -> int:
    """Bytes of all files."""
    return sum(_size(file) for file in _files(path))


def _files(path: Path) -> Iterator[Path]:
    yield from path.glob("*.json*")
    for part in PARTS:
        yield from (path / part).glob("*")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _older(file: Path, moment: float) -> bool:
    try:
        return file.stat().st_mtime < moment
    except OSError:
        return False


def _shut(path: Path) -> None:
    if not _WINDOWS:
        path.chmod(stat.S_IRWXU)
        return
    # One call, so that there is no moment without an owner; files made inside inherit.
    _tool("icacls.exe", str(path), "/grant:r", f"*{_my_sid()}:(OI)(CI)F", "/inheritance:r", "/q")


def _my_sid() -> str:
    return next(csv.reader([_tool("whoami.exe", "/user", "/fo", "csv", "/nh")]))[-1].strip()


def _tool(name: str, *arguments: str) -> str:
    tool = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / name
    try:
        done = subprocess.run(  # noqa: S603  # a fixed tool, no shell
            [str(tool), *arguments], capture_output=True, timeout=20, check=True
        )
    except subprocess.SubprocessError as error:
        raise OSError(f"{name}: {error}") from error
    return done.stdout.decode("mbcs" if _WINDOWS else "utf-8", "replace")
