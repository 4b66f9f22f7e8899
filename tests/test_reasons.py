"""Every reason has its sentences, and whoever gives one also gives the figures that they name."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import jqfollow
from jqfollow import reasons
from jqfollow.reasons import Reason, Refusal

SOURCES = sorted(Path(jqfollow.__file__).parent.rglob("*.py"))
FIGURES = {  # as they come in life
    Reason.STALE: {"age_s": "75", "max_age_s": "60"},
    Reason.LATE: {"age_s": "28800", "max_age_s": "300"},
    Reason.RESTORED: {"until": "03-02 10:05:00"},
    Reason.REPLAYED: {"jq_order_id": "1700000001", "first_signal_id": "12"},
    Reason.BACKTEST: {"run": "simple_backtest", "account": "main"},
    Reason.NOT_TRADED: {"status": "canceled"},
    Reason.NO_AMOUNT: {"amount": "0"},
    Reason.SHORT_SIDE: {"position_side": "short"},
    Reason.NOT_FOLLOWED: {"strategy": "demo"},
    Reason.ACCOUNT_GONE: {"account": "main"},
    Reason.MARGIN: {"jq_order_id": "1700000001"},
    Reason.STOP_ORDER: {"jq_order_id": "1700000001", "stop": "9.50"},
    Reason.UNKNOWN_STYLE: {"jq_order_id": "1700000001", "style": "IcebergOrderStyle"},
    Reason.SEED_OPEN_ORDER: {"jq_order_id": "1700000001", "status": "open"},
    Reason.PAUSED: {"scope": "demo · 全部账户"},
    Reason.NOT_TRADING_DAY: {"day": "2026-05-01"},
    Reason.OUTSIDE_HOURS: {"time": "12:00:00", "phase": "lunch"},
    Reason.DAY_OVER: {"day": "2026-03-03", "left": "300"},
    Reason.UNKNOWN_SECURITY: {"security": "000001.XSHG", "why_zh": "是指数", "why_en": "it is an index"},
    Reason.BOARD_NOT_ALLOWED: {"security": "688001.SH", "board": "star"},
    Reason.BLOCKED: {"security": "000001.SZ"},
    Reason.SUSPENDED: {"security": "000001.SZ"},
    Reason.NO_TOTAL_VALUE: {"account": "main"},
    Reason.BELOW_LOT: {"wanted": "50", "side": "buy", "side_zh": "买", "minimum": "100 股"},
    Reason.HELD_ALREADY: {"security": "000001.SZ", "excess": "300"},
    Reason.CLOSED_OUT: {"left": "300"},
    Reason.ODD_VOLUME: {
        "security": "000001.SZ", "side": "buy", "side_zh": "买", "volume": "150", "minimum": "100", "step": "100",
    },
    Reason.NOTHING_TO_SELL: {"security": "000001.SZ", "account": "main"},
    Reason.NOT_SELLABLE_TODAY: {"security": "000001.SZ", "book": "500", "available": "0"},
    Reason.NO_QUOTE: {"security": "000001.SZ"},
    Reason.LIMIT_UP: {"security": "000001.SZ", "limit": "11.00"},
    Reason.LIMIT_DOWN: {"security": "000001.SZ", "limit": "9.00"},
    Reason.PRICE_DRIFT: {"price": "10.50", "signal_price": "10.00", "drift": "5.00%", "max_drift": "3.00%"},
    Reason.PRICE_CAGE: {"price": "10.50", "bound": "10.21"},
    Reason.PRICE_LIMIT: {"price": "12.50", "bound": "11.00"},
    Reason.NO_CASH: {"needed": "10,005.00", "cash": "9,120.55"},
    Reason.MAX_ORDER_VALUE: {"value": "512,345.68", "limit": "500,000"},
    Reason.MAX_POSITION_RATIO: {"security": "000001.SZ", "ratio": "35.0%", "limit": "30.0%"},
    Reason.MAX_DAILY_ORDERS: {"count": "500", "limit": "500"},
    Reason.MAX_DAILY_TURNOVER: {"value": "1,030,000.00", "limit": "1,000,000"},
    Reason.MAX_CANCELS: {"count": "400", "limit": "400"},
    Reason.OLD_QUOTE: {"security": "000001.SZ", "at": "03-02 15:00:00", "age_s": "68400"},
    Reason.COUNTER_LAGS: {"security": "000001.SZ", "until": "10:00:12"},
    Reason.CAPITAL: {"invested": "98,000.00", "limit": "100,000"},
    Reason.OWN_CROSSING: {"security": "000001.SZ", "remark": "jqABCDE-7"},
    Reason.RATE: {"limit": "20"},
    Reason.BROKER_DOWN: {"account": "main", "why": "未登录 / not logged in"},
    Reason.BROKER_REFUSED: {"message": "未开通创业板权限"},
    Reason.ATTEMPTS_EXHAUSTED: {"attempts": "5", "left": "300"},
    Reason.CANCELED_BY_USER: {"left": "300"},
    Reason.CANCELED_BY_STRATEGY: {"left": "300"},
    Reason.CANCELED_AT_BROKER: {"left": "300"},
    Reason.UNKNOWN_OUTCOME: {"remark": "jqABCDE-7"},
    Reason.OPPOSITE_OPEN: {"security": "000001.SZ"},
    Reason.INTERNAL_ERROR: {"error": "KeyError"},
}  # fmt: skip
LEFT_FIGURES = {"left", "day"}  # of `transitions.left_figures`; test_how_orders_end holds it to that


def named_in(reason: Reason) -> set[str]:
    """The figures that the sentences of a reason name."""
    return {name for text in reasons._SENTENCES[reason] for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_sentences(reason: Reason) -> None:
    zh, en = reasons._SENTENCES[reason]
    assert any("一" <= letter <= "鿿" for letter in zh)
    assert en.isascii()
    of_zh, of_en = (
        {name.removesuffix("_zh").removesuffix("_en") for _, name, _, _ in string.Formatter().parse(text) if name}
        for text in (zh, en)
    )
    assert of_zh - of_en <= {"day"}, "both languages tell the same figures"
    assert of_en - of_zh <= {"side", "day"}


@pytest.mark.parametrize("reason", Reason)
def test_no_figure_is_left_open(reason: Reason) -> None:
    refusal = Refusal(reason=reason, figures=FIGURES[reason])
    for text in (refusal.text(), refusal.text("en")):
        assert "?" not in text
        assert "{" not in text
    assert set(FIGURES[reason]) == named_in(reason)


def test_chinese_is_for_people_who_do_not_choose() -> None:
    refusal = Refusal(reason=Reason.SUSPENDED, figures={"security": "000001.SZ"})
    assert refusal.text() == refusal.text("zh") == "000001.SZ 停牌"


def test_a_figure_that_is_missing_or_odd_breaks_no_sentence() -> None:
    assert Refusal(reason=Reason.BLOCKED).text("en") == "? stands in risk.blocked"
    odd = Refusal(reason=Reason.BROKER_REFUSED, figures={"message": "{left} {0} %s \n"})
    assert odd.text("en") == "the broker refused: {left} {0} %s \n"


# -- whoever gives a reason --------------------------------------------------------------------------------------------


def keys_of(node: ast.expr, local: dict[str, ast.expr]) -> set[str] | None:
    """The keys of a dict as the source writes it; `None`: they cannot be read off it."""
    match node:
        case ast.Name(id=name) if name in local:
            return keys_of(local[name], local)
        case ast.Call(func=ast.Name(id="left_figures")):
            return LEFT_FIGURES
        case ast.Dict(keys=keys, values=values):
            found: set[str] = set()
            for key, value in zip(keys, values, strict=True):
                more = keys_of(value, local) if key is None else {ast.literal_eval(key)}
                if more is None:
                    return None
                found |= more
            return found
    return None


def reasons_of(node: ast.expr) -> set[Reason]:
    members = [n for n in ast.walk(node) if isinstance(n, ast.Attribute)]
    return {Reason[n.attr] for n in members if isinstance(n.value, ast.Name) and n.value.id == "Reason"}


def refusals() -> Iterator[tuple[str, Reason, set[str]]]:
    """Each `Refusal(reason=Reason.…, figures={…})` of the program: where, which, with which figures."""
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if "Refusal(" not in text:
            continue
        for function in ast.walk(ast.parse(text)):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            local = {
                node.targets[0].id: node.value
                for node in ast.walk(function)
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            }
            for node in ast.walk(function):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal"):
                    continue
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                reason = given["reason"]
                known = reasons_of(local.get(reason.id, reason) if isinstance(reason, ast.Name) else reason)
                keys = keys_of(given["figures"], local) if "figures" in given else set()
                if keys is not None:
                    yield from ((f"{path.name}:{node.lineno}", each, keys) for each in known)


def test_whoever_gives_a_reason_gives_its_figures() -> None:
    lacking = [(where, reason, named_in(reason) - keys) for where, reason, keys in refusals()]
    assert [one for one in lacking if one[2]] == []


def test_the_refusals_were_found() -> None:
    files = {where.partition(":")[0] for where, _, _ in refusals()}
    assert {"step.py", "rounds.py", "transitions.py", "following.py", "sizing.py", "desk.py", "sweeps.py"} <= files


def test_no_reason_is_given_by_nobody() -> None:
    given = "".join(p.read_text(encoding="utf-8") for p in SOURCES if p.name not in {"reasons.py", "reports.py"})
    assert [reason for reason in Reason if f"Reason.{reason.name}" not in given] == []
