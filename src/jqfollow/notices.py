"""What people should know now: for the console, and for the messages of the day."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jqfollow.api.models import NoticeView, RelayView
from jqfollow.keys_watch import KeysWatch
from jqfollow.parts import Parts

if TYPE_CHECKING:
    from jqfollow.relay.pc import RelayLine


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
