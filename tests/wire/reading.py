"""A body read and validated, as the signals port does it."""

from pydantic import TypeAdapter, ValidationError

from jqfollow.wire.envelope import Sealed, read_object
from jqfollow.wire.strict_json import malformed

_SEALED: TypeAdapter[Sealed] = TypeAdapter(Sealed)


def read_envelope(body: bytes) -> Sealed:
    """The sealed message in `body`; raises `MalformedError`."""
    value = read_object(body)
    try:
        return _SEALED.validate_python(value)
    except ValidationError as error:
        raise malformed(error) from None
