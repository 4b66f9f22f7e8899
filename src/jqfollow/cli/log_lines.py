"""The log's own lines as sentences for the window of `serve`; what is not here is shown as it is logged."""

from collections.abc import Mapping

from jqfollow.vocabulary import Lang, Pair, say

_LINES: dict[str, Pair] = {
    "account_ready": ("账户 {account} 已连接，可以交易", "account {account} is connected and can trade"),
    "account_down": ("账户 {account} 断开：{why}", "account {account} is disconnected: {why}"),
    "listening": ("端口 {port_of} 开在 {host}:{port}", "port {port_of} is open on {host}:{port}"),
    "ledger_created": ("新建账本 {path}", "a new ledger: {path}"),
    "ledger_whole": ("账本完好（{seconds} 秒）", "the ledger is whole ({seconds} s)"),
    "started": ("jqfollow {version} 已启动", "jqfollow {version} has started"),
    "stopped": ("已停止", "stopped"),
    "signal_refused": (
        "信号端口拒绝了一个请求（{status}）：{why}",
        "the signals port refused a request ({status}): {why}",
    ),
    "lists_not_read": ("账户 {account} 的列表没有读到：{error}", "lists of {account} were not read: {error}"),
    "computer_may_sleep": ("电脑可能会睡眠：{why}", "the computer may sleep: {why}"),
    "clocks_differ": (
        "策略 {strategy} 的时钟与本机差 {skew_s} 秒",
        "the clock of strategy {strategy} differs by {skew_s} s",
    ),
    "signal_conflict": (
        "策略 {strategy} 的消息 {id} 内容变了，没有接收",
        "message {id} of strategy {strategy} came again with another text",
    ),
    "signals_over_limit": ("策略 {strategy} 的信号太密", "signals of strategy {strategy} come too fast"),
    "connected_too_late": ("账户 {account} 连接得太晚", "account {account} was connected too late"),
    "late_answer": ("账户 {account} 的答复来晚了", "an answer of account {account} came late"),
}


def sentences(lang: Lang) -> Mapping[str, str]:
    """By the name of the line, with the names of its fields in braces."""
    return {event: say(pair, lang) for event, pair in _LINES.items()}
