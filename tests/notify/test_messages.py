from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import AccountState, OrderState, Side, Waiting, WaitingFor
from jqfollow.notify import figures, messages
from jqfollow.notify.texts import MAX_BYTES, clean, size
from jqfollow.reasons import Reason

from .rows import AT, attempt, order, signal


def test_filled() -> None:
    done = order(state=OrderState.FILLED, filled=500, turnover=Decimal("6170.00"))

    assert messages.order_done(done, title="演示策略", name="平安银行", attempts=1) == (
        "✅ 已跟 买入 平安银行 000001.SZ 500 股 均价 12.34\n金额 6,170.00 元\n演示策略 → main"
    )


def test_partly_filled_and_ended_tells_why_and_how_often() -> None:
    done = order(
        state=OrderState.CANCELED,
        side=Side.SELL,
        filled=300,
        turnover=Decimal(3701),
        reason=Reason.ATTEMPTS_EXHAUSTED,
        figures={"attempts": "5", "left": "200"},
    )

    assert messages.order_done(done, title="", name=None, attempts=5) == (
        "⚠️ 部分 卖出 000001.SZ 300/500 股 均价 12.3367\n金额 3,701.00 元\n"
        "原因：已尝试 5 次，还剩 200 未成交\ndemo → main · 共 5 次委托"
    )


@pytest.mark.parametrize("state", [OrderState.CANCELED, OrderState.EXPIRED])
def test_ended_without_a_fill(state: OrderState) -> None:
    done = order(state=state, reason=Reason.DAY_OVER, figures={"day": "2026-03-03", "left": "500"})

    assert messages.order_done(done, title="演示策略", name="平安银行", attempts=1) == (
        "❌ 未跟 买入 平安银行 000001.SZ 500 股\n原因：交易日 2026-03-03 已结束，还剩 500 未成交\n演示策略 → main"
    )


def test_a_rejected_order_is_refused() -> None:
    refused = order(
        state=OrderState.REJECTED, reason=Reason.LIMIT_UP, figures={"security": "000001.SZ", "limit": "13.5"}
    )
    text = "❌ 未跟 买入 000001.SZ 500 股\n原因：000001.SZ 涨停 13.5，不追买\n演示策略 → main"

    assert messages.order_refused(refused, title="演示策略", name=None) == text
    assert messages.order_done(refused, title="演示策略", name=None, attempts=0) == text


def test_an_order_refused_before_it_was_sized_names_no_volume() -> None:
    refused = order(state=OrderState.REJECTED, volume=0, sized=False, reason=Reason.PAUSED, figures={"scope": "全部"})

    assert messages.order_refused(refused, title="", name="平安银行").startswith("❌ 未跟 买入 平安银行 000001.SZ\n")


def test_signal_refused() -> None:
    refused = signal(reason=Reason.STALE, figures={"age_s": "75", "max_age_s": "60"})

    assert messages.signal_refused(refused, title="演示策略", name="平安银行") == (
        "❌ 未跟 卖出 平安银行 000001.SZ 300 股\n"
        "原因：信号已过时：产生于 75 秒前，最多允许 60 秒（risk.max_signal_age_s）\n演示策略 · 信号 #7"
    )


@pytest.mark.parametrize("what", list(WaitingFor))
def test_waiting_says_for_what_and_how_long(what: WaitingFor) -> None:
    held = order(waiting=Waiting(what=what, since=AT, until=AT + timedelta(minutes=1)), filled=200)

    text = messages.order_waiting(held, title="演示策略", name=None)

    assert text.startswith("⏳ 等待 买入 000001.SZ 300 股\n")
    assert text.endswith("（最晚等到 10:01:05）\n演示策略 → main")
    endless = order(waiting=Waiting(what=what, since=AT))
    assert "最晚" not in messages.order_waiting(endless, title="", name=None)


def test_unknown_outcome_says_what_to_do() -> None:
    text = messages.unknown_outcome(order(), attempt(), title="演示策略", name="平安银行")

    assert text.startswith("🚨【急】委托结果未知 买入 平安银行 000001.SZ 500 股 委托价 12.34\n")
    for told in ("第 2 次委托", "10:00:05", "jqabcde-v", "不会重发", "当日委托", "控制台", "订单 #12", "没有这笔"):
        assert told in text


def test_accounts() -> None:
    assert "账户 main 未连接：MiniQMT 没有运行" in messages.account_down("main", "MiniQMT\n没有运行").replace(
        "MiniQMT 没", "MiniQMT 没"
    )
    assert messages.account_up("main", 5.4) == "✅ 账户 main 已恢复连接，中断约 5 分钟"
    assert messages.account_up("main", 0.2).endswith("中断不到 1 分钟")


def test_started() -> None:
    states = [
        AccountState(account="main", broker="qmt", real=True, ready=False, why_zh="MiniQMT 没有运行"),
        AccountState(account="paper", broker="paper", real=False, ready=True),
    ]

    assert messages.started("0.1.0", states, ["http://127.0.0.1:8000"]) == (
        "▶️ jqfollow 0.1.0 已启动\n⚠️ main（实盘 qmt）未就绪：MiniQMT 没有运行\n✅ paper（模拟 paper）就绪\n"
        "http://127.0.0.1:8000"
    )
    assert "已停止" in messages.stopped()


@pytest.mark.parametrize(
    ("yuan", "shown"),
    [
        ("12.3", "12.30"),
        ("12.340", "12.34"),
        ("1.234", "1.234"),
        ("12.33666", "12.3367"),
        ("100", "100.00"),
        ("0", "0.00"),
    ],
)
def test_prices_are_trimmed(yuan: str, shown: str) -> None:
    assert figures.price(Decimal(yuan)) == shown


@pytest.mark.parametrize(
    ("count", "symbol", "shown"),
    [(1500, "600000.SH", "1,500 股"), (100, "510300.SH", "100 份"), (10, "113050.SH", "10 张"), (1, "什么", "1 股")],
)
def test_volumes_have_their_unit(count: int, symbol: str, shown: str) -> None:
    assert figures.volume(count, symbol) == shown


WILD = st.text(max_size=3000)
WILD_MONEY = st.decimals(allow_nan=False, allow_infinity=False) | st.just(Decimal("NaN")) | st.just(Decimal("-1e400"))


@given(WILD, WILD, WILD_MONEY, st.integers(-(10**18), 10**18), st.sampled_from(OrderState))
def test_whatever_the_rows_hold_a_text_can_be_stored_and_sent(
    words: str, title: str, yuan: Decimal, count: int, state: OrderState
) -> None:
    wild = order(
        state=state,
        volume=count,
        filled=count,
        turnover=yuan,
        security=words,
        reason=Reason.BROKER_REFUSED,
        figures={"message": words},
    )
    told = signal(reason=Reason.UNKNOWN_SECURITY, figures={"security": words, "why_zh": words})
    writers: list[Callable[[], str]] = [
        lambda: messages.order_done(wild, title=title, name=words, attempts=count),
        lambda: messages.order_refused(wild, title=title, name=words),
        lambda: messages.order_waiting(wild, title=title, name=words),
        lambda: messages.unknown_outcome(wild, attempt(price=yuan, remark=words[:24]), title=title, name=words),
        lambda: messages.signal_refused(told, title=title, name=words),
        lambda: messages.account_down("main", words),
        lambda: messages.alert(words),
    ]
    for write in writers:
        text = write()
        assert 0 < size(text) <= MAX_BYTES - 100
        assert clean(text) == text
