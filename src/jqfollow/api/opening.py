"""From a body to an authentic, fresh message, or to the one answer for all others."""

from dataclasses import dataclass

from jqfollow.api.ports import KeySource
from jqfollow.clock import Clock
from jqfollow.domain import Wire
from jqfollow.settings import Settings
from jqfollow.wire.envelope import read_envelope
from jqfollow.wire.errors import NotAuthenticError
from jqfollow.wire.jqf1 import FRESH_S, Jqf1Envelope, Key, open_box
from jqfollow.wire.messages import Message, parse_text, seed_message
from jqfollow.wire.seed import SeedEnvelope, open_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An authentic message."""

    strategy: str
    wire: Wire
    message_id: str
    text: str
    message: Message
    key: Key | None
    """`jqf1`: the key it was sealed with, which seals the answer."""
    sent_at: float
    """By the sender's clock, seconds since 1970."""


class Opener:
    """Knows every strategy's key or secret."""

    def __init__(self, *, settings: Settings, keys: KeySource, clock: Clock) -> None:
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._nobody = Key.generate()  # an unknown strategy's message costs as much time as a known one's

    def open(self, body: bytes) -> Opened:
        """The authentic, fresh message in `body`.

        Raises:
            MalformedError: not of the right shape, or authentic with an impossible text.
            NotAuthenticError: unknown strategy, another key, changed, or stale: nobody can tell which.
        """
        envelope = read_envelope(body)
        opened = self._open_seed(envelope) if isinstance(envelope, SeedEnvelope) else self._open_jqf1(envelope)
        if abs(opened.sent_at - self._clock.now().timestamp()) > FRESH_S:
            raise NotAuthenticError
        return opened

    def _open_jqf1(self, envelope: Jqf1Envelope) -> Opened:
        strategy = self._settings.strategies.get(envelope.kid)
        known = strategy is not None and strategy.wire is Wire.JQF1
        for key in (self._keys.keys(envelope.kid) if known else ()) or (self._nobody,):
            try:
                text = open_box(key, envelope)
            except NotAuthenticError:
                continue
            return Opened(
                strategy=envelope.kid,
                wire=Wire.JQF1,
                message_id=envelope.id,
                text=text,
                message=parse_text(text),
                key=key,
                sent_at=float(envelope.ts),
            )
        raise NotAuthenticError

    def _open_seed(self, envelope: SeedEnvelope) -> Opened:
        opened = open_seed(self._secrets(), envelope)
        message = seed_message(opened.fields)
        return Opened(
            strategy=opened.strategy,
            wire=Wire.SEED,
            message_id=opened.signature,
            text=opened.text,
            message=message,
            key=None,
            sent_at=message.made_at / 1000,
        )

    def _secrets(self) -> dict[str, str]:
        return {
            name: strategy.secret.get_secret_value()
            for name, strategy in self._settings.strategies.items()
            if strategy.wire is Wire.SEED and strategy.secret is not None
        }
