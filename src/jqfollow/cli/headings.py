"""How sheets, their columns and the words in them are called in Chinese."""

from jqfollow.cli.base import words

SHEETS = {
    "signals": "信号",
    "messages": "原始消息",
    "orders": "订单",
    "fills": "成交",
    "positions": "策略持仓",
    "holdings": "账户持仓",
    "accounts": "账户",
    "daily": "每日业绩",
}
COLUMNS = {
    "signal_id": "信号编号",
    "order_id": "订单编号",
    "fill_id": "成交编号",
    "attempt_id": "委托序号",
    "message_id": "消息编号",
    "jq_order_id": "聚宽订单编号",
    "broker_order_id": "券商委托编号",
    "traded_id": "券商成交编号",
    "day": "日期",
    "received_at": "收到时间",
    "made_at": "产生时间",
    "created_at": "下单时间",
    "updated_at": "更新时间",
    "filled_at": "成交时间",
    "taken_at": "查询时间",
    "account": "账户",
    "strategy": "策略",
    "title": "策略名称",
    "wire": "协议",
    "kind": "种类",
    "run": "运行",
    "security": "证券代码",
    "security_name": "证券名称",
    "side": "方向",
    "amount": "聚宽数量",
    "filled_there": "聚宽成交",
    "price": "价格",
    "limit": "限价",
    "status": "聚宽状态",
    "position_after": "聚宽持仓",
    "total_value": "聚宽总资产",
    "state": "状态",
    "waiting_for": "等待",
    "reason": "原因代码",
    "why": "原因",
    "text": "消息原文",
    "part": "分单序号",
    "volume": "数量",
    "available": "可卖数量",
    "filled": "成交数量",
    "turnover": "成交金额",
    "average": "成交均价",
    "value": "金额",
    "fee": "费用",
    "cost": "成本",
    "average_cost": "成本价",
    "last": "现价",
    "market_value": "市值",
    "floating": "浮动盈亏",
    "cash": "可用资金",
    "frozen": "冻结资金",
    "total": "总资产",
    "securities": "证券只数",
    "orders": "订单笔数",
    "orders_filled": "已成笔数",
    "orders_canceled": "已撤笔数",
    "orders_rejected": "已拒笔数",
    "orders_expired": "过期笔数",
    "orders_open": "未完笔数",
    "fills": "成交笔数",
    "bought": "买入金额",
    "sold": "卖出金额",
    "fees": "费用合计",
    "net_cash": "净流入",
    "realised": "实现盈亏",
    "result": "当日盈亏",
    "result_so_far": "累计盈亏",
}


def sheet_title(name: str) -> str:
    """The sheet's name in the language of the output."""
    return words(SHEETS[name], name)


def heading(column: str) -> str:
    """The column's name in the language of the output."""
    return words(COLUMNS[column], column)
