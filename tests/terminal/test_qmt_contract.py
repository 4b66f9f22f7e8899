"""MiniQMT, through the vendor's own Python layer, does what every broker must do."""

from execution.brokers.contract import BrokerContract


class TestQmt(BrokerContract):
    """On the simulated terminal, by the fixture `rig` of this folder."""
