"""Other channels: what is sent where, and that no address is ever seen."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from jqfollow.notify.channels import Channel
from jqfollow.notify.wecom import Delivered, RetryLater
from jqfollow.settings import ConfigError, Settings

TOKEN = "s3cr3t-t0k3n-of-a-channel"


class Receiver(HTTPServer):
    """Takes what apprise posts as JSON."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, Any]] = []
        self.status = 200


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    import apprise  # noqa: F401  # on a busy machine it takes more than the patience of the first message

    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def channel(receiver: Receiver) -> Channel:
    return Channel("mine", SecretStr(f"json://127.0.0.1:{receiver.server_port}/{TOKEN}"))


async def test_a_message_arrives_as_it_is(receiver: Receiver) -> None:
    text = "✅ 已跟 买入 平安银行 000001.SZ 500 股\n演示 → paper {{ 7 * 7 }} \\n <b>"
    assert await channel(receiver).send(text) == Delivered()
    (got,) = receiver.got
    assert got["message"] == text
    assert got["title"] == text.split("\n", maxsplit=1)[0]


async def test_a_picture_goes_to_what_takes_files(receiver: Receiver) -> None:
    assert await channel(receiver).send_image(b"\x89PNG") == Delivered()
    (got,) = receiver.got
    assert got["attachments"][0]["filename"] == "jqfollow.png"


async def test_what_is_not_taken_is_tried_again_and_names_no_token(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.status = 500
    mine = channel(receiver)
    outcome = await mine.send("hello")
    assert isinstance(outcome, RetryLater)
    assert TOKEN not in f"{outcome} {mine} {mine.name} {mine!r} {caplog.text}"


async def test_nobody_there_is_tried_again(receiver: Receiver) -> None:
    mine = channel(receiver)
    receiver.shutdown()  # Windows refuses to wait at a socket that is closed
    receiver.server_close()
    assert isinstance(await mine.send("hello"), RetryLater)


@pytest.mark.parametrize(
    "url",
    ["dingtalk://SECabcdef@token1234567890/", "lark://abcdefgh12345678", "schan://sctkeyabcdefgh123",
     "mailtos://me:word@smtp.qq.com:465?from=me@qq.com&to=you@example.com"],
)  # fmt: skip
def test_the_addresses_of_the_manual_are_understood(url: str) -> None:
    Channel("mine", SecretStr(url)).check()


def test_an_address_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError) as caught:
        Channel("mine", SecretStr(f"nonsense://{TOKEN}")).check()
    assert "notify.mine.urls" in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_sections_beside_wecom() -> None:
    told = Settings.model_validate({"notify": {"mail": {"urls": [f"mailtos://{TOKEN}"]}, "quiet": ["started"]}})
    assert list(told.notify.channels) == ["mail"]
    assert TOKEN not in repr(told)


@pytest.mark.parametrize(
    "wrong",
    [{"sumary_at": "15:00"}, {"mail": {"url": "mailtos://x"}}, {"mail": {"urls": []}}, {"mail": {"urls": ["no"]}},
     {"名字": {"urls": ["mailtos://x"]}}, {"quiet": ["alert"]}],
)  # fmt: skip
def test_what_is_no_channel_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"notify": wrong})
