from datetime import date, datetime
from decimal import Decimal

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import AccountState, Side
from jqfollow.notify.facts import (
    AccountFacts,
    Difference,
    HeartbeatFacts,
    StrategyFacts,
    SummaryFacts,
    UnknownFact,
)
from jqfollow.notify.reports import heartbeat, summary
from jqfollow.notify.texts import MAX_BYTES, size
from jqfollow.reasons import Reason
from jqfollow.vocabulary import Tally

AT = datetime(2026, 3, 3, 9, 0, tzinfo=SHANGHAI)
READY = AccountState(account="main", broker="qmt", real=True, ready=True)
UNKNOWN = UnknownFact(
    order_id=12,
    account="main",
    symbol="000001.SZ",
    name="平安银行",
    side=Side.BUY,
    volume=500,
    price=Decimal("12.34"),
    since=AT,
)


def test_a_heartbeat_when_all_is_well() -> None:
    facts = HeartbeatFacts(at=AT, version="0.1.0", trading_day=True, accounts=(READY,), strategies=2)

    assert heartbeat(facts) == (
        "💓 03-03 09:00 心跳：一切正常（交易日）\n✅ main（实盘 qmt）就绪\n"
        "跟单策略 2 个，在途订单 0 笔 · jqfollow 0.1.0"
    )


def test_a_heartbeat_counts_and_names_what_wants_attention() -> None:
    down = AccountState(account="main", broker="qmt", real=True, ready=False, why_zh="没有连接")
    facts = HeartbeatFacts(
        at=AT,
        version="0.1.0",
        trading_day=False,
        accounts=(down,),
        strategies=1,
        unknown=(UNKNOWN,),
        paused=("策略 demo",),
        pending_outbox=3,
        warnings=("交易日历没有 2027 年",),
    )

    text = heartbeat(facts)

    assert text.startswith(
        "💓 03-03 09:00 心跳：5 项要留意（非交易日）\n🚨 结果未知 #12 main 买入 平安银行 000001.SZ 500 股 @12.34"
    )
    for told in ("交易日历没有 2027 年", "已暂停：策略 demo", "3 条通知还没有送达", "未就绪：没有连接"):
        assert told in text


def test_a_day_in_figures() -> None:
    account = AccountFacts(
        account="main",
        real=True,
        total=Decimal("1012345.6"),
        previous_total=Decimal(1_000_000),
        previous_day=date(2026, 3, 2),
        turnover=Decimal(6170),
        orders=Tally(followed=2, not_followed=1),
        missing=(),
    )
    strategy = StrategyFacts(
        strategy="demo",
        title="演示策略",
        signals=Tally(followed=2, not_followed=4),
        refused={Reason.NO_CASH: 1, Reason.LIMIT_UP: 3, Reason.STALE: 0},
        differences=(),
    )

    assert summary(SummaryFacts(day=date(2026, 3, 3), accounts=(account,), strategies=(strategy,))) == (
        "📊 2026-03-03 日终汇总：信号 6 = 已跟 2 + 未跟 4\n"
        "【main · 实盘】总资产 1,012,345.60 元\n较 03-02 +12,345.60 元（+1.23%）\n"
        "订单 3 = 已跟 2 + 未跟 1；成交额 6,170.00 元\n"
        "【演示策略】信号 6 = 已跟 2 + 未跟 4（涨停 3、资金不足 1）\n持仓核对：无差异"
    )


@pytest.mark.parametrize(
    ("missing", "real", "line"),
    [
        (None, True, "收盘后还没有核对"),
        (("600000.SH", "000001.SZ"), True, "⚠️ 券商持有的比账本少：600000.SH、000001.SZ"),
        ((), True, None),
        (None, False, None),
    ],
)
def test_what_the_broker_holds_less_than_the_books_stands_with_its_account(
    missing: tuple[str, ...] | None, real: bool, line: str | None
) -> None:
    account = AccountFacts(account="main", real=real, total=None, missing=missing)
    text = summary(SummaryFacts(day=date(2026, 3, 3), accounts=(account,), strategies=()))
    assert (line in text) if line else ("核对" not in text and "账本" not in text)


def test_unknown_outcomes_stand_on_top_and_differences_are_named() -> None:
    account = AccountFacts(account="main", real=True, total=None, unknown=1)
    strategy = StrategyFacts(
        strategy="demo",
        title="",
        differences=(
            Difference(account="main", symbol="000001.SZ", name="平安银行", expected=500, book=0),
            Difference(account="main", symbol="510300.SH", name=None, expected=0, book=1200),
        ),
    )
    facts = SummaryFacts(
        day=date(2026, 3, 3),
        accounts=(account,),
        strategies=(strategy, StrategyFacts(strategy="other", title="")),
        unknown=(UNKNOWN,),
        pending_outbox=2,
        warnings=("交易日历没有 2027 年",),
    )

    lines = summary(facts).split("\n")

    assert lines[0] == "📊 2026-03-03 日终汇总：信号 0，结果未知 1 笔，持仓差异 2 条"
    assert lines[1].startswith("🚨 结果未知 #12")
    assert "⚠️ main 平安银行 000001.SZ 应有 500，实有 0 股（少 500）" in lines
    assert "⚠️ main 510300.SH 应有 0，实有 1,200 份（多 1,200）" in lines
    assert "【main · 实盘】总资产未知" in lines
    assert lines[-1] == "持仓核对：策略持仓未知，没有核对"


@pytest.mark.parametrize("previous", [None, Decimal(0), Decimal(-5)])
def test_a_previous_total_that_cannot_be_divided_by(previous: Decimal | None) -> None:
    account = AccountFacts(account="main", real=False, total=Decimal(10), previous_total=previous)

    assert "%" not in summary(SummaryFacts(day=date(2026, 3, 3), accounts=(account,), strategies=()))


def test_a_long_summary_is_cut_line_by_line_and_says_so() -> None:
    many = tuple(
        Difference(account="main", symbol=f"{n:06}.SZ", name="某某股份", expected=n, book=0) for n in range(1, 200)
    )
    facts = SummaryFacts(
        day=date(2026, 3, 3),
        accounts=(),
        strategies=(StrategyFacts(strategy="demo", title="", differences=many),),
        unknown=(UNKNOWN,),
    )

    lines = summary(facts).split("\n")

    assert size("\n".join(lines)) <= MAX_BYTES
    assert lines[-1] == f"…还有 {1 + 1 + 1 + len(many) - (len(lines) - 1)} 条"
    assert lines[1].startswith("🚨")


def test_every_reason_has_a_short_name() -> None:
    for reason in Reason:
        facts = StrategyFacts(strategy="demo", title="", signals=Tally(not_followed=1), refused={reason: 1})
        text = summary(SummaryFacts(day=date(2026, 3, 3), accounts=(), strategies=(facts,)))
        assert "未跟 1（" in text
