"""One word for one thing, and no text in two languages at once."""

import ast
import functools
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import jqfollow
from jqfollow import vocabulary
from jqfollow.domain import ORDER_OPEN, AttemptState, OrderState, SignalKind, SignalState, WaitingFor
from jqfollow.execution.lifecycle import Event
from jqfollow.reasons import IN_SHORT, Reason
from jqfollow.vocabulary import OUTCOMES, SIGNALS, Outcome, Tally, half, order_outcome, signal_outcome

ROOT = Path(jqfollow.__file__).parent
PAGE = (ROOT / "api" / "static" / "i18n.js").read_text(encoding="utf-8")
TABLE = Path(__file__).parents[1] / "docs" / "vocabulary.md"
CATALOGUES = {
    name: words
    for name, words in vars(vocabulary).items()
    if isinstance(words, dict) and all(isinstance(word, tuple) for word in words.values())
} | {"IN_SHORT": IN_SHORT}
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
STATES = re.compile(
    r"\b(pending_new|partially_filled|pending_cancel|filled|canceled|cancelled|rejected|expired|followed|recorded"
    r"|sim_trade|buy|sell)\b(?! [一-鿿])"
)
NAMES_THERE = "模型交易|模型研究|极简模式|实盘|时间戳|订单添加时间|下单数量|已经成交|买卖|股票代码"
"""What the vendor's and JoinQuant's own windows and fields are called."""
ORDERS = st.tuples(st.sampled_from(OrderState), st.integers(0, 500))
BECAME = st.lists(st.sampled_from(Outcome), max_size=4)


# -- what became of a signal -------------------------------------------------------------------------------------------


@given(ORDERS)
def test_an_order_that_is_over_is_followed_partly_or_not(order: tuple[OrderState, int]) -> None:
    became = order_outcome(*order)
    assert (became is Outcome.UNDER_WAY) == (order[0] in ORDER_OPEN)
    assert (became is Outcome.NOT_FOLLOWED) <= (order[1] == 0)


@given(st.sampled_from(SignalState), BECAME)
def test_followed_is_a_signal_of_which_everything_was_filled(state: SignalState, orders: list[Outcome]) -> None:
    became = signal_outcome(state, orders)
    if became is Outcome.FOLLOWED:
        assert set(orders) == {Outcome.FOLLOWED}
    if became is Outcome.NOT_FOLLOWED:
        assert set(orders) <= {Outcome.NOT_FOLLOWED}
    if Outcome.UNDER_WAY in orders or state is SignalState.RECEIVED:
        assert became is Outcome.UNDER_WAY


@given(st.lists(st.tuples(st.sampled_from(SignalState), BECAME)))
def test_the_figures_add_up_to_the_signals(signals: list[tuple[SignalState, list[Outcome]]]) -> None:
    tally = Tally.of([signal_outcome(*signal) for signal in signals])
    assert tally.received == len(signals)
    assert tally.received == tally.followed + tally.partly + tally.not_followed + tally.under_way
    for lang in ("zh", "en"):
        first, *others = map(int, re.findall(r"\d+", tally.text(SIGNALS, lang)))
        assert first == len(signals)
        assert sum(others) == first or not others


def test_a_signal_of_which_no_share_was_ordered_is_not_followed() -> None:
    nothing = order_outcome(OrderState.REJECTED, 0)
    assert signal_outcome(SignalState.FOLLOWED, [nothing]) is Outcome.NOT_FOLLOWED
    assert signal_outcome(SignalState.FOLLOWED, [nothing, Outcome.FOLLOWED]) is Outcome.PARTLY


# -- the words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CATALOGUES)
def test_each_word_is_of_one_language(name: str) -> None:
    for code, (zh, en) in CATALOGUES[name].items():
        assert CHINESE.search(zh), code
        assert not re.search("[a-z]", zh), code
        assert en.isascii(), code


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (OrderState, vocabulary.ORDER_STATES),
        (AttemptState, vocabulary.ATTEMPT_STATES),
        (WaitingFor, vocabulary.WAITING),
        (SignalKind, vocabulary.KINDS),
        (Event, vocabulary.EVENTS),
        (Outcome, OUTCOMES),
        (Reason, IN_SHORT),
    ],
)
def test_every_code_has_its_word(codes: list[str], words: dict[str, vocabulary.Pair]) -> None:
    assert [code for code in codes if code not in words] == []


def page(key: str) -> tuple[str, str]:
    found = re.search(rf'(?<![\w]){key}: \["([^"]*)",\s*"([^"]*)"\]', PAGE)
    assert found is not None, key
    return found[1], found[2].lower()


@pytest.mark.parametrize(
    ("words", "prefix"),
    [(OUTCOMES, ""), (vocabulary.SIDES, ""), (vocabulary.ORDER_STATES, ""), (vocabulary.WAITING, "wait_")],
)
def test_the_page_says_the_same_words(words: dict[str, vocabulary.Pair], prefix: str) -> None:
    assert {code: page(prefix + code) for code in words} == words


def test_the_page_says_the_same_words_of_what_is_at_the_broker() -> None:
    words = vocabulary.ATTEMPT_STATES
    assert page("at_rejected") == words["rejected"]
    assert {code: page(code) for code in words if code != "rejected"} == {
        c: w for c, w in words.items() if c != "rejected"
    }


def test_the_table_for_people_is_this_one() -> None:
    text = TABLE.read_text(encoding="utf-8")
    for words in (OUTCOMES, vocabulary.ORDER_STATES, vocabulary.ATTEMPT_STATES, vocabulary.WAITING):
        for code, (zh, en) in words.items():
            assert re.search(rf"\| {zh} \| {en} \| `[^|]*\b{code}\b[^|]*` \|", text), (zh, en, code)


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("没有 / none", "没有", "none"),
        ("有这笔 / 没有这笔 / placed / not placed", "有这笔 / 没有这笔", "placed / not placed"),
        ("甲 / a; 乙 / b", "甲；乙", "a; b"),
        ("只有中文", "只有中文", "只有中文"),
        ("only English / both", "only English / both", "only English / both"),
        ("", "", ""),
    ],
)
def test_halves(text: str, zh: str, en: str) -> None:
    assert (half(text, "zh"), half(text, "en")) == (zh, en)


# -- every text of the program -----------------------------------------------------------------------------------------


def texts(node: ast.expr) -> str | None:
    """What a constant or an f-string says, figures left out; `None`: neither."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(texts(part) or "" if isinstance(part, ast.Constant) else "\0" for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            one, other = texts(left), texts(right)
            return None if one is None or other is None else one + other
    return None


def pairs(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Each (Chinese, English) that stands side by side."""
    for node in ast.walk(tree):
        sides = node.elts if isinstance(node, ast.Tuple) else node.args if isinstance(node, ast.Call) else []
        told = [texts(side) for side in sides]
        for zh, en in pairwise(told):
            chinese_first = zh and en and CHINESE.search(zh) and not CHINESE.search(en[:8])
            if zh and en and chinese_first and re.search("[a-z]{3}", en) and not re.search(r"[，。：]", en):
                yield node.lineno, zh, en
        if isinstance(node, ast.Constant | ast.JoinedStr) and (told_both := texts(node)) and " / " in told_both:
            zh, en = half(told_both, "zh"), half(told_both, "en")
            if zh != en:
                yield node.lineno, zh, en


FILES = [path for path in sorted(ROOT.rglob("*.py")) if not path.name.startswith("joinquant_")]


@functools.cache
def trees() -> list[tuple[Path, ast.AST]]:
    """Every file of the program, parsed when the first test asks."""
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in FILES]


@functools.cache
def found() -> list[tuple[Path, int, str, str]]:
    return [(path, *pair) for path, tree in trees() for pair in pairs(tree)]


def test_texts_were_found() -> None:
    assert len(found()) > 500


def test_no_text_mixes_languages() -> None:
    """Chinese without English states; English without Chinese words, but for quoted ones of brokers and fields."""
    wrong = []
    for path, line, zh, en in found():
        if path.name in {"calendar.py", "config.py", "vocabulary.py"}:  # files with comments of either language
            continue
        spoken = re.sub(r"`[^`]*`|\"[^\"]*\"|“[^”]*”|[\w.]*[_.=][\w.]+|jqfollow [a-z ]+|--[a-z-]+", "", zh)
        if STATES.search(spoken):
            wrong.append(f"{path.name}:{line}: {zh}")
        quoted = re.sub(NAMES_THERE, "", re.sub(r"“[^”]*”|\"[^\"]*\"", "", en))
        if re.search(r"[\u4e00-\u9fff]", quoted):
            wrong.append(f"{path.name}:{line}: {en}")
    assert wrong == []


def raw_states(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Codes of states and sides that stand bare in a Chinese f-string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and CHINESE.search(texts(node) or ""):
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    of = ast.unparse(part.value)
                    if re.search(r"\.(state|side|outcome|phase|kind|waiting_for|status|run)(\.value)?$", of):
                        yield node.lineno, of


def test_no_code_of_a_state_stands_in_a_chinese_sentence() -> None:
    wrong = [f"{path.relative_to(ROOT)}:{line}: {{{of}}}" for path, tree in trees() for line, of in raw_states(tree)]
    assert wrong == []
