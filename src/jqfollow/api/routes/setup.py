"""The wizard on the page: what stands now, the answers, a robot tried, the client file, and a new beginning."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from jqfollow.api.body import StrictRoute
from jqfollow.api.models import View
from jqfollow.api.parts import Given, GivenSetup
from jqfollow.api.problem import ProblemError
from jqfollow.domain import JqfollowError
from jqfollow.notify.wecom import Delivered, WecomRobot, make_client
from jqfollow.settings import BrokerName, PaperAccount, Settings, local_file, read_config
from jqfollow.setup import qmt_folder
from jqfollow.setup.answers import (
    Answers,
    as_account_id,
    as_name,
    as_ratio,
    as_robot,
    changes,
    paper_account,
    present,
)
from jqfollow.setup.own_file import change_own

T = TypeVar("T")
_ALREADY = ProblemError(
    409,
    "refused",
    "已经设置过：用 jqfollow setup 或 jqfollow config set 修改",
    "it is set up already: jqfollow setup, or jqfollow config set",
)
_SAMPLE = frozenset({"demo"})


class SetupView(View):
    """向导所需 / what the wizard needs."""

    wanted: bool = Field(description="还没有自己的策略 / no strategy of one's own yet")
    pending: bool = Field(False, description="配置文件已改，重启生效 / the files say something new: a restart is due")
    broker: BrokerName = BrokerName.PAPER
    account: str = ""
    account_id: str = ""
    folder: str = ""
    strategy: str = ""
    ratio: str = "1"
    robots: int = 0
    paper: str | None = Field(None, description="下第一笔单的模拟账户 / the paper account for a first order")
    found: list[str] = Field([], description="找到的 userdata_mini / folders of MiniQMT that were found")
    file: str = ""


class SetupIn(BaseModel):
    """五个回答 / the five answers."""

    model_config = ConfigDict(extra="forbid")

    broker: BrokerName
    account: str = Field(max_length=64)
    account_id: str = Field("", max_length=32)
    folder: str = Field("", max_length=1000)
    strategy: str = Field(max_length=64)
    ratio: str = Field(max_length=32, description="比例 / times the strategy's shares: 0.5")
    robot: str | None = Field(None, max_length=1000, description="不填则不变 / left out: as it is")


class RobotIn(BaseModel):
    """一个机器人 / a robot."""

    model_config = ConfigDict(extra="forbid")

    robot: str = Field(min_length=1, max_length=1000)


class ClientIn(BaseModel):
    """哪个策略 / of which strategy."""

    model_config = ConfigDict(extra="forbid")

    strategy: str = Field(max_length=64)


class Written(View):
    """写在哪里 / where it was written."""

    file: str


class Done(View):
    """办好了 / done."""

    done: bool = True


router = APIRouter(prefix="/api/setup", tags=["向导 / setup"], route_class=StrictRoute)


@router.get("", summary="向导：现在的设置 / what stands now")
async def view(parts: Given) -> SetupView:
    """还没有自己的策略时，网页给出向导 / while there is no strategy of one's own the page offers the wizard."""
    return (
        SetupView(wanted=False)
        if parts.setup is None
        else await asyncio.to_thread(_view, parts.settings, parts.setup.config)
    )


@router.post("", summary="写入回答 / write the answers")
async def write(parts: Given, of: GivenSetup, answers: SetupIn) -> Written:
    """检查后写进 config.local.toml；重启生效 / checked, then written to config.local.toml; a restart is due."""
    if not (await asyncio.to_thread(_view, parts.settings, of.config)).wanted:
        raise _ALREADY
    return Written(file=str(await asyncio.to_thread(_write, of.config, answers)))


@router.post("/client", summary="写出客户端文件 / write the client file")
async def client(of: GivenSetup, one: ClientIn) -> Written:
    """写在配置旁边，只有本人能读，密钥不经过网页 / beside the configuration; no key passes the page."""
    file = await asyncio.to_thread(_on_disk, lambda: of.write_client(one.strategy))
    if file is None:
        zh, en = (
            f"策略 {one.strategy} 还没有密钥：先重启服务",
            f"strategy {one.strategy} has no key yet: restart first",
        )
        raise ProblemError(409, "refused", zh, en)
    return Written(file=str(file))


@router.post("/robot", summary="试发企业微信 / try a WeCom robot")
async def robot(_of: GivenSetup, one: RobotIn) -> Done:
    """发一条测试消息 / sends a test message."""
    key = _read(as_robot, one.robot)
    async with make_client() as client:
        outcome = await WecomRobot(SecretStr(key), client).send("jqfollow 测试消息：收到说明通知正常")
    if not isinstance(outcome, Delivered):
        raise ProblemError(409, "refused", f"没有发成：{outcome.why}", f"it was not taken: {outcome.why}")
    return Done()


@router.post("/restart", summary="重新启动 / begin anew")
async def restart(of: GivenSetup) -> Done:
    """按顺序停下，按配置文件重新开始 / stops in order, and begins anew as the files say."""
    config = await asyncio.to_thread(read_config, of.config)
    if config.mistakes:
        told = "；".join(map(str, config.mistakes[:3]))
        raise ProblemError(409, "refused", f"配置有误，没有重启：{told}", f"not restarted, wrong: {told}")
    asyncio.get_running_loop().call_later(0.2, of.restart)  # after this answer
    return Done()


def _view(running: Settings, config: Path) -> SetupView:
    settings = read_config(config).settings
    if settings is None:
        return SetupView(wanted=False)
    answers = present(settings)
    wanted = set(settings.strategies) <= _SAMPLE and all(
        isinstance(a, PaperAccount) for a in settings.accounts.values()
    )
    return SetupView(
        wanted=wanted,
        pending=settings != running,
        broker=answers.broker,
        account=answers.account,
        account_id=answers.account_id if wanted else "",  # what is set is shown by its last four alone, elsewhere
        folder=str(answers.folder or ""),
        strategy=answers.strategy,
        ratio=f"{answers.ratio.normalize():f}",
        robots=len(settings.notify.wecom.keys),
        paper=paper_account(settings, answers.strategy),
        found=[str(folder) for folder in qmt_folder.find()] if wanted else [],
        file=str(local_file(config)),
    )


def _write(config: Path, told: SetupIn) -> Path:
    real = told.broker is not BrokerName.PAPER
    if real and not told.folder.strip():
        raise ProblemError(422, "invalid", "请填文件夹", "the folder is wanted")
    folder = Path(told.folder.strip().strip("\"'")) if real else None
    answers = Answers(
        broker=told.broker,
        account=_read(as_name, told.account),
        account_id=_read(as_account_id, told.account_id) if real else "",
        folder=qmt_folder.as_mini(folder) if folder and told.broker is BrokerName.QMT else folder,
        strategy=_read(as_name, told.strategy),
        ratio=_read(as_ratio, told.ratio),
        robot=None if told.robot is None else _read(as_robot, told.robot),
    )
    settings = read_config(config).settings
    if settings is None:
        raise ProblemError(
            409, "refused", "配置文件有误：jqfollow config check", "the files are wrong: jqfollow config check"
        )
    try:
        return _on_disk(lambda: change_own(config, changes(answers, settings)).file)
    except JqfollowError as error:
        zh, _, en = str(error).partition(" / ")
        raise ProblemError(422, "invalid", zh, en or zh) from error


def _on_disk(write: Callable[[], T]) -> T:
    try:
        return write()
    except OSError as error:
        raise ProblemError(409, "refused", f"没有写成：{error.strerror}", f"not written: {error.strerror}") from error


def _read(read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except JqfollowError as error:
        zh, _, en = str(error).partition(" / ")
        raise ProblemError(422, "invalid", zh, en or zh) from error
