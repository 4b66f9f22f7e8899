"""A process under test and what the driver needs to talk to it."""

import json
import os
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.calls import FILE_NAME as CALLS
from bench.calls import CallReader, Sent
from bench.child import MARK
from bench.client import Connection
from bench.signals import STRATEGIES, Signal, Strategies
from jqfollow.wire.jqf1 import Key

ROOT = Path(__file__).resolve().parent.parent
START_S = 300
_POLL_S = 0.005
_SETTLE_POLL_S = 0.2
_WARM = 8
_CONFIG = """\
data_dir = "data"

[signals]
port = {signals}
max_per_minute = 100_000

[console]
port = {console}

[accounts.paper]
broker = "paper"
cash = 10_000_000_000

{strategies}
[execution]
price = "peer"
slippage_ticks = 5  # an order goes through whatever the made market does meanwhile

[risk]
max_signal_age_s = 3600
max_order_value = 10_000_000
max_daily_orders = 10_000
max_cancels_per_day = 10_000
orders_per_second = 50

[notify.wecom]
keys = [{robots}]
"""


class Side(StrEnum):
    """What is measured."""

    FLOOR = "floor"
    SERVICE = "jqfollow"


class ChildError(Exception):
    """A process under test did not start, or ended by itself."""


@dataclass(slots=True)
class Stage:
    """One process under test in a folder of its own; `with` starts and ends it."""

    side: Side
    folder: Path
    options: Sequence[str] = ()
    """Further arguments of its command."""
    robots: Sequence[str] = ()
    """WeCom addresses that the service tells things to."""
    strategies: Sequence[str] = STRATEGIES
    plain: bool = False
    """The service as installed, without the bench's seams."""
    calls: CallReader = field(init=False)
    signals: Strategies = field(init=False)
    port: int = field(init=False)
    console: int = field(init=False)
    start_s: float = field(init=False)
    """From the start of the process until its port answered."""
    _process: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.console = _free_ports()
        self._write_config()
        (self.folder / CALLS).unlink(missing_ok=True)  # of an earlier process
        self.calls = CallReader(self.folder)
        began = time.perf_counter()
        with (self.folder / "errors.txt").open("ab") as errors:
            self._process = subprocess.Popen(
                self._command(),
                cwd=ROOT,
                env=os.environ | {"PYTHONUTF8": "1", "PYTHONPATH": _path()},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
            )
        try:
            self._until_it_answers()
            self.start_s = time.perf_counter() - began
            keys = self.folder / ("data/keys.toml" if self.side is Side.SERVICE else "keys.toml")
            told = tomllib.loads(keys.read_text(encoding="utf-8"))
            self.signals = Strategies({name: Key.parse(told[name]["key"]) for name in STRATEGIES})
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    # -- the process -------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def cpu_s(self) -> float:
        """Processor time that the process has used, all threads."""
        return float(self.ask("cpu"))

    def ask(self, command: str) -> Any:
        """The process's answer to a command of `bench/child.py`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith(MARK):
                return json.loads(line.removeprefix(MARK))
        raise ChildError(f"{self.side} ended; see {self.folder / 'errors.txt'}")

    def stop(self) -> None:
        """Ends in good order, as Ctrl-C does where there are signals."""
        self._process.terminate()
        self._process.wait(30)

    def token(self) -> str:
        """The console's."""
        return (self.folder / "data" / "console.token").read_text(encoding="utf-8").strip()

    # -- signals -----------------------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """A few orders, all the way, so that nothing measured is a first time."""
        self.send_all(self.signals.buys(_WARM), connections=1)
        self.calls.wait(_WARM, 60)

    def send_all(self, signals: Sequence[Signal], *, connections: int) -> list[Sent]:
        """Sends as fast as the answers come, over kept connections side by side; all answers are proven afterwards."""
        shares = [signals[n::connections] for n in range(connections)]
        with ThreadPoolExecutor(connections) as threads:
            done = list(threads.map(self._send_share, shares))
        return [sent for share in done for sent in share]

    def _send_share(self, signals: Iterable[Signal]) -> list[Sent]:
        sent, answers = [], []
        with Connection(self.port) as connection:
            for signal in signals:
                sent.append(Sent(key=signal.key, at_ns=time.perf_counter_ns()))
                answers.append((signal, connection.post(signal.body)))
        for signal, answer in answers:
            self.signals.verify(signal, answer)
        return sent

    def settle(self) -> None:
        """Until the service has no open order."""
        end = time.monotonic() + START_S
        with Connection(self.console) as connection:
            while json.loads(connection.get("/api/orders/open", token=self.token()))["items"]:
                if time.monotonic() > end:
                    raise ChildError("orders stay open")
                time.sleep(_SETTLE_POLL_S)

    # -- within ------------------------------------------------------------------------------------------------------

    def _command(self) -> list[str]:
        if self.side is Side.FLOOR:
            return [sys.executable, "-m", "bench.floor", str(self.folder), str(self.port), *self.options]
        if self.plain:
            program = "from jqfollow.cli import main; main()"
            return [sys.executable, "-c", program, "serve", "--config", str(self.folder / "config.toml")]
        return [sys.executable, "-m", "bench.service", str(self.folder), *self.options]

    def _write_config(self) -> None:
        strategies = "\n".join(f"[strategies.{name}]\nfollow = {{ paper = 1.0 }}\n" for name in self.strategies)
        robots = ", ".join(f'"{address}"' for address in self.robots)
        text = _CONFIG.format(signals=self.port, console=self.console, strategies=strategies, robots=robots)
        (self.folder / "config.toml").write_text(text, encoding="utf-8")

    def _until_it_answers(self) -> None:
        end = time.monotonic() + START_S
        while True:
            try:
                with Connection(self.port) as connection:
                    connection.get("/api/order")
            except ConnectionError:
                if self._process.poll() is not None:
                    told = (self.folder / "errors.txt").read_text(encoding="utf-8", errors="replace")
                    raise ChildError(f"{self.side} did not start:\n{told[-2000:]}") from None
                if time.monotonic() > end:
                    raise
                time.sleep(_POLL_S)
            else:
                return

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def _path() -> str:
    return os.pathsep.join([str(ROOT), str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
