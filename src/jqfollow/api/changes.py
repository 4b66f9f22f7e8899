"""What has changed since a page looked: it waits for that, instead of asking for everything again and again.

One question stands open for some seconds at most and is then asked anew, so that no connection is held for good and a
login that ended ends here, too. While nothing happens a look is one mark of the file's, and there are few.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from jqfollow.ledger import Ledger

BESIDE_S = 0.7
"""How soon what other programs commit is seen, and what stands in memory alone; a commit of this process is at once."""
MOST_S = 10
"""A question is answered after so long, whatever has changed."""
MOST_WAITING = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an answer tells."""

    at: str
    """To be named with the next question."""
    parts: tuple[str, ...]
    """What has changed."""


@dataclass(slots=True, kw_only=True)
class Changes:
    """Of one process: a name that another gave means that everything has changed."""

    ledger: Ledger
    accounts: Iterable[str]
    state: Callable[[], object]
    """What stands in memory alone, as a value that can be compared."""
    stopping: Callable[[], bool] = lambda: False
    waiting: int = 0
    _run: str = field(default_factory=lambda: secrets.token_hex(4))
    _number: int = 0
    _marks: dict[str, object] = field(default_factory=dict)
    _changed: dict[str, int] = field(default_factory=dict)
    """When each part changed last."""
    _version: object = None
    _commits: int = -1
    _looked: float = 0.0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def since(self, at: str, *, wait_s: float, gone: Callable[[], Awaitable[bool]]) -> Seen:
        """What has changed since an answer named `at`; waits for it for `wait_s` seconds, `MOST_S` at most.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        run, _, number = at.partition("-")
        known = int(number) if run == self._run and number.isdigit() and len(number) < 16 else -1  # noqa: PLR2004
        loop = asyncio.get_running_loop()
        until = loop.time() + min(wait_s, MOST_S)
        self.waiting += 1
        try:
            await self._look(fresh=True)
            while self._number <= known and not self.stopping():
                left = until - loop.time()
                if left <= 0 or await gone():
                    break
                await self.ledger.committed(self._commits, within_s=min(left, BESIDE_S))
                await self._look()
        finally:
            self.waiting -= 1
        parts = tuple(part for part, changed in self._changed.items() if changed > known)
        return Seen(at=f"{self._run}-{self._number}", parts=parts)

    def shown(self, state: object) -> None:
        """A page is shown `state`: where that is not what was told last, the next look tells how it stands then.

        What came and went between two looks would else stay on the page that happened to ask in between.
        """
        if self._marks.get("state", state) != state:
            self._marks["state"] = self

    async def _look(self, *, fresh: bool = False) -> None:
        """Takes the marks anew, where there may be something new to see; however many wait, one does it."""
        async with self._turn:
            now, commits = asyncio.get_running_loop().time(), self.ledger.commits
            if not fresh and commits == self._commits and now < self._looked + BESIDE_S / 2:
                return
            self._looked, self._commits = now, commits
            version = await self.ledger.version()
            marks: dict[str, object] = {"state": self.state()}
            if version != self._version:
                marks |= await self.ledger.read(lambda tx: tx.changes.marks(self.accounts))
                self._version = version
            changed = [part for part, mark in marks.items() if self._marks.get(part, self) != mark]
            self._marks |= marks
            if changed:
                self._number += 1
                self._changed |= dict.fromkeys(changed, self._number)
