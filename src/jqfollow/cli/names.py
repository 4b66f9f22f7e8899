"""Names that a person types: a wrong one is never an empty answer, and the one that may be meant is named."""

import difflib
from collections.abc import Iterable

import click

from jqfollow.settings import Settings
from jqfollow.vocabulary import Pair

STRATEGY: Pair = ("策略", "strategy")
ACCOUNT: Pair = ("账户", "account")
_SHOWN = 12


def closest(name: str, known: Iterable[str]) -> str | None:
    """The name that is probably meant."""
    by_folded = {one.casefold(): one for one in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.5)
    return by_folded[found[0]] if found else None


def unknown(what: Pair, name: str, known: Iterable[str]) -> click.BadParameter:
    """Says that there is no such name, which one may be meant, and which there are."""
    names = sorted(known)
    meant = closest(name, names)
    listed = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "") if names else ""
    hint = f"，是不是 {meant}？" if meant else "。", f", did you mean {meant}?" if meant else "."
    there = f"现有：{listed}" if listed else "一个也没有", f" There are: {listed}" if listed else " There is none"
    return click.BadParameter(f"没有{what[0]} {name}{hint[0]}{there[0]} / no {what[1]} {name}{hint[1]}{there[1]}")


def known_strategy(settings: Settings, name: str) -> str:
    """`name`, when the configuration has such a strategy; else the command ends."""
    if name not in settings.strategies:
        raise unknown(STRATEGY, name, settings.strategies)
    return name


def known_account(settings: Settings, name: str) -> str:
    """`name`, when the configuration has such an account; else the command ends."""
    if name not in settings.accounts:
        raise unknown(ACCOUNT, name, settings.accounts)
    return name
