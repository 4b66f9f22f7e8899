"""One order's story in words, by each of its names."""

import re
from pathlib import Path

import pytest

from .conftest import Run
from .story import write_story


@pytest.fixture(autouse=True)
def _story(config: Path) -> None:
    write_story(config.parent / "data")


@pytest.mark.parametrize("asked", ["1", "#1", "订单 #1", "s1", "信号 #1"])
def test_a_story_by_each_of_its_names(run: Run, asked: str) -> None:
    result = run("explain", asked)
    assert result.exit_code == 0
    for told in ("订单 #1", "信号 #1", "按比例", "可以下单", "成交 300 股 @ 10.52", "结局  已跟 300/300"):
        assert told in result.output
    assert not re.search(r"\b(filled|pending_new|accepted|ratio|buy)\b", result.output)


def test_by_the_remark_and_by_joinquants_number(run: Run) -> None:
    by_number = run("explain", "1").output
    remark = re.search(r"jq\w+-1\b", run("orders", "1", "--json").output)
    assert remark is not None
    assert run("explain", remark[0]).output == by_number
    there = re.search(r"聚宽订单 (\S+?)；", by_number)
    assert there is not None
    assert "订单 #1" in run("explain", there[1]).output


def test_in_english(run: Run) -> None:
    result = run("explain", "2", "--english")
    assert "not followed: the broker refused" in result.output
    assert "What was known" in result.output
    assert result.output == run("explain", "2", "--lang", "en").output


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("999", "最近的订单：#4"), ("s999", "最近的订单：#4"), ("nonsense", "最近的订单"), ("", "没有订单")],
)
def test_what_is_not_there_is_refused(run: Run, asked: str, meant: str) -> None:
    result = run("explain", asked)
    assert result.exit_code == 2
    assert meant in result.stderr


def test_a_remark_that_is_nearly_right(run: Run) -> None:
    remark = re.search(r"jq\w+-1\b", run("orders", "1", "--json").output)
    assert remark is not None
    result = run("explain", remark[0][:-2] + "x-1")
    assert result.exit_code == 2
    assert f"是不是 {remark[0][:4]}" in result.stderr


def test_a_signal_without_orders(run: Run) -> None:
    result = run("explain", "s5")
    assert result.exit_code == 0
    assert "没有设置跟单账户" in result.output
    assert "没有由它而来的订单" in result.output
