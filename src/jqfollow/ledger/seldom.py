"""Whoever looks for news each second need not read while nothing was committed."""

from jqfollow.ledger.ledger import Ledger

OTHERS_EVERY = 3
"""One look in so many is made all the same: other programs commit, too."""


class Seldom:
    """One reader's looks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._commits = -1
        self._looks = 0

    def due(self) -> bool:
        """Whether this look is to be made."""
        commits, self._looks = self._ledger.commits, self._looks + 1
        if commits == self._commits and self._looks % OTHERS_EVERY:
            return False
        self._commits = commits
        return True
