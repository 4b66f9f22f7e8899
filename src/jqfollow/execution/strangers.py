"""Orders of a broker's list that bear remarks of ours and are not ours, or not where we know them: people are told.

Either the ledger is an old copy, or a second program orders in the account, or the broker has named its orders anew.
"""

from collections import Counter
from collections.abc import Sequence

from jqfollow import restored
from jqfollow.domain import ATTEMPT_LIVE, AttemptState, OrderReport
from jqfollow.execution.accounts import Account
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.ours import Ours, is_ours, same_terms
from jqfollow.execution.transitions import Moment, step_attempt
from jqfollow.ledger.meta import REMARK_TAG
from jqfollow.ledger.rows import AttemptRow
from jqfollow.ledger.tx import Tx
from jqfollow.notify import messages
from jqfollow.notify.figures import SIDE_ZH
from jqfollow.notify.kinds import Kind

_MOST_NAMED = 5
"""So many are named in one message."""


def tell_of_strangers(
    tx: Tx, account: Account, reports: Sequence[OrderReport], news: Sequence[OrderReport], ours: Ours, moment: Moment
) -> None:
    """Tells of remarks of ours that this ledger does not know, that stand twice, on other terms, or under another id.

    A live attempt whose own id is not listed any more, while its remark stands under another, is unknown from now on:
    a person settles it, and nothing of its code and side is placed meanwhile.

    Args:
        tx: where it is written.
        account: whose list it is.
        reports: the whole list.
        news: those of its rows that are looked at.
        ours: the attempts that they may be.
        moment: when it is told.
    """
    rows = [report for report in news if is_ours(report.remark)]
    counts = Counter(report.remark.strip() for report in reports)
    ids = {report.broker_order_id for report in reports}
    renamed: list[tuple[AttemptRow, OrderReport]] = []
    strangers: list[OrderReport] = []
    for report in rows:
        remark = report.remark.strip()
        attempt = ours.named(remark) or tx.attempts.by_remark(remark)
        if attempt is None:
            strangers.append(report)
        elif attempt.account != account.name:
            continue  # the same number had another name when it was placed
        elif attempt.state is report.state is AttemptState.REJECTED:
            continue  # a refusal that was told under another number than its row's: both say no
        elif attempt.broker_order_id not in {None, report.broker_order_id}:
            renamed.append((attempt, report))
            if attempt.state in ATTEMPT_LIVE and attempt.broker_order_id not in ids:
                _lose_sight(tx, attempt, report, moment)
        elif counts[remark] > 1 or not same_terms(attempt, report):
            _tell_of_a_copy(tx, account, report, moment)
    if strangers:
        _tell_of_another_ledger(tx, account, strangers, moment)
    if renamed:
        _tell_renamed(tx, account, renamed, moment)


def _lose_sight(tx: Tx, attempt: AttemptRow, report: OrderReport, moment: Moment) -> None:
    step_attempt(tx, attempt, Event.RENAMED, moment, detail=f"listed as {report.broker_order_id}")


def _tell_renamed(tx: Tx, account: Account, renamed: Sequence[tuple[AttemptRow, OrderReport]], moment: Moment) -> None:
    named = "、".join(
        f"{attempt.remark}（{attempt.security} {SIDE_ZH[attempt.side]} {attempt.volume}）"
        f"由 {attempt.broker_order_id} 变为 {report.broker_order_id}"
        for attempt, report in renamed[:_MOST_NAMED]
    )
    more = f" 等 {len(renamed)} 笔" if len(renamed) > _MOST_NAMED else ""
    text = (
        f"账户 {account.name} 的委托编号变了：{named}{more}。可能是交易终端重启后重新编号，"
        "也可能是另一个程序用了同样的备注。还没有结束的已按“结果未知”处理，请在交易终端核对后到控制台处理"
    )
    last = renamed[-1][1].broker_order_id
    key = f"renamed-{account.name}-{account.hours.trading_day()}-{len(renamed)}-{last}"
    tx.outbox.put(Kind.ALERT, messages.alert(text), moment.now, unique_key=key)


def _tell_of_a_copy(tx: Tx, account: Account, report: OrderReport, moment: Moment) -> None:
    text = (
        f"账户 {account.name} 有不止一笔委托、或内容不同的委托带着本程序的备注 {report.remark}："
        f"编号 {report.broker_order_id} {report.symbol} {SIDE_ZH[report.side]} {report.volume}。请立即在交易终端核对。"
    )
    key = f"copy-{account.name}-{account.hours.trading_day()}-{report.remark}-{report.broker_order_id}"
    tx.outbox.put(Kind.ALERT, messages.alert(text), moment.now, unique_key=key)


def _tell_of_another_ledger(tx: Tx, account: Account, reports: Sequence[OrderReport], moment: Moment) -> None:
    named = "、".join(
        f"{report.remark.strip()} {report.symbol} {SIDE_ZH[report.side]} {report.volume}"
        for report in reports[:_MOST_NAMED]
    )
    more = "" if len(reports) <= _MOST_NAMED else f" 等 {len(reports)} 笔"
    text = (
        f"账户 {account.name} 有 {len(reports)} 笔本程序下过、但账本里没有的委托：{named}{more}。"
        "账本可能是旧备份，或有另一个 jqfollow 在用此账户，请立即核对。"
    )
    newest = max(report.broker_order_id for report in reports)  # whatever the list's order
    key = f"stranger-{account.name}-{account.hours.trading_day()}-{len(reports)}-{newest}"
    tx.outbox.put(Kind.ALERT, messages.alert(text), moment.now, unique_key=key)
    own = f"jq{tx.meta.get(REMARK_TAG)}-"  # nobody else has these letters
    forgotten = next((report.remark.strip() for report in reports if report.remark.strip().startswith(own)), None)
    if forgotten is not None:
        restored.note(tx, moment.now, f"账户 {account.name} 有它下过、却不记得的委托 {forgotten}")
