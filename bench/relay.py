"""What the relay costs: `python -m bench.relay ways [SIGNALS]`, or `load [MESSAGES] [STRATEGIES] [PCS]`.

`ways`: signal to broker call, a new connection each, by the relay and directly in turn; relay and service are processes
of their own on this machine. `load`: gateway and engine under eight senders, with simulated PCs in one more process.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import httpx
import psutil

from bench.calls import Sent
from bench.client import Connection
from bench.stage import ROOT, Side, Stage
from jqfollow.relay.book import Book
from jqfollow.relay.config import RelayConfig, load_relay_config
from jqfollow.relay.connect import connect, trusting
from jqfollow.relay.issue import ticket_for
from jqfollow.relay.ticket import Ticket
from jqfollow.relay.words import SIGNALS, receipt_subject, request_mac
from jqfollow.wire.jqf1 import Key, seal

SENDERS = 8
TEXT = "x" * 500
_PROGRAM = "import sys; from jqfollow.cli import main; sys.argv = ['jqfollow', *sys.argv[1:]]; main()"
_START_S = 30.0
_WORDS = {"stored": 0, "accepted": 3000}
"""How long an answer waits for the PC, ms."""


def _config(folder: Path, *, wait_ms: int = 3000) -> Path:
    ports = []
    for _ in range(3):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            ports.append(taken.getsockname()[1])
    file = folder / "relay.toml"
    port, engine, monitor = ports
    file.write_text(
        f'host = "127.0.0.1"\nport = {port}\nengine_port = {engine}\nmonitor_port = {monitor}\n'
        f"max_per_minute = 100000\nwait_ms = {wait_ms}\n",
        encoding="utf-8",
    )
    return file


@contextlib.contextmanager
def _running(*command: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    with (folder / "output.txt").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *command], stdout=out, stderr=out, env=os.environ | {"PYTHONPATH": path}
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _until_it_answers(port: int) -> None:
    end = time.monotonic() + _START_S
    while True:
        try:
            with Connection(port) as connection:
                connection.get("/api/order")
        except ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


# -- signal to broker call ---------------------------------------------------------------------------------------------


def ways(signals: int) -> dict[str, object]:
    """Both ways in turn, one signal at a time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = _config(folder)
        config = load_relay_config(file)
        strategies = ("momentum", "value", "rotation", "dividend")
        book, seed = Book.open(config.folder(file)).with_pc("home", (), strategies)
        book.save(config.folder(file))
        ticket = ticket_for("home", seed, book=book, config=config, folder=config.folder(file))
        stage = Stage(Side.SERVICE, folder / "pc")
        (stage.folder / "data").mkdir(parents=True)
        (stage.folder / "data" / "relay.json").write_text(ticket.model_dump_json(), encoding="utf-8")
        with _running("-c", _PROGRAM, "relay", "--relay-config", str(file), folder=folder), stage:
            _until_it_answers(config.port)
            stage.warm_up()
            took: dict[str, list[float]] = {"direct": [], "relay": []}
            stored: list[float] = []
            for number in range(2 * signals + 20):
                way = ("direct", "relay")[number % 2]
                call_ms, answer_ms = _one(stage, book, config.port if way == "relay" else stage.port)
                if number >= 20:  # a little warmth for the relay, too
                    took[way].append(call_ms)
                    stored += [answer_ms] if way == "relay" else []
    cuts = {way: quantiles(times, n=100) for way, times in took.items()}
    answers = quantiles(stored, n=100)
    return {
        "signals_each": signals,
        "direct_p50_p99_ms": [round(cuts["direct"][n], 1) for n in (49, 98)],
        "relay_p50_p99_ms": [round(cuts["relay"][n], 1) for n in (49, 98)],
        "relay_answer_with_receipt_p50_p99_ms": [round(answers[n], 1) for n in (49, 98)],
        "ratio_p50": round(cuts["relay"][49] / cuts["direct"][49], 2),
    }


def _one(stage: Stage, book: Book, port: int) -> tuple[float, float]:
    """Milliseconds from before the connection to the broker call, and to the answer."""
    before, signal = stage.calls.poll(), stage.signals.buy()
    mac = request_mac(book.relay_key(signal.strategy) or b"", signal.body)
    sent = Sent(key=signal.key, at_ns=time.perf_counter_ns())
    with Connection(port) as connection:
        answer = json.loads(connection.post(signal.body, more=f"X-Relay-Mac: {mac}\r\n"))
    answered_ms = (time.perf_counter_ns() - sent.at_ns) / 1e6
    if answer["status"] not in {"accepted", "stored"}:
        raise RuntimeError(f"neither accepted nor stored: {answer}")
    stage.calls.wait(before + 1, 10)
    return stage.calls.latencies_ms([sent], since=before)[0], answered_ms


# -- load --------------------------------------------------------------------------------------------------------------


async def _acknowledge(ticket: Ticket) -> None:
    connection = await connect(ticket.url, ticket.seed, ticket.pc, trusting(ticket.certificate))
    js = connection.jetstream()
    stored = await js.pull_subscribe_bind(ticket.pc, SIGNALS)
    while True:
        for message in await stored.fetch(20, timeout=3600):
            told = json.loads(message.data)
            receipt = {"pc": ticket.pc, "status": "accepted", "mac": "0" * 64}
            await js.publish(receipt_subject(ticket.pc, told["kid"], told["id"]), json.dumps(receipt).encode())
            await message.ack()


async def _pcs(tickets: list[Ticket]) -> None:
    await asyncio.gather(*(_acknowledge(ticket) for ticket in tickets))


def load(messages: int, strategies: int, pcs: int) -> dict[str, object]:
    """As fast as they are answered: when stored, and when a PC has acknowledged."""
    told: dict[str, object] = {"messages": messages, "strategies": strategies, "pcs": pcs}
    return told | {word: _load(messages, strategies, pcs, wait_ms) for word, wait_ms in _WORDS.items()}


def _load(messages: int, strategies: int, pcs: int, wait_ms: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = _config(folder, wait_ms=wait_ms)
        config = load_relay_config(file)
        data = config.folder(file)
        book, tickets = Book.open(data), []
        names = [f"s{number}" for number in range(strategies)]
        for number in range(pcs):
            book, seed = book.with_pc(f"pc{number}", (), tuple(names[number::pcs]))
            tickets.append(ticket_for(f"pc{number}", seed, book=book, config=config, folder=data))
        book.save(data)
        (folder / "tickets.json").write_text(json.dumps([one.model_dump() for one in tickets]), encoding="utf-8")
        with _running("-c", _PROGRAM, "relay", "--relay-config", str(file), folder=folder) as relay:
            _until_it_answers(config.port)
            with _running("-m", "bench.relay", "pcs", str(folder / "tickets.json"), folder=folder):
                time.sleep(3)
                begun = time.perf_counter()
                took = asyncio.run(_send_all(config, book, names, messages))
                spent = time.perf_counter() - begun
                engine = int((data / "engine.pid").read_text(encoding="ascii"))
                memory = {"gateway": relay.pid, "engine": engine}
                sizes = {one: round(psutil.Process(pid).memory_info().rss / 2**20, 1) for one, pid in memory.items()}
        disk = sum(one.stat().st_size for one in (data / "store").rglob("*") if one.is_file())
    cuts = quantiles(took, n=100)
    return {
        "a_second": round(messages / spent, 1),
        "p50_p99_ms": [round(cuts[n] * 1000, 1) for n in (49, 98)],
        "memory_mb": sizes,
        "disk_bytes_a_message_with_receipt": disk // messages,
    }


async def _send_all(config: RelayConfig, book: Book, names: list[str], messages: int) -> list[float]:
    took: list[float] = []
    key, numbers, waits = Key.generate(), iter(range(messages)), config.wait_ms > 0

    async def send() -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{config.port}", trust_env=False) as http:
            for number in numbers:
                kid = names[number % len(names)]
                body = json.dumps(seal(key, kid, f"{number}", int(time.time()), TEXT)).encode()
                mac = request_mac(book.relay_key(kid) or b"", body)
                headers = {"content-type": "application/json", "x-relay-mac": mac}
                begun = time.perf_counter()
                answer = await http.post("/api/order", content=body, headers=headers, timeout=10)
                took.append(time.perf_counter() - begun)
                if answer.status_code != httpx.codes.OK or (waits and not answer.json()["receipts"]):
                    raise RuntimeError(f"not what was asked for: {answer.text[:200]}")

    await asyncio.gather(*(send() for _ in range(SENDERS)))
    return took


def main() -> None:
    """One of the two, as JSON."""
    command, *given = sys.argv[1:] or ["ways"]
    if command == "pcs":
        told = json.loads(Path(given[0]).read_text(encoding="utf-8"))
        asyncio.run(_pcs([Ticket.model_validate(one) for one in told]))
    elif command == "ways":
        print(json.dumps(ways(*map(int, given or ["300"])), indent=1))
    else:
        print(json.dumps(load(*map(int, [*given, *["2000", "1000", "50"][len(given) :]])), indent=1))


if __name__ == "__main__":
    main()
