"""The client's way to a service that misbehaves: sent again, within a budget, never twice."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from wire.clients import KEY, Times, platform, rendered, timed
from wire.service import Service

CODE = "000001.XSHE"
QUIET = """
_JqFollow.greeted = True  # no hello: every request is a test's own
"""


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def service() -> Iterator[Service]:
    with Service(key=KEY) as started:
        yield started


def running_with(service: Service, times: Times, **options: Any) -> Any:
    return platform(timed(rendered(service.url), times, **options), pasted=True, strategy=QUIET)


def warnings(running: Any) -> list[str]:
    return [text for level, text in running.log.lines if level != "info"]


@pytest.mark.parametrize(
    "mode", ["bad_mac", "wrong_id", "not_json", "endless", "close", "lost", 500, 502, 503, 429, 408]
)
def test_sent_again_until_it_is_proven(service: Service, times: Times, mode: object) -> None:
    service.modes = [mode, mode]
    with running_with(service, times) as running:
        assert running.run("buy", CODE, 100).amount == 100
        assert running.namespace["_JqFollow"].queue == []
    assert len(service.seen) == 3
    assert len({envelope.id for envelope in service.seen}) == 1, "the id stays"
    assert [envelope.ts for envelope in service.seen] == [1767576903, 1767576903, 1767576904], (
        "the time is the attempt's"
    )
    assert len(service.orders) == 1
    assert times.slept == [0.5, 1.0]
    assert warnings(running) == []


def test_an_answer_without_end_is_not_read_to_it(times: Times) -> None:
    with Service(key=KEY, modes=["endless"]) as service, running_with(service, times) as running:
        running.run("buy", CODE, 100)
    assert (service.cut, len(service.seen)) == (1, 2)


def test_kept_signals_use_no_more_than_the_budget_either(service: Service, times: Times) -> None:
    service.modes = [500] * 100

    def slow() -> None:
        times.now += 3

    with running_with(service, times) as running:
        for n in range(4):
            running.run("buy", CODE, 100 * (n + 1))
        service.modes, service.on_request = [], slow
        running.namespace["_JqFollow"].failed_at = None
        start = times.now
        running.run("buy", CODE, 500)
        assert times.now - start == 12, "the attempt under way at the end of the budget is the last"
        assert len(running.namespace["_JqFollow"].queue) == 2


@pytest.mark.parametrize("status", [301, 400, 401, 404, 409, 411, 413, 415])
def test_refused_is_told_and_not_sent_again(service: Service, times: Times, status: int) -> None:
    service.modes = [status]
    with running_with(service, times) as running:
        assert running.run("buy", CODE, 100).amount == 100
        assert len(warnings(running)) == 1
        running.run("buy", CODE, 200)
    assert len(service.seen) == 2
    assert [text["order"]["amount"] for text in service.orders] == [200]


def test_retry_after_is_kept(service: Service, times: Times) -> None:
    service.modes, service.retry_after = [429, 503], "3"
    with running_with(service, times) as running:
        running.run("buy", CODE, 100)
    assert times.slept == [3, 3]
    assert len(service.orders) == 1


@pytest.mark.parametrize("retry_after", ["11", "3600", "9" * 30])
def test_a_retry_after_beyond_the_budget_is_not_waited_for(service: Service, times: Times, retry_after: str) -> None:
    service.modes, service.retry_after = [429], retry_after
    with running_with(service, times) as running:
        running.run("buy", CODE, 100)
        assert (times.slept, service.orders) == ([], [])
        service.retry_after = None
        running.run("buy", CODE, 200)
    assert [text["order"]["amount"] for text in service.orders] == [100, 200]


@pytest.mark.parametrize("retry_after", ["-5", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "1.5", "²"])
def test_a_retry_after_that_is_none(service: Service, times: Times, retry_after: str) -> None:
    service.modes, service.retry_after = [429], retry_after.encode("utf-8").decode("latin-1")
    with running_with(service, times) as running:
        running.run("buy", CODE, 100)
    assert times.slept == [0.5]


def test_the_budget_ends(service: Service, times: Times) -> None:
    service.modes = [500] * 100
    start = times.now
    with running_with(service, times) as running:
        assert running.run("buy", CODE, 100).amount == 100
    assert times.now - start <= 10.0
    assert len(service.seen) == 5
    assert len(warnings(running)) == 1


def test_a_service_that_is_down_is_not_waited_for_as_long_again(service: Service, times: Times) -> None:
    service.modes = [500] * 100
    with running_with(service, times) as running:
        running.run("buy", CODE, 100)
        start = times.now
        running.run("buy", CODE, 200)
        assert times.now - start <= 2.5
        times.now += 30
        service.modes = []
        running.run("buy", CODE, 300)
    assert [text["order"]["amount"] for text in service.orders] == [100, 200, 300], "in the order in which they came"


def test_a_minute_later_it_is_waited_for_again(service: Service, times: Times) -> None:
    service.modes = [500] * 100
    with running_with(service, times) as running:
        running.run("buy", CODE, 100)
        times.now += 61
        start = times.now
        running.run("buy", CODE, 200)
        assert 5 < times.now - start <= 10


def test_kept_signals_go_with_the_next_one_while_fresh(service: Service, times: Times) -> None:
    service.modes = [500] * 5
    with running_with(service, times) as running:
        running.run("buy", CODE, 100)
        lost = service.seen[0].id
        times.now += 45
        running.run("buy", CODE, 200)
    assert [text["order"]["amount"] for text in service.orders] == [100, 200]
    assert lost in service.texts


def test_stale_signals_are_dropped_and_told(service: Service, times: Times) -> None:
    service.modes = [500] * 5
    with running_with(service, times) as running:
        running.run("buy", CODE, 100)
        times.now += 61
        running.run("buy", CODE, 200)
    assert [text["order"]["amount"] for text in service.orders] == [200]
    assert len(warnings(running)) == 2


def test_what_is_kept_is_bounded_and_the_sells_stay(service: Service, times: Times) -> None:
    service.modes = [500] * 1000
    with running_with(service, times) as running:
        follow = running.namespace["_JqFollow"]
        follow.MAX_AGE_S, follow.MAX_QUEUE = 10**6, 10
        running.run("buy", CODE, 5000)
        running.next_day()
        for n in range(10):
            running.run("buy", CODE, 100 * (n + 1) * (-1) ** n)
        labels = [message["label"] for message in follow.queue if message["kind"] == "order"]
        sold = [label for label in labels if label.startswith("卖出")]
        assert len(follow.queue) <= 10
        assert [label.split()[-1] for label in sold] == ["200", "400", "600", "800", "1000"]
        assert len(labels) > len(sold), "some buys have room, the newest"


def test_a_duplicate_is_delivered(service: Service, times: Times) -> None:
    """The service had it, and the answer was lost: it is followed once, and the client is content."""
    service.modes = ["lost"]
    with running_with(service, times) as running:
        running.run("buy", CODE, 100)
        assert running.namespace["_JqFollow"].queue == []
    assert len(service.seen) == 2
    assert len(service.orders) == 1


def test_nobody_listens(times: Times) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # taken, and not listening: nobody else can answer there
        text = timed(rendered(f"http://127.0.0.1:{held.getsockname()[1]}"), times)
        with platform(text, pasted=True, strategy=QUIET) as running:
            assert running.run("buy", CODE, 100).amount == 100
            assert len(running.namespace["_JqFollow"].queue) == 1
    assert times.slept == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize("mode", ["hang", "drip", "drip_head"])
def test_a_service_that_never_comes_to_an_end(service: Service, times: Times, mode: str) -> None:
    """That the strategy goes on is the proof: the service ends what it began only after the test."""
    service.modes = [mode]
    with running_with(service, times, patience_s=0.3) as running:
        assert running.run("buy", CODE, 100).amount == 100
        assert running.namespace["_JqFollow"].queue == []
    assert len(service.seen) >= 2
    assert len(service.orders) == 1


class TestWithoutThreads:
    """JoinQuant may forbid threads."""

    @pytest.fixture(autouse=True)
    def _forbidden(self, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
        real = threading.Thread.start

        def start(thread: threading.Thread) -> None:
            if thread.name.endswith("(work)"):
                raise RuntimeError("can't start new thread")
            real(thread)

        monkeypatch.setattr(threading.Thread, "start", start)

    def test_sent(self, service: Service, times: Times) -> None:
        service.modes = [500, "bad_mac"]
        with running_with(service, times) as running:
            running.run("buy", CODE, 100)
        assert len(service.orders) == 1

    @pytest.mark.parametrize("mode", ["hang", "endless", "close"])
    def test_bounded_still(self, service: Service, times: Times, mode: str) -> None:
        service.modes = [mode]
        with running_with(service, times, patience_s=0.3) as running:
            running.run("buy", CODE, 100)
        assert len(service.orders) == 1

    def test_no_module_at_all(self, service: Service, times: Times) -> None:
        with running_with(service, times) as running:
            running.namespace["_JqFollow"].threading = None
            running.run("buy", CODE, 100)
        assert len(service.orders) == 1


def test_a_key_that_was_spoilt_is_told_at_once(service: Service, times: Times) -> None:
    with running_with(service, times) as running:
        running.namespace["_JqFollow"].KEY = "jqf1_x"
        running.run("buy", CODE, 100)
    assert (service.seen, times.slept) == ([], [])
    assert len(warnings(running)) == 1


def test_hello_and_positions_are_not_kept(service: Service, times: Times) -> None:
    service.modes = [500] * 20
    with platform(timed(rendered(service.url), times), pasted=True) as running:
        running.run_scheduled("15:30")
        assert [message["kind"] for message in running.namespace["_JqFollow"].queue] == ["notice"]
        service.modes = []
        running.run("buy", CODE, 100)
    assert [text["kind"] for text in service.texts.values()] == ["notice", "order"]
    assert [lost["what"] for lost in service.of_kind("notice")[0]["dropped"]] == ["启动消息"]


@pytest.mark.parametrize("accounts", [None, [], "x", [1], [{}], {"a": 1}])
def test_a_hello_answer_of_another_shape(service: Service, times: Times, accounts: object) -> None:
    service.hello = {"accounts": accounts, "version": None, "skew_s": {}}
    with platform(timed(rendered(service.url), times), pasted=True) as running:
        running.run("buy", CODE, 100)
    assert [text["kind"] for text in service.texts.values()] == ["hello", "order"]
