"""Keeps an eye on the strategies' keys while the service runs, and tells people when the file has lost some."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

import structlog

from jqfollow.domain import JqfollowError
from jqfollow.wire.keystore import KeyStore

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2


class KeysWatch:
    """Tells once of each trouble, and when it is over."""

    def __init__(self, keys: KeyStore, *, wanted: Collection[str], tell: Callable[[str], Awaitable[None]]) -> None:
        """`wanted`: the strategies that need a key. `tell`: to people."""
        self._keys = keys
        self._wanted = sorted(wanted)
        self._tell = tell
        self.trouble: tuple[str, str] | None = None
        """What is wrong now, in both languages."""

    async def look(self, _: datetime) -> None:
        """Looks at the file."""
        found, before = self._found(), self.trouble
        self.trouble = found
        if found == before:
            return
        if found is None:
            log.info("keys_are_well_again")
            return
        log.error("keys_in_trouble", why=found[1])
        try:
            await self._tell(found[0])
        except JqfollowError:
            self.trouble = before  # the next look tells
            raise

    def _found(self) -> tuple[str, str] | None:
        known = self._keys.strategies()
        if self._keys.trouble:
            zh, _, en = self._keys.trouble.partition(" / ")
            return (
                f"密钥文件有问题：{zh}。运行中的服务仍用原来的密钥，重启前请把文件从备份放回来",
                f"the keys' file: {en or zh}. The running service goes on with the keys of before: put the file back",
            )
        lost = [name for name in self._wanted if name not in known]
        if not lost:
            return None
        names = "、".join(lost)
        zh = f"策略 {names} 的密钥从 {self._keys.path} 里消失了，信号都通不过（401）：请从备份放回来"
        en = f"the keys of {', '.join(lost)} are gone from {self._keys.path}: their signals are refused (401)"
        return zh, en
