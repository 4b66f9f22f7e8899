"""The client's own ChaCha20-Poly1305 and HKDF, against RFC 8439, the vectors and `cryptography`."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from jqfollow.wire.jqf1 import Jqf1Envelope, ack_mac, open_box, seal
from wire.clients import KEY, load

client = load()._JqFollow
VECTORS = json.loads((Path(__file__).parent / "vectors" / "jqf1.json").read_text(encoding="utf-8"))
SUNSCREEN = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    b"sunscreen would be it."
)


def test_rfc_8439_2_3_2_block() -> None:
    block = client.block(bytes(range(32)), 1, bytes.fromhex("000000090000004a00000000"))
    assert block.hex() == (
        "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
    )


def test_rfc_8439_2_5_2_poly1305() -> None:
    key = bytes.fromhex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
    assert client.poly1305(key, b"Cryptographic Forum Research Group").hex() == "a8061dc1305136c6c22b8baf0c0127a9"


def test_rfc_8439_2_8_2_aead() -> None:
    sealed = client.encrypt(
        bytes(range(0x80, 0xA0)),
        bytes.fromhex("070000004041424344454647"),
        SUNSCREEN,
        bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
    )
    assert sealed[:16].hex() == "d31a8d34648e60db7b86afbc53ef7ec2"
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["id"])
def test_vectors(case: dict[str, object]) -> None:
    assert client.seal(case["id"], case["ts"], case["text"]) == case["body"]
    for status in ("accepted", "duplicate"):
        assert client.is_proven(case["id"], {"status": status, "mac": case[f"{status}_mac"]})


@given(
    key=st.binary(min_size=32, max_size=32),
    nonce=st.binary(min_size=12, max_size=12),
    plain=st.binary(max_size=200),
    aad=st.binary(max_size=80),
)
@settings(max_examples=25, deadline=None)
def test_as_cryptography_does(key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> None:
    assert client.encrypt(key, nonce, plain, aad) == ChaCha20Poly1305(key).encrypt(nonce, plain, aad)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1024])
def test_at_the_edges_of_blocks(size: int) -> None:
    key, nonce, plain = bytes(range(32)), bytes(12), b"\xff" * size
    assert client.encrypt(key, nonce, plain, b"a" * (size % 33)) == ChaCha20Poly1305(key).encrypt(
        nonce, plain, b"a" * (size % 33)
    )


@given(text=st.text(max_size=120), ts=st.integers(0, 4_102_444_800))
@settings(max_examples=25, deadline=None)
def test_the_service_opens_what_the_client_seals(text: str, ts: int) -> None:
    body = json.loads(client.dumps(client.seal("demo-1", ts, text)))
    assert body == seal(KEY, "demo", "demo-1", ts, text) or not text
    if text:
        assert open_box(KEY, Jqf1Envelope.model_validate(body)) == text


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"status": "accepted"},
        {"status": "accepted", "mac": None},
        {"status": "accepted", "mac": ""},
        {"status": "accepted", "mac": "é"},
        {"status": "accepted", "mac": ack_mac(KEY, "a", "duplicate")},
        {"status": "accepted", "mac": ack_mac(KEY, "b", "accepted")},
        {"status": "refused", "mac": ack_mac(KEY, "a", "refused")},
        {"status": ["accepted"], "mac": ack_mac(KEY, "a", "accepted")},
    ],
)
def test_an_answer_that_proves_nothing(answer: dict[str, object]) -> None:
    assert not client.is_proven("a", answer)
    assert client.is_proven("a", {"status": "accepted", "mac": ack_mac(KEY, "a", "accepted")})
