"""The signals port: the only one that may be reachable from outside.

One address, `/api/order`. 200 is answered after the signal stands in the ledger, on disk, and never before.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from jqfollow import __version__
from jqfollow.api.body import BodyLimit
from jqfollow.api.clocks import ClockWatch
from jqfollow.api.entry import ENTRY, Entry, entry_of
from jqfollow.api.junk import JunkGate
from jqfollow.api.limits import MinuteLimit
from jqfollow.api.metrics import Counters
from jqfollow.api.opening import Opener, StaleError
from jqfollow.api.ports import Intake, KeySource
from jqfollow.api.problem import ProblemError, too_many
from jqfollow.api.reception import Reception, SignalsLimits
from jqfollow.api.routes.order import PATH, TRACE, router
from jqfollow.clock import Clock
from jqfollow.failpoints import At, reach
from jqfollow.settings import Settings
from jqfollow.stages import Stage, Stages
from jqfollow.wire.errors import MalformedError, WireError
from jqfollow.wire.strict_json import finding

log = structlog.get_logger(__name__)

COUNTER = "jqfollow_signals_port_answers_total"
_NO_STORE = (b"cache-control", b"no-store")
_UNUSABLE = frozenset({400, 401})
_DESCRIPTION = """
信号端口：唯一可以从外面访问的端口，只有这一个地址。消息由 `jqfollow client` 写出的客户端加密后发送，
这里只供查看，不能试发。

The signals port: the only one that may be reached from outside, and this is its only address. Messages are sealed by
the client that `jqfollow client` writes; here they can be looked at, not tried.
"""

_STATUSES = ("200", "400", "401", "409", "411", "413", "415", "429", "503")


class SignalsPort:
    """The app of the signals port: everything that stands in front of its one route, and the route."""

    def __init__(self, app: FastAPI, entry: Entry, *, counters: Counters, stages: Stages) -> None:
        self._app = app
        self._entry = entry
        self._stages = stages
        self.reception = entry.reception
        """What comes by another way is taken in here too: one share, one memory of what was seen."""
        self._counters = counters
        counters.declare(COUNTER, "Answers of the signals port by status", status=_STATUSES)

    def openapi(self) -> Mapping[str, Any]:
        """Its document; the port itself shows it to nobody."""
        document = self._app.openapi()
        # FastAPI documents an answer that is never given here: what is misshapen is 400.
        for operation in document["paths"][PATH].values():
            operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        return document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return

        scope[ENTRY] = self._entry
        scope[TRACE] = trace = self._stages.received()

        async def send_dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append(_NO_STORE)
                if scope["path"] == PATH:
                    self._counters.add(COUNTER, status=str(message["status"]))
                reach(At.REPLY_BEFORE, str(message["status"]))
            await send(message)
            if message["type"] == "http.response.body":
                reach(At.REPLY_AFTER, PATH)
                trace.mark(Stage.ACKNOWLEDGED)

        try:
            await self._app(scope, receive, send_dressed)
        except Exception:  # a request ends here; `_failed` has answered it
            log.exception("signals_port_failed")


def signals_app(
    *,
    settings: Settings,
    keys: KeySource,
    intake: Intake,
    clock: Clock,
    counters: Counters | None = None,
    limits: SignalsLimits | None = None,
    clocks: ClockWatch | None = None,
    stages: Stages | None = None,
) -> SignalsPort:
    """The app of the signals port; `counters` and `stages` are shown by the console.

    `clocks` hears of authentic, stale messages.
    """
    limits = limits or SignalsLimits()
    stages = stages or Stages(clock)
    entry = Entry(
        opener=Opener(settings=settings, keys=keys, clock=clock),
        reception=Reception(settings=settings, intake=intake, clock=clock, limits=limits, stages=stages),
        junk=MinuteLimit(limits.junk_per_minute, clock),
        clocks=clocks,
    )
    app = _app(limits.body_bytes, limits.body_s)
    return SignalsPort(app, entry, counters=counters or Counters(), stages=stages)


@cache
def _app(most_bytes: int, body_s: float) -> FastAPI:
    """The route and what stands before it: one for all ports of a process."""
    app = FastAPI(
        title="jqfollow 信号端口 / signals port",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.include_router(router)
    # The last one added stands in front.
    app.add_middleware(JunkGate)
    app.add_middleware(BodyLimit, most_bytes=most_bytes, read_s=body_s, paths=frozenset({PATH}), length_required=True)
    app.add_exception_handler(ProblemError, _answered)
    app.add_exception_handler(WireError, _unusable)
    app.add_exception_handler(RequestValidationError, _misshapen)
    app.add_exception_handler(StarletteHTTPException, _nothing_here)
    app.add_exception_handler(Exception, _failed)
    return app


# Every error gets an answer that the contract knows; what is unusable is counted.


async def _answered(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - it was registered for this
    if error.status_code not in _UNUSABLE:
        return error.response()
    junk = entry_of(request.scope).junk
    if junk.take() is None:
        return too_many(junk.retry_after_s()).response()
    log.info("signal_refused", status=error.status_code, why=error.en)
    return error.response()


async def _unusable(request: Request, error: Exception) -> Response:
    assert isinstance(error, WireError)  # noqa: S101
    entry = entry_of(request.scope)
    if isinstance(error, StaleError) and entry.clocks is not None and not entry.junk.spent:
        entry.clocks.heard(error.strategy, error.message_id, error.skew_s)
    return await _answered(request, ProblemError(error.status, error.code, error.zh, error.en))


async def _misshapen(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    # Before the field stand "body" and the wire's name.
    return await _unusable(request, finding(first["loc"][2:], first["msg"]))


async def _nothing_here(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101
    if error.status_code in {404, 405}:
        return Response(status_code=404)
    return await _unusable(request, MalformedError("消息无法读取", "the message cannot be read"))


async def _failed(_request: Request, error: Exception) -> Response:
    log.error("signal_failed", why=type(error).__name__)
    zh, en = "服务内部错误，请稍后重发", "an internal error: send it again"
    return ProblemError(503, "internal", zh, en, retry_after_s=5).response()
