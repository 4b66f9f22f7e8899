"""What the console's routes work with."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jqfollow.api.metrics import Counters, Sample
from jqfollow.api.models import NoticeView, RelayView
from jqfollow.api.once import Once
from jqfollow.api.ports import Desk, Intake, SignalsView
from jqfollow.clock import Clock
from jqfollow.ledger import Ledger
from jqfollow.settings import Settings
from jqfollow.stages import Stages


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
    told: Callable[[], None] = lambda: None
    """Called when the outbox may hold something new."""
    once: Once = field(default_factory=Once)
