"""Every file of the data folder deleted, emptied, cut, changed, locked or replaced, at a start and while it is used.

Whatever happens to a file, one of three things is right: the service goes on and follows what it acknowledges; it
takes nothing, is not ready, and tells a person; or it does not start and says which file is meant. What was
acknowledged and whole before is never ordered again.
"""

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from e2e.senders import Jqf1Sender
from jqfollow.ledger.errors import LedgerError
from notify.wecom_server import WecomServer

from .served import Sent, Served, message_id, order_text

When = Literal["start", "running"]
ROBOT = "robot-key-1"
_TEXTS = "texts.json"
"""What was sent before the fault: a captured message is sent again as it was."""
FIRST = 4
"""Signals before the fault, and as many after it."""
LOOKED_S = 2.5
"""Longer than the service takes to notice."""


def delete(path: Path, _: random.Random) -> None:
    path.unlink()


def empty(path: Path, _: random.Random) -> None:
    path.write_bytes(b"")


def cut(path: Path, dice: random.Random) -> None:
    os.truncate(path, dice.randrange(1, max(2, path.stat().st_size)))


def flip(path: Path, dice: random.Random) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        place = dice.randrange(size)
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ (1 << dice.randrange(8))]))


def noise(path: Path, dice: random.Random) -> None:
    _over(path, 0, dice.randbytes(max(64, path.stat().st_size)))


def blank(path: Path, dice: random.Random) -> None:
    """From somewhere on, only zeros."""
    size = path.stat().st_size
    first = dice.randrange(size)
    _over(path, first, bytes(size - first))


def _over(path: Path, first: int, content: bytes) -> None:
    """As it lies, without cutting it: whoever has it open sees the change."""
    with path.open("r+b") as file:
        file.seek(first)
        file.write(content)


def lock(path: Path, _: random.Random) -> None:
    path.chmod(0o400)


def hide(path: Path, _: random.Random) -> None:
    path.chmod(0)


def folder(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir()


FAULTS: Mapping[str, Callable[[Path, random.Random], None]] = {
    one.__name__: one for one in (delete, empty, cut, flip, noise, blank, lock, hide, folder)
}


@dataclass
class Case:
    """One fault on one file, and what came of it."""

    name: str
    fault: str
    when: When
    wrong: list[str] = field(default_factory=list)
    came: str = ""


def template(place: Path) -> Path:
    """A data folder that was used: signals, orders, fills, logs, a copy; its process was killed, so the log stands."""
    served = Served(place)
    try:
        assert served.start() is None, served.said()
        key = served.sender()
        texts = [order_text(served.number()) for _ in range(FIRST)]
        for number, text in enumerate(texts, start=1):
            assert served.send(number, sender=key, text=text).acknowledged
        (place / _TEXTS).write_text(json.dumps(texts), encoding="utf-8")
        assert served.settled(), served.said()
    finally:
        served.close()
    return place


def cases(place: Path, whens: tuple[When, ...] = ("start", "running")) -> Iterator[Case]:
    """All of them, over what stands in the data folder."""
    data = place / "数据 data"
    for path in sorted(p for p in data.rglob("*") if p.is_file()):
        for fault in FAULTS:
            if path.stat().st_size == 0 and fault in {"empty", "cut", "flip", "noise", "blank"}:
                continue
            for when in whens:
                yield Case(name=str(path.relative_to(data)), fault=fault, when=when)


def play(case: Case, place: Path, scratch: Path, seed: int = 1) -> Case:
    """Plays one; `wrong` has what must not be."""
    with WecomServer(keys=(ROBOT,), per_minute=100_000) as wecom:
        shutil.copytree(place, scratch)
        served = Served(scratch, robots=(wecom.address(ROBOT),))
        for _ in range(FIRST):
            served.number()
        try:
            key = served.sender()
            path = served.data / case.name
            before: list[Sent] = []
            if case.when == "running":
                assert served.start() is None, served.said()
                before = [served.send(served.number(), sender=key) for _ in range(FIRST)]
                assert served.settled(), served.said()
                if path.exists():
                    FAULTS[case.fault](path, random.Random(seed))
                time.sleep(LOOKED_S)
            else:
                FAULTS[case.fault](path, random.Random(seed))
            _look(case, served, key, wecom, path)
            if case.when == "running":
                _stands(case, served, before, wecom)
        finally:
            served.close()
    if not case.wrong:
        shutil.rmtree(scratch, ignore_errors=True)
    return case


def _look(case: Case, served: Served, key: Jqf1Sender, wecom: WecomServer, path: Path) -> None:
    said = ""
    if case.when == "start":
        code = served.start()
        said = served.said()
        if code is not None:
            case.came = f"exit {code}"
            _wrong(case, code not in {1, 2, 3}, f"exit {code}")
            _wrong(case, path.name.split("-")[0] not in said, f"the file is not named: {said[-300:]}")
    if case.when == "running" and not served.alive and _took_memory_away(case):
        case.came = "ended at once"
        return
    _wrong(case, case.when == "running" and not served.alive, "the service ended")
    if served.alive:
        _work(case, served, key, wecom)
    said = served.said()
    memory = case.when == "running" and case.name.endswith("-shm")  # until it is noticed, what is read makes no sense
    _wrong(case, not memory and ("Traceback" in said or "内部错误" in said), f"a traceback: {said[-1500:]}")
    _wrong(case, "jqf1_" in said, "a key was printed")


def _took_memory_away(case: Case) -> bool:
    """Whoever cuts a file that a program has mapped ends that program, where the system lets him: as a kill does."""
    return case.name.endswith("-shm") and case.fault in {"empty", "cut"} and os.name != "nt"


def _work(case: Case, served: Served, key: Jqf1Sender, wecom: WecomServer) -> None:
    ready = served.health("readyz")
    texts = json.loads((served.folder / _TEXTS).read_text(encoding="utf-8"))
    again = [served.send(number, sender=key, text=text) for number, text in enumerate(texts, start=1)]
    fresh = [served.send(served.number(), sender=key) for _ in range(FIRST)]
    statuses = sorted({one.status for one in fresh})
    case.came = f"{statuses} ready {ready}"
    _wrong(case, any(s not in {200, 401, 503} for s in statuses), f"answers {statuses}")
    anew = [one for one in again if one.answer.get("status") == "accepted"]
    _wrong(case, any(one.answer.get("why") != "restored" for one in anew), f"an old message was new: {anew}")
    if statuses != [200]:
        _wrong(case, ready == 200 and served.health("readyz") == 200, "ready, and takes nothing")
        time.sleep(1.2)
        _wrong(case, not any("🚨" in text or "⚠" in text for text in wecom.texts()), f"nobody was told {wecom.texts()}")
    if served.health("healthz") != 200:
        _wrong(case, served.alive, f"healthz {served.health('healthz')}")
    _follows(case, served, fresh)


def _follows(case: Case, served: Served, fresh: list[Sent]) -> None:
    """What was acknowledged is at the exchange once, or refused with a reason."""
    taken = [one for one in fresh if one.acknowledged]
    if not taken:
        return
    try:
        served.settled(10)
        signals = {row.signal_id: row for row in served.read(lambda tx: tx.signals.list(limit=1000))}
        orders = served.read(lambda tx: tx.orders.list(limit=1000))
    except LedgerError as error:
        case.wrong.append(f"acknowledged, and the ledger cannot be read: {error}")
        return
    for one in taken:
        signal = signals.get(one.answer["signal_id"])
        mine = [order for order in orders if order.signal_id == one.answer["signal_id"]]
        _wrong(case, signal is None, f"acknowledged and lost: {one}")
        if signal is not None and signal.reason is None:
            _wrong(case, not mine, f"acknowledged, not followed: {signal}")
            ends = [(str(o.state), str(o.reason)) for o in mine]
            if any(state != "filled" for state, _ in ends):
                case.came += f" {ends}"


def _stands(case: Case, served: Served, before: list[Sent], wecom: WecomServer) -> None:
    """What was acknowledged before the fault is found at the next start, or a person was told that it is lost."""
    served.stop()
    told = any("🚨" in text for text in wecom.texts())
    code = served.start()
    if code is not None:
        named = Path(case.name).name.split("-")[0]
        _wrong(case, code not in {1, 2, 3} or named not in served.said(), f"exit {code}: {served.said()}")
        return
    signals = {row.message_id for row in served.read(lambda tx: tx.signals.list(limit=1000))}
    lost = [one.number for one in before if one.acknowledged and message_id(one.number) not in signals]
    _wrong(case, bool(lost) and not told, f"acknowledged before, lost without a word: {lost}")
    case.came += " lost, told" if lost else ""


def _wrong(case: Case, is_wrong: bool, what: str) -> None:
    if is_wrong:
        case.wrong.append(what)
