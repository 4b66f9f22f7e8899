"""A signal by way of the relay: stored, taken, followed once, and acknowledged by who did what."""

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import nats.errors
import pytest

from e2e.house import House
from jqfollow.clock import SystemClock
from jqfollow.domain import OrderState
from jqfollow.drift.causes import Cause
from jqfollow.drift.reading import drifts
from jqfollow.reasons import Reason
from jqfollow.relay import engine
from jqfollow.relay.book import Book
from jqfollow.relay.connect import connect, trusting
from jqfollow.relay.errors import RelayError
from jqfollow.relay.ticket import Ticket
from jqfollow.relay.words import RECEIPTS, SIGNALS, receipt_mac, stored_mac
from jqfollow.wire.joinquant_link import _JqFollowLink
from jqfollow.wire.jqf1 import Key, seal
from jqfollow.wire.keystore import KeyStore

from .rig import Rig

CODE = "000001.XSHE"


def message(house: House, name: str, *, key: Key, amount: int = 100) -> dict[str, Any]:
    now = house.clock.now()
    order = {
        "order_id": name, "security": CODE, "is_buy": True, "amount": amount, "filled": amount, "price": "10.00",
        "limit": None, "status": "held", "side": "long", "action": "open", "add_time": f"{now:%Y-%m-%d %H:%M:%S}",
    }  # fmt: skip
    made_at = int(now.timestamp() * 1000)
    text = json.dumps({"kind": "order", "run": "sim_trade", "made_at": made_at, "order": order})
    return seal(key, "demo", name, int(now.timestamp()), text)


def join(house: House, ticket: Ticket) -> None:
    house.data_dir.mkdir(parents=True, exist_ok=True)
    (house.data_dir / "relay.json").write_text(ticket.model_dump_json(), encoding="utf-8")


def strategy_key(house: House) -> Key:
    keys = KeyStore.open(house.settings.keys_file, house.clock)
    keys.ensure(["demo"])
    return keys.keys("demo")[0]


async def signal_of(house: House, message_id: str) -> int:
    def found(tx: Any) -> int | None:
        rows = [row for number in range(1, 50) if (row := tx.signals.get(number)) and row.message_id == message_id]
        return rows[0].signal_id if rows else None

    return await house.until(found)


async def test_a_signal_goes_by_the_relay_to_a_filled_order_and_two_keys_say_so(tmp_path: Path) -> None:
    rig, house = Rig(tmp_path, wait_ms=3000), House(tmp_path)
    join(house, rig.ticket("home"))
    key = strategy_key(house)
    async with rig, house:
        house.market(CODE, last="10.00")
        sent = message(house, "r-1", key=key)
        answer = (await rig.post(sent)).json()
        assert (answer["status"], answer["mac"]) == ("stored", stored_mac(rig.key(), "r-1"))
        [receipt] = answer["receipts"] or await rig.heard("r-1")  # a busy machine's PC may take longer than is waited
        assert receipt["mac"] == receipt_mac(key, "r-1", receipt["status"], "home")
        [order] = await house.done(await signal_of(house, "r-1"))
        assert (order.state, order.filled) == (OrderState.FILLED, 100)
        # Again by the relay, and by the tunnel: one signal.
        assert (await rig.post(sent)).json()["receipts"] == [receipt]
        direct = await house._http.post(f"{house.service.signals_url}/api/order", json=sent)
        assert direct.json()["status"] == "duplicate"
        assert len(await house.ledger.read(lambda tx: tx.orders.of_signal(order.signal_id))) == 1


async def test_what_a_sleeping_pc_gets_too_late_is_recorded_and_never_traded(tmp_path: Path) -> None:
    rig, house = Rig(tmp_path, wait_ms=0), House(tmp_path, risk={"outside_hours": "hold"})
    join(house, rig.ticket("home"))
    key = strategy_key(house)
    async with rig:
        answer = (await rig.post(message(house, "night", key=key))).json()
        assert (answer["status"], answer["pcs"], answer["receipts"]) == ("stored", ["home"], [])
        house.forward(50_000)
        async with house:
            row = await house.signal(await signal_of(house, "night"))
            assert (row.reason, row.figures["age_s"][:2]) == (Reason.LATE, "50")
            [order] = await house.ledger.read(lambda tx: tx.orders.of_signal(row.signal_id))
            assert (order.state, order.reason, order.filled) == (OrderState.REJECTED, Reason.LATE, 0)
            [drift] = await house.ledger.read(lambda tx: drifts(tx, settings=house.settings))
            assert (drift.target, drift.book, [line.cause for line in drift.lines]) == (100, 0, [Cause.LATE])
            # Once the strategy has told all that it holds, a person is offered to catch up.
            now = house.clock.now()
            report = {"kind": "positions", "run": "sim_trade", "made_at": int(now.timestamp() * 1000)}
            report |= {"report": "r-1", "day": f"{now:%Y-%m-%d}", "when": "close"}
            report["positions"] = {CODE: {"amount": 100, "closeable": 100}}
            assert (await house.deliver("demo", json.dumps(report))).status_code == 200
            plan = (await house.console("POST", "/api/repair/plan", json={"strategy": "demo"})).json()
            assert [(item["side"], item["volume"], item["outcome"]) for item in plan["items"]] == [
                ("buy", 100, "place")
            ]
            # JoinQuant's order is told for good: not even fresh news of it makes it a trade.
            await house.send("demo", CODE, "buy", 100, price="10.00", order_id="night")
            await house.settled()
            assert await house.ledger.read(lambda tx: tx.fills.list()) == []
            [receipt] = await rig.heard("night")
        assert (receipt["status"], receipt["why"]) == ("accepted", "late")
        told: list[str] = []

        class Link(_JqFollowLink):
            KEY, RELAY_KEY, say, warn = key.text, rig.key().hex(), told.append, told.append

        Link.stored({"id": "night", "label": "买入 100"}, {"pcs": ["home"], "receipts": [receipt]})
        assert told == ["已送达 买入 100，电脑 home 已收到", "电脑 home 已收到但不会跟 买入 100：late"]
        Link.stored({"id": "x", "label": "x"}, {"pcs": [], "receipts": [], "late": [{"id": "night", **receipt}]})
        assert told[-2:] == ["电脑 home 后来收到了 night", "电脑 home 已收到但不会跟 night：late"]


async def test_nobody_stores_without_the_strategys_relay_key(tmp_path: Path) -> None:
    rig, house = Rig(tmp_path, wait_ms=0), House(tmp_path)
    rig.ticket("home", strategies=("demo", "other"))
    key = strategy_key(house)
    async with rig:
        sent = message(house, "r-1", key=key)
        assert (await rig.post(sent, mac="00" * 32)).status_code == 401
        assert (await rig.post(sent, mac="\x7f")).status_code == 401
        assert (await rig.post(sent, key=rig.key("other"))).status_code == 401
        assert (await rig.post(sent | {"kid": "nobody"})).status_code == 401
        assert (await rig.post({"v": "junk"})).status_code == 400
        assert (await rig.post(sent | {"box": "A" * 20_000})).status_code == 413
        assert (await rig.http.get("/api/receipts", params={"kid": "demo", "id": "r-1"})).status_code == 401
        assert (await rig.http.get("/docs")).status_code == 404
        spare = rig.ticket("spare")
        admin = await connect(spare.url, Book.open(rig.folder).admin, "admin", trusting(spare.certificate))
        assert (await admin.jetstream().stream_info(SIGNALS)).state.messages == 0
        await admin.close()


async def test_a_stolen_pc_credential_reads_only_its_own(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    thief, victim = rig.ticket("thief", strategies=("other",)), rig.ticket("victim")
    async with rig:
        connection = await connect(thief.url, thief.seed, "thief", trusting(thief.certificate))
        try:
            tries = (
                f"$JS.API.CONSUMER.MSG.NEXT.{SIGNALS}.{victim.pc}",
                f"$JS.API.STREAM.MSG.GET.{SIGNALS}",
                f"$JS.API.DIRECT.GET.{RECEIPTS}",
                f"$JS.API.STREAM.PURGE.{SIGNALS}",
                f"$JS.API.CONSUMER.DURABLE.CREATE.{SIGNALS}.mine",
                "sig.demo",
                "rcpt.victim.demo.x",
            )
            asked = (connection.request(subject, b"1", timeout=0.3) for subject in tries)
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(answer, nats.errors.Error) for answer in answers), answers
            assert (await connection.jetstream().consumer_info(SIGNALS, "thief")).name == "thief"
        finally:
            await connection.close()


@pytest.mark.slow
async def test_a_killed_engine_comes_back_and_what_it_stored_is_there(tmp_path: Path) -> None:
    rig, house = Rig(tmp_path, wait_ms=0), House(tmp_path)
    join(house, rig.ticket("home"))
    key = strategy_key(house)
    async with rig:
        names = [f"k-{number}" for number in range(6)]
        for number, name in enumerate(names):
            sent = message(house, name, key=key)
            if number in {2, 4}:
                assert rig.relay.engine.pid is not None
                os.kill(rig.relay.engine.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
            async with asyncio.timeout(30):
                while (await rig.post(sent)).status_code != 200:  # noqa: ASYNC110 - a client has no event
                    await asyncio.sleep(0.1)
        async with house:
            rows = [await house.signal(await signal_of(house, name)) for name in names]
            assert [row.message_id for row in rows] == names
            orders = [await house.ledger.read(lambda tx, n=row.signal_id: tx.orders.of_signal(n)) for row in rows]
            assert [len(one) for one in orders] == [1] * len(names)


def test_an_account_belongs_to_one_pc_until_a_person_moves_it(tmp_path: Path) -> None:
    book, _ = Book.open(tmp_path).with_pc("home", ("8888",), ("demo",))
    with pytest.raises(RelayError, match="home"):
        book.with_pc("office", ("8888",), ("demo",))
    book, _ = book.with_pc("office", (), ("demo",))
    moved = book.moved("8888", "office")
    assert (moved.pcs["home"].accounts, moved.pcs["office"].accounts) == ((), ("8888",))


async def test_the_client_of_a_strategy_says_which_pc_is_silent_and_hears_late_answers(tmp_path: Path) -> None:
    rig, house = Rig(tmp_path, wait_ms=300), House(tmp_path, clock=SystemClock())
    join(house, rig.ticket("home"))
    rig.ticket("asleep")
    told: list[str] = []

    class Link(_JqFollowLink):
        URL, STRATEGY = f"http://127.0.0.1:{rig.config.port}", "demo"
        KEY, RELAY_KEY = strategy_key(house).text, rig.key().hex()
        say = warn = told.append

    def send(name: str) -> str:
        text = json.dumps({"kind": "hello", "run": "sim_trade", "made_at": int(time.time() * 1000), "note": ""})
        message = {"id": name, "text": text, "label": name, "kind": "hello"}
        outcome, answer, _ = Link.attempt(message, 4.0)
        if outcome == "done":
            Link.delivered(message, answer)
        return str(outcome)

    async with rig:
        assert await asyncio.to_thread(send, "c-1") == "done"
        assert told == ["中继已存下 c-1，电脑 home、asleep 尚未确认"]
        async with house:
            await rig.heard("c-1")
            assert await asyncio.to_thread(send, "c-2") == "done"
            assert told[-1] == "电脑 home 后来收到了 c-1"
            for number in range(3, 20):  # a busy machine may answer later than the relay waits
                assert await asyncio.to_thread(send, f"c-{number}") == "done"
                if f"已送达 c-{number}，电脑 home 已收到" in told:
                    break
            assert f"中继已存下 c-{number}，电脑 asleep 尚未确认" in told
        Link.RELAY_KEY = "00" * 32
        assert await asyncio.to_thread(send, "c-x") == "refused"


async def test_a_revoked_pc_is_cut_off(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    old = rig.ticket("home")
    async with rig:
        connection = await connect(old.url, old.seed, "home", trusting(old.certificate))
        assert (await connection.jetstream().consumer_info(SIGNALS, "home")).name == "home"
        await connection.close()
        rig.ticket("home")
        await rig.relay.look()
        with pytest.raises((nats.errors.Error, OSError, TimeoutError)):
            await connect(old.url, old.seed, "home", trusting(old.certificate), lost=lambda: None)


async def test_a_full_store_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    rig, house = Rig(tmp_path, wait_ms=0, max_store_mb=1), House(tmp_path)
    home = rig.ticket("home")
    key = strategy_key(house)
    async with rig:
        now = int(house.clock.now().timestamp())
        codes = []
        for number in range(200):
            sent = seal(key, "demo", f"f-{number}", now, "x" * 11_000)
            answer = await rig.post(sent)
            codes.append(answer.status_code)
            if answer.status_code != 200:
                assert answer.json()["error"] == "store"
                assert "retry-after" in answer.headers
                break
        stored = len(codes) - 1
        assert (codes[-1], 30 < stored < 100) == (503, True)
        admin = await connect(home.url, Book.open(rig.folder).admin, "admin", trusting(home.certificate))
        state = (await admin.jetstream().stream_info(SIGNALS)).state
        assert (state.messages, state.first_seq) == (stored, 1)
        await admin.close()


async def test_an_engine_that_does_not_sync_each_message_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = engine.engine_config
    monkeypatch.setattr(engine, "engine_config", lambda *given: written(*given).replace('"always"', '"2m"'))
    with pytest.raises(RelayError, match="does not sync"):
        async with Rig(tmp_path):
            raise AssertionError("it started")


async def test_the_engine_of_a_relay_that_was_killed_is_ended_by_the_next(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.ticket("home")
    left, book = engine.Engine(rig.config, rig.folder), Book.open(rig.folder)
    await left.start(book)
    async with rig:
        assert left.pid is None
        assert rig.relay.engine.pid is not None
