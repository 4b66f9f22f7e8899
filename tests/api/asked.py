"""Whatever schemathesis makes of a port's document is sent to the port: each answer must be one that it promises.

Schemathesis takes half a second to import: only where something is asked.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hypothesis.strategies import SearchStrategy
    from schemathesis import Case


def ask_each(
    document: dict[str, Any],
    url: str,
    headers: Mapping[str, str],
    *,
    many: int,
    asked: Callable[[str, str], bool] = lambda _method, _path: True,
) -> Iterator[tuple[str, Counter[int]]]:
    """Asks each operation that is `asked` by method and path, `many` times; its name, and its answers by status.

    Raises:
        Exception: schemathesis's, with the call: an answer that the document does not promise.
    """
    import schemathesis

    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        if not asked(operation.method.upper(), operation.path):
            continue
        yield f"{operation.method.upper()} {operation.path}", _asked(operation.as_strategy(), url, headers, many)


def _asked(calls: SearchStrategy[Case], url: str, headers: Mapping[str, str], many: int) -> Counter[int]:
    answers: Counter[int] = Counter()

    @settings(max_examples=many, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=calls)
    def keeps_to_it(case: Case) -> None:
        answers[call(case, url, headers)] += 1

    keeps_to_it()
    return answers


def call(case: Case, url: str, headers: Mapping[str, str]) -> int:
    """Makes one call; the status of its answer.

    Raises:
        Exception: as `ask_each`.
    """
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    return case.call_and_validate(base_url=url, headers=dict(headers), checks=checks).status_code
