"""Names that a person types: a wrong one is never an empty answer, and the one that may be meant is named."""

import difflib
from collections.abc import Iterable

from jqfollow.vocabulary import Pair

STRATEGY: Pair = ("策略", "strategy")
ACCOUNT: Pair = ("账户", "account")
PC: Pair = ("电脑", "PC")
COMMAND: Pair = ("命令", "command")
_SHOWN = 12


def closest(name: str, known: Iterable[str]) -> str | None:
    """The name that is probably meant."""
    by_folded = {one.casefold(): one for one in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.5)
    return by_folded[found[0]] if found else None


def no_such(what: Pair, name: str, known: Iterable[str]) -> Pair:
    """Says in both languages that there is no such name, which one may be meant, and which there are."""
    names = sorted(known)
    meant = closest(name, names)
    listed = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    hint = f"，是不是 {meant}？" if meant else "。", f", did you mean {meant}?" if meant else "."
    there = f"现有：{listed}" if names else "一个也没有", f" There are: {listed}" if names else " There is none"
    return f"没有{what[0]} {name}{hint[0]}{there[0]}", f"no {what[1]} {name}{hint[1]}{there[1]}"
