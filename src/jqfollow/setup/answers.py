"""The five things that matter: the wizard's answers, as they are now, and as changes of a person's own settings."""

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from jqfollow.domain import FollowMode, JqfollowError
from jqfollow.settings import BrokerName, FullQmtAccount, PaperAccount, QmtAccount, RealAccount, Settings
from jqfollow.settings.values import Name, can_be_written_out
from jqfollow.setup.own_file import Change

FIRST_STRATEGY = "my_strategy"
FIRST_ACCOUNT = {BrokerName.PAPER: "paper", BrokerName.QMT: "main", BrokerName.FULLQMT: "main"}
FIRST_RATIO = {BrokerName.PAPER: Decimal(1), BrokerName.QMT: Decimal("0.1"), BrokerName.FULLQMT: Decimal("0.1")}
"""What is offered; with real money one begins small."""
_SAMPLE = "demo"
_ACCOUNT_ID = re.compile(r"[0-9A-Za-z]{1,32}")
_ROBOT = re.compile(r"[0-9A-Za-z-]{8,64}|https?://\S+")
_MOST_RATIO = 1000


class AnswerError(JqfollowError):
    """An answer that cannot be; its text is for the person who gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was answered."""

    broker: BrokerName
    account: str
    account_id: str = ""
    folder: Path | None = None
    """`qmt_path` of MiniQMT, `mailbox` of the full terminal."""
    strategy: str
    ratio: Decimal
    robot: str | None = None
    """A WeCom robot's key; "": none; `None`: as it is."""


def present(settings: Settings) -> Answers:
    """What is configured, to be offered again; of the sample that comes along nothing but its paper account."""
    own = [name for name in settings.strategies if name != _SAMPLE]
    strategy = own[0] if own else FIRST_STRATEGY
    follow = settings.strategies[strategy].follow if own else {}
    accounts = list(follow) or list(settings.accounts)
    real = [name for name in accounts if isinstance(settings.accounts[name], RealAccount)]
    name = (real or accounts or [FIRST_ACCOUNT[BrokerName.PAPER]])[0]
    account = settings.accounts.get(name)
    broker = account.broker if account is not None else BrokerName.PAPER
    one = follow.get(name)
    ratio = one.figure if one is not None and one.mode is FollowMode.RATIO else FIRST_RATIO[broker]
    return Answers(
        broker=broker,
        account=name,
        account_id=account.account_id if isinstance(account, RealAccount) else "",
        folder=_folder(account),
        strategy=strategy,
        ratio=ratio,
    )


def of_account(settings: Settings, broker: BrokerName, before: Answers) -> Answers:
    """What is offered for an account once its broker is chosen."""
    if broker is before.broker:
        return before
    names = [name for name, account in settings.accounts.items() if account.broker is broker]
    name = names[0] if names else FIRST_ACCOUNT[broker]
    account = settings.accounts.get(name)
    return Answers(
        broker=broker,
        account=name,
        account_id=account.account_id if isinstance(account, RealAccount) else "",
        folder=_folder(account),
        strategy=before.strategy,
        ratio=FIRST_RATIO[broker],
    )


def _folder(account: object) -> Path | None:
    match account:
        case QmtAccount():
            return Path(account.qmt_path)
        case FullQmtAccount():
            return Path(account.mailbox)
        case _:
            return None


def changes(answers: Answers, settings: Settings) -> list[Change]:
    """What must be written for `answers` to hold; what the person set besides stays."""
    account, at = settings.accounts.get(answers.account), ("accounts", answers.account)
    found: list[Change] = []
    if account is None or account.broker is not answers.broker:
        found.append(Change(path=at, value=_table(answers)))
    else:
        found += [
            Change(path=(*at, key), value=value)
            for key, value in _table(answers).items()
            if str(getattr(account, key)) != value
        ]
    known = settings.strategies.get(answers.strategy)
    follow = known.follow.get(answers.account) if known is not None else None
    if follow is None or (follow.mode, follow.figure) != (FollowMode.RATIO, answers.ratio):
        path = ("strategies", answers.strategy, "follow", answers.account)
        kept = None if follow is None else follow.capital
        value = answers.ratio if kept is None else {"ratio": answers.ratio, "capital": kept}
        found.append(Change(path=path, value=value))
    robots = [answers.robot] if answers.robot else []
    if answers.robot is not None and robots != [key.get_secret_value() for key in settings.notify.wecom.keys]:
        found.append(Change(path=("notify", "wecom", "keys"), value=robots))
    return found


def _table(answers: Answers) -> dict[str, str]:
    table = {"broker": answers.broker.value}
    if answers.broker is not BrokerName.PAPER:
        folder = "qmt_path" if answers.broker is BrokerName.QMT else "mailbox"
        table |= {folder: str(answers.folder or ""), "account_id": answers.account_id}
    return table


def paper_account(settings: Settings, strategy: str) -> str | None:
    """Where a first order harms nobody: a paper account, best one that follows the strategy."""
    papers = [name for name, account in settings.accounts.items() if isinstance(account, PaperAccount)]
    follow = settings.strategies[strategy].follow if strategy in settings.strategies else {}
    return next((name for name in papers if name in follow), papers[0] if papers else None)


# -- single answers ----------------------------------------------------------------------------------------------------


def as_name(text: str) -> str:
    """A name of an account or a strategy.

    Raises:
        AnswerError: it cannot be one.
    """
    try:
        return TypeAdapter(Name).validate_python(text.strip())
    except ValidationError as error:
        raise AnswerError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None


def as_ratio(text: str) -> Decimal:
    """How much of the strategy's amounts is followed.

    Raises:
        AnswerError: it is no number over 0, up to 1000.
    """
    text = text.strip()
    if text.endswith(("%", "％")):
        raise AnswerError("请写成小数：50 % 是 0.5 / write a decimal number: 50 % is 0.5")
    try:
        ratio = Decimal(text)
    except ArithmeticError:
        ratio = Decimal("NaN")
    if not ratio.is_finite() or not 0 < ratio <= _MOST_RATIO or not can_be_written_out(ratio):
        raise AnswerError(f"{text!r} 不是大于 0、至多 1000 的数 / is no number over 0, up to 1000")
    return ratio


def as_account_id(text: str) -> str:
    """A number of an account at its broker.

    Raises:
        AnswerError: it is none.
    """
    text = text.strip()
    if not _ACCOUNT_ID.fullmatch(text):
        raise AnswerError("资金账号是 1 到 32 个字母或数字 / an account number is 1 to 32 letters or digits")
    return text


def as_robot(text: str) -> str:
    """A WeCom robot's key out of what a person pastes; "": none.

    Raises:
        AnswerError: it is no key.
    """
    text = text.strip()
    if text and not _ROBOT.fullmatch(text):
        raise AnswerError("应为机器人的 key 或完整的 Webhook 地址 / a robot's key, or its whole webhook address")
    return text
