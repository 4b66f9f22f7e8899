"""Which wire a body came by."""

from pydantic import ValidationError

from jqfollow.wire.errors import MalformedError
from jqfollow.wire.jqf1 import Jqf1Envelope
from jqfollow.wire.seed import SeedEnvelope
from jqfollow.wire.strict_json import loads, malformed


def read_envelope(body: bytes) -> Jqf1Envelope | SeedEnvelope:
    """The envelope in `body`, whose size is already bounded. Nothing in it is proven yet.

    Raises:
        MalformedError: neither wire's shape.
    """
    value = loads(body)
    if not isinstance(value, dict):
        raise MalformedError("消息应为 JSON 对象", "the message is not a JSON object")
    try:
        if "encrypted_order" in value:
            return SeedEnvelope.model_validate(value)
        return Jqf1Envelope.model_validate(value)
    except ValidationError as error:
        raise malformed(error) from None
