"""What the broker's lists change, and what they must not: by days, by proof, and when they are read."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from execution.scene import (
    CLOSED,
    ID,
    MORNING,
    OTHER,
    TOMORROW,
    VOLUME,
    S,
    Scene,
    TheAccount,
    later,
    taken_back,
)
from jqfollow import restored
from jqfollow.domain import BrokerError, FillReport, OrderReport, OrderState
from jqfollow.execution.desk import Desk
from jqfollow.execution.ours import Ours
from jqfollow.execution.reconcile import CLOSE_MARGIN, OUT_OF_ORDER, Reconciler, read_lists
from jqfollow.execution.strangers import tell_of_strangers
from jqfollow.execution.transitions import Names
from jqfollow.ledger.attempts import Attempts
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, EventRow
from jqfollow.market.sessions import day_end
from jqfollow.reasons import Reason
from ledger.samples import DAY, NOW, an_attempt, an_order, fill_report, new_attempt


@pytest.fixture
def scene(connection: Any) -> Iterator[Scene]:
    with taken_back(connection) as scene:
        yield scene


def told(scene: Scene, *kinds: str) -> list[str]:
    """The texts for people, the oldest first."""
    return [m.text for m in scene.tx.outbox.list() if m.kind in (kinds or {"alert", "unknown_outcome"})]


def events(scene: Scene) -> Sequence[EventRow]:
    """What happened to the attempt, the oldest first."""
    return [e for e in scene.tx.events.of_order(scene.attempt.order_id) if e.attempt_id is not None]


def order_state(scene: Scene) -> OrderState:
    order = scene.tx.orders.get(scene.attempt.order_id)
    assert order is not None
    return order.state


class Questions(TheAccount):
    """An account that notes what it is asked."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.fails_at = fails_at
        self.orders_told: Sequence[OrderReport] = ()
        self.fills_told: Sequence[FillReport] = ()
        self.wake = asyncio.Event()

    def _answer(self, what: str, answer: Any) -> Any:
        self.asked.append(what)
        if self.fails_at == len(self.asked):
            raise BrokerError("no answer")
        return answer

    def placing(self) -> bool:
        self.asked.append("placing")
        return super().placing()

    async def asset(self) -> Any:
        return self._answer("asset", None)

    async def orders(self) -> Sequence[OrderReport]:
        return self._answer("orders", self.orders_told)  # type: ignore[no-any-return]

    async def fills(self) -> Sequence[FillReport]:
        return self._answer("fills", self.fills_told)  # type: ignore[no-any-return]


class TestReading:
    async def test_between_two_answers_about_the_money_and_calls_are_counted_first(self) -> None:
        """A call that ends while the lists are read may stand in none of them: it is counted before."""
        account: Any = Questions()
        lists = await read_lists(account)
        assert account.asked == ["placing", "asset", "orders", "fills", "asset"]
        assert lists.nothing_under_way
        account.calls = 1
        assert not (await read_lists(account)).nothing_under_way

    @pytest.mark.parametrize("question", [2, 3, 4, 5])
    async def test_one_question_without_an_answer_and_the_lists_prove_nothing(
        self, tmp_path: Path, question: int
    ) -> None:
        ledger = Ledger.open(tmp_path / "ledger.db")
        attempt = await ledger.write(lambda tx: an_attempt(tx, volume=VOLUME))
        account: Any = Questions(fails_at=question)
        account.proof = True
        with pytest.raises(BrokerError):
            await reconciler(ledger, account).reconcile(account)
        assert (await ledger.read(lambda tx: tx.attempts.get(attempt.attempt_id))) == attempt
        await ledger.close()

    async def test_what_the_lists_say_is_written_and_the_lane_looks_again(self, tmp_path: Path) -> None:
        ledger = Ledger.open(tmp_path / "ledger.db")
        attempt = await ledger.write(lambda tx: an_attempt(tx, volume=VOLUME))
        account: Any = Questions()
        account.orders_told = [
            OrderReport(broker_order_id=ID, remark=attempt.remark, symbol=attempt.security, side=attempt.side,
                        volume=VOLUME, price=attempt.price, state=S.NEW, filled=0, at=NOW)
        ]  # fmt: skip
        await reconciler(ledger, account).reconcile(account)
        row = await ledger.read(lambda tx: tx.attempts.get(attempt.attempt_id))
        assert row is not None
        assert (row.state, row.broker_order_id) == (S.NEW, ID)
        assert account.wake.is_set()
        await ledger.close()

    async def test_what_is_over_is_looked_at_again_when_its_row_changes_or_the_connection_does(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked: list[Sequence[str]] = []
        listed = Attempts.listed

        def noted(table: Attempts, account: str, day: date, remarks: Any, ids: Any) -> Any:
            ids = list(ids)
            looked.append(ids)
            return listed(table, account, day, remarks, ids)

        monkeypatch.setattr(Attempts, "listed", noted)
        ledger = Ledger.open(tmp_path / "ledger.db")
        attempt = await ledger.write(lambda tx: an_attempt(tx, volume=VOLUME))
        account: Any = Questions()
        report = listed_as(attempt, S.CANCELED)
        reconciling = reconciler(ledger, account)
        account.orders_told = [report]
        for _ in range(4):
            await reconciling.reconcile(account)
            account.orders_told = [replace(report)]  # a row that is equal is the same
        assert looked == [[ID], [ID], [], []], "over, then known to be over"
        await reconciling.reconcile(account, connected_anew=True)
        assert looked.pop() == [ID]
        account.orders_told = [replace(report, filled=100)]
        await reconciling.reconcile(account)
        row = await ledger.read(lambda tx: tx.attempts.get(attempt.attempt_id))
        assert row is not None
        assert (row.state, row.reported) == (S.CANCELED, 100)
        await reconciling.reconcile(account, connected_anew=True)
        assert looked[4:] == [[ID], [ID]]
        await ledger.close()

    async def test_what_ended_with_fills_that_are_missing_is_not_over_before_they_came(self, tmp_path: Path) -> None:
        ledger = Ledger.open(tmp_path / "ledger.db")
        attempt = await ledger.write(lambda tx: an_attempt(tx, volume=VOLUME))
        account: Any = Questions()
        account.orders_told = [listed_as(attempt, S.CANCELED, filled=100)]
        reconciling = reconciler(ledger, account)
        for _ in range(3):
            await reconciling.reconcile(account)
        account.fills_told = [fill_report(attempt, broker_order_id=ID, volume=100)]
        await reconciling.reconcile(account)
        row = await ledger.read(lambda tx: tx.attempts.get(attempt.attempt_id))
        assert row is not None
        assert (row.state, row.filled) == (S.CANCELED, 100)
        await ledger.close()

    async def test_what_is_shown_alive_after_its_end_is_not_over(self, tmp_path: Path) -> None:
        """A list may be late; one that goes on showing it contradicts."""
        ledger = Ledger.open(tmp_path / "ledger.db")
        attempt = await ledger.write(lambda tx: an_attempt(tx, volume=VOLUME))
        account: Any = Questions()
        reconciling = reconciler(ledger, account)
        account.orders_told = [listed_as(attempt, S.CANCELED)]
        await reconciling.reconcile(account)
        account.orders_told = [listed_as(attempt, S.NEW)]
        for seconds, alerts in ((0, 0), (5, 0), (OUT_OF_ORDER.total_seconds() + 1, 1)):
            account.now = later(seconds)
            await reconciling.reconcile(account)
            put = await ledger.read(lambda tx: [m for m in tx.outbox.list() if m.kind == "alert"])
            assert len(put) == alerts
        await ledger.close()

    async def test_an_ordinary_look_does_not_take_a_practice_day_for_lost(self, tmp_path: Path) -> None:
        ledger = Ledger.open(tmp_path / "ledger.db")
        attempt = await ledger.write(lambda tx: an_attempt(tx, volume=VOLUME))
        await ledger.write(lambda tx: tx.attempts.update(attempt.attempt_id, NOW, broker_order_id=ID, state=S.NEW))
        account: Any = Questions()
        account.real, account.always_open, account.now = False, True, MORNING
        await reconciler(ledger, account).reconcile(account)
        row = await ledger.read(lambda tx: tx.attempts.get(attempt.attempt_id))
        assert row is not None
        assert row.state is S.NEW
        await ledger.close()


def listed_as(attempt: AttemptRow, state: S, filled: int = 0) -> OrderReport:
    return OrderReport(
        broker_order_id=ID, remark=attempt.remark, symbol=attempt.security, side=attempt.side,
        volume=VOLUME, price=attempt.price, state=state, filled=filled, at=NOW,
    )  # fmt: skip


def reconciler(ledger: Ledger, account: Any) -> Reconciler:
    clock: Any = SimpleNamespace(now=lambda: account.now, monotonic=lambda: 0.0)
    desk = Desk(ledger=ledger, accounts={"main": account}, clock=clock, names=Names(), told=lambda: None)
    return Reconciler(ledger=ledger, desk=desk)


class TestADayThatWentBy:
    """An attempt of a day before, of which the broker's list tells nothing any more."""

    @pytest.mark.parametrize("state", [S.NEW, S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.PENDING_NEW])
    def test_with_real_money_only_a_person_can_find_out_and_is_asked_to(self, scene: Scene, state: S) -> None:
        scene.begin(state)
        before = told(scene)
        scene.at(MORNING).lists()
        assert scene.row.state is S.UNKNOWN
        assert order_state(scene) not in {OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED}
        [text] = [text for text in told(scene) if text not in before]
        assert scene.attempt.security in text
        scene.lists()
        assert len(told(scene)) == len(before) + 1, "once"

    def test_what_was_unknown_before_is_not_told_again(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        scene.at(MORNING).lists()
        assert scene.row.state is S.UNKNOWN
        assert events(scene)[-1].event == "no_answer", "nothing has happened since"

    @pytest.mark.parametrize(("state", "ends"), [(S.NEW, S.CANCELED), (S.UNKNOWN, S.REJECTED)])
    @pytest.mark.parametrize("always_open", [False, True])
    def test_at_a_practice_exchange_what_was_not_told_did_not_happen(
        self, scene: Scene, state: S, ends: S, always_open: bool
    ) -> None:
        scene.begin(state)
        scene.account.real, scene.account.always_open = False, always_open
        before = told(scene)
        scene.at(MORNING).lists(connected_anew=True)
        assert scene.row.state is ends
        assert f"{DAY} is over" in events(scene)[-1].detail
        assert told(scene) == before

    def test_a_practice_day_that_rolls_tells_the_ends_itself(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        scene.account.real, scene.account.always_open = False, True
        scene.at(MORNING).lists(connected_anew=False)
        assert scene.row.state is S.NEW

    def test_its_number_on_other_terms_is_not_seen_as_it(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        scene.at(MORNING).lists(scene.report(S.NEW, symbol="600000.SH", remark=""))
        assert scene.row.state is S.UNKNOWN

    def test_an_attempt_of_today_is_never_of_a_day_that_went_by(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        scene.at(CLOSED).lists(connected_anew=True)
        assert scene.row.state is S.NEW


class TestTheDaysEnd:
    """What a list of well after the close shows as standing has ended."""

    END = day_end(DAY) + CLOSE_MARGIN

    def test_not_before_the_closing_auctions_fills_may_all_be_told(self, scene: Scene) -> None:
        assert timedelta(minutes=2) == CLOSE_MARGIN
        scene.begin(S.NEW)
        scene.at(self.END - timedelta(seconds=1)).lists(scene.report(S.NEW))
        assert scene.row.state is S.NEW
        scene.at(self.END).lists(scene.report(S.NEW))
        assert scene.row.state is S.CANCELED
        assert order_state(scene) is OrderState.EXPIRED

    def test_a_practice_exchange_that_never_closes_ends_nothing(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        scene.account.real, scene.account.always_open = False, True
        scene.at(self.END).lists(scene.report(S.NEW))
        assert scene.row.state is S.NEW

    def test_while_fills_are_missing_it_stands_and_they_end_it(self, scene: Scene) -> None:
        """100 are told as filled and no fill tells so: to end it now would let the next one buy them again."""
        scene.begin(S.NEW)
        report = scene.report(S.PARTIALLY_FILLED, 100)
        scene.at(self.END).lists(report)
        assert scene.row.state is S.PARTIALLY_FILLED
        assert order_state(scene) is OrderState.NEW
        scene.lists(report, fills=(scene.fill(100),))
        assert (scene.row.state, scene.row.filled) == (S.CANCELED, 100)
        assert order_state(scene) is OrderState.EXPIRED
        assert scene.account.traded

    def test_what_the_list_does_not_show_may_have_been_filled(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        scene.at(self.END).lists()
        assert scene.row.state is S.NEW


class TestAbsence:
    """What a list that shows everything does not show was never placed."""

    def absent(self, scene: Scene, **how: Any) -> S:
        scene.account.proof = True
        scene.at(later(60)).lists(**how)
        return scene.row.state

    def test_proved(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        assert self.absent(scene) is S.REJECTED
        assert events(scene)[-1].event == "absent"

    def test_not_while_a_call_was_or_is_under_way(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        assert self.absent(scene, nothing_under_way=False) is S.UNKNOWN
        scene.account.calls = 1
        assert self.absent(scene) is S.UNKNOWN

    def test_an_order_that_was_to_end_ends(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        scene.wishes.want_end(scene.tx, scene.attempt.order_id, Reason.CANCELED_BY_USER)
        assert self.absent(scene) is S.REJECTED
        assert order_state(scene) is OrderState.REJECTED, "nothing of it was ever in the market"

    def test_not_of_one_that_the_broker_has_given_an_id(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        scene.tx.attempts.update(scene.attempt.attempt_id, NOW, broker_order_id=ID)
        assert self.absent(scene) is S.UNKNOWN

    def test_not_of_one_that_is_being_handed_over(self, scene: Scene) -> None:
        assert self.absent(scene) is S.PENDING_NEW

    def test_not_by_a_list_of_another_day(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        scene.account.proof = scene.account.always_open = True
        scene.at(MORNING).lists()
        assert scene.row.state is S.UNKNOWN

    def test_not_of_one_whose_remark_is_shown_on_other_terms(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        scene.account.proof = True
        scene.at(later(60)).lists(scene.report(S.NEW, volume=VOLUME + 100))
        assert scene.row.state is S.UNKNOWN


class TestByItsTerms:
    """An attempt without an id, at a counter that rewrites remarks."""

    def test_not_an_order_that_is_another_attempts(self, scene: Scene) -> None:
        other = an_attempt(scene.tx, "m2", volume=VOLUME)
        scene.tx.attempts.update(other.attempt_id, NOW, broker_order_id="b9", state=S.NEW)
        scene.begin(S.UNKNOWN)
        scene.at(later(60)).lists(scene.report(S.NEW, broker_order_id="b9", remark=""))
        assert scene.row.broker_order_id is None

    def test_not_an_order_of_the_day_before(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        scene.at(later(60)).lists(scene.report(S.NEW, broker_order_id="b9", remark="", at=NOW - timedelta(days=1)))
        assert scene.row.broker_order_id is None

    def test_not_an_order_of_a_minute_before_midnight(self, scene: Scene) -> None:
        midnight = NOW.replace(hour=0, minute=0, second=0)
        attempt = scene.tx.attempts.create(new_attempt(an_order(scene.tx, "m2", volume=VOLUME)), midnight)
        scene.tx.attempts.update(attempt.attempt_id, midnight, state=S.UNKNOWN)
        before = midnight - timedelta(seconds=2)
        scene.at(midnight).lists(scene.report(S.NEW, broker_order_id="b9", remark="", at=before))
        row = scene.tx.attempts.get(attempt.attempt_id)
        assert row is not None
        assert row.broker_order_id is None

    def test_not_an_attempt_of_a_practice_day_that_is_over(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        scene.account.real, scene.account.always_open = False, True
        scene.account.practice_day = TOMORROW
        scene.lists(scene.report(S.NEW, broker_order_id="b9", remark=""))
        assert scene.row.broker_order_id is None

    def test_not_an_attempt_of_the_day_before(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        scene.at(MORNING).lists(scene.report(S.NEW, broker_order_id="b9", remark="", at=MORNING))
        assert scene.row.broker_order_id is None

    def test_one_that_has_an_id_keeps_it(self, scene: Scene) -> None:
        scene.begin(S.UNKNOWN)
        scene.tx.attempts.update(scene.attempt.attempt_id, NOW, broker_order_id=ID)
        scene.at(later(60)).lists(scene.report(S.NEW, broker_order_id="b9", remark=""))
        assert (scene.row.state, scene.row.broker_order_id) == (S.UNKNOWN, ID)


class TestFills:
    def test_a_fill_in_the_list_counts_once_and_the_account_has_traded(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        for _ in range(2):
            scene.at(later(60)).lists(scene.report(S.PARTIALLY_FILLED, 100), fills=(scene.fill(100),))
        assert scene.row.filled == 100
        assert scene.account.traded

    def test_what_has_ended_with_all_its_fills_is_not_gone_through_again(self, scene: Scene) -> None:
        """Of a day's thousand fills only those are asked about that may be new."""
        scene.begin(S.FILLED)
        scene.account.traded = False
        scene.at(later(60)).lists(scene.report(S.FILLED, VOLUME), fills=scene.fills())
        assert not scene.account.traded
        assert scene.row.filled == VOLUME

    def test_a_fill_of_what_was_settled_as_ended_is_found_when_the_list_tells_more(self, scene: Scene) -> None:
        scene.begin(S.CANCELED)
        scene.at(later(60)).lists(scene.report(S.CANCELED, 100), fills=(scene.fill(100),))
        assert scene.row.filled == 100

    def test_a_late_fill_of_an_order_that_was_told_as_over_is_told(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        scene.push(scene.report(S.CANCELED))
        assert order_state(scene) is OrderState.CANCELED
        assert not told(scene)
        scene.push(scene.fill(100))
        [text] = told(scene, "alert")
        assert f"#{scene.attempt.order_id}" in text
        assert "100 @" in text
        order = scene.tx.orders.get(scene.attempt.order_id)
        assert order is not None
        assert order.filled == 100
        assert scene.tx.books.get("main", order.strategy, order.security).volume == 100

    def test_a_fill_is_taken_though_the_list_of_orders_does_not_show_its_order_yet(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        scene.at(later(60)).lists(fills=(scene.fill(100),))
        assert scene.row.filled == 100

    def test_fills_that_come_after_the_end_was_told_are_taken(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        report = scene.report(S.FILLED, VOLUME)
        scene.at(later(60)).lists(report)
        assert (scene.row.state, scene.row.filled, order_state(scene)) == (S.FILLED, 0, OrderState.NEW)
        scene.lists(report, fills=scene.fills())
        assert (scene.row.filled, order_state(scene)) == (VOLUME, OrderState.FILLED)

    def test_a_strangers_fill_is_nobodys(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        fill = scene.fill(100)
        stranger = FillReport(traded_id="t9", broker_order_id="b9", remark="", symbol=fill.symbol, side=fill.side,
                              volume=100, price=fill.price, at=NOW)  # fmt: skip
        scene.at(later(60)).lists(scene.report(S.NEW), fills=(stranger,))
        assert scene.row.filled == 0
        assert not scene.account.traded


class TestLivesAgain:
    """The list shows alive what has ended."""

    def shown(self, scene: Scene, after_s: float, state: S = S.NEW) -> list[str]:
        scene.at(later(after_s)).lists(scene.report(state))
        return told(scene, "alert")

    def test_a_person_looks_unless_the_list_may_only_be_late(self, scene: Scene) -> None:
        assert timedelta(seconds=10) == OUT_OF_ORDER
        scene.begin(S.CANCELED)
        assert not self.shown(scene, 10)
        [text] = self.shown(scene, 10.001)
        assert scene.attempt.remark in text
        assert scene.row.state is S.CANCELED

    @pytest.mark.parametrize("state", [S.CANCELED, S.REJECTED, S.FILLED])
    def test_not_when_the_list_agrees(self, scene: Scene, state: S) -> None:
        scene.begin(S.CANCELED)
        assert not self.shown(scene, 60, S.CANCELED)

    def test_not_of_a_filled_one(self, scene: Scene) -> None:
        scene.begin(S.FILLED)
        assert not self.shown(scene, 60)

    def test_not_after_the_close_when_a_list_shows_so_until_the_night(self, scene: Scene) -> None:
        scene.begin(S.CANCELED)
        scene.at(CLOSED).lists(scene.report(S.NEW))
        assert not told(scene, "alert")


class TestStrangers:
    """Remarks of ours that are not ours, or not where we know them: people are told, once."""

    def look(self, scene: Scene, *reports: OrderReport) -> list[str]:
        for _ in range(2):
            attempts = scene.tx.attempts.list(account="main", day=DAY)
            tell_of_strangers(scene.tx, scene.account, reports, reports, Ours(attempts, reports), scene.moment)
        return told(scene)

    def test_an_order_of_another_ledger(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        stranger = scene.report(S.NEW, broker_order_id="b9", remark="jqZZZZZ-1")
        [text] = self.look(scene, scene.report(S.NEW), stranger)
        assert "jqZZZZZ-1" in text
        assert f"{stranger.symbol} 买入 {VOLUME}" in text
        assert restored.until(scene.tx) is None

    @pytest.mark.parametrize("count", [5, 6])
    def test_of_many_strangers_five_are_named(self, scene: Scene, count: int) -> None:
        scene.begin(S.NEW)
        strangers = [scene.report(S.NEW, broker_order_id=f"s{n}", remark=f"jqZZZZZ-{n}") for n in range(count)]
        [text] = self.look(scene, *strangers)
        assert text.count("jqZZZZZ-") == 5
        assert (" 等 " in text) == (count == 6)

    def test_as_many_others_are_told_too(self, scene: Scene) -> None:
        """One left the broker's list, and a newer one came."""
        scene.begin(S.NEW)
        first, second, third = (scene.report(S.NEW, broker_order_id=f"b{n}", remark=f"jqZZZZZ-{n}") for n in (7, 8, 9))
        assert len(self.look(scene, first, second)) == 1
        assert len(self.look(scene, second, first)) == 1  # the same, in another order
        assert len(self.look(scene, first, third)) == 2

    def test_an_order_that_this_ledger_has_forgotten_is_one_of_a_newer_copy(self, scene: Scene) -> None:
        """Nobody else has its letters: until a person says so, nothing made before is followed."""
        scene.begin(S.NEW)
        own = scene.attempt.remark.partition("-")[0]
        self.look(scene, scene.report(S.NEW), scene.report(S.NEW, broker_order_id="b9", remark=f"{own}-ZZ"))
        assert restored.until(scene.tx) == scene.moment.now
        assert not an_attempt(scene.tx, "m2").remark.startswith(own)

    @pytest.mark.parametrize("remark", ["", "手工", "jqfollow", "JQAAAAA-1"])
    def test_a_persons_own_order_is_none(self, scene: Scene, remark: str) -> None:
        scene.begin(S.NEW)
        assert not self.look(scene, scene.report(S.NEW), scene.report(S.NEW, broker_order_id="b9", remark=remark))

    def test_one_of_the_same_number_under_another_name(self, scene: Scene) -> None:
        other = an_attempt(scene.tx, "m2", account="before")
        assert not self.look(scene, scene.report(S.NEW, broker_order_id="b9", remark=other.remark))

    def test_a_refusal_under_two_numbers_is_a_refusal(self, scene: Scene) -> None:
        scene.begin(S.REJECTED)
        scene.tx.attempts.update(scene.attempt.attempt_id, NOW, broker_order_id=ID)
        assert not self.look(scene, scene.report(S.REJECTED, broker_order_id=OTHER))
        assert len(self.look(scene, scene.report(S.NEW, broker_order_id=OTHER))) == 1

    def test_its_remark_twice_or_on_other_terms_is_a_copy(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        assert not self.look(scene, scene.report(S.NEW))
        [text] = self.look(scene, scene.report(S.NEW, volume=VOLUME + 100))
        assert f"{VOLUME + 100}" in text

    def test_a_renamed_one_is_unknown_from_now_on_and_its_code_and_side_wait(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        texts = self.look(scene, scene.report(S.NEW, broker_order_id=OTHER))
        assert scene.row.state is S.UNKNOWN
        assert len(texts) == 2, "what it is about, and that numbers have changed"
        assert [(a.security, a.side) for a in scene.tx.attempts.unknown("main")] == [(scene.attempt.security, "buy")]

    def test_one_that_stands_under_its_own_id_too_is_known(self, scene: Scene) -> None:
        scene.begin(S.NEW)
        texts = self.look(scene, scene.report(S.NEW), scene.report(S.NEW, broker_order_id=OTHER))
        assert scene.row.state is S.NEW
        assert len(texts) == 2, "a copy, and another number"

    @pytest.mark.parametrize("count", [5, 6])
    def test_of_many_renamed_ones_five_are_named(self, scene: Scene, count: int) -> None:
        reports = []
        for n in range(count):
            attempt = an_attempt(scene.tx, f"n{n}", volume=VOLUME)
            scene.tx.attempts.update(attempt.attempt_id, NOW, broker_order_id=f"old{n}", state=S.NEW)
            reports.append(scene.report(S.NEW, broker_order_id=f"new{n}", remark=attempt.remark))
        [text] = [t for t in self.look(scene, *reports) if "委托编号变了" in t]
        assert text.count("变为") == 5
        assert ((" 等 " in text), ("等 6 笔" in text)) == (count == 6, count == 6)
