"""The path that MiniQMT's natives will understand.

The vendor's Python layer hands them its bytes in GB18030 (`xttrader.py`), and they read them in Windows' ANSI code
page. Where that is not the Chinese one, they make a folder with a garbled name beside the real one, fill it with four
files of 75 MB, and never connect.
"""

import sys
from collections.abc import Callable

from jqfollow.domain import BrokerDownError

_VENDORS = "gb18030"
ShortPath = Callable[[str], str]


def native_path(path: str, *, page: str | None = None, short: ShortPath | None = None) -> str:
    """`path`, or its short 8.3 form where only that is understood.

    Args:
        path: an existing folder.
        page: Windows' ANSI code page as Python names it; of this machine when left out.
        short: gives the 8.3 form; Windows' own when left out.

    Raises:
        BrokerDownError: the natives would take it for another folder; says what to do.
    """
    page = code_page() if page is None else page
    if _understood(path, page):
        return path
    brief = (short or short_path)(path)
    if brief and _understood(brief, page):
        return brief
    raise BrokerDownError(
        f"MiniQMT 的接口在代码页 {page} 下读不懂含中文的路径 {path}："
        "在“区域 → 管理 → 更改系统区域设置”中选“中文(简体，中国)”"
        "并取消勾选“Beta 版：使用 Unicode UTF-8”，重启电脑；或把 QMT 装到纯英文路径 / "
        f"with code page {page} MiniQMT's software would take this path for another: set the system locale to Chinese "
        "(Simplified), untick the UTF-8 beta and restart, or install QMT in a folder with an ASCII name"
    )


def _understood(path: str, page: str) -> bool:
    if not page or path.isascii():
        return True
    try:
        return path.encode(_VENDORS).decode(page) == path
    except (UnicodeError, LookupError):
        return False


def code_page() -> str:
    """Windows' ANSI code page, such as `cp936`; empty where there is no Windows."""
    if sys.platform == "win32":
        import ctypes

        page = ctypes.windll.kernel32.GetACP()
        return _VENDORS if page == 54936 else f"cp{page}"  # noqa: PLR2004  # its number at Microsoft's
    return ""


def short_path(path: str) -> str:
    """The 8.3 form, empty where the drive keeps none."""
    if sys.platform == "win32":
        import ctypes

        buffer = ctypes.create_unicode_buffer(32768)
        length = ctypes.windll.kernel32.GetShortPathNameW(path, buffer, len(buffer))
        return buffer.value if 0 < length < len(buffer) else ""
    return ""
