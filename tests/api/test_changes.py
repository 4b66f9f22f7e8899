"""The page's open question: answered as soon as something has changed, by whatever program, and never held for long."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from jqfollow.api import changes
from jqfollow.domain import AccountState, OrderState, Side
from jqfollow.ledger import Ledger, Tx
from jqfollow.ledger.deeds import What
from jqfollow.ledger.rows import BookingKind, NewBooking
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal

from .fakes import START, FakeIntake
from .world import Story

EVERYTHING = {"signals", "orders", "books", "accounts", "messages", "pauses", "deeds", "names", "state"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "BESIDE_S", 0.005)


async def ask(console: httpx.AsyncClient, at: str = "", wait_s: float = 0) -> dict[str, Any]:
    answer = await console.get("/api/changes", params={"at": at, "wait_s": wait_s})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_whoever_asks_first_is_told_that_everything_has_changed(console: httpx.AsyncClient) -> None:
    first = await ask(console)
    assert set(first["parts"]) == EVERYTHING
    assert (await ask(console, first["at"]))["parts"] == []


@pytest.mark.parametrize("at", ["", "-", "deadbeef-1", "x" * 40, "-1", "1-", "deadbeef-²"])
async def test_a_name_of_another_process_means_everything(console: httpx.AsyncClient, at: str) -> None:
    assert set((await ask(console, at, 10))["parts"]) == EVERYTHING


def signal_comes(tx: Tx) -> None:
    Story(tx).signal("000001.SZ", Side.BUY, 100, "10.00")


def order_ends(tx: Tx) -> None:
    refusal = Refusal(reason=Reason.CANCELED_BY_USER, figures={"left": "100"})
    tx.orders.update(3, START + timedelta(hours=1), state=OrderState.CANCELED, refusal=refusal)


def order_is_filled(tx: Tx) -> None:
    story = Story(tx, broker_id=5000)
    order = story.order(story.signal("000001.SZ", Side.BUY, 100, "10.00"), 100)
    story.fill(story.attempt(order, "10.00"), 100, "10.00")


def book_is_set(tx: Tx) -> None:
    booking = NewBooking(account="paper", strategy="demo", security="000001.SZ", kind=BookingKind.SET, shares=100,
                         cost=Decimal(1000), who="me", why="so")  # fmt: skip
    tx.bookings.add([booking], START)


@pytest.mark.parametrize(
    ("happens", "parts"),
    [
        (signal_comes, {"signals"}),
        (order_ends, {"orders"}),
        (order_is_filled, {"signals", "orders", "books"}),
        (book_is_set, {"books"}),
        (lambda tx: tx.pauses.pause("demo", "", START), {"pauses"}),
        (lambda tx: tx.pauses.pause("", "paper", START, buys=True), {"pauses"}),
        (lambda tx: tx.outbox.put(Kind.ALERT, "?", START), {"messages"}),
        (lambda tx: tx.deeds.add(START, "me", What.RESUME), {"deeds", "pauses"}),  # a page may have seen it paused
        (lambda tx: tx.security_names.put({"1": "x"}), {"names"}),
        (lambda tx: tx.meta.set("x", "y"), set()),
    ],
)
async def test_it_names_what_has_changed(
    console: httpx.AsyncClient, ledger: Ledger, happens: Any, parts: set[str]
) -> None:
    at = (await ask(console))["at"]
    await ledger.write(happens)
    assert set((await ask(console, at))["parts"]) == parts


async def test_it_answers_as_soon_as_something_happens_wherever(console: httpx.AsyncClient, ledger: Ledger) -> None:
    at = (await ask(console))["at"]
    waiting = asyncio.create_task(ask(console, at, 10))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    with Ledger.open(ledger.path) as other:  # as another program does it
        other.write_now(lambda tx: tx.pauses.pause("", "", START))
    assert (await waiting)["parts"] == ["pauses"]


async def test_a_commit_of_the_service_itself_is_answered_at_once(
    console: httpx.AsyncClient, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "BESIDE_S", 60)  # nobody looks by himself
    at = (await ask(console))["at"]
    waiting = asyncio.create_task(ask(console, at, 10))
    await asyncio.sleep(0.02)
    await ledger.write(lambda tx: tx.pauses.pause("", "", START))
    assert (await waiting)["parts"] == ["pauses"]


async def test_what_stands_in_memory_counts(console: httpx.AsyncClient, intake: FakeIntake) -> None:
    at = (await ask(console))["at"]
    intake.states = [AccountState(account="paper", broker="paper", real=False, ready=False)]
    assert (await ask(console, at, 10))["parts"] == ["state"]


async def test_what_came_and_went_between_two_looks_stays_on_no_page(
    console: httpx.AsyncClient, intake: FakeIntake
) -> None:
    up = list(intake.states)
    at = (await ask(console))["at"]
    intake.states = [AccountState(account="paper", broker="paper", real=False, ready=False)]
    status = (await console.get("/api/status")).json()  # for another reason, just now
    assert [account["ready"] for account in status["accounts"] if account["account"] == "paper"] == [False]
    intake.states = up
    seen = await ask(console, at)
    assert seen["parts"] == ["state"], "what the page shows is over"
    await console.get("/api/status")
    assert (await ask(console, seen["at"]))["parts"] == []


async def test_a_stop_waits_for_no_page(console: httpx.AsyncClient, stopping: asyncio.Event) -> None:
    at = (await ask(console))["at"]
    waiting = asyncio.create_task(ask(console, at, 10))
    await asyncio.sleep(0.02)
    stopping.set()
    assert (await waiting)["parts"] == []


async def test_the_number_of_pages_is_bounded(console: httpx.AsyncClient, stopping: asyncio.Event) -> None:
    at = (await ask(console))["at"]
    waiting = [asyncio.create_task(ask(console, at, 10)) for _ in range(changes.MOST_WAITING)]
    await asyncio.sleep(0.05)
    answer = await console.get("/api/changes", params={"at": at, "wait_s": 0})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    stopping.set()
    await asyncio.gather(*waiting)
    await ask(console, at)


async def test_strangers_learn_nothing(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/api/changes")).status_code == 401
