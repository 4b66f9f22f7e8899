"""The real service in a process of its own: `jqfollow serve`, as a user runs it, with three seams.

    python -m bench.service FOLDER [--sync-ms MS] [--calls]

1. Each placing call of the paper broker is written down as it begins (`bench/calls.py`).
2. Limits whose greatest value in the settings stays bounded are lifted: orders a second, orders a day, messages a
   minute.
3. With `--sync-ms`, each sync of the disk takes so much longer (`bench/slow_disk.py`).

It answers the driver (`bench/child.py`); with `--calls` every Python call is counted, for `python -m bench profile`.
"""

import argparse
import sys
from pathlib import Path

from bench.calls import CallRecorder
from bench.child import listen
from bench.profiler import CallCounter, Sampler
from bench.slow_disk import slow_down

NO_LIMIT = 1_000_000_000


def record_calls(folder: Path) -> None:
    """The first seam."""
    from jqfollow.domain import Placed, PlaceRequest
    from jqfollow.execution.brokers.paper.broker import PaperBroker

    recorder = CallRecorder(folder)
    place = PaperBroker.place

    def recorded(self: PaperBroker, request: PlaceRequest) -> Placed:
        recorder.record(request.symbol, request.side, request.volume)
        return place(self, request)

    PaperBroker.place = recorded  # type: ignore[method-assign]


def lift_limits() -> None:
    """The second seam."""
    from jqfollow.cli import serve
    from jqfollow.settings import Settings, load_settings

    def lifted(path: Path) -> Settings:
        settings = load_settings(path)
        risk = settings.risk.model_copy(
            update={"orders_per_second": NO_LIMIT, "max_daily_orders": NO_LIMIT, "max_cancels_per_day": NO_LIMIT}
        )
        signals = settings.signals.model_copy(update={"max_per_minute": NO_LIMIT})
        return settings.model_copy(update={"risk": risk, "signals": signals})

    serve.load_settings = lifted  # type: ignore[attr-defined, assignment]


def main() -> None:
    """Runs until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sync-ms", type=float, default=0)
    parser.add_argument("--calls", action="store_true")
    wanted = parser.parse_args()
    counter = CallCounter() if wanted.calls else None
    if wanted.sync_ms:
        slow_down(wanted.sync_ms / 1000)
    from jqfollow.cli import main as jqfollow

    record_calls(wanted.folder)
    lift_limits()
    sampler = Sampler()
    commands = {"sample": lambda _: sampler.start(), "samples": lambda _: sampler.stop()}
    if counter is not None:
        commands |= {"count": lambda _: counter.start(), "counts": counter.write}
    listen(commands)
    sys.argv = ["jqfollow", "serve", "--config", str(wanted.folder / "config.toml")]
    jqfollow()


if __name__ == "__main__":
    main()
