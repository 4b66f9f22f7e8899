"""Who looks for news reads at once after a commit of this process, and every third time without one."""

from types import SimpleNamespace
from typing import Any

import pytest

from jqfollow.ledger.seldom import Seldom


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_when_a_look_is_made(commits: int) -> None:
    ledger: Any = SimpleNamespace(commits=commits)
    seldom = Seldom(ledger)
    assert [seldom.due() for _ in range(7)] == [True, False, True, False, False, True, False]
    ledger.commits += 1
    assert [seldom.due() for _ in range(3)] == [True, True, False]
