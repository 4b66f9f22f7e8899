"""The doctor looks at the vendor's package: whether it is here, and made for this machine and this Python."""

import importlib.util
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from jqfollow.cli.doctor.findings import Finding, bad

NATIVE = "xtquant.xtpythonclient"
_WINDOWS = os.name == "nt"
_PART = re.compile(r"xtpythonclient\.cp(\d)(\d+)-win_amd64\.pyd")


def missing(place: str, zh: str, en: str) -> Finding | None:
    """Why `zh` (in English `en`), which needs the vendor's package, cannot work here; `None`: it can.

    Nothing of the vendor's is imported: that takes long, and asks a package registry.
    """
    if NATIVE in sys.modules:
        return None
    if not _WINDOWS:
        return bad(
            place,
            f"{zh}只能在 Windows 上使用，不在这台机器上",
            f"{en}: not on this machine, for it needs Windows",
            "在装有 MiniQMT 的 Windows 电脑上运行，或改用模拟盘",
            "run jqfollow on the Windows machine with MiniQMT, or use the paper broker",
        )
    spec = importlib.util.find_spec("xtquant")
    if spec is None:
        return bad(place, "没有安装 xtquant", "xtquant is not installed", "pip install xtquant", "pip install xtquant")
    versions = _made_for(spec.submodule_search_locations or ())
    here = sys.version_info[:2]
    if versions and here not in versions:
        shown = "、".join(f"{major}.{minor}" for major, minor in sorted(versions))
        return bad(
            place,
            f"已安装的 xtquant 不支持 Python {here[0]}.{here[1]}（支持 {shown}）",
            f"the installed xtquant has no part for Python {here[0]}.{here[1]} (it has {shown.replace('、', ', ')})",
            "pip install -U xtquant；仍不支持就改用 64 位 Python 3.11–3.13",
            "pip install -U xtquant; if that does not help, use a 64 bit Python 3.11 to 3.13",
        )
    return None


def _made_for(folders: Iterable[str]) -> set[tuple[int, int]]:
    """The Python versions that the installed wheel has a native part for; empty: it does not tell."""
    found: set[tuple[int, int]] = set()
    for folder in folders:
        parts = (_PART.fullmatch(file.name) for file in Path(folder).glob("xtpythonclient.*"))
        found |= {(int(part[1]), int(part[2])) for part in parts if part}
    return found
