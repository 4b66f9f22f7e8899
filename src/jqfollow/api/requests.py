"""What the console takes."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from jqfollow.domain import Side


class ManualOrderIn(BaseModel):
    """手动下单 / a manual order."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"strategy": "demo", "account": "paper", "security": "000001.XSHE", "side": "buy", "volume": 100}
            ]
        },
    )

    strategy: str = Field(min_length=1, max_length=64, description="记入哪个策略 / whose book it goes to")
    account: str = Field(min_length=1, max_length=64)
    security: str = Field(max_length=32, description="000001.XSHE, 000001.SZ, …")
    side: Side
    volume: int = Field(strict=True, gt=0, le=100_000_000, description="股 / shares (bonds: 张)")
    price: Annotated[Decimal, Field(gt=0, le=1_000_000, allow_inf_nan=False, decimal_places=4)] | None = Field(
        None, description="限价；不填则按 [execution] 定价 / a limit; without it priced like a signal"
    )
    confirm: str | None = Field(
        None, max_length=32, description="实盘账户须填资金账号 / on a real account: its account id"
    )


class SettlementIn(BaseModel):
    """人工核对的结果 / what a person found at the broker."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"outcome": "not_placed"}]})

    outcome: Literal["not_placed", "placed", "ended"] = Field(
        description="`not_placed` 券商没有这笔；`placed` 有，编号 `broker_order_id`；"
        "`ended` 已结束，成交 `filled`，均价 `price`"
        " / the broker does not hold it; holds it as broker_order_id; it is over with `filled` at `price`"
    )
    broker_order_id: str | None = Field(None, min_length=1, max_length=64)
    filled: int = Field(0, strict=True, ge=0, le=100_000_000)
    price: Annotated[Decimal, Field(gt=0, le=1_000_000, allow_inf_nan=False, decimal_places=4)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.outcome == "placed" and self.broker_order_id is None:
            raise ValueError("请填写券商委托编号 broker_order_id / broker_order_id is needed")
        if self.outcome == "not_placed" and (self.filled or self.broker_order_id is not None):
            raise ValueError("没有这笔委托，就不会有成交或编号 / what was not placed has neither fills nor a number")
        if self.filled and self.price is None:
            raise ValueError("有成交时请填写成交均价 price / price is needed with filled")
        return self


class PauseIn(BaseModel):
    """暂停或恢复的范围；空为全部 / what to pause or resume; empty means all."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    strategy: str = Field("", max_length=64)
    account: str = Field("", max_length=64)
    buys: bool = Field(default=False, description="暂停时：只停买入 / of a pause: buys only")


class ScopeIn(BaseModel):
    """范围；都不填为全部 / of what; empty means all."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"account": "paper"}]})

    strategy: str | None = Field(None, min_length=1, max_length=64)
    account: str | None = Field(None, min_length=1, max_length=64)


class CloseIn(ScopeIn):
    """清仓 / sells everything out."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"account": "paper", "confirm": "paper", "key": "a-click-1"}]}
    )

    confirm: str = Field(max_length=2000, description="账户名 / the accounts' names, as `GET /api/close` tells")
    key: str = Field(min_length=8, max_length=80, description="同一个值只做一次 / the same value: done once")
