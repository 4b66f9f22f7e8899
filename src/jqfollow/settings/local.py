"""A person's own settings, laid over the commented default: `config.local.toml` beside `config.toml`.

The default is the project's and changes with an update; what a person sets stands in the file of their own, which
no update touches.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jqfollow.settings.origins import KeyPath


def local_file(config: Path) -> Path:
    """Where a person's own settings over `config` stand: `config.local.toml` for `config.toml`."""
    return config.with_name(f"{config.stem}.local{config.suffix}")


def lay_over(base: Mapping[str, Any], own: Mapping[str, Any], at: KeyPath = ()) -> dict[str, Any]:
    """`base` with `own` over it, key by key; neither is changed.

    Two things are one decision each and are taken as a whole: who follows a strategy (else an account that the own
    file no longer names would go on following), and an account that is now at another broker.
    """
    merged = dict(base)
    for key, value in own.items():
        before, path = merged.get(key), (*at, key)
        if isinstance(value, Mapping) and isinstance(before, Mapping) and not _whole(path, before, value):
            merged[key] = lay_over(before, value, path)
        else:
            merged[key] = value
    return merged


def set_by(base: Mapping[str, Any], own: Mapping[str, Any], at: KeyPath = ()) -> Iterator[KeyPath]:
    """The paths whose value `own` gives: each of its values, and each table that `base` does not have."""
    for key, value in own.items():
        before, path = base.get(key), (*at, key)
        if not isinstance(value, Mapping):
            yield path
            continue
        if not isinstance(before, Mapping) or _whole(path, before, value):
            yield path
            before = {}
        yield from set_by(before, value, path)


def _whole(path: KeyPath, before: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    match path:
        case ("strategies", _, "follow"):
            return True
        case ("accounts", _):
            return "broker" in value and value["broker"] != before.get("broker")
        case _:
            return False
