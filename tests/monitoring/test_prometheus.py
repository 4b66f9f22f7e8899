"""The dashboard's queries and the alert rules, asked of a real Prometheus that scrapes a real service (slow)."""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.house import House

from .prometheus import HAS_ONE, scraping
from .scraped import FILES, queries

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not HAS_ONE, reason="prometheus is not installed: apt-get install prometheus"),
]
EMPTY_WHILE_ALL_IS_WELL = re.compile("relay|> 0$")

BAD: dict[str, tuple[str, ...]] = {
    "JqfollowDown": ('up{job="jqfollow"} 0x60',),
    "JqfollowAccountNotReady": (
        'jqfollow_account_ready{account="main",broker="qmt",real="true"} 0x60',
        "jqfollow_exchange_open 1x60",
    ),
    "JqfollowUnknownOutcome": ('jqfollow_unknown_attempts{account="main"} 1x60',),
    "JqfollowLedgerNotReady": ("jqfollow_ledger_ready 0x60",),
    "JqfollowBrokerCallsHanging": ('jqfollow_broker_calls_hanging{account="main"} 2x60',),
    "JqfollowDiskFull": ("jqfollow_disk_free_bytes 500000000x60", "jqfollow_disk_size_bytes 500000000000x60"),
    "JqfollowSignalsNotTaken": ('jqfollow_signals_port_answers_total{status="503"} 0x45 1x15',),
    "JqfollowSignalsUnread": ("jqfollow_signals_unread 1x60",),
    "JqfollowDriftUnexplained": ('jqfollow_drift_unexplained_books{account="main"} 1x60',),
    "JqfollowDriftLarge": (
        'jqfollow_drift_yuan{account="main",strategy="a",direction="missing"} 4000x60',
        'jqfollow_drift_yuan{account="main",strategy="b",direction="excess"} 2000x60',
        'jqfollow_account_total_yuan{account="main"} 100000x60',
    ),
    "JqfollowOrderWaitsLong": (
        'jqfollow_open_order_oldest_seconds{account="main"} 1000+30x60',
        "jqfollow_exchange_open 1x60",
    ),
    "JqfollowNotificationsStuck": ("jqfollow_outbox_oldest_seconds 400+30x60",),
    "JqfollowNotifyChannelDown": ('jqfollow_notify_channel_up{channel="wecom-1"} 0x60',),
    "JqfollowNotificationsGivenUp": ('jqfollow_notifications_total{channel="w",outcome="given_up"} 0x10 1x50',),
    "JqfollowBackupOld": ("jqfollow_backup_timestamp_seconds -200000x60",),
    "JqfollowLedgerWalLarge": ("jqfollow_ledger_wal_bytes 600000000x60",),
    "JqfollowClockOff": ('jqfollow_sender_clock_offset_seconds{strategy="a"} -45x60',),
    "JqfollowClockSet": ("jqfollow_clock_steps_total 0x20 1x40",),
    "JqfollowRelayDown": ("jqfollow_relay_connected 0x60",),
    "JqfollowSendersRefused": ('jqfollow_signals_port_answers_total{status="401"} 0+1x60',),
    "JqfollowSlow": (
        'jqfollow_order_stage_seconds_bucket{stage="sized",le="1"} 0x60',
        'jqfollow_order_stage_seconds_bucket{stage="sized",le="2.5"} 0+1x60',
        'jqfollow_order_stage_seconds_bucket{stage="sized",le="+Inf"} 0+1x60',
    ),
    "JqfollowInternalErrors": ("jqfollow_internal_errors_total 0x30 1x30",),
    "JqfollowRestarts": ("jqfollow_start_time_seconds 0+100x60",),
    "JqfollowPaused": ('jqfollow_pauses{stops="buys"} 1x80', "jqfollow_exchange_open 1x80"),
}
"""What makes each rule speak, as series with a value every 30 s from the beginning on."""
GOOD = (
    'up{job="jqfollow"} 1x90',
    'jqfollow_account_ready{account="main",broker="qmt",real="true"} 1x90',
    'jqfollow_account_ready{account="paper",broker="paper",real="false"} 0x90',
    "jqfollow_exchange_open 1x90",
    'jqfollow_unknown_attempts{account="main"} 0x90',
    "jqfollow_ledger_ready 1x90",
    'jqfollow_broker_calls_hanging{account="main"} 0x90',
    "jqfollow_disk_free_bytes 50000000000x90",
    "jqfollow_disk_size_bytes 500000000000x90",
    'jqfollow_signals_port_answers_total{status="503"} 3x90',
    'jqfollow_signals_port_answers_total{status="200"} 0+5x90',
    'jqfollow_signals_port_answers_total{status="401"} 2x90',
    "jqfollow_signals_unread 0x90",
    'jqfollow_drift_unexplained_books{account="main"} 0x90',
    'jqfollow_drift_yuan{account="main",strategy="a",direction="missing"} 400x90',
    'jqfollow_account_total_yuan{account="main"} 100000x90',
    'jqfollow_open_order_oldest_seconds{account="main"} 40x90',
    "jqfollow_outbox_oldest_seconds 3x90",
    'jqfollow_notify_channel_up{channel="wecom-1"} 1x90',
    'jqfollow_notifications_total{channel="w",outcome="given_up"} 1x90',
    "jqfollow_backup_timestamp_seconds -3600x90",
    "jqfollow_ledger_wal_bytes 6000000x90",
    'jqfollow_sender_clock_offset_seconds{strategy="a"} -1.5x90',
    "jqfollow_clock_steps_total 1x90",
    "jqfollow_relay_connected 1x90",
    'jqfollow_order_stage_seconds_bucket{stage="sized",le="0.1"} 0+1x90',
    'jqfollow_order_stage_seconds_bucket{stage="sized",le="+Inf"} 0+1x90',
    'jqfollow_order_stage_seconds_bucket{stage="filled",le="0.1"} 0x90',
    'jqfollow_order_stage_seconds_bucket{stage="filled",le="+Inf"} 0+1x90',
    "jqfollow_internal_errors_total 2x90",
    "jqfollow_start_time_seconds 100x90",
    'jqfollow_pauses{stops="all"} 0x90',
)


def promtool(*args: object, folder: Path, given: str = "") -> str:
    done = subprocess.run(
        ["promtool", *map(str, args)],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alerts() -> list[str]:
    return re.findall(r"- alert: (\w+)", (FILES / "alerts.yml").read_text(encoding="utf-8"))


def test_the_rules_are_rules(tmp_path: Path) -> None:
    assert f"{len(alerts())} rules found" in promtool("check", "rules", FILES / "alerts.yml", folder=tmp_path)


def rule_test(alert: str, series: tuple[str, ...], at: str) -> dict[str, Any]:
    """Is `alert` firing then; without a name, is nothing?"""
    name = f'alertname="{alert}",' if alert else ""
    return {
        "interval": "30s",
        "input_series": [dict(zip(("series", "values"), s.split(" ", 1), strict=True)) for s in series],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{{name}alertstate="firing"}}) > bool 0 or vector(0)',
                "eval_time": at,
                "exp_samples": [{"labels": "{}", "value": int(bool(alert))}],
            }
        ],
    }


def test_each_rule_speaks_when_it_should_and_all_are_silent_when_all_is_well(tmp_path: Path) -> None:
    assert sorted(BAD) == sorted(alerts())
    tests = [rule_test(alert, series, "39m" if alert == "JqfollowPaused" else "24m") for alert, series in BAD.items()]
    tests.append(rule_test("", GOOD, "44m"))
    file = {"rule_files": [str(FILES / "alerts.yml")], "evaluation_interval": "30s", "tests": tests}
    (tmp_path / "tests.yml").write_text(json.dumps(file), encoding="utf-8")  # JSON is YAML
    promtool("test", "rules", "tests.yml", folder=tmp_path)


async def test_every_query_of_the_dashboard_and_every_rule_is_answered(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        house.market("000001.XSHE", last="10.52")
        token = house.data_dir / "console.token"
        target = house.service.console_url.removeprefix("http://")
        async with scraping(tmp_path / "prometheus", target, token) as prometheus:
            await prometheus.until_up("jqfollow_build_info", 2)
            for _ in range(4):
                await house.done(await house.send("demo", "000001.XSHE", "buy", 1000, price="10.52"))
                await prometheus.until_up("jqfollow_build_info", 2)
            await prometheus.until_up("jqfollow_build_info", 8)
            [target_row] = (await prometheus.get("/api/v1/targets"))["activeTargets"]
            assert target_row["health"] == "up", target_row["lastError"]
            for panel, query in queries():
                found = await prometheus.ask(query["expr"])
                assert found or EMPTY_WHILE_ALL_IS_WELL.search(query["expr"]), (panel["title"], query["expr"])
                for row in found:
                    legend = re.findall(r"\{\{(\w+)\}\}", query["legendFormat"])
                    assert set(legend) <= set(row["metric"]), (query["legendFormat"], row["metric"])
            groups = (await prometheus.get("/api/v1/rules"))["groups"]
            rules = [rule for group in groups for rule in group["rules"]]
            assert sorted(rule["name"] for rule in rules) == sorted(alerts())
            assert {rule["health"] for rule in rules} == {"ok"}
        found = (await house.console("GET", "/metrics")).text
    await asyncio.to_thread(promtool, "check", "metrics", folder=tmp_path, given=found)
