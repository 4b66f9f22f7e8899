"""`jqfollow config`: looked at, explained, and changed key by key."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jqfollow.cli.app import cli
from jqfollow.settings import default_config, load_settings, local_file
from jqfollow.setup.answers import AnswerError, as_ratio

KEY = "0123abcd-4567-89ef-0123-456789abcdef"


class Folder:
    """A folder with the default configuration, and the commands that work in it."""

    def __init__(self, path: Path) -> None:
        self.config = path / "量化 交易" / "config.toml"
        self.config.parent.mkdir()
        self.config.write_bytes(default_config())
        self.own = local_file(self.config)

    def run(self, *words: str, **environ: str) -> Result:
        return CliRunner().invoke(cli, ["config", *words, "--config", str(self.config)], env=environ)

    def json(self, *words: str, **environ: str) -> object:
        done = self.run(*words, "--json", **environ)
        return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# -- check -------------------------------------------------------------------------------------------------------------


def test_a_configuration_that_is_fine(folder: Folder) -> None:
    done = folder.run("check")
    assert (done.exit_code, "配置无误" in done.output) == (0, True)
    assert folder.json("check") == {"ok": True, "mistakes": [], "cautions": []}


def test_every_mistake_is_told_at_once_with_file_and_line(folder: Folder) -> None:
    folder.own.write_text(
        '[signals]\nport = "8888"\n[risk]\nmax_ordr_value = 1\nblocked = [\n  "1",\n]\n'
        "[strategies.demo]\nfollow = { main = 1.0, papre = 2 }\n[strategies.a.risk]\norders_per_second = 3\n"
        "[accounts.x]\nbroker = 'qmt'\n",
        encoding="utf-8",
    )
    done = folder.run("check", JQFOLLOW_CONSOLE__PORT="nonsense", JQFOLLOW_RISK__NOPE="1")
    assert done.exit_code == 2
    for told in (
        "signals.port (config.local.toml:2)",
        "risk.max_ordr_value (config.local.toml:4)",
        "risk.blocked (config.local.toml:5)",
        "strategies.demo.follow.main (config.local.toml:9)",
        "strategies.demo.follow.papre (config.local.toml:9): 没有账户 'papre'，是不是 paper？",
        "strategies.a.risk.orders_per_second (config.local.toml:11)",
        "accounts.x.qmt_path (config.local.toml:12)",
        "accounts.x.account_id (config.local.toml:12)",
        "console.port (JQFOLLOW_CONSOLE__PORT)",
        "  JQFOLLOW_RISK__NOPE: ",
    ):
        assert told in done.output, told
    assert "10 处错误" in done.output


def test_what_does_not_fit_together_is_told_beside_what_is_wrong_by_itself(folder: Folder) -> None:
    folder.own.write_text("[console]\nport = 8888\n[risk]\nmax_order_value = -1\n", encoding="utf-8")
    done = folder.run("check")
    assert "console.port (config.local.toml:2)" in done.output
    assert "risk.max_order_value (config.local.toml:4)" in done.output


def test_every_line_that_is_no_toml_is_told(folder: Folder) -> None:
    folder.own.write_text(
        "[risk]\nmax_price_drift = 3%\nmax_daily_orders = 9\n\nblocked = [“000001.SZ”]\nat_limit = 7\n",
        encoding="utf-8",
    )
    folder.config.write_text("[signals]\nport 1\n", encoding="utf-8")
    done = folder.run("check")
    for told in ("  config.toml:2: ", "  config.local.toml:2: ", "0.03", "  config.local.toml:5: ", "中文标点"):
        assert told in done.output, told
    assert "risk.at_limit (config.local.toml:6)" in done.output, "what can be read is judged all the same"


@pytest.mark.parametrize(
    ("text", "told"),
    [("[risk]\nat_limit = 'queue'\nat_limit = 'queue'\n", "  config.local.toml:3: "), ("[risk]\n[risk]\n", "只留一处")],
)
def test_what_stands_there_twice(folder: Folder, text: str, told: str) -> None:
    folder.own.write_text(text, encoding="utf-8")
    assert told in folder.run("check").output


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["config", "check", "--config", str(tmp_path / "no.toml")])
    assert (done.exit_code, "jqfollow serve" in done.output) == (2, True)


def test_what_has_no_effect_is_told(folder: Folder) -> None:
    folder.own.write_text(
        "[accounts.paper.risk]\nmax_order_value = 9\nboards = ['main']\n"
        "[strategies.demo.risk]\nmax_order_value = 10\nboards = ['star']\n",
        encoding="utf-8",
    )
    done = folder.run("check", "--lang", "en")
    assert done.exit_code == 0
    assert "max_order_value = 10 of strategy demo has no effect: account paper says 9" in done.output
    assert "none in common" in done.output


# -- show --------------------------------------------------------------------------------------------------------------


def rows(told: object) -> dict[str, tuple[object, str]]:
    assert isinstance(told, dict)
    return {row["key"]: (row["value"], row["origin"]) for part in told.values() for row in part}


def test_each_value_and_where_it_comes_from(folder: Folder) -> None:
    folder.own.write_text("[risk]\nmax_order_value = 20000\n", encoding="utf-8")
    text = folder.config.read_text(encoding="utf-8").replace("max_daily_orders = 500", "# max_daily_orders = 500")
    folder.config.write_text(text, encoding="utf-8")
    told = rows(folder.json("show", JQFOLLOW_RISK__MAX_CANCELS_PER_DAY="7"))
    line = text[: text.index("max_price_drift")].count("\n") + 1
    assert told["risk.max_order_value"] == ("20000", "config.local.toml:2")
    assert told["risk.max_price_drift"] == ("0.03", f"config.toml:{line}")
    assert told["risk.max_daily_orders"] == (500, "default.toml")
    assert told["risk.max_cancels_per_day"] == (7, "JQFOLLOW_RISK__MAX_CANCELS_PER_DAY")


def test_what_is_in_force_for_a_strategy_in_an_account(folder: Folder) -> None:
    folder.own.write_text(
        "[accounts.paper.risk]\nmax_order_value = 9\n[strategies.demo.risk]\nmax_order_value = 10\ncapital = 5\n"
        "at_limit = 'queue'\nmax_daily_orders = 3\n[strategies.demo.execution]\nprice = 'own'\n",
        encoding="utf-8",
    )
    told = rows(folder.json("show", "--strategy", "demo"))
    assert told["risk.max_order_value"] == ("9", "accounts.paper.risk.max_order_value config.local.toml:2")
    assert told["risk.at_limit"] == ("queue", "strategies.demo.risk.at_limit config.local.toml:6")
    assert told["execution.price"][0] == "own"
    assert [value for key, (value, _) in told.items() if key.startswith(("capital", "max_daily_orders"))] == [3, "5"]
    assert "上策略 demo" in folder.run("show").output


def test_no_secret_is_shown(folder: Folder) -> None:
    folder.own.write_text(
        f"[notify.wecom]\nkeys = ['{KEY}']\n[strategies.old]\nwire = 'seed'\nsecret = 'hunter2'\n", encoding="utf-8"
    )
    for words in (["show"], ["show", "--json"], ["show", "notify"], ["set", "notify.wecom.keys", KEY[::-1]]):
        output = folder.run(*words).output
        assert KEY not in output
        assert KEY[::-1] not in output
        assert "hunter2" not in output


@pytest.mark.parametrize(
    "words", [["show", "risk.nope"], ["show", "--strategy", "nope"], ["show", "--account", "nope"]]
)
def test_what_is_not_there_is_refused_by_name(folder: Folder, words: list[str]) -> None:
    done = folder.run(*words)
    assert (done.exit_code, "nope" in done.output) == (2, True)


# -- set ---------------------------------------------------------------------------------------------------------------

WRITTEN = """\
# mine

[risk]                 # limits
max_order_value = 1    # small on purpose
boards = [
    "main",  # only these
]
"""


def test_a_key_is_set_and_comments_stay(folder: Folder) -> None:
    folder.own.write_bytes(WRITTEN.replace("\n", "\r\n").encode())
    done = folder.run("set", "risk.max_order_value", "200000", "strategies.demo.risk.boards", "main,star")
    assert done.exit_code == 0, done.output
    assert "1 (config.local.toml:4) → 200000 (config.local.toml:4)" in done.output
    raw = folder.own.read_bytes()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    text = raw.decode().replace("\r\n", "\n")
    assert text.startswith(WRITTEN.replace("= 1 ", "= 200000 "))
    assert '[strategies.demo.risk]\nboards = ["main", "star"]\n' in text


def test_the_file_is_begun_for_its_owner_only(folder: Folder) -> None:
    assert folder.run("set", "execution.price", "peer").exit_code == 0
    assert load_settings(folder.config, {}).execution.price == "peer"
    assert folder.own.stat().st_mode & 0o077 == 0 or str(folder.own)[1:2] == ":"


def test_a_real_account_in_one_step(folder: Folder) -> None:
    table = "{ broker = 'qmt', qmt_path = 'D:\\国金QMT交易端\\userdata_mini', account_id = '88888888' }"
    done = folder.run("set", "accounts.main", table, "strategies.demo.follow.main", "0.1")
    assert done.exit_code == 0, done.output
    settings = load_settings(folder.config, {})
    assert str(settings.accounts["main"].qmt_path) == "D:\\国金QMT交易端\\userdata_mini"  # type: ignore[union-attr]
    assert list(settings.strategies["demo"].follow) == ["paper", "main"], "who followed before still does"
    assert "88888888" not in done.output + folder.run("show", "accounts").output
    assert "[accounts.main]" in folder.own.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["risk.max_ordr_value", "1"], "did you mean max_order_value?"),
        (["max_order_value", "1"], "risk.max_order_value"),
        (["risk.max_order_value", "abc"], "risk.max_order_value"),
        (["risk.max_order_value", "-5"], "大于 0"),
        (["strategies.demo.follow.main", "1"], "没有账户 'main'"),
        (["signals.port", "8000"], "两个端口不能相同"),
        (["accounts.main.broker", "qmt"], "accounts.main.account_id"),
        (["risk.max_order_value", "5", "risk.at_limit", "perhaps"], '"reject" | "queue"'),
        (["风控", "1"], "风控"),
        (["risk.max_order_value", "20万"], "不写单位：200000"),
        (["risk.max_price_drift", "2.5%"], "写成小数：0.025"),
        (["strategies.demmo.risk.max_order_value", "1"], "是不是 demo？"),
        (["strategies.demmo.title", "甲"], "是不是 demo？"),
        (["accounts.papr.risk.max_order_value", "1"], "是不是 paper？"),
        (["risk.max_order_value"], "KEY VALUE"),
        (["strategies.demo.risk.orders_per_second", "3"], "accounts.NAME.risk.orders_per_second"),
    ],
)
def test_what_is_not_valid_is_refused_and_nothing_is_written(folder: Folder, words: list[str], told: str) -> None:
    folder.own.write_text(WRITTEN, encoding="utf-8")
    done = folder.run("set", *words)
    assert done.exit_code == 2
    assert told in done.output
    assert folder.own.read_text(encoding="utf-8") == WRITTEN


def test_a_broken_configuration_can_be_mended_key_by_key(folder: Folder) -> None:
    folder.own.write_text("[risk]\nmax_order_value = -1\nat_limit = 'x'\n", encoding="utf-8")
    first = folder.run("set", "risk.max_order_value", "5")
    assert (first.exit_code, "risk.at_limit" in first.output) == (0, True)
    assert folder.run("set", "risk.at_limit", "queue").exit_code == 0
    assert load_settings(folder.config, {}).risk.max_order_value == 5


def test_a_file_that_is_no_toml_is_not_touched(folder: Folder) -> None:
    folder.own.write_text("[risk\n", encoding="utf-8")
    done = folder.run("set", "risk.max_order_value", "5")
    assert (done.exit_code, "config.local.toml:1" in done.output) == (2, True)
    assert folder.own.read_text(encoding="utf-8") == "[risk\n"


def test_an_own_value_is_taken_away(folder: Folder) -> None:
    folder.own.write_text(WRITTEN, encoding="utf-8")
    done = folder.run("unset", "risk.max_order_value")
    assert "→ 500000 (config.toml:" in done.output
    assert load_settings(folder.config, {}).risk.max_order_value == 500_000
    assert "only these" in folder.own.read_text(encoding="utf-8")


def test_the_environment_that_lies_over_it_is_told(folder: Folder) -> None:
    done = folder.run("set", "signals.port", "9001", JQFOLLOW_SIGNALS__PORT="9002")
    assert "JQFOLLOW_SIGNALS__PORT" in done.output
    assert load_settings(folder.config, {}).signals.port == 9001


def test_an_empty_folder_gets_the_default_first(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    done = CliRunner().invoke(cli, ["config", "set", "risk.max_order_value", "5", "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert load_settings(config, {}).risk.max_order_value == 5


def test_a_secret_comes_by_the_input_and_is_not_shown(folder: Folder) -> None:
    done = CliRunner().invoke(
        cli, ["config", "set", "notify.wecom.keys", "-", "--config", str(folder.config)], input=f"{KEY}\n"
    )
    assert (done.exit_code, KEY in done.output) == (0, False)
    assert [key.get_secret_value() for key in load_settings(folder.config, {}).notify.wecom.keys] == [KEY]


@pytest.mark.parametrize(("lang", "told", "not_told"), [("zh", "应为", "expected"), ("en", "expected", "应为")])
def test_one_language_at_a_time(folder: Folder, lang: str, told: str, not_told: str) -> None:
    folder.own.write_text("[risk]\nmax_order_value = -1\nat_limit = 'x'\nnope = 1\nx = 3%\n", encoding="utf-8")
    output = folder.run("check", "--lang", lang).output
    assert told in output
    assert not_told not in output


@pytest.mark.parametrize("figure", ["1e-999999999", "1e999999999", "0e-999999999", "9" * 400, "nan", "inf"])
def test_a_figure_that_cannot_be_written_out_is_refused_at_once(folder: Folder, figure: str) -> None:
    for key in ("risk.max_order_value", "strategies.demo.follow.paper"):
        assert folder.run("set", key, figure).exit_code == 2
    assert folder.run("set", "strategies.demo.follow", f"{{ paper = {figure} }}").exit_code == 2
    assert not folder.own.exists()
    with pytest.raises(AnswerError):
        as_ratio(figure)
