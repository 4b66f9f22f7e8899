"""Commands in a real terminal, and their windows as pictures: what is shown was printed."""

import html
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from fcntl import ioctl
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

COLUMNS, _ROWS = 108, 60
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_FONT = "Consolas,Menlo,'WenQuanYi Zen Hei Mono','WenQuanYi Micro Hei Mono','Noto Sans Mono CJK SC',monospace"
_PAGE = """<!doctype html><meta charset="utf-8"><style>
i {{ display: inline-block; font-style: normal; text-align: center; vertical-align: bottom; width: 1em }}
i.narrow {{ font: .83em/1.45 'DejaVu Sans Mono',monospace; width: .602em; line-height: 1.75 }}
html {{ overflow: hidden }}
body {{ margin: 0; padding: 14px; background: #fff; width: max-content }}
section {{ border-radius: 8px; overflow: hidden; box-shadow: 0 2px 10px #0003 }}
header {{ background: #2b3138; color: #cfd6dd; padding: 7px 14px; font: 13px sans-serif }}
pre {{ margin: 0; padding: 12px 14px; background: #14181d; color: #e3e7eb; font: 14px/1.45 {font} }}
</style><section><header>{title}</header><pre>{text}</pre></section>"""


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LANG": "C.UTF-8"}
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.printed = ""

    def read(self, seconds: float, until: str = "") -> str:
        """All that was printed, when the command ends, has printed `until`, or after so long."""
        end = time.monotonic() + seconds
        raw = b""
        before = self.printed
        while time.monotonic() < end and not (until and until in self.printed):
            if not select.select([self._master], [], [], 0.1)[0]:
                continue
            try:
                chunk = os.read(self._master, 65536)
            except OSError:  # it has ended
                break
            if not chunk:
                break
            raw += chunk
            self.printed = before + raw.decode("utf-8", "replace").replace("\r\n", "\n")
        return self.printed

    def stop(self) -> None:
        """Ctrl-C."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
            self.read(20)
        self._process.wait(20)
        os.close(self._master)


def page(title: str, printed: str, *, most_lines: int = 40) -> str:
    """The window as a page, ready to be photographed."""
    lines = printed.rstrip().splitlines()
    if len(lines) > most_lines:
        lines = [*lines[: most_lines - 12], "…", *lines[-11:]]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    shown = re.sub(r"token=[\w-]+", "token=········", "\n".join(lines))
    console.print(Text.from_ansi(shown), soft_wrap=True)
    text = console.export_html(inline_styles=True, code_format="{code}")
    return _PAGE.format(font=_FONT, title=html.escape(title), text=_NOT_ASCII.sub(_cell, text))


def _cell(match: re.Match[str]) -> str:
    """A letter in as many columns as a terminal gives it, whatever the font thinks."""
    return f"<i>{match[0]}</i>" if cell_len(match[0]) > 1 else f'<i class="narrow">{match[0]}</i>'
