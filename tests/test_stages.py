"""How long each stage of an order took: what counts from when, what waiting does to it, and what is kept."""

import pytest

from jqfollow.api.metrics import StageSample, render
from jqfollow.stages import BEFORE, BUCKETS_S, Stage, Stages
from notify.virtual_clock import VirtualClock

WAY = (Stage.SIZED, Stage.JUDGED, Stage.INTENDED, Stage.CALLED, Stage.ANSWERED, Stage.FILLED)


class Told:
    """Stages whose clock goes on by hand."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.stages = Stages(self.clock)

    def signal(self, number: int) -> None:
        trace = self.stages.received()
        self.clock.advance(0.001)
        trace.mark(Stage.OPENED)
        self.clock.advance(0.002)
        self.stages.recorded(number, trace)
        self.clock.advance(0.001)
        trace.mark(Stage.ACKNOWLEDGED)

    def went(self, order_id: int, *stages: Stage) -> None:
        for stage in stages:
            self.clock.advance(0.01)
            self.stages.mark(order_id, stage)

    def spent(self, stage: Stage) -> float:
        return self.stages.histograms[stage].sum_s


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_whole_way(told: Told) -> None:
    told.signal(7)
    told.stages.known(1, 7)
    told.went(1, *WAY)
    [row] = told.stages.changed()
    assert row.order_id == 1
    assert list(row.after_us.values()) == [1000, 3000, 4000, 4000, 14000, 24000, 34000, 44000, 54000, 64000]
    assert list(row.after_us) == list(BEFORE)
    assert told.stages.changed() == []
    assert told.spent(Stage.KNOWN) == pytest.approx(0.001)  # since the commit: the receipt is given beside it
    assert told.spent(Stage.FILLED) == pytest.approx(0.02)  # since the call: a fill may come before the answer


def test_what_is_not_handed_over_yet_is_not_kept(told: Told) -> None:
    told.signal(7)
    told.stages.known(1, 7)
    told.went(1, Stage.SIZED, Stage.JUDGED, Stage.INTENDED)
    assert told.stages.changed() == []
    told.went(1, Stage.CALLED)
    assert len(told.stages.changed()) == 1
    told.went(1, Stage.ANSWERED)
    assert Stage.ANSWERED in told.stages.changed()[0].after_us


def test_waiting_is_no_stage(told: Told) -> None:
    told.signal(7)
    told.stages.known(1, 7)
    told.went(1, Stage.SIZED, Stage.JUDGED)
    told.stages.waits(1)
    told.clock.advance(3600)
    told.stages.known(1, 7)
    told.went(1, *WAY)
    assert sum(told.stages.histograms[Stage.KNOWN].counts) == 1
    assert max(histogram.sum_s for histogram in told.stages.histograms.values()) < 1
    assert told.stages.changed()[0].after_us[Stage.CALLED] > 3600e6


def test_a_further_attempt_changes_nothing(told: Told) -> None:
    told.signal(7)
    told.stages.known(1, 7)
    told.went(1, *WAY)
    before = told.stages.changed()
    told.stages.known(1, 7)
    told.went(1, *WAY)
    assert told.stages.changed() == []
    assert before[0].after_us[Stage.FILLED] == 64000


def test_of_an_earlier_run_nothing_is_measured(told: Told) -> None:
    told.stages.known(1, 7)
    told.went(1, *WAY)
    assert told.stages.changed() == []
    assert all(sum(histogram.counts) == 0 for histogram in told.stages.histograms.values())


def test_the_oldest_give_way(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jqfollow.stages._MOST", 2)
    for number in (1, 2, 3):
        told.signal(number)
        told.stages.known(number, number)
        told.went(number, *WAY)
    assert [row.order_id for row in told.stages.changed()] == [2, 3]


def test_histograms_as_a_scraper_reads_them(told: Told) -> None:
    told.signal(7)
    told.stages.known(1, 7)
    told.went(1, *WAY)
    lines = render([StageSample(stages=told.stages)]).splitlines()
    assert lines[1] == "# TYPE jqfollow_order_stage_seconds histogram"
    name = "jqfollow_order_stage_seconds"
    assert f'{name}_bucket{{stage="sized",le="0.005"}} 0' in lines
    assert (
        f'{name}_bucket{{stage="sized",le="0.01"}} 1' in lines
        or f'{name}_bucket{{stage="sized",le="0.025"}} 1' in lines
    )
    assert f'{name}_bucket{{stage="sized",le="+Inf"}} 1' in lines
    assert f'{name}_count{{stage="sized"}} 1' in lines
    assert len(lines) == 2 + len(BEFORE) * (len(BUCKETS_S) + 3)
