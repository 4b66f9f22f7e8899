"""Reading the ledger: tables for people, JSON for programs, filters, one order's whole story; pauses."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from jqfollow.cli.lock import only_instance
from jqfollow.ledger.ledger import Ledger

from .conftest import Run
from .story import write_story


@pytest.fixture(autouse=True)
def _story(config: Path) -> None:
    write_story(config.parent / "data")


def data(run: Run, *args: object) -> Any:
    result = run(*args, "--json")
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_signals(run: Run) -> None:
    rows = data(run, "signals")
    assert [row["signal_id"] for row in rows] == [5, 4, 3, 2, 1]
    assert rows[-1]["order"]["price"] == "10.50"
    assert rows[-1]["received_at"] == "2026-03-02T10:01:01+08:00"
    assert [row["signal_id"] for row in data(run, "signals", "--day", "2026-03-02")] == [2, 1]
    assert [row["signal_id"] for row in data(run, "signals", "--limit", "2")] == [5, 4]
    assert [row["signal_id"] for row in data(run, "signals", "--strategy", "other")] == [5]
    assert [row["signal_id"] for row in data(run, "signals", "--account", "paper", "--limit", "3")] == [4, 3, 2]
    assert "没有设置跟单账户" in rows[0]["why"]
    assert "no account follows" in data(run, "signals", "--lang", "en")[0]["why"]


def test_orders_and_fills(run: Run) -> None:
    assert [row["order_id"] for row in data(run, "orders")] == [4, 3, 2, 1]
    assert [row["order_id"] for row in data(run, "orders", "--day", "2026-03-02")] == [2, 1]
    assert run("orders", "--account", "nobody").exit_code == 2
    rejected = data(run, "orders", "--day", "2026-03-02")[0]
    assert (rejected["state"], rejected["reason"], rejected["why"]) == (
        "rejected",
        "broker_refused",
        "券商拒绝：可用资金不足",
    )
    fills = data(run, "fills")
    assert [(row["volume"], row["price"], row["fee"]) for row in fills] == [
        (100, "11.00", "5.01"),
        (300, "10.52", "5.01"),
    ]
    assert len(data(run, "fills", "--day", "2026-03-03")) == 1


def test_one_order(run: Run) -> None:
    story = data(run, "orders", "1")
    assert set(story) == {"order", "attempts", "fills", "decisions", "events", "stages_after_us"}
    assert story["fills"][0]["traded_id"] == "123456789012345671"
    assert story["decisions"][0]["verdicts"] == [{"rule": "paused", "outcome": "pass", "figures": {}}]
    shown = run("orders", "1").output
    for words in ("已跟 300/300", "123456789012345671", "10.52", "1 条规则通过"):
        assert words in shown
    missing = run("orders", "99")
    assert missing.exit_code == 2
    assert "99" in missing.stderr


def test_positions(run: Run) -> None:
    found = data(run, "positions")
    (book,) = found["books"]
    assert (book["volume"], book["cost"]) == (200, "2107.3400")
    assert found["accounts"]["paper"]["asset"]["total"] == "1000200.50"
    earlier = data(run, "positions", "--day", "2026-03-02")
    assert earlier["accounts"]["paper"]["asset"]["total"] == "1000100"
    assert earlier["books"] == []
    assert data(run, "positions", "--strategy", "other")["books"] == []
    shown = run("positions").output
    assert "92.66" in shown  # 200 at 11.00, less 2107.34
    assert run("positions", "--day", "2026-03-02", "--strategy", "demo").exit_code == 2


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("command", ["signals", "orders", "fills", "positions", "status"])
def test_tables_are_whole_in_a_pipe(run: Run, command: str, lang: str) -> None:
    result = run(command, "--lang", lang)
    assert result.exit_code == 0
    assert "…" not in result.output
    assert ("paper" in result.output) or command == "signals"


def test_status(run: Run) -> None:
    found = data(run, "status")
    assert (found["running"], found["open_orders"], found["signals"]["followed"]) == (False, 1, 0)
    assert found["unknown"][0]["order_id"] == 4
    assert found["accounts"]["paper"][1]["total"] == "1000200.50"
    shown = run("status").output
    assert "订单 #4 有结果未知的委托" in shown


def test_reading_goes_on_beside_a_writing_service(run: Run, config: Path) -> None:
    with Ledger.open(config.parent / "data" / "ledger.sqlite3") as service:
        service.write_now(lambda tx: tx.pauses.resume("", ""))
        assert len(data(run, "orders")) == 4
        assert run("pause").exit_code == 0
        assert service.read_now(lambda tx: tx.pauses.active("demo", "paper")) is not None


def test_pause_and_resume(run: Run) -> None:
    assert run("pause", "--strategy", "demo").exit_code == 0
    assert run("pause").exit_code == 0
    assert [(row["strategy"], row["account"]) for row in data(run, "status")["pauses"]] == [("", ""), ("demo", "")]
    left = run("resume", "--strategy", "demo").output
    assert "解除了 1 个暂停" in left
    assert "仍然暂停" in left
    assert "解除了 1 个暂停" in run("resume").output
    assert data(run, "status")["pauses"] == []
    for wrong in (("--strategy", "x"), ("--account", "x")):
        result = run("pause", *wrong)
        assert result.exit_code == 2
        assert "x" in result.stderr


def test_a_practice_account_begins_anew(run: Run, config: Path) -> None:
    """Its file was renamed, as is advised: what the books held there is put away."""
    assert data(run, "positions", "--account", "paper")["books"] != []
    for undecided in ((), ("--same",)):
        assert "不用决定" in run("account", "paper", *undecided).output
    with only_instance(config.parent / "data"):
        busy = run("account", "paper", "--new")
    assert (busy.exit_code, "先停止服务" in busy.stderr) == (2, True)
    assert data(run, "positions", "--account", "paper")["books"] != []
    assert "个旧持仓留档" in run("account", "paper", "--new").output
    assert data(run, "positions", "--account", "paper")["books"] == []
    assert "0 个旧持仓留档" in run("account", "paper", "--new").output


def test_drift(run: Run) -> None:
    rows = data(run, "drift", "--all")
    assert {row["security"] for row in rows} >= {"000001.SZ", "600000.SH"}
    for row in rows:
        assert row["drift"] is None or sum(float(line["shares"]) for line in row["causes"]) == float(row["drift"])
    assert run("drift", "--all").exit_code == 0


@pytest.mark.parametrize("command", ["signals", "orders", "fills", "positions", "drift"])
def test_tables_call_securities_by_name(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with Ledger.open(config.parent / "data" / "ledger.sqlite3") as ledger:
        ledger.write_now(lambda tx: tx.security_names.put({"000001.SZ": "平安银行"}))
    lines = run(command).stdout.splitlines()
    named = [line for line in lines if "平安银行 000001.SZ" in line]
    assert named
    assert not any(line.startswith(" " * 4) for line in named), "in its row, not below it"
    assert all(cell_len(line) <= 80 for line in lines)
