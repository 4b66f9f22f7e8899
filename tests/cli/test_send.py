"""`send`: what goes out is what a service accepts, and only a proven answer counts."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from jqfollow.wire.jqf1 import Jqf1Envelope, Key, ack_mac, open_box
from jqfollow.wire.keystore import KeyStore
from jqfollow.wire.messages import OrderMessage, parse_text, seed_message
from jqfollow.wire.seed import SeedEnvelope, open_seed
from ports import free_port

from .conftest import Run

Answer = Callable[[dict[str, Any]], tuple[int, object]]


class Service(HTTPServer):
    """A signals port whose answers the test decides."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.bodies: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        service = self.server
        assert isinstance(service, Service)
        assert self.path == "/api/order"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service.bodies.append(body)
        status, answer = service.answer(body)
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def serving() -> Iterator[Callable[[Answer], Service]]:
    running: list[tuple[Service, threading.Thread]] = []

    def start(answer: Answer) -> Service:
        service = Service(answer)
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((service, thread))
        return service

    yield start
    for service, thread in running:
        service.shutdown()
        service.server_close()
        thread.join()


@pytest.fixture
def key(config: Path) -> Key:
    store = KeyStore.open(config.parent / "data" / "keys.toml")
    store.ensure(["demo"])
    return store.keys("demo")[0]


def accepted(key: Key, status: str = "accepted") -> Answer:
    return lambda body: (
        200,
        {"status": status, "id": body["id"], "signal_id": 7, "mac": ack_mac(key, body["id"], status)},
    )


@pytest.mark.parametrize("status", ["accepted", "duplicate"])
def test_a_signal_that_is_taken(
    run: Run, config: Path, key: Key, serving: Callable[[Answer], Service], status: str
) -> None:
    service = serving(accepted(key, status))
    result = run("send", "demo", "000001.sz", "buy", "300", "--price", "10.52", "--url", service.url + "/api/order")
    assert result.exit_code == 0
    assert "7" in result.output
    (body,) = service.bodies
    message = parse_text(open_box(key, Jqf1Envelope.model_validate(body)))
    assert isinstance(message, OrderMessage)
    order = message.strategy_order()
    assert (order.symbol, order.side, order.amount, order.filled, str(order.price)) == (
        "000001.SZ",
        "buy",
        300,
        300,
        "10.52",
    )
    assert not message.is_backtest


def test_two_signals_are_two(run: Run, config: Path, key: Key, serving: Callable[[Answer], Service]) -> None:
    service = serving(accepted(key))
    for _ in range(2):
        assert run("send", "demo", "510300.XSHG", "sell", "100", "--url", service.url).exit_code == 0
    assert len({body["id"] for body in service.bodies}) == 2


def test_a_backtest_says_so(run: Run, config: Path, key: Key, serving: Callable[[Answer], Service]) -> None:
    service = serving(accepted(key))
    assert (
        run("send", "demo", "000001.XSHE", "buy", "1", "--run", "simple_backtest", "--url", service.url).exit_code == 0
    )
    message = parse_text(open_box(key, Jqf1Envelope.model_validate(service.bodies[0])))
    assert isinstance(message, OrderMessage)
    assert message.is_backtest


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {"status": "accepted", "signal_id": 1, "mac": "00"}), "没有通过验证"),
        ((200, {"status": "accepted", "signal_id": 1}), "没有通过验证"),
        ((200, []), "没有通过验证"),
        ((200, b"<html>"), "没有通过验证"),
        ((401, {"status": "error", "error": "not_authentic", "detail": "请核对密钥"}), "请核对密钥"),
        ((503, b""), "503"),
    ],
)
def test_an_answer_that_proves_nothing_is_a_failure(
    run: Run, config: Path, serving: Callable[[Answer], Service], answer: tuple[int, object], words: str
) -> None:
    service = serving(lambda _: answer)
    result = run("send", "demo", "000001.XSHE", "buy", "100", "--url", service.url)
    assert result.exit_code == 1
    assert words in result.stderr


def test_nobody_there(run: Run, config: Path) -> None:
    result = run("send", "demo", "000001.XSHE", "buy", "100", "--url", f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    assert "jqfollow serve" in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("nope", "000001.XSHE", "buy", "1"),
        ("demo", "000001.XSHG", "buy", "1"),
        ("demo", "000001", "buy", "1"),
        ("demo", "000001.XSHE", "hold", "1"),
        ("demo", "000001.XSHE", "buy", "0"),
        ("demo", "000001.XSHE", "buy", "1.5"),
        ("demo", "000001.XSHE", "buy", "1", "--price", "nan"),
        ("demo", "000001.XSHE", "buy", "1", "--price", "-1"),
    ],
)
def test_what_cannot_be_sent(run: Run, config: Path, args: tuple[str, ...]) -> None:
    assert run("send", *args).exit_code == 2


@pytest.mark.parametrize("backtest", [False, True])
def test_as_the_original_client(run: Run, config: Path, serving: Callable[[Answer], Service], backtest: bool) -> None:
    with config.open("a", encoding="utf-8") as file:
        file.write('[strategies.old]\nwire = "seed"\nsecret = "hunter2"\n')
    service = serving(lambda _: (200, {"status": "accepted", "signal_id": 3, "mac": None}))
    run_type = ["--run", "simple_backtest"] if backtest else []
    result = run("send", "old", "600000.XSHG", "sell", "200", "--price", "8.01", "--url", service.url, *run_type)
    assert result.exit_code == 0
    assert "已验证" not in result.output
    opened = open_seed({"old": "hunter2", "other": "x"}, SeedEnvelope.model_validate(service.bodies[0]))
    assert opened.strategy == "old"
    message = seed_message(opened.fields)
    order = message.strategy_order()
    assert (order.symbol, order.side, order.amount, str(order.price)) == ("600000.SH", "sell", 200, "8.01")
    assert message.is_backtest is backtest
