"""The console's queries and actions, over a real ledger."""

import json
from typing import Any, Never

import httpx
import pytest

from jqfollow.domain import ManualOrder, ManualOrderError, Settlement, Side
from jqfollow.ledger import Ledger, LedgerError
from jqfollow.market.calendar import CalendarError

from .fakes import FakeClock, FakeDesk, FakeIntake
from .messages import sealed

BUY = {"strategy": "demo", "account": "paper", "security": "000001.XSHE", "side": "buy", "volume": 100}


async def get(console: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await console.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_status_shows_how_things_stand(console: httpx.AsyncClient) -> None:
    status = await get(console, "/api/status")
    assert status["now"] == "2026-01-05T10:00:00+08:00"
    assert (status["paused"], status["open_orders"], status["outbox_pending"]) == (False, 3, 1)
    assert [(account["account"], account["ready"]) for account in status["accounts"]] == [
        ("paper", True),
        ("main", False),
    ]
    assert status["accounts"][1]["why_zh"] == "MiniQMT 未登录"
    [unknown] = status["unknown"]
    assert (unknown["attempt"]["state"], unknown["order"]["account"], unknown["order"]["unknown"]) == (
        "unknown",
        "main",
        True,
    )
    assert status["notices"][0]["zh"] == "交易日历缺少 2027 年"
    assert (status["relay"]["connected"], status["relay"]["waiting"]) == (True, 3)


async def test_accounts_show_money_as_text_and_hide_the_account_id(console: httpx.AsyncClient) -> None:
    paper, main = await get(console, "/api/accounts")
    assert paper["asset"]["cash"] == "988301.40"
    assert (paper["attempts"], paper["real"], paper["account_id"]) == (3, False, "")
    assert (main["asset"], main["real"], main["account_id"]) == (None, True, "****8888")


async def test_signals_carry_their_orders_newest_first(console: httpx.AsyncClient) -> None:
    page = await get(console, "/api/signals")
    assert [signal["signal_id"] for signal in page["items"]] == [6, 5, 4, 3, 2, 1]
    assert page["next_before_id"] is None
    both = page["items"][3]
    assert [(order["account"], order["state"], order["filled"]) for order in both["orders"]] == [
        ("paper", "partially_filled", 800),
        ("main", "new", 0),
    ]
    assert (both["order"]["price"], both["order"]["day"]) == ("4.102", "2026-01-05")
    ignored = page["items"][1]
    assert (ignored["reason"], ignored["orders"]) == ("not_traded", [])
    assert "已撤" in ignored["why_zh"]


async def test_pages_follow_each_other_without_gap(console: httpx.AsyncClient) -> None:
    seen: list[int] = []
    before = None
    while True:
        params = {"limit": 2} | ({} if before is None else {"before_id": before})
        page = await get(console, "/api/signals", **params)
        seen += [signal["signal_id"] for signal in page["items"]]
        before = page["next_before_id"]
        if before is None:
            break
    assert seen == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({}, [6, 5, 4, 3, 2, 1]),
        ({"account": "main"}, [4]),
        ({"strategy": "other"}, [5]),
        ({"security": "000001.XSHE"}, [6, 1]),
        ({"state": "rejected"}, [2]),
        ({"signal_id": 3}, [4, 3]),
        ({"day": "2026-01-05", "limit": 2}, [6, 5]),
        ({"day": "2026-01-06"}, []),
        ({"before_id": 3}, [2, 1]),
    ],
)
async def test_orders_can_be_filtered(console: httpx.AsyncClient, params: dict[str, Any], found: list[int]) -> None:
    page = await get(console, "/api/orders", **params)
    assert [order["order_id"] for order in page["items"]] == found


async def test_open_orders_have_a_list_of_their_own(console: httpx.AsyncClient) -> None:
    page = await get(console, "/api/orders/open")
    assert [order["order_id"] for order in page["items"]] == [5, 4, 3]
    assert [order["order_id"] for order in (await get(console, "/api/orders/open", account="main"))["items"]] == [4]


async def test_an_order_tells_its_whole_story(console: httpx.AsyncClient) -> None:
    detail = await get(console, "/api/orders/2")
    assert detail["order"]["why_zh"] == "600519.SH 涨停 1523.50，不追买"
    [decision] = detail["decisions"]
    assert (decision["outcome"], decision["why_en"]) == ("refuse", detail["order"]["why_en"])
    assert [verdict["outcome"] for verdict in decision["verdicts"]] == ["pass"] * 5 + ["refuse"]
    filled = await get(console, "/api/orders/1")
    assert [attempt["state"] for attempt in filled["attempts"]] == ["filled"]
    assert (filled["fills"][0]["price"], filled["fills"][0]["fee"]) == ("10.53", "5.00")
    assert [event["event"] for event in filled["events"]] == ["accepted", "reported_filled"]
    assert filled["signal"]["signal_id"] == 1


async def test_positions_stand_beside_what_the_broker_holds(console: httpx.AsyncClient) -> None:
    positions = await get(console, "/api/positions")
    book = next(book for book in positions["items"] if book["security"] == "000001.SZ")
    assert (book["volume"], book["last"], book["value"]) == (800, "10.61", "8488.00")
    held = next(held for held in positions["broker"] if held["security"] == "510300.SH")
    assert (held["volume"], held["available"], held["booked"]) == (800, 0, 800)
    assert (await get(console, "/api/positions", account="main"))["items"] == []


async def test_fills_and_decisions_are_listed(console: httpx.AsyncClient) -> None:
    fills = (await get(console, "/api/fills", security="000001.SZ"))["items"]
    assert [(fill["side"], fill["volume"]) for fill in fills] == [("sell", 200), ("buy", 1000)]
    assert (await get(console, "/api/fills", limit=1))["next_before_id"] == fills[0]["fill_id"]
    assert len((await get(console, "/api/decisions"))["items"]) == 6
    assert [d["outcome"] for d in (await get(console, "/api/decisions", order_id=5))["items"]] == ["wait"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/orders/999", 404, "not_found"),
        ("GET", "/api/nothing", 404, "not_found"),
        ("DELETE", "/api/orders", 405, "wrong_method"),
        ("GET", "/api/orders/abc", 422, "invalid"),
        ("GET", "/api/orders?state=held", 422, "invalid"),
        ("GET", f"/api/orders/{2**63}", 422, "invalid"),
        ("GET", f"/api/orders?signal_id={2**63}", 422, "invalid"),
        ("GET", f"/api/orders?before_id={2**64}", 422, "invalid"),
        ("GET", f"/api/signals?before_id={10**40}", 422, "invalid"),
        ("GET", f"/api/decisions?order_id={2**63}", 422, "invalid"),
        ("POST", f"/api/orders/{2**63}/cancel", 422, "invalid"),
        ("GET", "/api/orders?limit=0", 422, "invalid"),
        ("GET", "/api/orders?security=000001.XSHG", 422, "invalid"),
        ("GET", "/api/fills?day=yesterday", 422, "invalid"),
        ("GET", "/static/..%2fconsole.py", 404, "not_found"),
        ("GET", "/static/nothing.js", 404, "not_found"),
    ],
)
async def test_errors_have_one_shape(
    console: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await console.request(method, path)
    body = answer.json()
    assert (answer.status_code, body["status"], body["error"]) == (status, "error", code)
    assert " / " in body["detail"]


async def test_a_manual_order_goes_to_the_desk(console: httpx.AsyncClient, desk: FakeDesk, ledger: Ledger) -> None:
    desk.rows = lambda: [ledger.read_now(lambda tx: tx.orders.get(1))]  # type: ignore[list-item]
    answer = await console.post("/api/orders", json=BUY | {"price": "10.5"})
    assert answer.status_code == 200
    assert answer.json()[0]["order_id"] == 1
    [placed] = desk.placed
    assert isinstance(placed, ManualOrder)
    assert (placed.side, placed.volume, str(placed.price), placed.confirm) == (Side.BUY, 100, "10.5", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"volume": 0},
        {"volume": -100},
        {"volume": 100.5},
        {"volume": "100"},
        {"volume": 10**12},
        {"price": 0},
        {"price": "NaN"},
        {"price": "-1"},
        {"price": "1e9"},
        {"side": "short"},
        {"strategy": "nobody"},
        {"account": "nobody"},
        {"account": ""},
        {"extra": 1},
    ],
)
async def test_an_impossible_manual_order_is_refused(
    console: httpx.AsyncClient, desk: FakeDesk, wrong: dict[str, Any]
) -> None:
    answer = await console.post("/api/orders", json=BUY | wrong)
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid")
    assert not desk.placed


@pytest.mark.parametrize("confirm", [None, "", "88888889", "****8888"])
async def test_a_real_account_wants_its_account_id(
    console: httpx.AsyncClient, desk: FakeDesk, confirm: str | None
) -> None:
    answer = await console.post("/api/orders", json=BUY | {"account": "main", "confirm": confirm})
    assert (answer.status_code, answer.json()["error"]) == (409, "refused")
    assert "88888888" not in answer.text
    assert not desk.placed
    await console.post("/api/orders", json=BUY | {"account": "main", "confirm": "88888888"})
    assert desk.placed[0].confirm == "88888888"


async def test_a_repeated_request_places_one_order(console: httpx.AsyncClient, desk: FakeDesk) -> None:
    key = {"idempotency-key": "one"}
    for _ in range(3):
        assert (await console.post("/api/orders", json=BUY, headers=key)).status_code == 200
    assert len(desk.placed) == 1
    other = await console.post("/api/orders", json=BUY | {"volume": 200}, headers=key)
    assert other.status_code == 409
    await console.post("/api/orders", json=BUY, headers={"idempotency-key": "two"})
    assert len(desk.placed) == 2
    desk.error = ManualOrderError("账户未连接", "not connected")
    third = {"idempotency-key": "three"}
    assert (await console.post("/api/orders", json=BUY, headers=third)).status_code == 409
    desk.error = None
    assert (await console.post("/api/orders", json=BUY, headers=third)).status_code == 200, "refused is not done"


async def test_what_the_desk_refuses_is_told_in_both_languages(console: httpx.AsyncClient, desk: FakeDesk) -> None:
    desk.error = ManualOrderError("订单已结束", "the order is over")
    for path, body in (("/api/orders", BUY), ("/api/orders/1/cancel", None), ("/api/orders/1/settle", NOT_PLACED)):
        answer = await console.post(path, json=body)
        assert answer.status_code == 409
        assert answer.json() == {"status": "error", "error": "refused", "detail": "订单已结束 / the order is over"}


NOT_PLACED = {"outcome": "not_placed"}


async def test_cancel_and_settle_go_to_the_desk(console: httpx.AsyncClient, desk: FakeDesk, ledger: Ledger) -> None:
    desk.rows = lambda: [ledger.read_now(lambda tx: tx.orders.get(4))]  # type: ignore[list-item]
    assert (await console.post("/api/orders/4/cancel")).json()["order_id"] == 4
    ended = {"outcome": "ended", "filled": 300, "price": "4.1"}
    assert (await console.post("/api/orders/4/settle", json=ended)).json()["unknown"] is True
    assert desk.canceled == [4]
    [(order_id, settlement)] = desk.settled
    assert (order_id, settlement.filled, str(settlement.price)) == (4, 300, "4.1")
    assert isinstance(settlement, Settlement)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"outcome": "maybe"},
        {"outcome": "placed"},
        {"outcome": "not_placed", "filled": 100},
        {"outcome": "ended", "filled": 100},
        {"outcome": "ended", "filled": -1},
        {"outcome": "ended", "filled": 100, "price": "1e-999999999"},
    ],
)
async def test_an_impossible_settlement_is_refused(
    console: httpx.AsyncClient, desk: FakeDesk, wrong: dict[str, Any]
) -> None:
    assert (await console.post("/api/orders/4/settle", json=wrong)).status_code == 422
    assert not desk.settled


async def test_pause_and_resume_stand_in_the_ledger(console: httpx.AsyncClient, ledger: Ledger) -> None:
    paused = await console.post("/api/pause", json={})
    everything = {"strategy": "", "account": "", "since": "2026-01-05T10:00:00+08:00", "buys": False}
    assert paused.json()["pauses"] == [everything]
    status = await get(console, "/api/status")
    assert status["paused"]
    assert status["accounts"][0]["paused"]
    assert ledger.read_now(lambda tx: tx.pauses.active("demo", "paper")) is not None
    await console.post("/api/pause", json={"strategy": "demo"})
    assert (await console.post("/api/resume", json={})).json() == {"pauses": []}
    assert (await console.post("/api/pause", json={"account": "nobody"})).status_code == 422


async def test_health_needs_no_token_and_says_what_is_not_ready(
    stranger: httpx.AsyncClient, intake: FakeIntake
) -> None:
    assert (await stranger.get("/healthz")).json() == {"status": "ok"}
    answer = await stranger.get("/readyz")
    assert answer.status_code == 503
    assert [account["account"] for account in answer.json()["accounts"] if not account["ready"]] == ["main"]
    intake.states.pop()
    assert (await stranger.get("/readyz")).status_code == 200


async def test_what_is_no_json_is_400_in_the_one_shape(console: httpx.AsyncClient, desk: FakeDesk) -> None:
    headers = {"content-type": "application/json"}
    for body in (b"{", b"[" * 50_000, b"\xff", b'{"strategy": "a", "strategy": "b"}', b'{"volume": NaN}', b"[]"):
        for path in ("/api/orders", "/api/pause", "/api/orders/1/settle"):
            answer = await console.post(path, content=body, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (400, "malformed")
    other = await console.post("/api/pause", content=b"{}", headers={"content-type": "text/plain"})
    assert (other.status_code, other.json()["error"]) == (415, "not_json")
    large = await console.post("/api/pause", content=b" " * (64 * 1024 + 1), headers=headers)
    assert (large.status_code, large.json()["error"]) == (413, "too_large")
    assert not desk.placed


async def test_not_ready_while_a_signal_could_not_be_recorded(
    stranger: httpx.AsyncClient, signals: httpx.AsyncClient, intake: FakeIntake, ledger: Ledger
) -> None:
    intake.states = [state for state in intake.states if state.ready]
    assert (await stranger.get("/readyz")).status_code == 200
    intake.error = LedgerError("disk full")
    assert (await signals.post("/api/order", content=sealed())).status_code == 503
    await stranger.get("/readyz")
    assert (await stranger.get("/readyz")).status_code == 200, "asked by writing: it can be written again"
    ledger.write_now(lambda tx: tx.meta.set("x", "y"))
    await ledger.close()
    ready = await stranger.get("/readyz")
    assert (ready.status_code, ready.json()["ledger"]) == (503, False)


async def test_the_signals_ports_document_is_shown_here_and_only_to_the_owner(
    console: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    document = (await console.get("/openapi/signals.json")).json()
    assert list(document["paths"]) == ["/api/order"]
    post = document["paths"]["/api/order"]["post"]
    assert set(post["responses"]) == {"200", "400", "401", "408", "409", "411", "413", "415", "429", "503"}
    wires = str(post["requestBody"]["content"]["application/json"]["schema"])
    assert "Jqf1Envelope" in wires
    assert "SeedEnvelope" in wires
    assert (await stranger.get("/openapi/signals.json")).status_code == 401


async def test_a_closed_ledger_is_503_and_not_ready(
    console: httpx.AsyncClient, ledger: Ledger, intake: FakeIntake
) -> None:
    intake.states.clear()
    await ledger.close()
    answer = await console.get("/api/status")
    assert (answer.status_code, answer.json()["error"]) == (503, "ledger")
    ready = await console.get("/readyz")
    assert (ready.status_code, ready.json()["ledger"]) == (503, False)


async def test_metrics_are_prometheus_text(console: httpx.AsyncClient) -> None:
    await console.get("/api/nothing")
    answer = await console.get("/metrics")
    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        "# TYPE jqfollow_console_answers_total counter",
        'jqfollow_console_answers_total{status="404"} 1',
    ):
        assert line in lines


async def test_the_documentation_is_complete(console: httpx.AsyncClient) -> None:
    schema = await get(console, "/openapi.json")
    assert "HTTPBearer" in schema["components"]["securitySchemes"]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert " / " in operation["summary"], f"{method} {path}"
            assert path in {"/healthz", "/readyz", "/metrics"} or operation["security"]
    body = schema["components"]["schemas"]["ManualOrderIn"]["examples"][0]
    assert body["volume"] == 100


async def test_a_defect_is_500_in_the_one_shape(
    console: httpx.AsyncClient, intake: FakeIntake, clock: FakeClock
) -> None:
    intake.states = None  # type: ignore[assignment]
    answer = await console.get("/api/status")
    assert (answer.status_code, answer.json()["error"]) == (500, "internal")


async def test_what_is_raised_on_purpose_says_why(
    console: httpx.AsyncClient, intake: FakeIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def states(*_: object) -> Never:
        raise CalendarError("交易日历只到 2026 年", "the calendar ends with 2026")

    monkeypatch.setattr(intake, "account_states", states)
    answer = await console.get("/api/status")
    assert (answer.status_code, answer.json()) == (
        409,
        {"status": "error", "error": "refused", "detail": "交易日历只到 2026 年 / the calendar ends with 2026"},
    )


@pytest.mark.parametrize("day", ["0001-01-01", "1990-12-18", "2200-01-01", "9999-12-31"])
async def test_no_query_takes_a_day_that_no_exchange_has(console: httpx.AsyncClient, day: str) -> None:
    schema = await get(console, "/openapi.json")
    asked = 0
    for path, methods in schema["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", []):
            if '"date"' in json.dumps(parameter):
                answer = await console.get(path, params={parameter["name"]: day})
                assert (answer.status_code, parameter["name"] in answer.text) == (422, True), path
                asked += 1
    assert asked > 5
