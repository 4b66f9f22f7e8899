import asyncio
import tempfile
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from jqfollow.notify.kinds import Kind, is_urgent
from jqfollow.notify.line import MAX_REFUSALS
from jqfollow.notify.outbox import Outbox
from jqfollow.notify.wecom import Delivered, GaveUp, Outcome, RetryLater, WecomRobot

from .virtual_clock import VirtualClock
from .wecom_server import WecomServer

T = TypeVar("T")
BUSY = RetryLater(why="busy")
ODD = RetryLater(why="errcode 81013", refused=True)
BAD_KEY = GaveUp(why="errcode 93000", robot=True)


class FakeRobot:
    """Takes what it is sent, but for the outcomes it was given; `judge` decides by the text."""

    def __init__(
        self, name: str = "robot-a", *outcomes: Outcome, judge: Callable[[str], Outcome] | None = None
    ) -> None:
        self.name = name
        self.texts: list[str] = []
        self.tries = 0
        self.outcomes = deque(outcomes)
        self._judge = judge

    async def send(self, text: str) -> Outcome:
        self.tries += 1
        outcome = self.outcomes.popleft() if self.outcomes else self._judge(text) if self._judge else Delivered()
        if isinstance(outcome, Delivered):
            self.texts.append(text)
        return outcome

    async def send_image(self, png: bytes) -> Outcome:
        self.texts.append(f"image of {len(png)} bytes")
        return Delivered()


class FailingLedger(Ledger):
    """The ledger whose writes or reads fail while `broken` names them."""

    broken = ""

    async def write(self, fn: Callable[[Tx], T]) -> T:
        if self.broken == "write":
            raise LedgerError("the disk is full")
        return await super().write(fn)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        if self.broken == "read":
            raise LedgerError("the disk is gone")
        return await super().read(fn)


@pytest.fixture
def put(ledger: Ledger, clock: VirtualClock) -> Callable[..., None]:
    def write(*texts: str, kind: str = Kind.ORDER_DONE) -> None:
        for text in texts:
            ledger.write_now(lambda tx, text=text: tx.outbox.put(kind, text, clock.now()))

    return write


def stored(ledger: Ledger) -> dict[str, tuple[str, str]]:
    """State and error of each text in the outbox."""
    rows = ledger.read_now(lambda tx: tx.outbox._all("SELECT text, state, error FROM outbox"))
    return {row["text"]: (row["state"], row["error"]) for row in rows}


def states(ledger: Ledger) -> dict[str, str]:
    return {text: state for text, (state, _) in stored(ledger).items()}


async def settle(outbox: Outbox, clock: VirtualClock, *, rounds: int = 1000) -> float:
    """Drains until nothing is waiting; the seconds that it took."""
    took = 0.0
    for _ in range(rounds):
        wait = await outbox.drain_once()
        if wait is None:
            return took
        assert wait > 0
        clock.advance(wait)
        took += wait
    raise AssertionError(f"still waiting after {rounds} rounds")


async def test_a_picture_goes_out_as_one(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None], tmp_path: Path
) -> None:
    robot, picture = FakeRobot(), tmp_path / "曲线.png"
    picture.write_bytes(b"123")
    put("甲")
    put(str(picture), str(tmp_path / "gone.png"), kind=Kind.PICTURE)
    await settle(Outbox(ledger, [robot], clock), clock)
    assert robot.texts == ["甲", "image of 3 bytes"]
    assert sorted(states(ledger).values()) == ["failed", "sent", "sent"]


async def test_sends_once_and_marks(ledger: Ledger, clock: VirtualClock, put: Callable[..., None]) -> None:
    robot = FakeRobot()
    outbox = Outbox(ledger, [robot], clock)
    assert await outbox.drain_once() is None
    put("甲")

    assert await outbox.drain_once() is None
    assert await outbox.drain_once() is None

    assert robot.texts == ["甲"]
    assert states(ledger) == {"甲": "sent"}
    assert outbox.health()["state"] == "ok"
    assert outbox.health()["pending"] == 0


async def test_what_waits_together_goes_together_the_urgent_first(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    robot = FakeRobot()
    put("甲", "乙")
    put("急", kind=Kind.UNKNOWN_OUTCOME)

    await Outbox(ledger, [robot], clock).drain_once()

    (text,) = robot.texts
    assert text.index("急") < text.index("甲") < text.index("乙")


async def test_urgent_rows_are_found_behind_a_long_backlog(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    robot = FakeRobot()
    ledger.write_now(lambda tx: [tx.outbox.put(Kind.ORDER_DONE, f"成交 {n}", clock.now()) for n in range(800)])
    put("急", kind=Kind.ALERT)

    await Outbox(ledger, [robot], clock).drain_once()

    assert "急" in robot.texts[0]


async def test_a_robot_that_fails_makes_no_other_wait_nor_repeat(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    well, ill = FakeRobot("well"), FakeRobot("ill", BUSY, BUSY)
    outbox = Outbox(ledger, [well, ill], clock)
    put("甲")

    wait = await outbox.drain_once()
    assert (well.texts, ill.texts, wait) == (["甲"], [], 2)
    assert states(ledger) == {"甲": "pending"}
    assert outbox.health()["state"] == "degraded"
    put("乙")
    await outbox.drain_once()
    assert well.texts == ["甲", "乙"]
    assert ill.tries == 1  # still backing off
    await settle(outbox, clock)

    assert well.texts == ["甲", "乙"]
    assert [text for text in ill.texts if "甲" in text and "乙" in text] == ill.texts
    assert len(ill.texts) == 1
    assert states(ledger) == {"甲": "sent", "乙": "sent"}
    assert outbox.health()["state"] == "ok"


async def test_who_was_told_is_remembered_over_a_restart(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    well = FakeRobot("well")
    put("甲")
    await Outbox(ledger, [well, FakeRobot("ill", BUSY)], clock).drain_once()

    ill = FakeRobot("ill")
    await Outbox(ledger, [well, ill], clock).drain_once()

    assert (well.texts, ill.texts) == (["甲"], ["甲"])


async def test_a_robot_no_longer_configured_holds_nothing_open(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    well = FakeRobot("well")
    put("甲")
    await Outbox(ledger, [well, FakeRobot("gone", BUSY)], clock).drain_once()
    await Outbox(ledger, [well], clock).drain_once()

    assert states(ledger) == {"甲": "sent"}
    assert well.texts == ["甲"]


async def test_a_bad_key_ends_the_robot_and_nothing_else(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    well, bad = FakeRobot("well"), FakeRobot("bad", BAD_KEY)
    outbox = Outbox(ledger, [well, bad], clock)
    put("甲")
    assert await outbox.drain_once() is None
    put("乙")
    assert await outbox.drain_once() is None

    assert well.texts == ["甲", "乙"]
    assert bad.tries == 1
    assert states(ledger) == {"甲": "sent", "乙": "sent"}
    health = outbox.health()
    assert health["state"] == "degraded"
    assert [robot["state"] for robot in health["robots"]] == ["ok", "removed"]


async def test_with_every_robot_gone_rows_fail_and_say_why(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    outbox = Outbox(ledger, [FakeRobot("bad", BAD_KEY)], clock)
    put("甲", "乙")
    assert await outbox.drain_once() is None
    put("丙")
    assert await outbox.drain_once() is None

    assert {state for state, error in stored(ledger).values() if error} == {"failed"}
    assert len(stored(ledger)) == 3


async def test_without_robots_rows_are_dropped(ledger: Ledger, clock: VirtualClock, put: Callable[..., None]) -> None:
    put("甲")
    outbox = Outbox(ledger, [], clock)

    assert await outbox.drain_once() is None

    assert states(ledger) == {"甲": "dropped"}
    assert outbox.health()["state"] == "off"


async def test_backs_off_longer_and_longer(ledger: Ledger, clock: VirtualClock, put: Callable[..., None]) -> None:
    robot = FakeRobot("robot-a", *[BUSY] * 10)
    outbox = Outbox(ledger, [robot], clock)
    put("甲")
    waits = list[float]()
    while (wait := await outbox.drain_once()) is not None:
        waits.append(wait)
        assert await outbox.drain_once() == wait  # asking again changes nothing
        clock.advance(wait)

    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert robot.tries == 11
    assert states(ledger) == {"甲": "sent"}


async def test_too_many_a_minute_waits_the_minute(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    robot = FakeRobot("robot-a", RetryLater(why="errcode 45009", after_s=60))
    put("甲")

    assert await Outbox(ledger, [robot], clock).drain_once() == 60


async def test_wecoms_limits_are_never_met(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None], wecom: WecomServer, client: httpx.AsyncClient
) -> None:
    robots = [WecomRobot(SecretStr(wecom.address(key)), client) for key in sorted(wecom.keys)]
    outbox = Outbox(ledger, robots, clock)
    texts = [f"第 {n} 条 " + "长" * 600 for n in range(50)]  # each fills a message
    put(*texts)

    took = await settle(outbox, clock)

    assert wecom.requests == 100  # none was refused
    for key in wecom.keys:
        assert wecom.texts(key)[:15] == texts[:15]
        assert [text[text.index("第") :] for text in wecom.texts(key)] == texts
    assert 180 <= took < 240
    assert set(states(ledger).values()) == {"sent"}


async def test_a_part_of_each_minute_is_kept_for_what_is_urgent(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    robot = FakeRobot()
    outbox = Outbox(ledger, [robot], clock)
    put(*(f"第 {n} 条 " + "长" * 600 for n in range(30)))
    assert await outbox.drain_once() == 60
    put("急", kind=Kind.ALERT)

    await outbox.drain_once()

    assert "急" in robot.texts[-1]
    assert len(robot.texts) == 16


async def test_an_outage_of_days_gives_up_only_what_is_old(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    robot = FakeRobot("robot-a", judge=lambda _: BUSY)
    outbox = Outbox(ledger, [robot], clock)
    put("旧")
    began = clock.now()
    while clock.now() < began + timedelta(hours=20):
        clock.advance(await outbox.drain_once() or 0)
    put("新")
    while clock.now() < began + timedelta(hours=25):
        clock.advance(await outbox.drain_once() or 0)

    assert stored(ledger)["旧"] == ("failed", "busy")
    assert states(ledger)["新"] == "pending"
    assert outbox.health()["robots"][0]["given_up"] == 1
    robot._judge = None
    await settle(outbox, clock)
    assert states(ledger)["新"] == "sent"


async def test_nothing_is_given_up_at_the_first_try_after_a_long_stop(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    put("旧")
    clock.advance(3 * 86_400)
    robot = FakeRobot("robot-a", BUSY, BUSY)

    await settle(Outbox(ledger, [robot], clock), clock)

    assert states(ledger) == {"旧": "sent"}
    assert robot.texts == ["[03-03 10:00:00] 旧"]


async def test_a_long_backlog_becomes_a_digest(ledger: Ledger, clock: VirtualClock, put: Callable[..., None]) -> None:
    ledger.write_now(lambda tx: [tx.outbox.put(Kind.ORDER_DONE, f"成交 {n} 股\n细节", clock.now()) for n in range(300)])
    clock.advance(3600)
    robot = FakeRobot()

    await settle(Outbox(ledger, [robot], clock), clock)

    assert len(robot.texts) < 10
    assert all(any(f"成交 {n} 股" in text for text in robot.texts) for n in range(300))
    assert set(states(ledger).values()) == {"sent"}


def poison(outcome: Outcome) -> Callable[[str], Outcome]:
    return lambda text: outcome if "毒" in text else Delivered()


@pytest.mark.parametrize(
    ("outcome", "tries"),
    [(GaveUp(why="errcode 40058"), 1 + 3), (ODD, 3 + MAX_REFUSALS - 1)],
    ids=["given up", "unknown code"],
)
async def test_a_message_that_is_refused_takes_no_other_along(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None], outcome: Outcome, tries: int
) -> None:
    robot = FakeRobot("robot-a", judge=poison(outcome))
    outbox = Outbox(ledger, [robot], clock)
    put("甲", "毒", "乙")

    await settle(outbox, clock)
    put("丙", "丁")
    await settle(outbox, clock)

    assert [text.split("] ")[-1] for text in robot.texts[:2]] == ["甲", "乙"]
    assert len(robot.texts) == 3  # 丙 and 丁 share one again
    assert robot.tries == tries + 1
    assert stored(ledger)["毒"] == ("failed", outcome.why)  # type: ignore[union-attr]
    assert list(states(ledger).values()).count("sent") == 4


async def test_a_robot_that_breaks_is_one_that_fails(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    def broken(_: str) -> Outcome:
        raise RuntimeError("https://relay/?key=robot-key-1")

    robot = FakeRobot("robot-a", judge=broken)
    outbox = Outbox(ledger, [robot], clock)
    put("甲")

    assert await outbox.drain_once() == 2
    assert outbox.health()["robots"][0]["last_error"] == "RuntimeError"
    assert "robot-key-1" not in repr(outbox.health()) + repr(stored(ledger))


async def test_a_disk_that_fails_after_the_answer_makes_no_flood(tmp_path: Path, clock: VirtualClock) -> None:
    with FailingLedger.open(tmp_path / "ledger.db") as ledger:
        robot = FakeRobot()
        outbox = Outbox(ledger, [robot], clock)
        ledger.write_now(lambda tx: tx.outbox.put(Kind.ORDER_DONE, "甲", clock.now()))
        ledger.broken = "write"
        for _ in range(3):
            with pytest.raises(LedgerError):
                await outbox.drain_once()
        ledger.broken = ""
        await outbox.drain_once()

        assert robot.texts == ["甲"]
        assert states(ledger) == {"甲": "sent"}


async def test_a_crash_between_answer_and_mark_sends_that_one_message_again(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    class Dying(FakeRobot):
        async def send(self, text: str) -> Outcome:
            await super().send(text)
            raise asyncio.CancelledError  # the process ends here

    dying, robot = Dying(), FakeRobot()
    put("甲")
    with pytest.raises(asyncio.CancelledError):
        await Outbox(ledger, [dying], clock).drain_once()
    assert states(ledger) == {"甲": "pending"}

    outbox = Outbox(ledger, [robot], clock)
    await outbox.drain_once()
    await outbox.drain_once()

    assert dying.texts == robot.texts == ["甲"]
    assert states(ledger) == {"甲": "sent"}


class Running:
    """An outbox that runs."""

    def __init__(self, outbox: Outbox) -> None:
        self.task = asyncio.create_task(outbox.run())

    async def __aenter__(self) -> None:
        await asyncio.sleep(0)

    async def __aexit__(self, *_: object) -> None:
        assert not self.task.done()
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # a fake has no event for it
            await asyncio.sleep(0.001)


async def test_runs_when_it_is_kicked(ledger: Ledger, clock: VirtualClock, put: Callable[..., None]) -> None:
    robot = FakeRobot()
    outbox = Outbox(ledger, [robot], clock, linger_s=0)
    put("甲")
    async with Running(outbox):
        await until(lambda: robot.texts == ["甲"])
        put("乙")
        outbox.kick()
        await until(lambda: robot.texts == ["甲", "乙"])


async def test_a_robot_that_hangs_holds_up_no_other(
    ledger: Ledger, clock: VirtualClock, put: Callable[..., None]
) -> None:
    class Hanging(FakeRobot):
        async def send(self, text: str) -> Outcome:
            self.tries += 1
            await asyncio.Event().wait()
            raise AssertionError

    hanging, well = Hanging("hanging"), FakeRobot("well")
    outbox = Outbox(ledger, [hanging, well], clock, linger_s=0)
    async with Running(outbox):
        for text in ("甲", "乙", "丙"):
            put(text)
            outbox.kick()
            await until(lambda text=text: well.texts and well.texts[-1] == text)
    assert hanging.tries == 1


async def test_runs_on_when_the_ledger_comes_back(tmp_path: Path, clock: VirtualClock) -> None:
    with FailingLedger.open(tmp_path / "ledger.db") as ledger:
        robot = FakeRobot()
        outbox = Outbox(ledger, [robot], clock, linger_s=0)
        ledger.write_now(lambda tx: tx.outbox.put(Kind.ORDER_DONE, "甲", clock.now()))
        ledger.broken = "read"
        async with Running(outbox):
            await until(lambda: outbox.health()["errors"])
            assert outbox.health()["state"] == "degraded"
            ledger.broken = ""
            outbox.kick()
            await until(lambda: robot.texts == ["甲"] and outbox.health()["state"] == "ok")


async def test_runs_without_robots(ledger: Ledger, clock: VirtualClock, put: Callable[..., None]) -> None:
    outbox = Outbox(ledger, [], clock, linger_s=0)
    async with Running(outbox):
        put("甲")
        outbox.kick()
        await until(lambda: states(ledger) == {"甲": "dropped"})


FATES = st.lists(st.sampled_from([Delivered(), BUSY, ODD, RetryLater(why="rate", after_s=60)]), max_size=12).filter(
    lambda fates: fates.count(ODD) < MAX_REFUSALS  # else one message may be given up
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([k for k in Kind if k is not Kind.PICTURE]), st.booleans()), min_size=1, max_size=12
    ),
    st.tuples(FATES, FATES),
)
def test_each_robot_is_told_everything_once_and_in_order(
    messages: list[tuple[Kind, bool]], fates: tuple[list[Outcome], list[Outcome]]
) -> None:
    async def play(folder: str) -> None:
        clock = VirtualClock()
        robots = [FakeRobot(f"robot-{n}", *fate) for n, fate in enumerate(fates)]
        with Ledger.open(Path(folder) / "ledger.db") as ledger:
            outbox = Outbox(ledger, robots, clock)
            for n, (kind, drain) in enumerate(messages):
                await ledger.write(lambda tx, n=n, kind=kind: tx.outbox.put(kind, f"<{n:02}>", clock.now()))
                if drain:
                    await outbox.drain_once()
                clock.advance(1)
            await settle(outbox, clock)
            assert set(states(ledger).values()) == {"sent"}
        for robot in robots:
            told = "".join(robot.texts)
            assert all(told.count(f"<{n:02}>") == 1 for n in range(len(messages)))
            for wanted in (is_urgent, lambda kind: kind == Kind.REMAINDER):
                places = [told.index(f"<{n:02}>") for n, (kind, _) in enumerate(messages) if wanted(kind)]
                assert places == sorted(places)
            others = [n for n, (kind, _) in enumerate(messages) if not is_urgent(kind) and kind != Kind.REMAINDER]
            assert [told.index(f"<{n:02}>") for n in others] == sorted(told.index(f"<{n:02}>") for n in others)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(folder))
