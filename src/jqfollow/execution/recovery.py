"""What a start finds of the run before it."""

from collections.abc import Callable, Mapping

import structlog

from jqfollow.domain import AttemptState
from jqfollow.execution.accounts import Account
from jqfollow.execution.calls import CallLog
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.transitions import Moment, end_order, follow_attempt, step_attempt
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal

log = structlog.get_logger(__name__)


def recover(tx: Tx, accounts: Mapping[str, Account], calls: CallLog, moment: Callable[[str], Moment]) -> None:
    """Before anything else: what the last run was about to hand over, and orders that nobody works any more.

    An intent whose call was provably never begun was not sent: its order goes on. Any other is unknown. An order of an
    account that left the configuration ends when nothing of it lives. Then the new run's call log begins.
    """
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
