"""What is in force where `[risk]`, an account and a strategy speak: each rule as a rule."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import Board
from jqfollow.settings import ExecutionSettings, Layers, RiskSettings, Settings
from jqfollow.settings.layers import RULES, Rule
from jqfollow.settings.policy import AccountRisk, StrategyExecution, StrategyRisk

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "max_signal_age_s": st.integers(1, 900),
    "max_price_drift": st.decimals("0.001", "1", places=3),
    "at_limit": st.sampled_from(["reject", "queue"]),
    "outside_hours": st.sampled_from(["reject", "hold"]),
    "max_order_value": st.integers(1, 10**9),
    "max_position_ratio": st.decimals("0.01", "1", places=2),
    "max_daily_orders": st.integers(1, 10_000),
    "max_daily_turnover": st.integers(0, 10**9),
    "max_cancels_per_day": st.integers(0, 10_000),
    "max_daily_loss": st.integers(0, 10**9),
    "orders_per_second": st.integers(1, 50),
    "boards": st.frozensets(st.sampled_from(list(Board))),
    "blocked": st.frozensets(st.sampled_from(["000001.SZ", "600000.XSHG", "113001.SH"])),
}
COUNTED = [key for key, rule in RULES.items() if rule is Rule.ACCOUNT]


def tables(model: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={key: VALUES[key] for key in model.model_fields if key in VALUES})


def layers(risk: Any = None, account: Any = None, strategy: Any = None, **more: Any) -> Layers:
    """Accounts `a`, `b` and strategies `s`, `t`; what is given is that of `a` and `s`."""
    own = {"risk": strategy or {}} | more
    follow = {"a": 1, "b": 1}
    accounts = {"a": {"broker": "paper", "risk": account or {}}, "b": {"broker": "paper"}}
    strategies = {"s": {"follow": follow} | own, "t": {"follow": follow}}
    return Layers(Settings.model_validate({"risk": risk or {}, "accounts": accounts, "strategies": strategies}))


def test_every_key_has_its_rule_and_stands_where_it_may() -> None:
    assert list(RULES) == list(RiskSettings.model_fields) == list(VALUES)
    assert set(AccountRisk.model_fields) == set(RULES)
    only_counted_over_an_account = {"max_cancels_per_day", "max_daily_loss", "orders_per_second"}
    assert set(StrategyRisk.model_fields) == set(RULES) - only_counted_over_an_account | {"capital"}
    assert list(StrategyExecution.model_fields) == list(ExecutionSettings.model_fields)
    for model, base in (
        (AccountRisk, RiskSettings),
        (StrategyRisk, RiskSettings),
        (StrategyExecution, ExecutionSettings),
    ):
        for key, field in model.model_fields.items():
            assert field.default is None, f"{model.__name__}.{key} would speak where nothing is written"
            assert key == "capital" or key in base.model_fields


@given(risk=tables(RiskSettings), account=tables(AccountRisk), strategy=tables(StrategyRisk))
def test_what_wins(risk: dict[str, Any], account: dict[str, Any], strategy: dict[str, Any]) -> None:
    found = layers(risk, account, strategy)
    default = RiskSettings.model_validate(risk)
    for key, rule in RULES.items():
        own = [table[key] for table in (account, strategy) if key in table]
        base, value = getattr(default, key), getattr(found.risk("a", "s"), key)
        match rule:
            case Rule.LEAST:
                assert value == (min(own) if own else base)
            case Rule.NEAREST:
                assert value == (own[-1] if own else base)
            case Rule.ACCOUNT:
                assert value == account.get(key, base)
            case Rule.COMMON:
                assert value == (frozenset.intersection(*own) if own else base)
            case Rule.UNION:
                assert value == base.union(*own)
        said = {path[0] for path in found.risk_of(key, "a", "s").of}
        spoke = {
            layer for layer, table in (("risk", risk), ("accounts", account), ("strategies", strategy)) if key in table
        }
        assert said <= spoke | {"risk"}


@given(risk=tables(RiskSettings), account=tables(AccountRisk), strategy=tables(StrategyRisk))
def test_nobody_else_is_touched(risk: dict[str, Any], account: dict[str, Any], strategy: dict[str, Any]) -> None:
    found = layers(risk, account, strategy)
    assert found.risk("b", "t") == layers(risk).risk("b", "t") == RiskSettings.model_validate(risk)
    assert found.risk("a", "t") == layers(risk, account).risk("a", "t") == found.account("a")
    assert found.risk("b", "s") == layers(risk, None, strategy).risk("b", "s")
    assert found.account("b") == RiskSettings.model_validate(risk)
    assert found.risk("a", "of no section") == found.account("a")


@given(account=tables(AccountRisk), strategy=tables(StrategyRisk))
def test_a_strategy_never_widens_what_its_account_limits(account: dict[str, Any], strategy: dict[str, Any]) -> None:
    both, alone = layers(None, account, strategy).risk("a", "s"), layers(None, account).risk("a", "s")
    for key, rule in RULES.items():
        if key not in account:
            continue
        wide, narrow = getattr(alone, key), getattr(both, key)
        if rule is Rule.LEAST or rule is Rule.COMMON:
            assert narrow <= wide
        elif rule is Rule.UNION:
            assert narrow >= wide


@pytest.mark.parametrize("key", ExecutionSettings.model_fields)
def test_execution_is_the_strategys(key: str) -> None:
    other = {"price": "own", "slippage_ticks": 7, "cancel_after_s": 7, "max_attempts": 7, "force_after": 7,
             "join_auction": True, "cash_wait_s": 7}  # fmt: skip
    found = layers(execution={key: other[key]})
    assert getattr(found.execution("s"), key) == other[key]
    assert found.execution("s").model_copy(update={key: getattr(ExecutionSettings(), key)}) == ExecutionSettings()
    assert found.execution("t") == ExecutionSettings()


@pytest.mark.parametrize(
    ("section", "beside", "wanted"), [(None, None, None), (9, None, 9), (None, 8, 8), (9, 8, 8), (7, 8, 7)]
)
def test_the_smaller_capital_holds(section: int | None, beside: int | None, wanted: int | None) -> None:
    own = {"follow": {"a": {"ratio": 1} | ({"capital": beside} if beside else {}), "b": 1}}
    found = layers(strategy={"capital": section} if section else {}, **own)
    assert found.own("a", "s").capital == (None if wanted is None else Decimal(wanted))
    assert found.own("b", "s").capital == (None if section is None else Decimal(section))
    assert found.own("a", "t").capital is None


def test_what_is_counted_of_a_strategy_stands_beside_what_is_counted_of_its_account() -> None:
    found = layers(account={"max_daily_orders": 3}, strategy={"max_daily_orders": 9, "max_daily_turnover": 0})
    assert (found.risk("a", "s").max_daily_orders, found.own("a", "s").orders) == (3, 9)
    assert found.own("a", "s").turnover is None, "0 is no limit"
