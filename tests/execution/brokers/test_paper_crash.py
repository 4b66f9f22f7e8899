"""A paper broker that is killed remembers everything that it acknowledged."""

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

from jqfollow.domain import ATTEMPT_ENDED

from .contract import CASH
from .paper_rig import PaperRig, at

CHILD = """
import sys
from pathlib import Path
from decimal import Decimal
from jqfollow.clock import SystemClock
from jqfollow.domain import PlaceRequest, Side
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.market.calendar import TradingCalendar

broker = PaperBroker(name="paper", path=Path(sys.argv[1]), clock=SystemClock(), cash=Decimal(1_000_000),
                     hours="always", calendar=TradingCalendar(), pulse_s=0.001)
broker.connect()
broker.set_market("600000.SH", prev_close=Decimal(10), last=Decimal(10), depth=10_000_000)
for n in range(1_000_000):
    placed = broker.place(PlaceRequest(attempt_id=n, remark=f"jq-{n}", symbol="600000.SH", side=Side.BUY, volume=100,
                                       price=Decimal("10.01" if n % 2 else "9.90")))
    if n % 4 == 0:
        broker.cancel(placed.broker_order_id)
    filled = sum(f.volume for f in broker.fills())
    print(n, placed.broker_order_id, filled, broker.asset().cash, flush=True)
    if n >= 300:
        sys.stdin.readline()
"""


def test_a_killed_broker_remembers(tmp_path: Path) -> None:
    path = tmp_path / "模拟 账户" / "paper.journal"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, encoding="utf-8"
    )
    assert child.stdout is not None
    assert child.stdin is not None
    told = []
    for line in child.stdout:
        told.append(line.split())
        if len(told) >= 40:
            break
    child.kill()
    told.extend(line.split() for line in child.stdout if line.endswith("\n"))
    child.wait()
    child.stdout.close()
    child.stdin.close()

    rig = PaperRig(tmp_path, moment=at("10:00", date(2020, 1, 2)))  # before the child's day, which therefore goes on
    assert rig.path == path
    orders = {o.remark: o for o in rig.broker.orders()}
    for number, order_id, _, _ in told:
        order = orders[f"jq-{number}"]
        assert order.broker_order_id == order_id
        assert (order.state in ATTEMPT_ENDED) == (int(number) % 4 != 2)  # one in four goes on standing
    fills = rig.broker.fills()
    assert sum(f.volume for f in fills) >= int(told[-1][2])
    spent = sum((f.volume * f.price + f.fee for f in fills), Decimal(0))
    asset = rig.broker.asset()
    assert asset.cash + asset.frozen == CASH - spent
    assert rig.broker.positions()[0].volume == sum(f.volume for f in fills)
    rig.close()
