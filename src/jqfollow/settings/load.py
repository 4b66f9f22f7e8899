"""Reads the configuration: `config.toml`, a person's own `config.local.toml` over it, then the environment."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jqfollow.settings import schema
from jqfollow.settings.explain import ConfigError, explain, unknown_key
from jqfollow.settings.local import lay_over, local_file, set_by
from jqfollow.settings.sections import Settings

ENV_PREFIX = "JQFOLLOW_"
_OWN_VARIABLES = frozenset({"JQFOLLOW_CONFIG", "JQFOLLOW_LANG", "JQFOLLOW_PYTHON36"})
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_NAME_BORDERS = re.compile(r"[.\-_]")

Sources = dict[tuple[str, ...], str]


def default_config() -> bytes:
    """The commented `config.toml` that a new folder gets; the same as the one at the repository's root."""
    return files("jqfollow.settings").joinpath("default.toml").read_bytes().replace(b"\r\n", b"\n")


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The configuration in the TOML file `path`, in its local file, and in the environment.

    Relative paths in it are relative to the file.

    Raises:
        ConfigError: a file cannot be read, is not UTF-8 or not TOML, or holds something impossible.
    """
    own_path = local_file(path)
    own = _toml(own_path) if own_path.exists() else None
    settings = parse_settings(_toml(path), source=str(path), environ=environ, own=own, own_source=own_path.name)
    folder = settings.data_dir.expanduser()
    return settings.model_copy(update={"data_dir": path.resolve().parent / folder})


def parse_settings(
    data: Mapping[str, Any],
    *,
    source: str,
    environ: Mapping[str, str] | None = None,
    own: Mapping[str, Any] | None = None,
    own_source: str = "",
) -> Settings:
    """The configuration `data` with a person's `own` over it, completed by the environment.

    Raises:
        ConfigError: like `load_settings`; what came from `own` is named by `own_source`.
    """
    sources: Sources = {}
    if own is not None:
        sources.update(dict.fromkeys(set_by(data, own), own_source))
        data = lay_over(data, own)
        source = f"{source} + {own_source}"
    merged, variables, wrong = _overlay(data, os.environ if environ is None else environ)
    sources.update(variables)
    settings = None
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        wrong += explain(error, sources)
    if settings is None or wrong:
        lines = "\n".join(f"  {line}" for line in wrong)
        raise ConfigError(f"配置有误 / wrong configuration: {source}\n{lines}")
    return settings


def _toml(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"找不到配置文件 {path}；在空文件夹里运行 jqfollow serve 会生成一份 / "
            "there is no such file; jqfollow serve writes one into an empty folder"
        ) from None
    except OSError as error:
        raise ConfigError(f"无法读取 {path}：{error.strerror} / cannot be read") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path} 第 {line} 行不是 UTF-8 编码（可能是 GBK），请在编辑器中另存为 UTF-8 / "
            f"line {line} is not UTF-8 (GBK, perhaps): save the file as UTF-8"
        ) from None
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} 不是有效的 TOML：{error}{_hint(text, error)} / is not valid TOML") from None
    except (InvalidOperation, RecursionError) as error:
        raise ConfigError(f"{path} 不是有效的 TOML / is not valid TOML: {type(error).__name__}") from None


def _hint(text: str, error: tomllib.TOMLDecodeError) -> str:
    found = re.search(r"line (\d+)", str(error))
    line = text.splitlines()[int(found[1]) - 1] if found and int(found[1]) <= len(text.splitlines()) else ""
    if "\\" in line and '"' in line:
        return "；Windows 路径请用单引号 / put a Windows path in single quotes: 'D:\\QMT\\userdata_mini'"
    code = line.split("#", 1)[0]  # a comment may hold any punctuation
    if found_percent := re.search(r"=\s*(\d+(?:\.\d+)?)\s*[%％]", code):
        share = f"{Decimal(found_percent[1]) / 100:f}"
        return f"；百分数请写成小数：{share} / write a percentage as a decimal number: {share}"
    if re.search(r"^\s*\[[^\]\"']*[^\x00-\x7f“”‘’［］]", code):
        return (
            "；小节名只用英文、数字、. _ -，中文名写进 title / a section's name is of letters, digits, . _ - alone; "
            "other names belong in title"
        )
    if re.search("[“”‘’＝，［］｛｝]", code):
        return "；这一行有中文标点，请改用英文标点 / the line has full-width punctuation"
    return ""


def _overlay(data: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], Sources, list[str]]:
    merged = _copy(data)
    sources: Sources = {}
    wrong: list[str] = []
    names = [n for n in environ if n.upper().startswith(ENV_PREFIX) and n.upper() not in _OWN_VARIABLES]
    for name in sorted(names, key=lambda n: (n.count("__"), n)):
        try:
            path, node = _resolve(name[len(ENV_PREFIX) :].split("__"), merged)
        except ConfigError as error:
            wrong.append(f"{name}: {error}")
            continue
        _put(merged, path, _value(environ[name].strip(), node))
        sources[tuple(path)] = name
    return merged, sources, wrong


def _resolve(steps: list[str], data: Mapping[str, Any]) -> tuple[list[str], schema.Node]:
    """The path of the key that the environment variable's `steps` name, and what may stand there."""
    node, here, path = schema.root(), data, list[str]()
    for step in steps:
        known = schema.keys(node)
        if schema.is_map(node):
            alike = [key for key in here if _folded(key) == _folded(step)]
            if len(alike) > 1:
                raise ConfigError(f"{step} 可以指 / may mean {', '.join(alike)}")
            key = alike[0] if alike else step.lower()
        elif step.lower() in known:
            key = step.lower()
        else:
            raise ConfigError(unknown_key(step.lower(), node, known))
        below = schema.child(node, key)
        node, path = below if below is not None else {}, [*path, key]
        inner = here.get(key)
        here = inner if isinstance(inner, Mapping) else {}
    return path, node


def _folded(name: str) -> str:
    return _NAME_BORDERS.sub("_", name).casefold()


def _value(text: str, node: schema.Node) -> object:
    """The environment's text as the type that the key wants; as it is when it cannot be read as such."""
    types = schema.types(node)
    if "boolean" in types:
        return _BOOLEANS.get(text.lower(), text)
    if text[:1] in {"[", "{"} and types & {"array", "object"}:
        return _literal(text)
    if "array" in types:
        return [item for part in re.split("[,，]", text) if (item := part.strip())]
    try:
        if "integer" in types:
            return int(text)
        if types & {"number", "object"}:  # a table is a strategy's `follow`, which may be a bare ratio
            return Decimal(text)
    except (ValueError, InvalidOperation):
        pass
    return text


def _literal(text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        pass
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        return text


def _copy(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in data.items()}


def _put(data: dict[str, Any], path: list[str], value: object) -> None:
    here = data
    for key in path[:-1]:
        below = here.get(key)
        if not isinstance(below, dict):
            below = here[key] = {}
        here = below
    last = path[-1]
    before = here.get(last)
    if isinstance(value, Mapping) and isinstance(before, dict):
        for key, inner in value.items():
            _put(before, [str(key)], inner)
    else:
        here[last] = value
