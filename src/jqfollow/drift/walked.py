"""A drift, and what is known of how it came about. Pure values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from jqfollow.clock import to_ms
from jqfollow.drift.causes import Drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A drift, and what tells whether another report would change it."""

    drift: Drift
    own: Decimal
    """What the strategy itself holds, by its signals and its reports."""
    quiet: bool
    """Its newest report told nothing that signals and its first report had not."""
    until_ms: int | None
    """The newest of orders, splits and bookings."""
    bare: bool
    """Nothing was ordered or booked, and nothing is held: but for a report there would be no such book."""

    def stays(self, net: int, made_at: datetime) -> bool:
        """Whether it would be the same with a report of `net`, made at `made_at`, as the newest."""
        known = self.quiet and self.own == net and (net != 0 or self.drift.target == 0)
        return (
            known and self.drift.reported_at is not None and (self.until_ms is None or self.until_ms < to_ms(made_at))
        )

    def reported(self, at: datetime) -> "Walked":
        """The same by a report made at `at`, by which it `stays`."""
        old = self.drift
        drift = Drift(
            account=old.account,
            strategy=old.strategy,
            security=old.security,
            target=old.target,
            book=old.book,
            missing=old.missing,
            working=old.working,
            lines=old.lines,
            before=old.before,
            zero_untold=old.zero_untold,
            reported_at=at,
        )
        return Walked(drift=drift, own=self.own, quiet=True, until_ms=self.until_ms, bare=self.bare)
