"""From a sealed message to an authentic, fresh one, or to the one answer for all others."""

import re
from dataclasses import dataclass

from jqfollow.api.ports import KeySource
from jqfollow.clock import Clock
from jqfollow.domain import Wire
from jqfollow.settings import Settings
from jqfollow.wire.envelope import Sealed
from jqfollow.wire.errors import NotAuthenticError
from jqfollow.wire.jqf1 import FRESH_S, Jqf1Envelope, Key, open_box
from jqfollow.wire.messages import Message, parse_text, seed_message
from jqfollow.wire.seed import SeedEnvelope, open_seed

_KID = re.compile(rb'"kid"\s*:\s*"([A-Za-z0-9._-]{1,64})"')
_TS = re.compile(rb'"ts"\s*:\s*([0-9]{1,10})\b')
_SEED = b'"encrypted_order"'


class StaleError(NotAuthenticError):
    """Authentic, but not of now. The sender is told what everybody is told."""

    def __init__(self, *, strategy: str, message_id: str, skew_s: float) -> None:
        super().__init__()
        self.strategy = strategy
        self.message_id = message_id
        self.skew_s = skew_s
        """The sender's clock minus ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An authentic, fresh message."""

    strategy: str
    wire: Wire
    message_id: str
    text: str
    key: Key | None
    """`jqf1`: the key it was sealed with, which seals the answer."""
    sent_at: float
    """By the sender's clock, seconds since 1970."""
    kept_s: float = 0.0
    """A relay had it so long: it is at least as old, whatever its sender's clock says."""
    told: Message | None = None
    """`seed`: what the text means, for its time stands in it."""

    def message(self) -> Message:
        """What the text means.

        Raises:
            MalformedError: the holder of the key said something impossible.
        """
        return parse_text(self.text) if self.told is None else self.told


class Opener:
    """Knows every strategy's key or secret."""

    def __init__(self, *, settings: Settings, keys: KeySource, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._jqf1 = frozenset(name for name, s in settings.strategies.items() if s.wire is Wire.JQF1)
        self._secrets = {
            name: s.secret.get_secret_value()
            for name, s in settings.strategies.items()
            if s.wire is Wire.SEED and s.secret is not None
        }
        self._nobody = Key.generate()  # an unknown strategy's message costs as much time as a known one's

    def plausible(self, body: bytes) -> bool:
        """At first sight, without reading it: does `body` name a strategy of ours, and say that it is of now?

        True for whatever a client of either wire sends; costs microseconds and proves nothing.
        """
        if self._secrets and _SEED in body:
            return True
        kid, ts = _KID.search(body), _TS.search(body)
        if kid is None or ts is None:
            return False
        return kid[1].decode() in self._jqf1 and self._fresh(float(ts[1]))

    def open(self, sealed: Sealed) -> Opened:
        """The authentic, fresh message that was sealed.

        Raises:
            MalformedError: authentic, yet no text; or `seed` with an impossible one.
            NotAuthenticError: unknown strategy, another key, changed, or stale (`StaleError`): nobody can tell which.
        """
        opened = self.open_stored(sealed)
        if not self._fresh(opened.sent_at):
            skew_s = opened.sent_at - self._clock.now().timestamp()
            raise StaleError(strategy=opened.strategy, message_id=opened.message_id, skew_s=skew_s)
        return opened

    def open_stored(self, sealed: Sealed) -> Opened:
        """The authentic message that a relay kept: when it was sent says nothing, how old it is stands sealed in it.

        Raises:
            MalformedError: authentic, yet no text; or `seed` with an impossible one.
            NotAuthenticError: unknown strategy, another key, or changed.
        """
        return self._open_seed(sealed) if isinstance(sealed, SeedEnvelope) else self._open_jqf1(sealed)

    def _fresh(self, sent_at: float) -> bool:
        return abs(sent_at - self._clock.now().timestamp()) <= FRESH_S

    def _open_jqf1(self, envelope: Jqf1Envelope) -> Opened:
        known = envelope.kid in self._jqf1
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
                key=key,
                sent_at=float(envelope.ts),
            )
        raise NotAuthenticError

    def _open_seed(self, envelope: SeedEnvelope) -> Opened:
        opened = open_seed(self._secrets, envelope)
        message = seed_message(opened.fields)
        return Opened(
            strategy=opened.strategy,
            wire=Wire.SEED,
            message_id=opened.signature,
            text=opened.text,
            key=None,
            sent_at=message.made_at / 1000,
            told=message,
        )
