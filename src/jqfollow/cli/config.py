"""`jqfollow config`: looks at the configuration, tells where each value comes from, and changes single keys."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel, SecretStr

from jqfollow.cli.base import Exit, Group, config_option, fail, json_option, lang, print_json, say, table, words
from jqfollow.cli.names import unknown
from jqfollow.cli.serve import write_default
from jqfollow.meant import ACCOUNT, STRATEGY
from jqfollow.settings import Config, Follow, Layers, Settings, local_file, read_config
from jqfollow.settings.cautions import cautions
from jqfollow.settings.layers import RULES, InForce
from jqfollow.settings.origins import DEFAULT, KeyPath, Origin
from jqfollow.setup.own_file import Change, Changed, change_from_text, change_own

_ASKED = "-"
_NAMED = {"accounts": ACCOUNT, "strategies": STRATEGY}
_DEFAULTS = frozenset({"risk", "execution"})
_OWN = {"orders": "max_daily_orders", "turnover": "max_daily_turnover", "capital": "capital"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One value, as it is shown."""

    key: str
    value: Any
    origin: str


@click.group(cls=Group)
def config() -> None:
    """检查配置、查看每一项来自哪里、改一项。 / Checks the configuration, tells where values come from, sets them.

    自己的设置写在 config.local.toml，不会和更新冲突。 / One's own settings stand in config.local.toml.
    """


@config.command()
@config_option
@json_option
def check(*, config: Path, as_json: bool) -> None:
    """一次列出全部错误，带文件和行号。 / Lists every mistake at once, with file and line.

    退出码 / exit codes: 0 无误 fine · 2 有误 mistakes
    """
    read = read_config(config)
    if as_json:
        notes = [zh if words("zh", "en") == "zh" else en for zh, en in _cautions(read)]
        mistakes = [{"key": ".".join(m.path), "origin": str(m.origin or ""), "what": m.what} for m in read.mistakes]
        print_json({"ok": not mistakes, "mistakes": mistakes, "cautions": notes})
    else:
        _tell_of(read, config)
    if read.mistakes:
        raise click.exceptions.Exit(Exit.WRONG_USE)


def _tell_of(read: Config, path: Path) -> None:
    if read.settings is None:
        say(f"配置有 {len(read.mistakes)} 处错误：", f"the configuration has {len(read.mistakes)} mistakes:")
        for mistake in read.mistakes:
            click.secho(f"  {mistake.text(lang())}", fg="red")
        return
    files = " + ".join(str(file) for file in (path, local_file(path)) if file.exists())
    accounts, strategies = len(read.settings.accounts), len(read.settings.strategies)
    say(
        f"配置无误：{files}；账户 {accounts} 个，策略 {strategies} 个",
        f"the configuration is fine: {files}; accounts: {accounts}, strategies: {strategies}",
    )
    for caution in _cautions(read):
        click.secho(f"  {words('注意', 'note')}  {words(*caution)}", fg="yellow")


def _cautions(read: Config) -> list[tuple[str, str]]:
    return cautions(read.settings) if read.settings is not None else []


@config.command()
@click.argument("key", default="")
@click.option("--strategy", help="只看这个策略的订单实际用的值 / what is in force for this strategy's orders")
@click.option("--account", help="同上，在这个账户 / the same, in this account")
@config_option
@json_option
def show(*, key: str, strategy: str | None, account: str | None, config: Path, as_json: bool) -> None:
    """每一项的值和来处；密钥不显示。 / Each value and where it comes from; secrets are hidden.

    KEY: 只看这一项或这一节 / only this key or section: risk, accounts.main
    """
    read = read_config(config)
    if read.settings is None:
        fail("\n".join(mistake.text(lang()) for mistake in read.mistakes), Exit.WRONG_USE)
    settings = read.settings
    if strategy is not None or account is not None:
        found = [(f"{a} × {s}", _in_force(read, settings, a, s)) for a, s in _pairs(settings, account, strategy)]
    else:
        written = [row for row in _written(read, settings) if _within(row.key, key)]
        if not written:
            change_from_text(read, key, None)  # says which keys there are
            fail(words(f"{key} 没有写，按默认", f"{key} is not set"), Exit.WRONG_USE)
        found = [(words("配置", "configuration"), written)]
        if not key:
            own = [
                (f"{a} × {s}", _in_force(read, settings, a, s, only_own=True)) for a, s in _pairs(settings, None, None)
            ]
            found += [(name, rows) for name, rows in own if rows]
    if as_json:
        print_json(dict(found))
        return
    columns = [words("键", "key"), words("值", "value"), words("来自", "from")]
    for name, rows in found:
        table(_title(name), columns, [(row.key, _text(row.value), row.origin) for row in rows])


def _title(name: str) -> str:
    if " × " not in name:
        return name
    return words(f"账户 {name.replace(' × ', ' 上策略 ')} 的订单实际用的值", f"in force for orders of {name}")


def _within(key: str, wanted: str) -> bool:
    return not wanted or key == wanted or key.startswith(f"{wanted}.")


def _pairs(settings: Settings, account: str | None, strategy: str | None) -> list[tuple[str, str]]:
    """Who follows what, of those that are asked for."""
    asked = ((account, settings.accounts, ACCOUNT), (strategy, settings.strategies, STRATEGY))
    for name, known, what in asked:
        if name is not None and name not in known:
            raise unknown(what, name, known)
    return [
        (a, s)
        for s, one in settings.strategies.items()
        for a in one.follow
        if account in {None, a} and strategy in {None, s}
    ]


def _written(read: Config, settings: Settings) -> list[Row]:
    """Every value of the configuration; what an account or a strategy leaves to the defaults is left out."""
    return [
        Row(key=_dotted(path), value=_shown(value), origin=str(read.origins.get(path, DEFAULT)))
        for path, value in _values(settings, ())
    ]


def _values(section: BaseModel, path: KeyPath) -> list[tuple[KeyPath, Any]]:
    found: list[tuple[KeyPath, Any]] = []
    for key in (*type(section).model_fields, *(section.model_extra or ())):
        found += _value((*path, key), getattr(section, key))
    return found


def _value(path: KeyPath, value: Any) -> list[tuple[KeyPath, Any]]:
    if isinstance(value, Follow):
        told = {key: one for key, one in value.model_dump().items() if one is not None}
        return [(path, told["ratio"] if list(told) == ["ratio"] else told)]
    if isinstance(value, BaseModel):
        return _values(value, path)
    if isinstance(value, Mapping):
        return [pair for name, inner in value.items() for pair in _value((*path, name), inner)]
    if path[-1] == "account_id":
        value = f"…{str(value)[-4:]}"  # as on the page: enough to know it by
    return [] if value is None else [(path, value)]


def _in_force(read: Config, settings: Settings, account: str, strategy: str, *, only_own: bool = False) -> list[Row]:
    """All that judges and prices the strategy's orders in the account; or only what is not as by default."""
    layers = Layers(settings)
    found = [(f"risk.{key}", layers.risk_of(key, account, strategy)) for key in RULES]
    found += [(f"execution.{key}", layers.execution_of(key, strategy)) for key in type(settings.execution).model_fields]
    rows = [_row(read, key, one) for key, one in found if not only_own or not _is_default(one)]
    own, beside = layers.own(account, strategy), words("本策略另计", "counted for the strategy")
    for name, key in _OWN.items():
        if (value := getattr(own, name)) is not None:
            path = _origin_of_own(settings, account, strategy, key, value)
            rows.append(Row(key=f"{key} ({beside})", value=value, origin=_whose(read, path)))
    return rows


def _is_default(found: InForce) -> bool:
    return all(path[0] in _DEFAULTS for path in found.of)


def _origin_of_own(settings: Settings, account: str, strategy: str, key: str, value: object) -> KeyPath:
    of_strategy = getattr(settings.strategies[strategy].risk, key)
    return (
        ("strategies", strategy, "risk", key)
        if of_strategy == value
        else ("strategies", strategy, "follow", account, key)
    )


def _row(read: Config, key: str, found: InForce) -> Row:
    origin = " + ".join(_whose(read, path) for path in found.of) or str(DEFAULT)
    return Row(key=key, value=_shown(found.value), origin=origin)


def _whose(read: Config, path: KeyPath) -> str:
    """Whose word a value is: its key, where that is not the default's, and the place."""
    origin = read.origins.get(path, DEFAULT)
    return str(origin) if path[0] in _DEFAULTS else f"{_dotted(path)} {origin}"


def _dotted(path: Sequence[str]) -> str:
    return ".".join(f'"{step}"' if "." in step else step for step in path)


def _shown(value: object) -> object:
    """A value for people and programs; of a secret only that there is one."""
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(str(one) for one in value)
    return value if isinstance(value, bool | int | Decimal | Mapping) else _plain_text(value)


def _plain_text(value: object) -> object:
    return value if isinstance(value, float) else str(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "[]"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_text(one)}" for key, one in value.items())
    return str(value)


@config.command("set", context_settings={"ignore_unknown_options": True})  # -5 is a value
@click.argument("pairs", nargs=-1, required=True, metavar="KEY VALUE …")
@config_option
def set_(*, pairs: Sequence[str], config: Path) -> None:
    r"""改一项或几项，写进 config.local.toml，保留注释。 / Sets keys in config.local.toml; comments stay.

    \b
    jqfollow config set risk.max_order_value 200000
    jqfollow config set strategies.demo.follow.paper 0.5
    jqfollow config set notify.wecom.keys -          （隐藏输入 / typed unseen）
    jqfollow config set accounts.main '{ broker = "qmt", qmt_path = "…", account_id = "88888888" }'
    """
    if len(pairs) % 2:
        raise click.UsageError("应成对写 KEY VALUE / keys and values come in pairs")
    _change(config, list(zip(pairs[::2], pairs[1::2], strict=True)))


@config.command()
@click.argument("keys", nargs=-1, required=True, metavar="KEY …")
@config_option
def unset(*, keys: Sequence[str], config: Path) -> None:
    """去掉 config.local.toml 里自己的值，恢复默认。 / Takes one's own values away; the default holds again."""
    _change(config, [(key, None) for key in keys])


def _change(config: Path, wanted: Sequence[tuple[str, str | None]]) -> None:
    write_default(config)
    read = read_config(config)
    changes = [change_from_text(read, key, _typed(key) if text == _ASKED else text) for key, text in wanted]
    _refuse_strangers(read.values, changes)
    try:
        done = change_own(config, changes)
    except OSError as error:
        fail(
            words(f"无法写入 {local_file(config)}：{error.strerror}", f"{local_file(config)}: {error.strerror}"),
        )
    if done.warning:
        click.secho(done.warning, err=True, fg="yellow")
    for change in changes:
        _tell_change(done, change)
    for mistake in done.after.mistakes:
        click.secho(f"{words('还有错误：', 'still wrong: ')}{mistake.text(lang())}", err=True, fg="yellow")
    say("重启 jqfollow serve 生效", "restart jqfollow serve for it to take effect")


def _refuse_strangers(values: Mapping[str, Any], changes: Sequence[Change]) -> None:
    """A key of a strategy or an account that is not there begins none, but for the key that makes one."""
    begun = {change.path[:2] for change in changes if change.path[2:3] in {(), ("follow",), ("broker",)}}
    for change in changes:
        section, name = (*change.path, "", "")[:2]
        known = values.get(section, {})
        if section in _NAMED and name and name not in known and change.path[:2] not in begun:
            raise unknown(_NAMED[section], name, known)


def _typed(key: str) -> str:
    """A secret that a shell should not remember: typed unseen, or the next line of the input."""
    return click.prompt(key, hide_input=True, type=str) if sys.stdin.isatty() else sys.stdin.readline().strip()


def _tell_change(done: Changed, change: Change) -> None:
    path, was = change.path, done.before.origins.get(change.path, DEFAULT)
    origin = done.after.origins.get(path, DEFAULT)
    click.echo(f"{_dotted(path)}: {_at(done.before, path)} ({was}) → {_at(done.after, path)} ({origin})")
    if _overridden(origin, done, change):
        click.secho(
            words(f"环境变量 {origin} 盖住了它，改动不会生效", f"the variable {origin} lies over it: no effect"),
            err=True,
            fg="yellow",
        )


def _overridden(origin: Origin, done: Changed, change: Change) -> bool:
    return change.value is not None and origin.line is None and origin not in {DEFAULT, Origin(name=done.file.name)}


def _at(read: Config, path: KeyPath) -> str:
    """The value there, never a secret."""
    if read.settings is None:
        return "?"
    rows = [(p, value) for p, value in _values(read.settings, ()) if p[: len(path)] == path]
    if not rows:
        return words("无", "none")
    return "; ".join((f"{_dotted(p[len(path) :])} = " if p != path else "") + _text(_shown(value)) for p, value in rows)
