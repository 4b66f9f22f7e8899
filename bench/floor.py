"""The floor: what no such service can leave out, and nothing else.

    python -m bench.floor FOLDER SIGNALS_PORT [--sync-ms MS]

A bare FastAPI app on uvicorn with the settings of `jqfollow/api/server.py`. It opens the message, commits it durably
(SQLite, WAL, `synchronous=FULL`; one writer thread, all that wait in one commit), answers with the seal of the key, and
calls a broker that does nothing through a pool of threads. No limits, no sizing, no rules, no books, no second commit.
"""

import argparse
import asyncio
import hashlib
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from bench.calls import CallRecorder
from bench.child import listen
from bench.signals import STRATEGIES
from bench.slow_disk import slow_down
from jqfollow.wire.answers import Answer
from jqfollow.wire.jqf1 import Jqf1Envelope, Key, ack_mac, open_box
from jqfollow.wire.keystore import KeyStore
from jqfollow.wire.messages import OrderMessage, parse_text

WIDTH = 16
"""Threads that call the broker side by side, as many as the service has at a paper account."""

_TABLE = """
CREATE TABLE signals (
    signal_id INTEGER PRIMARY KEY, strategy TEXT NOT NULL, message_id TEXT NOT NULL, digest TEXT NOT NULL,
    text TEXT NOT NULL, received_at INTEGER NOT NULL, UNIQUE (strategy, message_id)
) STRICT
"""
_INSERT = "INSERT INTO signals (strategy, message_id, digest, text, received_at) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class _Job:
    row: tuple[str, str, str, str, int]
    done: Future[int]


class Writer:
    """One thread, grouped commits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="writer", daemon=True).start()

    def submit(self, row: tuple[str, str, str, str, int]) -> Future[int]:
        """The row's number, once it is on the disk."""
        job = _Job(row, Future())
        self._jobs.put(job)
        return job.done

    def _run(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_TABLE)
        while True:
            group = [self._jobs.get()]
            while not self._jobs.empty():
                group.append(self._jobs.get())
            connection.execute("BEGIN IMMEDIATE")
            numbers = [connection.execute(_INSERT, job.row).lastrowid or 0 for job in group]
            connection.execute("COMMIT")
            for job, number in zip(group, numbers, strict=True):
                job.done.set_result(number)


class Broker:
    """Does nothing, and says when."""

    def __init__(self, folder: Path) -> None:
        self._recorder = CallRecorder(folder)

    def place(self, symbol: str, side: str, volume: int) -> None:
        """The call that is measured."""
        self._recorder.record(symbol, side, volume)


def floor_app(folder: Path) -> FastAPI:
    """The whole of it."""
    store = KeyStore.open(folder / "keys.toml")
    store.ensure(STRATEGIES)
    keys: dict[str, Key] = {name: store.keys(name)[0] for name in STRATEGIES}
    writer, broker = Writer(folder / "floor.sqlite3"), Broker(folder)
    threads = ThreadPoolExecutor(WIDTH, "broker")
    app = FastAPI(openapi_url=None)

    @app.get("/api/order")
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/api/order")
    async def take(envelope: Jqf1Envelope) -> Answer:
        key = keys[envelope.kid]
        text = open_box(key, envelope)
        message = parse_text(text)
        assert isinstance(message, OrderMessage)
        digest = hashlib.sha256(text.encode()).hexdigest()
        row = (envelope.kid, envelope.id, digest, text, time.time_ns() // 1_000_000)
        number = await asyncio.wrap_future(writer.submit(row))
        order = message.strategy_order()
        threads.submit(broker.place, order.symbol, order.side, order.amount)
        mac = ack_mac(key, envelope.id, "accepted")
        return Answer(status="accepted", id=envelope.id, signal_id=number, mac=mac)

    return app


def serve(folder: Path, port: int) -> None:
    """Answers until the process is ended."""
    uvicorn.run(
        floor_app(folder),
        host="127.0.0.1",
        port=port,
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=15,
    )


def main() -> None:
    """Runs until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--sync-ms", type=float, default=0)
    wanted = parser.parse_args()
    if wanted.sync_ms:
        slow_down(wanted.sync_ms / 1000)
    listen({})
    serve(wanted.folder, wanted.port)


if __name__ == "__main__":
    main()
