import logging
import socket
import traceback
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from jqfollow.notify import wecom as module
from jqfollow.notify.wecom import Delivered, GaveUp, Outcome, RetryLater, WecomRobot, make_client
from jqfollow.settings import ConfigError

from .virtual_clock import VirtualClock
from .wecom_server import Fate, Trouble, WecomServer

KEY = "robot-key-1"


@pytest.fixture
def robot(wecom: WecomServer, client: httpx.AsyncClient) -> WecomRobot:
    return WecomRobot(SecretStr(wecom.address(KEY)), client, deadline_s=5)


async def test_delivers_plain_text(robot: WecomRobot, wecom: WecomServer) -> None:
    assert await robot.send("买入 500 股\n<b>“引号”</b> 😀") == Delivered()

    (message,) = wecom.messages
    assert message.key == KEY
    assert message.msgtype == "text"
    assert message.text == "买入 500 股\n<b>“引号”</b> 😀"


@pytest.mark.parametrize("text", ["长" * 683, "a" + "长" * 5000, "😀" * 513])
async def test_cuts_what_is_too_long(robot: WecomRobot, wecom: WecomServer, text: str) -> None:
    assert await robot.send(text) == Delivered()
    assert text.startswith(wecom.texts()[0].removesuffix("…"))


@pytest.mark.parametrize("text", ["", "  \n", "\x00"])
async def test_sends_something_for_nothing(robot: WecomRobot, wecom: WecomServer, text: str) -> None:
    assert await robot.send(text) == Delivered()
    assert wecom.texts() == ["（空）"]


@pytest.mark.parametrize(
    ("fate", "after_s", "refused"),
    [
        (-1, 0, False),
        (45033, 0, False),
        (45009, 60, False),
        (81013, 0, True),
        (429, 60, False),
        (500, 0, False),
        (502, 0, False),
        (404, 0, False),
        (204, 0, False),
        (Trouble.DROP, 0, False),
        (Trouble.DROP_AFTER, 0, False),
        (b"", 0, False),
        (b"<html>", 0, False),
        (b"\xff", 0, False),
        (b"null", 0, False),
        (b"[" * 60_000, 0, False),
        (b'[{"errcode": 0}]', 0, False),
        (b'{"errmsg": "ok"}', 0, False),
        (b'{"errcode": "0"}', 0, False),
        (b'{"errcode": false}', 0, False),
        (Trouble.HUGE, 0, False),
        (Trouble.REDIRECT, 0, False),
    ],
)
async def test_what_may_pass_is_tried_later(
    robot: WecomRobot, wecom: WecomServer, fate: Fate, after_s: float, refused: bool
) -> None:
    wecom.next(fate)

    outcome = await robot.send("x")

    assert isinstance(outcome, RetryLater)
    assert (outcome.after_s, outcome.refused) == (after_s, refused)
    assert outcome.why
    assert wecom.requests == 1  # no redirect was followed, nothing was tried again
    assert await robot.send("y") == Delivered()


@pytest.mark.parametrize("code", [40008, 40058, 45002])
async def test_a_message_that_is_wrong_is_given_up(robot: WecomRobot, wecom: WecomServer, code: int) -> None:
    wecom.next(code)

    outcome = await robot.send("x")

    assert isinstance(outcome, GaveUp)
    assert not outcome.robot
    assert str(code) in outcome.why


async def test_reads_no_more_of_an_answer_than_wecom_writes(robot: WecomRobot, wecom: WecomServer) -> None:
    wecom.next(Trouble.HUGE)

    outcome = await robot.send("x")

    assert isinstance(outcome, RetryLater)
    assert "too long" in outcome.why


async def test_a_wrong_key_is_the_robots_end(wecom: WecomServer, client: httpx.AsyncClient) -> None:
    robot = WecomRobot(SecretStr(wecom.address("no-such-robot")), client)

    outcome = await robot.send("x")

    assert isinstance(outcome, GaveUp)
    assert outcome.robot
    assert "no-such-robot" not in repr(outcome)


@pytest.mark.parametrize("fate", [Trouble.HANG, Trouble.TRICKLE])
async def test_an_answer_that_does_not_come_to_an_end(
    wecom: WecomServer, client: httpx.AsyncClient, fate: Trouble
) -> None:
    robot = WecomRobot(SecretStr(wecom.address(KEY)), client, deadline_s=0.05)
    wecom.next(fate)

    assert isinstance(await robot.send("x"), RetryLater)


async def test_nobody_listens(client: httpx.AsyncClient) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        robot = WecomRobot(SecretStr(f"http://127.0.0.1:{bound.getsockname()[1]}/send?key={KEY}"), client, deadline_s=5)

        assert isinstance(await robot.send("x"), RetryLater)


async def test_more_than_twenty_a_minute(robot: WecomRobot, clock: VirtualClock) -> None:
    outcomes = [await robot.send("x") for _ in range(21)]

    assert outcomes[:20] == [Delivered()] * 20
    assert isinstance(outcomes[20], RetryLater)
    clock.advance(60)
    assert await robot.send("x") == Delivered()


async def test_a_bare_key_goes_to_wecom_itself() -> None:
    asked = list[httpx.URL]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={"errcode": 0, "errmsg": "ok"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        assert await WecomRobot(SecretStr(KEY), client).send("x") == Delivered()
    assert asked == [httpx.URL(f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}")]


async def test_no_proxy_of_the_machine_comes_between(wecom: WecomServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: nobody listens
    async with make_client() as client:
        assert await WecomRobot(SecretStr(wecom.address(KEY)), client).send("x") == Delivered()


@pytest.mark.parametrize("address", ["http://a:b/", "https://\x00/", "https://?key="])
async def test_an_address_that_is_none(client: httpx.AsyncClient, address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        WecomRobot(SecretStr(f"{address}{KEY}"), client)

    assert KEY not in "".join(traceback.format_exception(caught.value))


async def test_names_tell_robots_apart_and_stay(client: httpx.AsyncClient) -> None:
    first, again, other = (WecomRobot(SecretStr(key), client) for key in ("key-00001", "key-00001", "key-00002"))

    assert first.name == again.name != other.name


async def test_the_key_is_seen_nowhere(
    wecom: WecomServer, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    robot = WecomRobot(SecretStr(wecom.address(KEY)), client, deadline_s=0.1)
    outcomes = list[Outcome]()
    fates = [0, -1, 93000, 40058, 503, *(trouble for trouble in Trouble if trouble is not Trouble.HUGE)]
    for fate in fates:
        wecom.next(fate)
        outcomes.append(await robot.send("x"))

    assert any("HTTP Request" in record.getMessage() for record in caplog.records)  # httpx did write its lines
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    seen = [caplog.text, repr(robot), repr(outcomes), *capsys.readouterr(), *map(repr, caplog.records)]
    assert not [text for text in seen if KEY in text or "cgi-bin" in text]


async def test_a_key_in_the_path_or_encoded_is_hidden_too(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    robot = WecomRobot(SecretStr("http://user:pass%20word@127.0.0.1:9/relay/path-key?token=que%2Bry%20key"), client)

    shown = (
        repr(await robot.send("x"))
        + robot._hidden("GET /relay/path-key?token=que%2Bry%20key 'que+ry key'")
        + caplog.text
    )

    for secret in ("path-key", "que%2Bry", "que+ry", "pass%20word"):
        assert secret not in shown


def test_only_one_file_knows_the_address() -> None:
    source = Path(module.__file__).parents[1]

    knowing = [path.name for path in source.rglob("*.py") if "cgi-bin/webhook" in path.read_text(encoding="utf-8")]
    assert knowing == ["wecom.py"]
