"""What all commands share: language, configuration, output, and how errors end a command."""

import gc
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NoReturn, TypeVar

import click
from rich.console import Console

from jqfollow.cli.tables import table_lines
from jqfollow.cli.usage import Formatter, told
from jqfollow.clock import FIRST_DAY, LAST_DAY, SystemClock
from jqfollow.domain import JqfollowError
from jqfollow.ledger.errors import LedgerDamagedError
from jqfollow.meant import COMMAND, no_such
from jqfollow.reasons import Lang
from jqfollow.settings import ConfigError, Settings, load_settings
from jqfollow.wire.errors import KeyTextError
from jqfollow.wire.keystore import KeyStoreError

_WIDE = 220
_META = "jqfollow.lang"
F = TypeVar("F", bound=Callable[..., Any])


class Exit:
    """Exit codes."""

    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    LEDGER_DAMAGED = 3


def _set_lang(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value:
        context.meta[_META] = value


def _lang_option() -> click.Option:
    return click.Option(
        ["--lang"],
        type=click.Choice(["zh", "en"]),
        envvar="JQFOLLOW_LANG",
        is_eager=True,
        expose_value=False,
        callback=_set_lang,
        help="输出语言 / language of the output (JQFOLLOW_LANG)",
    )


def _first_line(text: str | None) -> str:
    """For the list of commands: click would cut it before the English half."""
    return (text or "").strip().partition("\n")[0]


class Command(click.Command):
    """A command that knows `--lang`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_lang_option())
        self.short_help = self.short_help or _first_line(self.help)


class Group(click.Group):
    """A group whose commands end with a sentence, not with a traceback, when something is wrong."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_lang_option())
        self.short_help = self.short_help or _first_line(self.help)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of a name; of a wrong one, which may be meant."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(" / ".join(no_such(COMMAND, args[0], self.commands)), ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except JqfollowError as error:
            fail(str(error), exit_code(error))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # as click has it
        **extra: Any,
    ) -> Any:
        """Runs the program; a wrong use is told in Chinese and English."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            click.secho(told(error), err=True, fg="red")
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("已中止 / aborted", err=True)
            sys.exit(Exit.FAILED)
        sys.exit(code if isinstance(code, int) else Exit.DONE)


Group.group_class = Group
click.Context.formatter_class = Formatter


@contextmanager
def reading_code() -> Iterator[None]:
    """Of code that is read nothing is garbage: to look for it takes a seventh of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def exit_code(error: JqfollowError) -> int:
    """With which code a command ends because of `error`."""
    if isinstance(error, LedgerDamagedError):
        return Exit.LEDGER_DAMAGED
    wrong_use = isinstance(error, ConfigError | KeyStoreError | KeyTextError)
    return Exit.WRONG_USE if wrong_use else Exit.FAILED


def fail(text: str, code: int = Exit.FAILED) -> NoReturn:
    """Ends the command with a sentence on standard error."""
    click.secho(text, err=True, fg="red")
    raise click.exceptions.Exit(code)


def lang() -> Lang:
    """The language of the output."""
    context = click.get_current_context(silent=True)
    return "en" if context is not None and context.meta.get(_META) == "en" else "zh"


def words(zh: str, en: str) -> str:
    """The sentence in the language of the output."""
    return en if lang() == "en" else zh


def say(zh: str, en: str) -> None:
    """A sentence on standard output."""
    click.echo(words(zh, en))


def console(file: IO[str] | None = None) -> Console:
    """For tables: as wide as the window, as `COLUMNS` says, or so wide that a pipe gets everything."""
    target = file or sys.stdout
    told = os.environ.get("COLUMNS", "")
    width = None if target.isatty() else int(told) if told.isdecimal() and int(told) else _WIDE
    return Console(file=target, width=width, markup=False, highlight=False, emoji=False)


def at_terminal() -> bool:
    """Whether standard output is a person's screen, no file and no pipe."""
    return bool(sys.stdout and sys.stdout.isatty())


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    spare: Sequence[int] = (),
) -> None:
    """Prints a table that fits the window; columns whose number is in `right` hold figures.

    Where not all columns have room, some stand below their row instead, those in `spare` first; nothing is cut.
    """
    out = console()
    out.print(title, style="bold", soft_wrap=True)
    for line in table_lines(columns, rows, right=right, spare=spare, width=out.width, out=out):
        out.print(line, soft_wrap=True)


def print_json(value: object) -> None:
    """`value` for programs: decimals as texts, times with their zone, dataclasses as objects."""
    click.echo(json.dumps(value, default=_default, ensure_ascii=False, indent=2))


def _default(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


class Figure(click.FloatRange):
    """A number within bounds; NaN, which no bound keeps out, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of the text."""
        figure = float(super().convert(value, param, ctx))
        if math.isnan(figure):
            self.fail(f"{value!r} 不是数 / is no number", param, ctx)
        return figure


class Day(click.ParamType[date]):
    """`2026-03-02`, or `today`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day of the text."""
        if isinstance(value, date):
            return value
        if value == "today":
            return SystemClock().now().date()
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
        if day is None or not FIRST_DAY <= day <= LAST_DAY:
            self.fail(f"{value!r} 不是 2026-03-02 这样的日期 / is not a day such as 2026-03-02", param, ctx)
        return day


def config_option(function: F) -> F:
    """`--config`: passes the path of the configuration as `config`."""
    return click.option(
        "--config",
        envvar="JQFOLLOW_CONFIG",
        default="config.toml",
        show_default=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help="配置文件 / the configuration (JQFOLLOW_CONFIG)",
    )(function)


def settings_option(function: F) -> F:
    """`--config`: passes the configuration as `settings`; a wrong one ends the command."""

    def load(_: click.Context, __: click.Parameter, path: Path) -> Settings:
        return load_settings(path)

    return click.option(
        "--config",
        "settings",
        envvar="JQFOLLOW_CONFIG",
        default="config.toml",
        show_default=True,
        type=click.Path(dir_okay=False, path_type=Path),
        callback=load,
        help="配置文件 / the configuration (JQFOLLOW_CONFIG)",
    )(function)


def json_option(function: F) -> F:
    """`--json`: passes `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="JSON 输出，供程序使用 / for programs")(function)
