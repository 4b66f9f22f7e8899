"""A person's own `config.local.toml`, laid over `config.toml`."""

import shutil
import subprocess
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.settings import ConfigError, QmtAccount, Settings, default_config, load_settings, local_file
from jqfollow.settings.local import lay_over, set_by

ROOT = Path(__file__).parents[1]


def read(folder: Path, own: str, environ: Mapping[str, str] | None = None) -> Settings:
    path = folder / "config.toml"
    path.write_bytes(default_config())
    local_file(path).write_text(own, encoding="utf-8")
    return load_settings(path, environ or {})


def complaint(folder: Path, own: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, own, environ)
    return str(caught.value)


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    settings = read(tmp_path, "[risk]\nmax_order_value = 20000\n[accounts.paper]\ncash = 50000\n")
    assert settings.risk.max_order_value == 20_000
    assert settings.risk.max_daily_orders == 500
    paper = settings.accounts["paper"]
    assert (paper.broker, getattr(paper, "cash", None)) == ("paper", 50_000)


def test_who_follows_is_one_decision(tmp_path: Path) -> None:
    own = """
        [accounts.main]
        broker = "qmt"
        qmt_path = 'D:\\国金QMT交易端\\userdata_mini'
        account_id = "88888888"
        [strategies.demo]
        follow = { main = 0.1 }
        """
    settings = read(tmp_path, own)
    assert isinstance(settings.accounts["main"], QmtAccount)
    assert {name: f.figure for name, f in settings.strategies["demo"].follow.items()} == {"main": Decimal("0.1")}


def test_an_account_at_another_broker_keeps_nothing_of_the_old_one(tmp_path: Path) -> None:
    own = "[accounts.paper]\nbroker = 'qmt'\nqmt_path = 'D:\\QMT\\userdata_mini'\naccount_id = '88888888'\n"
    assert isinstance(read(tmp_path, own).accounts["paper"], QmtAccount)


def test_the_environment_lies_over_both(tmp_path: Path) -> None:
    own, over = "[signals]\nport = 9001\n", {"JQFOLLOW_SIGNALS__PORT": "9002"}
    assert read(tmp_path, own).signals.port == 9001
    assert read(tmp_path, own, over).signals.port == 9002


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("[risk]\nmax_order_value = -1\n", "risk.max_order_value (config.local.toml:2)"),
        ("[risk]\nmax_ordr_value = 1\n", "risk.max_ordr_value (config.local.toml:2)"),
        ("[accounts.main]\nbroker = 'qmt'\n", "accounts.main.account_id (config.local.toml:1)"),
    ],
)
def test_a_mistake_names_the_file_it_stands_in(tmp_path: Path, own: str, told: str) -> None:
    assert told in complaint(tmp_path, own)


def test_a_mistake_of_the_environment_names_the_variable_and_not_the_file(tmp_path: Path) -> None:
    found = complaint(tmp_path, "[signals]\nport = 9001\n", {"JQFOLLOW_SIGNALS__PORT": "nonsense"})
    assert "signals.port (JQFOLLOW_SIGNALS__PORT)" in found


def test_broken_toml_is_named_by_its_file(tmp_path: Path) -> None:
    assert "config.local.toml" in complaint(tmp_path, "[risk\n")


@pytest.mark.parametrize(
    ("own", "told", "not_told"),
    [
        ("[risk]\nmax_price_drift = 3%  # 百分之三，偏离。", "0.03", "中文标点"),
        ("[risk]\nmax_price_drift = 2.5 %", "0.025", "中文标点"),
        ('[strategies.小市值]\ntitle = "甲"', "写进 title", "中文标点"),
        ("[signals]\nhost = “127.0.0.1”", "中文标点", "title"),
        ("[signals]\nport = 80x  # 端口，“随便”写的", "不是有效的 TOML", "中文标点"),
        ("[risk]\nmax_order_value = 20万", "不写单位：200000", "中文标点"),
        ("[risk]\nmax_order_value = 1.5亿元", "不写单位：150000000", "引号"),
        ("[risk]\nmax_signal_age_s = 60秒", "不写单位：60", "引号"),
        ("[risk]\nmax_price_drift = 0．03", "全角", "中文标点"),
        ("[signals]\nhost = localhost", "加引号", "中文标点"),
        ("[accounts.m]\nqmt_path = D:\\QMT\\userdata_mini", "单引号", "冒号"),
        ("[execution]\ncatch_up = True", "小写的 true", "加引号"),
        ("[signals]\nport: 8888", "不用冒号", "加引号"),
        ("[signals]\nport =", "没有值", "加引号"),
        ("[signals\nport = 8888", "缺少 ]", "title"),
        ("[signals]\nhost = '127.0.0.1", "引号没有成对", "加引号"),
        ("[notify.wecom]\nkeys = [", "方括号", "加引号"),
    ],
)
def test_each_wrong_line_has_its_own_cause(tmp_path: Path, own: str, told: str, not_told: str) -> None:
    found = complaint(tmp_path, own)
    assert told in found
    assert not_told not in found


TABLES = st.recursive(
    st.integers(),
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "c", "accounts", "broker"]), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: isinstance(value, dict))


def at(data: Mapping[str, Any], path: tuple[str, ...]) -> object:
    here: Any = data
    for key in path:
        here = here[key]
    return here


@given(base=TABLES, own=TABLES)
def test_own_values_stand_and_the_rest_stays(base: dict[str, Any], own: dict[str, Any]) -> None:
    merged = lay_over(base, own)
    for path in set_by(base, own):
        assert at(merged, path) == at(own, path)
    assert lay_over(base, {}) == base
    assert lay_over(merged, own) == merged, "a second time changes nothing"


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="no checkout")
@pytest.mark.parametrize(
    "name", ["config.local.toml", "frpc.toml", "frps.toml", "jqfollow_client_demo.py", "data/keys.toml"]
)
def test_what_a_person_writes_is_not_tracked(name: str) -> None:
    git = shutil.which("git")
    assert git is not None
    assert subprocess.run([git, "check-ignore", "-q", name], cwd=ROOT, check=False).returncode == 0
