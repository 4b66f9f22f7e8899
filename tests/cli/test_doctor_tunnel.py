"""`doctor` follows the tunnel, with servers of this machine in the place of the public one."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from jqfollow.cli.doctor import command, tunnel
from jqfollow.cli.doctor.findings import Finding, Level, Surroundings
from jqfollow.cli.lock import only_instance
from jqfollow.clock import SystemClock
from jqfollow.settings import load_settings
from ports import free_port

from .conftest import Run

TOKEN = "hunter2hunter2hunter2"
OK = '{"status": "ok"}'


class Public(BaseHTTPRequestHandler):
    told: ClassVar[tuple[int, str]] = (200, OK)
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, text = self.told
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def public(status: int = 200, text: str = OK) -> Iterator[int]:
    """The port at which a tunnel comes out."""
    handler = type("Handler", (Public,), {"told": (status, text), "asked": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
            assert set(handler.asked) <= {"/api/order"}  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def frps() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "_CONNECT_S", 0.5)
    monkeypatch.setattr(tunnel, "_RESOLVE_S", 0.1)


def write(run: Run, server: str, server_port: int, remote: int) -> Path:
    """`frpc.toml` as the command line makes it, which puts it beside the data folder."""
    made = run("frp", "--server", server, "--server-port", server_port, "--remote-port", remote, "--token", TOKEN)
    assert made.exit_code == 0, made.output
    return Path("frpc.toml").absolute()


def look(config: Path, *, running: bool = True) -> Finding:
    settings = load_settings(config, {})
    around = Surroundings(
        settings=settings, clock=SystemClock(), http=httpx.Client(trust_env=False, verify=False), folder=config.parent
    )
    with ExitStack() as stack:
        if running:
            stack.enter_context(only_instance(settings.data_dir))
        [finding] = tunnel.tunnel(around)
    assert finding.name == "tunnel"
    assert (finding.level is Level.OK) == (not finding.remedy_zh) == (not finding.remedy_en)
    assert TOKEN not in str(finding)
    return finding


def test_without_a_tunnel_nothing_is_wrong(config: Path) -> None:
    finding = look(config)
    assert finding.level is Level.OK
    assert "frpc.toml" in finding.zh


def test_the_whole_way(run: Run, config: Path) -> None:
    with frps() as server, public() as remote:
        file = write(run, "127.0.0.1", server, remote)
        found = look(config)
        assert (found.level, f"http://127.0.0.1:{remote}/api/order" in found.zh) == (Level.OK, True)
        assert look(config, running=False).level is Level.WARN  # then nobody can answer at its end
        (config.parent / "data").mkdir(exist_ok=True)
        file.rename(config.parent / "data" / "frpc.toml")
        assert look(config).level is Level.OK


def test_the_server_is_away(run: Run, config: Path) -> None:
    write(run, "127.0.0.1", free_port(), 8888)
    found = look(config)
    assert found.level is Level.FAIL
    assert "frps" in found.remedy_zh


def test_a_server_that_has_no_address(run: Run, config: Path) -> None:
    write(run, "no-such-server.invalid", 7000, 8888)
    assert look(config).level is Level.FAIL


def test_the_server_never_answers(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As offline, when a name's look-up takes a minute."""
    release = threading.Event()

    def never(*_: object, **__: object) -> None:
        release.wait(10)
        raise OSError("at last")

    monkeypatch.setattr(tunnel.socket, "create_connection", never)
    write(run, "example.com", 7000, 8888)
    found = look(config)
    release.set()
    assert found.level is Level.FAIL
    assert "没有回答" in found.zh


def test_the_client_of_the_tunnel_does_not_run(run: Run, config: Path) -> None:
    with frps() as server:
        write(run, "127.0.0.1", server, free_port())
        found = look(config)
    assert found.level is Level.FAIL
    assert "frpc 是否在运行" in found.remedy_zh


@pytest.mark.parametrize(
    ("status", "text"), [(404, ""), (200, "<html>nginx"), (502, OK), (200, '{"status": "no"}'), (200, "[]")]
)
def test_somebody_else_answers(run: Run, config: Path, status: int, text: str) -> None:
    with frps() as server, public(status, text) as remote:
        write(run, "127.0.0.1", server, remote)
        found = look(config)
    assert found.level is Level.FAIL
    assert str(status) in found.zh


def test_a_port_that_takes_the_question_and_keeps_still(run: Run, config: Path) -> None:
    with frps() as server, frps() as remote:  # accepted by the system, answered by nobody
        write(run, "127.0.0.1", server, remote)
        assert look(config).level is Level.FAIL


def test_the_address_was_never_filled_in(run: Run, config: Path) -> None:
    assert run("frp").exit_code == 0
    assert "serverAddr" in look(config).remedy_zh


def test_the_console_must_not_be_forwarded(run: Run, config: Path) -> None:
    file = write(run, "127.0.0.1", free_port(), 8888)
    console = load_settings(config, {}).console.port
    more = f'\n[[proxies]]\nname = "c"\ntype = "tcp"\nlocalPort = {console}\nremotePort = 9\n'
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")
    found = look(config)
    assert found.level is Level.FAIL
    assert "控制台" in found.zh


def test_the_signals_port_is_not_forwarded(run: Run, config: Path) -> None:
    write(run, "127.0.0.1", free_port(), 8888)
    config.write_text(config.read_text(encoding="utf-8").replace("8888", "8899"), encoding="utf-8")
    found = look(config)
    assert found.level is Level.FAIL
    assert "8899" in found.zh


@pytest.mark.parametrize(
    "raw",
    [
        b"[",
        b"\xff\xfe" + TOKEN.encode(),
        f'auth.token = "{TOKEN}"\xe9'.encode("latin-1"),
        b"x = 1",
        b'serverAddr = "a"\nserverPort = 0',
        b'serverAddr = "a"\nproxies = 1',
        b'serverAddr = "a"\n[[proxies]]\ntype = "tcp"\nlocalPort = "x"\nremotePort = 1',
        b'serverAddr = "a"\n[[proxies]]\ntype = "tcp"\nlocalPort = 8888\nremotePort = 70000',
    ],
)
def test_a_file_that_cannot_be_read(config: Path, raw: bytes) -> None:
    (config.parent / "frpc.toml").write_bytes(raw)
    found = look(config)
    assert found.level is Level.FAIL
    assert "jqfollow frp" in found.remedy_zh


def test_it_is_part_of_the_command(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(command, "CHECKS", [check for check in command.CHECKS if check is tunnel.tunnel])
    (config.parent / "frpc.toml").write_bytes(b"[")
    result = run("doctor", "--json")
    assert [f["name"] for f in json.loads(result.stdout)] == ["tunnel"]
