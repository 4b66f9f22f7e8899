"""Nonsense about positions, books and plans: refused with the figures, and nothing is changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from jqfollow.domain import BrokerError
from jqfollow.drift.reading import COUNTER_LAGS

from .house import House

PING_AN = "000001.XSHE"


def positions(house: House, held: Any, **more: Any) -> str:
    told = {"kind": "positions", "run": "sim_trade", "made_at": int(house.clock.now().timestamp() * 1000),
            "cash": 1.0, "total_value": 1000.0, "positions": held, "report": "r1", "part": 1, "parts": 1,
            "when": "close", "day": f"{house.clock.now():%Y-%m-%d}"}  # fmt: skip
    return json.dumps(told | more)


def _held(amount: int) -> dict[str, int]:
    return {"amount": amount, "closeable": amount}


async def test_a_report_with_nonsense_is_none_and_half_a_report_neither(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        for amount in (-100, 100.5, "many", None, 10**30):
            answer = await house.deliver("demo", positions(house, {PING_AN: {"amount": amount, "closeable": 0}}))
            assert answer.status_code == 400, amount
        answer = await house.deliver("demo", positions(house, {PING_AN: {"amount": 100, "closeable": 0}}, parts=2))
        assert answer.status_code == 200
        assert await house.get("/api/drift?every=true") == [], "half of it"
        unknown = positions(house, {"ABC.XXXX": _held(100), PING_AN: _held(300)}, report="r2")
        assert (await house.deliver("demo", unknown)).status_code == 200
        house.forward(1)
        later = positions(house, {"ABC.XXXX": _held(200), PING_AN: _held(300)}, report="r3")
        assert (await house.deliver("demo", later)).status_code == 200
        [row] = await house.get("/api/drift")
        assert (row["security"], row["drift"]) == ("ABC.XXXX", "100")
        plan = await house.console("POST", "/api/repair/plan", json={"strategy": "demo", "words": ["unexplained"]})
        assert [k["why"] for k in plan.json()["kept"]] == ["unknown_security"]


NONSENSE: list[tuple[str, dict[str, Any]]] = [
    ("/api/repair/plan", {"strategy": "nobody"}),
    ("/api/repair/plan", {"strategy": "demo", "account": "nobody"}),
    ("/api/repair/plan", {"strategy": "demo", "security": "x" * 33}),
    ("/api/repair/plan", {"strategy": "demo", "security": "ABC"}),
    ("/api/repair/plan", {"strategy": "demo", "words": ["all"]}),
    ("/api/repair", {"strategy": "demo", "plan": "../../etc"}),
    ("/api/repair", {"strategy": "demo", "plan": "f" * 16}),
    ("/api/repair", {"strategy": "demo"}),
    ("/api/books/set", {"account": "paper", "strategy": "demo", "security": PING_AN, "shares": 10**11}),
    ("/api/books/set", {"account": "paper", "strategy": "demo", "security": PING_AN, "shares": True}),
    ("/api/books/set", {"account": "nobody", "strategy": "demo", "security": PING_AN, "shares": 1}),
    ("/api/books/set", {"account": "paper", "strategy": "nobody", "security": PING_AN, "shares": 1}),
    ("/api/books/set", {"account": "paper", "strategy": "demo", "security": "\u0000", "shares": 1}),
    ("/api/books/set", {"account": "paper", "strategy": "demo", "security": PING_AN, "shares": 1, "why": "  "}),
    ("/api/books/set", {"account": "paper", "strategy": "demo", "security": PING_AN, "shares": 1, "who": ""}),
    ("/api/books/move", {"account": "paper", "security": PING_AN, "giver": "demo", "taker": "demo", "shares": 1}),
    ("/api/books/move", {"account": "paper", "security": PING_AN, "giver": "demo", "taker": "other", "shares": 501}),
    ("/api/books/adopt", {"account": "paper", "strategy": "other", "security": PING_AN, "shares": 1}),
    ("/api/books/undo", {"act": 1}),
    ("/api/books/undo", {"act": 10**30}),
]


async def test_nonsense_changes_nothing(tmp_path: Path) -> None:
    follow = {"follow": {"paper": 1}}
    async with House(tmp_path, strategies={"demo": follow, "other": follow}) as house:
        house.market(PING_AN, "10.00")
        await house.done(await house.send("demo", PING_AN, "buy", 500, price="10.00"))
        house.forward(COUNTER_LAGS.seconds + 5)
        for path, body in NONSENSE:
            signed = body if path.startswith("/api/repair") else {"who": "wang", "why": "test", **body}
            answer = await house.console("POST", path, json=signed)
            assert answer.status_code in {409, 422}, (path, body, answer.status_code)
            assert " / " in answer.json()["detail"]
        assert (await house.book(PING_AN)).volume == 500
        assert await house.get("/api/books/acts") == []


@pytest.mark.parametrize("what", ["positions", "down"])
async def test_a_broker_that_does_not_answer_is_no_zero(tmp_path: Path, what: str) -> None:
    async with House(tmp_path) as house:
        house.market(PING_AN, "10.00")
        await house.done(await house.send("demo", PING_AN, "buy", 500, price="10.00"))
        house.forward(COUNTER_LAGS.seconds + 5)
        account = house.service.parts.accounts["paper"]
        if what == "down":
            account.set_down("断开", "down")
        else:
            house.faults["paper"].fail("positions", BrokerError("no answer"))
        body = {"account": "paper", "strategy": "demo", "security": PING_AN, "shares": 0, "who": "a", "why": "b"}
        assert (await house.console("POST", "/api/books/set", json=body)).status_code == 409
        assert (await house.book(PING_AN)).volume == 500
