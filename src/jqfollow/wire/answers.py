"""What the signals port answers to an authentic message."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Status = Literal["accepted", "duplicate"]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Status
    id: str
    signal_id: int


class Answer(_Answer):
    """200: the signal stands in the ledger. `mac` is `jqf1.ack_mac(key, id, status)`."""

    mac: str


class SeedAnswer(_Answer):
    """The original client reads only the status code; a person with a debugger reads this."""

    mac: None = None


class NotFollowedAnswer(Answer):
    """The signal stands in the ledger, and it is known already that it will not be followed.

    `mac` covers none of it: the client only shows it to the strategy's author.
    """

    why: str
    """A code of `reasons`, such as `replayed`."""
    detail: str
    """Chinese, for the strategy's author."""


class AccountAnswer(BaseModel):
    """One followed account."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: str
    can_trade: bool
    why: str = ""
    """Chinese, for the strategy's author; empty when it can."""


class HelloAnswer(Answer):
    """The answer to `hello`: the client logs it at the strategy's start."""

    version: str
    time: str
    """The server's time, `YYYY-MM-DD HH:MM:SS` in Asia/Shanghai."""
    skew_s: float
    """The sender's clock minus the server's, seconds."""
    accounts: tuple[AccountAnswer, ...]
