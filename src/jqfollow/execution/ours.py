"""Which orders of a broker are which of our attempts. Pure.

A remark of ours names one attempt for good. A broker's id names an order on its day only: the key is (account, day,
id). Where a broker rewrites remarks, an attempt without an id is found by its terms.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from jqfollow.domain import ATTEMPT_ENDED, AttemptState, OrderKey, OrderReport
from jqfollow.ledger.rows import AttemptRow

BEFORE = timedelta(seconds=5)
"""The broker's clock may run behind ours."""
AFTER = timedelta(seconds=120)
"""A placing call that nobody waits for any more may arrive as late as this."""
OURS = re.compile(r"jq[A-Z2-7]{5}-[0-9A-Z]+")
"""What `ledger.attempts` makes remarks of."""
_NEVER_WAS = ATTEMPT_ENDED - {AttemptState.FILLED}


def is_ours(remark: str) -> bool:
    """Whether a remark was made by a ledger of this program."""
    return OURS.fullmatch(remark.strip()) is not None


def whose(key: OrderKey, named: AttemptRow | None, keyed: AttemptRow | None) -> AttemptRow | None:
    """The attempt that the order `key` is, when its remark is that of `named` and its key that of `keyed`.

    A remark of ours under another id than the broker gave us is somebody's copy, or the broker has renumbered its
    orders: then neither says whose it is.
    """
    if named is None:
        return keyed
    fits = named.account == key.account and named.broker_order_id in {None, key.broker_order_id}
    return named if fits and (keyed is None or keyed.attempt_id == named.attempt_id) else None


class Ours:
    """Some of an account's attempts, to be found in its broker's lists."""

    def __init__(self, attempts: Iterable[AttemptRow], reports: Iterable[OrderReport] = ()) -> None:
        """`reports`: all rows of the list, of which a remark that stands on two names neither."""
        self._by_remark = {a.remark: a for a in attempts}
        self._by_key = {a.key: a for a in self._by_remark.values() if a.key is not None}
        counts = Counter(report.remark.strip() for report in reports)
        self._twice = {remark for remark, count in counts.items() if count > 1}

    def find(self, key: OrderKey, remark: str) -> AttemptRow | None:
        """The attempt that the order `key` with `remark` is."""
        found = whose(key, self._by_remark.get(remark.strip()), self._by_key.get(key))
        nameless = found is not None and found.broker_order_id is None
        return None if nameless and remark.strip() in self._twice else found

    def named(self, remark: str) -> AttemptRow | None:
        """The attempt with this remark, whatever its id."""
        return self._by_remark.get(remark.strip())


def match_unknown(
    unknown: Collection[AttemptRow], reports: Collection[OrderReport], taken: Collection[str]
) -> Mapping[int, OrderReport]:
    """Which report is which unknown attempt, by attempt id.

    First by remark; then by code, side, volume, price and time, and only where exactly one report fits exactly one
    attempt. A report that bears a remark of ours is the attempt of that remark and no other, however well its terms
    fit: orders that are placed again look alike, and another's end would let the next one be placed twice. For the same
    reason only what lives or is filled is found by its terms: a refused or cancelled order may be the attempt before.

    Args:
        unknown: attempts without a broker's id.
        reports: the broker's list of the day.
        taken: broker's ids that belong to other attempts.
    """
    free = [report for report in reports if report.broker_order_id not in taken]
    found: dict[int, OrderReport] = {}
    rest: list[AttemptRow] = []
    for attempt in unknown:
        named = [report for report in free if report.remark.strip() == attempt.remark]
        if not named:
            rest.append(attempt)
        elif len(named) == 1 and same_terms(attempt, named[0]):
            found[attempt.attempt_id] = named[0]
    nameless = [r for r in free if not is_ours(r.remark) and r.state not in _NEVER_WAS]
    pairs = [(attempt, report) for attempt in rest for report in nameless if _fits(attempt, report)]
    for attempt, report in pairs:
        same_attempt = sum(1 for a, _ in pairs if a is attempt)
        same_report = sum(1 for _, r in pairs if r is report)
        if same_attempt == same_report == 1:
            found[attempt.attempt_id] = report
    return found


def same_terms(attempt: AttemptRow, report: OrderReport) -> bool:
    """Whether a report is of the attempt's code, side and volume."""
    return attempt.security == report.symbol and attempt.side is report.side and attempt.volume == report.volume


def may_be(attempt: AttemptRow, report: OrderReport) -> bool:
    """Whether a report that has the attempt's key or remark can be its: one without an id must agree in all terms."""
    same = attempt.security == report.symbol and attempt.side is report.side
    return same and (attempt.broker_order_id is not None or attempt.volume == report.volume)


def _fits(attempt: AttemptRow, report: OrderReport) -> bool:
    return (
        same_terms(attempt, report)
        and attempt.price == report.price
        and attempt.created_at - BEFORE <= report.at <= attempt.created_at + AFTER
    )
