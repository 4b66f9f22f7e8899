"""The configuration: what is read, what stops the start, and in which words."""

from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jqfollow.domain import Board, Wire
from jqfollow.settings import (
    ConfigError,
    FollowMode,
    PaperAccount,
    QmtAccount,
    Settings,
    default_config,
    load_settings,
    parse_settings,
)
from jqfollow.settings.cautions import cautions

ROOT = Path(__file__).parents[1]


def read(folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> Settings:
    path = folder / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_settings(path, environ or {})


def complaint(folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, environ)
    return str(caught.value)


def test_the_file_at_the_root_is_the_packaged_default() -> None:
    assert (ROOT / "config.toml").read_bytes().replace(b"\r\n", b"\n") == default_config()


def test_the_default_file_says_what_an_empty_file_means_and_names_every_key(tmp_path: Path) -> None:
    written = read(tmp_path, default_config())
    empty = read(tmp_path, "")
    assert written.accounts == {"paper": PaperAccount(broker="paper")}  # type: ignore[arg-type]
    demo = written.strategies["demo"]
    assert (demo.wire, demo.backtest, demo.follow["paper"].figure) == (Wire.JQF1, "paper", Decimal(1))
    assert written.model_copy(update={"accounts": {}, "strategies": {}}) == empty
    text = default_config().decode()
    sections = (written, written.signals, written.console, written.execution, written.risk, written.notify)
    for section in (*sections, written.accounts["paper"], written.notify.wecom):
        for key in type(section).model_fields:
            assert key in text


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "量化 交易"
    folder.mkdir()
    assert read(folder, 'data_dir = "数据"').data_dir == folder / "数据"
    absolute = (tmp_path / "elsewhere").as_posix()
    assert read(folder, f'data_dir = "{absolute}"').data_dir == tmp_path / "elsewhere"


def test_all_kinds_of_following_and_a_real_account(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        r"""
        [accounts.main]
        broker = "qmt"
        qmt_path = 'D:\国金QMT交易端\userdata_mini'
        account_id = "88888888"
        [accounts.paper]
        broker = "paper"
        cash = 1234567.89
        [strategies.a]
        follow = { main = { value = 20000 }, paper = 0.1 }
        [strategies.b]
        follow = { main = { shares = 500 }, paper = { equity = 300000.50 } }
        [strategies.c]
        wire = "seed"
        secret = "hunter2"
        """,
    )
    main, paper = settings.accounts["main"], settings.accounts["paper"]
    assert isinstance(main, QmtAccount)
    assert str(main.qmt_path) == r"D:\国金QMT交易端\userdata_mini"
    assert isinstance(paper, PaperAccount)
    assert paper.cash == Decimal("1234567.89")
    follow = {(s, a): (f.mode, f.figure) for s, v in settings.strategies.items() for a, f in v.follow.items()}
    assert follow == {
        ("a", "main"): (FollowMode.VALUE, Decimal(20000)),
        ("a", "paper"): (FollowMode.RATIO, Decimal("0.1")),
        ("b", "main"): (FollowMode.SHARES, Decimal(500)),
        ("b", "paper"): (FollowMode.EQUITY, Decimal("300000.50")),
    }
    assert "hunter2" not in repr(settings)


REAL = "[accounts.m]\nbroker='qmt'\nqmt_path='x'\naccount_id='1'\n"
WRONG_VALUES = [
    ('[signals]\nport = "8888"', ["signals.port", '文字 "8888"', "整数", "65,535", "whole number"]),
    ("[signals]\nport = true", ["signals.port", "布尔值 true"]),
    ("[signals]\nport = 8888.0", ["signals.port", "小数 8888.0"]),
    ("[signals]\nport = 70000", ["signals.port", "70000", "65,535"]),
    ('[signals]\nhost = ""', ["signals.host"]),
    ('[signals]\nmax_per_minute = "1"', ["signals.max_per_minute"]),
    ("[signals]\nprot = 1", ["signals.prot", "did you mean port?", "host, port, max_per_minute"]),
    ("[singals]\nport = 1", ["singals", "did you mean signals?"]),
    ('signals = "x"', ["signals", "host, port, max_per_minute"]),
    ('[console]\nhost = "0.0.0.0"', ["console.host", "127.0.0.1"]),
    ("[console]\nport = 8888", ["signals.port", "console.port"]),
    ('[accounts.x]\nbroker = "ib"', ["accounts.x.broker", '"ib"', '"paper" | "qmt" | "fullqmt"']),
    ("[accounts.x]\ncash = 1", ["accounts.x.broker", "缺少", '"paper" | "qmt" | "fullqmt"']),
    ("[accounts.x]\nbroker = 1", ["accounts.x.broker", '"paper" | "qmt" | "fullqmt"']),
    ('[accounts.paper]\nbroker = "paper"\ncash = "1"', ["  accounts.paper.cash (config.toml:3): "]),
    ('[accounts.paper]\nbroker = "paper"\ncash = true', ["  accounts.paper.cash (config.toml:3): "]),
    ('[accounts.paper]\nbroker = "paper"\ncash = nan', ["  accounts.paper.cash (config.toml:3): "]),
    ('[accounts.paper]\nbroker = "paper"\ncash = -1', ["  accounts.paper.cash (config.toml:3): ", "-1", "不小于 0"]),
    ('[accounts.paper]\nbroker = "paper"\ncahs = 1', ["  accounts.paper.cahs (config.toml:3): ", "did you mean cash?"]),
    ('[accounts.qmt]\nbroker = "qmt"', ["accounts.qmt.qmt_path", "缺少", "accounts.qmt.account_id"]),
    ('[accounts.m]\nbroker = "qmt"\nqmt_path = "x"\naccount_id = 8', ["accounts.m.account_id", "整数 8"]),
    ('[accounts."账户"]\nbroker = "paper"', ["accounts.账户", "A-Z"]),
    ('[accounts.CON]\nbroker = "paper"', ["Windows"]),
    ('[accounts.a]\nbroker = "paper"\n[accounts.A]\nbroker = "paper"', ["accounts.a", "accounts.A"]),
    ("[strategies.a]\nfollow = { paper = 1.0 }", ["strategies.a.follow", "paper"]),
    ('[accounts.p]\nbroker="paper"\n[strategies.a]\nfollow = { p = true }', ["strategies.a.follow.p", "value = 20000"]),
    ('[accounts.p]\nbroker="paper"\n[strategies.a]\nfollow = { p = "1" }', ["strategies.a.follow.p"]),
    ('[accounts.p]\nbroker="paper"\n[strategies.a]\nfollow = { p = 0 }', ["strategies.a.follow.p", "大于 0"]),
    ('[accounts.p]\nbroker="paper"\n[strategies.a]\nfollow = { p = inf }', ["strategies.a.follow.p"]),
    ('[accounts.p]\nbroker="paper"\n[strategies.a]\nfollow = { p = {} }', ["strategies.a.follow.p", "exactly one"]),
    (
        '[accounts.p]\nbroker="paper"\n[strategies.a]\nfollow = { p = { ratio = 1, value = 2 } }',
        ["strategies.a.follow.p", "exactly one"],
    ),
    (
        '[accounts.p]\nbroker="paper"\n[strategies.a]\nfollow = { p = { shares = 1.5 } }',
        ["strategies.a.follow.p.shares", "1.5"],
    ),
    ('[strategies.a]\nwire = "seed"', ["strategies.a", "secret"]),
    ('[strategies.a]\nsecret = "hunter2"', ["strategies.a", "keys.toml"]),
    ('[strategies.a]\nwire = "seed"\nsecret = "x"', ["strategies.a", "猜", "guess"]),
    *(
        (f'[strategies.a]\nwire = "seed"\nsecret = "{secret}"', ["strategies.a", "猜", "guess"])
        for secret in (
            *("123456", "qwerty", "P@ssw0rd", "abcdef", "20230815", "jqfollow1", "acegik", "987654"),
            *(
                "qwertyqwerty",
                "abcdabcd",
                "password123password",
                "ｐａｓｓｗｏｒｄ１",
                "2023-08-15",
                "1q2w3e4r",
                "zaq12wsx",
            ),
            *(
                "a1b2c3d4",
                "qwe123asd",
                "aabbccdd",
                "12341234123412",
                "我的密码我的密码",
                "joinquant20240101",
                "test-test",
            ),
        )
    ),
    ('[strategies.a]\nwire = "seed"\nsecret = "ababababab"', ["strategies.a", "guess"]),
    ('[strategies.Momentum]\nwire = "seed"\nsecret = "momentum1"', ["strategies.Momentum.secret", "自己的名字"]),
    (f"[risk]\nmax_order_value = {'1' * 5000}", ["TOML"]),
    ("[risk]\nmax_order_value = 1e-999999999", ["risk.max_order_value", "1e-30"]),
    ('[accounts.p]\nbroker="paper"\n[strategies.a]\nfollow = { p = 1e-999999999 }', ["strategies.a.follow.p"]),
    (
        f"{REAL}[strategies.a]\nwire='seed'\nsecret='hunter2'\nfollow={{m=1}}",
        ["strategies.a", "accept_weak_wire = true", "real account m"],
    ),
    (
        "[signals]\nhost='0.0.0.0'\n[strategies.a]\nwire='seed'\nsecret='hunter2'",
        ["strategies.a", "accept_weak_wire", "0.0.0.0"],
    ),
    ('[strategies.a]\nwire = "udp"', ["strategies.a.wire", '"jqf1" | "seed"']),
    ('[execution]\nprice = "best"', ["execution.price", '"latest" | "own" | "peer" | "signal"']),
    ("[execution]\ncancel_after_s = 0", ["execution.cancel_after_s", "大于 0"]),
    ("[execution]\ncancel_after_s = inf", ["execution.cancel_after_s"]),
    ("[execution]\njoin_auction = 1", ["execution.join_auction", "true 或 false"]),
    ("[risk]\nmax_price_drift = 3", ["risk.max_price_drift", "不大于 1"]),
    ('[risk]\nboards = ["moon"]', ["risk.boards.0", '"main"']),
    ('[risk]\nboards = "main"', ["risk.boards", "数组"]),
    ('[risk]\nblocked = ["1"]', ["risk.blocked", "000001.XSHE"]),
    ('[notify]\nheartbeat_at = "9:00"', ["notify.heartbeat_at", "09:00"]),
    ("[notify]\nheartbeat_at = 9", ["notify.heartbeat_at", "09:00"]),
]


@pytest.mark.parametrize(("text", "said"), WRONG_VALUES)
def test_what_is_wrong_stops_the_start_and_is_named(tmp_path: Path, text: str, said: list[str]) -> None:
    message = complaint(tmp_path, text)
    for words in said:
        assert words in message


@pytest.mark.parametrize(
    "secret",
    ["hunter2", "k9x2m7q4", "7f3a9c21", "8302947561", "13800138000", "Tr0ub4dor&3", "梧桐夜雨十年灯", "x8!Kq0"],
)
def test_what_is_no_word_and_no_row_is_a_secret(tmp_path: Path, secret: str) -> None:
    assert read(tmp_path, f'[strategies.a]\nwire = "seed"\nsecret = "{secret}"').strategies["a"].secret is not None


def test_what_is_weak_is_started_only_knowingly_and_never_without_a_word(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        "[signals]\nhost='0.0.0.0'\n[accounts.m]\nbroker='qmt'\nqmt_path='x'\naccount_id='1'\n"
        "[strategies.a]\nwire='seed'\nsecret='hunter2'\naccept_weak_wire=true\nfollow={m=1}\n"
        "[strategies.b]\nwire='seed'\nsecret='hunter2'\naccept_weak_wire=true",
    )
    found = [zh for zh, _ in cautions(settings)]
    assert [words in told for words, told in zip(("0.0.0.0", "策略 a", "策略 b", "共用"), found, strict=True)] == [
        True
    ] * 4
    assert "hunter2" not in str(cautions(settings))
    assert cautions(read(tmp_path, "")) == []


@pytest.mark.parametrize(
    "text",
    [
        '[notify.wecom]\nkeys = "hunter2hunter2"',
        '[notify.wecom]\nkeys = ["hunter2 hunter2"]',
        '[notify.wecom]\nkyes = ["hunter2hunter2"]',
        '[notify]\nwecom = "hunter2"',
        '[strategies.a]\nsecret = "hunter2"',
        '[strategies.a]\nsecret = ["hunter2"]',
        '[strategies.a]\nsecrte = "hunter2"',
        'strategies = "hunter2"',
        '[strategies.a]\nsecret = "hunter2',
    ],
)
def test_no_complaint_repeats_a_secret(tmp_path: Path, text: str) -> None:
    assert "hunter2" not in complaint(tmp_path, text)


def test_everything_wrong_is_named_at_once(tmp_path: Path) -> None:
    message = complaint(tmp_path, "[signals]\nport = true\n[risk]\nx = 1", {"JQFOLLOW_NOPE": "1"})
    assert all(name in message for name in ("signals.port", "risk.x", "JQFOLLOW_NOPE"))


def test_encodings(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf" + default_config()).strategies["demo"].title == "演示策略"
    assert read(tmp_path, default_config().replace(b"\n", b"\r\n")).strategies["demo"].title == "演示策略"
    gbk = complaint(tmp_path, "# one\n[strategies.demo]\ntitle = '演示'".encode("gbk"))
    assert "第 3 行" in gbk
    assert "UTF-8" in gbk
    assert "UTF-8" in complaint(tmp_path, "data_dir = 'x'".encode("utf-16"))


def test_a_file_that_is_not_there_or_no_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="jqfollow serve"):
        load_settings(tmp_path / "no.toml", {})
    with pytest.raises(ConfigError, match=r"无法读取|找不到"):
        load_settings(tmp_path, {})
    assert "单引号" in complaint(tmp_path, '[accounts.m]\nqmt_path = "D:\\国金\\userdata_mini"')
    assert "中文标点" in complaint(tmp_path, "[signals]\nhost = “127.0.0.1”")
    assert "line 2" in complaint(tmp_path, "[signals]\nport 1")


FILE = """
[signals]
port = 1111
[accounts.Main]
broker = "paper"
cash = 5
[strategies."my-first.one"]
follow = { Main = 1.0 }
"""
ENVIRONMENT: list[tuple[str, str, Any]] = [
    ("JQFOLLOW_SIGNALS__PORT", "9999", lambda s: s.signals.port == 9999 and s.signals.host == "127.0.0.1"),
    ("jqfollow_signals__port", " 9999 ", lambda s: s.signals.port == 9999),
    ("JQFOLLOW_SIGNALS", '{"host": "0.0.0.0"}', lambda s: (s.signals.host, s.signals.port) == ("0.0.0.0", 1111)),
    ("JQFOLLOW_DATA_DIR", "1234", lambda s: s.data_dir.name == "1234"),
    ("JQFOLLOW_EXECUTION__JOIN_AUCTION", "TRUE", lambda s: s.execution.join_auction is True),
    ("JQFOLLOW_EXECUTION__CANCEL_AFTER_S", "2.5", lambda s: s.execution.cancel_after_s == 2.5),
    ("JQFOLLOW_EXECUTION__PRICE", "peer", lambda s: s.execution.price == "peer"),
    ("JQFOLLOW_RISK__MAX_PRICE_DRIFT", "0.05", lambda s: s.risk.max_price_drift == Decimal("0.05")),
    ("JQFOLLOW_RISK__BOARDS", "main,star", lambda s: s.risk.boards == {Board.MAIN, Board.STAR}),
    ("JQFOLLOW_RISK__BLOCKED", "['000001.SZ']", lambda s: s.risk.blocked == {"000001.SZ"}),
    ("JQFOLLOW_NOTIFY__SUMMARY_AT", "16:00", lambda s: s.notify.summary_at == time(16)),
    ("JQFOLLOW_NOTIFY__WECOM__KEYS", '["aaaaaaaa", "bbbbbbbb"]', lambda s: len(s.notify.wecom.keys) == 2),
    ("JQFOLLOW_NOTIFY__WECOM__KEYS", "aaaaaaaa，bbbbbbbb,", lambda s: len(s.notify.wecom.keys) == 2),
    ("JQFOLLOW_NOTIFY__WECOM__KEYS", "", lambda s: s.notify.wecom.keys == ()),
    ("JQFOLLOW_ACCOUNTS__MAIN__CASH", "7", lambda s: s.accounts["Main"].cash == 7),
    ("JQFOLLOW_ACCOUNTS__OTHER__BROKER", "paper", lambda s: set(s.accounts) == {"Main", "other"}),
    ("JQFOLLOW_STRATEGIES__MY_FIRST_ONE__TITLE", "7", lambda s: s.strategies["my-first.one"].title == "7"),
    (
        "JQFOLLOW_STRATEGIES__MY_FIRST_ONE__FOLLOW__MAIN",
        "{ value = 20000 }",
        lambda s: s.strategies["my-first.one"].follow["Main"].mode is FollowMode.VALUE,
    ),
    (
        "JQFOLLOW_STRATEGIES__MY_FIRST_ONE__FOLLOW__MAIN",
        "0.25",
        lambda s: s.strategies["my-first.one"].follow["Main"].figure == Decimal("0.25"),
    ),
    ("JQFOLLOW_CONFIG", "elsewhere", lambda s: s.signals.port == 1111),
    ("OTHER_SIGNALS__PORT", "1", lambda s: s.signals.port == 1111),
]


@pytest.mark.parametrize(("name", "text", "holds"), ENVIRONMENT)
def test_the_environment_wins_key_by_key(tmp_path: Path, name: str, text: str, holds: Any) -> None:
    assert holds(read(tmp_path, FILE, {name: text}))


WRONG_ENVIRONMENT = [
    ("JQFOLLOW_SIGNALS__PORT", "abc", ["signals.port (JQFOLLOW_SIGNALS__PORT)", '"abc"', "65,535"]),
    ("JQFOLLOW_SIGNALS__PORT", "", ["signals.port (JQFOLLOW_SIGNALS__PORT)"]),
    ("JQFOLLOW_SIGNALS__PROT", "1", ["JQFOLLOW_SIGNALS__PROT", "did you mean port?"]),
    ("JQFOLLOW_SIGNAL", "1", ["JQFOLLOW_SIGNAL", "did you mean signals?"]),
    ("JQFOLLOW_ACCOUNTS__MAIN__CHAS", "1", ["JQFOLLOW_ACCOUNTS__MAIN__CHAS", "did you mean cash?"]),
    ("JQFOLLOW_SIGNALS__PORT__X", "1", ["JQFOLLOW_SIGNALS__PORT__X"]),
    ("JQFOLLOW_ACCOUNTS__MAIN__CASH", "NaN", ["accounts.Main.cash"]),
    ("JQFOLLOW_EXECUTION__JOIN_AUCTION", "perhaps", ["execution.join_auction"]),
    ("JQFOLLOW_ACCOUNTS__MAIN__QMT_PATH", "x", ["accounts.Main.qmt_path"]),
]


@pytest.mark.parametrize(("name", "text", "said"), WRONG_ENVIRONMENT)
def test_a_wrong_environment_is_named(tmp_path: Path, name: str, text: str, said: list[str]) -> None:
    message = complaint(tmp_path, FILE, {name: text})
    for words in said:
        assert words in message


def test_two_names_that_one_variable_may_mean(tmp_path: Path) -> None:
    text = '[accounts.a-b]\nbroker = "paper"\n[accounts.a_b]\nbroker = "paper"'
    assert "a-b, a_b" in complaint(tmp_path, text, {"JQFOLLOW_ACCOUNTS__A_B__CASH": "1"})


def test_a_secret_in_the_environment_is_not_repeated(tmp_path: Path) -> None:
    for name in ("JQFOLLOW_NOTIFY__WECOM__KEYS", "JQFOLLOW_NOTIFY__WECOM", "JQFOLLOW_NOTIFY__WECOM__KEY"):
        assert "hunter 2" not in complaint(tmp_path, FILE, {name: "hunter 2"})


def test_the_given_data_stay_as_they_are() -> None:
    data = {"signals": {"port": 1}}
    assert parse_settings(data, source="test", environ={"JQFOLLOW_SIGNALS__PORT": "2"}).signals.port == 2
    assert data == {"signals": {"port": 1}}


def test_keys_that_moved_are_told_where_they_stand_now(tmp_path: Path) -> None:
    said = complaint(tmp_path, "[strategies.a]\nmax_order_value = 5\nmax_daily_orders = 5\n")
    assert said.count("[strategies.NAME.risk]") == 4
