"""The paper broker does what every broker must do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jqfollow.execution.brokers.port import Broker, PracticeExchange

from .contract import BrokerContract, Rig
from .paper_rig import PaperRig


class TestPaper(BrokerContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[Rig]:
        rig = PaperRig(tmp_path)
        yield rig
        rig.close()


class TestPaperWithItsPulse(BrokerContract):
    """As the service runs it: the market moves by itself."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[Rig]:
        rig = PaperRig(tmp_path, pulse_s=0.001)
        yield rig
        rig.close()


def test_it_is_a_practice_exchange(tmp_path: Path) -> None:
    rig = PaperRig(tmp_path)
    broker: Broker = rig.broker
    assert isinstance(broker, PracticeExchange)
    assert not broker.traits.real
    assert broker.traits.absence_is_proof
    assert broker.traits.always_open
    rig.close()
