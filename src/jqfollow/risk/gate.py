"""The gate: every rule runs, every verdict is kept, the first that does not pass decides."""

from dataclasses import dataclass

from jqfollow.reasons import Refusal
from jqfollow.risk.facts import Facts
from jqfollow.risk.rules import BEFORE_MARKET, RULES
from jqfollow.risk.verdict import Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """May this attempt go out?"""

    verdicts: tuple[Verdict, ...]

    @property
    def deciding(self) -> Verdict | None:
        """The first verdict that does not let it go; `None`: it may."""
        return next((v for v in self.verdicts if v.outcome in {Outcome.REFUSE, Outcome.WAIT}), None)

    @property
    def refusal(self) -> Refusal | None:
        """Why it is refused, or waits."""
        verdict = self.deciding
        return Refusal(reason=verdict.rule, figures=verdict.figures) if verdict else None


def hold_back(facts: Facts) -> Decision | None:
    """The decision of the rules that need no market, when one of them does not let the attempt go; else `None`."""
    if all(rule(facts).outcome in {Outcome.PASS, Outcome.SKIP} for rule in BEFORE_MARKET):
        return None
    return decide(facts)


def decide(facts: Facts) -> Decision:
    """Every rule's verdict on `facts`."""
    return Decision(verdicts=tuple(rule(facts) for rule in RULES))
