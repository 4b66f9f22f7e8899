"""Both ports at the edges of their documents: the calls that schemathesis derives from bounds, types and formats.

    python -m pytest -q -pschemathesis tests/api/edges_of_documents.py

A step of its own in `.ci/run`; with `-m slow` many more.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import BaseSchema, Case

from e2e.house import House

from .asked import call
from .test_accounting_documents import OURS, document, house, with_names
from .test_documents import OWNER, SIGNALS, console_url, has_its_part, signals_url

__all__ = ["console_url", "document", "house", "signals_url"]
"""Fixtures."""

pytestmark = [pytest.mark.usefixtures("by_operation"), pytest.mark.timeout(3600)]
few = settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def by_operation(request: pytest.FixtureRequest) -> None:
    """For schemathesis, which puts the operation under test there; pytest has no such attribute since 9.2."""
    request.node._nodeid = request.node.nodeid


@pytest.fixture(scope="module")
def signals_schema() -> BaseSchema:
    return schemathesis.openapi.from_dict(dict(SIGNALS.openapi()))


@pytest.fixture(scope="module")
def console_schema(document: dict[str, Any]) -> BaseSchema:
    return schemathesis.openapi.from_dict(document)


@pytest.fixture(scope="module")
def named_schema(document: dict[str, Any]) -> BaseSchema:
    return schemathesis.openapi.from_dict(with_names(document))


signals = schemathesis.pytest.from_fixture("signals_schema")
console = schemathesis.pytest.from_fixture("console_schema").include(
    lambda case: has_its_part(case.operation.method.upper(), case.operation.path)
)
books = schemathesis.pytest.from_fixture("console_schema").include(path_regex=OURS)
named_books = schemathesis.pytest.from_fixture("named_schema").include(path_regex=OURS)


@signals.parametrize()
@few
def test_the_signals_port(case: Case, signals_url: str) -> None:
    call(case, signals_url, {})


@console.parametrize()
@few
def test_the_console(case: Case, console_url: str) -> None:
    call(case, console_url, OWNER)


@named_books.parametrize()
@few
def test_books(case: Case, house: House) -> None:
    call(case, house.service.console_url, house.owner)


@pytest.mark.slow
@signals.parametrize()
@settings(few, max_examples=2_000)
def test_the_signals_port_at_length(case: Case, signals_url: str) -> None:
    call(case, signals_url, {})


@pytest.mark.slow
@console.parametrize()
@settings(few, max_examples=200)
def test_the_console_at_length(case: Case, console_url: str) -> None:
    call(case, console_url, OWNER)


@pytest.mark.slow
@named_books.parametrize()
@settings(few, max_examples=300)
def test_books_at_length(case: Case, house: House) -> None:
    call(case, house.service.console_url, house.owner)


@pytest.mark.slow
@books.parametrize()
@settings(few, max_examples=200)
def test_books_whatever_is_named(case: Case, house: House) -> None:
    call(case, house.service.console_url, house.owner)
