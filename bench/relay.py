"""What the relay costs: `python -m bench.relay [MESSAGES] [STRATEGIES] [PCS]`, engine and gateway on this machine.

Prints messages a second (eight senders), p50 and p99 until a PC has acknowledged, memory, and disk a message.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

import httpx
import psutil

from jqfollow.relay.book import Book
from jqfollow.relay.certificate import ensure_certificate
from jqfollow.relay.config import RelayConfig
from jqfollow.relay.connect import connect, trusting
from jqfollow.relay.server import Relay
from jqfollow.relay.words import SIGNALS, receipt_subject, request_mac
from jqfollow.wire.jqf1 import Key, seal

SENDERS = 8
TEXT = "x" * 500


async def _acknowledge(config: RelayConfig, name: str, seed: str, certificate: str) -> None:
    connection = await connect(f"tls://127.0.0.1:{config.engine_port}", seed, name, trusting(certificate))
    js = connection.jetstream()
    stored = await js.pull_subscribe_bind(name, SIGNALS)
    while True:
        for message in await stored.fetch(20, timeout=3600):
            told = json.loads(message.data)
            receipt = {"pc": name, "status": "accepted", "mac": "0" * 64}
            await js.publish(receipt_subject(name, told["kid"], told["id"]), json.dumps(receipt).encode())
            await message.ack()


async def measure(messages: int, strategies: int, pcs: int) -> dict[str, object]:
    """One run in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = RelayConfig(
            host="127.0.0.1", port=18888, engine_port=14222, monitor_port=18222, max_per_minute=100_000, wait_ms=3000
        )
        certificate = ensure_certificate(config, folder).pinned
        book, seeds = Book.open(folder), {}
        names = [f"s{number}" for number in range(strategies)]
        for number in range(pcs):
            book, seeds[f"pc{number}"] = book.with_pc(f"pc{number}", (), tuple(names[number::pcs]))
        book.save(folder)
        relay = Relay(config, folder)
        await relay.start()
        takers = [asyncio.create_task(_acknowledge(config, pc, seed, certificate)) for pc, seed in seeds.items()]
        await asyncio.sleep(2)
        took: list[float] = []
        key, numbers = Key.generate(), iter(range(messages))

        async def send() -> None:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{config.port}", trust_env=False) as http:
                for number in numbers:
                    kid = names[number % strategies]
                    body = json.dumps(seal(key, kid, f"{number}", int(time.time()), TEXT)).encode()
                    mac = request_mac(book.relay_key(kid) or b"", body)
                    headers = {"content-type": "application/json", "x-relay-mac": mac}
                    begun = time.perf_counter()
                    answer = await http.post("/api/order", content=body, headers=headers, timeout=10)
                    took.append(time.perf_counter() - begun)
                    if answer.status_code != 200 or not answer.json()["receipts"]:
                        raise RuntimeError(f"not acknowledged: {answer.text[:200]}")

        begun = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(SENDERS)))
        spent = time.perf_counter() - begun
        cuts = quantiles(took, n=100)
        disk = sum(file.stat().st_size for file in (folder / "store").rglob("*") if file.is_file())
        memory = {"gateway_and_pcs": psutil.Process().memory_info().rss}
        if relay.engine.pid is not None:
            memory["engine"] = psutil.Process(relay.engine.pid).memory_info().rss
        for taker in takers:
            taker.cancel()
        await asyncio.wait(takers)
        await relay.stop()
    return {
        "acknowledged_a_second": round(messages / spent, 1),
        "acknowledged_p50_ms": round(cuts[49] * 1000, 1),
        "acknowledged_p99_ms": round(cuts[98] * 1000, 1),
        "memory_mb": {one: round(size / 2**20, 1) for one, size in memory.items()},
        "disk_bytes_a_message": disk // messages,
    }


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]] + [2000, 1000, 50][len(sys.argv) - 1 :]
    print(json.dumps(asyncio.run(measure(*given)), indent=1))
