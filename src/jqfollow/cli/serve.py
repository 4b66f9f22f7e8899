"""`jqfollow serve`: runs the service and says what people must know of it."""

import contextlib
import dataclasses
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click
import structlog
from rich.text import Text

from jqfollow.cli import power
from jqfollow.cli.base import Command, Exit, at_terminal, config_option, console, fail, lang, reading_code, say, words
from jqfollow.cli.closing import told_of_the_end
from jqfollow.cli.lock import only_instance
from jqfollow.cli.log_lines import sentences
from jqfollow.domain import JqfollowError
from jqfollow.logs import Write, logging_to
from jqfollow.reasons import Lang
from jqfollow.settings import Settings, default_config, load_settings

if TYPE_CHECKING:
    from jqfollow.service import Announcement

log = structlog.get_logger(__name__)


@click.command(cls=Command)
@config_option
def serve(*, config: Path) -> None:
    """运行服务；没有配置文件时先写一份默认的（模拟盘）。 / Runs the service; an empty folder gets a configuration."""
    write_default(config)
    language, again = lang(), True
    while again:
        again = _begin(load_settings(config), config, language)
    say("已停止", "stopped")


def _begin(settings: Settings, config: Path, language: Lang) -> bool:
    try:
        with (
            only_instance(settings.data_dir),
            logging_to(settings.logs_dir, console=console(sys.stderr), sentences=sentences(language)) as show,
        ):
            return _run(settings, config, language, show)
    except OSError as error:
        what = error.filename or settings.data_dir
        fail(
            words(
                f"数据文件夹 {settings.data_dir} 不能使用：{what}：{error.strerror or error}",
                f"the data folder {settings.data_dir} cannot be used: {what}: {error.strerror or error}",
            )
        )


def write_default(config: Path) -> None:
    """Writes the commented default where there is no configuration, and says so."""
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        with config.open("xb") as file:
            file.write(default_config())
    except FileExistsError:
        return
    except OSError as error:
        fail(
            words(f"无法写入 {config}：{error.strerror}", f"{config} cannot be written: {error.strerror}"),
            Exit.WRONG_USE,
        )
    say(
        f"这里没有配置文件，已写入默认配置 {config.resolve()}（模拟盘，可直接用；改完重启生效）",
        f"there was no configuration: a default one is written to {config.resolve()} (paper trading, ready to use)",
    )


def _run(settings: Settings, config: Path, language: Lang, show: Callable[[Write], None]) -> bool:
    """Whether a person wants the service to begin anew."""
    with reading_code():
        from jqfollow.service import serve as run  # slow: everything is below it

    may_sleep = power.caution(power.read_plan())
    if may_sleep is not None:
        log.warning("computer_may_sleep", why=may_sleep[1])

    def announce(announcement: "Announcement") -> None:
        if may_sleep is not None:
            warnings = [*announcement.warnings, " / ".join(may_sleep)]
            announcement = dataclasses.replace(announcement, warnings=warnings)
        text, out = render(announcement, language, link=at_terminal()), console()
        show(lambda: out.print(text, soft_wrap=True))

    try:
        with stoppable(), told_of_the_end() as closing:
            return run(settings, config=config, announce=announce, hurried=closing.hurry.is_set, lang=language)
    except KeyboardInterrupt:
        return False
    except (JqfollowError, click.exceptions.Exit):
        raise
    except Exception as error:  # the process ends here
        log.exception("service_failed")
        fail(
            words(
                f"程序内部错误，服务已停止：{type(error).__name__}。详见 {settings.logs_dir}",
                f"an internal error stopped the service: {type(error).__name__}; see {settings.logs_dir}",
            )
        )


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM, and on Windows Ctrl-Break, stop in order like Ctrl-C."""

    def as_interrupt(_: int, __: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGBREAK") if hasattr(signal, name)]
    try:
        before = {number: signal.signal(number, as_interrupt) for number in numbers}
        # A shell lets what it starts in the background ignore Ctrl-C: then nothing above would stop it either.
        before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    except ValueError:  # not the main thread: a test
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def render(announcement: "Announcement", language: Lang, *, link: bool) -> Text:
    """What is shown once at the start; lines are never folded.

    The console's token stands in it only as a `link` on a person's screen: what goes into a file stays there.
    """
    zh = language == "zh"
    text = Text("── jqfollow ──\n", style="")

    def line(name_zh: str, name_en: str, value: str, style: str = "") -> None:
        text.append(f"{name_zh if zh else name_en}  ", style="bold")
        text.append(f"{value}\n", style=style)

    line("信号端口", "signals", announcement.signals_url)
    address, token = announcement.console_url.rstrip("/"), announcement.console_token
    line("控制台  ", "console", f"{address}/?token={token}" if token and link else address, "cyan")
    if token and not link:
        note = (
            "链接含令牌，不写进文件和管道：在终端里运行 jqfollow console"
            if zh
            else "the link holds the token and goes into no file or pipe: jqfollow console, at a terminal"
        )
        text.append(f"{'':10}{note}\n", style="dim")
    elif token:
        note = (
            "链接含令牌，只显示这一次，不要外传；再看：jqfollow console"
            if zh
            else "the link holds the token; it is shown this once; again: jqfollow console"
        )
        text.append(f"{'':10}{note}\n", style="dim")
    for state in announcement.accounts:
        kind = ("实盘" if zh else "real") if state.real else ("模拟" if zh else "paper")
        if state.ready:
            line(
                "账户    ",
                "account",
                f"{state.account} ({state.broker}, {kind}) ✓ {'就绪' if zh else 'ready'}",
                "green",
            )
        else:
            why = state.why_zh if zh else state.why_en
            line("账户    ", "account", f"{state.account} ({state.broker}, {kind}) ✗ {why}", "yellow")
    for name in announcement.new_keys:
        next_step = f"jqfollow client {name}"
        line("新密钥  ", "new key", f"{name} → {next_step}")
    for warning in announcement.warnings:
        line("注意    ", "warning", warning, "yellow")
    text.append("按 Ctrl-C 停止" if zh else "Ctrl-C stops it", style="dim")
    return text
