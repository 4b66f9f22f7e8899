"""`jqfollow probe` over the simulated terminal: it measures what the terminal does, and gives nobody away."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from jqfollow.cli.app import cli
from jqfollow.cli.probe import command
from jqfollow.cli.probe.command import measured, why_not
from jqfollow.cli.probe.lags import Lag
from jqfollow.cli.probe.page import remark_kind
from jqfollow.clock import SystemClock

from .modes import Mode
from .terminal import Terminal
from .test_doctor import Look, look  # noqa: F401  # a fixture

HELD = "600000.SH"
CODES = ("601398.SH", "601288.SH", HELD)


@pytest.fixture
def settled(terminal: Terminal, look: Look) -> Look:  # noqa: F811
    """Markets in the middle of their limits, and something to offer."""
    for symbol in CODES:
        terminal.tell("market", symbol=symbol, last="10.00", prev_close="10.00", depth=1000)
    terminal.tell("hold", symbol=HELD, volume=500)
    return look


def ms(found: Sequence[Lag]) -> dict[str, int | None]:
    return {lag.what: lag.ms for lag in found}


def test_it_finds_what_the_terminal_does_and_leaves_nothing_behind(terminal: Terminal, settled: Look) -> None:
    terminal.tell("fault", money_lag_s=0.6, shares_lag_s=0.3)
    terminal.mode(Mode.REFUSED_LISTED)

    def restarted() -> bool:
        terminal.mode()
        terminal.tell("fault", renumbered=7000)
        terminal.tell("drop")
        return True

    text, found = measured(settled(), "main", restarted=restarted, longest_s=2)
    assert found.buy is not None
    assert found.sell is not None
    assert found.not_measured == found.doubtful == []
    placed, canceled = ms(found.buy.placed), ms(found.buy.canceled)
    assert set(placed) == set(canceled) == {"answer", "push", "list", "money"}
    assert None not in placed.values()
    assert (canceled["money"] or 0) >= 500
    assert canceled["list"] is not None
    assert canceled["list"] < (canceled["money"] or 0)
    assert (ms(found.sell.canceled)["shares"] or 0) >= 250
    assert (found.buy.codes[0], found.buy.codes[-1]) == (50, 54)
    assert found.account_codes == (0,)
    assert dict(found.refusal)["answer"] == "refused"
    assert dict(found.refusal)["listed as rejected"] == "yes"
    assert found.ids_after_restart == "changed"
    orders = terminal.orders()
    assert [o["state"] for o in orders] == ["canceled", "canceled", "rejected"]
    assert not [o for o in orders if o["filled"]]
    for secret in (terminal.account, "userdata_mini", "国金QMT", "1000000", "jqprobe", orders[0]["id"]):
        assert secret not in text
    for told in ("变了 / changed", "原样返回 24 个字符", "50 → ", "资金 money", "可卖股份 shares", "被拒的委托"):
        assert told in text


def test_a_counter_that_rewrites_remarks_and_keeps_ids(terminal: Terminal, settled: Look) -> None:
    terminal.mode(Mode.REMARK_REWRITTEN)
    text, found = measured(settled(), "main", restarted=lambda: True, longest_s=0.6)
    assert found.buy is not None
    assert found.buy.remark_told == "程序化交易"
    assert found.ids_after_restart == "same"
    assert "被改写 / rewritten" in text


def test_what_never_comes_is_said_so(terminal: Terminal, settled: Look) -> None:
    terminal.mode(Mode.PUSHES_DROPPED)
    terminal.tell("fault", money_lag_s=60)
    text, found = measured(settled(), "main", restarted=None, longest_s=0.4)
    assert found.buy is not None
    assert ms(found.buy.placed)["push"] is None
    assert ms(found.buy.canceled)["money"] is None
    assert "没有等到 / not seen" in text
    assert found.doubtful == []


def test_an_order_that_does_not_end_is_named_to_its_person_alone(terminal: Terminal, settled: Look) -> None:
    terminal.tell("fault", ignore_cancels=True)
    text, found = measured(settled(), "main", restarted=None, longest_s=0.4)
    assert [remark[:9] for remark in found.doubtful] == ["jqprobeb-", "jqprobes-"]
    assert "没有看到撤单成功" in text
    assert found.doubtful[0] not in text


def test_near_its_limit_nothing_is_placed(terminal: Terminal, settled: Look) -> None:
    for symbol in CODES:
        terminal.tell("market", symbol=symbol, last="9.10", prev_close="10.00", depth=1000)
    _, found = measured(settled(), "main", restarted=None, longest_s=0.4)
    assert found.buy is None
    assert any("跌停" in why for why in found.not_measured)
    assert {o["side"] for o in terminal.orders()} == {"sell"}


class At(SystemClock):
    """Another hour of the same day."""

    def __init__(self, clock: SystemClock, hour: int) -> None:
        self._clock = clock
        self._hour = hour

    def now(self) -> datetime:
        return self._clock.now().replace(hour=self._hour)


def test_the_command_asks_first_and_only_in_trading_hours(
    terminal: Terminal, settled: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = settled()
    terminal.mode(Mode.REFUSED_LISTED)
    config, page = tmp_path / "config.toml", tmp_path / "页 page.md"
    config.write_text(
        f"data_dir = '{tmp_path}'\n[accounts.main]\nbroker = 'qmt'\nqmt_path = '{terminal.path}'\n"
        f"account_id = '{terminal.account}'\n",
        encoding="utf-8",
    )
    run = ["probe", "--config", str(config), "--output", str(page), "--no-restart"]
    assert isinstance(around.clock, SystemClock)
    night = At(around.clock, 20)
    monkeypatch.setattr(command, "SystemClock", lambda: night)
    closed = CliRunner().invoke(cli, run, input="y\n")
    assert closed.exit_code == 1
    assert "不在连续交易时段" in closed.output
    monkeypatch.setattr(command, "SystemClock", lambda: around.clock)
    assert why_not(around) is None
    no = CliRunner().invoke(cli, run, input="n\n")
    assert (no.exit_code, terminal.orders(), page.exists()) == (0, [], False)
    assert "没有下单" in no.output
    yes = CliRunner().invoke(cli, run, input="y\n")
    assert yes.exit_code == 0, yes.output
    assert "# jqfollow probe" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("jqprobeb-1", "原样返回 10 个字符 / unchanged"),
        (" jqprobeb-1 ", "原样返回 10 个字符 / unchanged"),
        ("jqpro", "截断到 5 个字符 / cut to 5 characters"),
        ("", "丢失 / dropped"),
        ("程序化交易", "被改写 / rewritten"),
    ],
)
def test_what_became_of_a_remark(told: str, kind: str) -> None:
    assert remark_kind("jqprobeb-1", told) == kind
