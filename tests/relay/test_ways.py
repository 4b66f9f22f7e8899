"""The ways in and out: websockets, certificates, the original client, several PCs, two by one file."""

import asyncio
import datetime as dt
import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from e2e.house import House
from e2e.senders import seed_body
from jqfollow.api.reception import Reception
from jqfollow.clock import SystemClock
from jqfollow.domain import OrderState
from jqfollow.reasons import Reason
from jqfollow.relay.book import Book
from jqfollow.relay.certificate import ensure_certificate
from jqfollow.relay.config import RelayConfig
from jqfollow.relay.engine import Engine
from jqfollow.relay.errors import RelayError
from jqfollow.relay.monitor import look
from jqfollow.relay.words import receipt_mac, request_mac, seed_mac
from jqfollow.wire.jqf1 import Key
from ports import free_port
from windows.wine import wine_lacks

from .rig import Rig
from .test_relay import CODE, join, message, signal_of, strategy_key


async def connected(house: House) -> None:
    async with asyncio.timeout(30):
        while house.service.notices.relay is None or not house.service.notices.relay.state.connected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.filterwarnings("ignore:parameter 'timeout' of type:DeprecationWarning")  # nats-py's use of aiohttp
async def test_a_pc_comes_by_websocket(tmp_path: Path) -> None:
    rig, house = Rig(tmp_path, wait_ms=3000, websocket_port=free_port()), House(tmp_path)
    ticket = rig.ticket("home", websocket=True)
    assert ticket.url.startswith("wss://")
    join(house, ticket)
    async with rig, house:
        await rig.post(message(house, "w-1", key=strategy_key(house)))
        assert (await house.signal(await signal_of(house, "w-1"))).message_id == "w-1"


def usage(*, signs: bool) -> x509.KeyUsage:
    """What the key may do: Python 3.13 verifies by RFC 5280 to the letter."""
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def made(name: str, signer: Any = None) -> tuple[bytes, bytes, Any]:
    """A certificate for `name`, by `signer` or by itself; with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing = (subject, key) if signer is None else signer
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .add_extension(usage(signs=signer is None), critical=True)
        .sign(signing, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return built.public_bytes(Encoding.PEM), private, (subject, key)


async def test_a_given_certificate_serves_both_ports_and_its_renewal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, _, signer = made("an authority")
    (tmp_path / "authority.pem").write_bytes(authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def write(number: int) -> bytes:
        text, private, _ = made("localhost", signer)
        cert.write_bytes(text)
        key.write_bytes(private)
        return text + b"%d" % number

    write(1)
    rig = Rig(tmp_path, wait_ms=3000, public="localhost", tls_cert=str(cert), tls_key=str(key))
    house = House(tmp_path)
    ticket = rig.ticket("home")
    assert (ticket.certificate, ticket.order_url[:17]) == ("", "https://localhost")
    join(house, ticket)
    async with rig, house:
        await connected(house)
        for number in (1, 2):
            trust = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
            async with httpx.AsyncClient(verify=trust, trust_env=False) as http:
                body = json.dumps(message(house, f"t-{number}", key=strategy_key(house))).encode()
                headers = {"content-type": "application/json", "x-relay-mac": request_mac(rig.key(), body)}
                answer = await http.post(f"{ticket.order_url}/api/order", content=body, headers=headers)
                assert answer.json()["status"] == "stored"
                shown = answer.extensions["network_stream"].get_extra_info("ssl_object").getpeercert(binary_form=True)
            assert shown == x509.load_pem_x509_certificate(cert.read_bytes()).public_bytes(Encoding.DER)
            await signal_of(house, f"t-{number}")
            write(2)
            await rig.relay.look()


@pytest.mark.parametrize("case", ["another host", "not a pair", "no file", "own"])
def test_a_certificate_that_cannot_serve_stops_the_start(tmp_path: Path, case: str) -> None:
    _, _, signer = made("an authority")
    text, private, _ = made("relay.example.com", None if case == "own" else signer)
    (tmp_path / "cert.pem").write_bytes(text)
    (tmp_path / "key.pem").write_bytes(made("x")[1] if case == "not a pair" else private)
    config = RelayConfig(
        public="relay.example.com" if case != "another host" else "other.example.com",
        tls_cert=str(tmp_path / ("none.pem" if case == "no file" else "cert.pem")),
        tls_key=str(tmp_path / "key.pem"),
    )
    if case == "own":  # of nobody's authority: pinned like one that was made
        assert ensure_certificate(config, tmp_path).pinned.encode() == text
        return
    with pytest.raises(RelayError):
        ensure_certificate(config, tmp_path)


SEED = {"old": {"wire": "seed", "secret": "不再使用的密码", "follow": {"paper": 1}}}


def old_fields(house: House, **changes: str) -> dict[str, str]:
    now = house.clock.now()
    return {
        "状态": "OrderStatus.held", "订单添加时间": f"{now:%Y-%m-%d %H:%M:%S}", "买卖": "True", "下单数量": "100",
        "已经成交": "100", "股票代码": CODE, "订单ID": "77", "平均成交价格": "10.00", "持仓成本": "10.00",
        "多空": "long", "交易费用": "5.0", "时间戳": f"{now:%Y-%m-%d %H:%M:%S.%f}", **changes,
    }  # fmt: skip


async def test_the_original_client_comes_through_by_an_address_of_its_own(tmp_path: Path) -> None:
    rig, house = Rig(tmp_path), House(tmp_path, strategies=SEED)
    join(house, rig.ticket("home", strategies=("old",)))
    where = f"/old.{seed_mac(rig.key('old'), 'old')}/api/order"
    body = seed_body("不再使用的密码", old_fields(house), house.clock.now())
    async with rig:
        assert (await rig.http.post(where, json=body)).status_code == 401  # not asked for yet
        Book.open(rig.folder).with_seed("old").save(rig.folder)
        await rig.relay.look()
        assert (await rig.http.post(where, json={"v": "junk"})).status_code == 400
        assert (await rig.http.post("/old.00/api/order", json=body)).status_code == 401
        assert (await rig.http.get(where)).json() == {"status": "ok"}
        assert (await rig.http.post("/api/order", json=body)).status_code == 400  # only there
        async with house:
            house.market(CODE, last="10.00")
            for _ in range(2):  # replayed on the way: one signal
                assert (await rig.http.post(where, json=body)).json()["status"] == "stored"
            [order] = await house.done(1)
            assert (order.state, order.strategy) == (OrderState.FILLED, "old")
            house.forward(3600)  # what the client wrote into it an hour ago
            late = seed_body("不再使用的密码", old_fields(house, 订单ID="78"), house.clock.now())
            house.forward(3600)
            await rig.http.post(where, json=late)
            [order] = await house.done(2)
            assert order.reason is Reason.LATE


async def test_two_pcs_follow_one_strategy_each_with_its_own_ratio_and_receipt(tmp_path: Path) -> None:
    rig = Rig(tmp_path, wait_ms=3000)
    houses = [
        House(tmp_path / name, strategies={"demo": {"follow": {"paper": ratio}}})
        for name, ratio in (("one", 1), ("two", 3))
    ]
    keys = KeyCopy(houses)
    for house, name in zip(houses, ("one", "two"), strict=True):
        join(house, rig.ticket(name))
    async with rig, houses[0], houses[1]:
        for house in houses:
            house.market(CODE, last="10.00")
            await connected(house)
        answer = (await rig.post(message(houses[0], "m-1", key=keys.key))).json()
        filled = [(await house.done(await signal_of(house, "m-1")))[0].filled for house in houses]
        assert filled == [100, 300]
        receipts = await rig.heard("m-1", pcs=2)
        assert {one["pc"]: one["mac"] for one in receipts} == {
            name: receipt_mac(keys.key, "m-1", "accepted", name) for name in ("one", "two")
        }
        assert answer["pcs"] == ["one", "two"]
        seen = await asyncio.to_thread(look, rig.config, Book.open(rig.folder))
        assert {pc.pc: (pc.connections, pc.waiting) for pc in seen.pcs} == {"one": (1, 0), "two": (1, 0)}
        assert seen.syncs


class KeyCopy:
    """The strategy's key, the same on both PCs."""

    def __init__(self, houses: list[House]) -> None:
        self.key = strategy_key(houses[0])
        source = houses[0].settings.keys_file.read_bytes()
        houses[1].data_dir.mkdir(parents=True, exist_ok=True)
        houses[1].settings.keys_file.write_bytes(source)


async def test_a_second_pc_with_the_same_file_is_refused(tmp_path: Path) -> None:
    rig = Rig(tmp_path, wait_ms=0)
    first, second = House(tmp_path / "one"), House(tmp_path / "two", wecom=True)
    ticket = rig.ticket("home")
    for house in (first, second):
        join(house, ticket)
    async with rig:
        async with first:
            await connected(first)
        async with second:
            told = await second.told("另一个数据文件夹")
            assert "共用" in told
            await rig.post(message(first, "n-1", key=strategy_key(first)))
            status = await second.get("/api/status")
            assert status["relay"]["connected"] is False
            assert any("另一个数据文件夹" in notice["zh"] for notice in status["notices"])
        async with first:  # the first one's data folder goes on, wherever it is started
            await signal_of(first, "n-1")
            async with asyncio.timeout(30):  # in the ledger first, acknowledged then
                while (relay := (await first.get("/api/status"))["relay"])["waiting"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert relay["connected"]


async def test_clocks_apart_are_told_and_the_older_age_counts(tmp_path: Path) -> None:
    """The relay's clock is an hour ahead of JoinQuant's and the PC's: nothing is lost, nothing is late."""
    an_hour_ago = SystemClock().now() - dt.timedelta(hours=1)
    rig, house = Rig(tmp_path, wait_ms=0), House(tmp_path, start=an_hour_ago, wecom=True)
    join(house, rig.ticket("home"))
    key = strategy_key(house)
    async with rig, house:
        house.market(CODE, last="10.00")
        await house.told("时钟", "3600 秒")
        await rig.post(message(house, "c-1", key=key))
        [order] = await house.done(await signal_of(house, "c-1"))
        assert order.state is OrderState.FILLED
        # The PC's clock has stood still for an hour: by it alone an hour-old signal would be of now.
        assert house.service.notices.relay is not None
        house.service.notices.relay.state.offset_s += 3600
        await rig.post(message(house, "c-2", key=key))
        row = await house.signal(await signal_of(house, "c-2"))
        assert (row.reason, row.figures["age_s"]) == (Reason.LATE, "3600")


async def test_what_came_first_under_an_id_does_not_keep_out_what_is_true(tmp_path: Path) -> None:
    """Junk of somebody with the relay key, and another text of the strategy's own: each is judged by the PC."""
    rig, house = Rig(tmp_path, wait_ms=0), House(tmp_path, wecom=True)
    join(house, rig.ticket("home"))
    key = strategy_key(house)
    async with rig, house:
        house.market(CODE, last="10.00")
        true = message(house, "i-1", key=key)
        assert (await rig.post(message(house, "i-1", key=Key.generate()))).status_code == 200
        assert (await rig.post(true)).status_code == 200
        [order] = await house.done(await signal_of(house, "i-1"))
        assert order.filled == 100
        assert (await rig.post(message(house, "i-1", key=key, amount=900))).status_code == 200
        await house.told("不能用的消息")
        assert house.service.notices.relay is not None
        async with asyncio.timeout(30):
            while house.service.notices.relay.state.refused < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert [row.message_id for row in await house.ledger.read(lambda tx: tx.signals.list())] == ["i-1"]


async def test_where_the_engine_must_be_started_anew_a_changed_book_is_taken_up_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where no reload can be asked for; here the connections come back after `reload` has returned."""
    rig, starts = Rig(tmp_path), list[asyncio.Task[None]]()

    async def anew(engine: Engine, book: Book) -> None:
        await engine.stop()
        admin = rig.relay._admin
        assert admin is not None
        while admin.is_connected:  # noqa: ASYNC110 - it says so to nobody
            await asyncio.sleep(0.01)
        starts.append(asyncio.create_task(engine.start(book)))

    monkeypatch.setattr(Engine, "reload", anew)
    async with rig:
        rig.ticket("home")
        await rig.relay.look()
        await rig.relay.look()
        assert len(starts) == 1


@wine_lacks("the deletion that the engine asks for (FileDispositionInformationEx)")
async def test_a_pc_whose_file_was_taken_back_says_so(tmp_path: Path) -> None:
    rig, house = Rig(tmp_path), House(tmp_path, wecom=True)
    join(house, rig.ticket("home"))
    async with rig, house:
        await connected(house)
        Book.open(rig.folder).without("home").save(rig.folder)
        await rig.relay.look()
        await house.told("不认这份凭据")
        assert any("jqfollow relay pc" in one["zh"] for one in (await house.get("/api/status"))["notices"])


async def test_a_message_that_the_program_fails_on_holds_up_no_other_nor_does_a_night_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The PC's own share of a minute is two; strategies of a PC may change while everything runs."""
    rig, house = Rig(tmp_path, wait_ms=0), House(tmp_path)
    signals = house.settings.signals.model_copy(update={"max_per_minute": 2})
    house.settings = house.settings.model_copy(update={"signals": signals})
    join(house, rig.ticket("home", strategies=("other",)))
    key, take = strategy_key(house), Reception.take

    async def failing(self: Reception, opened: Any, **more: Any) -> Any:
        if opened.message_id == "bad":
            raise ZeroDivisionError
        return await take(self, opened, **more)

    monkeypatch.setattr(Reception, "take", failing)
    async with rig:
        join(house, rig.ticket("home"))
        await rig.relay.look()
        await rig.post(message(house, "bad", key=key))
        for number in range(8):
            await rig.post(message(house, f"p-{number}", key=key))
        async with house:
            rows = [await house.signal(await signal_of(house, f"p-{number}")) for number in range(8)]
            assert [row.message_id for row in rows] == [f"p-{number}" for number in range(8)]
            assert house.service.notices.relay is not None
            assert (house.service.notices.relay.state.failed, house.service.notices.relay.state.connected) == (1, True)
