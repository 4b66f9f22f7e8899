"""The relay's way in: stores what a relay key vouches for, says so, and passes on what the PCs said."""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import nats.errors
import nats.js.errors
import orjson
import structlog
from fastapi import FastAPI, Request
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from jqfollow.api.body import BodyLimit
from jqfollow.api.limits import MinuteLimit
from jqfollow.api.problem import ProblemError, problem, too_many
from jqfollow.clock import Clock
from jqfollow.relay.book import Book
from jqfollow.relay.config import RelayConfig
from jqfollow.relay.words import RECEIPTS, receipt_subject, request_mac, seed_mac, signal_subject, stored_mac
from jqfollow.wire.envelope import read_object
from jqfollow.wire.errors import MalformedError
from jqfollow.wire.jqf1 import Jqf1Envelope
from jqfollow.wire.seed import SeedEnvelope

log = structlog.get_logger(__name__)

PATH = "/api/order"
SEED_PATH = "/{name}/api/order"
RECEIPTS_PATH = "/api/receipts"
_STORE_S = 2.5
"""Below the 4 s that the client gives an attempt: it is told 503 rather than left without an answer."""
_BODY_BYTES = 16 * 1024
_BODY_S = 20.0
_LATE = 4
_NOBODY = bytes(32)
"""The key against which an unknown strategy's message is proven: in vain, and as slowly as any other."""


class Gateway:
    """Between HTTP and the engine. `book` gives the rights in force."""

    def __init__(self, *, config: RelayConfig, book: Callable[[], Book], connection: Client, clock: Clock) -> None:
        self._config = config
        self._book = book
        self._connection = connection
        self._js = connection.jetstream(timeout=_STORE_S)
        self._clock = clock
        self._shares: dict[str, MinuteLimit] = {}
        self._open: dict[str, dict[str, set[str]]] = {}
        """By strategy, the latest messages and the PCs that had not confirmed them when their sender was answered."""
        self._heard: dict[str, asyncio.Queue[dict[str, Any]]] = {}

    async def listen(self) -> None:
        """Hears receipts from now on."""
        await self._connection.subscribe("rcpt.>", cb=self._hear)

    async def _hear(self, message: Msg) -> None:
        queue = self._heard.get(message.subject)
        if queue is not None:
            with contextlib.suppress(orjson.JSONDecodeError):
                queue.put_nowait(orjson.loads(message.data))

    async def store(self, body: bytes, mac: str) -> dict[str, Any]:
        """Stores one sealed message, waits a little for the PCs, and tells what is known.

        Raises:
            ProblemError: nothing is stored (400, 401, 429), or nobody knows whether it is (503).
        """
        envelope = _envelope(body)
        key = self._proven(envelope.kid, body, mac)
        self._take_share(envelope.kid)
        pcs = self._book().followers(envelope.kid)
        subjects = [receipt_subject(pc, envelope.kid, envelope.id) for pc in pcs]
        heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._heard |= dict.fromkeys(subjects, heard)
        try:
            if await self._publish(envelope.kid, body):
                receipts = await self._stored_receipts(subjects)
            else:
                receipts = await self._wait(heard, len(subjects))
        finally:
            for subject in subjects:
                if self._heard.get(subject) is heard:
                    del self._heard[subject]
        late = await self._late(envelope.kid)
        self._remember(envelope, set(pcs) - {str(receipt.get("pc")) for receipt in receipts})
        return {
            "status": "stored",
            "id": envelope.id,
            "mac": stored_mac(key, envelope.id),
            "pcs": pcs,
            "receipts": receipts,
            "late": late,
        }

    async def store_seed(self, name: str, body: bytes) -> dict[str, Any]:
        """Stores a message of the original client, which vouches for nothing: whoever knows the address may.

        Raises:
            ProblemError: as `store`.
        """
        strategy, _, told = name.rpartition(".")
        book = self._book()
        key = book.relay_key(strategy) if strategy in book.seed else None
        right = hmac.compare_digest(seed_mac(key or _NOBODY, strategy), told)
        if key is None or not right:
            raise _not_authentic()
        try:
            SeedEnvelope.model_validate(read_object(body))
        except (MalformedError, ValidationError) as error:
            raise ProblemError(400, "malformed", "不是原版客户端的消息", "not the original client's") from error
        self._take_share(strategy)
        await self._publish(strategy, body)
        return {"status": "stored", "pcs": book.followers(strategy)}

    def _take_share(self, strategy: str) -> None:
        share = self._shares.setdefault(strategy, MinuteLimit(self._config.max_per_minute, self._clock))
        if share.take() is None:
            raise too_many(share.retry_after_s())

    def _remember(self, envelope: Jqf1Envelope, missing: set[str]) -> None:
        waiting = self._open.setdefault(envelope.kid, {})
        waiting.pop(envelope.id, None)
        if missing:
            waiting[envelope.id] = missing
        while len(waiting) > _LATE:
            del waiting[next(iter(waiting))]

    async def _late(self, strategy: str) -> list[dict[str, Any]]:
        """What PCs said since of the strategy's latest messages: told once, with its next one."""
        found: list[dict[str, Any]] = []
        waiting = self._open.get(strategy, {})
        for message_id, missing in list(waiting.items()):
            subjects = [receipt_subject(pc, strategy, message_id) for pc in missing]
            for receipt in (await self._stored_receipts(subjects))[: _LATE - len(found)]:
                found.append({"id": message_id, **receipt})
                missing.discard(str(receipt.get("pc")))
            if not missing:
                waiting.pop(message_id, None)
        return found

    async def receipts(self, strategy: str, message_id: str, mac: str) -> dict[str, Any]:
        """What the PCs said of a message, within the days that it is kept; raises `ProblemError`."""
        self._proven(strategy, f"{strategy}\n{message_id}".encode(), mac)
        pcs = self._book().followers(strategy)
        subjects = [receipt_subject(pc, strategy, message_id) for pc in pcs]
        return {"id": message_id, "pcs": pcs, "receipts": await self._stored_receipts(subjects)}

    def _proven(self, strategy: str, data: bytes, mac: str) -> bytes:
        key = self._book().relay_key(strategy)
        right = hmac.compare_digest(request_mac(key or _NOBODY, data).encode(), mac.encode(errors="replace"))
        if key is None or not right:
            raise _not_authentic()
        return key

    async def _publish(self, strategy: str, body: bytes) -> bool:
        """On disk after this; returns whether it was before.

        The same body is stored once. Another body under a known id is another message for the PC to judge: what came
        first under an id may be junk, and must not keep out what is true.
        """
        headers = {"Nats-Msg-Id": f"{strategy}:{hashlib.sha256(body).hexdigest()}"}
        try:
            ack = await self._js.publish(signal_subject(strategy), body, headers=headers)
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as error:
            log.error("not_stored", strategy=strategy, why=repr(error))  # noqa: TRY400
            zh, en = "中继暂时存不下，请稍后重发", "the relay cannot store now: send it again"
            raise ProblemError(503, "store", zh, en, retry_after_s=2) from error
        return bool(ack.duplicate)

    async def _wait(self, heard: "asyncio.Queue[dict[str, Any]]", count: int) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.wait_ms / 1000):
                while len(found) < count:
                    receipt = await heard.get()
                    found[str(receipt.get("pc"))] = receipt
        return list(found.values())

    async def _stored_receipts(self, subjects: list[str]) -> list[dict[str, Any]]:
        found = []
        for subject in subjects:
            try:
                message = await self._js.get_last_msg(RECEIPTS, subject, direct=True)
            except NotFoundError:
                continue
            except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as error:
                log.warning("receipts_not_read", why=repr(error))
                break
            found.append(orjson.loads(message.data or b"{}"))
        return found


def _not_authentic() -> ProblemError:
    return ProblemError(401, "not_authentic", "未通过验证", "not authentic")


def _envelope(body: bytes) -> Jqf1Envelope:
    try:
        return Jqf1Envelope.model_validate(read_object(body))
    except (MalformedError, ValidationError) as error:
        raise ProblemError(400, "malformed", "不是 jqf1 消息", "not a jqf1 message") from error


def gateway_app(gateway: Gateway) -> FastAPI:
    """The app of the relay's public port: its addresses, and nothing else."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    @app.post(PATH)
    async def order(request: Request) -> dict[str, Any]:
        return await gateway.store(await request.body(), request.headers.get("x-relay-mac", ""))

    @app.post(SEED_PATH)
    async def seed_order(name: str, request: Request) -> dict[str, Any]:
        return await gateway.store_seed(name, await request.body())

    @app.get(SEED_PATH)
    @app.get(PATH)
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(RECEIPTS_PATH)
    async def receipts(request: Request) -> dict[str, Any]:
        asked = request.query_params
        mac = request.headers.get("x-relay-mac", "")
        return await gateway.receipts(asked.get("kid", ""), asked.get("id", ""), mac)

    async def answered(_request: Request, error: Exception) -> Response:
        return error.response() if isinstance(error, ProblemError) else Response(status_code=404)

    async def failed(_request: Request, _error: Exception) -> Response:
        return problem(503, "internal", "内部错误，请重发", "internal error: send it again")

    app.add_exception_handler(HTTPException, answered)
    app.add_exception_handler(Exception, failed)
    app.add_middleware(BodyLimit, most_bytes=_BODY_BYTES, read_s=_BODY_S, length_required=True)
    return app
