"""Where the vendor's package is missing: the service runs, the paper account trades, and what is missing is named."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from notify.wecom_server import WecomServer

ROBOT = "robot-key-1"
MAIN = "from jqfollow.cli import main; main()"
HIDDEN = f"""
import sys
class Finder:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] == "xtquant" else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Finder(finder) for finder in sys.meta_path]
{MAIN}
"""
"""An interpreter that cannot find the package, as if it had never been installed."""
CONFIG = """
data_dir = "data"
[signals]
port = 0
[console]
port = 0
[accounts.paper]
broker = "paper"
[accounts.main]
broker = "qmt"
qmt_path = '{folder}'
account_id = "88880001"
[strategies.demo]
follow = {{ paper = 1, main = 1 }}
[notify.wecom]
keys = ["{robot}"]
"""
_ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def wecom() -> Iterator[WecomServer]:
    with WecomServer(keys=(ROBOT,)) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, wecom: WecomServer) -> Path:
    file = tmp_path / "我的 量化" / "config.toml"
    file.parent.mkdir()
    folder = tmp_path / "没有" / "userdata_mini"
    file.write_text(CONFIG.format(folder=folder, robot=wecom.address(ROBOT)), encoding="utf-8")
    return file


def environment() -> dict[str, str]:
    """Without the developer's own settings and paths."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("JQFOLLOW_", "PYTHON"))}
    return kept | {"PYTHONUTF8": "1", "JQFOLLOW_LANG": "zh"}


@contextmanager
def served(command: list[str], config: Path) -> Iterator[dict[str, str]]:
    """The running service; what it announced."""
    with (
        config.with_suffix(".log").open("w+b") as log,
        subprocess.Popen(
            [*command, "serve", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=config.parent,
            env=environment(),
            text=True,
            encoding="utf-8",
        ) as process,
    ):
        assert process.stdout is not None
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if "Ctrl-C" in line:
                    break
            text = "".join(lines)
            found = re.search(r"(http://[^\s]+)/api/order[\s\S]+?(http://[^\s/]+)", text)
            assert found, text + config.with_suffix(".log").read_text(encoding="utf-8")
            token = next(config.parent.rglob("console.token")).read_text(encoding="utf-8").strip()
            yield {"signals": found[1], "console": found[2], "token": token, "text": text}
        finally:
            process.kill()


def eventually(look: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(what)


def the_house_stands(command: list[str], config: Path, wecom: WecomServer) -> None:
    """Everything that a user sees of it."""
    missing = ("未安装 xtquant", "pip install xtquant", "没有", "userdata_mini")
    with served(command, config) as told, httpx.Client(trust_env=False, base_url=told["console"]) as console:
        console.headers["Authorization"] = f"Bearer {told['token']}"
        assert all(word in told["text"] for word in missing), told["text"]
        assert "paper (paper, 模拟) ✓" in told["text"]
        sent = subprocess.run(
            [*command, "send", "demo", "000001.XSHE", "buy", "200", "--price", "10", "--url", told["signals"]],
            cwd=config.parent,
            env=environment(),
            capture_output=True,
            check=False,
            text=True,
            encoding="utf-8",
        )
        assert sent.returncode == 0, sent.stdout + sent.stderr

        def orders(account: str, *states: str) -> list[dict[str, Any]]:
            items = console.get("/api/orders").json()["items"]
            return [o for o in items if o["account"] == account and o["state"] in states]

        [bought] = eventually(lambda: orders("paper", "filled"), "the paper account trades")
        assert bought["filled"] == 200
        [real] = eventually(lambda: orders("main", "pending_new", "rejected"), "the real one does not")
        assert real["filled"] == 0
        ready = console.get("/readyz")
        assert ready.status_code == 503
        [main] = [a for a in ready.json()["accounts"] if a["account"] == "main"]
        assert main["ready"] is False
        assert all(word in main["why_zh"] for word in missing), main
        assert "xtquant is not installed" in main["why_en"]
        assert console.get("/healthz").status_code == 200
        text = eventually(lambda: next((t for t in wecom.texts() if "已启动" in t), None), "the group is told")
        assert "xtquant" in text
    looked = subprocess.run(
        [*command, "doctor", "--json", "--config", str(config)],
        cwd=config.parent,
        env=environment(),
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
    )
    assert looked.returncode == 1, looked.stderr
    found = [f for f in json.loads(looked.stdout) if f["name"] == "accounts.main"]
    assert [f["level"] for f in found] == ["fail"]
    word = "xtquant" if sys.platform == "win32" else "Windows"
    assert word in found[0]["zh"]
    assert found[0]["remedy_zh"]


def test_without_the_package(config: Path, wecom: WecomServer) -> None:
    the_house_stands([sys.executable, "-c", HIDDEN], config, wecom)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="there the package is installed with the project")
def test_in_an_environment_of_its_own(config: Path, wecom: WecomServer, tmp_path: Path) -> None:
    """What a user gets who installs the project where the vendor's package does not exist."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "-e", str(_ROOT)], check=True, cwd=tmp_path)
    absent = subprocess.run([python, "-c", "import xtquant"], check=False, capture_output=True, cwd=tmp_path)
    assert b"No module named 'xtquant'" in absent.stderr
    the_house_stands([python, "-c", MAIN], config, wecom)
