"""A stand-in for WeCom: takes every message and says that it is well."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_WELL = b'{"errcode":0,"errmsg":"ok"}'


class Robot:
    """Listens while it is entered; `told` counts the messages."""

    def __enter__(self) -> Self:
        self.told = 0
        robot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                robot.told += 1
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(_WELL)))
                self.end_headers()
                self.wfile.write(_WELL)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, name="robot", daemon=True).start()
        return self

    @property
    def address(self) -> str:
        """As it stands in `[notify.wecom] keys`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/cgi-bin/webhook/send?key=bench-robot"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
