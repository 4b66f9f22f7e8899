"""The ledger's file: made whole, looked over, refused with a reason, copied."""

import os
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import psutil
import pytest

from jqfollow.domain import AttemptState, OrderState, Side, SignalKind, SignalState, WaitingFor, Wire
from jqfollow.ledger import store
from jqfollow.ledger.backups import daily_path, newest_copy, prune
from jqfollow.ledger.errors import LedgerDamagedError, LedgerError, LedgerLockedError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.migrations import APPLICATION_ID, SCHEMA
from jqfollow.ledger.version import Version
from ledger.samples import DAY, Gate, an_attempt, connection_of, fill_report, signal


def make(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.write_now(an_attempt)


def raw(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_new_ledger_is_durable_and_knows_what_it_is(path: Path) -> None:
    def pragmas(tx: Any) -> list[Any]:
        wanted = (
            "journal_mode", "synchronous", "foreign_keys", "trusted_schema", "application_id", "user_version",
            "busy_timeout",
        )  # fmt: skip
        return [connection_of(tx).execute(f"PRAGMA {name}").fetchone()[0] for name in wanted]

    with Ledger.open(path) as ledger:
        full = 2
        assert ledger.write_now(pragmas) == ["wal", full, 1, 0, APPLICATION_ID, SCHEMA.version, 5000]
    assert names(path.parent) == ["ledger.db"]


@pytest.mark.parametrize(
    ("how", "level"), [({"mode": "rw"}, 2), ({"mode": "rwc"}, 2), ({"mode": "rw", "synchronous": "NORMAL"}, 1)]
)
def test_who_writes_goes_through_the_drives_cache(path: Path, how: dict[str, Any], level: int) -> None:
    make(path)
    with closing(store.connect(path, **how)) as connection:
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "fullfsync")]
    assert found == [level, 1]


def test_a_connection_is_of_its_own_thread_unless_it_is_for_any(path: Path) -> None:
    make(path)
    with ThreadPoolExecutor(1) as pool:
        for any_thread in (False, True):
            with closing(store.connect(path, mode="ro", **({"any_thread": True} if any_thread else {}))) as connection:
                asked = pool.submit(connection.execute, "SELECT 1")
                assert (asked.exception() is None) is any_thread


def test_the_first_remarks_of_two_ledgers_differ(tmp_path: Path) -> None:
    remarks = set()
    for name in ("a.db", "b.db"):
        with Ledger.open(tmp_path / name) as ledger:
            remarks.add(ledger.write_now(an_attempt).remark)
    assert len(remarks) == 2


def test_what_was_written_stands_when_it_is_opened_again(path: Path) -> None:
    make(path)
    with Ledger.open(path) as ledger:
        assert len(ledger.read_now(lambda tx: tx.attempts.live())) == 1


@pytest.mark.parametrize(
    ("folder", "plain"),
    [("空 格", True), ("a#b?c%20d&e=f", sys.platform != "win32"), ("…'\"x", sys.platform != "win32")],
)
def test_paths_of_any_name(tmp_path: Path, folder: str, plain: bool) -> None:
    if not plain:
        pytest.skip("no such name on Windows")
    path = tmp_path / folder / f"{folder}.db"
    make(path)
    with Ledger.open(path, read_only=True) as ledger:
        assert ledger.read_now(lambda tx: tx.orders.get(1)) is not None
    assert names(path.parent)[0] == path.name


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (PureWindowsPath(r"D:\国金 QMT\data\ledger.db"), "file:///D:/%E5%9B%BD%E9%87%91%20QMT/data/ledger.db?mode=rw"),
        (PureWindowsPath(r"D:\a#b%c\ledger.db"), "file:///D:/a%23b%25c/ledger.db?mode=rw"),
        (PureWindowsPath(r"\\nas\share\ledger.db"), "file:////nas/share/ledger.db?mode=rw"),
        (PurePosixPath("/home/a?b/ledger.db"), "file:///home/a%3Fb/ledger.db?mode=rw"),
    ],
)
def test_how_sqlite_is_told_a_path(path: Any, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(path), "absolute", lambda self: self, raising=False)
    assert store.file_uri(path, "rw") == uri


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Ledger.open(Path("data/ledger.db")) as ledger:
        monkeypatch.chdir(tmp_path.parent)
        ledger.write_now(lambda tx: tx.meta.set("a", "b"))
    assert names(tmp_path / "data") == ["ledger.db"]


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("这不是账本\n" * 1000, encoding="utf-8")


def short_text(path: Path) -> None:
    path.write_text("x", encoding="utf-8")


def no_tables(path: Path) -> None:
    raw(path, "CREATE TABLE a (b)", "DROP TABLE a")


def no_version(path: Path) -> None:
    make(path)
    raw(path, "PRAGMA user_version = 0")


def torn_page(path: Path) -> None:
    make(path)
    with closing(sqlite3.connect(path)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'orders'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(path.read_bytes())
    content[size * (page - 1) : size * page] = b"\xa5" * size
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    make(path)
    path.write_bytes(path.read_bytes()[:20000])


def log_without_ledger(path: Path) -> None:
    path.with_name(f"{path.name}-wal").write_bytes(b"x" * 5000)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (empty, "the file is empty"),
        (text, "not a database"),
        (short_text, r"^(?!.*is empty)"),
        (no_tables, "without tables"),
        (no_version, "its version is 0"),
        (torn_page, "malformed"),
        (cut_short, "malformed|should have"),
        (log_without_ledger, "the file is gone"),
    ],
)
def test_a_damaged_ledger_is_refused_and_left_as_it_is(
    path: Path, damage: Callable[[Path], None], why: str, whole: bool
) -> None:
    path.parent.mkdir()
    damage(path)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(LedgerDamagedError, match=why) as caught:
        Ledger.open(path, whole=whole)
    for sentence in (caught.value.zh, caught.value.en):
        assert str(path) in sentence
        assert str(path.parent / "backups") in sentence
    assert str(caught.value) == f"{caught.value.zh} / {caught.value.en}"
    assert {name: path.with_name(name).read_bytes() for name in before} == before


@pytest.mark.parametrize("damage", [empty, text, no_tables, no_version])
def test_who_reads_alone_is_refused_a_damaged_ledger_too(path: Path, damage: Callable[[Path], None]) -> None:
    path.parent.mkdir()
    damage(path)
    with pytest.raises(LedgerDamagedError):
        store.check_readable(path)


def test_what_the_check_of_the_whole_file_finds_is_told(path: Path) -> None:
    make(path)
    content = bytearray(path.read_bytes())
    content[36:40] = (5).to_bytes(4, "big")  # of pages that are free
    path.write_bytes(content)
    store.prepare(path, whole=False)
    with pytest.raises(LedgerDamagedError, match=r"(?i)freelist"):
        store.prepare(path)


@pytest.mark.skipif(sys.platform != "linux", reason="counts what is open")
def test_a_file_that_is_no_ledger_is_closed_at_once(path: Path) -> None:
    path.parent.mkdir()
    text(path)
    before = psutil.Process().num_fds()
    with pytest.raises(sqlite3.Error) as caught:
        store.connect(path, mode="rw")
    assert psutil.Process().num_fds() == before, caught


@pytest.mark.skipif(sys.platform == "win32", reason="needs a way to lock files that knows no write-ahead log")
def test_a_place_without_a_write_ahead_log_gets_no_ledger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_always = store.file_uri
    monkeypatch.setattr(store, "file_uri", lambda *of: f"{as_always(*of)}&vfs=unix-dotfile")
    with pytest.raises(LedgerError, match="put data_dir on a local disk"):
        Ledger.open(path)
    assert names(path.parent) == []


def test_the_empty_log_of_a_ledger_that_was_moved_away_stops_nothing(path: Path) -> None:
    path.parent.mkdir()
    path.with_name(f"{path.name}-wal").touch()
    make(path)


def torn_in_the_middle(path: Path) -> None:
    """A page that neither the newest row of its table needs, nor the way to it."""
    with Ledger.open(path) as ledger:
        for number in range(60):
            ledger.write_now(lambda tx, n=number: tx.signals.record(signal(f"m{n}", text="x" * 3000)))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(path.read_bytes())
    leaf = 0x0D  # the root may hold what stood there before it became one
    page = next(
        at for at in range(0, len(content), size) if content[at] == leaf and b"x" * 2000 in content[at : at + size]
    )
    content[page : page + size] = b"\xa5" * size
    path.write_bytes(content)


async def test_the_whole_of_a_large_file_is_looked_over_beside_the_work(path: Path) -> None:
    torn_in_the_middle(path)
    with pytest.raises(LedgerDamagedError):
        Ledger.open(path)
    ledger = Ledger.open(path, whole=False)
    assert len(await ledger.read(lambda tx: tx.signals.list(limit=10))) == 10
    with pytest.raises(LedgerDamagedError):
        await ledger.check()
    await ledger.close()


def test_a_file_that_is_too_short_is_damaged_unless_its_log_has_the_rest(path: Path) -> None:
    make(path)
    with closing(sqlite3.connect(path)) as beside, closing(sqlite3.connect(path)) as other:
        before = path.stat().st_size
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("CREATE TABLE more AS SELECT randomblob(3 * 4096) AS text")
        other.commit()
        beside.execute("SELECT 1 FROM more").fetchone()
        assert path.stat().st_size == before  # the pages stand in the log alone
        store.prepare(path, whole=False)
    os.truncate(path, path.stat().st_size - 1)  # SQLite notices whole pages alone
    with pytest.raises(LedgerDamagedError, match=f"has {path.stat().st_size} bytes, and should have"):
        store.prepare(path, whole=False)


async def test_a_whole_file_is_whole_and_its_check_ends_with_the_ledger(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(path)
    ledger = Ledger.open(path, whole=False)
    await ledger.check()
    monkeypatch.setattr("jqfollow.ledger.store._STEPS", 1)
    ledger._stopped.set()
    with pytest.raises(LedgerError, match="interrupted"):
        await ledger.check()
    await ledger.close()


def test_a_check_of_a_large_file_asks_every_few_milliseconds_whether_it_shall_go_on(path: Path) -> None:
    make(path)
    raw(
        path,
        "CREATE TABLE more AS WITH RECURSIVE n (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n LIMIT 100000) "
        "SELECT a FROM n",
    )
    asked, steps = [], 100_000

    def go_on() -> bool:
        asked.append(None)
        return False

    store.check(path, go_on)
    with closing(store.connect(path, mode="ro")) as connection:
        ticks = []
        connection.set_progress_handler(lambda: ticks.append(None), steps)
        connection.execute("PRAGMA quick_check(3)").fetchall()
    assert len(asked) >= len(ticks) > 2


def test_damage_that_is_found_later_says_so_too(path: Path) -> None:
    torn_page(path)
    with (
        Ledger.open(path, read_only=True) as ledger,
        pytest.raises(LedgerDamagedError),
    ):
        ledger.read_now(lambda tx: tx.orders.list())


def test_another_programs_file(path: Path) -> None:
    path.parent.mkdir()
    raw(path, "CREATE TABLE a (b)", "PRAGMA application_id = 7")
    for read_only in (True, False):
        with pytest.raises(LedgerError, match="another program") as caught:
            Ledger.open(path, read_only=read_only)
        assert not isinstance(caught.value, LedgerDamagedError)


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)
    for read_only in (True, False):
        with pytest.raises(LedgerError, match="no file"):
            Ledger.open(path, read_only=read_only)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LedgerError, match="folder"):
        Ledger.open(tmp_path / "file" / "ledger.db")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written() -> None:
    with pytest.raises(LedgerError, match="folder"):
        Ledger.open(Path("/proc/self/ledger.db"))


def test_nothing_to_read(path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger"):
        Ledger.open(path, read_only=True)
    assert not path.parent.exists()


def test_read_only_reads_while_another_writes_and_after_it(path: Path) -> None:
    make(path)
    with Ledger.open(path, read_only=True) as reader:
        with Ledger.open(path) as writer:
            writer.write_now(lambda tx: an_attempt(tx, "second"))
            assert len(reader.read_now(lambda tx: tx.attempts.live())) == 2
        assert len(reader.read_now(lambda tx: tx.attempts.live())) == 2
        with pytest.raises(LedgerError, match="read only"):
            reader.write_now(an_attempt)
    with Ledger.open(path) as again:
        assert len(again.read_now(lambda tx: tx.attempts.live())) == 2


def test_a_ledger_that_another_program_holds(path: Path) -> None:
    make(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerLockedError, match="another program"):
            Ledger.open(path, busy_timeout_s=0.01)
        other.execute("ROLLBACK")
        with Ledger.open(path, busy_timeout_s=0.01) as ledger:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerLockedError, match="another program"):
                ledger.write_now(an_attempt)
            assert len(ledger.read_now(lambda tx: tx.attempts.live())) == 1
            other.execute("ROLLBACK")
            ledger.write_now(lambda tx: an_attempt(tx, "later"))


def test_a_making_that_fails_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        SCHEMA.create(connection)
        raise sqlite3.OperationalError("out of luck")

    broken = type("Broken", (), {"create": staticmethod(fail), "version": 1})
    with pytest.raises(LedgerError, match="out of luck"):
        store.prepare(path, schema=broken())  # type: ignore[arg-type]
    assert names(path.parent) == []


def test_of_two_programs_that_make_it_the_first_wins(path: Path) -> None:
    """The other one found it absent, and finds it standing when its own is ready."""
    make(path)
    store._create(path, SCHEMA)
    with Ledger.open(path) as ledger:
        ledger.write_now(lambda tx: an_attempt(tx, "later"))
        assert len(ledger.read_now(lambda tx: tx.attempts.live())) == 2
    assert names(path.parent) == ["ledger.db"]


def test_a_file_system_without_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    make(path)
    assert names(path.parent) == ["ledger.db"]


@pytest.mark.parametrize(
    ("table", "column", "kind"),
    [
        ("signals", "state", SignalState),
        ("signals", "kind", SignalKind),
        ("signals", "wire", Wire),
        ("orders", "state", OrderState),
        ("orders", "side", Side),
        ("orders", "waiting_for", WaitingFor),
        ("attempts", "state", AttemptState),
        ("fills", "side", Side),
    ],
)
def test_the_schema_knows_the_words_that_everyone_uses(ledger: Ledger, table: str, column: str, kind: Any) -> None:
    sql = ledger.read_now(
        lambda tx: connection_of(tx).execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    )
    words = sql.split(f"CHECK ({column} IN (")[1].split("))")[0]
    assert {word.strip().strip("'") for word in words.split(",")} == set(kind)


async def test_a_copy_is_a_whole_ledger_of_its_own(path: Path) -> None:
    with Ledger.open(path) as ledger:
        attempt = await ledger.write(an_attempt)
        target = daily_path(path, DAY)
        assert target == path.parent / "backups" / "ledger-20260105.db"
        gate = Gate()
        writing = ledger._writer
        assert writing is not None
        blocked = writing.submit(gate)
        await gate.reached()
        await ledger.backup(target)  # while the writer is busy
        await ledger.backup(target)  # and again, in place of the first
        gate.opened.set()
        blocked.result()
        await ledger.write(lambda tx: tx.fills.add(attempt, "demo", fill_report(attempt), DAY))
        placed_since = await ledger.write(lambda tx: an_attempt(tx, "since"))
    assert names(target.parent) == [target.name]
    assert target.read_bytes()[18:20] == b"\x01\x01"  # no write-ahead log: it opens where nothing can be written
    with Ledger.open(target, whole=False) as restored:
        assert target.read_bytes()[18:20] == b"\x02\x02"  # it is written to as ever
        assert restored.read_now(lambda tx: tx.attempts.get(attempt.attempt_id)) == attempt
        assert restored.read_now(lambda tx: tx.fills.list()) == []
        # The original went on: its next attempt stands at the broker. The copy's next one must not look like it.
        again = restored.write_now(lambda tx: an_attempt(tx, "since"))
    assert again.attempt_id == placed_since.attempt_id
    assert again.remark != placed_since.remark


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps names by itself")
def test_a_new_name_lasts_through_a_power_cut_in_whatever_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        found = os.fstat(descriptor)
        synced.extend(f for f in tmp_path.rglob("*") if f.is_dir() and os.path.samestat(f.stat(), found))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    path, copy = tmp_path / "a" / "b" / "ledger.db", tmp_path / "c" / "d" / "copy.db"
    make(path)
    assert synced == [path.parent]
    opened = psutil.Process().num_fds()
    store.copy(path, copy)
    assert synced == [path.parent, copy.parent]
    assert psutil.Process().num_fds() == opened


async def test_the_version_differs_once_something_was_committed(path: Path) -> None:
    with Ledger.open(path) as ledger, Ledger.open(path) as other:
        before = await ledger.version()
        assert await ledger.version() == before
        await ledger.read(lambda tx: tx.attempts.live())
        assert await ledger.version() == before
        for writer in (ledger, other):
            await writer.write(lambda tx, w=writer: an_attempt(tx, f"m{id(w)}"))
            after = await ledger.version()
            assert after != before
            assert await ledger.version() == after
            before = after


def test_a_version_that_could_not_be_read_differs_from_those_before(path: Path) -> None:
    make(path)
    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        opened.append(store.connect(path, mode="ro"))
        return opened[-1]

    version = Version(path, connect)
    before = version.look()
    assert version.look() == before
    opened[0].close()  # as good as a file that cannot be read
    with pytest.raises(LedgerError):
        version.look()
    assert version.look() != before
    assert len(opened) == 2
    version.close()
    with pytest.raises(sqlite3.ProgrammingError):
        opened[1].execute("SELECT 1")


def test_no_commit_of_a_ledger_has_failed_that_is_read_alone_or_was_only_opened(path: Path) -> None:
    with Ledger.open(path) as ledger, Ledger.open(path, read_only=True) as reader:
        assert not ledger.commit_failed
        assert not reader.commit_failed


def test_the_newest_copy_is_a_daily_one(path: Path) -> None:
    assert newest_copy(path) is None
    folder = path.parent / "backups"
    folder.mkdir(parents=True)
    for name in ("ledger-v9.db", "ledger-20270101.db.new", "ledger-2027010.db", "x-ledger-20270101.db"):
        (folder / name).touch()
    assert newest_copy(path) is None
    for day in (DAY, DAY + timedelta(days=1), DAY - timedelta(days=1)):
        daily_path(path, day).touch()
    assert newest_copy(path) == daily_path(path, DAY + timedelta(days=1))


async def test_a_copy_that_cannot_be_made(path: Path) -> None:
    with Ledger.open(path) as ledger:
        with pytest.raises(LedgerError, match="another name"):
            await ledger.backup(path)
        (path.parent / "file").write_text("", encoding="utf-8")
        with pytest.raises(LedgerError, match="cannot be opened"):
            await ledger.backup(path.parent / "file" / "copy.db")
        await ledger.write(an_attempt)
    assert names(path.parent) == ["file", "ledger.db"]


def test_a_copy_that_is_found_damaged_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(path)

    def damaged(*_: object) -> None:
        raise LedgerDamagedError("it is damaged")

    monkeypatch.setattr(store, "_refuse_damage", damaged)
    with pytest.raises(LedgerDamagedError):
        store.copy(path, path.parent / "copy.db")
    assert not [name for name in names(path.parent) if "copy" in name]


def test_copies_are_pruned_to_the_newest(tmp_path: Path) -> None:
    days = [date(2025, 12, 25) + timedelta(days=number) for number in range(16)]
    kept = ["ledger-v1.db", "ledger-2025.db", "ledger-20251201.db.1a2b3c4d.new", "other.db"]
    for name in [*kept, *(daily_path(tmp_path / "ledger.db", day).name for day in days)]:
        (tmp_path / name).write_text("", encoding="utf-8")
    removed = prune(tmp_path)
    assert [file.name for file in removed] == ["ledger-20251225.db", "ledger-20251226.db"]
    assert names(tmp_path) == sorted([*kept, *(f"ledger-{day:%Y%m%d}.db" for day in days[2:])])
    assert prune(tmp_path) == []
    assert prune(tmp_path / "none") == []
    for file in names(tmp_path):
        (tmp_path / file).write_bytes(b"x" * 10)
    assert len(prune(tmp_path, most_bytes=40)) == 14 - 4
    assert len(prune(tmp_path, most_bytes=35)) == 1
    assert len(prune(tmp_path, most_bytes=5)) == 2  # the newest stays, however large
    with pytest.raises(ValueError, match="keep"):
        prune(tmp_path, keep=0)
    assert len(prune(tmp_path, keep=1)) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs large files that take no room")
def test_copies_take_four_gigabytes_unless_one_is_larger(tmp_path: Path) -> None:
    for number in range(6):
        copy = daily_path(tmp_path / "ledger.db", DAY + timedelta(days=number))
        copy.parent.mkdir(exist_ok=True)
        copy.touch()
        os.truncate(copy, 1 << 30)
    assert [file.name for file in prune(copy.parent)] == ["ledger-20260105.db", "ledger-20260106.db"]
