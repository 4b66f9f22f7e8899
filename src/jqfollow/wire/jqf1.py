"""Wire `jqf1`: a message sealed with ChaCha20-Poly1305 (RFC 8439) under a key of its strategy."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jqfollow.wire.errors import KeyTextError, MalformedError, NotAuthenticError

KID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
ID_PATTERN = r"^[A-Za-z0-9._:-]{1,80}$"
FRESH_S = 300
"""A message whose `ts` is further than this from now, either way, is stale."""

_PREFIX = "jqf1_"
_SECRET_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_MOST_TS = 4_102_444_800  # 2100-01-01
_MOST_BOX = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A strategy's key with its three sub-keys; shows none of them."""

    secret: bytes = field(repr=False)
    _seal: bytes = field(init=False, repr=False)
    _nonce: bytes = field(init=False, repr=False)
    _ack: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _SECRET_BYTES:
            raise KeyTextError(f"a key has {_SECRET_BYTES} bytes, not {len(self.secret)}")
        for name in ("seal", "nonce", "ack"):
            object.__setattr__(self, f"_{name}", self._sub_key(name))

    @classmethod
    def generate(cls) -> Self:
        """A new key from the system's random source."""
        return cls(secret=secrets.token_bytes(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key of `text`: `jqf1_` and 43 characters of base64url; white space around it is dropped.

        Raises:
            KeyTextError: says what is wrong, and never repeats the text.
        """
        text = text.strip()
        if not text.startswith(_PREFIX):
            raise KeyTextError(f"密钥应以 {_PREFIX} 开头 / a key starts with {_PREFIX}")
        encoded = text.removeprefix(_PREFIX)
        if len(encoded) != 43:  # noqa: PLR2004 - 32 bytes in base64 without padding
            raise KeyTextError(
                f"密钥 {_PREFIX} 之后应有 43 个字符，现有 {len(encoded)} 个 / "
                f"43 characters follow {_PREFIX}, not {len(encoded)}"
            )
        if not re.fullmatch(r"[A-Za-z0-9_-]+", encoded):
            raise KeyTextError("密钥含有不允许的字符 / a key has only letters, digits, '-' and '_'")
        key = cls(secret=base64.urlsafe_b64decode(encoded + "="))
        if key.text != text:
            raise KeyTextError("密钥末位有误，请重新复制 / the key's last character is wrong: copy it again")
        return key

    @property
    def text(self) -> str:
        """The form that people copy. Secret."""
        return _PREFIX + base64.urlsafe_b64encode(self.secret).decode().rstrip("=")

    def nonce(self, aad: bytes, text: bytes) -> bytes:
        """The nonce of one message: equal only for equal messages, so none is ever used for two."""
        return hmac.digest(self._nonce, aad + b"\n" + text, "sha256")[:_NONCE_BYTES]

    def aead(self) -> ChaCha20Poly1305:
        """The cipher under the sealing sub-key."""
        return ChaCha20Poly1305(self._seal)

    def ack(self, data: bytes) -> str:
        """Hex MAC under the answering sub-key."""
        return hmac.new(self._ack, data, hashlib.sha256).hexdigest()

    def _sub_key(self, name: str) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=b"jqf1", info=name.encode()).derive(self.secret)


def _canonical(box: str) -> str:
    try:
        raw = base64.b64decode(box, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    # Base64 has spare bits and optional padding: only one spelling of a box is accepted.
    if base64.b64encode(raw).decode() != box:
        raise ValueError("not canonical base64")
    if len(raw) <= _NONCE_BYTES + _TAG_BYTES:
        raise ValueError("too short for a nonce, a text and a tag")
    return box


class Jqf1Envelope(BaseModel):
    """The body of `POST /api/order`. Nothing in it is proven before `open_box` has opened it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    v: Literal["jqf1"]
    kid: str = Field(pattern=KID_PATTERN)
    id: str = Field(pattern=ID_PATTERN)
    ts: int = Field(ge=0, le=_MOST_TS)
    """Seconds since 1970-01-01 UTC, of this attempt at sending."""
    box: Annotated[str, Field(max_length=_MOST_BOX), AfterValidator(_canonical)]


def seal(key: Key, kid: str, message_id: str, ts: int, text: str) -> dict[str, Any]:
    """The body of one attempt at sending `text`; `ts` in seconds, `message_id` the same over all attempts."""
    aad = _aad(kid, message_id, ts)
    plain = text.encode()
    nonce = key.nonce(aad, plain)
    box = nonce + key.aead().encrypt(nonce, plain, aad)
    return {"v": "jqf1", "kid": kid, "id": message_id, "ts": ts, "box": base64.b64encode(box).decode()}


def open_box(key: Key, envelope: Jqf1Envelope) -> str:
    """The text that was sealed with `key`; its freshness and novelty are the caller's to judge.

    Raises:
        NotAuthenticError: sealed with another key, or changed.
        MalformedError: authentic, yet no UTF-8.
    """
    raw = base64.b64decode(envelope.box)
    nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    try:
        plain = key.aead().decrypt(nonce, sealed, _aad(envelope.kid, envelope.id, envelope.ts))
    except InvalidTag:
        raise NotAuthenticError from None
    try:
        return plain.decode()
    except UnicodeDecodeError:
        raise MalformedError("消息内容不是 UTF-8", "the message's text is not UTF-8") from None


def ack_mac(key: Key, message_id: str, status: str) -> str:
    """`mac` of an answer: the proof that the holder of the key has `message_id`."""
    return key.ack(f"jqf1\n{message_id}\n{status}".encode())


def verify_ack(key: Key, message_id: str, status: str, mac: str) -> bool:
    """Whether `mac` is that of this answer; any text may be asked about."""
    return hmac.compare_digest(ack_mac(key, message_id, status).encode(), mac.encode(errors="replace"))


def _aad(kid: str, message_id: str, ts: int) -> bytes:
    return f"jqf1\n{kid}\n{message_id}\n{ts}".encode()
