"""What people should know now: for the console, and for the messages of the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from jqfollow.api.models import NoticeView, RelayView
from jqfollow.domain import Wire
from jqfollow.execution.recovery import orphans
from jqfollow.keys_watch import KeysWatch
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from jqfollow.parts import Parts
from jqfollow.settings import Settings

if TYPE_CHECKING:
    from jqfollow.relay.pc import RelayLine

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a start found; `key` keeps people from being told of it at every start."""

    zh: str
    en: str
    key: str | None = None


async def books_without_strategy(ledger: Ledger, settings: Settings) -> Sequence[Found]:
    """Books that nobody trades any more, as after a strategy was renamed."""
    left = await ledger.read(lambda tx: orphans(tx, settings.strategies))
    found = []
    for name in sorted({book.strategy for book in left}):
        held = "、".join(f"{b.account} {b.security} {b.volume:,}" for b in left if b.strategy == name)
        zh = f"策略 {name} 已不在配置里，它的持仓没人跟：{held}。改了名请改回，或自行处理这些持仓"
        en = f"strategy {name} is not configured any more, and nobody follows its books: {held}"
        found.append(Found(zh=zh, en=en, key=f"orphan-{name}-{len(left)}"))
    return found


async def keys_anew(ledger: Ledger, names: Sequence[str]) -> Sequence[Found]:
    """Of the strategies that just got a key, those that were at work: their own was not there any more."""
    found = []
    for name in names:
        try:
            if not await ledger.read(partial(_was_at_work, name)):
                continue
        except LedgerError as error:  # whoever looks the ledger over says what is wrong with it
            log.warning("not_known_whether_at_work", strategy=name, why=str(error))
            continue
        zh = f"策略 {name} 原来的密钥不见了，已生成新的：聚宽里的旧客户端通不过，请 jqfollow client {name} 重新生成"
        found.append(
            Found(zh=zh, en=f"the key of strategy {name} was gone, and a new one is made: write its client file anew")
        )
    return found


def _was_at_work(strategy: str, tx: Tx) -> bool:
    return any(signal.wire is Wire.JQF1 for signal in tx.signals.list(strategy=strategy, limit=20))


class Notices:
    """What was found at the start, and what is wrong now."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        """At the start, in both languages."""
        self.relay: RelayLine | None = None
        """The line to the relay, where this PC has joined one."""
        self.keys: KeysWatch | None = None

    def add(self, both: str) -> None:
        """Takes a sentence in both languages, `Chinese / English`."""
        zh, _, en = both.partition(" / ")
        self.found.append((zh, en or zh))

    def chinese(self) -> Sequence[str]:
        """For the messages of the day."""
        wrong = self.relay.state.notices() if self.relay is not None else ()
        return [*(zh for zh, _ in self.found), *(one.zh for one in wrong)]

    def relay_view(self) -> RelayView | None:
        """For the console: the line to the relay."""
        state = self.relay.state if self.relay is not None else None
        return None if state is None else RelayView.model_validate(state, from_attributes=True)

    def views(self, parts: Parts) -> Sequence[NoticeView]:
        """For the console: what was found, then what is wrong now."""
        views = [NoticeView(level="warning", zh=zh, en=en) for zh, en in self.found]
        if (trouble := parts.ledger.trouble) is not None:
            zh = f"{trouble.zh}：信号一律让聚宽稍后重发，请检查磁盘"
            views.append(NoticeView(level="error", zh=zh, en=f"{trouble.en}: every sender is asked to come again"))
        if self.keys is not None and self.keys.trouble is not None:
            views.append(NoticeView(level="error", zh=self.keys.trouble[0], en=self.keys.trouble[1]))
        for name, account in parts.accounts.items():
            if count := account.lanes.abandoned:
                zh = f"账户 {name} 有 {count} 个券商调用没有返回"
                en = f"{count} calls to the broker of account {name} never returned"
                views.append(NoticeView(level="error", zh=zh, en=en))
        wrong = self.relay.state.notices() if self.relay is not None else ()
        views += [NoticeView(level="error", zh=one.zh, en=one.en) for one in wrong]
        outbox = parts.outbox.health()
        if outbox["state"] == "degraded":
            waiting = outbox["pending"]
            zh, en = f"企业微信通知受阻，{waiting} 条待发", f"WeCom is not answering: {waiting} messages wait"
            views.append(NoticeView(level="warning", zh=zh, en=en))
        if count := parts.follower.failures:
            zh, en = f"程序内部错误 {count} 次，详见日志", f"{count} internal errors: see the log"
            views.append(NoticeView(level="error", zh=zh, en=en))
        return views
