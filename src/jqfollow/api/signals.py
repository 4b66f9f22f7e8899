"""The signals port: the only one that may be reachable from outside.

One address, `/api/order`. 200 is answered after the signal stands in the ledger, on disk, and never before.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass

import structlog
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from jqfollow import __version__
from jqfollow.api.body import ClientGoneError, TooSlowError, content_length, read_body
from jqfollow.api.limits import MinuteLimit
from jqfollow.api.metrics import Counters
from jqfollow.api.opening import Opened, Opener
from jqfollow.api.ports import Intake, KeySource
from jqfollow.api.problem import problem
from jqfollow.clock import Clock, from_ms
from jqfollow.domain import JqfollowError, SignalKind
from jqfollow.ledger.errors import ConflictError
from jqfollow.ledger.rows import NewSignal, Recorded
from jqfollow.settings import Settings
from jqfollow.wire.answers import AccountAnswer, Answer, HelloAnswer
from jqfollow.wire.errors import WireError
from jqfollow.wire.jqf1 import ack_mac
from jqfollow.wire.messages import OrderMessage

log = structlog.get_logger(__name__)

PATH = "/api/order"
COUNTER = "jqfollow_signals_port_answers_total"
_DRAIN_BYTES = 64 * 1024
_DRAIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsLimits:
    """Bounds of the port that no configuration changes."""

    body_bytes: int = 16 * 1024
    body_s: float = 20.0
    """JoinQuant's upload is slow: 10 kbit/s."""
    record_s: float = 5.0
    """How long a message waits for its commit before the sender is asked to come again."""
    most_waiting: int = 256
    """Messages that wait for their commit at one time."""
    junk_per_minute: int = 120
    """What is not authentic is answered and logged in full this often; beyond it, with 429."""
    remembered: int = 4096
    """Recent messages whose repetition is answered without asking the ledger."""


class _RefusedError(Exception):
    def __init__(self, response: Response) -> None:
        self.response = response


def signals_app(
    *,
    settings: Settings,
    keys: KeySource,
    intake: Intake,
    clock: Clock,
    counters: Counters | None = None,
    limits: SignalsLimits | None = None,
) -> ASGIApp:
    """The app of the signals port. `counters` are shown by the console's `/metrics`."""
    return SignalsApp(
        settings=settings,
        keys=keys,
        intake=intake,
        clock=clock,
        counters=counters or Counters(),
        limits=limits or SignalsLimits(),
    )


class SignalsApp:
    """A plain ASGI app: a framework would add answers of its own to the only public port."""

    def __init__(
        self,
        *,
        settings: Settings,
        keys: KeySource,
        intake: Intake,
        clock: Clock,
        counters: Counters,
        limits: SignalsLimits,
    ) -> None:
        self._opener = Opener(settings=settings, keys=keys, clock=clock)
        self._intake = intake
        self._clock = clock
        self._counters = counters
        self._limits = limits
        self._junk = MinuteLimit(limits.junk_per_minute, clock)
        self._share = {name: MinuteLimit(settings.signals.max_per_minute, clock) for name in settings.strategies}
        self._waiting: set[asyncio.Task[Recorded]] = set()
        self._remembered: OrderedDict[tuple[str, str], tuple[bytes, Recorded]] = OrderedDict()
        counters.declare(COUNTER, "Answers of the signals port by status")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        try:
            response = await self._answer(scope, receive)
        except ClientGoneError:
            return
        except Exception:  # a request ends here
            log.exception("signals_port_failed")
            response = _try_again("internal", "服务内部错误，请稍后重发", "an internal error: send it again", 5)
        response.headers["cache-control"] = "no-store"
        if scope["path"] == PATH:
            self._counters.add(COUNTER, status=str(response.status_code))
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if scope["path"] == PATH and scope["method"] == "POST":
            try:
                length = self._declared(headers)
            except _RefusedError as refused:
                return await _early(refused.response, headers, receive)
            return await self._post(length, receive)
        if scope["path"] == PATH and scope["method"] == "GET":
            return await _early(Response(b'{"status":"ok"}', media_type="application/json"), headers, receive)
        return await _early(Response(status_code=404), headers, receive)

    def _declared(self, headers: list[tuple[bytes, bytes]]) -> int:
        """The body's length, when the head allows it to be read."""
        length = content_length(headers)
        if length is None:
            raise _RefusedError(problem(411, "length_required", "缺少 Content-Length", "Content-Length is required"))
        most = self._limits.body_bytes
        if length > most:
            zh, en = f"消息超过 {most} 字节", f"the message is longer than {most} bytes"
            raise _RefusedError(problem(413, "too_large", zh, en))
        kinds = [value for name, value in headers if name == b"content-type"]
        if len(kinds) != 1 or kinds[0].split(b";")[0].strip().lower() != b"application/json":
            zh, en = "Content-Type 应为 application/json", "Content-Type must be application/json"
            raise _RefusedError(problem(415, "not_json", zh, en))
        return length

    async def _post(self, length: int, receive: Receive) -> Response:
        try:
            body = await read_body(receive, most=length, timeout_s=self._limits.body_s)
        except (TooSlowError, ValueError):
            response = problem(408, "too_slow", "消息没有按时收全，请重发", "the message did not come in time")
            response.headers["connection"] = "close"
            return response
        try:
            opened = self._opener.open(body)
        except WireError as error:
            return self._refuse(error)
        except _RefusedError as refused:
            return refused.response
        return await self._take(opened)

    def _refuse(self, error: WireError) -> Response:
        if self._junk.take() is None:
            return _too_many(self._junk.retry_after_s())
        log.info("signal_refused", status=error.status, why=error.en)
        return problem(error.status, error.code, error.zh, error.en)

    async def _take(self, opened: Opened) -> Response:
        """Records an authentic message and answers it."""
        digest = hashlib.sha256(opened.text.encode()).digest()
        place = (opened.strategy, opened.message_id)
        before = self._remembered.get(place)
        if before is not None and secrets.compare_digest(before[0], digest):
            # A replay costs neither the ledger's time nor the strategy's share.
            return self._accepted(opened, before[1])
        share = self._share[opened.strategy]
        mark = share.take()
        if mark is None:
            log.warning("signals_over_limit", strategy=opened.strategy)
            return _too_many(share.retry_after_s())
        try:
            recorded = await self._record(opened)
        except ConflictError:
            share.give_back(mark)
            log.warning("signal_conflict", strategy=opened.strategy, id=opened.message_id)
            zh, en = "这个 id 已用于另一条消息", "this id belongs to another message"
            return problem(409, "conflict", zh, en)
        except (JqfollowError, TimeoutError) as error:
            share.give_back(mark)
            log.error("signal_not_recorded", strategy=opened.strategy, id=opened.message_id, why=repr(error))  # noqa: TRY400
            return _try_again("ledger", "账本暂时无法写入，请稍后重发", "the ledger cannot be written now", 2)
        if recorded.duplicate:
            share.give_back(mark)
        self._remembered[place] = digest, Recorded(signal_id=recorded.signal_id, duplicate=True)
        while len(self._remembered) > self._limits.remembered:
            self._remembered.popitem(last=False)
        return self._accepted(opened, recorded)

    async def _record(self, opened: Opened) -> Recorded:
        """Waits for the commit, but not for ever; a commit that comes later makes the next attempt a duplicate."""
        if len(self._waiting) >= self._limits.most_waiting:
            raise TimeoutError("too many messages wait for the ledger")
        message = opened.message
        signal = NewSignal(
            strategy=opened.strategy,
            wire=opened.wire,
            message_id=opened.message_id,
            kind=SignalKind(message.kind),
            run=message.run,
            text=opened.text,
            made_at=from_ms(message.made_at),
            received_at=self._clock.now(),
            order=message.strategy_order() if isinstance(message, OrderMessage) else None,
        )
        task = asyncio.create_task(self._intake.record(signal), name=f"record-{opened.message_id}")
        self._waiting.add(task)
        task.add_done_callback(self._done)
        async with asyncio.timeout(self._limits.record_s):
            return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Recorded]) -> None:
        self._waiting.discard(task)
        if not task.cancelled():
            task.exception()  # told to the sender already, or nobody is there to be told

    def _accepted(self, opened: Opened, recorded: Recorded) -> Response:
        status = "duplicate" if recorded.duplicate else "accepted"
        if opened.key is None:
            body = {"status": status, "id": opened.message_id, "signal_id": recorded.signal_id, "mac": None}
            return _json(_SeedAnswer.model_validate(body))
        answer = Answer(
            status="duplicate" if recorded.duplicate else "accepted",
            id=opened.message_id,
            signal_id=recorded.signal_id,
            mac=ack_mac(opened.key, opened.message_id, status),
        )
        return _json(self._hello(opened, answer) if opened.message.kind is SignalKind.HELLO else answer)

    def _hello(self, opened: Opened, answer: Answer) -> HelloAnswer:
        now = self._clock.now()
        states = self._intake.account_states(opened.strategy)
        return HelloAnswer(
            **answer.model_dump(),
            version=__version__,
            time=now.strftime("%Y-%m-%d %H:%M:%S"),
            skew_s=round(opened.sent_at - now.timestamp(), 1),
            accounts=tuple(
                AccountAnswer(account=state.account, can_trade=state.ready, why="" if state.ready else state.why_zh)
                for state in states
            ),
        )


class _SeedAnswer(BaseModel):
    """The original client reads only the status code; a person with a debugger reads this."""

    status: str
    id: str
    signal_id: int
    mac: None


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json().encode(), media_type="application/json")


def _too_many(retry_after_s: int) -> Response:
    zh, en = f"消息过于频繁，请在 {retry_after_s} 秒后重发", f"too many messages: try again in {retry_after_s} s"
    return problem(429, "too_many", zh, en, headers={"retry-after": str(retry_after_s)})


def _try_again(code: str, zh: str, en: str, retry_after_s: int) -> Response:
    return problem(503, code, zh, en, headers={"retry-after": str(retry_after_s)})


async def _early(response: Response, headers: list[tuple[bytes, bytes]], receive: Receive) -> Response:
    """`response`, given before the body was read: what is left of it is read away if little, else the connection ends.

    Closing at once while the sender still writes would reset the connection, and the answer could be lost.
    """
    length = content_length(headers)
    if length == 0 or (length is None and not any(name == b"transfer-encoding" for name, _ in headers)):
        return response
    if length is not None and length <= _DRAIN_BYTES:
        try:
            await read_body(receive, most=length, timeout_s=_DRAIN_S)
        except (TooSlowError, ValueError):
            pass
        else:
            return response
    response.headers["connection"] = "close"
    return response
