"""A local stand-in for WeCom's group robots: a real HTTP server on a free port that behaves like the real one.

    with WecomServer(keys=("robot-key-1",)) as wecom:
        config = f'[notify.wecom]\\nkeys = ["{wecom.address("robot-key-1")}"]'
        ...
        wecom.wait_for(1)                     # until so many messages were delivered; raises after `timeout_s`
        assert "已成交" in wecom.texts()[0]

It runs in threads of its own: usable from blocking tests, from asyncio and for processes under test. It checks what
WeCom checks, in its order, and answers with HTTP 200 and WeCom's `errcode`: 93000 for an unknown key, 40008 for an
unknown type, 44004 for an empty text, 40058 for a text over its limit of bytes, 45009 for more than `per_minute`
messages of one robot within 60 s of the clock `now` (give a virtual one to leave time out of it).

`wecom.next(...)` prescribes what happens to the next requests, in their order; afterwards it behaves again:

    wecom.next(45033, Trouble.HANG, b"<html>gateway</html>")

An `int` below 100 or over 599 is an `errcode`, one between is an HTTP status, `bytes` are the body of an HTTP 200;
`Trouble` names the rest. `wecom.always`
does the same for every request until it is set to `None`. `messages` holds what was delivered, `requests` counts all.
"""

import base64
import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

LIMITS = {"text": 2048, "markdown": 4096, "markdown_v2": 4096}
_WORDS = {
    0: "ok",
    -1: "system busy",
    40008: "invalid message type",
    40058: "content exceed max length",
    44004: "empty content",
    45002: "content size out of limit",
    45009: "api freq out of limit",
    45033: "api concurrent out of limit",
    93000: "invalid webhook url",
}


class Trouble(Enum):
    """What may happen to a request instead of an answer with an `errcode`."""

    HANG = auto()
    """No answer until the server is closed."""
    TRICKLE = auto()
    """An answer that comes byte by byte and never ends."""
    DROP = auto()
    """The connection ends without an answer; not delivered."""
    DROP_AFTER = auto()
    """The connection ends without an answer, and the message was delivered."""
    HUGE = auto()
    """An answer of many megabytes."""
    REDIRECT = auto()
    """HTTP 302 to another address that holds the key."""
    ECHO = auto()
    """An `errcode` with an `errmsg` that quotes the whole address."""


Fate = int | bytes | Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a robot put into its group."""

    key: str
    msgtype: str
    text: str


class WecomServer:
    """See the module."""

    def __init__(
        self,
        keys: Collection[str] = ("robot-key-1", "robot-key-2"),
        *,
        per_minute: int = 20,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keys = set(keys)
        self.messages: list[Message] = []
        self.requests = 0
        self.always: Fate | None = None
        self.closing = threading.Event()
        self._per_minute = per_minute
        self._now = now
        self._next: deque[Fate] = deque()
        self._taken: dict[str, deque[float]] = {}
        self._changed = threading.Condition()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="wecom")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def address(self, key: str) -> str:
        """The whole webhook address of the robot `key`."""
        return f"http://127.0.0.1:{self._server.server_port}/cgi-bin/webhook/send?key={key}"

    def next(self, *fates: Fate) -> None:
        """What happens to the next requests."""
        self._next.extend(fates)

    def texts(self, key: str | None = None) -> list[str]:
        """The texts delivered, by one robot or by all."""
        with self._changed:
            return [message.text for message in self.messages if key in {None, message.key}]

    def wait_for(self, count: int, *, timeout_s: float = 10) -> None:
        """Until `count` messages were delivered.

        Raises:
            TimeoutError: they were not.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.messages) >= count, timeout_s):
                raise TimeoutError(f"{len(self.messages)} of {count} messages within {timeout_s} s")

    def fate(self) -> Fate | None:
        """What the request that has just come is to meet."""
        with self._changed:
            self.requests += 1
            return self._next.popleft() if self._next else self.always

    def take(self, key: str, body: bytes) -> int:
        """Puts a message into its group, or says why not."""
        with self._changed:
            if key not in self.keys:
                return 93000
            try:
                told = json.loads(body)
                msgtype = told["msgtype"]
                if msgtype == "image":
                    png = base64.b64decode(told["image"]["base64"])
                    same = hashlib.md5(png, usedforsecurity=False).hexdigest() == told["image"]["md5"]
                    text, limit = f"image/{png[1:4].decode()}" if same else "", 2 * 1024 * 1024
                else:
                    text, limit = told[msgtype]["content"], LIMITS[msgtype]
            except (ValueError, KeyError, TypeError):
                return 40008
            if not text:
                return 44004
            if len(text.encode()) > limit:
                return 40058
            taken = self._taken.setdefault(key, deque())
            while taken and taken[0] <= self._now() - 60:
                taken.popleft()
            if len(taken) >= self._per_minute:
                return 45009
            taken.append(self._now())
            self.messages.append(Message(key=key, msgtype=msgtype, text=text))
            self._changed.notify_all()
            return 0


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for them

    def __init__(self, wecom: WecomServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wecom = wecom


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.close_connection = True
        wecom = self.server.wecom
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        fate = wecom.fate()
        try:
            if isinstance(fate, Trouble):
                self._trouble(fate, body)
            elif isinstance(fate, bytes):
                self._answer(200, fate)
            elif fate is not None and 100 <= fate <= 599:
                self._answer(fate, b"")
            else:
                self._errcode(self._take(body) if fate is None else fate)
        except OSError:  # the client went away
            pass

    def do_GET(self) -> None:
        """Nobody should ask: a redirect was followed."""
        self.close_connection = True
        self.server.wecom.fate()
        self._answer(405, b"")

    def log_message(self, *args: Any) -> None:
        """Nothing is logged."""

    def _take(self, body: bytes) -> int:
        address = urlsplit(self.path)
        if address.path != "/cgi-bin/webhook/send":
            return 93000
        return self.server.wecom.take(parse_qs(address.query).get("key", [""])[0], body)

    def _trouble(self, trouble: Trouble, body: bytes) -> None:
        match trouble:
            case Trouble.HANG:
                self.server.wecom.closing.wait()
            case Trouble.TRICKLE:
                self._head(200, 1_000_000)
                while not self.server.wecom.closing.wait(0.005):
                    self.wfile.write(b" ")
            case Trouble.DROP:
                pass
            case Trouble.DROP_AFTER:
                self._take(body)
            case Trouble.HUGE:
                self._head(200, 100_000_000)
                while not self.server.wecom.closing.is_set():
                    self.wfile.write(b" " * 65_536)
            case Trouble.REDIRECT:
                self._answer(302, b"", location=f"http://127.0.0.1:{self.server.server_port}{self.path}&again=1")
            case Trouble.ECHO:
                self._errcode(-1, f"busy at http://{self.headers['Host']}{self.path}")

    def _errcode(self, code: int, words: str | None = None) -> None:
        answer = {"errcode": code, "errmsg": _WORDS.get(code, "unknown") if words is None else words}
        self._answer(200, json.dumps(answer).encode())

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self._head(status, len(body), **headers)
        self.wfile.write(body)

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
