"""The collector walks over what lives long when nothing happens, or at last after an hour."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from jqfollow.collector import AT_LAST_S, EVERY_S, Collector


class Work:
    """Commits and a clock, set by hand; how often everything was collected."""

    def __init__(self) -> None:
        self.commits, self.now, self.collected = 0, 1000.0, 0

    def collect(self) -> int:
        self.collected += 1
        return 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    work, thresholds = Work(), gc.get_threshold()
    monkeypatch.setattr(gc, "collect", work.collect)
    yield work
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def a_collector(work: Work) -> Collector:
    return Collector(lambda: work.commits, lambda: work.now)


def test_in_a_quiet_moment_every_ten_minutes(work: Work) -> None:
    collector = a_collector(work)
    for passed, expected in ((EVERY_S - 1, 0), (EVERY_S, 1), (EVERY_S + 5, 1), (2 * EVERY_S, 2)):
        work.now = 1000.0 + passed
        collector.look()
        assert work.collected == expected


def test_while_orders_come_not_before_an_hour_has_passed(work: Work) -> None:
    collector = a_collector(work)
    for passed, expected in ((EVERY_S, 0), (AT_LAST_S - 1, 0), (AT_LAST_S, 1), (AT_LAST_S + EVERY_S, 1)):
        work.now, work.commits = 1000.0 + passed, work.commits + 1
        collector.look()
        assert work.collected == expected
    collector.look()  # and then nothing more came
    assert work.collected == 2


async def test_by_itself_it_never_walks_over_everything(work: Work) -> None:
    young, middle, _ = gc.get_threshold()
    running = asyncio.create_task(a_collector(work).run())
    await asyncio.sleep(0)
    assert (work.collected, gc.get_freeze_count() > 0) == (1, True)
    assert gc.get_threshold()[:2] == (young, middle)
    assert gc.get_threshold()[2] > 10**8
    running.cancel()
