"""What a person typed wrong: told in both languages, with what to write instead; tables that fit the window."""

import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from jqfollow.cli.tables import table_lines

from .conftest import Run
from .story import write_story


@pytest.fixture(autouse=True)
def _story(config: Path) -> None:
    write_story(config.parent / "data")


@pytest.mark.parametrize(
    ("typed", "zh", "en"),
    [
        (["ordres"], "没有命令", "no command"),
        (["orders", "--foo"], "没有选项 --foo", "no option --foo"),
        (["orders", "x"], "不是整数", "not a valid integer"),
        (["orders", "--limit", "0"], "不在范围", "not in the range"),
        (["orders", "--day", "0302"], "不是 2026-03-02 这样的日期", "is not a day"),
        (["send", "demo"], "缺少参数 SECURITY", "missing argument SECURITY"),
        (["send", "demo", "000001.SZ", "hold", "100"], "不在可选值之中", "is not one of"),
        (["export"], "缺少参数 FOLDER", "missing argument"),
        (["status", "extra"], "多出了参数", "unexpected extra argument"),
        (["orders", "--limit"], "后面要写值", "requires an argument"),
        (["send", "demo", "000001.SZ", "buy", "-100"], "不能是负数", "not a negative number"),
    ],
)
def test_clicks_own_errors_are_told_in_both_languages(run: Run, typed: list[str], zh: str, en: str) -> None:
    result = run(*typed)
    assert result.exit_code == 2
    assert zh in result.stderr
    assert en in result.stderr


@pytest.mark.parametrize(
    "typed",
    [
        ["signals", "--strategy", "dem"],
        ["orders", "--account", "papr"],
        ["fills", "--strategy", "Demo2"],
        ["positions", "--account", "Papers"],
        ["pause", "--strategy", "demmo"],
        ["resume", "--account", "papre"],
        ["drift", "demmo"],
        ["drift", "--account", "papr"],
        ["repair", "demmo"],
        ["account", "papr"],
        ["keys", "show", "demmo"],
        ["client", "demmo"],
        ["send", "demmo", "000001.SZ", "buy", "100"],
        ["report", "out.html", "--strategy", "demmo"],
        ["shortfall", "demmo"],
        ["shortfall", "--account", "papr"],
        ["config", "show", "--account", "papr"],
        ["close-all", "--strategy", "dmeo"],
        ["book", "set", "papr", "demo", "000001.SZ", "100", "--why", "x"],
        ["book", "set", "paper", "demmo", "000001.SZ", "100", "--why", "x"],
        ["book", "adopt", "papr", "demo", "--why", "x"],
        ["book", "adopt", "paper", "demmo", "--why", "x"],
        ["book", "move", "paper", "000001.SZ", "demo", "demmo", "100", "--why", "x"],
    ],
)
def test_a_name_that_is_not_known_is_no_empty_answer(run: Run, typed: list[str]) -> None:
    result = run(*typed)
    assert result.exit_code == 2
    assert re.search("是不是 (demo|paper)？", result.stderr), result.stderr
    assert re.search(r"did you mean (demo|paper)\?", result.stderr)


def test_an_order_that_is_not_there_names_the_last_ones(run: Run) -> None:
    result = run("orders", "999")
    assert result.exit_code == 2
    assert "没有订单 999；最近的订单：#4" in result.stderr


@pytest.mark.parametrize(
    ("server", "instead"),
    [
        ("1.2.3.4:7000", "--server 1.2.3.4 --server-port 7000"),
        ("http://my.host.cn:7000/", "--server my.host.cn --server-port 7000"),
        ("[2001:db8::1]:7000", "--server 2001:db8::1 --server-port 7000"),
        ("https://my.host.cn", "--server my.host.cn"),
        ("1.2.3", "不是 IP 或域名"),
        ("999.1.1.1", "不是 IP 或域名"),
        ("1.2.3.4：7000", "不是 IP 或域名"),
        ("0.0.0.0", "不是 IP 或域名"),
        ("", "不是 IP 或域名"),
    ],
)
def test_a_servers_address_is_the_address_alone(run: Run, server: str, instead: str) -> None:
    result = run("frp", "--server", server)
    assert result.exit_code == 2
    assert instead in result.stderr


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("http://1.2.3.4", "http://1.2.3.4:8888"),
        ("1.2.3.4:8888", "http://1.2.3.4:8888"),
        ("1.2.3.4", "http://1.2.3.4:8888"),
        ("https://my.host.cn/", "https://my.host.cn:443"),
        ("http://1.2.3.4:8000", "http://1.2.3.4:8888"),
        ("http://1.2.3.4:99999", "不是地址"),
        ("http://1.2.3.4:0", "不是地址"),
        ("ftp://1.2.3.4:21", "不是地址"),
        ("http://", "不是地址"),
    ],
)
@pytest.mark.parametrize("command", [("client", "demo"), ("send", "demo", "000001.SZ", "buy", "100")])
def test_a_url_is_of_the_signals_port(run: Run, command: tuple[str, ...], url: str, instead: str) -> None:
    result = run(*command, "--url", url)
    assert result.exit_code == 2
    assert instead in result.stderr


def test_the_tunnels_own_port_may_be_the_consoles_number(run: Run) -> None:
    assert run("frp", "--server", "8.8.8.8", "--remote-port", "8000").exit_code == 0
    assert run("client", "demo", "--url", "http://8.8.8.8:8000").exit_code == 0


# -- tables ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("command", ["signals", "orders", "fills", "positions", "status", "drift --all", "keys list"])
def test_tables_fit_the_window(run: Run, monkeypatch: pytest.MonkeyPatch, command: str, lang: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = run(*command.split(), "--lang", lang)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    first = next((n for n, line in enumerate(lines) if line.startswith("──")), len(lines)) - 1  # above it, sentences
    assert [line for line in lines[first:] if cell_len(line) > width] == []
    assert first + 1 < len(lines) or command == "drift --all"


@pytest.mark.parametrize("spare", [(), (5, 4), (0, 1, 2, 3, 4, 5)])
@pytest.mark.parametrize("width", [40, 80, 100, 220])
def test_nothing_is_lost_where_there_is_no_room(width: int, spare: tuple[int, ...]) -> None:
    columns = ["编号", "策略", "证券", "数量", "原因", "备注"]
    why = "按比例应买入 50，不足最小单位 100 股，余数留到下次" * 2
    rows = [["1", "我的长名字策略" * 3, "000001.SZ", "1,000", why, ""], ["22", "b", "600000.SH", "5", "", "x" * 90]]
    out = Console(width=width)
    lines = [line.plain for line in table_lines(columns, rows, right=(0, 3), width=width, spare=spare, out=out)]
    assert max(map(cell_len, lines)) <= width
    text = "".join("".join(lines).split())
    for cell in (cell for row in rows for cell in row):
        assert "".join(cell.split()) in text


def test_what_all_rows_say_is_said_once_where_there_is_no_room() -> None:
    columns, rows = ["编号", "账户", "证券"], [["1", "我的账户", "000001.SZ"], ["2", "我的账户", "600000.SH"]]

    def shown(width: int, spare: tuple[int, ...]) -> list[str]:
        out = Console(width=width)
        return [line.plain for line in table_lines(columns, rows, right=(), width=width, spare=spare, out=out)]

    assert shown(30, (1,))[0] == "编号  账户      证券"
    assert shown(20, (1,)) == ["    账户 我的账户", "编号  证券", "─" * 15, "1     000001.SZ", "2     600000.SH"]
    assert shown(20, ())[2:] == ["1     我的账户", "    证券 000001.SZ", "2     我的账户", "    证券 600000.SH"]


def test_a_command_that_is_not_known_names_the_one_that_may_be_meant(run: Run) -> None:
    for typed, meant in ((["sttaus"], "status"), (["book", "sett"], "set"), (["config", "chekc"], "check")):
        result = run(*typed)
        assert (result.exit_code, f"是不是 {meant}？" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("server", "near"),
    [("localhost", True), ("192.168.1.9", True), ("10.0.0.5", True), ("127.0.0.1", True), ("mypc", True),
     ("100.64.0.1", True), ("fd00::1", True), ("1.2.3.4", False), ("my.host.cn", False)],
)  # fmt: skip
def test_an_address_that_joinquant_cannot_reach_is_told(run: Run, server: str, near: bool) -> None:
    result = run("frp", "--server", server)
    assert (result.exit_code, "聚宽在公网上连不到它" in result.stderr) == (0, near)
