"""The ledger's file: made, looked over and upgraded before anything is written to it."""

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote_from_bytes

import structlog

from jqfollow.ledger.errors import LedgerError, damaged, translated
from jqfollow.ledger.kept import Kept
from jqfollow.ledger.meta import Meta
from jqfollow.ledger.migrations import APPLICATION_ID, SCHEMA, Schema

_STEPS = 100_000
"""Of SQLite's machine: how often a check of the whole file asks whether it shall go on; some milliseconds."""
BUSY_TIMEOUT_S = 5.0
"""How long a connection waits for another program's write."""

_log = structlog.get_logger(__name__)


def connect(
    path: Path,
    *,
    mode: Literal["ro", "rw", "rwc"],
    busy_timeout_s: float = BUSY_TIMEOUT_S,
    synchronous: Literal["FULL", "NORMAL"] = "FULL",
    any_thread: bool = False,
) -> sqlite3.Connection:
    """A connection whose transactions are begun and ended by hand; `NORMAL` loses commits when the power goes.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    connection = sqlite3.connect(
        file_uri(path, mode), uri=True, timeout=busy_timeout_s, isolation_level=None, check_same_thread=not any_thread
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        if mode != "ro":
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's cache as well
    except BaseException:
        connection.close()
        raise
    return connection


def file_uri(path: Path, mode: str) -> str:
    """SQLite's name for `path`; every character is safe, a Windows drive or share too."""
    text = quote_from_bytes(os.fsencode(path.absolute().as_posix()), safe="/:")
    return f"file://{'' if text.startswith('/') else '/'}{text}?mode={mode}"


def prepare(path: Path, *, schema: Schema = SCHEMA, busy_timeout_s: float = BUSY_TIMEOUT_S, whole: bool = True) -> None:
    """Makes the ledger at `path`, or looks it over and upgrades it.

    Unless `whole`, what was written last is looked at, and `check` is to follow: the whole of a large file takes its
    time. Before an upgrade it is always the whole: its copy is looked over.

    Raises:
        LedgerDamagedError: no SQLite file, an empty one, or a damaged one.
        LedgerLockedError: another program holds it.
        LedgerError: another program's file, one of a newer jqfollow, or a place that cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path, schema)
        _refuse_no_file(path)
        with closing(connect(path, mode="rw", busy_timeout_s=busy_timeout_s)) as connection:
            version = _version(connection, path, schema)
            (_refuse_damage if whole else _refuse_damage_at_sight)(connection, path)
            if version < schema.version:
                _upgrade(connection, path, schema, version)
            _switch_to_wal(connection, path)
            connection.execute("BEGIN IMMEDIATE")  # proves that it can be written
    except (OSError, sqlite3.Error) as error:
        raise translated(error, path) from error


def check_readable(path: Path, *, schema: Schema = SCHEMA, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
    """Looks whether `path` is a ledger that this program can read; changes nothing. Raises like `prepare`."""
    try:
        if not path.exists():
            raise LedgerError(
                f"there is no ledger at {path}; `jqfollow serve` makes it", f"{path} 没有账本，请先运行 jqfollow serve"
            )
        _refuse_no_file(path)
        with closing(connect(path, mode="ro", busy_timeout_s=busy_timeout_s)) as connection:
            version = _version(connection, path, schema)
    except (OSError, sqlite3.Error) as error:
        raise translated(error, path) from error
    if version < schema.version:
        raise LedgerError(
            f"the ledger {path} is of an older jqfollow (version {version}, not {schema.version}); "
            f"start `jqfollow serve` once to upgrade it",
            f"账本 {path} 来自旧版 jqfollow（版本 {version}，需要 {schema.version}），请先运行一次 jqfollow serve 升级",
        )


def check(path: Path, stopped: Callable[[], bool]) -> None:
    """Looks over the whole file, while it is written to, until `stopped` says so.

    Raises:
        LedgerDamagedError: it is damaged.
        LedgerError: it cannot be read.
    """
    try:
        with closing(connect(path, mode="ro")) as connection:
            connection.set_progress_handler(stopped, _STEPS)
            _refuse_damage(connection, path)
    except (OSError, sqlite3.Error) as error:
        raise translated(error, path) from error


def copy(path: Path, target: Path) -> None:
    """Copies the ledger as it stands at this moment, while it is written to, and puts the whole copy at `target`.

    The copy is one file, looked over, with remarks of its own.

    Raises:
        LedgerError: it cannot be written, or `target` is the ledger itself.
    """
    if target.absolute() == path.absolute():
        raise LedgerError(f"a copy of the ledger {path} needs another name", f"账本 {path} 的备份需要另一个文件名")
    draft = _draft(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with closing(connect(path, mode="ro")) as source, closing(connect(draft, mode="rwc")) as copied:
            source.backup(copied)
            copied.execute("PRAGMA journal_mode = DELETE")
            Meta(copied, Kept()).renew_remark_tag()
            _refuse_damage(copied, path)
        draft.replace(target)
        _sync_folder(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise translated(error, target if isinstance(error, OSError) else path) from error
    finally:
        _discard(draft)


def _create(path: Path, schema: Schema) -> None:
    """A whole ledger appears at `path`, or none: an empty one is always the remains of damage."""
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:
        raise damaged(path, f"the file is gone, but {log.name} stands")
    draft = _draft(path)
    try:
        with closing(connect(draft, mode="rwc")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            schema.create(connection)
            Meta(connection, Kept()).renew_remark_tag()
            connection.execute("COMMIT")
            _switch_to_wal(connection, path)
        try:
            path.hardlink_to(draft)  # unlike a rename, never in place of a ledger that another program just made
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            draft.rename(path)
        _sync_folder(path.parent)
        _log.info("ledger_created", path=str(path), version=schema.version)
    finally:
        _discard(draft)


def _version(connection: sqlite3.Connection, path: Path, schema: Schema) -> int:
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application != APPLICATION_ID:
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise damaged(path, "an SQLite file without tables")
        raise LedgerError(
            f"{path} is another program's SQLite file (application_id {application:#x}); set another data_dir, "
            f"or move it away",
            f"{path} 是其他程序的 SQLite 文件（application_id {application:#x}），请更换 data_dir 或移走该文件",
        )
    if version < 1:
        raise damaged(path, f"its version is {version}")
    if version > schema.version:
        raise LedgerError(
            f"the ledger {path} is of a newer jqfollow (version {version}, this program knows {schema.version}); "
            f"install the newer jqfollow",
            f"账本 {path} 来自更新的 jqfollow（版本 {version}，本程序只认识到 {schema.version}），请安装新版 jqfollow",
        )
    return version


def _upgrade(connection: sqlite3.Connection, path: Path, schema: Schema, version: int) -> None:
    """Raises with the transaction open: the connection, which nobody uses then, undoes it when it is closed."""
    kept = path.parent / "backups" / f"{path.stem}-v{version}{path.suffix}"
    copy(path, kept)
    try:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN IMMEDIATE")
        schema.upgrade(connection, _version(connection, path, schema))  # another program may have been first
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise LedgerError(
            f"the ledger {path} cannot be upgraded from version {version} to {schema.version}: {error}. It is "
            f"unchanged; a copy is {kept}. Go on with the older jqfollow, and report this",
            f"账本 {path} 无法从版本 {version} 升级到 {schema.version}：{error}。账本未改动，备份在 {kept}。"
            f"请继续使用旧版 jqfollow，并反馈此问题",
        ) from error
    _log.info("ledger_upgraded", path=str(path), before=version, after=schema.version, copy=str(kept))


def _refuse_no_file(path: Path) -> None:
    if not path.is_file():
        raise LedgerError(f"{path} is no file; move it away", f"{path} 不是文件，请移走")
    if path.stat().st_size == 0:
        raise damaged(path, "the file is empty")


def _refuse_damage(connection: sqlite3.Connection, path: Path) -> None:
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    if found != ["ok"]:
        raise damaged(path, "; ".join(found))


def _refuse_damage_at_sight(connection: sqlite3.Connection, path: Path) -> None:
    """The file is as long as it says, and every table and index can be read where it was written last."""
    size, pages = (int(connection.execute(f"PRAGMA {what}").fetchone()[0]) for what in ("page_size", "page_count"))
    log = Path(f"{path}-wal")
    if not (log.exists() and log.stat().st_size) and path.stat().st_size < size * pages:
        raise damaged(path, f"it has {path.stat().st_size} bytes, and should have {size * pages}")
    tables = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    for name, sql in tables:
        key = "1" if "WITHOUT ROWID" in str(sql).upper() else "rowid"
        connection.execute(f'SELECT * FROM "{name}" ORDER BY {key} DESC LIMIT 1').fetchall()  # noqa: S608  own names


def _switch_to_wal(connection: sqlite3.Connection, path: Path) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise LedgerError(
            f"{path} cannot be written with a write-ahead log (journal_mode {mode}); put data_dir on a local disk",
            f"{path} 无法使用预写日志（journal_mode {mode}），请把 data_dir 放在本地磁盘",
        )


def _draft(path: Path) -> Path:
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")


def _discard(draft: Path) -> None:
    for rest in ("", "-journal", "-wal", "-shm"):
        with suppress(OSError):
            Path(f"{draft}{rest}").unlink()


def _sync_folder(folder: Path) -> None:
    """Makes a new name last through a power cut; Windows keeps names by itself and refuses this."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
