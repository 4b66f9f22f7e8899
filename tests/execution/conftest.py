"""The ledger in which one order lives."""

from collections.abc import Iterator
from typing import Any

import pytest

from execution.one_order import World, taken_back
from execution.scene import opened


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A ledger on disk, of which no test leaves anything behind: each is one transaction that is taken back."""
    connection = opened(tmp_path_factory.mktemp("orders"))
    yield connection
    connection.close()


@pytest.fixture
def world(connection: Any) -> Iterator[World]:
    with taken_back(connection) as world:
        yield world
