"""`jqfollow tray`: keeps the service (and frpc) running, and shows with an icon beside the clock how it stands."""

import contextlib
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import click
import httpx
import structlog

from jqfollow.cli.base import Command, config_option
from jqfollow.cli.console import console_url, link_to
from jqfollow.cli.job import tied_to_us
from jqfollow.cli.keeper import AlreadyKeptError, Child, Kept, State, asked_to_end, only_keeper
from jqfollow.cli.lock import is_running
from jqfollow.cli.power import caution, read_plan
from jqfollow.cli.serve import write_default
from jqfollow.cli.stop import PATIENCE_S, ask_to_stop
from jqfollow.client_files import FRPC
from jqfollow.clock import SystemClock
from jqfollow.domain import JqfollowError
from jqfollow.ledger.ledger import Ledger
from jqfollow.logs import DatedFiles, logging_to
from jqfollow.settings import Settings, load_settings

log = structlog.get_logger(__name__)

LOG = "tray"
LOOK_S = 1.0
_ASK_S = 2.0
_READY_S = 20.0
_FRPC_BYTES, _FRPC_FILES = 1_000_000, 5
"""What frpc writes is kept in so many files of so many bytes."""
_TIP, _BUBBLE = 120, 250
"""Windows shows 127 characters, and 255."""


class Light(StrEnum):
    """The icon's colour."""

    GREEN = "green"
    YELLOW = "yellow"
    BLUE = "blue"
    RED = "red"
    GREY = "grey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the icon shows."""

    light: Light
    zh: str
    paused: bool = False
    runs: bool = True
    """Whether there is a service to stop."""


class Running:
    """A service that was found running: whoever started it."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def poll(self) -> int | None:
        """0 when it has gone: how it ended, its starter was told."""
        return None if is_running(self._data_dir) is not None else 1

    def last_lines(self) -> Sequence[str]:
        """Nobody here heard it."""
        return ()


class Icon(Protocol):
    """Beside the clock."""

    def show(self, look: Look) -> None:
        """Changes colour and text."""

    def tell(self, text: str) -> None:
        """Says something to whoever sits there."""

    def end(self) -> None:
        """Takes it away."""


class NoIcon:
    """Where there is no notification area."""

    def show(self, look: Look) -> None:
        """Nowhere."""

    def tell(self, text: str) -> None:
        """To nobody; the log has it."""

    def end(self) -> None:
        """Nothing to take away."""


class Tray:
    """The loop: what is kept is looked after, wishes are fulfilled, the icon is brought up to date."""

    def __init__(self, settings: Settings, service: Kept, frpc: Kept | None) -> None:
        self._settings = settings
        self._service = service
        self._frpc = frpc
        self.wishes: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        """What the icon's menu asks for, from its own thread."""
        self._over = False

    def run(self, icon: Icon) -> None:
        """Until a person, or `jqfollow stop`, ends it."""
        shown: Look | None = None
        if (may_sleep := caution(read_plan())) is not None:
            icon.tell(may_sleep[0])
        try:
            while not self._over:
                self._look_after(time.monotonic())
                if (look := self.look()) != shown:
                    icon.show(look)
                    shown = look
                if asked_to_end(self._settings.data_dir):
                    break
                self._fulfil()
        finally:
            icon.end()
            self.stop()

    def _look_after(self, now: float) -> None:
        self._service.look(now)
        if self._frpc is not None:
            self._frpc.look(now)

    def _fulfil(self) -> None:
        with contextlib.suppress(queue.Empty):
            wish = self.wishes.get(timeout=LOOK_S)
            try:
                wish()
            except Exception:
                log.exception("wish_failed")

    def look(self) -> Look:
        """How everything stands, worst first."""
        service, frpc = self._service, self._frpc
        if service.state is not State.RUNS:
            return _not_running(service)
        if self._paused():
            return Look(light=Light.BLUE, zh="已暂停跟单", paused=True)
        if why := self._why_not_ready():
            return Look(light=Light.YELLOW, zh=why)
        if frpc is not None and frpc.state is not State.RUNS:
            return Look(light=Light.YELLOW, zh="；".join(["frpc 没有运行，聚宽的信号到不了", *frpc.lines[-1:]]))
        return Look(light=Light.GREEN, zh="正在跟单")

    def _why_not_ready(self) -> str:
        if not self._settings.console.port:
            return ""
        try:
            answer = httpx.get(f"{console_url(self._settings)}/readyz", timeout=_ASK_S, trust_env=False).json()
            waiting = [f"{a['account']}：{a['why_zh']}" for a in answer["accounts"] if not a["ready"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return "正在启动，或没有回答"
        return "；".join(waiting) or ("" if answer.get("ledger") else "账本暂时写不了")

    def _paused(self) -> bool:
        try:
            with Ledger.open(self._settings.ledger_file, read_only=True) as ledger:
                return any(not (row.strategy or row.account) for row in ledger.read_now(lambda tx: tx.pauses.list()))
        except (JqfollowError, OSError):
            return False

    # -- wishes ------------------------------------------------------------------------------------------------------

    def open_console(self) -> None:
        """The dashboard, in the browser."""
        click.launch(link_to(self._settings))

    def pause_or_resume(self) -> None:
        """No new orders; or all of them again."""
        paused, now = self._paused(), SystemClock().now()
        with Ledger.open(self._settings.ledger_file) as ledger:
            if paused:
                ledger.write_now(lambda tx: tx.pauses.resume("", ""))
            else:
                ledger.write_now(lambda tx: tx.pauses.pause("", "", now))

    def start_or_stop(self) -> None:
        """The service alone; the icon stays."""
        if self._service.state is State.RUNS:
            self._service.no_more()
            if pid := is_running(self._settings.data_dir):
                ask_to_stop(pid)
        else:
            self._service.again()

    def end(self) -> None:
        """Everything."""
        self._over = True

    def stop(self) -> None:
        """Stops the service in order, then frpc; what hangs is left behind."""
        self._service.no_more()
        told: int | None = None
        until = time.monotonic() + PATIENCE_S
        while (pid := is_running(self._settings.data_dir)) is not None and time.monotonic() < until:
            if pid and pid != told:
                told = pid if ask_to_stop(pid) else None
            time.sleep(0.1)
        if self._frpc is not None and isinstance(self._frpc.process, Child):
            self._frpc.process.end()


def _not_running(service: Kept) -> Look:
    if service.state is State.WAITS:
        why = "正在启动" if service.code is None else f"服务异常结束（退出码 {service.code}），稍后重启"
        return Look(light=Light.RED if service.code is not None else Light.YELLOW, zh=why, runs=False)
    if service.code in {None, 0} or not service.wanted:
        return Look(light=Light.GREY, zh="已停止", runs=False)
    last = service.lines[-1] if service.lines else ""
    return Look(light=Light.RED, zh=f"已停止（退出码 {service.code}），不会自动重启：{last}", runs=False)


def serve_command(config: Path) -> list[str]:
    """How the service is started, with a console of its own that nobody sees."""
    return [str(interpreter()), "-X", "utf8", "-m", "jqfollow", "serve", "--config", str(config)]


def interpreter(*, window: bool = True) -> Path:
    """`python.exe`, or `pythonw.exe`, of this Python; elsewhere there is only one."""
    python = Path(sys.executable)
    wanted = python.with_name("python.exe" if window else "pythonw.exe")
    return wanted if wanted.exists() else python


@contextlib.contextmanager
def _frpc_log(folder: Path) -> Iterator[Callable[[str], None]]:
    files = DatedFiles(folder, "frpc", max_bytes=_FRPC_BYTES, keep=_FRPC_FILES)

    def write(line: str) -> None:
        files.handle(logging.LogRecord("frpc", logging.INFO, "", 0, "%s", (line,), None))

    try:
        yield write
    finally:
        files.close()


@click.command(cls=Command)
@click.option(
    "--frpc",
    type=click.Path(dir_okay=False, path_type=Path),
    help="frpc.exe 的位置，同时运行它 / runs this frpc beside the service",
)
@click.option(
    "--frpc-config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="默认数据文件夹旁边的 frpc.toml / by default frpc.toml beside the data folder",
)
@config_option
def tray(*, config: Path, frpc: Path | None, frpc_config: Path | None) -> None:
    """托盘图标：让服务（和 frpc）一直运行。 / An icon beside the clock; keeps the service and frpc running."""
    write_default(config)
    settings, config = load_settings(config), config.resolve()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(only_keeper(settings.data_dir))
        except AlreadyKeptError as error:  # no failure: the Task Scheduler would try it again and again
            click.echo(str(error))
            return
        stack.enter_context(logging_to(settings.logs_dir, console=None, name=LOG))
        data_dir = settings.data_dir
        service = Kept(
            name="serve",
            start=lambda: Child(serve_command(config), folder=config.parent),
            found=lambda: Running(data_dir) if is_running(data_dir) is not None else None,
        )
        kept_frpc = None
        if frpc is not None:
            toml = frpc_config_of(settings, frpc_config)
            write = stack.enter_context(_frpc_log(settings.logs_dir))
            command = [str(frpc.resolve()), "-c", str(toml)]
            tie = tied_to_us()

            def start() -> Child:
                child = Child(command, folder=toml.parent, line=write)
                tie(child.pid)
                return child

            kept_frpc = Kept(name="frpc", start=start, for_good=frozenset())
        it = Tray(settings, service, kept_frpc)
        it.run(_icon(it))


def frpc_config_of(settings: Settings, told: Path | None = None) -> Path:
    """The configuration of frpc: the one that was told, or the one beside the data folder."""
    return (told or settings.data_dir.parent / FRPC).resolve()


def _icon(it: Tray) -> Icon:
    if sys.platform == "win32":
        try:
            return _Notified(it)
        except Exception:  # no shell, no session: what is kept matters more
            log.exception("no_icon")
    return NoIcon()


class _Notified:
    """Windows' notification area, by pystray, on a thread of its own."""

    def __init__(self, it: Tray) -> None:
        import pystray

        self._look = Look(light=Light.GREY, zh="", runs=False)
        wish = it.wishes.put
        item, line = pystray.MenuItem, pystray.Menu.SEPARATOR
        self._icon: Any = pystray.Icon(
            "jqfollow",
            picture(Light.GREY),
            "jqfollow",
            menu=pystray.Menu(
                item("打开控制台 Dashboard", lambda: wish(it.open_console), default=True),
                item(
                    lambda _: "恢复跟单 Resume" if self._look.paused else "暂停跟单 Pause",
                    lambda: wish(it.pause_or_resume),
                ),
                line,
                item(
                    lambda _: "停止服务 Stop" if self._look.runs else "启动服务 Start",
                    lambda: wish(it.start_or_stop),
                ),
                item("全部停止并退出 Exit", lambda: wish(it.end)),
            ),
        )
        ready = threading.Event()

        def appear(icon: Any) -> None:
            try:
                icon.visible = True
            finally:
                ready.set()

        self._icon.run_detached(appear)
        ready.wait(_READY_S)  # until then `stop` does nothing, and its threads would keep the process alive for ever

    def show(self, look: Look) -> None:
        """Changes colour and text; tells a person when it turns red."""
        before, self._look = self._look.light, look
        with contextlib.suppress(OSError):  # the shell is away: it asks again when it is back
            self._icon.icon = picture(look.light)
            self._icon.title = f"jqfollow：{look.zh}"[:_TIP]
            self._icon.update_menu()
        if look.light is Light.RED and before is not Light.RED:
            self.tell(look.zh)

    def tell(self, text: str) -> None:
        """In a bubble."""
        with contextlib.suppress(OSError):
            self._icon.notify(text[:_BUBBLE], "jqfollow")

    def end(self) -> None:
        """Takes it away."""
        with contextlib.suppress(OSError):
            self._icon.stop()


_RGB = {
    Light.GREEN: (22, 160, 90),
    Light.YELLOW: (235, 170, 20),
    Light.BLUE: (50, 110, 220),
    Light.RED: (210, 40, 40),
    Light.GREY: (130, 130, 130),
}


def picture(light: Light) -> Any:
    """A disc of 64 by 64 pixels."""
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((6, 6, 58, 58), fill=(*_RGB[light], 255), outline=(255, 255, 255, 255), width=4)
    return image
