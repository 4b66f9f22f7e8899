"""How much is bought or sold: by table, and by random orders against the exchange's rule in words."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import Side
from jqfollow.execution.sizing import Intent, Sized, size
from jqfollow.market.lots import LotRule, lot_rule
from jqfollow.market.securities import parse_security
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import FollowMode

D = Decimal
B, S = Side.BUY, Side.SELL
MAIN, CHINEXT, STAR, BSE, FUND, BOND = (
    "600000.SH", "300750.SZ", "688001.SH", "920799.BJ", "510300.SH", "113050.SH"
)  # fmt: skip
RULES = {s: lot_rule(parse_security(s), date(2026, 3, 2)) for s in (MAIN, CHINEXT, STAR, BSE, FUND, BOND)}


def sized(symbol: str, side: Side, amount: int, ratio: str | Decimal = "1", **changes: Any) -> Sized:
    values: dict[str, Any] = {
        "security": symbol,
        "account": "main",
        "side": side,
        "amount": amount,
        "mode": FollowMode.RATIO,
        "figure": D(ratio),
        "available": changes.get("book", 0),
        "rule": RULES[symbol],
    }
    return size(Intent(**values | changes))


def reason(result: Sized) -> Reason | None:
    assert (result.refusal is None) == bool(result.parts)
    return result.refusal.reason if result.refusal else None


def says_all(refusal: Refusal) -> bool:
    """Whether no figure that its sentences name is missing."""
    return "?" not in refusal.text("zh") + refusal.text("en")


# -- buying ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "ratio", "amounts", "bought", "left"),
    [
        (MAIN, "0.5", (100, 100, 100), (0, 100, 0), "50"),  # the contract's example
        (MAIN, "1", (100, 150, 50), (100, 100, 100), "0"),
        (MAIN, "0.3333", (1000, 1000, 1000), (300, 300, 300), "99.9"),
        (MAIN, "2.5", (100,), (200,), "50"),
        (CHINEXT, "0.1", (500, 500), (0, 100), "0"),
        (STAR, "0.5", (200, 200, 300), (0, 200, 0), "150"),
        (STAR, "1.005", (201,), (202,), "0.005"),
        (BSE, "0.5", (100, 151, 202), (0, 125, 101), "0.5"),
        (FUND, "0.5", (100, 100), (0, 100), "0"),
        (BOND, "0.5", (10, 10, 30), (0, 10, 10), "5"),
    ],
)
def test_what_rounding_leaves_of_buys_is_carried_on(
    symbol: str, ratio: str, amounts: tuple[int, ...], bought: tuple[int, ...], left: str
) -> None:
    carry, got = D(0), []
    for amount in amounts:
        result = sized(symbol, B, amount, ratio, carry_buy=carry, carry_sell=D(7))
        assert reason(result) in {None, Reason.BELOW_LOT}
        assert result.carry_sell == 7
        carry = result.carry_buy
        got.append(result.volume)
    assert (tuple(got), carry) == (bought, D(left))


@pytest.mark.parametrize(
    ("symbol", "side", "amount", "parts"),
    [
        (MAIN, B, 2_500_000, (1_000_000, 1_000_000, 500_000)),
        (CHINEXT, B, 300_100, (300_000, 100)),
        (STAR, B, 100_001, (99_801, 200)),
        (STAR, S, 100_150, (99_950, 200)),
        (BOND, S, 1_000_015, (1_000_000, 15)),
    ],
)
def test_too_large_for_one_order(symbol: str, side: Side, amount: int, parts: tuple[int, ...]) -> None:
    assert sized(symbol, side, amount, book=amount).parts == parts


@pytest.mark.parametrize(
    ("mode", "figure", "told", "expected"),
    [
        (FollowMode.VALUE, "20000", {"price": D("12.34")}, 1600),
        (FollowMode.VALUE, "1000", {"price": D("12.34")}, 0),
        (FollowMode.VALUE, "20000", {"price": None}, None),
        (FollowMode.VALUE, "20000", {"price": D(0)}, None),
        (FollowMode.SHARES, "550", {}, 500),
        (FollowMode.SHARES, "50", {}, 0),
        (FollowMode.EQUITY, "300000", {"total_value": D(100_000)}, 900),
        (FollowMode.EQUITY, "10000", {"total_value": D(100_000)}, 0),
        (FollowMode.EQUITY, "300000", {"total_value": None}, None),
        (FollowMode.EQUITY, "300000", {"total_value": D(0)}, None),
    ],
)
def test_yuan_shares_and_equity(mode: FollowMode, figure: str, told: dict[str, Any], expected: int | None) -> None:
    result = sized(MAIN, B, 300, figure, mode=mode, carry_buy=D(33), **told)
    assert result.volume == (expected or 0)
    if expected is None:
        assert reason(result) is (Reason.NO_TOTAL_VALUE if mode is FollowMode.EQUITY else Reason.NO_QUOTE)
    else:
        assert reason(result) is (None if expected else Reason.BELOW_LOT)
    if mode is not FollowMode.EQUITY or expected is None:
        assert result.carry_buy == 33, "a wish of its own each: nothing is carried into it or out of it"


def test_equity_carries_like_a_ratio() -> None:
    result = sized(MAIN, B, 300, "50000", mode=FollowMode.EQUITY, total_value=D(100_000), carry_buy=D(60))
    assert (result.volume, result.carry_buy) == (200, 10)


@pytest.mark.parametrize(
    ("side", "amount", "volume"),
    [
        (S, 150, 450),  # half of the strategy's 300 is half of the book, whatever the total has become
        (S, 299, 897),
        (S, 300, 900),
        (S, 400, 900),
        (B, 150, 4500),
        (B, 300, 9000),
    ],
)
def test_equity_sells_that_part_of_the_book_which_the_strategy_sells_of_its_own(
    side: Side, amount: int, volume: int
) -> None:
    given: dict[str, Any] = {"total_value": D(10_000), "held_before": 300, "book": 900}
    result = sized(STAR, side, amount, "300000", mode=FollowMode.EQUITY, **given)
    assert result.volume == volume


@pytest.mark.parametrize("held", [None, 0])
def test_equity_sells_by_the_total_where_nobody_told_what_was_held(held: int | None) -> None:
    given: dict[str, Any] = {"total_value": D(10_000), "held_before": held, "book": 900}
    assert sized(STAR, S, 25, "100000", mode=FollowMode.EQUITY, **given).volume == 250


@pytest.mark.parametrize(
    ("amount", "given", "volume", "carry"),
    [
        (150, {"owed": D(60)}, 200, "0"),
        (150, {"owed": D(40)}, 100, "50"),
        (150, {"owed": D(50)}, 200, "0"),
        (150, {"owed": D(10_000)}, 300, "0"),  # at most as much again
        (150, {"owed": D(60), "carry_buy": D(-40)}, 100, "10"),
        (100, {"owed": D(10_000), "carry_buy": D(-100)}, 0, "0"),  # too much was bought before: nothing rides
        (100, {"owed": D(10_000), "carry_buy": D(-101)}, 0, "-1"),
        (100, {"owed": D(10_000), "carry_buy": D(-99)}, 100, "0"),
        (150, {"owed": D(60), "mode": FollowMode.SHARES, "figure": D(150)}, 100, "0"),  # a whole wish each
        (100, {"owed": D(60), "exact": True}, 100, "0"),
    ],
)
def test_what_was_left_before_rides_on_a_buy(amount: int, given: dict[str, Any], volume: int, carry: str) -> None:
    result = sized(MAIN, B, amount, **given)
    assert (result.volume, result.carry_buy) == (volume, D(carry))


@pytest.mark.parametrize(
    ("amount", "given", "volume", "carry"),
    [
        (150, {"owed": D(60)}, 200, "0"),
        (150, {"owed": D(40)}, 100, "50"),
        (150, {"owed": D(10_000)}, 300, "0"),
        (150, {"owed": D(10_000), "book": 200}, 200, "0"),
        (150, {"owed": D(60), "exact": True}, 0, "0"),
    ],
)
def test_what_was_left_before_rides_on_a_sell(amount: int, given: dict[str, Any], volume: int, carry: str) -> None:
    result = sized(MAIN, S, amount, **{"book": 1000} | given)
    assert (result.volume, result.carry_sell) == (volume, D(carry))


def test_what_a_broker_says_nothing_of_cannot_be_sold() -> None:
    nothing_told = Intent(
        security=BOND, account="main", side=S, amount=1, mode=FollowMode.RATIO, figure=D(1), book=1, closes=True,
        rule=RULES[BOND],
    )  # fmt: skip
    assert reason(size(nothing_told)) is Reason.NOT_SELLABLE_TODAY


def test_a_rest_just_below_the_lot_does_not_read_like_a_lot() -> None:
    result = sized(MAIN, B, 300, "33333", mode=FollowMode.EQUITY, total_value=D(100_001))
    assert result.refusal is not None
    assert result.refusal.figures["wanted"] == "99.99"


# -- selling -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "ratio", "amount", "given", "sold", "left"),
    [
        (MAIN, "0.5", 100, {"book": 300}, 0, "50"),
        (MAIN, "0.5", 100, {"book": 300, "carry_sell": D(50)}, 100, "0"),
        (MAIN, "1", 250, {"book": 300}, 200, "50"),
        (MAIN, "1", 150, {"book": 250}, 150, "0"),  # with the odd 50 of 250
        (MAIN, "1", 60, {"book": 250}, 50, "10"),  # the odd part alone
        (MAIN, "1", 60, {"book": 250, "available": 1300}, 0, "60"),  # the account as a whole has no odd part
        (STAR, "1", 250, {"book": 1000}, 250, "0"),
        (STAR, "1", 150, {"book": 1000}, 0, "150"),
        (STAR, "1", 150, {"book": 150}, 150, "0"),
        (BSE, "0.5", 301, {"book": 400}, 150, "0.5"),
        (FUND, "1", 150, {"book": 300}, 100, "50"),
        (BOND, "1", 15, {"book": 25}, 15, "0"),
        (BOND, "1", 15, {"book": 30}, 10, "5"),
    ],
)
def test_what_rounding_leaves_of_sells_is_carried_on(
    symbol: str, ratio: str, amount: int, given: dict[str, Any], sold: int, left: str
) -> None:
    result = sized(symbol, S, amount, ratio, carry_buy=D(7), **given)
    assert (result.volume, result.carry_sell, result.carry_buy) == (sold, D(left), D(7))
    assert reason(result) is (None if sold else Reason.BELOW_LOT)


@pytest.mark.parametrize(
    ("given", "sold", "why", "left"),
    [
        ({"book": 500}, 500, None, "0"),
        ({"book": 1000, "selling": 300}, 700, None, "0"),
        ({"book": 1000, "bought_today": 600}, 400, None, "0"),  # T+1: what it forbids is not sold tomorrow instead
        ({"book": 1000, "available": 300}, 300, None, "0"),
        ({"book": 1000, "available": 960}, 960, None, "0"),
        ({"book": 1000, "bought_today": 1000}, 0, Reason.NOT_SELLABLE_TODAY, "0"),
        ({"book": 1000, "available": 0}, 0, Reason.NOT_SELLABLE_TODAY, "0"),
        ({"book": 1000, "available": -5}, 0, Reason.NOT_SELLABLE_TODAY, "0"),
        ({"book": 1000, "selling": 600, "bought_today": 400}, 0, Reason.NOT_SELLABLE_TODAY, "0"),
        ({"book": 0}, 0, Reason.NOTHING_TO_SELL, "0"),
        ({"book": -100}, 0, Reason.NOTHING_TO_SELL, "0"),
        ({"book": 500, "selling": 500}, 0, Reason.NOTHING_TO_SELL, "0"),
        ({"book": 0, "available": 900}, 0, Reason.NOTHING_TO_SELL, "0"),  # another strategy's shares
    ],
)
def test_never_more_than_the_book_and_the_broker_let(
    given: dict[str, Any], sold: int, why: Reason | None, left: str
) -> None:
    result = sized(MAIN, S, 1000, **{"book": 0} | given)
    assert (result.volume, result.carry_sell) == (sold, D(left))
    assert reason(result) is why


def test_a_rest_below_the_lot_waits_though_all_was_bought_today() -> None:
    result = sized(MAIN, S, 100, "0.5", book=300, bought_today=300)
    assert (reason(result), result.carry_sell) == (Reason.BELOW_LOT, 50)


def test_sells_of_what_was_never_bought_take_from_the_buys_still_owed() -> None:
    """0.5 x 300 bought 100 and owes 50; selling 250 of the 300 sells the 100, and owes 25 of the remaining 50."""
    result = sized(MAIN, S, 250, "0.5", book=100, carry_buy=D(50))
    assert (result.volume, result.carry_buy, result.carry_sell) == (100, 25, 0)
    nothing = sized(MAIN, S, 60, "0.5", book=0, carry_buy=D(50))
    assert (reason(nothing), nothing.carry_buy) == (Reason.NOTHING_TO_SELL, 20)
    assert sized(MAIN, S, 600, "0.5", book=0, carry_buy=D(50)).carry_buy == 0


# -- selling out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "given", "parts", "why"),
    [
        (MAIN, {"book": 150}, (150,), None),
        (MAIN, {"book": 50}, (50,), None),
        (STAR, {"book": 199}, (199,), None),
        (BSE, {"book": 301}, (301,), None),
        (FUND, {"book": 1}, (1,), None),
        (BOND, {"book": 27}, (27,), None),
        (CHINEXT, {"book": 600_050}, (300_000, 299_950, 100), None),
        (MAIN, {"book": 300, "selling": 100}, (200,), None),
        (MAIN, {"book": 300, "bought_today": 100}, (200,), None),
        (MAIN, {"book": 150, "available": 280}, (100,), None),  # the account's odd part is 80: 150 cannot be sold
        (MAIN, {"book": 50, "available": 280}, (), Reason.BELOW_LOT),
        (MAIN, {"book": 300, "bought_today": 300}, (), Reason.NOT_SELLABLE_TODAY),
        (MAIN, {"book": 50, "bought_today": 50}, (), Reason.NOT_SELLABLE_TODAY),
        (MAIN, {"book": 0}, (), Reason.NOTHING_TO_SELL),
    ],
)
def test_a_closing_sell_sells_the_whole_book_and_carries_nothing(
    symbol: str, given: dict[str, Any], parts: tuple[int, ...], why: Reason | None
) -> None:
    result = sized(symbol, S, 100, "0.01", closes=True, carry_buy=D(40), carry_sell=D(60), **given)
    assert (sum(result.parts), reason(result)) == (sum(parts), why)
    assert len(result.parts) == len(parts)
    assert (result.carry_buy, result.carry_sell) == (0, 0)


def test_a_closing_sell_leaves_nothing_behind_for_a_carry_that_an_undone_booking_made_negative() -> None:
    assert sized(BOND, S, 100, closes=True, book=27, carry_sell=D(-5)).parts == (27,)


@pytest.mark.parametrize("mode", FollowMode)
def test_a_closing_sell_needs_neither_price_nor_value(mode: FollowMode) -> None:
    assert sized(MAIN, S, 100, "1", mode=mode, closes=True, book=500).parts == (500,)


# -- a person's volume -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "side", "amount", "given", "why"),
    [
        (MAIN, B, 300, {}, None),
        (MAIN, B, 150, {}, Reason.ODD_VOLUME),
        (MAIN, B, 50, {}, Reason.ODD_VOLUME),
        (STAR, B, 201, {}, None),
        (STAR, B, 199, {}, Reason.ODD_VOLUME),
        (BOND, B, 15, {}, Reason.ODD_VOLUME),
        (MAIN, S, 300, {"book": 500}, None),
        (MAIN, S, 50, {"book": 150}, None),
        (MAIN, S, 20, {"book": 150}, Reason.ODD_VOLUME),
        (MAIN, S, 120, {"book": 150}, Reason.ODD_VOLUME),
        (MAIN, S, 600, {"book": 500}, Reason.NOT_SELLABLE_TODAY),
        (MAIN, S, 300, {"book": 500, "bought_today": 300}, Reason.NOT_SELLABLE_TODAY),
        (MAIN, S, 300, {"book": 0, "available": 900}, Reason.NOTHING_TO_SELL),
        (STAR, S, 100, {"book": 1000, "bought_today": 900}, Reason.ODD_VOLUME),
        (STAR, S, 101, {"book": 1000, "bought_today": 900}, Reason.NOT_SELLABLE_TODAY),
        (STAR, S, 1, {"book": 1000, "available": 0}, Reason.NOT_SELLABLE_TODAY),
    ],
)
def test_a_persons_volume_is_placed_as_it_is_or_not_at_all(
    symbol: str, side: Side, amount: int, given: dict[str, Any], why: Reason | None
) -> None:
    result = sized(symbol, side, amount, exact=True, carry_buy=D(60), carry_sell=D(70), **given)
    assert (result.volume, reason(result)) == (0 if why else amount, why)
    assert (result.carry_buy, result.carry_sell) == (60, 70)


@pytest.mark.parametrize("amount", [10**12, 10**15, 10**30])
def test_volumes_that_no_company_has_shares_for(amount: int) -> None:
    assert sized(MAIN, S, amount, "1000", book=500).volume == 500
    assert sized(MAIN, B, amount, exact=True).volume in {0, 10**12}


def test_nothing_is_made_of_zero() -> None:
    for side in Side:
        assert reason(sized(MAIN, side, 0, book=500)) is Reason.BELOW_LOT


# -- properties --------------------------------------------------------------------------------------------------------


def exchange_takes(parts: tuple[int, ...], side: Side, holding: int, rule: LotRule) -> bool:
    """The rule in words: buys are whole lots (or any volume from the minimum up); a sell takes the odd part of a
    holding whole or not at all (or all that is left when that is below the minimum)."""
    for part in parts:
        if not 0 < part <= rule.max_limit:
            return False
        if side is B:
            fits = part >= rule.minimum and part % rule.step == 0
        elif rule.step == 1:
            fits = part >= rule.minimum or part == holding
        else:
            fits = part % rule.minimum in {0, holding % rule.minimum}
        if not fits or (side is S and part > holding):
            return False
        holding -= part
    return True


volumes = st.one_of(st.integers(0, 700), st.integers(0, 3_000_000))
carries = st.decimals(0, "199.99", places=2)


@given(
    st.sampled_from(list(RULES)), st.sampled_from(Side), volumes, st.decimals("0.001", 50, places=3),
    st.fixed_dictionaries(
        {
            "book": volumes, "selling": volumes, "bought_today": volumes, "available": volumes,
            "carry_buy": carries, "carry_sell": carries, "closes": st.booleans(), "exact": st.booleans(),
            "mode": st.sampled_from(FollowMode), "price": st.none() | st.decimals("0.01", 3000, places=2),
            "total_value": st.none() | st.decimals(0, 10**7, places=2),
        }
    ),
)  # fmt: skip
def test_whatever_is_asked_the_exchange_takes_it_and_the_book_holds_it(
    symbol: str, side: Side, amount: int, figure: Decimal, given: dict[str, Any]
) -> None:
    if side is B:
        given |= {"closes": False}
    result = sized(symbol, side, amount, figure, **given)
    rule = RULES[symbol]
    assert exchange_takes(result.parts, side, given["available"], rule)
    assert (result.refusal is None) == bool(result.parts)
    assert result.refusal is None or says_all(result.refusal)
    if side is S:
        assert result.volume <= min(given["available"], max(given["book"] - given["selling"], 0))
        assert not result.parts or result.volume + given["selling"] + given["bought_today"] <= given["book"]
    if given["exact"] and not given["closes"]:
        assert result.volume in {0, amount}
    assert result.carry_buy >= 0
    assert result.carry_sell >= 0
    kept = given["carry_buy"], given["carry_sell"]
    assert result.carry_buy < rule.minimum or result.carry_buy <= kept[0]
    assert result.carry_sell < rule.minimum or result.carry_sell == kept[1]


@given(
    st.sampled_from(list(RULES)),
    st.decimals("0.01", 3, places=2),
    st.lists(st.tuples(st.booleans(), st.integers(1, 900), st.integers(0, 5)), min_size=1, max_size=25),
)
def test_a_book_stays_within_a_lot_of_what_it_should_hold(
    symbol: str, ratio: Decimal, orders: list[tuple[bool, int, int]]
) -> None:
    """One order a day, all of it filled: the book follows ratio x position, and closing ends at nothing.

    But for what cannot be sold with it, less than a lot while other strategies hold the code: that is told to a person,
    carried nowhere, and stays until the book is closed again.
    """
    rule = RULES[symbol]
    book = position = stranded = 0
    carry_buy = carry_sell = D(0)
    for buys, shares, other_holdings in orders:
        side = B if buys or position == 0 else S
        amount = shares if side is B else min(shares, position)
        position += amount if side is B else -amount
        result = sized(
            symbol, side, amount, ratio,
            book=book, available=book + other_holdings * rule.minimum, closes=side is S and position == 0,
            carry_buy=carry_buy, carry_sell=carry_sell,
        )  # fmt: skip
        book += result.volume if side is B else -result.volume
        carry_buy, carry_sell = result.carry_buy, result.carry_sell
        if position == 0:
            stranded = book
            assert 0 <= stranded < rule.minimum
        assert abs(book - stranded - ratio * position) < rule.minimum
        assert 0 <= carry_buy < rule.minimum
        assert 0 <= carry_sell < rule.minimum
        if position == 0 and other_holdings == 0:
            assert book == 0


@given(
    st.sampled_from(Side), st.integers(1, 5000), st.decimals(0, 99, places=1), st.decimals(0, 9000, places=1),
    st.integers(0, 20_000),
)  # fmt: skip
def test_what_was_left_before_at_most_doubles_an_order(
    side: Side, amount: int, carry: Decimal, owed: Decimal, book: int
) -> None:
    book_and_carry = {"book": book, "carry_buy": carry, "carry_sell": carry}
    alone = sized(MAIN, side, amount, **book_and_carry)
    more = sized(MAIN, side, amount, owed=owed, **book_and_carry)
    extra = more.volume - alone.volume
    assert 0 <= extra <= amount + 100
    assert more.volume <= amount + carry + min(owed, Decimal(amount))
    if side is Side.SELL:
        assert more.volume <= book
    after = more.carry_buy if side is Side.BUY else more.carry_sell
    assert after <= (alone.carry_buy if side is Side.BUY else alone.carry_sell), "what rides becomes no rounding"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"carry_buy": D(-300)}, Reason.HELD_ALREADY),
        ({"amount": 50}, Reason.BELOW_LOT),
        ({"amount": 150, "exact": True}, Reason.ODD_VOLUME),
        ({"mode": FollowMode.EQUITY}, Reason.NO_TOTAL_VALUE),
        ({"mode": FollowMode.VALUE}, Reason.NO_QUOTE),
        ({"side": S}, Reason.NOTHING_TO_SELL),
        ({"side": S, "book": 500, "available": 500, "bought_today": 500}, Reason.NOT_SELLABLE_TODAY),
    ],
)
def test_what_is_not_placed_says_why_with_all_its_figures(changes: dict[str, Any], why: Reason) -> None:
    values = {"side": B, "amount": 100} | changes
    result = sized(MAIN, values.pop("side"), values.pop("amount"), **values)
    assert reason(result) is why
    assert result.refusal is not None
    assert says_all(result.refusal)


@pytest.mark.parametrize("whole", [{"exact": True}, {"mode": FollowMode.SHARES, "figure": D(300)}])
def test_nothing_rides_on_a_whole_wish(whole: dict[str, Any]) -> None:
    """A person's volume, and shares or yuan an order, are what they are."""
    for side in Side:
        assert sized(MAIN, side, 300, owed=D(900), book=1000, **whole).volume == 300


def test_nothing_rides_while_too_much_is_held() -> None:
    result = sized(MAIN, B, 100, carry_buy=D(-200), owed=D(900))
    assert (result.volume, result.carry_buy) == (0, D(-100))
