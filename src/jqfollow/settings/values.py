"""What a value of the configuration may be.

TOML's types are taken as they are: the text "8888" is no port and `true` is no ratio.
"""

import re
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_MOST_DIGITS = 30
_WINDOWS_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"名称 {text!r} 只能用 1 到 64 个 A-Z a-z 0-9 . _ -，不能以 . 或 - 开头、以 . 结尾（中文名写在 title）"
            " / a name is 1 to 64 of A-Z a-z 0-9 . _ -, does not begin with . or - and does not end with ."
        )
    if _WINDOWS_DEVICES.fullmatch(text):
        raise ValueError(f"名称 {text!r} 是 Windows 的保留名 / is a device's name on Windows")
    return text


def _clock_time(value: object) -> object:
    if isinstance(value, str):
        if not _CLOCK_TIME.fullmatch(value):
            raise ValueError(f'{value!r} 不是 "09:00" 这样的时刻 / a time such as "09:00" is expected')
        return time.fromisoformat(value)
    return value


def _no_text(value: object) -> object:
    if isinstance(value, str | bool):
        kind = ("文字", "a text") if isinstance(value, str) else ("布尔值", "a boolean")
        raise ValueError(  # noqa: TRY004  # pydantic wants ValueError
            f"写成了{kind[0]}，应为不带引号的数 / is {kind[1]}, a number without quotes is expected"
        )
    return value


def can_be_written_out(value: Decimal) -> bool:
    """Without an exponent: 1e-999999999 is a gigabyte of zeros."""
    return not value.is_finite() or abs(value.adjusted()) <= _MOST_DIGITS


def _figure(value: object) -> object:
    if isinstance(value, Decimal) and not can_be_written_out(value):
        raise ValueError(f"小于 1e-{_MOST_DIGITS} 或大于 1e{_MOST_DIGITS} / is too small or too large")
    return _no_text(value)


Name = Annotated[str, AfterValidator(_name)]
ClockTime = Annotated[time, BeforeValidator(_clock_time)]
Host = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S+$")]
Port = Annotated[int, Field(ge=0, le=65535)]
Money = Annotated[Decimal, Field(strict=False, ge=0, le=Decimal("1e12"), allow_inf_nan=False), BeforeValidator(_figure)]
Limit = Annotated[Decimal, Field(strict=False, gt=0, le=Decimal("1e12"), allow_inf_nan=False), BeforeValidator(_figure)]
Ratio = Annotated[Decimal, Field(strict=False, gt=0, le=1000, allow_inf_nan=False), BeforeValidator(_figure)]
Share = Annotated[Decimal, Field(strict=False, gt=0, le=1, allow_inf_nan=False), BeforeValidator(_figure)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
AnyPath = Annotated[Path, Field(strict=False)]


class Section(BaseModel):
    """A table of the configuration; what stands there is taken as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)
