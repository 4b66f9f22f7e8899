"""How the drifts of all books stand in the ledger between two runs of the program: as rows, and a mark.

They are read back by the same program only, for the same configuration: whoever changes what a drift is makes another
program, which works everything out anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import msgspec

from jqfollow import __version__
from jqfollow.drift.walked import Walked
from jqfollow.ledger.reports import Stamp
from jqfollow.settings import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """A strategy: how it is followed, and what it has told."""

    follow: str
    stamp: Stamp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far the ledger was read, and by what."""

    program: str
    accounts: tuple[str, ...]
    begun: Mapping[str, int | None]
    """When another account took the name."""
    order_id: int
    signal_id: int
    fill_id: int
    booking_id: int
    open: frozenset[int]
    """Orders that had not ended."""
    received: frozenset[int]
    """Signals that nothing had become of."""
    differences: frozenset[tuple[int, str, int]]
    """Signal, account, filled elsewhere."""
    actions: frozenset[tuple[str, str, str, str, str, str]]
    strategies: Mapping[str, Teller]
    pictures: Mapping[str, int | None]

    def is_of(self, other: "Mark") -> bool:
        """Whether what was worked out then can be brought to now."""
        return (self.program, self.accounts, self.begun) == (other.program, other.accounts, other.begun)


_JSON = msgspec.json.Encoder()
_MARK = msgspec.json.Decoder(Mark)
_ROWS = msgspec.json.Decoder(list[Walked])


@lru_cache(1)
def program() -> str:
    """Names what works drifts out: the version, and the text of this package."""
    digest = sha256(__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def followed(strategy: Strategy) -> str:
    """All that a drift depends on in a strategy's configuration."""
    of = sorted((name, str(follow.mode), str(follow.figure)) for name, follow in strategy.follow.items())
    return f"{strategy.start} {of}"


def mark_text(mark: Mark) -> str:
    """As it stands in the ledger."""
    return _JSON.encode(mark).decode()


def mark_of(text: str) -> Mark | None:
    """`None`: another program wrote it."""
    try:
        return _MARK.decode(text)
    except msgspec.DecodeError:
        return None


def row_text(row: Walked) -> str:
    """A book as it stands in the ledger."""
    return _JSON.encode(row).decode()


def rows_of(texts: Iterable[str]) -> list[Walked] | None:
    """The books that `row_text` wrote; `None`: something else stands there."""
    try:
        return _ROWS.decode(f"[{','.join(texts)}]")
    except msgspec.DecodeError:
        return None
