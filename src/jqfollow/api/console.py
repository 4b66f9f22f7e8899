"""The console: docs page, dashboard, manual orders, queries. For this machine only."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from jqfollow.accounting.closing_out import ClosingOut
from jqfollow.api import overview
from jqfollow.api.auth import Guard
from jqfollow.api.changes import Changes
from jqfollow.api.later import Later
from jqfollow.api.metrics import Counters, Sample
from jqfollow.api.models import NoticeView, RelayView
from jqfollow.api.parts import PARTS, Accounting, Parts, Setup
from jqfollow.api.ports import Desk, Intake, SignalsView
from jqfollow.api.sessions import Sessions
from jqfollow.clock import Clock
from jqfollow.ledger import Ledger
from jqfollow.settings import Settings
from jqfollow.stages import Stages


def console_app(
    *,
    settings: Settings,
    ledger: Ledger,
    intake: Intake,
    desk: Desk,
    clock: Clock,
    token: str,
    counters: Counters | None = None,
    notices: Callable[[], Sequence[NoticeView]] = list,
    gauges: Callable[[], Awaitable[Sequence[Sample]]] | None = None,
    relay: Callable[[], RelayView | None] = lambda: None,
    signals: SignalsView | None = None,
    stages: Stages | None = None,
    accounting: Accounting | None = None,
    closing_out: ClosingOut | None = None,
    told: Callable[[], None] = lambda: None,
    stopping: Callable[[], bool] = lambda: False,
    setup: Setup | None = None,
) -> ASGIApp:
    """The console's app, guard included; the routes are imported when the first request is let in.

    `counters` and `stages`: those of the signals port, which is `signals`; `told` is called when the outbox may hold
    something new; `stopping`: no question is to stay open.
    """
    counters = counters or Counters()
    changes = Changes(
        ledger=ledger,
        accounts=tuple(settings.accounts),
        state=lambda: overview.in_memory(parts).mark,
        stopping=stopping,
    )
    parts = Parts(
        settings=settings,
        ledger=ledger,
        intake=intake,
        desk=desk,
        clock=clock,
        counters=counters,
        notices=notices,
        gauges=gauges or _no_gauges,
        relay=relay,
        signals=signals,
        started_at=clock.now(),
        stages=stages or Stages(clock),
        changes=changes,
        accounting=accounting,
        closing_out=closing_out,
        setup=setup,
        told=told,
    )
    routes = Later(_routes)

    async def console(scope: Scope, receive: Receive, send: Send) -> None:
        scope[PARTS] = parts
        await routes(scope, receive, send)

    return Guard(console, token=token, sessions=Sessions(token, clock, settings.data_dir), counters=counters)


def _routes() -> ASGIApp:
    from jqfollow.api.routes.app import app

    return app


async def _no_gauges() -> Sequence[Sample]:
    return ()
