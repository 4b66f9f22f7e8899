"""Ports that are free, and stay so until a test's service takes them."""

import contextlib
import itertools
import os
import socket

_NEXT = itertools.count(os.getpid() * 61 % 10_000)


def free_port() -> int:
    """Below the range out of which the system gives ports to whoever connects: it is still free when it is taken."""
    while True:
        port = 20_000 + next(_NEXT) % 12_000
        with socket.socket() as taken, contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port
