"""How a PC's line to its relay stands, and what people are told of it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

CLOCKS_S = 30.0
"""By so much the clocks of relay and PC may differ before people are told."""


class Trouble(StrEnum):
    """Why nothing comes from the relay."""

    CONNECTING = "connecting"
    """Not connected, and tried again: the network, or the relay is off."""
    REVOKED = "revoked"
    """The relay does not know the file: written anew, or taken back."""
    ELSEWHERE = "elsewhere"
    """Another data folder came first with this file."""


_SENTENCES = {
    Trouble.CONNECTING: (
        "与中继的连接断了，正在重连：其间的信号存在中继里，来晚的不会下单",
        "the relay is not connected: it keeps the signals, and those that come late are not traded",
    ),
    Trouble.REVOKED: (
        "中继不认这份凭据（已作废或重新生成过）：在服务器上 jqfollow relay pc 重写一份，再 jqfollow relay join",
        "the relay does not take this PC's file any more: write it again (jqfollow relay pc), and join",
    ),
    Trouble.ELSEWHERE: (
        "这份中继凭据已在另一个数据文件夹里使用，这里不取信号：两台电脑不能共用一份，请为这台另写一份",
        "another data folder uses this PC's file: nothing is taken here; write one of its own for this PC",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayNotice:
    """Something that is wrong, once for each `what`."""

    what: str
    zh: str
    en: str


@dataclass(slots=True, kw_only=True)
class RelayState:
    """What page, doctor and messages show."""

    since: datetime
    """Of being connected, or not."""
    trouble: Trouble | None = Trouble.CONNECTING
    taken: int = 0
    refused: int = 0
    """Messages that nobody could use."""
    failed: int = 0
    """Messages that the program failed on, and asks for again."""
    waiting: int = 0
    """Messages that the relay still holds for this PC, as of the last look."""
    last_at: datetime | None = None
    """When the last message was taken."""
    lag_s: float | None = None
    """How long the relay had kept that one."""
    ahead_s: float = 0.0
    """The relay's clock minus ours."""
    offset_s: float = 0.0
    """The relay's clock in seconds since 1970, minus our steady one: ours may be set meanwhile."""
    shared: bool = False
    """Somebody else takes from this PC's consumer."""

    @property
    def connected(self) -> bool:
        """Whether signals come."""
        return self.trouble is None

    def become(self, trouble: Trouble | None, now: datetime) -> bool:
        """Connected, or not and why; whether that is news."""
        if trouble is self.trouble:
            return False
        self.trouble, self.since = trouble, now
        return True

    def notices(self) -> list[RelayNotice]:
        """What is wrong now."""
        found = []
        if self.trouble is not None:
            zh, en = _SENTENCES[self.trouble]
            found.append(RelayNotice(what=self.trouble, zh=zh, en=en))
        if abs(self.ahead_s) > CLOCKS_S:
            zh = f"中继的时钟比本机快 {self.ahead_s:.0f} 秒，请校准两边：信号的年龄按较老的算，来晚的不会下单"
            en = f"the relay's clock is {self.ahead_s:.0f} s ahead of this PC's: set both; the older age counts"
            found.append(RelayNotice(what="clocks", zh=zh, en=en))
        if self.shared:
            zh = "另有程序在用这台电脑的中继凭据取信号，请立即停掉其中一个：信号会分到两处"
            en = "another program takes signals with this PC's file: stop one of them, the signals are divided"
            found.append(RelayNotice(what="shared", zh=zh, en=en))
        if self.refused:
            zh = f"中继送来 {self.refused} 条不能用的消息，详见日志"
            en = f"{self.refused} messages of the relay could not be used: see the log"
            found.append(RelayNotice(what="refused", zh=zh, en=en))
        if self.failed:
            zh = f"处理中继送来的消息时程序内部错误 {self.failed} 次，会再取，详见日志"
            en = f"{self.failed} internal errors at messages of the relay, which are asked for again: see the log"
            found.append(RelayNotice(what="failed", zh=zh, en=en))
        return found
