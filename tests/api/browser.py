"""A real Chromium, driven over its debugging pipe: no driver program, no web socket."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_NUMBERS = itertools.count(1)
_STARTER = """
import fcntl, os, sys
reading, writing = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 20) for fd in sys.argv[1:3])
os.dup2(reading, 3); os.dup2(writing, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


def installed() -> str | None:
    """The browser's program; `None` when there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Chromium:
    """The browser's program: a process for many pages, one after another."""

    def __init__(self, profile: Path) -> None:
        program = installed()
        assert program is not None
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        arguments = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        arguments += ["--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-first-run"]
        arguments += ["--disable-background-networking", "--disable-component-update", "--disable-sync", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _STARTER, str(to_read), str(to_write), *arguments],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.heard: Callable[[Any], None] = lambda _message: None
        """Called with each message of the browser, on a thread of its own."""
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        os.close(self._out)

    def say(self, message: Any) -> None:
        """Sends a message."""
        os.write(self._out, json.dumps(message).encode() + b"\0")

    def _listen(self) -> None:
        with os.fdopen(self._in, "rb", 0) as pipe:
            rest = b""
            while chunk := pipe.read(1 << 20):
                *messages, rest = (rest + chunk).split(b"\0")
                for message in messages:
                    self.heard(json.loads(message))


class Browser:
    """One page, in a context of its own: no cookie and no file of another one's."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        """What the page wrote to the console as an error, and what its content policy blocked."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._chromium.heard = lambda message: loop.call_soon_threadsafe(self._hear, message)
        self.context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        page = await self.call("Target.createTarget", url="about:blank", browserContextId=self.context)
        attached = await self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(f"{domain}.enable")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._session = None
        await self.call("Target.disposeBrowserContext", browserContextId=self.context)
        self._chromium.heard = lambda _message: None

    async def call(self, method: str, **params: Any) -> Any:
        """One command of the DevTools protocol."""
        number = next(_NUMBERS)
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._chromium.say(message)
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

    def _hear(self, message: Any) -> None:
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
