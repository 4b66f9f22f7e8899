"""`/metrics` of a whole house: by a real parser, against the document, and when the ledger is gone."""

import re
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

from e2e.house import House
from jqfollow.domain import BrokerError
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.ledger.watched import Trouble
from jqfollow.relay.state import RelayState

from .scraped import FILES, NAME, families, queries, stem, value

DOCUMENT = (FILES.parent / "monitoring.md").read_text(encoding="utf-8")
DOUBTFUL = {"paper": BrokerTraits(real=False, absence_is_proof=False, always_open=True)}
ONLY_THEN = {"relay_connected", "relay_waiting", "relay_clock_offset_seconds", "relay_taken", "relay_failed"}
"""Where a relay was joined."""


def documented() -> set[str]:
    rows = [line.split("|")[1] for line in DOCUMENT.splitlines() if line.startswith("| `")]
    return {stem(f"jqfollow_{name}") for row in rows for name in re.findall(r"`([a-z_]+)`", row)}


async def test_every_figure_is_told_and_documented(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        house.market("000001.XSHE", last="10.52")
        await house.done(await house.send("demo", "000001.XSHE", "buy", 1000, price="10.52"))
        await house.told("✅ 已跟")
        found = families((await house.console("GET", "/metrics")).text)
        assert set(found) == documented() - {f"jqfollow_{name}" for name in ONLY_THEN}
        for name, family in found.items():
            assert family.documentation, name
            assert family.type != "unknown", name
        assert value(found, "jqfollow_account_ready", account="paper", real="false", broker="paper") == 1
        assert value(found, "jqfollow_orders_today", account="paper", state="filled") == 1
        assert value(found, "jqfollow_signals_today", strategy="demo", state="followed") == 1
        assert value(found, "jqfollow_attempts_today", account="paper") == 1
        assert value(found, "jqfollow_turnover_today_yuan", account="paper") == 10530
        assert value(found, "jqfollow_ledger_ready") == 1
        assert value(found, "jqfollow_exchange_open") == 1
        assert abs(value(found, "jqfollow_sender_clock_offset_seconds", strategy="demo")) < 60
        assert value(found, "jqfollow_disk_free_bytes") > 0
        assert value(found, "jqfollow_notify_channel_up") == 1
        assert value(found, "jqfollow_notifications_total", outcome="sent") >= 1
        assert value(found, "jqfollow_signals_port_answers_total", status="200") == 1


async def test_waiting_pausing_and_not_knowing_are_seen(tmp_path: Path) -> None:
    async with House(tmp_path, traits=DOUBTFUL) as house:
        house.market("000001.XSHE", last="10.00")
        house.faults["paper"].fail("place", BrokerError("没有答复"))
        await house.send("demo", "000001.XSHE", "buy", 100, price="10.00")
        await house.until(lambda tx: tx.attempts.unknown("paper"))
        await house.console("POST", "/api/pause", json={"strategy": "demo"})
        house.clock.forward(90)
        found = families((await house.console("GET", "/metrics")).text)
        assert value(found, "jqfollow_unknown_attempts", account="paper") == 1
        assert value(found, "jqfollow_unknown_oldest_seconds", account="paper") >= 90
        assert value(found, "jqfollow_open_orders", account="paper") == 1
        assert value(found, "jqfollow_open_order_oldest_seconds", account="paper") >= 90
        assert value(found, "jqfollow_pauses", stops="all") == 1
        assert value(found, "jqfollow_pauses", stops="buys") == 0


async def test_without_a_ledger_the_rest_is_told(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.ledger.trouble = Trouble(zh="没有", en="gone")
        found = families((await house.console("GET", "/metrics")).text)
        assert value(found, "jqfollow_ledger_ready") == 0
        assert value(found, "jqfollow_account_ready", account="paper") == 1


async def test_the_relay_where_one_was_joined_and_what_fails_again_and_again(tmp_path: Path) -> None:
    async def fails(_: datetime) -> None:
        raise OSError("no")

    async with House(tmp_path) as house:
        state = RelayState(since=house.clock.now(), trouble=None, taken=5, refused=1, failed=2, waiting=3, ahead_s=-0.5)
        house.service.notices.relay = SimpleNamespace(state=state)  # type: ignore[assignment]
        await house.service.schedule._guarded(fails, "watch")()
        found = families((await house.console("GET", "/metrics")).text)
        assert {name for name in found if "relay" in name} == {f"jqfollow_{name}" for name in ONLY_THEN}
        assert value(found, "jqfollow_relay_connected") == 1
        assert value(found, "jqfollow_relay_failed_total") == 3
        assert value(found, "jqfollow_sweep_failures_total", sweep="watch") == 1
        assert value(found, "jqfollow_sweep_failures_total", sweep="tape") == 0


def test_rules_and_dashboard_ask_for_what_there_is() -> None:
    named = set(NAME.findall((FILES / "alerts.yml").read_text(encoding="utf-8")))
    named |= {name for _, target in queries() for name in NAME.findall(target["expr"])}
    assert {stem(name) for name in named} <= documented()
    panels = [panel["title"] for panel, _ in queries()]
    assert len(panels) > 20
