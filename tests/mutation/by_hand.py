"""Mistakes that somebody might make on the way of an order, each with the test that says why it is one.

`test_by_hand.py` makes each of them in a copy of the program: its test must fail, and by itself, not by a time-out.
"""

from dataclasses import dataclass

from mutation.mutants import Mutant
from mutation.trial import ROOT

_THINGS = "tests/e2e/test_order_of_things.py::"
_TURNS = "tests/execution/test_turns.py::"
_LISTS = "tests/execution/test_reconcile.py::"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """In `module`, `old` (which stands there once) is written as `new`."""

    name: str
    module: str
    old: str
    new: str
    test: str

    def mutant(self) -> Mutant:
        """As a mutant of today's text.

        Raises:
            ValueError: `old` does not stand there, or not only once: the list must follow the program.
        """
        text = (ROOT / "src" / "jqfollow" / self.module).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.module} has {text.count(self.old)} times: {self.old}")
        at = text.index(self.old)
        line = text.count("\n", 0, at)
        return Mutant(
            module=self.module, line=line + 1, text=text.splitlines()[line], start=len(text[:at].encode()),
            old=self.old, new=self.new,
        )  # fmt: skip


MISTAKES = (
    Mistake(
        name="the broker is called before the intent is on disk",
        module="execution/desk.py",
        old="""\
        stands = await self._ledger.write_all(intents)
        attempts = [attempt for attempt in stands if isinstance(attempt, AttemptRow)]
""",
        new="""\
        rehearsed: list[AttemptRow] = []

        def rehearse(tx: Tx) -> None:
            rehearsed.extend(intent(tx) for intent in intents)
            raise LookupError

        with suppress(LookupError):
            await self._ledger.write(rehearse)
        first = await asyncio.gather(*(self._call(account, attempt) for attempt in rehearsed))
        stands = await self._ledger.write_all(intents)
        await self._write(account, [(a.attempt_id, p) for a, (_, p) in zip(stands, first, strict=True)])
        return stands
        attempts = [attempt for attempt in stands if isinstance(attempt, AttemptRow)]
""",
        test=_THINGS + "test_what_is_placed_stands_on_disk_before_the_broker_is_called",
    ),
    Mistake(
        name="no T+1 in a strategy's own book",
        module="execution/volume.py",
        old="            bought_today=today,\n",
        new="            bought_today=0,\n",
        test=_THINGS + "test_a_strategy_cannot_sell_today_what_it_bought_today_of_its_own",
    ),
    Mistake(
        name="what a book bought today is not read",
        module="execution/papers.py",
        old="bought_today=tx.fills.bought_on(account, order.strategy, order.security, day) if sells else 0,",
        new="bought_today=0,",
        test=_THINGS + "test_a_strategy_cannot_sell_today_what_it_bought_today_of_its_own",
    ),
    Mistake(
        name="sells do not go first",
        module="execution/turns.py",
        old="return order.side is not Side.SELL, not order.closes,",
        new="return False, not order.closes,",
        test=_THINGS + "test_sells_that_came_with_buys_go_first",
    ),
    Mistake(
        name="buys go first",
        module="execution/turns.py",
        old="return order.side is not Side.SELL, not order.closes,",
        new="return order.side is Side.SELL, not order.closes,",
        test=_TURNS + "TestOrder::test_sells_go_before_buys_that_came_with_them",
    ),
    Mistake(
        name="a sell passes an earlier buy of its own book",
        module="execution/turns.py",
        old="if order.book in books or (scene.practice",
        new="if (scene.practice",
        test=_TURNS + "TestOneABook::test_a_sell_passes_no_earlier_buy_of_its_own_book",
    ),
    Mistake(
        name="a sell does not wait for a buy of its own book that is under way",
        module="execution/case.py",
        old="return not waited and any(order.closes or",
        new="return False and any(order.closes or",
        test="tests/e2e/test_waiting.py::test_a_sell_of_what_is_still_being_bought_waits_for_it",
    ),
    Mistake(
        name="orders_per_second is not waited for",
        module="execution/rounds.py",
        old="room = await self._account.room(self._layers.account(self._account.name).orders_per_second)",
        new="room = self._account.traits.width",
        test=_THINGS + "test_no_more_orders_go_out_in_a_second_than_were_allowed",
    ),
    Mistake(
        name="an order that goes out is not counted for orders_per_second",
        module="execution/rounds.py",
        old="            self._account.placed_now()\n",
        new="            pass\n",
        test=_THINGS + "test_no_more_orders_go_out_in_a_second_than_were_allowed",
    ),
    Mistake(
        name="an unknown outcome holds up all accounts",
        module="execution/papers.py",
        old="    unknown = [attempt for attempt in live if attempt.state is AttemptState.UNKNOWN]\n",
        new="    unknown = [a for a in tx.attempts.live() if a.state is AttemptState.UNKNOWN]\n",
        test=_THINGS + "test_an_unknown_outcome_holds_up_its_own_account_code_and_side_only",
    ),
    Mistake(
        name="an unknown outcome holds up all codes",
        module="execution/papers.py",
        old="unknown=remarks.get((order.security, order.side)),",
        new="unknown=next(iter(remarks.values()), None),",
        test=_THINGS + "test_an_unknown_outcome_holds_up_its_own_account_code_and_side_only",
    ),
    Mistake(
        name="an unknown outcome holds up nothing",
        module="execution/papers.py",
        old="unknown=remarks.get((order.security, order.side)),",
        new="unknown=None,",
        test=_THINGS + "test_an_unknown_outcome_holds_up_its_own_account_code_and_side_only",
    ),
    Mistake(
        name="a late fill is not told",
        module="execution/transitions.py",
        old="        _alert_late_fill(tx, order, report, moment)\n",
        new="        pass\n",
        test=_LISTS + "TestFills::test_a_late_fill_of_an_order_that_was_told_as_over_is_told",
    ),
    Mistake(
        name="an outcome that is unknown is not told",
        module="execution/transitions.py",
        old="        _tell_unknown(tx, attempt, moment)\n",
        new="        pass\n",
        test=_LISTS + "TestADayThatWentBy::test_with_real_money_only_a_person_can_find_out_and_is_asked_to",
    ),
    Mistake(
        name="what stood when its day went by is taken as not filled",
        module="execution/reconcile.py",
        old="        if not account.traits.real:\n",
        new="        if True:\n",
        test=_LISTS + "TestADayThatWentBy::test_with_real_money_only_a_person_can_find_out_and_is_asked_to",
    ),
    Mistake(
        name="a day that went by is not looked at",
        module="execution/reconcile.py",
        old="                    self._day_lost(tx, account, attempt)\n",
        new="                    pass\n",
        test=_LISTS + "TestADayThatWentBy::test_with_real_money_only_a_person_can_find_out_and_is_asked_to",
    ),
    Mistake(
        name="the day's end does not wait for missing fills",
        module="execution/reconcile.py",
        old="if closed and not missing_fills(attempt) and attempt.attempt_id in shown:",
        new="if closed and attempt.attempt_id in shown:",
        test=_LISTS + "TestTheDaysEnd::test_while_fills_are_missing_it_stands_and_they_end_it",
    ),
    Mistake(
        name="absence is proof while a call is under way",
        module="execution/reconcile.py",
        old=" or not lists.nothing_under_way or account.placing():",
        new=":",
        test=_LISTS + "TestAbsence::test_not_while_a_call_was_or_is_under_way",
    ),
    Mistake(
        name="strangers are not told of",
        module="execution/reconcile.py",
        old="        tell_of_strangers(tx, account, lists.orders, news.orders, ours, moment)\n",
        new="        pass\n",
        test="tests/e2e/test_true_to_the_counter.py",
    ),
    Mistake(
        name="an order of another ledger is not told of",
        module="execution/strangers.py",
        old="        _tell_of_another_ledger(tx, account, strangers, moment)\n",
        new="        pass\n",
        test=_LISTS + "TestStrangers::test_an_order_of_another_ledger",
    ),
    Mistake(
        name="a placing call that broke is taken as not sent",
        module="execution/desk.py",
        old="step_attempt(tx, attempt, Event.NO_ANSWER, moment, detail=str(placed), message=str(placed))",
        new="step_attempt(tx, attempt, Event.NOT_SENT, moment, detail=str(placed), message=str(placed))",
        test="tests/e2e/test_unknown.py::test_where_a_list_proves_nothing_it_stays_unknown_and_the_same_side_waits",
    ),
    Mistake(
        name="a fill counts as often as it is told",
        module="execution/transitions.py",
        old="if not tx.fills.add(attempt, order.strategy, report, attempt.day):",
        new="if (not tx.fills.add(attempt, order.strategy, report, attempt.day) and not "
        "tx.fills.add(attempt, order.strategy, replace(report, traded_id=report.traded_id + '+'), attempt.day)):",
        test=_LISTS + "TestFills::test_a_fill_in_the_list_counts_once_and_the_account_has_traded",
    ),
)
