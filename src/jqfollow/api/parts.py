"""What the console's routes work with, and how it comes to them.

The routes are made once in a process, whatever consoles it has: what a request is answered with stands in its scope.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

from fastapi import Depends
from fastapi.exceptions import HTTPException
from starlette.requests import Request

from jqfollow.accounting.books import BookKeeper
from jqfollow.accounting.closing_out import ClosingOut
from jqfollow.accounting.repairs import Repairs
from jqfollow.api.changes import Changes
from jqfollow.api.metrics import Counters, Sample
from jqfollow.api.models import NoticeView, RelayView
from jqfollow.api.once import Once
from jqfollow.api.ports import Desk, Intake, SignalsView
from jqfollow.clock import Clock
from jqfollow.costs.orders import DayCosts
from jqfollow.costs.standings import Standings
from jqfollow.drift.memo import DriftMemo
from jqfollow.ledger import Ledger
from jqfollow.settings import Settings
from jqfollow.stages import Stages

T = TypeVar("T")
PARTS = "jqfollow.parts"
"""Key in a request's scope: the console's `Parts`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """Drift, repairs and books."""

    repairs: Repairs
    keeper: BookKeeper
    drift: DriftMemo


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the wizard works with."""

    config: Path
    write_client: Callable[[str], Path | None]
    """Writes a strategy's file for JoinQuant; `None`: it has no key yet."""
    restart: Callable[[], None]
    """The service begins anew, with what the files say then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The floors below, as the service put them together."""

    settings: Settings
    ledger: Ledger
    intake: Intake
    desk: Desk
    clock: Clock
    counters: Counters
    notices: Callable[[], Sequence[NoticeView]]
    """What people should know now, for the dashboard's head."""
    gauges: Callable[[], Awaitable[Sequence[Sample]]]
    """What a program that watches should know now."""
    relay: Callable[[], RelayView | None]
    """The line to the relay, where one was joined."""
    signals: SignalsView | None
    started_at: datetime
    stages: Stages
    changes: Changes
    accounting: Accounting | None = None
    closing_out: ClosingOut | None = None
    setup: Setup | None = None
    """`None`: no file stands behind the settings, there is nothing to set up."""
    told: Callable[[], None] = lambda: None
    """Called when the outbox may hold something new."""
    once: Once = field(default_factory=Once)
    costs: DayCosts = field(default_factory=DayCosts)
    standings: Standings = field(default_factory=Standings)


async def _parts(request: Request) -> Parts:
    parts = request.scope[PARTS]
    assert isinstance(parts, Parts)  # noqa: S101 - the console has set it
    return parts


Given = Annotated[Parts, Depends(_parts)]


async def _accounting(parts: Given) -> Accounting:
    return _there(parts.accounting)


async def _closing_out(parts: Given) -> ClosingOut:
    return _there(parts.closing_out)


async def _setup(parts: Given) -> Setup:
    return _there(parts.setup)


def _there(part: T | None) -> T:
    """Where a console lacks a part, it lacks its addresses."""
    if part is None:
        raise HTTPException(404, "没有这个地址 / there is nothing here")
    return part


GivenAccounting = Annotated[Accounting, Depends(_accounting)]
GivenClosingOut = Annotated[ClosingOut, Depends(_closing_out)]
GivenSetup = Annotated[Setup, Depends(_setup)]
