"""jqfollow's end of the mailbox: requests, answers, pushes and the heartbeat, all as whole files.

Who renames `in/x` owns it. A request that jqfollow renames back out was certainly not served; one that is gone was
taken, and what became of it only its answer tells:

    written ──▶ withdrawn          renamed back out: certainly not served
       │
       └─────▶ taken ──▶ answered  in time, or late: then it is handed to `late`
                  └────▶ unknown   nobody waits any more
"""

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from jqfollow.clock import Clock, to_ms
from jqfollow.domain import BrokerDownError, BrokerTimeoutError
from jqfollow.execution.brokers.fullqmt import folder

_log = structlog.get_logger(__name__)

VERSION = 1
"""Of what the two ends write; the pasted file says its own."""
Told = Mapping[str, Any]

POLL_S = 0.02
LOOK_S = 0.1
"""How often the heartbeat is looked at: on Windows a file that is being read cannot be replaced."""
SILENT_S = 3.0
"""The terminal's thread may be busy so long: five orders of 0.2 s and a list of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What `alive.json` tells."""

    version: int
    epoch: str
    """One run of the pasted file."""
    ticks: int
    at: float
    """By the terminal's clock, seconds since 1970."""
    account: str


class Mailbox:
    """One connection to the strategy in the terminal. Thread-safe."""

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        account_id: str,
        clock: Clock,
        event: Callable[[Told], None],
        late: Callable[[Told], None],
        lost: Callable[[str], None],
        silent_s: float = SILENT_S,
        poll_s: float = POLL_S,
    ) -> None:
        """Nothing is touched before `open`; the three callables are called on the mailbox's own thread.

        Args:
            path: the folder.
            name: of the account; stands in errors and the thread's name.
            account_id: which the strategy must be for.
            clock: tells the time.
            event: gets each push.
            late: gets each answer that nobody waits for.
            lost: is told once why the connection is over.
            silent_s: a strategy that does nothing for so long is lost.
            poll_s: how often files are looked for.
        """
        self._path = path
        self._name = name
        self._account_id = account_id
        self._clock = clock
        self._event = event
        self._late = late
        self._tell_lost = lost
        self._silent_limit_s = silent_s
        self._poll_s = poll_s
        self._news = threading.Condition()
        self._waiting: set[str] = set()
        self._answers: dict[str, Told] = {}
        self._beat: Heartbeat | None = None
        self._silent_s = 0.0
        self._lost = ""
        self._closed = threading.Event()
        self._moved: int | None = None
        """How much of the moved file of pushes was read."""
        self._thread: threading.Thread | None = None

    # -- life

    def open(self, timeout_s: float) -> None:
        """Waits until the strategy is seen at work, takes back what an earlier process left, and begins to listen.

        Raises:
            BrokerDownError: not possible now; says what is missing and what to do.
        """
        folder.check(self._path)
        folder.sweep(self._path, self._clock.now().timestamp())
        self._beat = self._first_beats(timeout_s)
        self._take_back_what_is_left()
        self._thread = threading.Thread(target=self._run, name=f"mailbox-{self._name}", daemon=True)
        self._thread.start()

    def _first_beats(self, timeout_s: float) -> Heartbeat:
        end, seen = self._clock.monotonic() + timeout_s, None
        while True:
            beat = read_heartbeat(self._path)
            if beat is not None:
                self._check(beat)
                if seen is not None and beat.ticks != seen.ticks and beat.epoch == seen.epoch:
                    return beat
                seen = beat
            if self._clock.monotonic() >= end:
                what = "心跳停了" if seen else "没有心跳"
                raise BrokerDownError(
                    f"{self._name}: QMT 里的策略{what}。请启动 QMT，在“模型交易”里以实盘模式运行它；"
                    "如有弹窗请关闭 / the strategy in QMT does not run: start QMT and the strategy, close any dialog"
                )
            self._closed.wait(LOOK_S)

    def _check(self, beat: Heartbeat) -> None:
        if beat.version != VERSION:
            raise BrokerDownError(
                f"{self._name}: QMT 里的策略是第 {beat.version} 版，需要第 {VERSION} 版，"
                "请重新运行 jqfollow fullqmt 并粘贴 / "
                "the strategy in QMT is of another version: write and paste it anew"
            )
        if beat.account != self._account_id:
            raise BrokerDownError(
                f"{self._name}: 信箱里的策略是给资金账号 …{beat.account[-4:]} 的，配置的是 …{self._account_id[-4:]} / "
                "the strategy in this mailbox is for another account"
            )

    def close(self, why: str) -> None:
        """Ends it; whoever waits is told, what was not taken is taken back."""
        self._lose(why)
        self._closed.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2)

    @property
    def lost(self) -> str:
        """Why the connection is over; empty while nothing says so."""
        with self._news:
            return self._lost

    def _lose(self, why: str) -> bool:
        with self._news:
            first, self._lost = not self._lost, self._lost or why
            self._news.notify_all()
            return first

    # -- requests

    def ask(self, kind: str, body: Told, *, take_s: float, answer_s: float) -> Told:
        """Hands a request over, once, and gives its answer.

        Args:
            kind: `c`, `p` or `q`: the order in which the strategy serves what lies there.
            body: what is asked.
            take_s: a request that is not taken by then is taken back.
            answer_s: how long the answer is waited for, from now.

        Raises:
            BrokerDownError: certainly not served.
            BrokerError: taken, and not answered: what was asked may have happened, or may happen still.
        """
        now = self._clock.monotonic()
        rid = f"{kind}-{to_ms(self._clock.now()):013}-{secrets.token_hex(6)}"
        with self._news:
            self._check_up()
            self._waiting.add(rid)
            not_after = self._terminal_time() + take_s
        try:
            self._write(rid, {**body, "v": VERSION, "account": self._account_id, "not_after": not_after})
            answer = self._answer(rid, now + take_s, now + answer_s)
        finally:
            with self._news:
                self._waiting.discard(rid)
                answered = self._answers.pop(rid, None)
        if answer is None:
            answer = answered  # it came just now
        if answer is None:
            raise BrokerTimeoutError(
                f"{self._name}: QMT 接手了，但 {answer_s:g} 秒内没有答复，结果未知 {self.lost} / "
                f"taken, and not answered within {answer_s:g} s: the outcome is unknown"
            )
        return answer

    def _check_up(self) -> None:
        if self._lost:
            raise BrokerDownError(f"{self._name}: 与 QMT 的连接已断开：{self._lost} / the connection to QMT is lost")

    def _terminal_time(self) -> float:
        """Now, by the terminal's clock, and never later than it."""
        assert self._beat is not None  # noqa: S101  # `open` has seen one
        return self._beat.at + self._silent_s

    def _write(self, rid: str, body: Told) -> None:
        new, target = self._path / "tmp" / f"{rid}.json", self._path / "in" / f"{rid}.json"
        try:
            new.write_text(json.dumps(body), encoding="utf-8")
            new.replace(target)
        except OSError as error:
            raise BrokerDownError(
                f"{self._name}: 信箱写不进去，未发送 / the mailbox cannot be written, not sent: {error}"
            ) from error

    def _answer(self, rid: str, take_by: float, answer_by: float) -> Told | None:
        """The answer; `None`: it was taken, and none came. Raises `BrokerDownError` when it was taken back."""
        gone = False
        while True:
            until = answer_by if gone else min(take_by, answer_by)
            answer = self._wait(rid, until, whatever_is_lost=gone)
            if answer is not None:
                return answer
            over = self._clock.monotonic() >= answer_by
            if not gone:
                withdrawn = self._withdraw(rid)
                if withdrawn:
                    raise BrokerDownError(
                        f"{self._name}: QMT 没有接手，请求已取回，确定未办 / "
                        "not taken in time, taken back: certainly not sent"
                    )
                gone = withdrawn is False
                if not gone and not over:
                    threading.Event().wait(self._poll_s)  # somebody holds the file, a virus scanner for one: again
            if over:
                return None

    def _wait(self, rid: str, until: float, *, whatever_is_lost: bool) -> Told | None:
        with self._news:
            wait_s = max(until - self._clock.monotonic(), 0)
            self._news.wait_for(lambda: rid in self._answers or (self._lost and not whatever_is_lost), wait_s)
            return self._answers.get(rid)

    def _withdraw(self, rid: str) -> bool | None:
        """Takes a request back; `False`: it was taken; `None`: nobody knows, the file is held by somebody."""
        try:
            (self._path / "in" / f"{rid}.json").rename(self._path / "back" / f"{rid}.json")
        except FileNotFoundError:
            return False
        except OSError as error:
            _log.warning("a request cannot be taken back", account=self._name, error=str(error))
            return None
        _remove(self._path / "back" / f"{rid}.json")
        return True

    # -- what an earlier process left

    def _take_back_what_is_left(self) -> None:
        """Requests of an earlier process must not be served now; those that never were are told as not served.

        After a loss of power the file system may show a request that was taken as if it had not been: the journal,
        which was on disk before the order went out, decides.
        """
        handed_over = _journal(self._path)
        for file in sorted((self._path / "in").glob("*.json")):
            told, rid = _load(file), file.stem
            if self._withdraw(rid) and told is not None and handed_over is not None and rid not in handed_over:
                self._late({"id": rid, "outcome": "not_placed", "remark": told.get("remark", "")})
        self._read_events(only="error")

    # -- listening

    def _run(self) -> None:
        looked = before = self._clock.monotonic()
        while not self._closed.wait(self._poll_s):
            try:
                self._read_events_and_answers()
                now = self._clock.monotonic()
                if now - looked >= LOOK_S:
                    # Time that nobody watched (a sleeping machine) is no silence of the terminal.
                    self._look(min(now - before, 2 * LOOK_S))
                    looked = before = now
            except Exception:  # noqa: BLE001  # the loop must go on: what is lost here, the lists tell
                _log.exception("the mailbox could not be read", account=self._name)

    def _look(self, passed_s: float) -> None:
        beat = read_heartbeat(self._path)
        with self._news:
            old = self._beat
            self._silent_s += passed_s
            if beat is not None and beat != old:
                self._beat, self._silent_s = beat, 0.0
            silent = self._silent_s
        why = ""
        if beat is not None and old is not None and beat.epoch != old.epoch:
            why = "QMT 里的策略重新启动了 / the strategy began anew"
        elif silent >= self._silent_limit_s:
            why = f"QMT 里的策略 {silent:.0f} 秒没有动静：客户端关了、卡住了，或有弹窗 / the strategy in QMT is silent"
        if why and self._lose(why):
            self._tell_lost(why)

    def _read_events_and_answers(self) -> None:
        """Pushes first: what was pushed before an answer is told before it."""
        files = sorted((self._path / "out").glob("*.json"))
        self._read_events()
        for file in files:
            told = _load(file)
            if told is None or told.get("id") != file.stem:
                continue  # held by a scanner: again at the next look; `sweep` removes it one day
            if not _remove(file):
                continue
            with self._news:
                wanted = file.stem in self._waiting
                if wanted:
                    self._answers[file.stem] = told
                    self._news.notify_all()
            if not wanted:
                self._late(told)

    def _read_events(self, *, only: str = "") -> None:
        """Moves the file of pushes away, so that it stays small, and tells what is in it.

        A line that was being written at that moment is read at the next look, from the moved file.
        """
        moved = self._path / "back" / folder.EVENTS
        if self._moved is not None:
            self._tell_events(moved, only)
            if not _remove(moved):
                return
            self._moved = None
        with suppress(OSError):  # there is none, or it is being written
            (self._path / folder.EVENTS).replace(moved)
            self._moved = 0
        if self._moved is not None:
            self._tell_events(moved, only)

    def _tell_events(self, moved: Path, only: str) -> None:
        try:
            text = moved.read_bytes()[self._moved :]
        except OSError:
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._moved = (self._moved or 0) + len(whole)
        for line in whole.splitlines():
            with suppress(ValueError):
                told = json.loads(line) if line.strip() else None
                if isinstance(told, dict) and only in {"", told.get("kind")}:
                    self._event(told)


def read_heartbeat(path: Path) -> Heartbeat | None:
    """What the strategy last said; `None` when there is nothing to read now."""
    told = _load(path / folder.ALIVE) or {}
    try:
        return Heartbeat(
            version=int(told["v"]),
            epoch=str(told["epoch"]),
            ticks=int(told["tick"]),
            at=float(told["at"]),
            account=str(told["account"]),
        )
    except (LookupError, TypeError, ValueError):
        return None


def _journal(path: Path) -> set[str] | None:
    """The ids that were written down before they were handed over; `None` when that cannot be read."""
    ids = set()
    try:
        for file in path.glob(folder.JOURNAL):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError, LookupError, TypeError):
                    ids.add(str(json.loads(line)["id"]))
    except OSError:
        return None
    return ids


def _load(file: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _remove(file: Path) -> bool:
    try:
        file.unlink(missing_ok=True)
    except OSError:
        return False
    return True
