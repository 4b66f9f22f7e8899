"""Reads the configuration: `config.toml`, a person's own `config.local.toml` over it, then the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from jqfollow.settings.environment import lay_environment_over
from jqfollow.settings.explain import ConfigError, explain
from jqfollow.settings.local import lay_over, local_file, set_by
from jqfollow.settings.origins import KeyPath, Mistake, Origin, Origins, origin_of
from jqfollow.settings.sections import Account, ConsoleSettings, Settings, SignalsSettings, Strategy, misfits
from jqfollow.settings.toml_file import TomlFile, read_toml


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A configuration as it was read: what is in force, where it comes from, and all that is wrong with it."""

    values: Mapping[str, Any]
    """As written, the layers over each other."""
    origins: Origins
    mistakes: list[Mistake]
    settings: Settings | None
    """`None` with any mistake."""


def default_config() -> bytes:
    """The commented `config.toml` that a new folder gets; the same as the one at the repository's root."""
    return files("jqfollow.settings").joinpath("default.toml").read_bytes().replace(b"\r\n", b"\n")


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The configuration in the TOML file `path`, in its local file, and in the environment.

    Relative paths in it are relative to the file.

    Raises:
        ConfigError: a file cannot be read, is not UTF-8 or not TOML, or holds something impossible.
    """
    config = read_config(path, environ)
    own = f" + {local_file(path).name}" if local_file(path).exists() else ""
    return _settled(config, f"{path}{own}")


def read_config(
    path: Path, environ: Mapping[str, str] | None = None, *, own: TomlFile | None = None, base: TomlFile | None = None
) -> Config:
    """The same, with all that is wrong instead of an exception.

    Args:
        path: the file `config.toml`.
        environ: instead of the process's.
        own: instead of the local file's content.
        base: instead of the file's own.
    """
    own_path = local_file(path)
    if own is None:
        own = read_toml(own_path) if own_path.exists() else TomlFile(name=own_path.name)
    config = _put_together(base or read_toml(path), own, os.environ if environ is None else environ)
    if config.settings is None:
        return config
    folder = config.settings.data_dir.expanduser()
    settings = config.settings.model_copy(update={"data_dir": path.resolve().parent / folder})
    return Config(values=config.values, origins=config.origins, mistakes=[], settings=settings)


def parse_settings(data: Mapping[str, Any], *, source: str, environ: Mapping[str, str] | None = None) -> Settings:
    """The configuration `data`, completed by the environment.

    Raises:
        ConfigError: like `load_settings`.
    """
    base, own = TomlFile(name=source, values=dict(data)), TomlFile(name="")
    return _settled(_put_together(base, own, os.environ if environ is None else environ), source)


def _settled(config: Config, source: str) -> Settings:
    if config.settings is None:
        lines = "\n".join(f"  {mistake}" for mistake in config.mistakes)
        raise ConfigError(f"配置有误 / wrong configuration: {source}\n{lines}")
    return config.settings


def _put_together(base: TomlFile, own: TomlFile, environ: Mapping[str, str]) -> Config:
    origins: dict[KeyPath, Origin] = {path: base.origin(path) for path in base.lines}
    for path in set_by(base.values, own.values):
        for gone in [known for known in origins if known[: len(path)] == path]:
            del origins[gone]
        origins[path] = own.origin(path)
    merged, variables, unknown = lay_environment_over(lay_over(base.values, own.values), environ)
    origins.update(variables)
    broken = [*base.mistakes, *own.mistakes]
    settings, wrong = _validated(merged, origins, whole=not broken)
    mistakes = [*broken, *unknown, *wrong]
    return Config(values=merged, origins=origins, mistakes=mistakes, settings=None if mistakes else settings)


def _validated(merged: Mapping[str, Any], origins: Origins, *, whole: bool) -> tuple[Settings | None, list[Mistake]]:
    """The settings, or all that is wrong; of what could not be read as a `whole` only what is wrong by itself."""
    try:
        return Settings.model_validate(merged), []
    except ValidationError as error:
        wrong = explain(error, origins, whole=whole)
    if whole:
        wrong += [
            Mistake(path=misfit.path, origin=origin_of(misfit.path, origins), what=misfit.what)
            for misfit in _misfits_of_what_is_valid(merged)
        ]
    return None, wrong


def _misfits_of_what_is_valid(merged: Mapping[str, Any]) -> list[Any]:
    """What does not fit together, whatever else is wrong."""
    accounts, strategies = _table(merged, "accounts"), _table(merged, "strategies")
    return misfits(
        accounts=_valid_ones(TypeAdapter(Account), accounts),
        known=accounts,
        strategies=_valid_ones(TypeAdapter(Strategy), strategies),
        signals=_valid(TypeAdapter(SignalsSettings), _table(merged, "signals")),
        console=_valid(TypeAdapter(ConsoleSettings), _table(merged, "console")),
    )


def _table(merged: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = merged.get(key)
    return found if isinstance(found, Mapping) else {}


def _valid_ones(adapter: TypeAdapter[Any], table: Mapping[str, Any]) -> dict[str, Any]:
    tried = {name: _valid(adapter, value) for name, value in table.items()}
    return {name: value for name, value in tried.items() if value is not None}


def _valid(adapter: TypeAdapter[Any], value: object) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None
