"""Writes the file that is pasted into QMT, from `inside.py`."""

import re
from importlib.resources import files
from pathlib import Path

from jqfollow.domain import JqfollowError

TICK_MS = 200
MOST_LINES = 200


class ScriptError(JqfollowError, ValueError):
    """No file can be written from what was given; says what and why."""


def render_script(
    *, mailbox: Path, account_id: str, account_type: str = "STOCK", tick_ms: int = TICK_MS, **constants: float
) -> bytes:
    """The file, in GBK as QMT keeps its strategies, with Windows' line ends.

    Args:
        mailbox: the folder, absolute.
        account_id: 资金账号.
        account_type: STOCK or CREDIT.
        tick_ms: period of the terminal's timer.
        constants: others of the file's constants, for tests.

    Raises:
        ScriptError: a value that the file cannot hold.
    """
    if not mailbox.is_absolute():
        raise ScriptError(f"信箱 {mailbox} 应写完整路径 / the mailbox wants an absolute path")
    text = files("jqfollow.execution.brokers.fullqmt").joinpath("inside.py").read_text(encoding="utf-8")
    values: dict[str, str | float] = {
        "MAILBOX": str(mailbox),
        "ACCOUNT": account_id,
        "ACCOUNT_TYPE": account_type,
        "TICK_MS": tick_ms,
    }
    for name, value in {**values, **constants}.items():
        text = _filled_in(text, name, value)
    text = "#coding:gbk\n" + text.replace("\n\n\n", "\n\n")
    try:
        return text.replace("\n", "\r\n").encode("gbk")
    except UnicodeEncodeError as error:
        raise ScriptError(
            f"路径 {mailbox} 里有 QMT 的 GBK 编码写不出的字符 {text[error.start : error.end]!r}，请换一个文件夹 / "
            "QMT's files are GBK, which cannot hold this path: choose another folder"
        ) from None


def _filled_in(text: str, name: str, value: str | float) -> str:
    filled, count = re.subn(
        rf"^{name} = [^#\n]*?(  #.*)?$", lambda m: f"{name} = {value!r}{m[1] or ''}", text, flags=re.MULTILINE
    )
    if count != 1:
        raise AssertionError(f"the script has {count} lines that set {name}")
    return filled
