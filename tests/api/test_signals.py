"""The signals port's answers, one by one."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jqfollow.api.clocks import ClockWatch
from jqfollow.api.metrics import Counters
from jqfollow.api.signals import COUNTER, signals_app
from jqfollow.domain import Side, SignalKind, Wire
from jqfollow.ledger.errors import LedgerError
from jqfollow.settings import Settings
from jqfollow.wire.jqf1 import Key, verify_ack

from .conftest import sender
from .fakes import START, FakeClock, FakeIntake, FakeKeys
from .messages import KEY, OLD_KEY, STRANGER, hello_text, order_text, sealed, seed_body

ORDER = "/api/order"


VECTORS = json.loads((Path(__file__).parents[1] / "wire" / "vectors" / "jqf1.json").read_text(encoding="utf-8"))


async def test_a_signal_is_recorded_and_answered_with_a_proof(signals: httpx.AsyncClient, intake: FakeIntake) -> None:
    answer = await signals.post(ORDER, content=sealed())
    assert answer.status_code == 200
    body = answer.json()
    assert body == {"status": "accepted", "id": "demo-1", "signal_id": 1, "mac": body["mac"]}
    assert verify_ack(KEY, "demo-1", "accepted", body["mac"])
    [signal] = intake.recorded
    assert (signal.strategy, signal.wire, signal.kind, signal.run) == ("demo", Wire.JQF1, SignalKind.ORDER, "sim_trade")
    assert signal.text == order_text()
    assert signal.order is not None
    assert (signal.order.symbol, signal.order.side, signal.order.amount) == ("000001.SZ", Side.BUY, 1000)
    assert signal.received_at == START == signal.made_at


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["id"])
async def test_answers_bear_the_vectors_macs(
    signals: httpx.AsyncClient, keys: FakeKeys, clock: FakeClock, case: dict[str, Any]
) -> None:
    keys.by_strategy["demo"] = (Key.parse(VECTORS["key"]),)
    clock.advance(case["ts"] - START.timestamp())
    first = await signals.post(ORDER, json=case["body"])
    assert (first.status_code, first.json()["mac"]) == (200, case["accepted_mac"])
    again = await signals.post(ORDER, json=case["body"])
    assert (again.json()["status"], again.json()["mac"]) == ("duplicate", case["duplicate_mac"])


async def test_a_repeated_message_is_a_duplicate_with_the_first_id(
    signals: httpx.AsyncClient, intake: FakeIntake
) -> None:
    await signals.post(ORDER, content=sealed(message_id="a"))
    await signals.post(ORDER, content=sealed(message_id="b", text=order_text("2")))
    again = await signals.post(ORDER, content=sealed(message_id="a", shift_s=20))
    assert again.json()["signal_id"] == 1
    assert again.json()["status"] == "duplicate"
    assert verify_ack(KEY, "a", "duplicate", again.json()["mac"])
    assert len(intake.recorded) == 2
    assert intake.calls == 2, "a replay does not reach the ledger"


async def test_a_message_known_to_the_ledger_only_is_a_duplicate_too(
    signals: httpx.AsyncClient, forgetful: httpx.AsyncClient, intake: FakeIntake
) -> None:
    await signals.post(ORDER, content=sealed())
    again = await forgetful.post(ORDER, content=sealed())
    assert (again.json()["status"], intake.calls) == ("duplicate", 2)


async def test_a_known_id_with_another_text_is_a_conflict(signals: httpx.AsyncClient, intake: FakeIntake) -> None:
    await signals.post(ORDER, content=sealed())
    answer = await signals.post(ORDER, content=sealed(order_text("2")))
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
    assert len(intake.recorded) == 1


async def test_the_previous_key_is_accepted_and_seals_its_own_answer(signals: httpx.AsyncClient) -> None:
    answer = await signals.post(ORDER, content=sealed(key=OLD_KEY))
    assert verify_ack(OLD_KEY, "demo-1", "accepted", answer.json()["mac"])


async def test_hello_tells_version_time_skew_and_accounts(signals: httpx.AsyncClient) -> None:
    answer = await signals.post(ORDER, content=sealed(hello_text(), shift_s=-12))
    body = answer.json()
    assert body["time"] == "2026-01-05 10:00:00"
    assert body["skew_s"] == -12
    assert body["version"]
    assert body["accounts"] == [
        {"account": "paper", "can_trade": True, "why": ""},
        {"account": "main", "can_trade": False, "why": "MiniQMT 未登录"},
    ]
    assert verify_ack(KEY, "demo-1", "accepted", body["mac"])


UNTRUSTED = {
    "unknown strategy": sealed(kid="nobody"),
    "strategy with a key but no configuration": sealed(kid="gone"),
    "strategy of the other wire": sealed(kid="old"),
    "another key": sealed(key=STRANGER),
    "too old": sealed(shift_s=-301),
    "too young": sealed(shift_s=301),
    "changed id": sealed().replace(b'"demo-1"', b'"demo-2"'),
    "changed time": sealed().replace(str(int(START.timestamp())).encode(), str(int(START.timestamp()) + 1).encode()),
    "seed with another secret": seed_body("guess"),
    "stale seed": seed_body(sent=START.replace(hour=9)),
}


@pytest.mark.parametrize("body", UNTRUSTED.values(), ids=UNTRUSTED.keys())
async def test_whatever_is_not_authentic_gets_one_and_the_same_answer(
    signals: httpx.AsyncClient, intake: FakeIntake, body: bytes
) -> None:
    reference = await signals.post(ORDER, content=sealed(key=STRANGER))
    answer = await signals.post(ORDER, content=body)
    assert answer.status_code == 401
    assert answer.content == reference.content
    assert answer.headers == reference.headers
    assert intake.calls == 0


@pytest.mark.parametrize("shift_s", [-300, 300])
async def test_the_edge_of_freshness_is_fresh(signals: httpx.AsyncClient, shift_s: int) -> None:
    assert (await signals.post(ORDER, content=sealed(shift_s=shift_s))).status_code == 200


MALFORMED = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "another version": sealed().replace(b'"jqf1"', b'"jqf2"', 1),
    "a key too many": sealed().replace(b"{", b'{"x": 1, ', 1),
    "no text of ours": sealed("{}"),
    "a negative amount": sealed(order_text(amount=-100)),
    "NaN": sealed(order_text(price="NaN")),
    "seed without fields": b'{"encrypted_order": "e30="}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_the_wrong_shape_is_400(signals: httpx.AsyncClient, intake: FakeIntake, body: bytes) -> None:
    answer = await signals.post(ORDER, content=body)
    assert answer.status_code == 400
    assert answer.json().keys() == {"status", "error", "detail"}
    assert intake.calls == 0


async def test_the_original_client_is_answered_by_its_signature(signals: httpx.AsyncClient, intake: FakeIntake) -> None:
    answer = await signals.post(ORDER, content=seed_body())
    [signal] = intake.recorded
    assert answer.json() == {"status": "accepted", "id": signal.message_id, "signal_id": 1, "mac": None}
    assert (signal.strategy, signal.wire, len(signal.message_id)) == ("old", Wire.SEED, 64)
    assert "xxx" not in signal.text, "the password field is not kept"
    assert (await signals.post(ORDER, content=seed_body())).json()["status"] == "duplicate"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_only_json_is_read(signals: httpx.AsyncClient, kind: str) -> None:
    answer = await signals.post(ORDER, content=sealed(), headers={"content-type": kind})
    assert (answer.status_code, answer.json()["error"]) == (415, "not_json")


async def test_a_charset_does_no_harm(signals: httpx.AsyncClient) -> None:
    answer = await signals.post(ORDER, content=sealed(), headers={"content-type": "Application/JSON; charset=utf-8"})
    assert answer.status_code == 200


async def test_size_is_bounded(signals: httpx.AsyncClient) -> None:
    assert (await signals.post(ORDER, content=b" " * 16 * 1024)).status_code == 400
    answer = await signals.post(ORDER, content=b" " * (16 * 1024 + 1))
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")


async def test_a_length_is_required(signals: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield sealed()

    answer = await signals.post(ORDER, content=chunks())
    assert (answer.status_code, answer.json()["error"]) == (411, "length_required")


async def test_get_says_ok(signals: httpx.AsyncClient) -> None:
    answer = await signals.get(ORDER)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/healthz"),
        ("GET", "/metrics"),
        ("GET", "/api/order/"),
        ("GET", "//api/order"),
        ("POST", "/api/orders"),
        ("HEAD", "/api/order"),
        ("PUT", "/api/order"),
        ("OPTIONS", "/api/order"),
        ("DELETE", "/api/order"),
        ("TRACE", "/"),
    ],
)
async def test_everything_else_is_404_with_an_empty_body(signals: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await signals.request(method, path)
    assert (answer.status_code, answer.content) == (404, b"")
    assert "allow" not in answer.headers


async def test_authentic_signals_have_a_limit_per_strategy(
    signals: httpx.AsyncClient, intake: FakeIntake, clock: FakeClock
) -> None:
    for number in range(5):
        assert (await signals.post(ORDER, content=sealed(message_id=f"m{number}"))).status_code == 200
        clock.advance(1)
    over = await signals.post(ORDER, content=sealed(message_id="m5"))
    assert (over.status_code, over.headers["retry-after"]) == (429, "55")
    other = await signals.post(ORDER, content=sealed(kid="other"))
    assert other.status_code == 200, "another strategy has a share of its own"
    clock.advance(55)
    assert (await signals.post(ORDER, content=sealed(message_id="m5"))).status_code == 200
    assert len(intake.recorded) == 7


async def test_junk_and_replays_use_up_nothing_of_the_share(signals: httpx.AsyncClient, intake: FakeIntake) -> None:
    statuses = [(await signals.post(ORDER, content=sealed(key=STRANGER))).status_code for _ in range(15)]
    assert statuses == [401] * 10 + [429] * 5
    first = sealed(message_id="m0")
    for _ in range(20):
        assert (await signals.post(ORDER, content=first)).status_code == 200
    for number in range(1, 5):
        assert (await signals.post(ORDER, content=sealed(message_id=f"m{number}"))).status_code == 200
    assert len(intake.recorded) == 5


async def test_conflicts_and_ledger_duplicates_use_up_nothing_either(
    signals: httpx.AsyncClient, forgetful: httpx.AsyncClient
) -> None:
    await signals.post(ORDER, content=sealed())
    for _ in range(6):
        assert (await forgetful.post(ORDER, content=sealed())).json()["status"] == "duplicate"
        assert (await forgetful.post(ORDER, content=sealed(order_text("2")))).status_code == 409


async def test_a_ledger_that_cannot_be_written_is_503(signals: httpx.AsyncClient, intake: FakeIntake) -> None:
    intake.error = LedgerError("disk full")
    answer = await signals.post(ORDER, content=sealed())
    assert (answer.status_code, answer.json()["error"]) == (503, "ledger")
    assert int(answer.headers["retry-after"]) >= 1
    assert "disk" not in answer.text
    intake.error = None
    assert (await signals.post(ORDER, content=sealed())).json()["status"] == "accepted"


async def test_a_defect_below_is_503_too_and_tells_nothing(signals: httpx.AsyncClient, intake: FakeIntake) -> None:
    intake.error = RuntimeError("secret detail")
    answer = await signals.post(ORDER, content=sealed())
    assert (answer.status_code, answer.json()["error"]) == (503, "internal")
    assert "secret" not in answer.text


async def test_a_hanging_ledger_holds_nobody_up(signals: httpx.AsyncClient, intake: FakeIntake) -> None:
    intake.gate = asyncio.Event()
    answers = await asyncio.gather(*(signals.post(ORDER, content=sealed(message_id=f"m{n}")) for n in range(4)))
    assert [answer.status_code for answer in answers] == [503] * 4
    assert intake.calls == 2, "no more than most_waiting stand before the ledger"
    intake.gate.set()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name().startswith("record-")))
    await asyncio.sleep(0)
    late = await signals.post(ORDER, content=sealed(message_id="m0"))
    assert (late.status_code, late.json()["status"]) == (200, "duplicate"), "the late commit counts"
    assert (await signals.post(ORDER, content=sealed(message_id="m3"))).json()["status"] == "accepted"


async def test_a_flood_of_junk_is_refused_before_it_is_read(signals: httpx.AsyncClient, intake: FakeIntake) -> None:
    deep = b'{"kid": "nobody", "ts": 1, "x": [' + b"1," * 2000 + b"1]}"
    assert [(await signals.post(ORDER, content=deep)).status_code for _ in range(12)] == [400] * 10 + [429] * 2
    for body in (b"{", b"[]", b'{"kid":"nobody"}', sealed(kid="nobody"), sealed(shift_s=-301), seed_body("guess")):
        answer = await signals.post(ORDER, content=body)
        assert (answer.status_code, answer.json()["error"]) == (429, "too_many")
        assert int(answer.headers["retry-after"]) >= 1
    assert (await signals.post(ORDER, content=sealed())).status_code == 200
    assert (await signals.post(ORDER, content=seed_body())).status_code == 200
    spaced = sealed(message_id="m2").replace(b'": ', b'" :\n  ')
    assert (await signals.post(ORDER, content=spaced)).status_code == 200, "however a client writes its JSON"
    assert (await signals.post(ORDER, content=sealed("{}", message_id="m3"))).status_code == 429
    assert len(intake.recorded) == 3


async def test_impossible_texts_of_a_key_holder_use_up_nothing(signals: httpx.AsyncClient) -> None:
    for number in range(8):
        assert (await signals.post(ORDER, content=sealed("{}", message_id=f"m{number}"))).status_code == 400
    assert (await signals.post(ORDER, content=sealed())).status_code == 200


async def test_the_words_of_a_refusal_repeat_nothing(signals: httpx.AsyncClient) -> None:
    for body in (sealed().replace(b'"demo"', b'"SECRET 4711"'), sealed().replace(b'"ts"', b'"SECRET 4711"')):
        answer = await signals.post(ORDER, content=body)
        assert answer.status_code == 400
        assert "SECRET" not in answer.text


async def test_people_are_told_once_an_hour_that_the_clocks_differ(
    settings: Settings, keys: FakeKeys, intake: FakeIntake, clock: FakeClock
) -> None:
    told: list[tuple[str, float]] = []
    known: set[str] = set()

    async def seen(_: str, message_id: str) -> bool:
        return message_id in known

    async def tell(strategy: str, skew_s: float) -> None:
        told.append((strategy, skew_s))

    watch = ClockWatch(seen=seen, tell=tell, clock=clock)
    app = signals_app(settings=settings, keys=keys, intake=intake, clock=clock, clocks=watch)
    async with sender(app) as client:
        known.add("captured")
        assert (await client.post(ORDER, content=sealed(message_id="captured", shift_s=-3600))).status_code == 401
        assert (await client.post(ORDER, content=sealed(key=STRANGER, shift_s=-3600))).status_code == 401
        await asyncio.sleep(0)
        assert told == [], "neither a replay nor a forgery is a wrong clock"
        for number in range(5):
            answer = await client.post(ORDER, content=sealed(message_id=f"m{number}", shift_s=7200))
            assert answer.status_code == 401
            await asyncio.sleep(0)
        assert told == [("demo", 7200)]
        clock.advance(3600)
        await client.post(ORDER, content=sealed(message_id="m9", at=clock.now(), shift_s=-301))
        await asyncio.sleep(0)
        assert told == [("demo", 7200), ("demo", -301)]


async def test_answers_are_counted(signals: httpx.AsyncClient, counters: Counters) -> None:
    await signals.post(ORDER, content=sealed())
    await signals.post(ORDER, content=b"{")
    await signals.get("/elsewhere")
    assert counters.get(COUNTER, status="200") == 1
    assert counters.get(COUNTER, status="400") == 1
    assert counters.get(COUNTER, status="404") == 0
