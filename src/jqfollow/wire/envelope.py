"""The body of `POST /api/order`: a sealed message of either wire."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from jqfollow.wire.errors import MalformedError
from jqfollow.wire.jqf1 import Jqf1Envelope
from jqfollow.wire.seed import SeedEnvelope
from jqfollow.wire.strict_json import loads_plain


def _wire(value: object) -> str:
    # Told apart by its fields: the original client's message has no version.
    return "seed" if isinstance(value, dict) and "encrypted_order" in value else "jqf1"


Sealed = Annotated[
    Annotated[Jqf1Envelope, Tag("jqf1")] | Annotated[SeedEnvelope, Tag("seed")],
    Discriminator(_wire),
]
"""A message of either wire; nothing in it is proven yet."""


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, whose size is already bounded; which wire's it is comes next.

    Cheap whatever is in it: anybody may send it.

    Raises:
        MalformedError: no JSON, no object, or a field that stands twice.
    """
    value = loads_plain(body)
    if not isinstance(value, dict):
        raise MalformedError("消息应为 JSON 对象", "the message is not a JSON object")
    return value
