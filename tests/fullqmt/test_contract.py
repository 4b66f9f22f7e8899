"""The full QMT terminal, by its mailbox, does what every broker must do."""

from execution.brokers.contract import BrokerContract


class TestFullQmt(BrokerContract):
    """On the emulated terminal, by the fixture `rig` of this folder."""
