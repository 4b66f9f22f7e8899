"""Days, results, names, the log, messages, and who did what."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow import log_reading
from jqfollow.costs.days import BookDay
from jqfollow.costs.standings import span, standing
from jqfollow.ledger import Ledger
from jqfollow.notify.kinds import Kind
from jqfollow.settings import Settings

from .fakes import START, FakeDesk

WHO = {"jqfollow-who": quote("张三\t与 李四")}


async def test_what_a_person_does_is_kept_with_who_and_when(
    console: httpx.AsyncClient, desk: FakeDesk, ledger: Ledger
) -> None:
    desk.rows = lambda: [ledger.read_now(lambda tx: tx.orders.get(3))]  # type: ignore[list-item]
    await console.post("/api/pause", json={"strategy": "demo", "buys": True}, headers=WHO)
    await console.post("/api/pause", json={"account": "paper"})
    await console.post("/api/resume", json={}, headers={"jqfollow-who": "%00%1b[31m"})
    order = {"strategy": "demo", "account": "paper", "security": "000001.XSHE", "side": "buy", "volume": 100}
    await console.post("/api/orders", json=order, headers=WHO)
    await console.post("/api/orders/3/cancel", headers=WHO)
    found = (await console.get("/api/deeds")).json()["items"]
    assert [(d["who"], d["what"], d["strategy"], d["account"]) for d in found] == [
        ("张三 与 李四", "cancel", "demo", "paper"),
        ("张三 与 李四", "place", "demo", "paper"),
        ("console", "resume", "", ""),
        ("console", "pause", "", "paper"),
        ("张三 与 李四", "pause_buys", "demo", ""),
    ]
    assert all(d["at"].startswith("2026-01-05T10:00") for d in found)


async def test_a_message_is_sent_again(console: httpx.AsyncClient, ledger: Ledger) -> None:
    await ledger.write(lambda tx: tx.outbox.put(Kind.ALERT, "小心", START, unique_key="k"))
    [first] = (await console.get("/api/messages?limit=1")).json()
    again = (await console.post(f"/api/messages/{first['outbox_id']}/resend", headers=WHO)).json()
    assert (again["text"], again["state"]) == ("小心", "pending")
    assert again["outbox_id"] > first["outbox_id"]
    assert (await console.get("/api/deeds")).json()["items"][0]["detail"] == f"#{first['outbox_id']}"
    assert (await console.post("/api/messages/999999/resend")).status_code == 404


@pytest.mark.parametrize(
    ("q", "orders"),
    [
        ("600519", {2}),
        ("600519.XSHG", {2}),
        ("茅台", {2}),
        ("#3", {3}),
        ("demo-2", {2}),
        ("nothing at all", set()),
        ("' OR 1=1 --", set()),
        ("99999999999999999999999", set()),
    ],
)
async def test_orders_are_found_by_what_a_person_types(
    console: httpx.AsyncClient, ledger: Ledger, q: str, orders: set[int]
) -> None:
    await ledger.write(lambda tx: tx.security_names.put({"600519.SH": "贵州茅台"}))
    assert (await console.get("/api/names")).json() == {"600519.SH": "贵州茅台"}
    found = (await console.get("/api/find", params={"q": q})).json()["items"]
    assert {order["order_id"] for order in found} == orders


async def test_orders_are_found_by_day_and_state(console: httpx.AsyncClient) -> None:
    days = (await console.get("/api/days", params={"month": "2026-01-31"})).json()
    assert days["first"] == "2026-01-05"
    assert [day["day"] for day in days["days"]] == ["2026-01-05"]
    assert (await console.get("/api/days", params={"month": "2026-02-01"})).json()["days"] == []
    found = (await console.get("/api/find", params={"day": "2026-01-05", "state": "rejected"})).json()["items"]
    assert found
    assert {order["state"] for order in found} == {"rejected"}
    assert (await console.get("/api/find", params={"day": "2026-01-06"})).json()["items"] == []
    first = (await console.get("/api/find", params={"limit": 2})).json()
    more = (await console.get("/api/find", params={"limit": 2, "before_id": first["next_before_id"]})).json()
    assert [o["order_id"] for o in first["items"] + more["items"]] == sorted(
        (o["order_id"] for o in first["items"] + more["items"]), reverse=True
    )


async def test_results_and_curves(console: httpx.AsyncClient) -> None:
    told = (await console.get("/api/results")).json()
    [paper] = [curve for curve in told["accounts"] if curve["account"] == "paper"]
    assert paper["curve"][-1]["day"] == "2026-01-05"
    [demo] = [one for one in told["standings"] if (one["account"], one["strategy"]) == ("paper", "demo")]
    assert demo["day"] == demo["week"] == demo["all"]
    assert Decimal(demo["all"]["result"]) == Decimal(demo["all"]["realised"]) + Decimal(demo["floating"])
    assert Decimal(demo["curve"][-1]["value"]) == Decimal(demo["all"]["result"])


async def test_what_following_cost_adds_up_and_follows_what_happens(console: httpx.AsyncClient, ledger: Ledger) -> None:
    def sums(told: dict[str, Any]) -> None:
        for cost in [told["all"]["cost"], *(o["cost"] for o in told["orders"] if o["cost"])]:
            parts = [Decimal(cost[part]) for part in ("delay", "trading", "opportunity", "fees")]
            assert Decimal(cost["total"]) == sum(parts)
        of_books = sum((Decimal(book["cost"]["total"]) for book in told["books"]), Decimal(0))
        assert of_books == Decimal(told["all"]["cost"]["total"])
        assert told["all"]["orders"] == sum(book["orders"] for book in told["books"]) == len(told["orders"])

    await ledger.write(
        lambda tx: [tx.marks.arrived(number, Decimal(price)) for number, price in ((1, "10.52"), (2, "1523.50"))]
    )
    told = (await console.get("/api/shortfall")).json()
    sums(told)
    assert (told["first"], told["last"]) == ("2025-12-07", "2026-01-05")
    costs = {order["order_id"]: order["cost"] for order in told["orders"]}
    assert Decimal(costs[1]["trading"]) == 10, "a cent a share"
    assert costs[2] is None, "what was refused has no cost before the close is known"
    await ledger.write(lambda tx: tx.marks.closed(2, Decimal("1533.50")))
    told = (await console.get("/api/shortfall")).json()
    sums(told)
    assert told["orders"][0]["order_id"] == 2, "the costliest first"
    assert Decimal(told["orders"][0]["cost"]["opportunity"]) == 1000
    one = (await console.get("/api/shortfall", params={"strategy": "other", "days": 1})).json()
    assert {book["strategy"] for book in one["books"]} == {"other"}
    assert (await console.get("/api/shortfall", params={"last": "1999-01-01"})).json()["books"] == []
    for wrong in ({"days": 0}, {"days": 93}, {"last": "x"}):
        assert (await console.get("/api/shortfall", params=wrong)).status_code == 422


def book_day(number: int, result: int, cost: int) -> BookDay:
    zero = Decimal(0)
    return BookDay(
        day=date(2026, 1, 1) + timedelta(days=number), account="a", strategy="s", fills=1, bought=zero, sold=zero,
        fees=Decimal(1), realised=Decimal(result), cost=Decimal(cost), value=Decimal(cost), result=Decimal(result),
        total=zero, held={},
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(-1000, 1000), st.integers(0, 10_000)), min_size=1, max_size=40))
def test_spans_add_up(days: list[tuple[int, int]]) -> None:
    rows = [book_day(number, *day) for number, day in enumerate(days)]
    whole = span(rows, None)
    assert whole.result == sum(day[0] for day in days)
    assert whole.fees == len(days)
    assert whole.drawdown >= max(0, -whole.result)
    for cut in range(len(rows)):
        first, second = span(rows[:cut], None), span(rows[cut:], rows[cut - 1] if cut else None)
        assert first.result + second.result == whole.result
        assert max(first.drawdown, second.drawdown) <= whole.drawdown
    one = standing("a", "s", rows, rows[-1].day)
    assert one is not None
    assert one.day.result == days[-1][0]
    assert one.all == whole


def write_log(folder: Path, name: str, *lines: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / name).write_text(text, encoding="utf-8")


def line(number: int, level: str = "info", **more: object) -> dict[str, object]:
    return {"at": f"2026-01-05T10:00:{number:02}", "level": level, "event": f"e{number}", **more}


async def test_the_log_is_read_from_its_end(console: httpx.AsyncClient, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "日志 logs"
    write_log(folder, "jqfollow-20260104.log", line(1), line(2, "error", exception="Traceback"))
    write_log(folder, "jqfollow-20260105.log", *[line(n) for n in range(10, 40)])
    write_log(folder, "jqfollow-20260105.1.log", line(40, "warning", why="磁盘 满了"))
    write_log(folder, "relay-20260105.log", line(59))
    with (folder / "jqfollow-20260105.1.log").open("a", encoding="utf-8") as file:
        file.write('{"half a line')

    def told(**asked: object) -> list[str]:
        return [found.event for found in log_reading.newest(folder, **{"limit": 5, **asked})]  # type: ignore[arg-type]

    assert told() == ["e40", "e39", "e38", "e37", "e36"]
    assert told(level="warning") == ["e40", "e2"]
    assert told(search="满了") == ["e40"]
    assert told(search="TRACEBACK") == ["e2"]
    assert told(day="20260104") == ["e2", "e1"]
    assert log_reading.newest(tmp_path / "nowhere", limit=5) == []
    assert (await console.get("/api/log", params={"level": "everything"})).status_code == 422
    assert (await console.get("/api/log")).status_code == 200


async def test_a_line_longer_than_a_block_is_one_line(tmp_path: Path) -> None:
    write_log(tmp_path, "jqfollow-20260105.log", line(1, text="长" * 100_000), line(2))
    assert [found.event for found in log_reading.newest(tmp_path, limit=9)] == ["e2", "e1"]
