"""Where a value of the configuration stands, and what is wrong with it there."""

from collections.abc import Mapping
from dataclasses import dataclass

from jqfollow.reasons import Lang

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A place in a file, or an environment variable."""

    name: str
    line: int | None = None

    def __str__(self) -> str:
        """`config.toml:12`, `JQFOLLOW_SIGNALS__PORT`."""
        return self.name if self.line is None else f"{self.name}:{self.line}"


DEFAULT = Origin(name="default.toml")
"""Set nowhere: as in the commented default."""

Origins = Mapping[KeyPath, Origin]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that makes a configuration impossible."""

    path: KeyPath
    origin: Origin | None
    what: str
    """In Chinese and English: what stands there, and what is allowed."""

    def __str__(self) -> str:
        """`risk.max_price_drift (config.local.toml:3): …`."""
        return f"{self.place}: {self.what}" if self.place else self.what

    @property
    def place(self) -> str:
        """The key and where it stands; either may be unknown."""
        key, of = ".".join(self.path), str(self.origin or "")
        return f"{key} ({of})" if key and of else key or of

    def text(self, lang: Lang) -> str:
        """The same in one language."""
        zh, _, en = self.what.partition(" / ")
        what = zh if lang == "zh" else en or zh
        return f"{self.place}: {what}" if self.place else what


def origin_of(path: KeyPath, origins: Origins) -> Origin | None:
    """Where the value at `path` was set, or the table that it should stand in; `None`: neither stands anywhere."""
    return next((origins[path[:n]] for n in range(len(path), 0, -1) if path[:n] in origins), None)
