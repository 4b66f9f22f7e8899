"""A WeCom (企业微信) group robot: the only file that knows its address.

Messages are of type `text`: the members of such a group often read it in WeChat, which shows `markdown` and
`markdown_v2` as "message type not supported"; and a `text` looks the same on every phone and in notifications.

The address holds the key. It is kept out of errors, logs (httpx's and httpcore's own lines included) and reprs.
"""

import asyncio
import base64
import hashlib
import json
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl

import httpx
from pydantic import SecretStr

from jqfollow.notify.texts import MAX_BYTES, clean, cut, one_line
from jqfollow.settings import ConfigError

_ADDRESS = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="
_MAX_ANSWER_BYTES = 65_536
_MOST_IMAGE = 2 * 1024 * 1024
"""Of a picture (developer.work.weixin.qq.com/document/path/91770)."""
_OK = 200
_TOO_MANY = 429

# errcode: WeCom, 全局错误码 and 群机器人配置说明
_RATE = 45009
_BAD_ROBOT = frozenset({93000})
"""The key is wrong, or the robot was removed from its group."""
_BUSY = frozenset({-1, 45033})
_BAD_MESSAGE = frozenset({40008, 40058, 45002})
"""The type, a parameter or the length is wrong: ours to mend, and no retry will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The robot took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLater:
    """Not delivered, or nobody knows; may work later."""

    why: str
    after_s: float = 0
    """Not before so many seconds; 0: the sender decides."""
    refused: bool = False
    """An answer of WeCom's own that we do not know: the message itself may be the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """Not delivered, and never will be."""

    why: str
    robot: bool = False
    """The robot is to blame, and takes no other message either; else this message is."""


Outcome = Delivered | RetryLater | GaveUp


def make_client() -> httpx.AsyncClient:
    """The client for robots; the caller closes it.

    It goes straight to the address: `trust_env` would take a proxy from the environment or from the Windows registry,
    and a proxy program that is no longer running (a common sight on Chinese desktops) would silence every message,
    although WeCom is reachable without. Who needs a way around gives a relay's whole address as the key.
    """
    return httpx.AsyncClient(
        verify=_trusted(), trust_env=False, follow_redirects=False, timeout=httpx.Timeout(10, connect=5)
    )


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are believed: reading their list takes longer than all the rest of a client."""
    return httpx.create_ssl_context(trust_env=False)


class WecomRobot:
    """One robot.

    `name` tells robots apart in the ledger, logs and status, and stays the same over restarts without showing the key.
    """

    def __init__(self, key_or_url: SecretStr, client: httpx.AsyncClient, *, deadline_s: float = 15) -> None:
        """A robot at `key_or_url`: its key, or its whole webhook address, which is used as it is.

        Args:
            key_or_url: what WeCom shows for the robot.
            client: `make_client()`; stays the caller's.
            deadline_s: longest time for one message, however slowly the answer trickles.

        Raises:
            ConfigError: this is no address.
        """
        given = key_or_url.get_secret_value()
        url = given if given.startswith(("http://", "https://")) else _ADDRESS + given
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL:
            self._url = httpx.URL()
        if not self._url.host:
            raise ConfigError("notify.wecom.keys: 其中一个地址无效 / one of the addresses is not valid")
        self.name = f"wecom-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
        self._client = client
        self._deadline_s = deadline_s
        self._secrets = _secrets_of(url)
        _SCRUB.add(self._secrets)

    def __repr__(self) -> str:
        return f"WecomRobot({self.name})"

    async def send(self, text: str) -> Outcome:
        """Sends one message, cut to 2048 bytes if longer; never raises for what the other side does."""
        content = cut(clean(text) or "（空）", MAX_BYTES)
        return await self._say({"msgtype": "text", "text": {"content": content}})

    async def send_image(self, png: bytes) -> Outcome:
        """Sends a picture of at most 2 MB; like `send`."""
        if len(png) > _MOST_IMAGE:
            return GaveUp(why=f"{len(png)} bytes are no picture that WeCom takes")
        image = {"base64": base64.b64encode(png).decode(), "md5": hashlib.md5(png, usedforsecurity=False).hexdigest()}
        return await self._say({"msgtype": "image", "image": image})

    async def _say(self, message: Mapping[str, object]) -> Outcome:
        try:
            async with asyncio.timeout(self._deadline_s):
                status, body = await self._post(message)
        except TimeoutError:
            return RetryLater(why=f"{self._deadline_s:g} 秒内没有回答 / no answer in time")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return RetryLater(why=self._hidden(f"连接失败 / {type(error).__name__}: {error}"))
        return self._read(status, body)

    async def _post(self, message: Mapping[str, object]) -> tuple[int, bytes | None]:
        """Status and body of the answer; `None` for a body that is too long to be an answer of WeCom."""
        async with self._client.stream(
            "POST",
            self._url,
            json=message,
            headers={"Accept-Encoding": "identity"},  # nothing that unfolds
            follow_redirects=False,
        ) as answer:
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _MAX_ANSWER_BYTES:
                    return answer.status_code, None
            return answer.status_code, bytes(body)

    def _read(self, status: int, body: bytes | None) -> Outcome:
        if status != _OK:
            return RetryLater(why=f"HTTP {status}", after_s=60 if status == _TOO_MANY else 0)
        if body is None:
            return RetryLater(why="回答过长 / the answer is too long")
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        code = answer.get("errcode") if isinstance(answer, dict) else None
        if type(code) is not int:  # True is an int to isinstance
            return RetryLater(why="回答不是企业微信的格式 / not an answer of WeCom")
        return _judge(code, self._hidden(f"errcode {code}: {answer.get('errmsg', '')}"))

    def _hidden(self, text: str) -> str:
        return cut(one_line(_without(text, self._secrets)), 200)


def _judge(code: int, why: str) -> Outcome:
    if code == 0:
        return Delivered()
    if code in _BAD_ROBOT:
        return GaveUp(why=f"密钥无效或机器人已被移除 / bad key or robot removed: {why}", robot=True)
    if code in _BAD_MESSAGE:
        return GaveUp(why=why)
    if code == _RATE:
        return RetryLater(why=why, after_s=60)
    return RetryLater(why=why, refused=code not in _BUSY)


def _secrets_of(url: str) -> frozenset[str]:
    """What may not be seen of an address: all after the host, and each value of its query."""
    parsed = httpx.URL(url)
    query = parsed.query.decode("ascii")
    values = {value for _, value in parse_qsl(query)} | {pair.partition("=")[2] for pair in query.split("&")}
    parts = {url, str(parsed), parsed.raw_path.decode("ascii"), query, parsed.userinfo.decode("ascii"), *values}
    least = 6  # shorter ones are no secrets, and hiding them would garble every line
    return frozenset(part for part in parts if len(part) >= least)


def _without(text: str, secrets: frozenset[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


class _Scrub(logging.Filter):
    """Takes the robots' addresses out of log lines of the libraries that handle them."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets: frozenset[str] = frozenset()

    def add(self, secrets: frozenset[str]) -> None:
        """Hides these too, from now on."""
        self._secrets |= secrets
        for name in ("httpx", "httpcore.http11", "httpcore.http2", "httpcore.connection", "httpcore.proxy"):
            logging.getLogger(name).addFilter(self)  # a second time does nothing

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every line through, without secrets."""
        line = record.getMessage()
        hidden = _without(line, self._secrets)
        if hidden != line:
            record.msg, record.args = hidden, ()
        return True


_SCRUB = _Scrub()
