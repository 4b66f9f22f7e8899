"""The PC's end: takes what the relay stored into the ledger, and acknowledges it after the commit."""

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import nats.errors
import nats.js.errors
import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from pydantic import TypeAdapter, ValidationError

from jqfollow.api.opening import Opened, Opener
from jqfollow.api.problem import ProblemError
from jqfollow.api.reception import Reception
from jqfollow.clock import Clock
from jqfollow.domain import JqfollowError
from jqfollow.failpoints import At, reach
from jqfollow.relay.book import public_of
from jqfollow.relay.connect import connect, trusting
from jqfollow.relay.errors import RelayError
from jqfollow.relay.state import RelayState, Trouble
from jqfollow.relay.ticket import Ticket, read_ticket
from jqfollow.relay.words import FOLDERS, SIGNALS, folder_subject, receipt_mac, receipt_subject, signal_subject
from jqfollow.settings import RealAccount, Settings
from jqfollow.wire.answers import NotFollowedAnswer
from jqfollow.wire.envelope import Sealed, read_object
from jqfollow.wire.errors import NotAuthenticError, WireError
from jqfollow.wire.private_file import write_private

log = structlog.get_logger(__name__)

FOLDER_FILE = "relay-folder"
_BATCH = 20
_FETCH_S = 20.0
_LOOK_S = 15.0
_TOLD_AFTER_S = 60.0
"""A line that is down is told to people after this."""
_AGAIN_S = 0.5
_LATER_S = 2.0
_FAILED_S = 30.0
_REFUSED_AGAIN_S = 600.0
_CONFLICT = 409
_ONE_PER_SUBJECT = 10077
"""The engine's number for `maximum messages per subject exceeded`."""
_TROUBLE = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)
_SEALED: TypeAdapter[Sealed] = TypeAdapter(Sealed)

Tell = Callable[[str], Awaitable[None]]


class ElsewhereError(RelayError):
    """Another data folder uses this PC's file."""


def load_ticket(settings: Settings) -> Ticket | None:
    """The file that was imported with `jqfollow relay join`, or `None`.

    Raises:
        RelayError: unreadable, a package is missing, or a real account is followed that is not this PC's.
    """
    ticket = read_ticket(settings.data_dir)
    if ticket is None:
        return None
    if ticket.url.startswith("wss:") and find_spec("aiohttp") is None:
        raise RelayError(
            '走 websocket 缺少 aiohttp：pip install "jqfollow[relay]" / aiohttp is missing for the websocket'
        )
    for name in ticket.strategies:
        strategy = settings.strategies.get(name)
        for account in strategy.follow if strategy else ():
            real = settings.accounts[account]
            if isinstance(real, RealAccount) and real.account_id not in ticket.accounts:
                raise RelayError(
                    f"账户 {account} 不在这台电脑的中继凭据里：在服务器上 jqfollow relay pc {ticket.pc} --account … / "
                    f"account {account} is not among this PC's at the relay"
                )
    return ticket


def folder_id(data_dir: Path) -> str:
    """What tells this data folder from any other; made once."""
    path = data_dir / FOLDER_FILE
    if not path.exists():
        write_private(path, secrets.token_hex(16).encode())
    return path.read_text(encoding="ascii").strip()


async def look(connection: Client, ticket: Ticket, clock: Clock, state: RelayState) -> None:
    """Puts into `state` what the engine knows of this PC's consumer, and what time it has; raises `nats` errors."""
    answer = await connection.request(f"$JS.API.CONSUMER.INFO.{SIGNALS}.{ticket.pc}", timeout=5)
    told = orjson.loads(answer.data)
    if "error" in told:
        raise nats.js.errors.APIError(**told["error"])
    state.waiting = int(told["num_pending"]) + int(told["num_ack_pending"])
    there = datetime.fromisoformat(told["ts"])
    state.ahead_s = (there - clock.now()).total_seconds()
    state.offset_s = there.timestamp() - clock.monotonic()
    state.shared = int(told["num_waiting"]) > 1  # of requests of ours there is one


class RelayLine:
    """One connection to the relay, for as long as the service runs."""

    def __init__(
        self, ticket: Ticket, *, folder: str, opener: Opener, reception: Reception, clock: Clock, tell: Tell
    ) -> None:
        """`folder` is the data folder's own mark (`folder_id`); `tell` gives people a sentence."""
        self.state = RelayState(since=clock.now())
        self._ticket = ticket
        self._folder = folder
        self._opener = opener
        self._reception = reception
        self._clock = clock
        self._tell = tell
        self._told: set[str] = set()
        self._refused_told_s = -math.inf

    async def run(self) -> None:
        """For ever, until cancelled: connects, takes, and begins anew after any trouble."""
        while True:
            try:
                await self._once()
            except ElsewhereError:
                self._become(Trouble.ELSEWHERE)
            except _TROUBLE as error:
                log.warning("relay_trouble", why=repr(error))
                revoked = "authorization violation" in str(error).lower()
                self._become(Trouble.REVOKED if revoked else Trouble.CONNECTING)
            except Exception:  # the line ends here, and the next one begins
                log.exception("relay_failed")
                self._become(Trouble.CONNECTING)
            await self._tell_news()
            await asyncio.sleep(_AGAIN_S if self.state.trouble is Trouble.CONNECTING else _LATER_S)

    def _become(self, trouble: Trouble | None) -> None:
        if self.state.become(trouble, self._clock.now()):
            log.info("relay", trouble=trouble, url=self._ticket.url)

    async def _tell_news(self) -> None:
        """Each thing that is wrong, once for as long as it is; of a lost line only when it stays lost."""
        state = self.state
        down_s = (self._clock.now() - state.since).total_seconds()
        passing = {Trouble.CONNECTING} if down_s < _TOLD_AFTER_S else set()
        wrong = {notice.what: notice.zh for notice in state.notices() if notice.what not in {"refused", *passing}}
        if state.connected and self._told & set(Trouble):
            await self._say(f"中继已连上，还存着 {state.waiting} 条信号")
        for what in set(wrong) - self._told:
            await self._say(wrong[what])
        self._told = set(wrong) | (self._told & passing)

    async def _say(self, zh: str) -> None:
        try:
            await self._tell(zh)
        except JqfollowError:  # the ledger cannot be written: the log has it, and the line goes on
            log.exception("relay_not_told", text=zh)

    async def _once(self) -> None:
        """One connection, until it is lost: a request that stood at an engine which is gone is not waited for."""
        ticket, gone = self._ticket, asyncio.Event()
        connection = await connect(ticket.url, ticket.seed, ticket.pc, trusting(ticket.certificate), lost=gone.set)
        parts: list[asyncio.Task[object]] = []
        try:
            js = connection.jetstream()
            await self._come_first(js)
            await look(connection, self._ticket, self._clock, self.state)
            works = (gone.wait(), self._take_all(js), self._keep_looking(connection))
            parts = [asyncio.create_task(work) for work in works]
            self._become(None)
            await self._tell_news()
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
            self._become(Trouble.CONNECTING)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            await connection.close()

    async def _come_first(self, js: JetStreamContext) -> None:
        """This data folder uses the file, or raises `ElsewhereError`: the engine keeps the first that says so."""
        subject = folder_subject(self._ticket.pc, public_of(self._ticket.seed))
        try:
            await js.publish(subject, self._folder.encode())
        except nats.js.errors.APIError as error:
            if error.err_code != _ONE_PER_SUBJECT:
                raise
            first = await js.get_last_msg(FOLDERS, subject, direct=True)
            if first.data != self._folder.encode():
                raise ElsewhereError("used by another data folder") from error

    async def _keep_looking(self, connection: Client) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            await look(connection, self._ticket, self._clock, self.state)
            await self._tell_news()

    async def _take_all(self, js: JetStreamContext) -> None:
        stored = await js.pull_subscribe_bind(self._ticket.pc, SIGNALS)
        while True:
            try:
                messages = await stored.fetch(_BATCH, timeout=_FETCH_S)
            except nats.errors.TimeoutError:
                continue
            # Together, so that they share a commit; the ledger keeps the order in which they are handed in.
            await asyncio.gather(*(self._take(js, message) for message in messages))

    async def _take(self, js: JetStreamContext, message: Msg) -> None:
        """One message; what the program fails on comes again later, and holds up no other."""
        try:
            await self._taken(js, message)
        except _TROUBLE:
            raise
        except Exception:  # the message ends here
            log.exception("relay_message_failed", subject=message.subject)
            self.state.failed += 1
            await message.nak(delay=_FAILED_S)

    async def _taken(self, js: JetStreamContext, message: Msg) -> None:
        """Ledger, receipt, acknowledgement, in this order; what ends before the last comes again."""
        kept_s = self._kept_s(message)
        try:
            opened = replace(self._opened(message), kept_s=kept_s)
            answer = await self._reception.take(opened, shared=False)
        except ProblemError as error:
            if error.status_code != _CONFLICT:
                await message.nak(delay=_LATER_S)
                return
            await self._refuse(message, repr(error))
            return
        except (WireError, ValidationError) as error:
            await self._refuse(message, repr(error))
            return
        state, ticket = self.state, self._ticket
        if opened.key is not None:
            mac = receipt_mac(opened.key, opened.message_id, answer.status, ticket.pc)
            receipt = {"pc": ticket.pc, "status": answer.status, "mac": mac}
            if isinstance(answer, NotFollowedAnswer):
                receipt["why"] = answer.why  # without its sentence: the client reads no more than 4 KiB
            reach(At.REPLY_BEFORE, js.publish)
            await js.publish(receipt_subject(ticket.pc, opened.strategy, opened.message_id), orjson.dumps(receipt))
            reach(At.REPLY_AFTER, js.publish)
        reach(At.REPLY_BEFORE, message.ack)
        await message.ack()
        reach(At.REPLY_AFTER, message.ack)
        state.taken += 1
        state.last_at, state.lag_s = self._clock.now(), kept_s
        state.waiting = int(message.metadata.num_pending or 0)

    def _kept_s(self, message: Msg) -> float:
        """How long the relay had it, by the relay's own clock: whatever time it is there, so old it is at least."""
        there_s = self._clock.monotonic() + self.state.offset_s
        return max(0.0, there_s - message.metadata.timestamp.timestamp())

    def _opened(self, message: Msg) -> Opened:
        opened = self._opener.open_stored(_SEALED.validate_python(read_object(message.data)))
        if message.subject != signal_subject(opened.strategy):
            raise NotAuthenticError  # of another strategy than the relay let it in for
        return opened

    async def _refuse(self, message: Msg, why: str) -> None:
        """Never usable: told to people, kept by the relay, and not asked for again."""
        self.state.refused += 1
        log.error("relay_message_refused", subject=message.subject, why=why)
        now_s = self._clock.monotonic()
        if now_s - self._refused_told_s >= _REFUSED_AGAIN_S:  # who has a relay key may send a flood of them
            self._refused_told_s = now_s
            await self._say(
                f"中继送来不能用的消息（{message.subject}，至今 {self.state.refused} 条）："
                "密钥可能已更换，或有人拿到了中继密钥，请查看日志"
            )
        await message.ack()
