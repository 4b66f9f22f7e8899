"""The cookie that a browser holds instead of the token."""

import hashlib
import hmac
import re
import secrets
from pathlib import Path

import structlog

from jqfollow.clock import Clock
from jqfollow.wire.private_file import write_private

log = structlog.get_logger(__name__)

LIFETIME_S = 30 * 24 * 3600
FILE_NAME = "console.ended"
"""In the data folder: the sessions that were logged out, for as long as they would have lived."""
_SHAPE = re.compile(r"([0-9]{10,12})\.([A-Za-z0-9_-]{22})\.([0-9a-f]{64})")
_ENDED = re.compile(r"([0-9]{10,12}) ([A-Za-z0-9_-]{22})")


class Sessions:
    """Makes and checks session values: an expiry, a random part, and their MAC under a key derived from the token.

    Only those that were logged out are kept, so a restart of the service logs nobody out, and nobody in; a new token
    ends all sessions.
    """

    def __init__(self, token: str, clock: Clock, data_dir: Path) -> None:
        self._key = hmac.digest(token.encode(), b"jqfollow console session", hashlib.sha256)
        self._clock = clock
        self._file = data_dir / FILE_NAME
        self._ended = self._read()

    def new(self) -> str:
        """A value good for 30 days."""
        expires = int(self._clock.now().timestamp()) + LIFETIME_S
        body = f"{expires}.{secrets.token_urlsafe(16)}"
        return f"{body}.{self._mac(body)}"

    def valid(self, value: str) -> bool:
        """Whether this service made it, and it has neither expired nor been ended."""
        matched = _SHAPE.fullmatch(value)
        if matched is None or not hmac.compare_digest(self._mac(f"{matched[1]}.{matched[2]}"), matched[3]):
            return False
        return int(matched[1]) > self._clock.now().timestamp() and matched[2] not in self._ended

    def end(self, value: str) -> None:
        """Logs out: a valid value is so no more, also after a restart."""
        matched = _SHAPE.fullmatch(value)
        if matched is None or not self.valid(value):
            return
        now = self._clock.now().timestamp()
        self._ended = {name: until for name, until in self._ended.items() if until > now} | {
            matched[2]: int(matched[1])
        }
        lines = (f"{until} {name}\n" for name, until in sorted(self._ended.items()))
        try:
            write_private(self._file, "".join(lines).encode())
        except OSError as error:
            log.warning("log_out_not_kept", why=str(error))  # it is ended until the service starts anew

    def _read(self) -> dict[str, int]:
        """By the random part: until when the value would have lived."""
        try:
            text = self._file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return {}
        except OSError as error:
            log.warning("ended_sessions_not_read", why=str(error))
            return {}
        return {name: int(until) for until, name in _ENDED.findall(text)}

    def _mac(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
