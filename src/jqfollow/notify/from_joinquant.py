"""What people are told of messages that did not come, and of orders at JoinQuant that nobody told of; pure."""

from collections.abc import Sequence
from datetime import datetime

from jqfollow.clock import SHANGHAI
from jqfollow.domain import LostMessage, UntoldOrder
from jqfollow.ledger.processes import GapRow
from jqfollow.notify.figures import SIDE_ZH, security, volume
from jqfollow.notify.texts import cut, one_line

_MOST_NAMED = 8


def two_processes(title: str, one: str, other: str) -> str:
    """Two processes of one strategy speak at the same time."""
    return (
        f"策略 {title} 有两个进程同时在发信号（{one}、{other}）。如果不是刚重启或改了代码，"
        "就是两个模拟盘用了同一个密钥：停掉多余的那个，或给它单独的策略名和客户端文件"
    )


def gap(title: str, row: GapRow) -> str:
    """Numbered messages never arrived."""
    numbers = f"第 {row.first} 条" if row.count == 1 else f"第 {row.first} 至 {row.last} 条"
    since = "启动之后" if row.before is None else f"{_time(row.before)} 之后"
    return (
        f"策略 {title} 少了 {row.count} 条消息（进程 {row.process} 的{numbers}，"
        f"发出于 {since}、{_time(row.after)} 之前），超过一分钟没有收到。其中若有订单，没有跟：请对照聚宽的订单列表"
    )


def lost(title: str, messages: Sequence[LostMessage]) -> str:
    """The client gave messages up."""
    named = [cut(one_line(message.what or f"第 {message.seq} 条"), 80) for message in messages]
    return f"策略 {title} 有 {len(named)} 条消息没有送达，不会跟单：{_list(named)}。请核对并自行处理"


def untold(title: str, orders: Sequence[UntoldOrder]) -> str:
    """JoinQuant's list of the day has orders that the client never told of."""
    named = [
        f"{SIDE_ZH[order.side]} {security(cut(one_line(order.symbol), 40), None)} "
        f"{volume(order.filled, order.symbol)}（聚宽订单 {order.jq_order_id}）"
        for order in orders
    ]
    return f"策略 {title} 今天在聚宽有 {len(named)} 笔成交的订单没有告诉本机，没有跟：{_list(named)}"


def missing(title: str, orders: Sequence[str]) -> str:
    """Orders that were told are not in JoinQuant's list of the day."""
    named = [f"聚宽订单 {cut(one_line(order), 64)}" for order in orders]
    return f"策略 {title} 告诉过本机的 {len(named)} 笔订单，聚宽今天的列表里没有：{_list(named)}。请核对持仓"


def unreached(title: str, names: Sequence[str]) -> str:
    """The client cannot reach some of the strategy's own order functions."""
    named = [cut(one_line(name), 80) for name in names]
    return (
        f"策略 {title} 里有 {len(named)} 处下单函数客户端接管不到：{_list(named)}。从那里下的单"
        "可能很晚才发现，或收盘后才知道：请改为直接调用 order 等函数"
    )


def _list(named: Sequence[str]) -> str:
    more = f" 等 {len(named)} 项" if len(named) > _MOST_NAMED else ""
    return "、".join(named[:_MOST_NAMED]) + more


def _time(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%H:%M:%S}"
