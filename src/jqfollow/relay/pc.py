"""The PC's end: takes what the relay stored into the ledger, and acknowledges it after the commit."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import nats.errors
import nats.js.errors
import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from pydantic import ValidationError

from jqfollow.api.opening import Opened, Opener
from jqfollow.api.problem import ProblemError
from jqfollow.api.reception import Reception
from jqfollow.relay.connect import connect
from jqfollow.relay.errors import RelayError
from jqfollow.relay.ticket import Ticket, read_ticket
from jqfollow.relay.words import SIGNALS, receipt_mac, receipt_subject
from jqfollow.settings import PaperAccount, Settings
from jqfollow.wire.envelope import read_object
from jqfollow.wire.errors import WireError
from jqfollow.wire.jqf1 import Jqf1Envelope

log = structlog.get_logger(__name__)

_BATCH = 20
_FETCH_S = 20.0
_AGAIN_S = 0.5
_LATER_S = 2.0
_CONFLICT = 409
_TROUBLE = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)

Tell = Callable[[str], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class RelayState:
    """What the page and the doctor show."""

    connected: bool = False
    taken: int = 0
    refused: int = 0
    waiting: int = 0
    """Messages that the relay still holds for this PC, as of the last one taken."""


def load_ticket(settings: Settings) -> Ticket | None:
    """The file that was imported with `jqfollow relay join`, or `None`.

    Raises:
        RelayError: unreadable, or a real account is followed that is not this PC's.
    """
    ticket = read_ticket(settings.data_dir)
    if ticket is None:
        return None
    for name in ticket.strategies:
        strategy = settings.strategies.get(name)
        for account in strategy.follow if strategy else ():
            real = settings.accounts[account]
            if not isinstance(real, PaperAccount) and real.account_id not in ticket.accounts:
                raise RelayError(
                    f"账户 {account} 不在这台电脑的中继凭据里：在服务器上 jqfollow relay pc {ticket.pc} --account … / "
                    f"account {account} is not among this PC's at the relay"
                )
    return ticket


class RelayLine:
    """One connection to the relay, for as long as the service runs."""

    def __init__(self, ticket: Ticket, *, opener: Opener, reception: Reception, tell: Tell) -> None:
        self.state = RelayState()
        self._ticket = ticket
        self._opener = opener
        self._reception = reception
        self._tell = tell

    async def run(self) -> None:
        """For ever, until cancelled: connects, takes, and begins anew after any trouble."""
        while True:
            try:
                await self._once()
            except _TROUBLE as error:
                log.warning("relay_trouble", why=repr(error))
            except Exception:  # the line ends here, and the next one begins
                log.exception("relay_failed")
            await asyncio.sleep(_AGAIN_S)

    async def _once(self) -> None:
        """One connection, until it is lost: a request that stood at an engine which is gone is not waited for."""
        ticket, gone = self._ticket, asyncio.Event()
        connection = await connect(ticket.url, ticket.seed, ticket.pc, ticket.certificate, lost=gone.set)
        parts = [asyncio.create_task(gone.wait()), asyncio.create_task(self._take_all(connection))]
        try:
            self.state.connected = True
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            self.state.connected = False
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            await connection.close()

    async def _take_all(self, connection: Client) -> None:
        js = connection.jetstream()
        stored = await js.pull_subscribe_bind(self._ticket.pc, SIGNALS)
        while True:
            try:
                messages = await stored.fetch(_BATCH, timeout=_FETCH_S)
            except nats.errors.TimeoutError:
                continue
            # Together, so that they share a commit; the ledger keeps the order in which they are handed in.
            await asyncio.gather(*(self._take(js, message) for message in messages))

    async def _take(self, js: JetStreamContext, message: Msg) -> None:
        """One message: ledger, receipt, acknowledgement, in this order; what ends before the last comes again."""
        self.state.waiting = int(message.metadata.num_pending or 0)
        try:
            opened = self._opened(message)
            answer = await self._reception.take(opened)
        except ProblemError as error:
            if error.status_code != _CONFLICT:
                await message.nak(delay=_LATER_S)
                return
            await self._refuse(message, repr(error))
            return
        except (WireError, ValidationError) as error:
            await self._refuse(message, repr(error))
            return
        assert opened.key is not None  # noqa: S101 - only `jqf1` comes this way
        ticket = self._ticket
        receipt = {
            "pc": ticket.pc,
            "status": answer.status,
            "mac": receipt_mac(opened.key, opened.message_id, answer.status, ticket.pc),
        }
        await js.publish(receipt_subject(ticket.pc, opened.strategy, opened.message_id), orjson.dumps(receipt))
        await message.ack()
        self.state.taken += 1

    def _opened(self, message: Msg) -> Opened:
        return self._opener.open_stored(Jqf1Envelope.model_validate(read_object(message.data)))

    async def _refuse(self, message: Msg, why: str) -> None:
        """Never usable: told to people, kept by the relay, and not asked for again."""
        self.state.refused += 1
        log.error("relay_message_refused", subject=message.subject, why=why)
        await self._tell(
            f"中继送来一条不能用的消息（{message.subject}）：密钥可能已更换，或有人拿到了中继密钥，请查看日志"
        )
        await message.ack()
