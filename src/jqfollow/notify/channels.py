"""Other ways to people: DingTalk, Feishu, ServerChan, e-mail and what else `apprise` knows.

An address holds a token or a password. It is given to the library and to nobody else: the library's own log lines are
off, and what it raises is told by its type alone.
"""

import asyncio
import hashlib
import logging
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from jqfollow.notify.texts import clean, cut
from jqfollow.notify.wecom import Delivered, GaveUp, Outcome, RetryLater
from jqfollow.settings import ConfigError

DEADLINE_S = 30.0
_BODY_BYTES = 1900
_TITLE_BYTES = 90
_NOT_TAKEN = "对方没有接收，请查地址、口令和网络 / not taken: look at the address, the token, the network"
_INSTALL = "pip install jqfollow[channels]"


class Channel:
    """One address of `[notify.NAME]`; like a `wecom.WecomRobot` to its line."""

    def __init__(self, section: str, url: SecretStr, *, deadline_s: float = DEADLINE_S) -> None:
        """`section` is the NAME; `deadline_s` the longest time for one message."""
        self._url = url
        self._deadline_s = deadline_s
        digest = hashlib.sha256(url.get_secret_value().encode()).hexdigest()[:8]
        self.name = f"{section}-{digest}"

    def __repr__(self) -> str:
        return f"Channel({self.name})"

    def check(self) -> None:
        """Raises `ConfigError`: the package is missing, or the address is none that it knows."""
        _ = self._service

    @cached_property
    def _service(self) -> Any:
        try:
            import apprise  # slow, and only for who wants it
        except ModuleNotFoundError:
            section = self.name.rpartition("-")[0]
            raise ConfigError(f"[notify.{section}] 要装 apprise：{_INSTALL} / needs apprise: {_INSTALL}") from None
        for library in ("apprise", "urllib3", "requests"):
            logging.getLogger(library).setLevel(logging.CRITICAL + 1)  # their lines hold addresses
        asset = apprise.AppriseAsset(app_id="jqfollow", app_desc="jqfollow", allow_templates=False, secure_logging=True)
        service = apprise.Apprise.instantiate(self._url.get_secret_value(), asset=asset, suppress_exceptions=True)
        if service is None:
            section = self.name.rpartition("-")[0]
            raise ConfigError(
                f"notify.{section}.urls: 有一个地址看不懂，写法见 docs/configuration.md / "
                "one address is not understood; see docs/configuration.md"
            )
        return service

    async def send(self, text: str) -> Outcome:
        """Sends one message; never raises for what the other side does."""
        body = cut(clean(text) or "（空）", _BODY_BYTES)
        title = cut(body.partition("\n")[0], _TITLE_BYTES)
        return await self._say(body=body, title=title)

    async def send_image(self, png: bytes) -> Outcome:
        """Sends a picture to what takes files; to others, nothing."""
        try:
            if not self._service.attachment_support:
                return Delivered()
        except ConfigError as error:
            return GaveUp(why=str(error), robot=True)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "jqfollow.png"
            await asyncio.to_thread(path.write_bytes, png)
            return await self._say(body="📈", title="jqfollow", attach=str(path))

    async def _say(self, *, body: str, title: str, attach: str | None = None) -> Outcome:
        try:
            async with asyncio.timeout(self._deadline_s):
                taken = await asyncio.to_thread(self._tell, body, title, attach)
        except TimeoutError:
            return RetryLater(why=f"{self._deadline_s:g} 秒内没有回答 / no answer in time")
        except ConfigError as error:
            return GaveUp(why=str(error), robot=True)
        except Exception as error:  # noqa: BLE001  # its words may hold the address
            return RetryLater(why=f"发送失败 / not sent: {type(error).__name__}")
        return (
            Delivered()
            if taken
            else RetryLater(why="对方没有接收（地址、口令或网络）/ not taken: address, token or network")
        )

    def _tell(self, body: str, title: str, attach: str | None) -> bool:
        import apprise

        sender = apprise.Apprise()
        sender.add(self._service)
        return bool(sender.notify(body, title, body_format="text", interpret_escapes=False, attach=attach))
