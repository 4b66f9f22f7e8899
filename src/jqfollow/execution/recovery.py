"""What a start finds of the run before it."""

from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from jqfollow import restored
from jqfollow.domain import AttemptState
from jqfollow.execution.accounts import Account
from jqfollow.execution.calls import CallLog
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.transitions import Moment, end_order, follow_attempt, step_attempt
from jqfollow.ledger.rows import BookRow
from jqfollow.ledger.tx import Tx
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal

log = structlog.get_logger(__name__)


def recover(tx: Tx, accounts: Mapping[str, Account], calls: CallLog, moment: Callable[[str], Moment]) -> None:
    """Before anything else: what the last run was about to hand over, and orders that nobody works any more.

    An intent whose call was provably never begun was not sent: its order goes on. Any other is unknown. An order of an
    account that left the configuration ends when nothing of it lives, and an account behind whose name another number
    stands is barred. Then the new run's call log begins.
    """
    lost = calls.forgotten(tx)
    if lost is not None:
        why = f"它不记得已经交给券商的委托 {lost}（文件被换成旧的，或日志文件损坏）"
        restored.note(tx, moment("").now, why)
    for account in accounts.values():
        _bar_a_stranger(tx, account, moment(account.name))
    for attempt in tx.attempts.live():
        if attempt.state is not AttemptState.PENDING_NEW:
            continue
        now = moment(attempt.account)
        if calls.handed_over(tx, attempt.remark):
            step_attempt(tx, attempt, Event.RESTARTED, now, detail="the process began anew")
        else:
            log.info("never_handed_over", remark=attempt.remark, account=attempt.account)
            after = step_attempt(tx, attempt, Event.NOT_SENT, now, detail="the process ended before its call")
            follow_attempt(tx, after, now)
    live = {attempt.order_id for attempt in tx.attempts.live()}
    for order in tx.orders.open():
        if order.account not in accounts and order.order_id not in live:
            refusal = Refusal(reason=Reason.ACCOUNT_GONE, figures={"account": order.account})
            end_order(tx, order, refusal, moment(order.account))
    calls.begin(tx)


def _bar_a_stranger(tx: Tx, account: Account, now: Moment) -> None:
    """The books of one number are never traded by another that took its name."""
    before = tx.numbers.get(account.name)
    if before == account.number:
        _bar_a_change_of_the_day(tx, account, now)
        return
    if before is None or not tx.numbers.has_something(account.name):
        tx.numbers.set(account.name, account.number, now.now)
        tx.meta.set(_through(account), str(account.settings.broker))
        return
    was, is_ = (number or "模拟 / practice" for number in (before, account.number))
    zh = f"资金账号由 {was} 变为 {is_}，账本里的持仓属于前者。请用 jqfollow account {account.name} --same 或 --new 决定"
    en = f"its number was {was} and is {is_}: decide with jqfollow account {account.name} --same or --new"
    account.barred = (zh, en)
    account.set_down(zh, en)
    key = f"barred-{account.name}-{before}-{account.number}"
    tx.outbox.put(Kind.ALERT, messages.alert(f"账户 {account.name}：{zh}。决定之前不交易"), now.now, unique_key=key)


def _bar_a_change_of_the_day(tx: Tx, account: Account, now: Moment) -> None:
    """Another terminal to the same account names the day's orders anew: what it lists could be counted twice."""
    key, broker = _through(account), str(account.settings.broker)
    before = tx.meta.get(key)
    today = tx.attempts.counts(account.name, account.hours.trading_day(), ahead=False).attempts
    if before in {None, broker} or not account.traits.real or not today:
        tx.meta.set(key, broker)
        return
    zh = f'今天已经由 {before} 下过 {today} 笔委托，换成 {broker} 要等到下一个交易日；今天请先改回 broker = "{before}"'
    en = f"{today} orders of today went through {before}: change to {broker} on the next trading day"
    account.barred = (zh, en)
    account.set_down(zh, en)
    text = messages.alert(f"账户 {account.name}：{zh}")
    tx.outbox.put(Kind.ALERT, text, now.now, unique_key=f"barred-{account.name}-{broker}-{account.hours.trading_day()}")


def _through(account: Account) -> str:
    """The key of `meta` that tells which broker's program led to the account last."""
    return f"broker-{account.name}"


def orphans(tx: Tx, strategies: Collection[str]) -> Sequence[BookRow]:
    """Books with something in them whose strategy is not configured any more."""
    return [book for book in tx.books.list() if book.strategy not in strategies and "@" not in book.account]
