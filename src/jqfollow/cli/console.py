"""`jqfollow console`: the way to the dashboard, again, whenever it is wanted."""

import click

from jqfollow.api.token import FILE_NAME, load_or_create_token
from jqfollow.cli.base import Command, Exit, at_terminal, fail, say, settings_option, words
from jqfollow.cli.lock import is_running
from jqfollow.settings import Settings


@click.command(cls=Command)
@settings_option
@click.option("--open", "open_it", is_flag=True, help="用浏览器打开，不显示链接 / open it in the browser, show no link")
def console(*, settings: Settings, open_it: bool) -> None:
    """显示控制台的链接（含令牌，不要外传）。 / Shows the console's link; it holds the token."""
    if not (settings.data_dir / FILE_NAME).is_file():
        fail(
            words(
                f"{settings.data_dir} 中还没有 {FILE_NAME}：先运行一次 jqfollow serve",
                f"there is no {FILE_NAME} in {settings.data_dir} yet: run jqfollow serve once",
            )
        )
    if not settings.console.port:
        fail(
            words(
                "console.port = 0，每次启动的端口不同：请看启动时显示的链接，或写定一个端口",
                "console.port = 0: each start takes another port; see what the start showed, or set one",
            )
        )
    link = link_to(settings)
    if is_running(settings.data_dir) is None:
        click.echo(words("服务没有运行：先运行 jqfollow serve", "the service does not run: jqfollow serve"), err=True)
    if open_it:
        click.launch(link)
        say("已在浏览器中打开控制台", "the console is opened in the browser")
    elif at_terminal():
        click.echo(link)  # alone on standard output, so that nothing else gets into it
    else:
        fail(
            words(
                "链接含令牌，只显示在终端上，不写进文件和管道：去掉重定向，或用 --open",
                "the link holds the token and goes to a terminal alone: no redirection, or --open",
            ),
            Exit.WRONG_USE,
        )


def console_url(settings: Settings) -> str:
    """Where the console answers."""
    host = f"[{settings.console.host}]" if ":" in settings.console.host else settings.console.host
    return f"http://{host}:{settings.console.port}"


def link_to(settings: Settings) -> str:
    """The dashboard's address with the token: for this machine's screen and browser only."""
    return f"{console_url(settings)}/?token={load_or_create_token(settings.data_dir).text}"
