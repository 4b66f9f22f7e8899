"""A program that writes signals to the ledger and says which stand; it is killed at any moment."""

import asyncio
import sys
from pathlib import Path

import structlog

from jqfollow.ledger.ledger import Ledger
from ledger.samples import DAY, an_attempt, fill_report


async def main(path: Path, first: int) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    ledger = Ledger.open(path)
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
