"""The console's token: `<data_dir>/console.token`, for its owner only."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from jqfollow.domain import JqfollowError
from jqfollow.settings.guesses import is_guessed
from jqfollow.wire.private_file import is_private, make_private, write_private

FILE_NAME = "console.token"
_KEY_PREFIX = "jqf1_"
"""Of a strategy's key, which stands at JoinQuant, too: it must not open the console."""
_SHAPE = re.compile(r"[A-Za-z0-9_-]{32,128}")
_LEAST_DIFFERENT = 12
"""Different characters: a random token has some 30."""


class TokenError(JqfollowError):
    """The token's file cannot be read, written or understood; the message repeats nothing of its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleToken:
    """Who has it may use the console."""

    text: str = field(repr=False)
    path: Path
    created: bool
    """Made just now: the only time that it is shown to a person."""
    warning: str = ""
    """What people must know about the file's safety."""


def load_or_create_token(data_dir: Path) -> ConsoleToken:
    """The token of `data_dir`, made when there is none. To change it, delete the file and start again.

    Raises:
        TokenError: the file cannot be read or written, or holds no token.
    """
    path = data_dir / FILE_NAME
    try:
        return _load(path) if path.exists() else _create(path)
    except OSError as error:
        raise TokenError(
            f"无法读写 {path}：{error.strerror or error} / {path} cannot be read or written; check the folder"
        ) from error


def _load(path: Path) -> ConsoleToken:
    try:
        text = path.read_bytes().decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = ""
    weak = len(set(text)) < _LEAST_DIFFERENT or is_guessed(text)
    if not _SHAPE.fullmatch(text) or weak or text.startswith(_KEY_PREFIX):
        raise TokenError(
            f"{path} 中没有有效的令牌，请删除它，下次启动会重新生成 / "
            "holds no token: delete the file, and the next start makes a new one"
        )
    warning = make_private(path) if is_private(path) is False else ""
    return ConsoleToken(text=text, path=path, created=False, warning=warning)


def _create(path: Path) -> ConsoleToken:
    text = secrets.token_urlsafe(32)
    warning = write_private(path, text.encode() + b"\n")
    return ConsoleToken(text=text, path=path, created=True, warning=warning)
