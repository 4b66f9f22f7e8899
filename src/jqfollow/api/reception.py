"""Where an authentic message is taken in: its share, its place in the ledger, its receipt."""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from jqfollow import __version__
from jqfollow.api.limits import MinuteLimit
from jqfollow.api.opening import Opened
from jqfollow.api.ports import Intake
from jqfollow.api.problem import ProblemError, too_many
from jqfollow.clock import Clock, from_ms
from jqfollow.domain import JqfollowError, SignalKind
from jqfollow.ledger.errors import ConflictError
from jqfollow.ledger.rows import NewSignal, Recorded
from jqfollow.reasons import QUIET, Refusal
from jqfollow.settings import Settings
from jqfollow.stages import Stages, Trace
from jqfollow.wire.answers import AccountAnswer, Answer, HelloAnswer, NotFollowedAnswer, SeedAnswer, Status
from jqfollow.wire.errors import MalformedError
from jqfollow.wire.jqf1 import ack_mac
from jqfollow.wire.messages import Message, OrderMessage, refuse_impossible_days

log = structlog.get_logger(__name__)

AnyAnswer = HelloAnswer | NotFollowedAnswer | Answer | SeedAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsLimits:
    """Bounds of the port that no configuration changes."""

    body_bytes: int = 16 * 1024
    body_s: float = 20.0
    """JoinQuant's upload is slow: 10 kbit/s."""
    record_s: float = 5.0
    """How long a message waits for its commit before the sender is asked to come again."""
    most_waiting: int = 1024
    """Messages that wait for their commit at one time."""
    junk_per_minute: int = 120
    """What is not usable is answered and logged in full this often; beyond it, with 429."""
    remembered: int = 4096
    """Recent messages whose repetition is answered without asking the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    digest: bytes
    signal_id: int
    kind: SignalKind
    refusal: Refusal | None


class Reception:
    """Takes in what is authentic. A receipt is given after the commit, and never before."""

    def __init__(
        self, *, settings: Settings, intake: Intake, clock: Clock, limits: SignalsLimits, stages: Stages
    ) -> None:
        self._intake = intake
        self._clock = clock
        self._limits = limits
        self._stages = stages
        self._share = {name: MinuteLimit(settings.signals.max_per_minute, clock) for name in settings.strategies}
        self._waiting: set[asyncio.Task[Recorded]] = set()
        self._remembered: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self.heard: dict[str, tuple[datetime, float]] = {}
        """By strategy: when its last message came by the port, and by how many seconds its clock was ahead of ours."""

    @property
    def waiting(self) -> int:
        """Messages that wait for their commit."""
        return len(self._waiting)

    async def take(self, opened: Opened, trace: Trace | None = None, *, shared: bool = True) -> AnyAnswer:
        """Records the message and says so.

        Args:
            opened: the message.
            trace: of its way so far, when it came to the port.
            shared: it takes of its strategy's share of a minute; what a relay kept had its share there, and a night's
                messages do not hold up the first of the day.

        Raises:
            MalformedError: authentic, yet impossible; recorded nowhere.
            ProblemError: 409, 429 or 503.
        """
        if shared:
            now = self._clock.now()
            self.heard[opened.strategy] = now, opened.sent_at - now.timestamp()
        digest = hashlib.sha256(opened.text.encode()).digest()
        known = self._remembered.get((opened.strategy, opened.message_id))
        if known is not None and secrets.compare_digest(known.digest, digest):
            # A replay costs neither the ledger's time nor the strategy's share, and is not even read.
            return self._receipt(opened, known, "duplicate")
        share = self._share[opened.strategy]
        mark = share.take() if shared else None
        if shared and mark is None:
            log.warning("signals_over_limit", strategy=opened.strategy)
            raise too_many(share.retry_after_s())
        try:
            message = opened.message()
            refuse_impossible_days(message, self._clock.now().date())
            recorded = await self._recorded(opened, message, trace or self._stages.received())
        except (MalformedError, ProblemError):
            share.give_back(mark)
            raise
        if recorded.duplicate:
            share.give_back(mark)
        kind = SignalKind(message.kind)
        known = _Known(digest=digest, signal_id=recorded.signal_id, kind=kind, refusal=recorded.refusal)
        self._remember(opened, known)
        return self._receipt(opened, known, "duplicate" if recorded.duplicate else "accepted")

    async def _recorded(self, opened: Opened, message: Message, trace: Trace) -> Recorded:
        try:
            recorded = await self._commit(opened, message, trace)
        except ConflictError:
            log.warning("signal_conflict", strategy=opened.strategy, id=opened.message_id)
            zh, en = "这个 id 已用于另一条消息", "this id belongs to another message"
            raise ProblemError(409, "conflict", zh, en) from None
        except (JqfollowError, TimeoutError) as error:
            log.error("signal_not_recorded", strategy=opened.strategy, id=opened.message_id, why=repr(error))  # noqa: TRY400
            zh, en = "账本暂时无法写入，请稍后重发", "the ledger cannot be written now"
            raise ProblemError(503, "ledger", zh, en, retry_after_s=2) from error
        return recorded

    async def _commit(self, opened: Opened, message: Message, trace: Trace) -> Recorded:
        """Waits for the commit, but not for ever; a commit that comes later makes the next attempt a duplicate."""
        if len(self._waiting) >= self._limits.most_waiting:
            raise TimeoutError("too many messages wait for the ledger")
        now = self._clock.now()
        signal = NewSignal(
            strategy=opened.strategy,
            wire=opened.wire,
            message_id=opened.message_id,
            kind=SignalKind(message.kind),
            run=message.run,
            text=opened.text,
            made_at=min(from_ms(message.made_at), now - timedelta(seconds=opened.kept_s)),
            received_at=now,
            order=message.strategy_order() if isinstance(message, OrderMessage) else None,
            news=message.news(),
        )
        task = asyncio.create_task(self._record(signal, trace), name=f"record-{opened.message_id}")
        self._waiting.add(task)
        task.add_done_callback(self._done)
        async with asyncio.timeout(self._limits.record_s):
            return await asyncio.shield(task)

    async def _record(self, signal: NewSignal, trace: Trace) -> Recorded:
        recorded = await self._intake.record(signal)
        if not recorded.duplicate:
            self._stages.recorded(recorded.signal_id, trace)
        return recorded

    def _done(self, task: asyncio.Task[Recorded]) -> None:
        self._waiting.discard(task)
        if not task.cancelled():
            task.exception()  # told to the sender already, or nobody is there to be told

    def _remember(self, opened: Opened, known: _Known) -> None:
        self._remembered[opened.strategy, opened.message_id] = known
        while len(self._remembered) > self._limits.remembered:
            self._remembered.popitem(last=False)

    def _receipt(self, opened: Opened, known: _Known, status: Status) -> AnyAnswer:
        if opened.key is None:
            return SeedAnswer(status=status, id=opened.message_id, signal_id=known.signal_id)
        mac = ack_mac(opened.key, opened.message_id, status)
        answer = Answer(status=status, id=opened.message_id, signal_id=known.signal_id, mac=mac)
        if known.kind is SignalKind.HELLO:
            return self._hello(opened, answer)
        if known.refusal is None or known.refusal.reason in QUIET:
            return answer
        why, detail = known.refusal.reason, known.refusal.text("zh")
        return NotFollowedAnswer(**answer.model_dump(), why=why, detail=detail)

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
