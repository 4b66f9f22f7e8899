"""HTTP as the strategy's client speaks it, with as little of its own time as can be: blocking, head and body apart."""

import socket
from typing import Self

_READ = 65_536


class Connection:
    """One connection to a port of this machine; `with` closes it."""

    def __init__(self, port: int, *, timeout_s: float = 120) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def post(self, body: bytes, *, more: str = "") -> bytes:
        """Posts a signal, with `more` lines in its head; the body of the answer, which must be a 200."""
        head = (
            f"POST /api/order HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{more}\r\n"
        )
        self._socket.sendall(head.encode())
        self._socket.sendall(body)
        return self._answer()

    def get(self, path: str, *, token: str | None = None) -> bytes:
        """The body of a query's answer, which must be a 200."""
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n{bearer}\r\n".encode())
        return self._answer()

    def _answer(self) -> bytes:
        got = bytearray()
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._more()
        head = bytes(got[:end]).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        while len(got) < end + 4 + length:
            got += self._more()
        body = bytes(got[end + 4 :])
        if not head.startswith(b"http/1.1 200 "):
            raise ConnectionError(f"answered {head.splitlines()[0].decode()}: {body[:300].decode(errors='replace')}")
        return body

    def _more(self) -> bytes:
        got = self._socket.recv(_READ)
        if not got:
            raise ConnectionError("the connection ended before its answer")
        return got
