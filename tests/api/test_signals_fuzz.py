"""Whatever comes, the port answers in its documented words, and only what is authentic is recorded."""

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jqfollow.api.reception import SignalsLimits
from jqfollow.api.signals import signals_app
from jqfollow.settings import parse_settings

from .conftest import CONFIG
from .fakes import FakeClock, FakeIntake, FakeKeys
from .messages import KEY, hello_text, order_text, sealed, seed_body

DOCUMENTED = {200, 400, 401, 404, 408, 409, 411, 413, 415, 429, 503}
GENUINE = [sealed(), sealed(hello_text()), seed_body()]
INTAKE = FakeIntake()
PORT = signals_app(  # one for all, which remembers nobody and never finds that enough has come
    settings=parse_settings(CONFIG | {"signals": {"port": 0, "max_per_minute": 10_000}}, source="test"),
    keys=FakeKeys(demo=(KEY,)),
    intake=INTAKE,
    clock=FakeClock(),
    limits=SignalsLimits(junk_per_minute=1_000_000, remembered=0),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ENVELOPES = st.fixed_dictionaries(
    {
        "v": st.sampled_from(["jqf1", "jqf2", 1]),
        "kid": st.sampled_from(["demo", "old", "nobody"]) | st.text(max_size=70),
        "id": st.text(max_size=90),
        "ts": st.integers() | st.text(max_size=5) | st.floats(),
        "box": st.binary(max_size=80).map(bytes.hex) | st.text(max_size=40),
    },
    optional={"encrypted_order": JSON},
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A genuine message with one byte changed, lost or doubled."""
    message = bytearray(draw(st.sampled_from(GENUINE)))
    place = draw(st.integers(0, len(message) - 1))
    match draw(st.sampled_from(["change", "lose", "double", "cut"])):
        case "change":
            message[place] ^= draw(st.integers(1, 255))
        case "lose":
            del message[place]
        case "double":
            message.insert(place, message[place])
        case _:
            del message[place:]
    return bytes(message)


def ask(
    body: bytes, *, method: str = "POST", path: str = "/api/order", headers: list[tuple[bytes, bytes]] | None = None
) -> tuple[int, bytes, FakeIntake]:
    INTAKE.recorded.clear()
    if headers is None:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b""}
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(PORT(scope, receive, send))
    return sent[0]["status"], sent[1].get("body", b""), INTAKE


def check(status: int, answer: bytes, intake: FakeIntake) -> None:
    assert status in DOCUMENTED
    if status == 404:
        assert answer == b""
    elif status == 200:
        assert json.loads(answer)["status"] in {"ok", "accepted"}
    else:
        assert set(json.loads(answer)) == {"status", "error", "detail"}
        assert not intake.recorded


quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(st.binary(max_size=600))
def test_any_bytes(body: bytes) -> None:
    status, answer, intake = ask(body)
    check(status, answer, intake)
    assert not intake.recorded


@quick
@given(JSON | ENVELOPES)
def test_any_json(value: object) -> None:
    status, answer, intake = ask(json.dumps(value).encode())
    check(status, answer, intake)
    assert status in {400, 401}
    assert not intake.recorded


@quick
@given(damaged())
def test_any_damage(body: bytes) -> None:
    status, answer, intake = ask(body)
    check(status, answer, intake)
    # A change that JSON does not see (white space, an unsigned field) leaves the message what it was.
    for signal in intake.recorded:
        assert signal.text in {order_text(), hello_text()} or signal.wire == "seed"


@quick
@given(st.dictionaries(st.text(max_size=10), JSON, max_size=4), st.text(max_size=10))
def test_any_authentic_text(fields: dict[str, object], kind: str) -> None:
    """The holder of a key can say what it likes: nothing but a whole message is recorded."""
    text = json.dumps({"kind": kind, "run": "sim_trade", "made_at": 1_767_578_400_000} | fields)
    status, answer, intake = ask(sealed(text))
    check(status, answer, intake)


@quick
@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "X"]),
    st.sampled_from(["/api/order", "/", "/api/order/", "/API/ORDER"]) | st.text(max_size=12),
    st.lists(
        st.tuples(
            st.sampled_from([b"content-length", b"content-type", b"transfer-encoding", b"host", b"x"]),
            st.binary(max_size=24) | st.sampled_from([b"0", b"12", b"application/json", b"99999999999999999999999"]),
        ),
        max_size=5,
    ),
    st.binary(max_size=50),
)
def test_any_request(method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    check(*ask(body, method=method, path=path, headers=headers))
