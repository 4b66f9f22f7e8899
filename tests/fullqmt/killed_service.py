"""A service that is killed: `python -m fullqmt.killed_service MAILBOX FILE LIFE` places and cancels without a pause.

It writes down its intent before, and what was said after, each order; the lines are the process's memory.
"""

import sys
import threading
from pathlib import Path

from execution.brokers.contract import SYMBOL
from jqfollow.clock import SystemClock
from jqfollow.domain import Accepted, BrokerDownError, BrokerError, BrokerEvent, PlaceFailed, PlaceRequest, Side
from jqfollow.execution.brokers.fullqmt.broker import FullQmtBroker

from .modes import ACCOUNT


def main(mailbox: Path, memory: Path, life: str) -> None:  # noqa: C901  # one story
    turn = threading.Lock()
    file = memory.open("a", encoding="utf-8")

    def write(*words: str) -> None:
        with turn:
            file.write(" ".join(words) + "\n")
            file.flush()

    def hear(event: BrokerEvent) -> None:
        if isinstance(event, PlaceFailed):
            write("failed", event.remark)

    broker = FullQmtBroker(
        name="main", mailbox=mailbox, account_id=ACCOUNT, clock=SystemClock(), take_s=0.5, place_s=1.0, query_s=0.8
    )
    broker.events(hear)
    broker.connect()
    print("ready", flush=True)  # noqa: T201  # the parent waits for it

    def work(hand: int) -> None:
        n = 0
        while True:
            n += 1
            remark = f"jq{life}-{hand}-{n}"
            write("intent", remark)
            try:
                placed = broker.place(_request(remark))
            except BrokerDownError:
                write("not_placed", remark)
                continue
            except BrokerError:
                write("unknown", remark)
                continue
            assert isinstance(placed, Accepted)
            write("accepted", remark, placed.broker_order_id)
            if n % 2:
                try:
                    broker.cancel(placed.broker_order_id)
                    write("cancel", remark, "sent")
                except BrokerError:
                    write("cancel", remark, "refused")

    for hand in range(3):
        threading.Thread(target=work, args=(hand,), daemon=True).start()
    sys.stdin.read()


def _request(remark: str) -> PlaceRequest:
    from decimal import Decimal

    return PlaceRequest(attempt_id=0, remark=remark, symbol=SYMBOL, side=Side.BUY, volume=100, price=Decimal("9.90"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
