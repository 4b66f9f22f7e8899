"""What the relay, its PCs and its clients call things, and how each word is proven."""

import hashlib
import hmac
import re

from jqfollow.wire.jqf1 import Key

SIGNALS = "SIG"
RECEIPTS = "RCPT"
FOLDERS = "HERE"
"""Which data folder uses a PC's file: the first one that came with it."""
KEPT_S = 7 * 86_400.0
PC_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""A PC's name is part of subjects and of a consumer's name."""


def token(text: str) -> str:
    """A strategy's name as one token of a subject: it may hold dots, and never holds a tilde."""
    return text.replace(".", "~")


def signal_subject(strategy: str) -> str:
    """Where its messages are stored."""
    return f"sig.{token(strategy)}"


def receipt_subject(pc: str, strategy: str, message_id: str) -> str:
    """Where `pc` tells of one message; an id holds characters that a subject may not."""
    return f"rcpt.{pc}.{token(strategy)}.{hashlib.sha256(message_id.encode()).hexdigest()[:32]}"


def folder_subject(pc: str, public: str) -> str:
    """Where `pc` told which data folder uses its file; written anew, the file has another public key."""
    return f"here.{pc}.{public}"


def seed_mac(relay_key: bytes, strategy: str) -> str:
    """What stands in the address of a strategy with the original client, which cannot vouch for a message."""
    return request_mac(relay_key, f"seed\n{strategy}".encode())[:32]


def inbox(user: str) -> str:
    """The prefix under which `user`, and nobody else, hears answers."""
    return f"_INBOX_{user}"


def request_mac(relay_key: bytes, data: bytes) -> str:
    """`X-Relay-Mac` of a body: whoever knows the relay key may store; it cannot make an order."""
    return hmac.new(relay_key, data, hashlib.sha256).hexdigest()


def stored_mac(relay_key: bytes, message_id: str) -> str:
    """The relay's word that the message is on its disk."""
    return request_mac(relay_key, f"jqf1\n{message_id}\nstored".encode())


def receipt_mac(key: Key, message_id: str, status: str, pc: str) -> str:
    """A PC's word that the message is in its ledger: by the strategy's key, which the relay does not have."""
    return key.ack(f"jqf1\n{message_id}\n{status}\n{pc}".encode())
