"""The values in force for an order, of what the defaults, its account and its strategy say. Pure.

A limit that both an account and a strategy set holds twice, so that the stricter decides; whoever sets none leaves the
default. A policy is the strategy's, else the account's, else the default. What is counted over a whole account is the
account's; what a strategy limits of it is counted for the strategy, beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from jqfollow.settings.policy import ExecutionSettings, RiskSettings
from jqfollow.settings.sections import Settings


class Rule(StrEnum):
    """What wins of a key that several layers set."""

    LEAST = "least"
    """The least of the account's and the strategy's; the default where both are silent."""
    COMMON = "common"
    """What the account's and the strategy's have in common; the default where both are silent."""
    UNION = "union"
    """All of them together, the default included."""
    NEAREST = "nearest"
    """The strategy's, else the account's, else the default."""
    ACCOUNT = "account"
    """The account's, else the default: it is counted over all its strategies."""


RULES: Mapping[str, Rule] = {
    "max_signal_age_s": Rule.LEAST,
    "max_price_drift": Rule.LEAST,
    "at_limit": Rule.NEAREST,
    "outside_hours": Rule.NEAREST,
    "max_order_value": Rule.LEAST,
    "max_position_ratio": Rule.LEAST,
    "max_daily_orders": Rule.ACCOUNT,
    "max_daily_turnover": Rule.ACCOUNT,
    "max_cancels_per_day": Rule.ACCOUNT,
    "max_daily_loss": Rule.ACCOUNT,
    "orders_per_second": Rule.ACCOUNT,
    "boards": Rule.COMMON,
    "blocked": Rule.UNION,
}
"""Every key of `[risk]`."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A value, and the keys whose word it is."""

    value: Any
    of: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLimits:
    """What a strategy limits in an account of what is counted for it alone; `None`: nothing."""

    orders: int | None = None
    """Attempts a day."""
    turnover: Decimal | None = None
    """Filled and under way a day, yuan."""
    capital: Decimal | None = None
    """Invested at cost, yuan."""


NO_LIMITS = OwnLimits()


class Layers:
    """The values in force, by account and strategy; made once, since settings do not change under way."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._risks: dict[tuple[str, str | None], RiskSettings] = {}
        self._executions: dict[str, ExecutionSettings] = {}

    def account(self, name: str) -> RiskSettings:
        """Of what is judged for an account as a whole."""
        return self.risk(name, None)

    def risk(self, account: str, strategy: str | None) -> RiskSettings:
        """Of an order that `account` places for `strategy`."""
        key = account, strategy
        if key not in self._risks:
            values = {name: self.risk_of(name, account, strategy).value for name in RULES}
            self._risks[key] = self._settings.risk.model_copy(update=values)
        return self._risks[key]

    def execution(self, strategy: str) -> ExecutionSettings:
        """Of a strategy's orders."""
        if strategy not in self._executions:
            names = ExecutionSettings.model_fields
            values = {name: self.execution_of(name, strategy).value for name in names}
            self._executions[strategy] = self._settings.execution.model_copy(update=values)
        return self._executions[strategy]

    def own(self, account: str, strategy: str) -> OwnLimits:
        """What the strategy limits beside the account; of one that is not configured: nothing."""
        known = self._settings.strategies.get(strategy)
        if known is None:
            return NO_LIMITS
        follow = known.follow.get(account)
        capitals = [c for c in (known.risk.capital, follow.capital if follow else None) if c is not None]
        return OwnLimits(
            orders=known.risk.max_daily_orders,
            turnover=known.risk.max_daily_turnover or None,
            capital=min(capitals, default=None),
        )

    def risk_of(self, key: str, account: str, strategy: str | None) -> InForce:
        """The value of one key of `[risk]`, and whose word it is."""
        found = InForce(value=getattr(self._settings.risk, key), of=(("risk", key),))
        of_account = self._said(("accounts", account, "risk", key))
        of_strategy = self._said(("strategies", strategy, "risk", key)) if strategy is not None else None
        own = [said for said in (of_account, of_strategy) if said is not None]
        match RULES[key]:
            case Rule.ACCOUNT:
                return of_account or found
            case Rule.NEAREST:
                return of_strategy or of_account or found
            case Rule.LEAST:
                return min(own, key=lambda said: said.value, default=found)
            case Rule.COMMON if own:
                return InForce(value=frozenset.intersection(*(s.value for s in own)), of=_all_of(own))
            case Rule.UNION:
                every = [found, *own]
                return InForce(value=frozenset.union(*(s.value for s in every)), of=_all_of(every))
            case _:
                return found

    def execution_of(self, key: str, strategy: str) -> InForce:
        """The value of one key of `[execution]`, and whose word it is."""
        default = InForce(value=getattr(self._settings.execution, key), of=(("execution", key),))
        return self._said(("strategies", strategy, "execution", key)) or default

    def _said(self, path: Path) -> InForce | None:
        """What an account or a strategy says at `path`, when it is configured and says something."""
        of, name, section, key = path
        known = (self._settings.accounts if of == "accounts" else self._settings.strategies).get(name)
        value = getattr(getattr(known, section), key, None) if known is not None else None
        return None if value is None else InForce(value=value, of=(path,))


def _all_of(said: list[InForce]) -> tuple[Path, ...]:
    return tuple(path for one in said for path in one.of if one.value)
