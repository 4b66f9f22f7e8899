"""The end of an account's day: what lives is settled by a list of after the close, or people are told in time.

Before the close they are told when no list can be read then; after it, when what lived is on no list: the terminal
forgets the day in the night.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from jqfollow.execution.accounts import Account
from jqfollow.execution.reconcile import CLOSE_MARGIN
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow
from jqfollow.market.sessions import day_end
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind

BEFORE_CLOSE = timedelta(minutes=5)
"""People are told so long before the close: there is time to log in to the terminal."""
LISTS_TAKE = timedelta(minutes=1)
"""So long after `CLOSE_MARGIN` what lived should have been read from the lists."""
_MOST_NAMED = 8


class Closing:
    """Watches the ends of days, for all accounts."""

    def __init__(self, *, ledger: Ledger) -> None:
        self._ledger = ledger
        self._told: set[tuple[str, date, str]] = set()

    async def look(self, account: Account, now: datetime) -> bool:
        """Tells once what will not be, or was not, settled; whether anybody was told."""
        if account.traits.always_open or not account.hours.is_trading_day():
            return False
        day = account.hours.trading_day()
        close = day_end(day)
        if close - BEFORE_CLOSE <= now < close and not account.ready:
            return await self._tell(account, day, "before", now)
        if now >= close + CLOSE_MARGIN + LISTS_TAKE:
            return await self._tell(account, day, "after", now)
        return False

    async def _tell(self, account: Account, day: date, when: str, now: datetime) -> bool:
        key = (account.name, day, when)
        if key in self._told:
            return False
        live = await self._ledger.read(
            lambda tx: [a for a in tx.attempts.live(account.name) if a.day <= day], urgent=True
        )
        if not live:
            return False
        self._told.add(key)
        text = messages.alert(_before(account, live) if when == "before" else _after(account, live))
        unique = f"close-{when}-{account.name}-{day}"
        return await self._ledger.write(lambda tx: tx.outbox.put(Kind.ALERT, text, now, unique_key=unique))


def _before(account: Account, live: Sequence[AttemptRow]) -> str:
    return (
        f"账户 {account.name} 未连接（{account.why_zh}），还有 {len(live)} 笔委托没有结果：{_named(live)}。"
        "收盘后要从券商的委托列表核对它们：请让交易终端登录到 15:05 以后，否则明天只能由人在控制台处理"
    )


def _after(account: Account, live: Sequence[AttemptRow]) -> str:
    why = "券商的列表里没有它们" if account.ready else f"账户未连接（{account.why_zh}）"
    return (
        f"账户 {account.name} 收盘后还有 {len(live)} 笔委托没有结果（{why}）：{_named(live)}。"
        "交易终端到夜里就不再列出今天的委托：请在今晚登录终端，或现在核对后到控制台处理"
    )


def _named(live: Sequence[AttemptRow]) -> str:
    named = "、".join(f"{a.remark} {a.security} {a.side} {a.volume}" for a in live[:_MOST_NAMED])
    return named + (" 等" if len(live) > _MOST_NAMED else "")
