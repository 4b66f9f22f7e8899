"""Texts within a limit of bytes; pure.

The limit is that of a robot's `text` message: 2048 bytes of UTF-8, in which a Chinese character takes three.
"""

import re
from collections.abc import Sequence

MAX_BYTES = 2048

# Control characters other than tab and line feed. Half a surrogate pair, as a wrongly decoded word of a broker may
# hold, can be stored neither in UTF-8 nor in SQLite.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def size(text: str) -> int:
    """Bytes of `text` in UTF-8."""
    return len(text.encode("utf-8"))


def clean(text: str) -> str:
    """`text` as it can be stored and sent: no control characters, no half characters, no blank ends."""
    return _UNPRINTABLE.sub("", _SURROGATE.sub("�", text.replace("\r\n", "\n"))).strip()


def one_line(text: str) -> str:
    """`text` on one line, cleaned: for words of others within a sentence of ours."""
    return " ".join(clean(text).split())


def cut(text: str, limit: int = MAX_BYTES, mark: str = "…") -> str:
    """`text` in at most `limit` bytes, ended by `mark` when something was cut off; no character is cut in half.

    Without room for the mark it is left out.
    """
    raw = text.encode("utf-8")
    if len(raw) <= limit:
        return text
    room = limit - size(mark)
    if room < 0:
        return raw[: max(limit, 0)].decode("utf-8", "ignore")
    return raw[:room].decode("utf-8", "ignore") + mark


def cut_lines(lines: Sequence[str], limit: int = MAX_BYTES) -> str:
    """`lines`, one below the other, in at most `limit` bytes; what did not fit is counted in a last line."""
    text = "\n".join(lines)
    if size(text) <= limit:
        return text
    room = limit - size(f"\n…还有 {len(lines)} 条")
    kept = 0
    used = 0
    for line in lines:
        used += size(line) + (1 if kept else 0)
        if used > room:
            break
        kept += 1
    if not kept:
        return cut(text, limit)
    return "\n".join([*lines[:kept], f"…还有 {len(lines) - kept} 条"])
