"""The ledger is lost, damaged or held while the service runs, or gone at its start: what is not kept is not taken."""

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from jqfollow.domain import OrderState
from jqfollow.ledger import watched
from jqfollow.ledger.errors import LedgerDamagedError
from jqfollow.ledger.watched import FileWatch
from jqfollow.marker import FILE_NAME
from jqfollow.wire.keystore import KeyStore

from .house import House

CODE = "000001.XSHE"


async def posted(house: House) -> httpx.Response:
    return await house.post(house.seal("demo", house.order_text("demo", CODE, "buy", 100, price="10.00")))


def deleted(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    other = path.with_name("other.db")
    shutil.copy(path, other)
    other.replace(path)


def damaged(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 4096)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


held = pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody delete or replace a file that is open")


@pytest.mark.parametrize("harm", [pytest.param(deleted, marks=held), pytest.param(replaced, marks=held), damaged, cut])
async def test_a_lost_ledger_takes_nothing_and_people_are_told(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    async with House(tmp_path, wecom=True) as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        harm(house.settings.ledger_file)
        await house.service.ledger_watch.look()
        answer = await posted(house)
        assert (answer.status_code, answer.json()["error"]) == (503, "ledger")
        assert "Retry-After" in answer.headers
        ready = await house.console("GET", "/readyz")
        assert (ready.status_code, ready.json()["ledger"]) == (503, False)
        await house.told("【急】账本文件", "稍后重发")
        assert len(house.brokers["paper"].orders()) == 1


@pytest.mark.parametrize(("error", "why"), [(OSError(5, "a bad disk"), "a bad disk"), (OSError("?"), "OSError")])
def test_a_file_that_cannot_be_looked_at_is_gone_and_it_is_said_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, why: str
) -> None:
    (tmp_path / "ledger").write_bytes(b"SQLite format 3\x00")
    watch = FileWatch(tmp_path / "ledger")
    assert watch.look() is None

    def fails(_: Path) -> None:
        raise error

    monkeypatch.setattr(watched, "_identity", fails)
    trouble = watch.look()
    watch.close()
    assert trouble is not None
    assert trouble.lost
    assert why in trouble.zh
    assert why in trouble.en


@held
@pytest.mark.parametrize("which", ["ledger.sqlite3-wal", "ledger.sqlite3-shm"])
async def test_a_lost_log_takes_nothing_and_what_was_kept_is_saved_by_the_stop(tmp_path: Path, which: str) -> None:
    async with House(tmp_path, wecom=True) as house:
        house.market(CODE)
        await house.service.ledger_watch.look()
        first = await house.send("demo", CODE, "buy", 100, price="10.00")
        await house.done(first)
        house.settings.ledger_file.with_name(which).unlink()
        await house.service.ledger_watch.look()
        assert (await posted(house)).status_code == 503
        assert (await house.console("GET", "/readyz")).status_code == 503
        await house.told(which, "正常停止")
        await house.restart()
        assert (await house.ledger.read(lambda tx: tx.signals.newest())).signal_id == first
        assert (await posted(house)).status_code == 200


@held
async def test_signals_that_cannot_be_read_again_are_told_and_nothing_more_is_taken(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        await house.service.ledger_watch.look()
        os.truncate(house.settings.ledger_file.with_name("ledger.sqlite3-wal"), 0)
        for _ in range(3):
            await house.service.ledger_watch.look()
            assert (await posted(house)).status_code == 503
        assert (await house.console("GET", "/readyz")).status_code == 503
        await house.told("【急】账本", "截断", "稍后重发")
        assert len(house.brokers["paper"].orders()) == 1


@held
async def test_another_program_that_ends_does_not_take_the_log_away(tmp_path: Path) -> None:
    """POSIX drops a process's locks when it closes any descriptor of the file: the watch must never do so."""
    async with House(tmp_path) as house:
        await house.send("demo", CODE, "buy", 100, price="10.00")
        for _ in range(2):
            await house.service.ledger_watch.look()
        file = house.settings.ledger_file
        writes = f"import sqlite3; c = sqlite3.connect({str(file)!r}); c.execute('DELETE FROM pauses'); c.commit()"
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", f"{writes}; c.close()"], check=True)
        assert file.with_name("ledger.sqlite3-wal").exists()


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b""), lambda path: path.unlink()])
async def test_keys_that_are_gone_stay_in_use_and_people_are_told(
    tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    async with House(tmp_path, wecom=True) as house:
        house.market(CODE)
        harm(house.data_dir / "keys.toml")
        house.forward(1)
        await house.service.keys_watch.look(house.clock.now())
        assert (await posted(house)).status_code == 200
        await house.told("密钥文件有问题", "备份")


@pytest.mark.parametrize("running", [True, False])
async def test_an_older_file_of_keys_that_is_put_back_is_told_once_and_a_rotation_is_not(
    tmp_path: Path, running: bool
) -> None:
    async with House(tmp_path, wecom=True) as house:
        file = house.data_dir / "keys.toml"

        async def told() -> int:
            house.forward(1)
            await house.service.keys_watch.look(house.clock.now())
            return await house.ledger.read(lambda tx: sum("密钥与原来的不同" in o.text for o in tx.outbox.list()))

        older = file.read_bytes()
        assert await told() == 0
        KeyStore.open(file, house.clock).rotate("demo", grace=timedelta(days=1), now=house.clock.now())
        assert await told() == 0
        for _ in range(2):
            if not running:
                await house.stop()
            file.write_bytes(older)
            if not running:
                await house.start()
            assert await told() == 1
        await house.told("demo 的密钥与原来的不同", "jqfollow client demo")
        assert (await posted(house)).status_code == 200, "its own key opens what is sealed with it"


async def test_a_strategy_at_work_that_lost_its_key_is_told_of_the_new_one(tmp_path: Path) -> None:
    async with House(tmp_path, strategies={"demo": {"follow": {"paper": 1}}, "b": {"follow": {"paper": 1}}}) as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        await house.stop()
        keys = house.data_dir / "keys.toml"
        text = keys.read_text(encoding="utf-8")
        keys.write_text('["b"]' + text.partition('["b"]')[2].partition("\n\n[")[0] + "\n", encoding="utf-8")
        await house.start()
        rows = await house.ledger.read(lambda tx: [o.text for o in tx.outbox.list() if "已生成新的" in o.text])
        assert len(rows) == 1
        assert "demo" in rows[0]
        await house.service.keys_watch.look(house.clock.now())
        rows = await house.ledger.read(lambda tx: [o.text for o in tx.outbox.list() if "密钥" in o.text])
        assert len(rows) == 1, "told once"


@pytest.mark.slow
async def test_a_ledger_that_is_held_is_told_and_goes_on(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        house.market(CODE)
        other = sqlite3.connect(house.settings.ledger_file, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            house._http.timeout = httpx.Timeout(20)
            assert (await posted(house)).status_code == 503
            await house.told("【急】账本", "稍后重发")
            assert (await house.console("GET", "/readyz")).status_code == 503
        finally:
            other.close()
        await house.told("账本恢复正常")
        assert (await house.console("GET", "/readyz")).status_code == 200
        await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))


def gone(data: Path) -> None:
    for file in data.glob("ledger.sqlite3*"):
        file.unlink()


def another(data: Path) -> None:
    with sqlite3.connect(data / "ledger.sqlite3") as connection:
        connection.execute("UPDATE meta SET value = 'x' WHERE key = 'ledger_id'")
    connection.close()


def no_keys(data: Path) -> None:
    (data / "keys.toml").unlink()


def empty_keys(data: Path) -> None:
    (data / "keys.toml").write_text("", encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "word"),
    [(gone, "不见了"), (another, "不是原来那个账本"), (no_keys, "密钥文件"), (empty_keys, "密钥文件")],
)
async def test_what_was_there_is_never_begun_anew_without_a_word(
    tmp_path: Path, harm: Callable[[Path], None], word: str
) -> None:
    async with House(tmp_path) as house:
        await house.stop()
        harm(house.data_dir)
        with pytest.raises(LedgerDamagedError) as caught:
            await house.start()
        assert word in caught.value.zh
        assert FILE_NAME in caught.value.zh
        (house.data_dir / FILE_NAME).unlink()  # a person wants it so
        await house.start()
        assert (await posted(house)).status_code in {200, 401}


async def test_everything_in_the_data_folder_is_its_owners(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        if os.name != "nt":
            assert stat.S_IMODE(house.data_dir.stat().st_mode) == stat.S_IRWXU


async def test_a_copy_that_is_put_back_is_the_same_ledger(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        copy = tmp_path / "copy.db"
        await house.ledger.backup(copy)
        await house.stop()
        gone(house.data_dir)
        shutil.copy(copy, house.settings.ledger_file)
        await house.start()
        status: Any = await house.get("/api/status")
        assert status


async def test_who_reads_long_holds_up_neither_an_order_nor_the_word_that_all_is_well(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        held = threading.Event()
        reading = [asyncio.ensure_future(house.service.ledger.read(lambda _: held.wait(60))) for _ in range(10)]
        try:
            order = await house.send("demo", CODE, "buy", 100, price="10.00")
            ledger = house.service.ledger
            async with asyncio.timeout(20):
                while True:  # `House.done` reads as others do
                    found = await ledger.read(lambda tx: tx.orders.of_signal(order), urgent=True)
                    if [each.state for each in found] == [OrderState.FILLED]:
                        break
                    await asyncio.sleep(0.02)
            async with asyncio.timeout(4):
                await house.service.ledger_watch.look()
            assert ledger.trouble is None
            assert (await house.console("GET", "/readyz")).status_code == 200
            assert not any(one.done() for one in reading)
        finally:
            held.set()
        assert all(await asyncio.gather(*reading))
