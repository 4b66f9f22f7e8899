"""What the doctor's checks of real accounts share: which there are, and a connection to one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jqfollow.cli.doctor.findings import Surroundings
from jqfollow.settings import FullQmtAccount, PaperAccount, QmtAccount

if TYPE_CHECKING:
    from jqfollow.execution.brokers.port import Broker

SYMBOL = "601398.SH"
"""Liquid, and a hundred shares cost some hundred yuan."""


def real_accounts(around: Surroundings) -> dict[str, QmtAccount | FullQmtAccount]:
    """Those with real money."""
    return {name: a for name, a in around.settings.accounts.items() if not isinstance(a, PaperAccount)}


@contextmanager
def connected(around: Surroundings, name: str, prepare: "Callable[[Broker], None] | None" = None) -> "Iterator[Broker]":
    """The account's broker, connected; ended afterwards. `prepare` sees it before. Raises `BrokerDownError`."""
    from jqfollow.execution.brokers.real import real_broker  # slow: the brokers

    account = real_accounts(around)[name]
    broker = real_broker(name, account, data_dir=around.settings.data_dir, clock=around.clock)
    if prepare is not None:
        prepare(broker)
    end = broker.connect()
    try:
        yield broker
    finally:
        end()
