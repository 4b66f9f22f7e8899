"""What a rule says of one attempt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from jqfollow.domain import WaitingFor
from jqfollow.reasons import Reason
from jqfollow.risk.facts import Facts


class Outcome(StrEnum):
    """What a rule says."""

    PASS = "pass"  # noqa: S105  # a verdict, not a password
    WAIT = "wait"
    REFUSE = "refuse"
    SKIP = "skip"
    """The rule does not apply, or the facts that it needs are missing because an earlier rule already failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one rule says of one attempt."""

    rule: Reason
    outcome: Outcome
    figures: Mapping[str, str] = field(default_factory=dict)
    waiting_for: WaitingFor | None = None
    wait_until: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """For the ledger."""
        return {"rule": self.rule, "outcome": self.outcome, "figures": dict(self.figures)}


Rule = Callable[[Facts], Verdict]


@cache
def passed(rule: Reason) -> Verdict:
    """It lets the attempt go."""
    return Verdict(rule=rule, outcome=Outcome.PASS)


@cache
def skipped(rule: Reason) -> Verdict:
    """It does not apply."""
    return Verdict(rule=rule, outcome=Outcome.SKIP)


def refused(rule: Reason, **figures: object) -> Verdict:
    """It does not let the attempt go, for the reason that its sentence tells with `figures`."""
    return Verdict(rule=rule, outcome=Outcome.REFUSE, figures={k: str(v) for k, v in figures.items()})
