"""What the doctor's checks give back, and what they may look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import httpx

from jqfollow.clock import Clock
from jqfollow.reasons import Lang
from jqfollow.settings import Settings


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """Works; a person should know."""
    FAIL = "fail"
    """Does not work, or will not when it matters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, with what to do about it (empty when nothing)."""

    name: str
    level: Level
    zh: str
    en: str
    remedy_zh: str = ""
    remedy_en: str = ""

    def text(self, lang: Lang) -> str:
        """What was found."""
        return self.zh if lang == "zh" else self.en

    def remedy(self, lang: Lang) -> str:
        """What to do about it."""
        return self.remedy_zh if lang == "zh" else self.remedy_en


def ok(name: str, zh: str, en: str) -> Finding:
    """Nothing to do."""
    return Finding(name=name, level=Level.OK, zh=zh, en=en)


def warn(name: str, zh: str, en: str, remedy_zh: str, remedy_en: str) -> Finding:
    """Works, and a person should know."""
    return Finding(name=name, level=Level.WARN, zh=zh, en=en, remedy_zh=remedy_zh, remedy_en=remedy_en)


def bad(name: str, zh: str, en: str, remedy_zh: str, remedy_en: str) -> Finding:
    """Does not work."""
    return Finding(name=name, level=Level.FAIL, zh=zh, en=en, remedy_zh=remedy_zh, remedy_en=remedy_en)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What checks may look at."""

    settings: Settings
    clock: Clock
    http: httpx.Client
    """Straight to the address, with a short deadline."""
    send_test: bool = False
    """May a test message go to the robots?"""
    folder: Path | None = None
    """Where the configuration stands."""


Check = Callable[[Surroundings], Sequence[Finding]]
"""Looks at one thing; never raises for what it finds."""
