"""A program that writes signals to the ledger and says which stand; it is killed at any moment."""

import asyncio
import sys
import time
from pathlib import Path

import structlog

from jqfollow.ledger.ledger import Ledger
from ledger.samples import DAY, an_attempt, connection_of, fill_report


def dawdle(statement: str) -> None:
    """Makes room before a commit for whoever would say too early that it stands, and be killed."""
    if statement == "COMMIT":
        time.sleep(0.003)


async def main(path: Path, first: int) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    ledger = Ledger.open(path)
    await ledger.write(lambda tx: connection_of(tx).set_trace_callback(dawdle))
    sys.stdout.write("ready\n")
    sys.stdout.flush()

    async def record(name: str) -> None:
        attempt = await ledger.write(lambda tx: an_attempt(tx, name))
        sys.stdout.write(f"order {name}\n")
        sys.stdout.flush()
        await ledger.write(lambda tx: tx.fills.add(attempt, "demo", fill_report(attempt, name), DAY))
        sys.stdout.write(f"fill {name}\n")
        sys.stdout.flush()

    number = first
    while True:
        await asyncio.gather(*(record(str(number + offset)) for offset in range(8)))
        number += 8


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
