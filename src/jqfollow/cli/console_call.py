"""Asking the running service by its console port, as a program of this machine may."""

import getpass
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click
import httpx

from jqfollow.api.token import FILE_NAME, load_or_create_token
from jqfollow.cli.base import fail, words
from jqfollow.settings import Settings

_TIMEOUT_S = 60.0
_OK = 200


def whoever() -> str:
    """Who sits at this machine, for the record of what people did."""
    try:
        return getpass.getuser()[:64] or "cli"
    except (OSError, KeyError):  # a user without a name
        return "cli"


def ask(settings: Settings, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
    """What the service answers; a refusal, or a service that does not run, ends the command with its words."""
    if not settings.console.port:
        raise click.UsageError("console.port 是 0（随机端口），请写定一个 / console.port is random: set one")
    if not (settings.data_dir / FILE_NAME).is_file():
        fail(words("服务还没有运行过：先运行 jqfollow serve", "the service never ran here: start jqfollow serve"))
    host = settings.console.host
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.console.port}{path}"
    headers = {
        "Authorization": f"Bearer {load_or_create_token(settings.data_dir).text}",
        "jqfollow-who": quote(whoever()),
    }
    try:
        answer = httpx.request(method, address, json=body, headers=headers, timeout=_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError as error:
        fail(
            words(
                f"连不上 {address}（{type(error).__name__}）：服务在运行吗？用 jqfollow serve 启动",
                f"{address} does not answer ({type(error).__name__}): does jqfollow serve run?",
            )
        )
    if answer.status_code != _OK:
        try:
            told = answer.json()
        except ValueError:
            told = {}
        fail(words(*_why(answer.status_code, told if isinstance(told, dict) else {})))
    return answer.json()


def _why(status: int, told: Mapping[str, object]) -> tuple[str, str]:
    zh, _, en = str(told.get("detail", "")).partition(" / ")
    return f"服务没有照做（{status}）：{zh[:600]}", f"the service did not do it ({status}): {(en or zh)[:600]}"
