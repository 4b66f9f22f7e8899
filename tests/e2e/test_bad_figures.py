"""Figures that cannot be, of positions, books and corporate actions: refused by name, and nothing has changed."""

import json
from pathlib import Path
from typing import Any

from jqfollow.corporate.handkept import FILE_NAME
from jqfollow.drift.reading import COUNTER_LAGS

from .house import House
from .test_repair import PING_AN, book, report

REPORTS: tuple[tuple[Any, str], ...] = (
    ({"amount": -100, "closeable": 0}, "-100"),
    ({"amount": 100.5, "closeable": 0}, "100.5"),
    ({"amount": 10**12, "closeable": 0}, "1000000000000"),
    ({"amount": 100, "closeable": -1}, "-1"),
    ({"amount": "100", "closeable": 0}, "amount"),
    ({"closeable": 0}, "amount"),
)
BOOKS: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"shares": 1001}, 409, "1000"),
    ({"shares": 10**10}, 409, "1000"),
    ({"shares": -1}, 422, "shares"),
    ({"shares": 0.5}, 422, "shares"),
    ({"shares": True}, 422, "shares"),
    ({"shares": 100, "security": "999999.XSHG"}, 409, "999999.XSHG"),
    ({"shares": 100, "security": "000001.XSHG"}, 409, "000001.XSHG"),
    ({"shares": 100, "account": "nobody"}, 409, "nobody"),
    ({"shares": 100, "strategy": "nobody"}, 409, "nobody"),
    ({"shares": 100, "why": " "}, 409, "为什么"),
)
FILES = (
    'security = "000001.XSHE"\nday = 2026-03-02\nbonus = -0.3',
    'security = "000001.XSHE"\nday = 2026-03-02\nbonus = nan',
    'security = "000001.XSHE"\nday = 2026-03-02\nratio = 0',
    'security = "000001.XSHE"\nday = 2026-03-02\nbonus = "0.3"',
    'security = "nobody"\nday = 2026-03-02\nbonus = 0.3',
    'security = "000001.XSHE"\nday = "2026-03-02"\nbonus = 0.3',
    'security = "000001.XSHE"\nday = 2026-03-02\nbonos = 0.3',
    'security = "000001.XSHE"\nday = 2026-03-02\nbonus =',
)


async def test_figures_that_cannot_be_are_refused_and_change_nothing(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(PING_AN, "10.00")
        await house.done(await house.send("demo", PING_AN, "buy", 1000, price="10.00"))
        house.forward(COUNTER_LAGS.seconds + 5)
        await report(house, S000001_XSHE=1000)
        before = await house.get("/api/drift?every=true")
        for position, told in REPORTS:
            answer = await house.deliver(
                "demo", positions(house, {"600519.XSHG": {"amount": 1, "closeable": 1}, PING_AN: position})
            )
            assert (answer.status_code, told in answer.text) == (400, True), (position, answer.text)
        half = positions(house, {PING_AN: {"amount": 5, "closeable": 0}}, parts=2)
        assert (await house.deliver("demo", half)).status_code == 200, "the other half may come yet"
        for changes, status, told in BOOKS:
            asked = {"account": "paper", "strategy": "demo", "security": PING_AN} | changes
            answer = await book(house, "set", **asked)
            assert (answer.status_code, told in answer.text) == (status, True), (changes, answer.text)
        path = house.data_dir / FILE_NAME
        for number, text in enumerate(FILES, 1):
            good = '[[action]]\nsecurity = "000001.XSHE"\nday = 2026-03-01\nbonus = 1\n'
            path.write_text(f"{good}[[action]]\n{text}\n", encoding="utf-8")
            house.forward(24 * 3600)
            await house.service.parts.corporate.look(house.clock.now())
            assert await house.ledger.read(lambda tx: tx.corporate.list()) == [], text
            alerts = await house.ledger.read(lambda tx: [row.text for row in tx.outbox.list(limit=50)])
            assert sum("除权除息文件不能用" in alert for alert in alerts) == number, "each day anew"
        path.unlink()
        assert await house.get("/api/drift?every=true") == before
        assert await house.get("/api/books/acts") == []


def positions(house: House, held: dict[str, Any], **more: Any) -> str:
    text = {"kind": "positions", "run": "sim_trade", "made_at": int(house.clock.now().timestamp() * 1000),
            "cash": "1", "total_value": "2", "positions": held, "part": 1, "parts": 1}  # fmt: skip
    return json.dumps(text | more)
