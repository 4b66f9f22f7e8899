"""Keeps an eye on the strategies' keys while the service runs, and tells people when some are lost or others."""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime

import structlog

from jqfollow.domain import JqfollowError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from jqfollow.wire.jqf1 import Key
from jqfollow.wire.keystore import KeyStore

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2
_KEY_OF = "key_of:"


class KeysWatch:
    """Tells once of each trouble, and when it is over; and of each key that took another's place."""

    def __init__(
        self,
        keys: KeyStore,
        ledger: Ledger,
        *,
        wanted: Collection[str],
        tell: Callable[[str], Awaitable[None]],
        anew: Collection[str] = (),
    ) -> None:
        """`wanted`: the strategies that need a key. `tell`: to people. `anew`: whose key was just made, and told."""
        self._keys = keys
        self._ledger = ledger
        self._wanted = sorted(wanted)
        self._tell = tell
        self._anew = frozenset(anew)
        self._seen: dict[str, str] | None = None
        self._kept: dict[str, str] | None = None
        self.trouble: tuple[str, str] | None = None
        """What is wrong now, in both languages."""

    async def look(self, _: datetime) -> None:
        """Looks at the file."""
        await self._look_for_trouble()
        await self._look_for_others()

    async def _look_for_trouble(self) -> None:
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

    async def _look_for_others(self) -> None:
        """Whose key is neither the one that was seen last nor its successor by `keys rotate`: told once."""
        prints = {name: found for name in self._wanted if (found := self._prints(name))}
        if self._seen is None:
            kept = await self._ledger.read(lambda tx: {name: tx.meta.get(f"{_KEY_OF}{name}") for name in prints})
            self._seen = {name: one for name, one in kept.items() if one and name not in self._anew}
        others = [name for name, found in prints.items() if self._seen.get(name, found[0]) not in found]
        newest = self._seen | {name: found[0] for name, found in prints.items()}
        if others:
            log.warning("keys_are_others", strategies=others)
            await self._tell(
                f"策略 {'、'.join(others)} 的密钥与原来的不同，聚宽里的旧客户端通不过（401）。"
                f"若是放回了旧的 {self._keys.path.name}，请换回最新的；"
                f"若是你换的，请 jqfollow client {others[0]} 重新生成"
            )
        if newest != self._kept:
            await self._ledger.write(lambda tx: _keep(tx, newest))
        self._seen = self._kept = newest

    def _prints(self, name: str) -> list[str]:
        """Of the present key, then of the one before it; a print gives no key away."""
        entry = self._keys.entry(name)
        if entry is None:
            return []
        return [_print(key) for key in (entry.current, entry.previous) if key is not None]

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


def _keep(tx: Tx, prints: Mapping[str, str]) -> None:
    for name, one in prints.items():
        tx.meta.set(f"{_KEY_OF}{name}", one)


def _print(key: Key) -> str:
    return hashlib.sha256(key.secret).hexdigest()[:16]
