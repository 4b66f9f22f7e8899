"""Rules about money and shares: what sizing found, what the counter shows late, what can be paid."""

from dataclasses import replace

from jqfollow.domain import Side, WaitingFor
from jqfollow.reasons import Reason
from jqfollow.risk.facts import Facts
from jqfollow.risk.verdict import Outcome, Rule, Verdict, passed, refused, skipped

MOST_CUTS = 3
"""So often a buy that the counter refuses for want of money goes out with a lot less."""


def _sizing(rule: Reason) -> Rule:
    def verdict(facts: Facts) -> Verdict:
        """What sizing found."""
        if facts.sizing is not None and facts.sizing.reason is rule:
            return Verdict(rule=rule, outcome=Outcome.REFUSE, figures=facts.sizing.figures)
        return passed(rule) if facts.volume else skipped(rule)

    return verdict


no_total_value = _sizing(Reason.NO_TOTAL_VALUE)
nothing_to_sell = _sizing(Reason.NOTHING_TO_SELL)
held_already = _sizing(Reason.HELD_ALREADY)
odd_volume = _sizing(Reason.ODD_VOLUME)


def below_lot(facts: Facts) -> Verdict:
    """What sizing found; the rest of a book that is sold out waits while others hold the code, and sell first."""
    verdict = _sizing(Reason.BELOW_LOT)(facts)
    if verdict.outcome is Outcome.REFUSE and facts.closes and facts.others_hold and facts.attempt == 1:
        return replace(verdict, outcome=Outcome.WAIT, waiting_for=WaitingFor.ODD_LOT)
    return verdict


def not_sellable_today(facts: Facts) -> Verdict:
    """What sizing found; what was bought today, and cannot be sold today, is owed to the next day's first session."""
    verdict = _sizing(Reason.NOT_SELLABLE_TODAY)(facts)
    if verdict.outcome is Outcome.REFUSE and facts.owed and facts.attempt == 1:
        return replace(verdict, outcome=Outcome.WAIT, waiting_for=WaitingFor.NEXT_DAY)
    return verdict


def counter_lags(facts: Facts) -> Verdict:
    """Just after an own fill or cancel too little money or too few shares mean that the counter shows them late.

    So do too many shares of a code: a fill may be counted twice, as held and as under way, or not be shown yet.
    """
    if facts.side is Side.SELL:
        until = facts.shares_until if facts.short_of_shares or facts.lacked else None
    else:
        short = facts.cost is not None and (facts.payable < facts.volume or facts.lacked > 0)
        late = (facts.money_until if short else None, facts.ratio_unsure_until)
        until = max((moment for moment in late if moment is not None), default=None)
    if until is None or facts.now >= until:
        return passed(Reason.COUNTER_LAGS)
    return Verdict(
        rule=Reason.COUNTER_LAGS,
        outcome=Outcome.WAIT,
        figures={"security": facts.symbol, "until": f"{until:%H:%M:%S}"},
        waiting_for=WaitingFor.SETTLE,
        wait_until=until,
    )


def crossing(facts: Facts) -> Verdict:
    """An account does not trade with itself: what rests on the other side ends first."""
    if facts.crossing is None or facts.crossing_until is None or facts.now >= facts.crossing_until:
        return passed(Reason.OWN_CROSSING)
    return Verdict(
        rule=Reason.OWN_CROSSING,
        outcome=Outcome.WAIT,
        figures={"security": facts.symbol, "remark": facts.crossing},
        waiting_for=WaitingFor.CROSSING,
        wait_until=facts.crossing_until,
    )


def capital(facts: Facts) -> Verdict:
    """`capital` of the strategy in the account: what it holds there at cost, and its buys under way."""
    if facts.side is Side.SELL or facts.within_capital is None or facts.own.capital is None:
        return skipped(Reason.CAPITAL)
    if facts.within_capital >= facts.volume or (facts.within_capital and not facts.served):
        return passed(Reason.CAPITAL)
    return refused(Reason.CAPITAL, invested=f"{facts.invested:,.2f}", limit=f"{facts.own.capital:,f}")


def no_cash(facts: Facts) -> Verdict:
    """A buy takes the lots that cash pays, waits with the rest for the strategy's sells under way, then is refused."""
    if facts.side is Side.SELL or facts.cost is None or facts.asset is None:
        return skipped(Reason.NO_CASH)
    some = facts.payable > 0 and facts.lacked <= MOST_CUTS
    if (facts.payable >= facts.volume and not facts.lacked) or (some and not facts.served):
        return passed(Reason.NO_CASH)
    figures = {"needed": f"{facts.cost:,.2f}", "cash": f"{facts.asset.cash:,.2f}"}
    comes = facts.sells_under_way or (facts.cash_until is not None and facts.now < facts.cash_until)
    if comes and facts.lacked <= MOST_CUTS:
        return Verdict(
            rule=Reason.NO_CASH,
            outcome=Outcome.WAIT,
            figures=figures,
            waiting_for=WaitingFor.CASH,
            wait_until=None if facts.sells_under_way else facts.cash_until,
        )
    return refused(Reason.NO_CASH, **figures)
