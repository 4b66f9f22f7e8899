"""Wire `seed`: the scheme of the widely copied original client.

It is broken: one captured message gives away the key, and nothing in it stops a replay. It is read here so that
strategies can move over one by one; who can choose uses `jqf1`.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jqfollow.wire.errors import MalformedError, NotAuthenticError
from jqfollow.wire.strict_json import loads, malformed

PASSWORD_FIELD = "密码"  # noqa: S105 - the field's name
_MOST = 16 * 1024


class SeedEnvelope(BaseModel):
    """The body of `POST /api/order`; `timestamp` is unsigned and proves nothing."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    encrypted_order: str = Field(min_length=1, max_length=_MOST)
    timestamp: str = Field(default="", max_length=64)


class _Box(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    signature: str = Field(pattern=r"^[0-9a-f]{64}$")
    data: str = Field(min_length=4, max_length=_MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSeed:
    """An authentic message of the original client."""

    strategy: str
    text: str
    """What may be kept of it: the signed fields as JSON, without `密码`."""
    fields: Mapping[str, str]
    """The same, read."""
    signature: str
    """Hex; serves as the message's id."""


def open_seed(secrets: Mapping[str, str], envelope: SeedEnvelope) -> OpenedSeed:
    """Opens `envelope` with the password among `secrets` (by strategy) that verifies its signature.

    Every password is tried, found or not. When several strategies share the one that fits, `密码` names which is
    meant. Freshness and novelty are the caller's to judge.

    Raises:
        NotAuthenticError: no password fits, or `密码` names none of the strategies that share it.
        MalformedError: not the original client's shape.
    """
    box = _unpack(envelope.encrypted_order)
    data = _base64(box.data)
    plains = {
        strategy: plain
        for strategy, password in secrets.items()
        if (plain := _verified(password, data, box.signature)) is not None
    }
    if not plains:
        raise NotAuthenticError
    fields = _fields(next(iter(plains.values())))
    named = fields.pop(PASSWORD_FIELD, "")
    if len(plains) == 1:
        strategy = next(iter(plains))
    elif named in plains:
        strategy = named
    else:
        raise NotAuthenticError
    return OpenedSeed(
        strategy=strategy,
        text=json.dumps(fields, ensure_ascii=False),
        fields=fields,
        signature=box.signature,
    )


def _unpack(encrypted: str) -> _Box:
    try:
        return _Box.model_validate(loads(_base64(encrypted)))
    except ValidationError as error:
        raise malformed(error) from None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("加密内容不是 base64", "the encrypted order is not base64") from None


def _verified(password: str, data: bytes, signature: str) -> bytes | None:
    key = hashlib.sha256(password.encode()).digest()
    stream = (key * (len(data) // len(key) + 1))[: len(data)]
    # As two great numbers: byte by byte it would take milliseconds, and anybody may make it run.
    plain = (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")
    expected = hmac.new(key, plain, hashlib.sha256).hexdigest()
    return plain if hmac.compare_digest(expected, signature) else None


def _fields(plain: bytes) -> dict[str, str]:
    value: Any = loads(plain)
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise MalformedError("订单内容应为文字字段", "the order's fields are not all texts")
    return value
