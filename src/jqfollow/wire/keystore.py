"""`<data_dir>/keys.toml`: the keys of `jqf1` strategies, for their owner only.

The service reads while the command line rotates: changes are made under a lock file and put in place at once, and a
reader looks at the file's time and size again within a twentieth of a second.
"""

import contextlib
import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import structlog
from filelock import FileLock, Timeout

from jqfollow.clock import SHANGHAI, Clock, SystemClock
from jqfollow.domain import JqfollowError
from jqfollow.wire.errors import KeyTextError
from jqfollow.wire.jqf1 import KID_PATTERN, Key
from jqfollow.wire.private_file import is_private, make_private, write_private

log = structlog.get_logger(__name__)
_LOCK_WAIT_S = 10
LOOK_EVERY_S = 0.05
"""So long what another program changed may go unseen."""
_LEAST_DIFFERENT = 20
"""Different bytes in a key: 32 random ones have about 30, and less than this only if they are not random."""
_HEAD = """\
# jqfollow 各策略的密钥。谁有密钥，谁就能以该策略的名义发信号：不要外传，不要放进网盘或代码库。
# 更换请用 jqfollow keys rotate 策略名，再用 jqfollow client 策略名 重新生成客户端。
# The strategies' keys. Whoever has one can send signals: keep this file to yourself. To change: jqfollow keys rotate.
"""


class KeyStoreError(JqfollowError):
    """`keys.toml` cannot be read, written or understood; the message repeats nothing of its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyKeys:
    """One strategy's keys, shown to nobody."""

    current: Key
    made_at: datetime
    previous: Key | None = None
    previous_until: datetime | None = None
    """`previous` opens messages until then."""


class KeyStore:
    """The keys in one file; safe to use from several threads and processes."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.warnings: list[str] = []
        """What people must know about the file's safety."""
        self.trouble = ""
        """Why the file could not be read when it was looked at last: the keys are those of before."""
        self._clock = clock
        self._lock = FileLock(path.with_name(path.name + ".lock"), timeout=_LOCK_WAIT_S)
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str, StrategyKeys] = {}
        self._looked_at: float | None = None

    @classmethod
    def open(cls, path: Path, clock: Clock | None = None) -> Self:
        """The keys in `path`; none when there is no such file.

        Access of other users is taken away; where that fails, `warnings` says so.

        Raises:
            KeyStoreError: the file cannot be read or is not a file of keys.
        """
        store = cls(path, clock or SystemClock())
        store._load()
        return store

    def ensure(self, strategies: Iterable[str]) -> list[str]:
        """Makes a key for each of `strategies` that has none; returns their names.

        Raises:
            KeyStoreError: the file cannot be read or written.
            ValueError: a name that no message can carry.
        """
        wanted = list(dict.fromkeys(strategies))
        if wrong := [name for name in wanted if not re.fullmatch(KID_PATTERN, name)]:
            raise ValueError(f"not a strategy's name: {wrong}")
        self._refresh()
        if all(name in self._keys for name in wanted):
            return []
        with self._changing():
            self._load()
            missing = [name for name in wanted if name not in self._keys]
            now = self._clock.now()
            self._write(self._keys | {name: StrategyKeys(current=Key.generate(), made_at=now) for name in missing})
        return missing

    def keys(self, strategy: str) -> tuple[Key, ...]:
        """The current key, then the previous one while its grace lasts; empty for an unknown strategy.

        A file that cannot be read any more leaves the keys as they were, and the log says so.
        """
        self._refresh_or_keep()
        found = self._keys.get(strategy)
        if found is None:
            return ()
        if found.previous and found.previous_until and self._clock.now() < found.previous_until:
            return found.current, found.previous
        return (found.current,)

    def entry(self, strategy: str) -> StrategyKeys | None:
        """What stands in the file about `strategy`."""
        self._refresh_or_keep()
        return self._keys.get(strategy)

    def strategies(self) -> list[str]:
        """The names of all strategies that have a key."""
        self._refresh_or_keep()
        return sorted(self._keys)

    def rotate(self, strategy: str, *, grace: timedelta, now: datetime) -> None:
        """Gives `strategy` a new key; the present one opens messages for `grace` longer, an older one no more.

        Raises:
            KeyStoreError: the strategy has no key, or the file cannot be read or written.
        """
        if grace < timedelta(0):
            raise ValueError(f"grace is negative: {grace}")
        with self._changing():
            self._load()
            old = self._keys.get(strategy)
            if old is None:
                raise KeyStoreError(f"策略 {strategy} 在 {self.path} 中没有密钥 / the strategy has no key there")
            new = StrategyKeys(current=Key.generate(), made_at=now)
            if grace:
                new = replace(new, previous=old.current, previous_until=now + grace)
            self._write(self._keys | {strategy: new})

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise KeyStoreError(f"另一个程序正在修改 {self.path} / is being changed by another program") from None
        except OSError as error:
            raise KeyStoreError(f"无法写入 {self.path}：{error.strerror} / cannot be written") from error
        try:
            yield
        finally:
            self._lock.release()

    def _refresh_or_keep(self) -> None:
        now = self._clock.monotonic()
        if self._looked_at is not None and 0 <= now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        try:
            if self._refresh():
                self.trouble = ""
        except KeyStoreError as error:
            self.trouble = str(error)
            log.warning("keys_not_reread", path=str(self.path), error=str(error))

    def _refresh(self) -> bool:
        """Reads the file when it changed; whether it did."""
        changed = self._stamp_now() != self._stamp
        if changed:
            self._load()
        return changed

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _load(self) -> None:
        stamp = self._stamp_now()
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            self._stamp = None
            if self._keys:
                raise KeyStoreError(f"{self.path} 不见了 / has gone") from None
            return
        except OSError as error:
            raise KeyStoreError(f"无法读取 {self.path}：{error.strerror} / cannot be read") from error
        self._stamp = stamp  # also of a damaged file: it is complained about once, not with every message
        keys = _parse(raw, self.path)
        if self._keys and not keys:
            raise KeyStoreError(f"{self.path} 里一个密钥也没有了 / holds no key any more")
        self._keys = keys
        if is_private(self.path) is False:
            warning = make_private(self.path)
            log.warning("keys_were_readable_for_others", path=str(self.path), mended=not warning)
            self.warnings.append(
                warning
                or f"{self.path} 原本能被其他用户读取，已改为只有本人可读；若有疑虑请更换密钥"
                " / other users could read it until now; rotate the keys if in doubt"
            )

    def _write(self, keys: Mapping[str, StrategyKeys]) -> None:
        try:
            warning = write_private(self.path, _render(keys).encode())
        except OSError as error:
            raise KeyStoreError(f"无法写入 {self.path}：{error.strerror} / cannot be written") from error
        if warning:
            self.warnings.append(warning)
        self._stamp = self._stamp_now()
        self._keys = dict(keys)


def _parse(raw: bytes, path: Path) -> dict[str, StrategyKeys]:
    try:
        data = tomllib.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # no UTF-8, no TOML, a number of 5,000 digits, 1,000 brackets
        # Neither the parser's words nor the cause: they may quote a key.
        raise KeyStoreError(f"{path} 已损坏，不是有效的 TOML；请恢复备份 / is no TOML: restore it") from None
    keys = {name: _entry(name, section, path) for name, section in data.items()}
    _refuse_unsafe(keys, path)
    return keys


def _refuse_unsafe(keys: Mapping[str, StrategyKeys], path: Path) -> None:
    """A key that anybody could know, or that two strategies share, keeps nobody out."""
    owners: dict[Key, str] = {}
    for name, entry in keys.items():
        for key in {entry.current, entry.previous} - {None}:
            assert key is not None  # noqa: S101 - for mypy
            if _is_no_chance(key.secret):
                raise KeyStoreError(
                    f"{path} 中 {name} 的密钥不是随机的（重复、有规律、一句话）：请删除这一节，重启后会生成新的 / "
                    f"the key of {name} is not random: delete its section, and the next start makes a new one"
                )
            other = owners.setdefault(key, name)
            if other != name:
                raise KeyStoreError(
                    f"{path} 中 {other} 与 {name} 的密钥相同，一个就能冒充另一个：请删除其中一节，重启后会生成新的 / "
                    f"{other} and {name} have the same key: delete one section, and the next start makes a new one"
                )


def _is_no_chance(secret: bytes) -> bool:
    """Bytes that somebody thought of: few, a row, or a text. Fewer than one random key in 10^10 is taken for one."""
    steps = {(after - before) % 256 for before, after in itertools.pairwise(secret)}
    return len(set(secret)) < _LEAST_DIFFERENT or len(steps) == 1 or _is_text(secret)


def _is_text(secret: bytes) -> bool:
    try:
        return secret.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _entry(name: str, section: Any, path: Path) -> StrategyKeys:
    try:
        entry = StrategyKeys(
            current=Key.parse(section["key"]),
            made_at=_moment(section["made_at"]),
            previous=Key.parse(section["previous"]) if "previous" in section else None,
            previous_until=_moment(section["previous_until"]) if "previous_until" in section else None,
        )
    except KeyTextError as error:
        raise KeyStoreError(f"{path} 中 {name} 的密钥有误：{error}") from None
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        raise KeyStoreError(f"{path} 中 [{name}] 一节写法有误 / the section is malformed") from None
    return entry


def _moment(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time without zone")
    return value.astimezone(SHANGHAI)


def _render(keys: Mapping[str, StrategyKeys]) -> str:
    parts = [_HEAD]
    for name, entry in sorted(keys.items()):
        parts.append(f'["{name}"]\nkey = "{entry.current.text}"\nmade_at = {entry.made_at.isoformat()}')
        if entry.previous and entry.previous_until:
            parts[-1] += f'\nprevious = "{entry.previous.text}"\nprevious_until = {entry.previous_until.isoformat()}'
    return "\n".join(parts).replace("\n[", "\n\n[") + "\n"
