"""`data/corporate_actions.toml`: what a person knows better than the vendor, or where no vendor tells.

[[action]]
security = "000001.XSHE"
day = 2026-06-10        # 除权除息日 / the ex day
bonus = 0.3             # 每股送 / bonus shares for one
gift = 0.0              # 每股转 / out of reserves
cash = 0.1              # 每股派，元，税前 / yuan a share before tax
# ratio = 0.5           # 拆分、折算：一份变成几份 / of a split: what one becomes
# rights = 0.3          # 每股配 / rights
# rights_price = 5.0
# settled = true        # 账已由人改好，不再自动入账 / a person has set the books already
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jqfollow.corporate.factors import Factor, NonsenseError
from jqfollow.domain import JqfollowError
from jqfollow.market.securities import UnknownSecurityError, parse_security

FILE_NAME = "corporate_actions.toml"
_FIGURES = ("bonus", "gift", "ratio", "cash", "rights", "rights_price")
_KEYS = frozenset({"security", "day", "settled", *_FIGURES})


class ActionsFileError(JqfollowError):
    """The file cannot be used; nothing of it counts."""


def load_actions(path: Path) -> list[Factor]:
    """The file's actions in the order of their days; none without a file.

    Raises:
        ActionsFileError: it cannot be read, or something in it is nonsense; names the entry.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text, parse_float=Decimal)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ActionsFileError(f"{path} 读不了：{error} / cannot be read") from error
    entries = content.get("action", [])
    if set(content) - {"action"} or not isinstance(entries, list):
        raise ActionsFileError(f"{path} 只能有 [[action]] / may hold nothing but [[action]]")
    found = [_action(path, number, entry) for number, entry in enumerate(entries, start=1)]
    seen: set[tuple[str, date]] = set()
    for factor in found:
        if (factor.security, factor.day) in seen:
            raise ActionsFileError(f"{path}：{factor.security} {factor.day} 写了两次 / stands there twice")
        seen.add((factor.security, factor.day))
    return sorted(found, key=lambda factor: (factor.day, factor.security))


def _action(path: Path, number: int, entry: object) -> Factor:
    where = f"{path} 第 {number} 个 [[action]]"
    if not isinstance(entry, Mapping) or set(entry) - _KEYS:
        raise ActionsFileError(f"{where}：只能写 {', '.join(sorted(_KEYS))} / holds other keys")
    day, security = entry.get("day"), entry.get("security")
    if not isinstance(day, date) or isinstance(day, datetime) or not isinstance(security, str):
        raise ActionsFileError(f"{where}：要写 security 和 day = 2026-06-10 / security and day are needed")
    figures: dict[str, Any] = {}
    for name in _FIGURES:
        value = entry.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise ActionsFileError(f"{where}：{name} = {value!r} 应为数 / is no number")
        figures[name] = Decimal(value)
    settled = entry.get("settled", False)
    if not isinstance(settled, bool):
        raise ActionsFileError(f"{where}：settled = {settled!r} 应为 true 或 false / is neither true nor false")
    try:
        return replace(Factor(security=parse_security(security).symbol, day=day, settled=settled), **figures)
    except UnknownSecurityError as error:
        raise ActionsFileError(f"{where}：{error}") from error
    except NonsenseError as error:
        raise ActionsFileError(f"{where} 数值不可能 / impossible figures: {error}") from error
