"""Real sockets against the real server: whoever is slow, large or mad holds nobody up."""

import asyncio
import contextlib
import dataclasses
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from starlette.types import Receive, Scope, Send

from jqfollow.api.connections import ConnectionLimits
from jqfollow.api.reception import SignalsLimits
from jqfollow.api.server import PortError, PortTakenError, Server
from jqfollow.api.signals import signals_app
from jqfollow.settings import Settings

from .fakes import FakeClock, FakeIntake, FakeKeys
from .messages import order_text, sealed

GET = b"GET /api/order HTTP/1.1\r\nHost: x\r\n\r\n"
TIGHT = ConnectionLimits(most_connections=8, head_bytes=4096, head_s=0.3, request_s=0.5, keep_alive_s=5)
ROOMY = ConnectionLimits(most_connections=8, head_bytes=4096)
IMPATIENT = ConnectionLimits(most_connections=8, most_leaving=200, leaving_s=5, head_bytes=4096, patience_s=0)


def post(body: bytes, length: int | None = None, more: str = "") -> bytes:
    head = (
        "POST /api/order HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n{more}\r\n"
    )
    return head.encode() + body


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that is never asked."""


def length_of(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)


async def until_heard() -> None:
    """Some turns of the loop, so that what was just written is read."""
    for _ in range(10):
        await asyncio.sleep(0)


class Wire:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of one answer."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        return int(head.split()[1]), await self.reader.readexactly(length_of(head))

    async def ended(self) -> bool:
        """Whether the server hangs up, without another word."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), 5) == b""
        return True


class Connect:
    """Opens connections to a running server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.wires: list[Wire] = []

    async def __call__(self) -> Wire:
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.server.port))
        self.wires.append(wire)
        return wire


Serve = Callable[..., AbstractAsyncContextManager[Connect]]


@pytest.fixture
async def serve(settings: Settings, keys: FakeKeys, intake: FakeIntake, clock: FakeClock) -> Serve:
    @contextlib.asynccontextmanager
    async def start(bounds: ConnectionLimits, limits: SignalsLimits | None = None) -> AsyncIterator[Connect]:
        app = signals_app(settings=settings, keys=keys, intake=intake, clock=clock, limits=limits)
        server = Server(app, name="signals", host="127.0.0.1", port=0, limits=bounds)
        await server.start()
        connect = Connect(server)
        try:
            yield connect
        finally:
            for wire in connect.wires:
                wire.writer.close()
            await server.stop()

    return start


async def test_a_signal_over_the_wire(serve: Serve, intake: FakeIntake) -> None:
    async with serve(ROOMY) as connect:
        wire = await connect()
        await wire.say(post(sealed()))
        status, body = await wire.answer()
        assert (status, json.loads(body)["status"]) == (200, "accepted")
        await wire.say(post(sealed()))  # the same connection serves again
        assert json.loads((await wire.answer())[1])["status"] == "duplicate"
    assert len(intake.recorded) == 1


async def test_head_and_body_may_come_in_crumbs(serve: Serve) -> None:
    async with serve(ROOMY) as connect:
        wire = await connect()
        message = post(sealed())
        for start in range(0, len(message), 97):
            await wire.say(message[start : start + 97])
            await asyncio.sleep(0)
        assert (await wire.answer())[0] == 200


async def test_an_answer_on_a_kept_connection_waits_for_no_acknowledgement(serve: Serve) -> None:
    # Nagle holds back an answer's body until the client has acknowledged its head, which takes it 40 ms.
    async with serve(ROOMY) as connect:
        wire = await connect()
        await wire.say(GET)
        await wire.answer()
        [connection] = connect.server._protocol.crowd
        taken = connection.transport.get_extra_info("socket")
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_no_banner_and_no_date_from_the_server(serve: Serve) -> None:
    async with serve(ROOMY) as connect:
        wire = await connect()
        await wire.say(GET)
        head = await wire.reader.readuntil(b"\r\n\r\n")
        assert b"server:" not in head.lower()
        assert b"uvicorn" not in head.lower()


@pytest.mark.parametrize(
    "opening",
    [b"", b"POST /api/order HT", b"GET /api/order HTTP/1.1\r\nHost: x\r\n"],
    ids=["silent", "half a line", "no end of head"],
)
async def test_a_head_that_does_not_end_is_hung_up_on(serve: Serve, opening: bytes) -> None:
    async with serve(TIGHT) as connect:
        wire = await connect()
        await wire.say(opening)
        assert await wire.ended()


async def test_a_dripping_head_gains_no_time(serve: Serve) -> None:
    async with serve(TIGHT) as connect:
        wire = await connect()

        async def drip() -> None:
            await wire.say(b"GET /api/order HTTP/1.1\r\n")
            while True:
                await wire.say(b"X-Drip: 1\r\n")
                await asyncio.sleep(0.01)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(drip(), 5)


async def test_a_drip_after_a_first_request_gains_none_either(serve: Serve) -> None:
    async with serve(TIGHT) as connect:
        wire = await connect()
        await wire.say(GET + b"GET /api")
        assert (await wire.answer())[0] == 200
        assert await wire.ended()


async def test_a_dripping_body_is_told_and_hung_up_on(serve: Serve, intake: FakeIntake) -> None:
    async with serve(ROOMY, SignalsLimits(body_s=0.1)) as connect:
        wire = await connect()
        body = sealed()
        await wire.say(post(body[:10], length=len(body)))
        assert (await wire.answer())[0] == 408
        assert await wire.ended()
    assert intake.calls == 0


async def test_a_client_that_leaves_in_the_middle_records_nothing(serve: Serve, intake: FakeIntake) -> None:
    async with serve(ROOMY) as connect:
        wire = await connect()
        await wire.say(post(b"{", length=500))
        wire.writer.close()
        await wire.writer.wait_closed()
        again = await connect()
        await again.say(GET)
        assert (await again.answer())[0] == 200
    assert intake.calls == 0


async def test_a_client_that_never_reads_is_cut(serve: Serve) -> None:
    async with serve(TIGHT) as connect:
        connect.server._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # small pipes fill soon
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", connect.server.port))
        wire = Wire(*await asyncio.open_connection(sock=deaf))
        wire.writer.transport.pause_reading()

        async def ask_without_listening() -> None:
            while True:
                await wire.say(GET * 500)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ask_without_listening(), 20)
        wire.writer.close()
        other = await connect()
        await other.say(GET)
        assert (await other.answer())[0] == 200


async def test_one_byte_too_many(serve: Serve, intake: FakeIntake) -> None:
    async with serve(ROOMY) as connect:
        wire = await connect()
        await wire.say(post(b" " * (16 * 1024 + 1)))
        status, body = await wire.answer()
        assert (status, json.loads(body)["error"]) == (413, "too_large")
        await wire.say(post(sealed()))
        assert (await wire.answer())[0] == 200, "the connection is still good"


async def test_a_giant_is_told_before_it_has_sent_anything(serve: Serve) -> None:
    async with serve(ROOMY) as connect:
        wire = await connect()
        await wire.say(post(b"", length=10**12))
        assert (await wire.answer())[0] == 413
        assert await wire.ended()


@pytest.mark.parametrize(
    "more",
    ["Transfer-Encoding: chunked\r\n", ""],
    ids=["chunks", "no length"],
)
async def test_a_missing_length_is_411(serve: Serve, more: str) -> None:
    async with serve(ROOMY) as connect:
        wire = await connect()
        head = f"POST /api/order HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{more}\r\n".encode()
        await wire.say(head + b"5\r\nhello\r\n0\r\n\r\n" * bool(more))
        assert (await wire.answer())[0] == 411


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS hello
        b"GET / HTTX/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/order HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/order HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /api/order HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 5000,
        b"GET /api/order HTTP/1.1\r\n\r\n",
    ],
    ids=["bytes", "TLS", "version", "negative", "two lengths", "long head", "no host"],
)
async def test_what_is_no_http_is_400_in_the_one_shape(serve: Serve, garbage: bytes) -> None:
    async with serve(ROOMY) as connect:
        wire = await connect()
        await wire.say(garbage)
        if garbage.startswith(b"\x16"):
            wire.writer.write_eof()
        status, body = await wire.answer()
        assert (status, json.loads(body)["error"]) == (400, "bad_http")
        assert await wire.ended()


async def test_pipelined_garbage_does_not_spoil_the_answer_before_it(serve: Serve, intake: FakeIntake) -> None:
    async with serve(ROOMY) as connect:
        wire = await connect()
        await wire.say(post(sealed()) + b"\x00garbage\r\n\r\n")
        assert (await wire.answer())[0] == 200
        assert (await wire.answer())[0] == 400
        assert await wire.ended()
    assert len(intake.recorded) == 1


async def test_a_broken_chunk_in_a_waiting_request_ends_it(serve: Serve) -> None:
    async with serve(ROOMY) as connect:
        wire = await connect()
        await wire.say(b"PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert (await wire.answer())[0] in {400, 404}
        assert await wire.ended()


async def test_a_flood_of_idle_connections_gives_way_to_a_signal(serve: Serve, intake: FakeIntake) -> None:
    async with serve(IMPATIENT) as connect:
        flood = [await connect() for _ in range(150)]
        wire = await connect()
        await wire.say(post(sealed()))
        assert (await wire.answer())[0] == 200
        assert connect.server.open_connections <= 8
        assert (await flood[0].answer())[0] == 503, "the slowest gave way, and was told"
        assert await flood[0].ended()
    assert len(intake.recorded) == 1


async def test_who_withholds_a_body_gives_way_and_who_sends_slowly_stays(serve: Serve, intake: FakeIntake) -> None:
    # A byte a second is enough here, so that the test's own speed decides nothing.
    async with serve(dataclasses.replace(IMPATIENT, least_bytes_per_s=1)) as connect:
        slow = await connect()
        message = post(sealed())
        withheld = []
        await slow.say(message[:-12])
        for place in range(12, 0, -1):
            wire = await connect()
            withheld.append(wire)
            await wire.say(post(b"", length=100))
            await slow.say(message[len(message) - place :][:1])
            await until_heard()
        assert (await slow.answer())[0] == 200
        assert (await withheld[0].answer())[0] == 503
    assert len(intake.recorded) == 1


async def test_a_full_house_tells_the_newcomer_to_come_again(serve: Serve, intake: FakeIntake) -> None:
    async with serve(ROOMY) as connect:
        held = [await connect() for _ in range(8)]
        late = await connect()
        await late.say(post(sealed()))
        head = await asyncio.wait_for(late.reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 2" in head.lower()
        assert json.loads(await late.reader.readexactly(length_of(head)))["error"] == "busy"
        assert await late.reader.read() == b"", "an end, not a reset"
        for wire in held:
            await wire.say(GET)
            assert (await wire.answer())[0] == 200, "nobody who was in time is cut"
    assert intake.calls == 0


async def test_a_burst_of_honest_senders_is_answered_one_by_one(serve: Serve, intake: FakeIntake) -> None:
    async with serve(ConnectionLimits()) as connect:

        async def send(number: int) -> int:
            wire = await connect()
            await wire.say(post(sealed(order_text(str(number)), kid="other", message_id=f"m{number}")))
            return (await wire.answer())[0]

        statuses = await asyncio.gather(*(send(number) for number in range(300)))
    assert set(statuses) == {200, 429}, "the share decides, no connection is lost"
    assert len(intake.recorded) == statuses.count(200) == 5


async def test_requests_at_work_do_not_give_way(serve: Serve, intake: FakeIntake) -> None:
    intake.gate = asyncio.Event()
    async with serve(IMPATIENT) as connect:
        working = await connect()
        await working.say(post(sealed()))
        await intake.asked.wait()
        for _ in range(20):
            await (await connect()).say(post(b"", length=100))
        intake.gate.set()
        assert (await working.answer())[0] == 200


async def test_a_taken_port_is_a_clear_error(serve: Serve) -> None:
    async with serve(ROOMY) as connect:
        port = connect.server.port
        second = Server(nothing, name="signals", host="127.0.0.1", port=port)
        with pytest.raises(PortTakenError) as raised:
            await second.start()
        assert str(port) in str(raised.value)
        assert "[signals]" in str(raised.value)
        await second.stop()


async def test_a_host_that_is_not_ours_is_a_clear_error() -> None:
    with pytest.raises(PortError, match=r"203\.0\.113\.7"):
        Server(nothing, name="signals", host="203.0.113.7", port=0).bind()


async def test_what_is_under_way_when_a_server_stops_is_answered(serve: Serve, intake: FakeIntake) -> None:
    intake.gate = asyncio.Event()
    async with serve(ROOMY) as connect:
        working = await connect()
        await working.say(post(sealed()))
        await intake.asked.wait()
        stopping = asyncio.create_task(connect.server.stop())
        await asyncio.sleep(0)
        with pytest.raises(ConnectionError):
            await connect()
        assert not stopping.done()
        intake.gate.set()
        assert (await working.answer())[0] == 200
        await stopping
        assert connect.server.open_connections == 0


async def test_a_stopped_server_gives_its_port_back(serve: Serve) -> None:
    async with serve(ROOMY) as connect:
        server = connect.server
        port = server.port
        assert port > 0
        idle = await connect()
        await idle.say(GET)
        await idle.answer()
        await server.stop()
        await server.stop()
        assert await idle.ended()
        assert server.port == port
        with pytest.raises(ConnectionError):
            await connect()
        again = Server(nothing, name="signals", host="127.0.0.1", port=port)
        again.bind()
        await again.stop()
