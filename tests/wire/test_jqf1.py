"""Wire jqf1: the vectors, round trips, and that nothing changed is ever opened."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from jqfollow.wire.answers import AccountAnswer, Answer
from jqfollow.wire.envelope import Sealed
from jqfollow.wire.errors import KeyTextError, MalformedError, NotAuthenticError
from jqfollow.wire.jqf1 import FRESH_S, Jqf1Envelope, Key, ack_mac, open_box, seal, verify_ack

from .reading import read_envelope

VECTORS = json.loads((Path(__file__).parent / "vectors" / "jqf1.json").read_text(encoding="utf-8"))
KEY = Key.parse(VECTORS["key"])
CASES = pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["id"])

kids = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z0-9._:-]{1,80}", fullmatch=True)
times = st.integers(0, 4_102_444_800)


def read_and_open(body: bytes) -> str:
    envelope = read_envelope(body)
    assert isinstance(envelope, Jqf1Envelope)
    return open_box(KEY, envelope)


def sealed(text: str = "hello") -> dict[str, object]:
    return seal(KEY, "demo", "demo-1", 1_767_322_200, text)


@CASES
def test_vectors(case: dict[str, str]) -> None:
    assert seal(KEY, case["kid"], case["id"], int(case["ts"]), case["text"]) == case["body"]
    envelope = read_envelope(json.dumps(case["body"]).encode())
    assert isinstance(envelope, Jqf1Envelope)
    assert open_box(KEY, envelope) == case["text"]
    assert ack_mac(KEY, case["id"], "accepted") == case["accepted_mac"]
    assert ack_mac(KEY, case["id"], "duplicate") == case["duplicate_mac"]


@given(secret=st.binary(min_size=32, max_size=32), kid=kids, message_id=ids, ts=times, text=st.text(min_size=1))
def test_what_is_sealed_opens(secret: bytes, kid: str, message_id: str, ts: int, text: str) -> None:
    key = Key(secret=secret)
    body = json.dumps(seal(key, kid, message_id, ts, text)).encode()
    envelope = read_envelope(body)
    assert isinstance(envelope, Jqf1Envelope)
    assert open_box(key, envelope) == text
    with pytest.raises(NotAuthenticError):
        open_box(Key.generate(), envelope)


def test_every_flipped_bit_is_refused() -> None:
    body = sealed()
    raw = base64.b64decode(str(body["box"]))
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        envelope = Jqf1Envelope.model_validate(body | {"box": base64.b64encode(changed).decode()})
        with pytest.raises(NotAuthenticError):
            open_box(KEY, envelope)


def test_every_changed_character_of_the_body_is_refused() -> None:
    """A body is accepted in one spelling of its values only: not even a spare bit of the base64 may differ."""
    body = json.dumps(sealed(), separators=(",", ":")).encode()
    for n in range(len(body)):
        for flip in (1, 2, 4, 8, 16, 32):
            changed = body[:n] + bytes([body[n] ^ flip]) + body[n + 1 :]
            with pytest.raises((MalformedError, NotAuthenticError)):
                read_and_open(changed)


@pytest.mark.parametrize("change", [{"kid": "demo2"}, {"id": "demo-2"}, {"ts": 1_767_322_201}])
def test_what_stands_outside_the_box_is_sealed_too(change: dict[str, object]) -> None:
    with pytest.raises(NotAuthenticError):
        open_box(KEY, Jqf1Envelope.model_validate(sealed() | change))


@pytest.mark.parametrize(
    "change",
    [
        {"v": "jqf2"},
        {"v": None},
        {"kid": ""},
        {"kid": "a" * 65},
        {"kid": "demo\n"},
        {"kid": "策略"},
        {"kid": 1},
        {"id": "a" * 81},
        {"id": "a b"},
        {"id": "a\n"},
        {"ts": "1767322200"},
        {"ts": 1767322200.0},
        {"ts": True},
        {"ts": -1},
        {"ts": 4_102_444_801},
        {"ts": 10**30},
        {"box": ""},
        {"box": "A"},
        {"box": base64.b64encode(bytes(28)).decode()},
        {"box": str(sealed()["box"]).rstrip("=") + "\n"},
        {"box": "*" * 64},
        {"box": "A" * 20_000},
        {"box": None},
        {"more": 1},
    ],
)
def test_an_envelope_of_another_shape(change: dict[str, object]) -> None:
    body = sealed() | change
    with pytest.raises(ValidationError):
        Jqf1Envelope.model_validate(body)
    with pytest.raises(MalformedError):
        read_envelope(json.dumps(body).encode())


@pytest.mark.parametrize("name", ["v", "kid", "id", "ts", "box"])
def test_an_envelope_that_lacks_something(name: str) -> None:
    body = sealed()
    del body[name]
    with pytest.raises(MalformedError):
        read_envelope(json.dumps(body).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b"\x00",
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b'{"v":"jqf1","v":"jqf1"}',
        b"NaN",
        b"9" * 16_000,
        b"1e999999999999999999999",
        b'"\\ud800"',
    ],
)
def test_junk(body: bytes) -> None:
    with pytest.raises(MalformedError):
        read_envelope(body)


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_any_bytes(body: bytes) -> None:
    with pytest.raises(MalformedError):
        read_envelope(body)


def test_authentic_but_no_text() -> None:
    aad = b"jqf1\ndemo\nx\n1"
    nonce = bytes(12)
    box = base64.b64encode(nonce + KEY.aead().encrypt(nonce, b"\xff\xff", aad)).decode()
    with pytest.raises(MalformedError):
        open_box(KEY, Jqf1Envelope(v="jqf1", kid="demo", id="x", ts=1, box=box))


def test_errors_repeat_nothing_of_the_message() -> None:
    secret = "SECRET-4711"
    for body in (sealed() | {"kid": secret + " "}, sealed() | {secret: 1}, sealed() | {"box": secret}):
        with pytest.raises(MalformedError) as caught:
            read_envelope(json.dumps(body).encode())
        assert secret not in caught.value.detail + str(caught.value) + repr(caught.value)
    assert NotAuthenticError().status == 401
    assert MalformedError("一", "one").status == 400
    for error in (MalformedError("一", "one"), NotAuthenticError()):
        assert error.detail == f"{error.zh} / {error.en}"
        assert str(error) == error.en
    assert MalformedError("一", "one").detail == "一 / one"
    assert NotAuthenticError().en == "the message is not authentic: check strategy, key and both clocks"


class TestKey:
    """Key texts."""

    def test_generated_keys_differ_and_come_back(self) -> None:
        one, two = Key.generate(), Key.generate()
        assert one != two
        assert Key.parse(f" {one.text}\n") == one

    def test_nothing_shows_the_secret(self) -> None:
        text = KEY.text.removeprefix("jqf1_")
        for shown in (repr(KEY), str(KEY), f"{KEY}", repr([KEY]), repr({"k": KEY})):
            assert text not in shown
            assert "\\x" not in shown

    def test_sub_keys(self) -> None:
        known = VECTORS["subkeys_hex"]
        assert (KEY._seal.hex(), KEY._nonce.hex(), KEY._ack.hex()) == (known["seal"], known["nonce"], known["ack"])

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "jqf1_",
            KEY.text[:-1],
            KEY.text + "A",
            KEY.text.replace("jqf1_", "jqf2_"),
            KEY.text.removeprefix("jqf1_"),
            KEY.text[:-1] + "9",  # a spare bit
            KEY.text[:-1] + "=",
            KEY.text[:-1] + "+",
            KEY.text[:-1] + "钥",
            KEY.text[:20] + "\n" + KEY.text[21:],
        ],
    )
    def test_a_text_that_is_no_key(self, text: str) -> None:
        with pytest.raises(KeyTextError) as caught:
            Key.parse(text)
        assert len(text) < 10 or text not in str(caught.value)

    def test_what_is_wrong_with_a_text_is_said(self) -> None:
        for text, why in (
            (KEY.text.removeprefix("jqf1_"), "开头"),
            (KEY.text[:-1], "42 个"),
            (KEY.text[:-1] + "+", "不允许"),
            (KEY.text[:-1] + "9", "末位"),
        ):
            with pytest.raises(KeyTextError, match=why):
                Key.parse(text)

    @given(st.text(max_size=60))
    def test_any_text(self, text: str) -> None:
        with pytest.raises(KeyTextError):
            Key.parse(text)

    def test_too_few_bytes(self) -> None:
        with pytest.raises(KeyTextError):
            Key(secret=b"short")


def test_acks() -> None:
    mac = ack_mac(KEY, "a", "accepted")
    assert verify_ack(KEY, "a", "accepted", mac)
    assert not verify_ack(KEY, "a", "duplicate", mac)
    assert not verify_ack(KEY, "b", "accepted", mac)
    assert not verify_ack(Key.generate(), "a", "accepted", mac)
    for other in ("", mac[:-1], mac.upper(), "é" * 64, "\ud800"):
        assert not verify_ack(KEY, "a", "accepted", other)


def test_a_message_is_fresh_for_five_minutes() -> None:
    """As the clients' readers are told."""
    assert FRESH_S == 5 * 60


def test_a_box_that_is_no_base64_is_told_from_one_that_is_spelled_otherwise() -> None:
    for box, why in (("*" * 64, "not base64"), (str(sealed()["box"])[:-1], "not base64"), ("AB==", "not canonical")):
        with pytest.raises(ValidationError, match=why):
            Jqf1Envelope.model_validate(sealed() | {"box": box})


@pytest.mark.parametrize("value", [None, 7, "encrypted_order", ["encrypted_order"]])
def test_what_is_no_object_is_no_envelope(value: object) -> None:
    with pytest.raises(ValidationError, match="Jqf1Envelope"):
        TypeAdapter[Sealed](Sealed).validate_python(value)
    with pytest.raises(MalformedError, match="not a JSON object"):
        read_envelope(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (Jqf1Envelope.model_validate(sealed()), "ts"),
        (Answer(status="accepted", id="x", signal_id=1, mac="m"), "signal_id"),
        (AccountAnswer(account="main", can_trade=False), "can_trade"),
    ],
)
def test_what_came_and_what_is_answered_is_not_changed(told: BaseModel, field: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(told, field, 1)
