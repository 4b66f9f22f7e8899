"""Codes: market-rules "Codes", row by row."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jqfollow.domain import Board
from jqfollow.market.securities import Kind, Market, Security, UnknownSecurityError, parse_security

STOCK, ETF, LOF, REIT, CONVERTIBLE = Kind
MAIN, CHINEXT, STAR, BSE, FUND, BOND = Board

# market-rules, Codes: (prefixes, market, kind, board)
ROWS = [
    ("60", "SH", STOCK, MAIN),
    ("688 689", "SH", STOCK, STAR),
    ("510 511 512 513 515 516 517 518 520 530 551 560 561 562 563 588 589", "SH", ETF, FUND),
    ("501 502 506", "SH", LOF, FUND),
    ("508", "SH", REIT, FUND),
    ("110 111 113 118", "SH", CONVERTIBLE, BOND),
    ("000 001 002 003 004", "SZ", STOCK, MAIN),
    ("300 301 302", "SZ", STOCK, CHINEXT),
    ("158 159", "SZ", ETF, FUND),
    ("16", "SZ", LOF, FUND),
    ("180", "SZ", REIT, FUND),
    ("123 127 128", "SZ", CONVERTIBLE, BOND),
    ("920", "BJ", STOCK, BSE),
]
CASES = [(prefix, market, kind, board) for prefixes, market, kind, board in ROWS for prefix in prefixes.split()]


def outcome_of(text: str) -> Security | UnknownSecurityError:
    try:
        return parse_security(text)
    except UnknownSecurityError as error:
        return error


@pytest.mark.parametrize(("prefix", "market", "kind", "board"), CASES)
def test_each_row_of_the_table(prefix: str, market: str, kind: Kind, board: Board) -> None:
    security = parse_security(f"{prefix.ljust(6, '7')}.{market}")
    assert (security.market, security.kind, security.board) == (Market(market), kind, board)
    assert security.is_fund == (kind in {ETF, LOF, REIT})
    assert security.is_bond == (kind is CONVERTIBLE)


def test_nothing_outside_the_table_is_tradable() -> None:
    expected = {(prefix, market) for prefix, market, _, _ in CASES}
    for number in range(1000):
        head = f"{number:03}"
        for market in Market:
            tradable = (head, market) in expected or (head[:2], market) in expected
            outcome = outcome_of(f"{head}123.{market}")
            assert isinstance(outcome, Security) == tradable, head
            if isinstance(outcome, UnknownSecurityError):
                assert outcome.why_zh, head
                assert outcome.why_en, head
            else:
                assert parse_security(outcome.symbol) == parse_security(outcome.joinquant) == outcome


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("000001.XSHE", "000001.SZ"),
        ("600000.XSHG", "600000.SH"),
        ("600000.SH", "600000.SH"),
        ("600000.ss", "600000.SH"),
        ("000001.sz", "000001.SZ"),
        ("920799.BJ", "920799.BJ"),
        ("920799.bjse", "920799.BJ"),
        ("920799.XBSE", "920799.BJ"),
        (" \t600000.xshg\r\n", "600000.SH"),
        ("\u3000600000.xShG\u3000", "600000.SH"),
    ],
)
def test_suffixes(text: str, symbol: str) -> None:
    assert parse_security(text).symbol == symbol


@pytest.mark.parametrize(
    ("symbol", "joinquant"),
    [("000001.SZ", "000001.XSHE"), ("600000.SH", "600000.XSHG"), ("920799.BJ", "920799.BJSE")],
)
def test_joinquant_names(symbol: str, joinquant: str) -> None:
    assert parse_security(symbol).joinquant == joinquant


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("000001.XSHG", "指数", "index"),
        ("000300.XSHG", "指数", "index"),
        ("399001.XSHE", "指数", "index"),
        ("899050.BJ", "指数", "index"),
        ("900901.SH", "B 股", "B share"),
        ("200002.SZ", "B 股", "B share"),
        ("204001.SH", "逆回购", "repo"),
        ("131810.SZ", "逆回购", "repo"),
        ("430047.BJ", "2025-10-09", "2025-10-09"),
        ("830799.BJ", "920", "920"),
        ("870436.BJ", "920", "920"),
        ("600000", "后缀", "suffix"),
        ("600000.XSGE", ".XSGE", ".XSGE"),
        ("600000.XSHE", "600000.XSHG", "600000.XSHG"),
        ("159915.SH", "159915.XSHE", "159915.XSHE"),
        ("920799.SH", "920799.BJSE", "920799.BJSE"),
        ("000001.SH", "000001.XSHE", "000001.XSHE"),
        ("999999.SZ", "999", "999"),
        ("124001.SZ", "124", "124"),
        ("sh600000", "六位数字", "six digits"),
        ("60000.SH", "六位数字", "six digits"),
        ("6000000.SH", "六位数字", "six digits"),
        ("600000 .SH", "六位数字", "six digits"),
        ("600000.SH\n1", "六位数字", "six digits"),
        ("６０００００.SH", "六位数字", "six digits"),
        ("60000²", "六位数字", "six digits"),
        ("000001.ſZ", "六位数字", "six digits"),
        ("", "六位数字", "six digits"),
        ("平安银行", "六位数字", "six digits"),
    ],
)
def test_refusals_say_why(text: str, zh: str, en: str) -> None:
    with pytest.raises(UnknownSecurityError) as caught:
        parse_security(text)
    error = caught.value
    assert error.text == text
    assert zh in error.why_zh
    assert en in error.why_en
    assert error.why_zh in str(error)
    assert error.why_en in str(error)


def test_a_refusal_shows_little_of_a_long_text_and_survives_copying() -> None:
    with pytest.raises(UnknownSecurityError) as caught:
        parse_security("x" * 1_000_000 + "\ud800")
    assert len(str(caught.value)) < 300
    for twin in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert (twin.text, twin.why_zh, twin.why_en) == (caught.value.text, caught.value.why_zh, caught.value.why_en)


NEARLY = st.from_regex(r"[ ]?[0-9]{5,7}\.?[A-Za-z]{0,5}\n?", fullmatch=True)
SUFFIXED = st.builds("{}.{}".format, st.from_regex(r"[0-9]{6}", fullmatch=True), st.sampled_from(["SH", "sz", "BJ"]))


@settings(deadline=None)
@given(st.one_of(st.text(), st.text(st.characters(codec=None)), NEARLY, SUFFIXED))
def test_any_text_is_a_security_or_a_refusal(text: str) -> None:
    outcome = outcome_of(text)
    if isinstance(outcome, UnknownSecurityError):
        assert outcome.text == text
        assert str(outcome).encode("utf-8")
    else:
        assert parse_security(outcome.symbol.lower()) == parse_security(outcome.joinquant) == outcome
