"""A signals port that behaves as a test says, on a real socket."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from jqfollow.wire.jqf1 import Jqf1Envelope, Key, ack_mac, open_box


@dataclass(kw_only=True)
class Service:
    """`modes` are used up one a request, then `ok` holds; a mode is `ok`, a status, or a way to misbehave."""

    key: Key
    modes: list[Any] = field(default_factory=list)
    retry_after: str | None = None
    hello: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    """What answers to orders have besides."""
    seen: list[Jqf1Envelope] = field(default_factory=list)
    """Every request that was read."""
    texts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was delivered, by id, in order."""
    sizes: list[int] = field(default_factory=list)
    cut: int = 0
    """Answers that the client did not read to the end."""
    on_request: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def orders(self) -> list[dict[str, Any]]:
        return [text for text in self.texts.values() if text["kind"] == "order"]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [text for text in self.texts.values() if text["kind"] == kind]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        assert handler.path == "/api/order"
        assert handler.headers["Content-Type"] == "application/json"
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        envelope = Jqf1Envelope.model_validate_json(body)
        self.seen.append(envelope)
        self.sizes.append(len(body))
        self.on_request()
        mode = self.modes.pop(0) if self.modes else "ok"
        if mode == "close":
            handler.close_connection = True
            return
        if mode == "hang":
            self._over.wait()
            return
        if isinstance(mode, int):
            self._send(handler, mode, {"status": "error", "error": "x", "detail": "说明"})
            return
        self._deliver(handler, mode, self._accept(envelope))

    def _deliver(self, handler: BaseHTTPRequestHandler, mode: str, answer: dict[str, Any]) -> None:
        if mode == "lost":  # it stands in the ledger, and the answer never comes
            return
        if mode == "bad_mac":
            answer["mac"] = "0" * 64
        if mode == "wrong_id":
            answer["mac"] = ack_mac(self.key, "another", answer["status"])
        if mode == "not_json":
            self._send_raw(handler, 200, b"[" * 4000)
        elif mode == "endless":
            self._drip(handler, b"x" * 1_000_000, pause_s=0)
        elif mode == "drip":
            self._drip(handler, b" " * 4000, pause_s=0.02)
        elif mode == "drip_head":
            self._drip(handler, b"", pause_s=0.02)
        else:
            self._send(handler, 200, answer)

    def _accept(self, envelope: Jqf1Envelope) -> dict[str, Any]:
        status = "duplicate" if envelope.id in self.texts else "accepted"
        text = json.loads(open_box(self.key, envelope))
        self.texts[envelope.id] = text
        number = list(self.texts).index(envelope.id) + 1
        told = {"hello": self.hello, "order": self.told}.get(text["kind"], {})
        mac = ack_mac(self.key, envelope.id, status)
        return {"status": status, "id": envelope.id, "signal_id": number, "mac": mac} | told

    def _send(self, handler: BaseHTTPRequestHandler, status: int, answer: dict[str, Any]) -> None:
        self._send_raw(handler, status, json.dumps(answer).encode())

    def _send_raw(self, handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        if self.retry_after:
            handler.send_header("Retry-After", self.retry_after)
        if 300 <= status < 400:
            handler.send_header("Location", "/elsewhere")
        handler.end_headers()
        handler.wfile.write(body)

    def _drip(self, handler: BaseHTTPRequestHandler, body: bytes, *, pause_s: float) -> None:
        try:
            if body:
                handler.send_response(200)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
            else:
                body = b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000
            for n in range(len(body)):
                handler.wfile.write(body[n : n + 1])
                if pause_s and self._over.wait(pause_s):
                    return
        except OSError:
            self.cut += 1
