"""The download for Windows: the same bytes twice, small, and used as a person would, on Windows or under Wine.

    python -m pytest -n0 -m slow tests/windows/test_zip.py

Under Wine it wants the world that `tests/windows/under_wine.sh` makes, at `WINE_WORLD`, and a screen (`xvfb-run`).
"""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from packaging_win.contents import LAUNCHERS, lay_out, version
from packaging_win.packages import LOCKED, ROOT, SOURCES, XTQUANT
from packaging_win.zipped import write_zip
from ports import free_port

MOST_BYTES = 60_000_000
OLDER = "0.0.9"
WORLD = Path(os.environ.get("WINE_WORLD", Path.home() / ".cache" / "jqfollow-wine"))
HERE = Path(__file__).parent
usable = pytest.mark.skipif(
    sys.platform != "win32" and not ((WORLD / "ready").is_file() and os.environ.get("DISPLAY")),
    reason="wants Windows, or Wine's world by tests/windows/under_wine.sh and a screen",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zip")
    number, top = lay_out(folder / "once")
    write_zip(top, folder / f"jqfollow-{number}-win64.zip")
    return folder / f"jqfollow-{number}-win64.zip"


def test_each_package_is_pinned_by_its_hash_and_no_address_stands_there() -> None:
    for file in (LOCKED, SOURCES, XTQUANT):
        text = file.read_text(encoding="utf-8")
        assert "://" not in text
        pins = [part for part in text.replace("\\\n", " ").splitlines() if "==" in part]
        assert pins
        assert all("--hash=sha256:" in pin for pin in pins)
    assert not any("xtquant" in line for line in LOCKED.read_text(encoding="utf-8").splitlines())


def test_everything_that_the_program_needs_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[^a-z0-9-]", name.lower())[0] for name in project["dependencies"]} - {"xtquant"}
    assert wanted <= set(re.findall(r"^([a-z0-9-]+)==", LOCKED.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_bytes_twice_and_not_many(built: Path, tmp_path: Path) -> None:
    number, top = lay_out(tmp_path)
    write_zip(top, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == built.read_bytes()
    assert built.stat().st_size <= MOST_BYTES
    names = zipfile.ZipFile(built).namelist()
    assert all(name.startswith("jqfollow/") for name in names)
    assert {f"jqfollow/{name}.cmd" for name in LAUNCHERS.values()} < set(names)
    assert f"jqfollow/versions/{number}/python/python.exe" in names
    assert not any(part in name for name in names for part in ("xtquant/", "config.toml", "/data/ledger", ".pyc"))


class Unpacked:
    """A folder with the zip in it, and the command line there."""

    def __init__(self, folder: Path, archive: Path) -> None:
        self.top = folder / "jqfollow"
        self.data = self.top / "data"
        self.unpack(archive)

    def unpack(self, archive: Path) -> None:
        """Over what stands there."""
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(self.top.parent)
        for home in (self.top / "versions").iterdir():
            if sys.platform != "win32" and not (home / "python" / "Lib").exists():
                _fit_for_wine(home / "python")

    def __call__(self, *arguments: str, command: str = "jqfollow", code: int = 0) -> str:
        words = ["cmd", "/c", f"{command}.cmd", *arguments]
        # Into a file: what it leaves running would hold a pipe open. Wine wants a pipe; `cat` lets go of that one.
        if sys.platform != "win32":
            words = ["bash", "-c", '"$@" </dev/null > >(cat) 2>&1; code=$?; sleep 0.5; exit $code', "-", "wine", *words]
        around = os.environ | {"WINEPREFIX": str(WORLD / "prefix"), "WINEDEBUG": "-all", "LC_ALL": "zh_CN.UTF-8"}
        for name in ("PYTHONPATH", "PYTHONUTF8"):
            around.pop(name, None)
        with (self.top / "said.txt").open("wb") as said:
            done = subprocess.run(
                words, cwd=self.top, env=around, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False
            )
        text = (self.top / "said.txt").read_text(encoding="utf-8", errors="replace")
        assert done.returncode == code, text
        return text

    def ports(self) -> None:
        """A configuration with free ports."""
        text = next((self.top / "versions").glob("*/lib/jqfollow/settings/default.toml")).read_text(encoding="utf-8")
        for name in ("8888", "8000"):
            text = text.replace(f"port = {name}", f"port = {free_port()}")
        (self.top / "config.toml").write_text(text, encoding="utf-8")

    def console(self, path: str) -> dict[str, Any]:
        """What the console answers."""
        port = tomllib.loads((self.top / "config.toml").read_text(encoding="utf-8"))["console"]["port"]
        token = (self.data / "console.token").read_text(encoding="utf-8").strip()
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers, trust_env=False, timeout=30)
        return dict(answer.raise_for_status().json())

    def orders(self, filled: int) -> str:
        """What `orders` shows when so many are filled."""
        until = time.monotonic() + 60
        while (shown := self("orders")).count("已成") < filled:
            assert time.monotonic() < until, shown
        return shown


@pytest.fixture
def unpacked(built: Path, tmp_path: Path) -> Iterator[Unpacked]:
    folder = tmp_path / "我的 跟单 (new)"
    folder.mkdir()
    it = Unpacked(folder, older(built, tmp_path))
    it.ports()
    yield it
    if (it.top / "jqfollow.cmd").exists():
        it("stop")


def older(built: Path, folder: Path) -> Path:
    """The same program as an older version."""
    target = folder / f"jqfollow-{OLDER}-win64.zip"
    number = version()
    with zipfile.ZipFile(built) as new, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as old:
        for name in new.namelist():
            content = new.read(name)
            if name.endswith(("/jqfollow/__init__.py", "current.txt")):
                content = content.replace(number.encode(), OLDER.encode())
            old.writestr(name.replace(f"/versions/{number}/", f"/versions/{OLDER}/"), content)
    return target


def _fit_for_wine(python: Path) -> None:
    """What this Python wants and Wine 8 has not; see `under_wine.sh`."""
    packages = python / "Lib" / "site-packages"
    packages.mkdir(parents=True)
    (python / "_wmi.pyd").rename(python / "_wmi.off")
    shutil.copy(WORLD / "px" / "cp313" / "bcryptprimitives.dll", python)
    shutil.copy(HERE / "wine8.py", packages)
    (packages / "wine8.pth").write_text("import wine8\n", encoding="ascii")
    path = next(python.glob("python3*._pth"))
    path.write_text(path.read_text(encoding="ascii") + "import site\n", encoding="ascii")


@usable
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_started_used_updated_and_taken_back(built: Path, unpacked: Unpacked) -> None:
    alone = unpacked.top / "opened in the zip"  # Windows shows a zip as a folder, and takes out what is clicked alone
    alone.mkdir()
    shutil.copy(unpacked.top / "开始.cmd", alone)
    assert "Unpack the whole zip" in unpacked(command="opened in the zip\\开始", code=2)
    shutil.rmtree(alone)
    assert OLDER in unpacked("--version")
    assert "在后台启动" in unpacked("start", "--no-browser")
    assert unpacked.console("/api/setup")["wanted"], "the dashboard that a double click opens begins with the wizard"
    said = unpacked("setup", "--broker", "paper", "--strategy", "s", "--ratio", "0.5", "--yes", "--keep")
    assert "买入 100 份成交" in said
    assert "卖出 100 份成交" in said
    assert not unpacked.console("/api/setup")["wanted"]
    own = (unpacked.top / "config.local.toml").read_bytes()
    unpacked("send", "s", "000001.XSHE", "buy", "1000", "--price", "10.5")
    assert "500" in unpacked.orders(3)
    token = (unpacked.data / "console.token").read_bytes()
    before = (unpacked.top / "config.toml").read_bytes()

    unpacked.unpack(built)  # over the older one, which runs
    said = unpacked("start", "--no-browser")
    assert f"正在运行的是 {OLDER}，换成 {version()}" in said
    unpacked("send", "demo", "600000.XSHG", "buy", "1000", "--price", "10")
    unpacked.orders(4)
    assert (unpacked.top / "config.local.toml").read_bytes() == own
    assert (unpacked.data / "console.token").read_bytes() == token
    assert (unpacked.top / "config.toml").read_bytes() == before

    assert f"已回到 {OLDER}" in unpacked("portable", "back", "--yes")
    assert OLDER in unpacked("--version")
    assert "在后台启动" in unpacked("start", "--no-browser")
    unpacked.orders(4)
    unpacked("portable", "back", code=2)  # there is none before it

    assert "已停止" in unpacked("stop")
    assert "没有运行" in unpacked("status")
    (unpacked.top / "mine.cmd").write_text("@echo my own\n", encoding="ascii")
    unpacked("--yes", command="卸载")
    assert {each.name for each in unpacked.top.iterdir()} - {"卸载.cmd", "said.txt"} == {
        "mine.cmd",
        "data",
        "config.toml",
        "config.local.toml",
        "jqfollow_client_s.py",
    }
    assert (unpacked.data / "ledger.sqlite3").is_file()
