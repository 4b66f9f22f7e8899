"""Packages for another system than this one: fetched by pip against their hashes, and unpacked."""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
LOCKED, SOURCES, XTQUANT = HERE / "locked.txt", HERE / "sources.txt", HERE / "xtquant.txt"
PYTHON = "3.13"
_HEAD = """\
# All that goes into the zip as wheels, with their hashes: of Windows on x86-64 with Python {python}.
# Written by `python -m packaging_win --lock`.
"""
_ALSO = ["aiohttp>=3.11,<4", "nats-py>=2.16,<3", "pip", "pynacl>=1.5"]
"""Beside what the project needs: a PC's end of the relay, and pip, which fetches `xtquant`."""


def fetch_wheels(folder: Path) -> None:
    """The wheels of `locked.txt`."""
    target = ["--platform", "win_amd64", "--python-version", PYTHON, "--implementation", "cp", "--only-binary=:all:"]
    _pip("download", "--no-deps", "--require-hashes", *target, "-r", str(LOCKED), "-d", str(folder))


def fetch_source(name: str, folder: Path) -> Path:
    """The source of one package of `sources.txt`."""
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "one.txt"
        lines = SOURCES.read_text(encoding="utf-8").splitlines()
        wanted.write_text(next(line for line in lines if line.startswith(f"{name}==")), encoding="utf-8")
        _pip("download", "--no-deps", "--require-hashes", "--no-binary=:all:", "-r", str(wanted), "-d", str(folder))
    (found,) = folder.glob(f"{name.replace('-', '_')}-*.tar.gz")
    return found


def build_wheel(source: Path, folder: Path) -> None:
    """A wheel of pure Python from a folder or an archive."""
    _pip("wheel", "--no-deps", "-w", str(folder), str(source))


def unpack(wheel: Path, folder: Path) -> None:
    """What a wheel brings to import; its scripts and headers are of no use here.

    Raises:
        ValueError: the wheel is of another system, or brings something that is not known here.
    """
    tags = wheel.stem.split("-")
    if tags[-1] not in {"any", "win_amd64"}:
        raise ValueError(f"{wheel.name} is not for Windows")
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            data, _, inner = name.partition(".data/")
            if not inner:
                target = folder / name
            elif inner.startswith(("purelib/", "platlib/")):
                target = folder / inner.partition("/")[2]
            elif inner.startswith(("scripts/", "headers/", "data/")):
                continue
            else:
                raise ValueError(f"{wheel.name}: {name} of {data}")
            if name.endswith(("/", ".dist-info/WHEEL", ".dist-info/RECORD")):  # these name what built the wheel
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(packed.read(name))


def lock() -> None:
    """Writes `locked.txt` anew, with uv, which knows what Windows needs from any system: what `constraints.txt` has."""
    with tempfile.TemporaryDirectory() as scratch:
        project, also = Path(scratch) / "pyproject.toml", Path(scratch) / "also.in"
        lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines(keepends=True)
        project.write_text("".join(line for line in lines if "xtquant" not in line), encoding="utf-8")
        also.write_text("\n".join(_ALSO), encoding="utf-8")
        done = subprocess.run(  # noqa: S603  # uv, with names of ours
            [
                *(sys.executable, "-m", "uv", "pip", "compile", str(project), str(also), "--only-binary", ":all:"),
                *("--python-platform", "x86_64-pc-windows-msvc", "--python-version", PYTHON, "--generate-hashes"),
                *("--no-annotate", "--no-header", "--quiet", "--constraint", str(ROOT / "constraints.txt")),
            ],
            stdout=subprocess.PIPE,
            check=True,
            encoding="utf-8",
        )
    LOCKED.write_text(_HEAD.format(python=PYTHON) + done.stdout, encoding="utf-8", newline="\n")


def _pip(*arguments: str) -> None:
    command: Sequence[str] = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603  # our own pip
