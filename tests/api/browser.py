"""A real Chromium, driven over its debugging pipe: no driver program, no web socket."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_STARTER = """
import fcntl, os, sys
reading, writing = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 20) for fd in sys.argv[1:3])
os.dup2(reading, 3); os.dup2(writing, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


def installed() -> str | None:
    """The browser's program; `None` when there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page of one browser."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        """What the page wrote to the console as an error, and what its content policy blocked."""

    async def __aenter__(self) -> Self:
        program = installed()
        assert program is not None
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        arguments = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        arguments += ["--remote-debugging-pipe", f"--user-data-dir={self._profile}", "--no-first-run"]
        arguments += ["--disable-background-networking", "--disable-component-update", "--disable-sync", "about:blank"]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _STARTER,
            str(to_read),
            str(to_write),
            *arguments,
            pass_fds=(to_read, to_write),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
        file = os.fdopen(self._in, "rb", 0)
        self._pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), file
        )
        self._listener = asyncio.create_task(self._listen())
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        self._session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(f"{domain}.enable")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.cancel()
        self._process.kill()
        await self._process.wait()
        self._pipe.close()
        os.close(self._out)
        await asyncio.sleep(0)

    async def call(self, method: str, **params: Any) -> Any:
        """One command of the DevTools protocol."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        self._answers[number] = asyncio.get_running_loop().create_future()
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return await asyncio.wait_for(self._answers[number], 30)

    async def open(self, url: str, *, width: int = 1280, height: int = 900, mobile: bool = False) -> None:
        """Goes to `url`."""
        scale = 2 if mobile else 1
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile}
        await self.call("Emulation.setDeviceMetricsOverride", **size)
        await self.call("Page.navigate", url=url)

    async def eval(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        found = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"]["exception"].get("description"))
        return found["result"].get("value")

    async def until(self, expression: str) -> None:
        """Waits until the expression holds; 20 s at most."""
        async with asyncio.timeout(20):
            while True:
                try:
                    value = await self.eval(f"!!({expression})")
                except AssertionError:
                    value = None  # the page is not that far yet
                if value:
                    return
                await asyncio.sleep(0.02)

    async def go_offline(self, *, offline: bool) -> None:
        """Cuts the page off, or connects it again."""
        speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await self.call("Network.emulateNetworkConditions", offline=offline, **speed)

    async def picture(self, *, whole: bool = False) -> bytes:
        """A screenshot, PNG."""
        shot = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])

    async def _listen(self) -> None:
        while True:
            message = json.loads((await self._reader.readuntil(b"\0"))[:-1])
            waiting = self._answers.pop(message.get("id", 0), None)
            if waiting is not None and not waiting.done():
                if "error" in message:
                    waiting.set_exception(AssertionError(message["error"]))
                else:
                    waiting.set_result(message["result"])
            self._note(message.get("method"), message.get("params", {}))

    def _note(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"]["exception"].get("description", "?"))
