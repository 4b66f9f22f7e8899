"""What people do in the console, and what they are told."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import BrokerError, OrderState
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.reasons import Reason
from jqfollow.stages import BEFORE
from notify.wecom_server import Trouble

from .house import House

CODE = "000001.XSHE"
REAL = {
    "main": {"broker": "qmt", "qmt_path": "D:\\国金QMT交易端\\userdata_mini", "account_id": "88888888"},
}
REAL_TRAITS = {"main": BrokerTraits(real=True, absence_is_proof=False)}


def order(**changes: Any) -> dict[str, Any]:
    wanted = {"strategy": "demo", "account": "paper", "security": CODE, "side": "buy", "volume": 200}
    return wanted | changes


async def test_a_manual_order_goes_the_way_of_a_signal(tmp_path: Path) -> None:
    async with House(tmp_path, strategies={"demo": {"follow": {"paper": 0.01}}}, wecom=True) as house:
        house.market(CODE)
        answer = await house.console("POST", "/api/orders", json=order())
        assert answer.status_code == 200, answer.text
        [placed] = await house.done(answer.json()[0]["signal_id"])
        assert (placed.state, placed.filled) == (OrderState.FILLED, 200)
        assert (await house.book(CODE)).volume == 200
        await house.told("✅ 已跟", "200 股")


async def test_a_manual_limit_stands_and_is_cancelled_by_a_person(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        answer = await house.console("POST", "/api/orders", json=order(price="9.90"))
        placed = await house.in_state(answer.json()[0]["signal_id"], OrderState.NEW)
        assert (await house.attempts(placed))[0].price == Decimal("9.90")
        assert (await house.console("POST", f"/api/orders/{placed.order_id}/cancel")).status_code == 200
        [placed] = await house.done(placed.signal_id)
        assert (placed.state, placed.reason) == (OrderState.CANCELED, Reason.CANCELED_BY_USER)


@pytest.mark.parametrize(
    "wrong",
    [
        {"volume": 150},
        {"volume": 0},
        {"volume": 10**9},
        {"account": "nobody"},
        {"strategy": "nobody"},
        {"security": "000001.XSHG"},
        {"price": "0"},
        {"price": "NaN"},
        {"side": "hold"},
    ],
)
async def test_a_manual_order_that_cannot_be(tmp_path: Path, wrong: dict[str, Any]) -> None:
    async with House(tmp_path) as house:
        answer = await house.console("POST", "/api/orders", json=order(**wrong))
        if wrong == {"volume": 150}:  # the rules say so, like of a signal
            [placed] = await house.done(answer.json()[0]["signal_id"])
            assert (placed.state, placed.reason) == (OrderState.REJECTED, Reason.ODD_VOLUME)
            return
        assert answer.status_code in {400, 409, 422}, answer.text
        assert await house.ledger.read(lambda tx: tx.signals.list()) == []


async def test_a_real_account_wants_its_number_and_takes_no_backtest(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=REAL, traits=REAL_TRAITS) as house:
        house.market(CODE)
        for confirm in (None, "88888889"):
            answer = await house.console("POST", "/api/orders", json=order(account="main", confirm=confirm))
            assert answer.status_code in {400, 409, 422}, answer.text
        answer = await house.console("POST", "/api/orders", json=order(account="main", confirm="88888888"))
        [placed] = await house.done(answer.json()[0]["signal_id"])
        assert placed.filled == 200
        for run in ("simple_backtest", "full_backtest", "paper_trade"):
            [refused] = await house.done(await house.send("demo", CODE, "buy", 100, price="10.00", run=run))
            assert (refused.state, refused.reason) == (OrderState.REJECTED, Reason.BACKTEST)


async def test_the_console_wants_its_token(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        for header in ("", "Bearer wrong"):
            answer = await house.console("POST", "/api/orders", json=order(), headers={"Authorization": header})
            assert answer.status_code == 401
        assert (await house.console("GET", "/healthz", headers={"Authorization": ""})).status_code == 200


async def test_a_refusal_is_told_with_its_figures(tmp_path: Path) -> None:
    async with House(tmp_path, risk={"max_order_value": 9_999}, wecom=True) as house:
        house.market(CODE)
        await house.send("demo", CODE, "buy", 1000, price="10.00")
        text = await house.told("❌ 未跟", "000001.SZ")
        assert "10,010.00" in text
        assert "max_order_value" in text


async def test_heartbeat_and_summary_name_what_a_person_must_know(tmp_path: Path) -> None:
    strategies = {"demo": {"title": "演示策略", "follow": {"paper": 0.5}}}
    doubtful = {"paper": BrokerTraits(real=False, absence_is_proof=False, always_open=True)}
    start = datetime(2026, 3, 2, 14, 50, tzinfo=SHANGHAI)
    async with House(tmp_path, strategies=strategies, traits=doubtful, start=start, wecom=True) as house:
        house.market(CODE)
        house.market("600000.XSHG")
        await house.done(await house.send("demo", CODE, "buy", 2000, price="10.00"))
        await house.console("POST", "/api/pause", json={"strategy": "demo"})
        await house.done(await house.send("demo", "600000.XSHG", "buy", 2000, price="10.00"))
        await house.service.parts.routine.send_heartbeat(house.clock.now())
        assert "⏸️ 已暂停：demo" in await house.told("💓", "要留意")
        await house.console("POST", "/api/resume", json={})
        house.faults["paper"].fail("place", BrokerError("没有答复"))
        await house.send("demo", "510300.XSHG", "buy", 1000, price="4.00")
        await house.until(lambda tx: tx.attempts.unknown("paper"))
        await house.service.parts.routine.send_summary(house.clock.now())
        text = await house.told("📊 2026-03-02 日终汇总")
        assert "【演示策略】信号 3 = 已跟 1 + 未跟 1（已暂停 1） + 处理中 1" in text
        assert "600000.SH 应有 1,000，实有 0 股（少 1,000）" in text
        assert "🚨 结果未知" in text
        assert "000001.SZ 应有" not in text
        await house.service.parts.routine.send_summary(house.clock.now())  # once a day, whatever happens
        await house.send("demo", "bad", "buy", 100, price="1.00")
        await house.told("bad")
        assert sum("日终汇总" in told for told in (house.wecom.texts() if house.wecom else ())) == 1


async def test_positions_after_the_close_are_what_the_books_are_compared_with(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        told = (
            '{"kind":"positions","run":"sim_trade","made_at":1772000000000,"cash":"1","total_value":"2",'
            '"positions":{"000001.XSHE":{"amount":1500,"closeable":0,"avg_cost":"10","price":"10"}}}'
        )
        assert (await house.deliver("demo", told)).status_code == 200
        await house.service.parts.routine.send_summary(house.clock.now())
        assert "000001.SZ 应有 1,500，实有 1,000 股（少 500）" in await house.told("日终汇总")


async def test_a_robot_that_does_not_answer_delays_no_order_and_gets_its_messages_later(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        assert house.wecom is not None
        await house.told("已启动")
        house.market(CODE)
        house.wecom.next(Trouble.DROP)
        asked = house.wecom.requests
        [filled] = await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        assert filled.filled == 1000
        wecom = house.wecom
        await house.until(lambda tx: wecom.requests > asked and [r for r in tx.outbox.list(9) if r.tries])
        house.forward(20)
        house.service.parts.outbox.kick()
        await house.told("✅ 已跟", "1,000 股")


async def test_the_console_shows_the_whole_way_of_an_order(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00", total_value="123.45")
        [filled] = await house.done(signal_id)
        shown = await house.get(f"/api/orders/{filled.order_id}")
        assert shown["signal"]["order"]["total_value"] == "123.45"
        assert [fill["volume"] for fill in shown["fills"]] == [1000]
        assert shown["attempts"][0]["remark"].startswith("jq")
        assert [(e["before"], e["after"]) for e in shown["events"] if e["attempt_id"]][-1][1] == "filled"
        positions = await house.get("/api/positions")
        assert positions["items"][0]["volume"] == 1000
        fills = await house.get("/api/fills?strategy=demo")
        assert Decimal(fills["items"][0]["fee"]) >= 5
        assert (await house.get("/api/decisions"))["items"][0]["outcome"] == "place"
        metrics = (await house.console("GET", "/metrics")).text
        assert 'jqfollow_signals_port_answers_total{status="200"} 1' in metrics
        for stage in BEFORE:
            assert f'jqfollow_order_stage_seconds_count{{stage="{stage}"}} 1' in metrics, stage
        await house.until(lambda tx: tx.latencies.of_order(filled.order_id))
        stages = (await house.get(f"/api/orders/{filled.order_id}"))["stages"]
        assert [stage["stage"] for stage in stages] == list(BEFORE)
        assert 0 < stages[0]["after_ms"] < stages[-1]["after_ms"] < 10_000


async def test_clocks_that_differ_are_told_and_replays_are_not(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        text = house.order_text("demo", CODE, "buy", 100)
        captured = house.seal("demo", text, message_id="captured")
        assert (await house.post(captured)).status_code == 200
        house.forward(400)
        assert (await house.post(captured)).status_code == 401
        assert await house.ledger.read(lambda tx: tx.signals.knows("demo", "captured"))
        assert not any("时钟不一致" in row.text for row in await house.ledger.read(lambda tx: tx.outbox.list()))
        ahead = int(house.clock.now().timestamp()) + 3725
        sent = house.clock.now().timestamp()
        assert (await house.post(house.seal("demo", text, message_id="new", ts=ahead))).status_code == 401
        most, least = ahead - sent, ahead - house.clock.now().timestamp()
        told = await house.told("时钟不一致")
        assert any(f"1 小时 2 分 {s - 3720} 秒" in told for s in range(int(least), round(most) + 1)), told
        assert "本机比聚宽慢" in told
