"""What click says, in Chinese and English: wrong uses, and the headings of help."""

import re
from typing import Any

import click

_HEADINGS = {"Options": "选项 / Options", "Commands": "命令 / Commands", "Arguments": "参数 / Arguments",
             "Positional arguments": "参数 / Arguments"}  # fmt: skip
_WORDS = (
    ("Show this message and exit.", "显示帮助 / show this help"),
    ("Show the version and exit.", "显示版本 / show the version"),
)
_EXTRA = (
    (re.compile(r"\[(.*;\s*)?default: "), r"[\1默认 default: "),
    (re.compile(r"(\[|; )env var: "), r"\1环境变量 env var: "),
    (re.compile(r"(\[|; )required\]"), r"\1必填 required]"),
)
_SAID: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), zh)
    for pattern, zh in (
        (r"Missing command\.", "缺少子命令"),
        (r"No such command '?(.+?)'?\.", "没有命令 {0}"),
        (r"Got unexpected extra arguments? \((.*)\)", "多出了参数 {0}"),
        (r"(.+) is not a valid (?:integer|integer range|int)\.?", "{0} 不是整数"),
        (r"(.+) is not a valid (?:float|float range|number)\.?", "{0} 不是数字"),
        (r"(.+) is not a valid boolean\..*", "{0} 不是 true 或 false"),
        (r"(.+) is not in the range (.+)\.", "{0} 不在范围 {1} 内"),
        (r"(.+) is not one of (.+)\.", "{0} 不在可选值之中：{1}"),
        (r"(.+) is not (\'.+\')\.", "{0} 不对，只能是 {1}"),
        (r"(?:File|Directory|Path) (.+) does not exist\.", "{0} 不存在"),
        (r"(?:File|Directory|Path) (.+) is a file\.", "{0} 是文件，应为文件夹"),
        (r"(?:File|Directory|Path) (.+) is a directory\.", "{0} 是文件夹，应为文件"),
        (r"(?:File|Directory|Path) (.+) is not readable\.", "{0} 不可读"),
        (r"(?:File|Directory|Path) (.+) is not writable\.", "{0} 不可写"),
        (r"Argument (.+) takes (\d+) values\.", "参数 {0} 要 {1} 个值"),
        (r"Option (.+) does not take a value\.", "选项 {0} 不带值"),
        (r"Option (.+) requires (?:an argument|\d+ arguments)\.", "选项 {0} 后面要写值"),
    )
)
_CHINESE = re.compile("[\u4e00-\u9fff]")


class Formatter(click.HelpFormatter):
    """Help with its headings in both languages."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The first line."""
        super().write_usage(prog, args, "用法 / Usage: " if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        """A section's."""
        super().write_heading(_HEADINGS.get(heading, heading))

    def write_dl(self, rows: Any, *args: Any, **kwargs: Any) -> None:
        """Options and commands with what they do."""
        super().write_dl([(name, _both(text)) for name, text in rows], *args, **kwargs)


def _both(text: str) -> str:
    for english, both in _WORDS:
        text = text.replace(english, both)
    for pattern, both in _EXTRA:
        text = pattern.sub(both, text)
    return text


def told(error: click.ClickException) -> str:
    """The whole message: what is wrong, and where help is."""
    text = _what(error)
    context = getattr(error, "ctx", None)
    if isinstance(error, click.UsageError) and context is not None:
        help_ = f"{context.command_path} --help"
        return f"{context.get_usage()}\n{text}\n帮助 / help: {help_}"
    return text


def _what(error: click.ClickException) -> str:
    if isinstance(error, click.MissingParameter):
        kind = ("参数", "argument") if getattr(error.param, "param_type_name", "") == "argument" else ("选项", "option")
        name = _place(error) or "?"
        return f"缺少{kind[0]} {name} / missing {kind[1]} {name}"
    if isinstance(error, click.NoSuchOption):
        return _no_option(error)
    said = error.message
    if isinstance(error, click.FileError):
        return f"打不开 {error.ui_filename}：{said} / cannot be opened"
    place = _place(error) if isinstance(error, click.BadParameter) else ""
    if _CHINESE.search(said):  # ours: in both languages, or in the one that was asked for
        return f"{place}: {said}" if place else said
    for pattern, zh in _SAID:
        if found := pattern.fullmatch(said.strip()):
            both = f"{zh.format(*found.groups())} / {said.strip()}"
            return f"{place}: {both}" if place else both
    return f"{place}: {said}" if place else said


def _no_option(error: click.NoSuchOption) -> str:
    name, meant = error.option_name, ", ".join(sorted(error.possibilities or ()))
    if re.match(r"-[0-9.]", name):
        return "参数不能是负数 / an argument is not a negative number"
    if meant:
        return f"没有选项 {name}，是不是 {meant}？ / no option {name}, did you mean {meant}?"
    return f"没有选项 {name} / no option {name}"


def _place(error: click.BadParameter) -> str:
    """How the parameter is called."""
    hint = error.param_hint
    if hint is None and error.param is not None and error.ctx is not None:
        hint = error.param.get_error_hint(error.ctx)
    text = hint if isinstance(hint, str) else " / ".join(hint or ())
    return text.replace("'", "")
