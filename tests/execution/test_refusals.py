"""Counters' words, by class."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.execution.refusals import RefusalKind, classify

PRICE, FUNDS, PASSING, PERMANENT = RefusalKind.PRICE, RefusalKind.FUNDS, RefusalKind.PASSING, RefusalKind.PERMANENT


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (PRICE, "委托价格超过涨停价"),
        (PRICE, "[COUNTER][140005][委托价格超出有效申报价格范围][委托价格=10.55,边界=10.51]"),
        (PRICE, "价格低于跌停价格"),
        (PRICE, "超出涨跌幅限制"),
        (PRICE, "委托价格不符合最小变动价位"),
        (PRICE, "价格非法"),
        (PRICE, "该笔委托超出价格笼子"),
        (PRICE, "[资金账号:88888888]申报价格不在有效竞价范围内"),
        (PRICE, "Price out of range"),
        (FUNDS, "可用资金不足"),
        (FUNDS, "[120131][可用资金不足][需要=10050.31,可用=9120.55,委托价格=10.05]"),
        (FUNDS, "资金可用金额不足，当前可用:1234.56 委托价格:10.00"),
        (FUNDS, "资金不够"),
        (FUNDS, "账户余额不足"),
        (FUNDS, "委托金额大于可用资金"),
        (FUNDS, "[250053][证券可用数量不足]"),
        (FUNDS, "股份余额不足"),
        (FUNDS, "可用股份数不足"),
        (FUNDS, "委托数量超过可卖数量"),
        (FUNDS, "持仓不足"),
        (FUNDS, "Fund account remain balance not sufficient! price=10.05"),
        (FUNDS, "Insufficient funds"),
        (PASSING, "系统繁忙，请稍后再试"),
        (PASSING, "请求过于频繁"),
        (PASSING, "委托过快，超出流量控制"),
        (PASSING, "超过流速限制"),
        (PASSING, "与柜台连接断开"),
        (PASSING, "处理超时"),
        (PASSING, "系统正在初始化"),
        (PASSING, "Request timed out"),
        (PASSING, "Server busy"),
        (PERMANENT, "未开通创业板权限，价格不予校验"),
        (PERMANENT, "账户权限不足"),
        (PERMANENT, "未签署风险揭示书"),
        (PERMANENT, "该客户风险等级不匹配，可用资金不足"),
        (PERMANENT, "证券代码不存在"),
        (PERMANENT, "资金账号不存在"),
        (PERMANENT, "非法的证券代码"),
        (PERMANENT, "资金账户状态异常"),
        (PERMANENT, "账户已被冻结"),
        (PERMANENT, "该证券停牌"),
        (PERMANENT, "退市整理期股票不允许买入"),
        (PERMANENT, "资金密码错误"),
        (PERMANENT, "当前时间不允许委托"),
        (PERMANENT, "委托数量不符合交易单位"),
        (PERMANENT, "委托数量超过单笔上限"),
        (PERMANENT, "风险警示股票当日买入数量超限"),
        (PERMANENT, "暂停交易"),
        (PERMANENT, "Not permitted to trade at this price"),
        (PERMANENT, "error_id=-61"),
        (PERMANENT, ""),
    ],
)
def test_what_counters_say(kind: RefusalKind, message: str) -> None:
    assert classify(message) is kind


BY_ONE_WORD = {
    PRICE: (
        "价格不对", "已涨停", "已跌停", "涨跌幅之外", "价位有误", "超出笼子", "申报限价", "bad PRICE",
    ),
    FUNDS: (
        "资金不足", "余额不足", "可用不足", "可卖不足", "股份不足", "持仓不足", "证券数量不足", "证券不够",
        "股份尚且还不够", "大于资金", "超过余额", "超出可卖", "大于可用", "超出资金", "可用数量为 0",
        "insufficient", "not sufficient", "not enough",
    ),
    PASSING: (
        "超时", "繁忙", "请稍后", "请重试", "过于频繁", "过快", "流量已满", "流控", "流速", "网络有误", "连接断开",
        "未连接", "暂停服务", "系统正在升级", "timeout", "Timed out", "BUSY", "try again",
    ),
    PERMANENT: (  # with words of another class beside it, else it would say nothing
        "权限不符，价格", "未开通，价格", "未签署，价格", "适当性不符，价格", "风险等级，价格", "禁止，价格",
        "黑名单，价格", "not permitted, price", "停牌，价格", "退市，价格", "不存在，价格", "无此证券，价格",
        "非法委托，价格", "密码有误，价格", "冻结账户，价格",
        "账户已冻结，价格", "账号注销，价格", "账户状态异常，价格", "已销户，价格",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "message"), [(kind, word) for kind, words in BY_ONE_WORD.items() for word in words])
def test_one_known_word_is_enough(kind: RefusalKind, message: str) -> None:
    assert classify(message) is kind


@pytest.mark.parametrize("between", ["一二三四五六七八", "一二三四五六七八九"])
def test_what_is_short_stands_near_what_it_is_short_of(between: str) -> None:
    assert (classify(f"资金{between}不足") is FUNDS) == (len(between) <= 8)


@given(st.text(alphabet="abcdefgh 0123456789甲乙丙丁[]-:,"))
def test_what_nobody_knows_is_permanent(message: str) -> None:
    assert classify(message) is PERMANENT
