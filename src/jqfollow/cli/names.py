"""Names of the configuration that a person types; a wrong one ends the command."""

from collections.abc import Iterable

import click

from jqfollow.meant import ACCOUNT, STRATEGY, no_such
from jqfollow.settings import Settings
from jqfollow.vocabulary import Pair


def unknown(what: Pair, name: str, known: Iterable[str]) -> click.BadParameter:
    """Says that there is no such name, which one may be meant, and which there are."""
    return click.BadParameter(" / ".join(no_such(what, name, known)))


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
