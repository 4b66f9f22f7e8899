"""Wire seed: the original client's messages, as its users' strategies send them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jqfollow.domain import Side
from jqfollow.reasons import Reason
from jqfollow.vocabulary import THERE, say
from jqfollow.wire.errors import MalformedError, NotAuthenticError
from jqfollow.wire.messages import seed_message
from jqfollow.wire.refusals import refusal_of
from jqfollow.wire.seed import SeedEnvelope, _Box, open_seed

from .reading import read_envelope

VECTORS = json.loads((Path(__file__).parent / "vectors" / "seed.json").read_text(encoding="utf-8"))
FIELDS: dict[str, str] = VECTORS["cases"][0]["fields"]
ENVELOPE = SeedEnvelope(encrypted_order=VECTORS["cases"][0]["encrypted_order"])
PASSWORD = VECTORS["password"]


def seal_text(password: str, plain: bytes) -> SeedEnvelope:
    """As the original client does it."""
    key = hashlib.sha256(password.encode()).digest()
    data = bytes(byte ^ key[n % len(key)] for n, byte in enumerate(plain))
    signature = hmac.new(key, plain, hashlib.sha256).hexdigest()
    box = json.dumps({"signature": signature, "data": base64.b64encode(data).decode()})
    return SeedEnvelope(encrypted_order=base64.b64encode(box.encode()).decode(), timestamp="2026-01-05 09:35:03.120001")


def seal_seed(password: str, fields: Mapping[str, object]) -> SeedEnvelope:
    return seal_text(password, json.dumps(fields, ensure_ascii=False).encode())


def test_vector() -> None:
    assert seal_seed(PASSWORD, FIELDS).encrypted_order == ENVELOPE.encrypted_order
    opened = open_seed({"s": PASSWORD}, ENVELOPE)
    assert opened.strategy == "s"
    assert opened.fields == {name: text for name, text in FIELDS.items() if name != "密码"}
    assert json.loads(opened.text) == opened.fields
    assert opened.signature == "cce91ba20af63eea62a869ec2da4f472da0539e195cce3c99e4129bf65826de6"


def test_the_body_is_known_by_its_field() -> None:
    body = {"encrypted_order": ENVELOPE.encrypted_order, "timestamp": "x", "more": [1]}
    assert isinstance(read_envelope(json.dumps(body).encode()), SeedEnvelope)
    for wrong in (body | {"encrypted_order": 1}, body | {"encrypted_order": ""}, body | {"timestamp": 1.5}):
        with pytest.raises(MalformedError):
            read_envelope(json.dumps(wrong).encode())


@pytest.mark.parametrize("field", ["encrypted_order", "timestamp"])
def test_a_field_is_text_and_a_message_that_came_is_not_changed(field: str) -> None:
    body = ENVELOPE.model_dump()
    with pytest.raises(ValidationError):
        SeedEnvelope.model_validate(body | {field: body[field].encode()})
    with pytest.raises(ValidationError):
        setattr(ENVELOPE, field, "another")
    with pytest.raises(ValidationError):
        _Box.model_validate({"signature": "0" * 64, "data": b"AAAA"})
    with pytest.raises(ValidationError):
        _Box(signature="0" * 64, data="AAAA").data = "BBBB"


def test_as_large_as_a_body_may_be_and_no_larger() -> None:
    most = 16 * 1024
    assert SeedEnvelope(encrypted_order="A" * most, timestamp="2" * 64)
    assert _Box(signature="0" * 64, data="A" * most)
    for field, text in (("encrypted_order", "A" * (most + 1)), ("timestamp", "2" * 65)):
        with pytest.raises(ValidationError):
            SeedEnvelope.model_validate(ENVELOPE.model_dump() | {field: text})
    with pytest.raises(ValidationError):
        _Box(signature="0" * 64, data="A" * (most + 1))


@pytest.mark.parametrize("length", [1, 2, 3, 31, 32, 33, 64])
def test_a_message_of_any_length_is_known_by_its_signature(length: int) -> None:
    """As short as one letter, and around the key's own length."""
    plain = b"[" * length
    with pytest.raises(MalformedError):  # it is authentic
        open_seed({"s": PASSWORD}, seal_text(PASSWORD, plain))
    with pytest.raises(NotAuthenticError):
        open_seed({"s": PASSWORD}, seal_text("another", plain))


def test_what_is_kept_is_for_people_to_read() -> None:
    assert "平均成交价格" in open_seed({"s": PASSWORD}, ENVELOPE).text


def test_the_password_field_is_not_kept() -> None:
    fields = FIELDS | {"密码": "hunter2-hunter2"}
    opened = open_seed({"s": PASSWORD}, seal_seed(PASSWORD, fields))
    assert "hunter2" not in opened.text + repr(opened)
    assert "密码" not in opened.fields


class TestWhich:
    """Which of several strategies is meant."""

    def test_the_one_whose_secret_fits(self) -> None:
        assert open_seed({"a": "other", "b": PASSWORD, "c": "third"}, ENVELOPE).strategy == "b"

    def test_with_one_secret_for_several_the_named_one(self) -> None:
        secrets = {"a": PASSWORD, "xxx": PASSWORD, "c": "third"}
        assert open_seed(secrets, ENVELOPE).strategy == "xxx"

    def test_a_name_whose_own_secret_differs_is_not_it(self) -> None:
        with pytest.raises(NotAuthenticError):
            open_seed({"a": PASSWORD, "b": PASSWORD, "xxx": "its own"}, ENVELOPE)

    def test_none_named(self) -> None:
        without = seal_seed(PASSWORD, {name: text for name, text in FIELDS.items() if name != "密码"})
        with pytest.raises(NotAuthenticError):
            open_seed({"a": PASSWORD, "b": PASSWORD}, without)
        assert open_seed({"a": PASSWORD}, without).strategy == "a"

    @pytest.mark.parametrize("secrets", [{}, {"a": "wrong"}, {"a": ""}, {"a": PASSWORD + " "}])
    def test_no_secret_fits(self, secrets: dict[str, str]) -> None:
        with pytest.raises(NotAuthenticError):
            open_seed(secrets, ENVELOPE)


def test_every_flipped_bit_is_refused() -> None:
    box = json.loads(base64.b64decode(ENVELOPE.encrypted_order))
    data = base64.b64decode(box["data"])
    for n in range(len(data) * 8):
        changed = bytearray(data)
        changed[n // 8] ^= 1 << n % 8
        text = json.dumps(box | {"data": base64.b64encode(changed).decode()})
        with pytest.raises(NotAuthenticError):
            open_seed({"s": PASSWORD}, SeedEnvelope(encrypted_order=base64.b64encode(text.encode()).decode()))


@pytest.mark.parametrize(
    "encrypted",
    [
        "x",
        "====",
        "é",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b"{}").decode(),
        base64.b64encode(b'{"signature":"00","data":"AAAA"}').decode(),
        base64.b64encode(json.dumps({"signature": "0" * 64, "data": "????"}).encode()).decode(),
        base64.b64encode(json.dumps({"signature": "0" * 64, "data": None}).encode()).decode(),
        base64.b64encode(b"[" * 9000).decode(),
    ],
)
def test_another_shape(encrypted: str) -> None:
    with pytest.raises(MalformedError):
        open_seed({"s": PASSWORD}, SeedEnvelope(encrypted_order=encrypted))


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"not json",
        b"[]",
        b'{"a": 1}',
        b'{"a": "x", "b": 1}',
        b'{"a": null}',
        b"\xff",
        b'{"a":"1","a":"2"}',
        b'{"a":"\\ud800"}',
    ],
)
def test_authentic_but_no_order(plain: bytes) -> None:
    if not plain:
        with pytest.raises(MalformedError):  # an empty box is refused before its signature is looked at
            open_seed({"s": PASSWORD}, seal_text(PASSWORD, plain))
        return
    with pytest.raises(MalformedError):
        open_seed({"s": PASSWORD}, seal_text(PASSWORD, plain))


@given(st.text(max_size=40), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4))
def test_round_trip(password: str, fields: dict[str, str]) -> None:
    opened = open_seed({"s": password, "t": password + "x"}, seal_seed(password, fields | {"密码": "s"}))
    assert opened.strategy == "s"
    assert opened.fields == {name: text for name, text in fields.items() if name != "密码"}


class TestMessage:
    """What the thirteen fields say."""

    def test_a_buy(self) -> None:
        message = seed_message(FIELDS)
        assert (message.run, message.is_backtest, message.made_at) == ("sim_trade", False, 1767576903120)
        order = message.strategy_order()
        assert (order.jq_order_id, order.symbol, order.side) == ("1600002", "000001.SZ", Side.BUY)
        assert (order.amount, order.filled, str(order.price), order.limit) == (1000, 1000, "10.52", None)
        assert (order.status, order.position_side, str(order.day)) == ("held", "long", "2026-01-05")
        assert (order.position_after, order.total_value) == (None, None)

    @pytest.mark.parametrize("sent", ["2026-01-05 09:35:03", "2026-01-05T09:35:03.1", "2026-01-05 23:59:59.999999"])
    def test_times_as_python_prints_them(self, sent: str) -> None:
        assert seed_message(FIELDS | {"时间戳": sent}).run == "sim_trade"

    @pytest.mark.parametrize(
        ("status", "refused"),
        [
            ("new", True),
            ("open", True),
            ("filled", True),
            ("pending_cancel", True),
            ("held", False),
            ("canceled", False),
        ],
    )
    def test_an_open_order_may_have_a_limit_that_nobody_told(self, status: str, refused: bool) -> None:
        """Row 12: it is refused, for it would be followed at market."""
        told = seed_message(FIELDS | {"状态": status}).strategy_order()
        assert told.refuse == (Reason.SEED_OPEN_ORDER if refused else None)
        refusal = refusal_of(told)
        assert (refusal is not None) == refused
        assert refusal is None or ("?" not in refusal.text("zh") and say(THERE[status], "en") in refusal.text("en"))

    @pytest.mark.parametrize("sent", ["2026-01-06 00:00:00", "2026-01-04 09:35:00"])
    def test_an_order_of_another_day_is_a_backtest(self, sent: str) -> None:
        assert seed_message(FIELDS | {"时间戳": sent}).is_backtest

    @pytest.mark.parametrize("price", ["nan", "NaN", "None", "", " ", "0", "0.0"])
    def test_no_price(self, price: str) -> None:
        assert seed_message(FIELDS | {"平均成交价格": price}).strategy_order().price is None

    @pytest.mark.parametrize(
        ("name", "text", "attribute", "value"),
        [
            ("下单数量", "1000.0", "amount", 1000),
            ("下单数量", "0", "amount", 0),
            ("已经成交", "1e3", "filled", 1000),
            ("买卖", "False", "side", Side.SELL),
            ("买卖", "false", "side", Side.SELL),
            ("状态", "OrderStatus.held", "status", "held"),
            ("状态", "OrderStatus.Canceled", "status", "canceled"),
            ("状态", "4", "status", "held"),
            ("股票代码", "999999.XXXX", "symbol", "999999.XXXX"),
        ],
    )
    def test_as_it_may_be_printed(self, name: str, text: str, attribute: str, value: object) -> None:
        assert getattr(seed_message(FIELDS | {name: text}).strategy_order(), attribute) == value

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("下单数量", "-100"),
            ("下单数量", "100.5"),
            ("下单数量", "nan"),
            ("下单数量", "inf"),
            ("下单数量", "1e400"),
            ("下单数量", "1" * 5000),
            ("下单数量", "1_000"),
            ("下单数量", "１００"),
            ("下单数量", ""),
            ("下单数量", "9999999999"),
            ("已经成交", "x"),
            ("买卖", "None"),
            ("买卖", "1"),
            ("平均成交价格", "-1"),
            ("平均成交价格", "inf"),
            ("平均成交价格", "1e13"),
            ("时间戳", "2026-01-05"),
            ("时间戳", "2026-02-30 09:35:03"),
            ("时间戳", "now"),
            ("订单添加时间", "0000-00-00 00:00:00"),
            ("状态", "done"),
            ("状态", ""),
            ("多空", "both"),
            ("股票代码", ""),
            ("股票代码", "a" * 40),
            ("订单ID", ""),
            ("订单ID", "a\nb"),
        ],
    )
    def test_impossible(self, name: str, text: str) -> None:
        with pytest.raises(MalformedError):
            seed_message(FIELDS | {name: text})

    @pytest.mark.parametrize("name", [name for name in FIELDS if name not in {"密码", "持仓成本", "交易费用"}])
    def test_missing(self, name: str) -> None:
        with pytest.raises(MalformedError, match=name):
            seed_message({other: text for other, text in FIELDS.items() if other != name})
