"""Which terminal leads to a real account: the one place that knows them all."""

from pathlib import Path

from jqfollow.clock import Clock
from jqfollow.execution.brokers.fullqmt.broker import FullQmtBroker
from jqfollow.execution.brokers.miniqmt.broker import QmtBroker
from jqfollow.execution.brokers.miniqmt.sessions import SessionPool
from jqfollow.execution.brokers.port import Broker
from jqfollow.settings import FullQmtAccount, QmtAccount


def real_broker(name: str, account: QmtAccount | FullQmtAccount, *, data_dir: Path, clock: Clock) -> Broker:
    """The broker of `[accounts.NAME]`, not connected yet."""
    if isinstance(account, FullQmtAccount):
        return FullQmtBroker(
            name=name,
            mailbox=account.mailbox,
            account_id=account.account_id,
            clock=clock,
        )
    return QmtBroker(
        name=name,
        path=account.qmt_path,
        account_id=account.account_id,
        account_type=account.account_type,
        sessions=SessionPool(data_dir / f"sessions-{name}.json", clock),
        clock=clock,
    )
