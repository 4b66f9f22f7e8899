"""Drift, repairs and books against their own document, at a whole service: what is named is often there."""

import asyncio
import copy
import re
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import structlog

from e2e.house import House
from e2e.test_repair import PING_AN, refused_at_the_limit, report
from jqfollow.drift.reading import COUNTER_LAGS

from .asked import ask_each
from .test_documents import console_document

T = TypeVar("T")
OURS = r"^/api/(drift|repair|books)"
NAMES = {
    "account": ["paper", "nobody", ""],
    "strategy": ["demo", "other", "nobody"],
    "giver": ["demo", "other", "nobody"],
    "taker": ["demo", "other", "nobody"],
    "security": ["000001.XSHE", "000001.SZ", "999999.XSHG", "688981.XSHG", "\x00", "股"],
    "shares": [0, 1, 100, 1000, 10**10, -1, 1.5, "100", None],
    "act": [1, 2, 3, 2**63 - 1, 0],
}
"""What most calls name: random texts would all be answered alike."""


class Loop:
    """A service on a loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A drift, a book that can be changed, and something to undo."""
    loop = Loop()
    follow = {"follow": {"paper": 1}}
    house = House(tmp_path_factory.mktemp("house"), strategies={"demo": follow, "other": follow})

    async def begin() -> None:
        await house.__aenter__()
        await refused_at_the_limit(house)
        await house.done(await house.send("other", PING_AN, "buy", 1000, price="10.50"))
        house.forward(COUNTER_LAGS.seconds + 5)
        await report(house, S000001_XSHE=1000)

    with structlog.testing.capture_logs():
        loop.run(begin())
        yield house
        loop.run(house.__aexit__(None, None, None))
    loop.close()


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncio.run(console_document())


def with_names(whole: dict[str, Any]) -> dict[str, Any]:
    """The document with fields that hold one of `NAMES`."""
    narrowed = copy.deepcopy(whole)
    for name, schema in narrowed["components"]["schemas"].items():
        if name.endswith("In"):
            for field in schema["properties"].keys() & NAMES.keys():
                schema["properties"][field] = {"enum": NAMES[field]}
    return narrowed


@pytest.mark.timeout(600)
def test_what_is_asked_of_books_is_answered_as_the_document_says(document: dict[str, Any], house: House) -> None:
    answered = ask_each(
        with_names(document),
        house.service.console_url,
        house.owner,
        many=5,
        asked=lambda _method, path: bool(re.match(OURS, path)),
    )
    asked = {name.split()[1] for name, _ in answered}
    known = {path for path in document["paths"] if path.startswith(("/api/drift", "/api/repair", "/api/books"))}
    assert asked == known
    assert len(known) == 9
