"""The log's lines for people: each signal, placing, fill, refusal, cancel, re-price, end and unknown outcome.

Read back from the ledger once a second, so that nothing on the way of an order waits for a line.
"""

from collections.abc import Mapping
from datetime import datetime

import structlog

from jqfollow.domain import ORDER_OPEN, AttemptState, OrderState, SignalKind
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.news import Newly, Read
from jqfollow.ledger.seldom import Seldom
from jqfollow.story import attempt_line, decision_line, fill_line, order_line, signal_line, whose
from jqfollow.vocabulary import Lang, Outcome, order_outcome

log = structlog.get_logger(__name__)

_BAD = frozenset({"refused", "reported_rejected", "cancel_failed", "day_lost", "renamed"})
_WORTH = (SignalKind.ORDER, SignalKind.HELLO)


class Chronicle:
    """Tells what is new since it began."""

    def __init__(
        self, ledger: Ledger, *, titles: Mapping[str, str], securities: Mapping[str, str], lang: Lang = "zh"
    ) -> None:
        """`titles` of strategies and names of `securities` are looked up when a line is made."""
        self._ledger = ledger
        self._titles = titles
        self._securities = securities
        self._lang: Lang = lang
        self._read: Read | None = None
        self._seldom = Seldom(ledger)

    async def begin(self) -> None:
        """What stands already is no news."""
        self._read = await self._ledger.read(lambda tx: tx.news.now())

    async def look(self, _: datetime) -> None:
        """Writes a line for each thing that is new."""
        read = self._read
        if read is None or not self._seldom.due():
            return
        found = await self._ledger.read(lambda tx: tx.news.since(read))
        if found is None:
            return
        self._read = found.read
        for _at, _rank, level, kind, text in sorted(self._lines(found)):
            getattr(log, level)(kind, told=text)

    def _lines(self, found: Newly) -> list[tuple[datetime, int, str, str, str]]:
        """When, in which order of what is of the same time, how grave, what kind, and the sentence."""
        return [*self._of_signals(found), *self._of_waits(found), *self._of_events(found), *self._of_fills(found)]

    def _of_signals(self, found: Newly) -> list[tuple[datetime, int, str, str, str]]:
        return [
            (
                signal.received_at,
                0,
                "info",
                "signal",
                signal_line(
                    signal,
                    title=self._titles.get(signal.strategy, ""),
                    named=self._securities.get(signal.order.symbol) if signal.order else None,
                    lang=self._lang,
                ),
            )
            for signal in found.signals
            if signal.kind in _WORTH
        ]

    def _of_waits(self, found: Newly) -> list[tuple[datetime, int, str, str, str]]:
        lines = []
        for wait in found.waits:
            text = f"{self._whose(found, wait.order_id)} {decision_line(wait, self._lang)}"
            lines.append((wait.made_at, 1, "info", "waits", text))
        return lines

    def _of_events(self, found: Newly) -> list[tuple[datetime, int, str, str, str]]:
        lines = []
        for event in found.events:
            order = found.orders[event.order_id]
            if event.attempt_id is None:
                if event.after in set(ORDER_OPEN):
                    continue
                good = order_outcome(OrderState(event.after), order.filled) is Outcome.FOLLOWED
                level, rank, text = "info" if good else "warning", 4, order_line(order, self._lang)
            else:
                told = attempt_line(event, found.attempts[event.attempt_id], order, self._lang)
                if told is None:
                    continue
                unknown = event.after == AttemptState.UNKNOWN
                level = "error" if unknown else "warning" if event.event in _BAD else "info"
                rank, text = 2, told
            kind = "order_ended" if event.attempt_id is None else event.event
            lines.append((event.at, rank, level, kind, f"{self._whose(found, event.order_id)} {text}"))
        return lines

    def _of_fills(self, found: Newly) -> list[tuple[datetime, int, str, str, str]]:
        # A broker may tell of a fill before its placing call has answered: the placing is told first.
        placed = {event.attempt_id: event.at for event in found.events if event.event == "accepted"}
        return [
            (
                max(fill.filled_at, placed.get(fill.attempt_id, fill.filled_at)),
                3,
                "info",
                "filled",
                f"{self._whose(found, found.attempts[fill.attempt_id].order_id)} {fill_line(fill, self._lang)}",
            )
            for fill in found.fills
        ]

    def _whose(self, found: Newly, order_id: int) -> str:
        order = found.orders[order_id]
        title, named = self._titles.get(order.strategy, ""), self._securities.get(order.security)
        return whose(order, title=title, named=named, lang=self._lang)
