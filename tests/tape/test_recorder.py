"""The tape of an order: from its signal to half an hour after its end, and what a crash leaves of it."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from e2e.house import House
from jqfollow.tape.lines import FOLDER, Begun, Done, Seen, path_of, read

PING_AN = "000001.XSHE"


async def test_an_order_is_on_the_tape(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        recorder = house.service.parts.recorder
        await recorder.look(house.clock.now())
        house.market(PING_AN, "10.00")
        signal = await house.send("demo", PING_AN, "buy", 1000, price="9.99")
        [order] = await house.done(signal)
        for seconds in (1, 60, 240, 1500, 5):
            house.forward(seconds)
            await recorder.look(house.clock.now())
        await recorder.flush()
        lines = list(read(path_of(house.data_dir / FOLDER, house.clock.now().date())))
        kinds = [type(line) for line in lines]  # the service's own schedule may have looked in between
        assert (kinds[0], kinds.count(Begun), kinds.count(Done)) == (Begun, 1, 1)
        assert kinds.count(Seen) >= 4
        begun, done = lines[0], lines[kinds.index(Done)]
        assert isinstance(begun, Begun)
        assert isinstance(done, Done)
        assert (begun.security, begun.decision) == ("000001.SZ", Decimal("9.99"))
        assert (done.wished, done.filled, done.paid) == (1000, 1000, Decimal("10.01"))
        marks = await house.ledger.read(lambda tx: tx.marks.of_days(order.day, order.day))
        assert marks[order.order_id].arrival == Decimal("10.00")
        house.forward(timedelta(hours=5).total_seconds())
        await recorder.look(house.clock.now())
        marks = await house.ledger.read(lambda tx: tx.marks.of_days(order.day, order.day))
        assert marks[order.order_id].close == Decimal("10.00")


async def test_a_torn_tape_loses_its_end_only(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        recorder = house.service.parts.recorder
        await recorder.look(house.clock.now())
        house.market(PING_AN, "10.00")
        await house.done(await house.send("demo", PING_AN, "buy", 1000, price="9.99"))
        await recorder.look(house.clock.now())
        await recorder.flush()
        path = path_of(house.data_dir / FOLDER, house.clock.now().date())
        whole = len(list(read(path)))
        with path.open("ab") as file:
            file.write(path.read_bytes()[:25])
        assert len(list(read(path))) == whole
