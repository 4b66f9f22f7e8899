"""An older data folder is put back: what it has forgotten is not done again."""

import shutil
from pathlib import Path

import pytest

from jqfollow import restored
from jqfollow.ledger.store import copy
from jqfollow.reasons import Reason

from .house import House

CODE = "000001.XSHE"


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JQF_STATE", str(tmp_path / "state"))


async def test_a_captured_message_of_before_is_no_order(tmp_path: Path) -> None:
    async with House(tmp_path / "house", wecom=True) as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        await house.stop()
        shutil.copytree(house.data_dir, tmp_path / "old")
        await house.start()
        house.forward(2)
        captured = house.seal("demo", house.order_text("demo", CODE, "buy", 200, price="10.00"))
        accepted = await house.post(captured)
        assert accepted.json()["status"] == "accepted"
        await house.done(accepted.json()["signal_id"])
        tag = await house.ledger.read(lambda tx: tx.meta.get("remark_tag"))
        await house.stop()
        (house.data_dir / "ledger.sqlite3").unlink()
        for name in ("ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"):
            if (tmp_path / "old" / name).exists():
                shutil.copy(tmp_path / "old" / name, house.data_dir / name)
        await house.start()
        again = (await house.post(captured)).json()
        assert (again["status"], again["why"]) == ("accepted", "restored")
        texts = [house.order_text("demo", CODE, "buy", 100, price="10.00", age_s=9) for _ in range(3)]
        others = [await house.post(house.seal("demo", text)) for text in texts]
        assert {answer.json()["why"] for answer in others} == {"restored"}
        await house.told("账本倒退了", "jqfollow restored --accept")
        rows = await house.ledger.read(lambda tx: [o for o in tx.outbox.list() if "倒退" in o.text])
        assert len(rows) == 1
        assert await house.ledger.read(lambda tx: tx.meta.get("remark_tag")) != tag
        house.forward(1)
        fresh = await house.send("demo", CODE, "buy", 300, price="10.00")
        await house.done(fresh)
        assert (await house.book(CODE)).volume == 400
        await house.ledger.write(restored.accept)
        before = await house.send("demo", CODE, "buy", 100, price="10.00", age_s=30)
        [order] = await house.done(before)
        assert order.reason is not Reason.RESTORED


async def test_the_same_copy_put_back_twice_is_noticed_twice_and_told_once_each(tmp_path: Path) -> None:
    async with House(tmp_path / "house", wecom=True) as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        await house.stop()
        copy(house.data_dir / "ledger.sqlite3", tmp_path / "backup.db")  # as those in `backups`
        await house.start()
        house.forward(2)
        captured = house.seal("demo", house.order_text("demo", CODE, "buy", 200, price="10.00"))
        await house.done((await house.post(captured)).json()["signal_id"])
        for time in range(2):
            await house.stop()
            for file in house.data_dir.glob("ledger.sqlite3*"):
                file.unlink()
            shutil.copy(tmp_path / "backup.db", house.data_dir / "ledger.sqlite3")
            for _ in range(2):  # a start after it finds nothing new
                await house.restart()
                rows = await house.ledger.read(lambda tx: [o for o in tx.outbox.list() if "倒退" in o.text])
                assert len(rows) == 1, time
        assert (await house.post(captured)).json()["why"] == "restored"
        await house.ledger.write(restored.accept)
        await house.restart()
        assert await house.ledger.read(restored.until) is None, "a person said that it is well"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"signal_id": 1, "received_at": 1e400}', "1", "9" * 5000])
def test_what_was_kept_and_cannot_be_read_is_nothing(tmp_path: Path, content: str) -> None:
    high_water = restored.HighWater("a" * 32, tmp_path)
    (tmp_path / f"{'a' * 16}.json").write_text(content, encoding="utf-8")
    assert high_water.read() is None


@pytest.mark.parametrize("at", [10**17, -(10**17)])
def test_a_time_beyond_all_calendars_is_nothing(tmp_path: Path, at: int) -> None:
    (tmp_path / f"{'a' * 16}.json").write_text(f'{{"signal_id": 1, "received_at": {at}}}', encoding="utf-8")
    assert restored.HighWater("a" * 32, tmp_path).read() is None


async def test_a_log_that_was_cut_is_noticed_by_the_calls_that_were_made(tmp_path: Path) -> None:
    async with House(tmp_path / "house", wecom=True) as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        captured = house.seal("demo", house.order_text("demo", CODE, "buy", 200, price="10.00"))
        kept = await house.ledger.read(lambda tx: tx.meta.get("remark_tag"))
        accepted = await house.post(captured)
        await house.done(accepted.json()["signal_id"])
        calls = (house.data_dir / "calls.log").read_bytes()
        forgotten = f"calling jq{kept}-ZZ\n".encode()  # a call whose attempt the ledger lost
        await house.stop()
        (house.data_dir / "calls.log").write_bytes(calls + forgotten)
        await house.start()
        await house.told("账本倒退了", f"jq{kept}-ZZ")
        older = house.order_text("demo", CODE, "buy", 100, price="10.00", age_s=9)
        assert (await house.post(house.seal("demo", older))).json()["why"] == "restored"


async def test_an_ordinary_restart_is_none(tmp_path: Path) -> None:
    async with House(tmp_path / "house") as house:
        house.market(CODE)
        for _ in range(3):
            await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
            await house.restart()
            house.market(CODE)
        await house.crash()
        await house.start()
        assert await house.ledger.read(restored.until) is None


async def test_a_practice_account_that_begins_anew_within_the_day_is_followed_on(tmp_path: Path) -> None:
    """Its file was put away, as is advised where it is damaged: it gives no order a number of that morning's."""
    async with House(tmp_path / "house") as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        await house.stop()
        (house.data_dir / "paper-paper.jsonl").replace(tmp_path / "away.jsonl")
        house.forward(1)
        await house.start()
        house.market(CODE)
        [order] = await house.done(await house.send("demo", CODE, "buy", 200, price="10.00"))
        assert (order.filled, order.reason) == (200, None)
        assert (await house.book(CODE)).volume == 300
