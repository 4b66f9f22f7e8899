"""The log: JSON lines in `<data_dir>/logs`, short coloured lines on the console, no secret in either.

A file is never renamed, because Windows refuses that while it is open: each day, and each time one is full, a new one
is begun. The console has a thread of its own, because a Windows console in which a person selects text blocks whoever
writes to it; lines that it cannot take in time are dropped there and stand in the file.
"""

import contextlib
import json
import logging
import queue
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from io import FileIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
import structlog
from rich.console import Console
from rich.text import Text
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from jqfollow.clock import from_ms

NAME = "jqfollow"
"""What the service's files begin with."""
_TALKATIVE = ("httpx", "httpcore", "apscheduler", "uvicorn.access", "PIL")
_MAX_BYTES = 20_000_000
_MOST_FILES = 60
_CONSOLE_LINES = 10_000
_CLOSE_S = 2.0
_HIDDEN = "***"
_SECRET_NAMES = re.compile(r"(?i)^(.*_)?(secret|password|passwd|token|authorization|cookie|key_text|webhook|密码)$")
_SECRET_TEXTS = re.compile(
    r"""(?ix)
    (jqf1_) [A-Za-z0-9_-]{16,}                       # a strategy's key
    | ([?&](?:key|token)=) [^&\s"']+                 # a robot's or the console's address
    | (\bBearer\s+) [A-Za-z0-9._~+/=-]+
    """
)
Write = Callable[[], None]
_COLOURS = {"debug": "dim", "info": "green", "warning": "yellow", "error": "bold red", "critical": "bold white on red"}


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Takes secrets out of a line: values of telling names, and texts that look like one."""
    return {name: _HIDDEN if _SECRET_NAMES.match(name) else _hidden(value) for name, value in event.items()}


def _hidden(value: object) -> Any:
    if isinstance(value, str):
        return _SECRET_TEXTS.sub(lambda found: (found[1] or found[2] or found[3]) + _HIDDEN, value)
    if isinstance(value, dict):
        return {
            key: _HIDDEN if isinstance(key, str) and _SECRET_NAMES.match(key) else _hidden(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden(inner) for inner in value]
    # Whatever is no plain value is shown by its repr, and that may hold anything.
    return value if isinstance(value, int | float | type(None)) else _hidden(_plain(value))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def files_of(folder: Path, name: str, day: str = "") -> list[Path]:
    """The files of one program, oldest first; `day`, as `20260302`: of that day only."""
    shape = re.compile(rf"{re.escape(name)}-(\d{{8}})(?:\.(\d+))?\.log")
    try:
        found = [(m[1], int(m[2] or 0), path) for path in folder.iterdir() if (m := shape.fullmatch(path.name))]
    except OSError:
        return []
    return [path for at, _, path in sorted(found) if day in {"", at}]


class DatedFiles(logging.Handler):
    """Writes to `NAME-20260302.log`, then to `NAME-20260302.1.log` when that is full, and a new one each day.

    The oldest are deleted beyond `keep`. A disk that takes nothing costs the line, never the program.
    """

    def __init__(
        self, folder: Path, name: str = "jqfollow", *, max_bytes: int = _MAX_BYTES, keep: int = _MOST_FILES
    ) -> None:
        super().__init__()
        self._folder = folder
        self._name = name
        self._max_bytes = max_bytes
        self._keep = keep
        self._file: FileIO | None = None
        self._day = ""
        self._hour, self._today = -1, ""
        self._size = 0
        self._failing = False
        folder.mkdir(parents=True, exist_ok=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line."""
        self.write(self.format(record), record.created)

    def write(self, text: str, created: float) -> None:
        """Writes one line of the time `created`; from any thread."""
        try:
            line = text.encode("utf-8", "backslashreplace") + b"\n"
            with self.lock or contextlib.nullcontext():
                self._ready(self._day_of(created), len(line)).write(line)
                self._size += len(line)
            self._failing = False
        except Exception as error:  # noqa: BLE001  # as of every handler: the line ends here
            self._tell_failure(error)

    def _tell_failure(self, error: Exception) -> None:
        """Once, until lines can be written again: what cannot be logged must not fill the console instead."""
        if self._failing:
            return
        self._failing = True
        with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody reads it
            print(f"日志写不进去 / the log cannot be written: {self._folder}: {error}", file=sys.stderr)  # noqa: T201

    def close(self) -> None:
        """Closes the file."""
        with self.lock or contextlib.nullcontext():
            if self._file is not None:
                self._file.close()
                self._file = None
        super().close()

    def _day_of(self, created: float) -> str:
        hour = int(created // 3600)
        if hour != self._hour:  # days of Shanghai begin with an hour
            self._hour, self._today = hour, f"{from_ms(int(created * 1000)):%Y%m%d}"
        return self._today

    def _ready(self, day: str, more: int) -> FileIO:
        full = self._size and self._size + more > self._max_bytes
        if self._file is None or day != self._day or full:
            if self._file is not None:
                self._file.close()
                self._file = None
            number = max((number for at, number, _ in self._written() if at == day), default=0)
            while (path := self._path(day, number)).exists() and path.stat().st_size + more > self._max_bytes:
                number += 1
            self._file = FileIO(path, "a")  # unbuffered: a line is the system's at once
            self._day, self._size = day, path.stat().st_size
            self._delete_oldest()
        return self._file

    def _path(self, day: str, number: int) -> Path:
        return self._folder / f"{self._name}-{day}{f'.{number}' if number else ''}.log"

    def _delete_oldest(self) -> None:
        for _, _, path in sorted(self._written())[: -self._keep]:
            with contextlib.suppress(OSError):  # open somewhere: the next time
                path.unlink()

    def _written(self) -> list[tuple[str, int, Path]]:
        """Day, number and path of each file that is there; a number is never used again after its file was deleted."""
        shape = re.compile(rf"{re.escape(self._name)}-(\d{{8}})(?:\.(\d+))?\.log")
        return [(m[1], int(m[2] or 0), path) for path in self._folder.iterdir() if (m := shape.fullmatch(path.name))]


class _Figures(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class _ConsoleLines:
    """Short lines for a person."""

    def __init__(self, console: Console, sentences: Mapping[str, str]) -> None:
        self._console = console
        self._sentences = sentences

    def write(self, text: str) -> None:
        """Shows one line of the log."""
        event = orjson.loads(text)
        level = str(event.pop("level", "info"))
        at, what, trace = str(event.pop("at", ""))[11:19], str(event.pop("event", "")), event.pop("exception", "")
        event.pop("logger", None)
        sentence = event.get("told") or self._sentences.get(what)
        if sentence is not None:
            what = str(event["told"]) if "told" in event else sentence.format_map(_Figures(event))
            event = {}
        if not self._console.is_terminal:  # nothing to be coloured: the plain line costs a tenth
            told = "".join(f" {name}={value}" for name, value in event.items())
            self._console.file.write(f"{at} {level:<8}{what}{told}\n" + (f"{trace}\n" if trace else ""))
            self._console.file.flush()
            return
        line = Text(at, style="dim").append(f" {level:<8}", style=_COLOURS.get(level, "")).append(what)
        for name, value in event.items():
            line.append(f" {name}=", style="dim").append(str(value))
        self._console.print(line, soft_wrap=True)
        if trace:
            self._console.print(Text(str(trace), style="dim"), soft_wrap=True)


class _Handover:
    """Gives lines to a console that may block, on a thread of its own; what finds no room is dropped."""

    def __init__(self, target: _ConsoleLines) -> None:
        self._target = target
        self._waiting: queue.Queue[str | Write | None] = queue.Queue(_CONSOLE_LINES)
        self._thread = threading.Thread(target=self._run, name="console-log", daemon=True)
        self._thread.start()

    def write(self, what: str | Write) -> None:
        """Lets the thread show a line, or call a function between two lines; what goes wrong costs the text alone."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(what)

    def close(self) -> None:
        """Waits for the last lines, but not for ever."""
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=_CLOSE_S)
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        while (what := self._waiting.get()) is not None:
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                if isinstance(what, str):
                    self._target.write(what)
                else:
                    what()


class _Sink(logging.Handler):
    """Where every line goes: the file, then the console. Made once, of a record of the standard library as well."""

    def __init__(self, files: DatedFiles, console: _Handover | None) -> None:
        super().__init__()
        self._files = files
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """One line of a library."""
        self.write(self.format(record), record.created)

    def write(self, text: str, created: float) -> None:
        """One line, finished."""
        self._files.write(text, created)
        if self._console is not None:
            self._console.write(text)

    def close(self) -> None:
        """Ends both."""
        self._files.close()
        if self._console is not None:
            self._console.close()
        super().close()


class _Line:
    """What structlog hands a finished line to: every method of a level is this one."""

    __slots__ = ("_write", "name")

    def __init__(self, write: Callable[[str, float], None], name: str) -> None:
        self._write = write
        self.name = name

    def msg(self, text: str) -> None:
        """Writes it."""
        self._write(text, time.time())

    debug = info = warning = warn = error = critical = fatal = exception = failure = log = msg


def _at_once(write: Write) -> None:
    write()


def _stamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord | None = event.get("_record")
    created = time.time() if record is None else record.created
    event["at"] = from_ms(int(created * 1000)).isoformat(timespec="milliseconds")
    return event


def _name(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


def _json(_: WrappedLogger, __: str, event: EventDict) -> str:
    first = {name: event.pop(name) for name in ("at", "level", "event") if name in event}
    line = {**first, **event}
    try:
        return orjson.dumps(line, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # half a character, a huge number: rare, and no reason to lose the line
        return json.dumps({str(name): value for name, value in line.items()}, default=_plain)


@contextlib.contextmanager
def logging_to(
    folder: Path,
    *,
    console: Console | None,
    level: int = logging.INFO,
    name: str = "jqfollow",
    sentences: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Callable[[Write], None]]:
    """Everything that is logged meanwhile, by the standard library too, goes to `folder` and to `console`.

    `name` begins the files' names: two programs never write to one file. `sentences` are what the console shows of
    lines so called, with their fields in braces; a line with a sentence `told` shows that.

    Yields:
        What lets the screen's one writer call a function: no line of the log gets into what that prints.

    Raises:
        OSError: the folder cannot be made.
    """
    handover = None if console is None else _Handover(_ConsoleLines(console, sentences))
    sink = _Sink(DatedFiles(folder, name), handover)
    finish: list[Processor] = [_stamp, hide_secrets, _json]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _name,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            *finish,
        ],
        logger_factory=lambda name="root": _Line(sink.write, name),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    sink.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.stdlib.PositionalArgumentsFormatter(),
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
            ],
            processors=[_stamp, ProcessorFormatter.remove_processors_meta, hide_secrets, _json],
            keep_exc_info=False,
        )
    )
    root = logging.getLogger()
    before, levels = root.handlers[:], {name: logging.getLogger(name).level for name in ("", *_TALKATIVE)}
    root.handlers[:] = [sink]
    root.setLevel(level)
    for talkative in _TALKATIVE:
        logging.getLogger(talkative).setLevel(logging.WARNING)
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # a turn that is still under way is no news
    logging.captureWarnings(capture=True)
    try:
        yield _at_once if handover is None else handover.write
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = before
        for logger, level_before in levels.items():
            logging.getLogger(logger).setLevel(level_before)
        structlog.reset_defaults()
        sink.close()


def log_warnings_only() -> None:
    """For commands that run and end: standard output belongs to their answer, standard error tells of warnings."""
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.processors.format_exc_info, hide_secrets, _short],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _short(_: WrappedLogger, __: str, event: EventDict) -> str:
    level, name = event.pop("level", ""), event.pop("event", "")
    return " ".join([f"{level}: {name}", *(f"{key}={value}" for key, value in event.items())])


def utf8_streams() -> None:
    """Standard output and error in UTF-8, whatever the code page; a character that cannot be shown stops nothing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
