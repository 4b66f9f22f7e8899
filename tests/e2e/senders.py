"""JoinQuant's side of both wires, written from the protocols alone: nothing here comes from the service."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


class Jqf1Sender:
    """Seals messages of wire `jqf1` and verifies their answers."""

    def __init__(self, key_text: str, kid: str) -> None:
        encoded = key_text.removeprefix("jqf1_")
        secret = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        extracted = hmac.digest(b"jqf1", secret, "sha256")  # HKDF, RFC 5869; 32 bytes are its first block
        self._sub_keys = {name: hmac.digest(extracted, name.encode() + b"\x01", "sha256") for name in _SUB_KEYS}
        self._kid = kid

    def seal(self, text: str, *, message_id: str, ts: int) -> dict[str, Any]:
        """The body of one attempt at sending `text`."""
        aad = f"jqf1\n{self._kid}\n{message_id}\n{ts}".encode()
        nonce = hmac.digest(self._sub_keys["nonce"], aad + b"\n" + text.encode(), "sha256")[:12]
        box = nonce + ChaCha20Poly1305(self._sub_keys["seal"]).encrypt(nonce, text.encode(), aad)
        return {"v": "jqf1", "kid": self._kid, "id": message_id, "ts": ts, "box": base64.b64encode(box).decode()}

    def verifies(self, answer: Mapping[str, Any], message_id: str) -> bool:
        """Whether the answer comes from who holds the key, and is about this message."""
        told = f"jqf1\n{message_id}\n{answer['status']}".encode()
        mac = hmac.new(self._sub_keys["ack"], told, hashlib.sha256).hexdigest()
        return answer["id"] == message_id and hmac.compare_digest(mac, answer["mac"])


_SUB_KEYS = ("seal", "nonce", "ack")


def seed_body(password: str, fields: Mapping[str, str], sent: datetime) -> dict[str, str]:
    """The body that the widely copied original client posts."""
    text = json.dumps({**fields, "密码": password}, ensure_ascii=False).encode()
    key = hashlib.sha256(password.encode()).digest()
    mixed = bytes(byte ^ key[place % len(key)] for place, byte in enumerate(text))
    inner = {
        "signature": hmac.new(key, text, hashlib.sha256).hexdigest(),
        "data": base64.b64encode(mixed).decode(),
    }
    return {"encrypted_order": base64.b64encode(json.dumps(inner).encode()).decode(), "timestamp": str(sent)}
