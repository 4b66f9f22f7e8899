"""The cookie that a browser holds instead of the token."""

import hashlib
import hmac
import re
import secrets

from jqfollow.clock import Clock

LIFETIME_S = 30 * 24 * 3600
_SHAPE = re.compile(r"([0-9]{10,12})\.([A-Za-z0-9_-]{22})\.([0-9a-f]{64})")


class Sessions:
    """Makes and checks session values: an expiry, a random part, and their MAC under a key derived from the token.

    Nothing is kept, so a restart of the service logs nobody out; a new token ends all sessions.
    """

    def __init__(self, token: str, clock: Clock) -> None:
        self._key = hmac.digest(token.encode(), b"jqfollow console session", hashlib.sha256)
        self._clock = clock

    def new(self) -> str:
        """A value good for 30 days."""
        expires = int(self._clock.now().timestamp()) + LIFETIME_S
        body = f"{expires}.{secrets.token_urlsafe(16)}"
        return f"{body}.{self._mac(body)}"

    def valid(self, value: str) -> bool:
        """Whether this service made it, and it has not expired."""
        matched = _SHAPE.fullmatch(value)
        if matched is None or not hmac.compare_digest(self._mac(f"{matched[1]}.{matched[2]}"), matched[3]):
            return False
        return int(matched[1]) > self._clock.now().timestamp()

    def _mac(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
