"""The vendor's native modules, simulated: `xtquant.xtpythonclient` and `xtquant.datacenter` in front of a socket.

All of the vendor's Python above them is the real one. `install()` puts them where the vendor's package expects them;
`put_away()` takes all of the package from there again, for other tests are on a machine without MiniQMT. `use_market`
says which terminal answers for quotes, which `xtdata` otherwise finds by a port of this machine.
"""

import json
import socket
import sys
import threading
import types
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .modes import PORT_FILE, Mode

_ANSWERS = {
    "subscribe": "SubscribeResp",
    "unsubscribe": "UnsubscribeResp",
    "asset": "QueryStockAsset",
    "orders": "QueryStockOrders",
    "trades": "QueryStockTrades",
    "positions": "QueryStockPositions",
    "status": "QueryAccountStatus",
    "infos": "QueryAccountInfos",
    "order": "OrderStockResp",
    "cancel": "CancelOrderStockResp",
}
_PUSHES = {
    "order": "StockOrder",
    "trade": "StockTrade",
    "order_error": "OrderError",
    "cancel_error": "CancelError",
    "status": "UpdateAccountStatus",
}
_QUESTIONS = ("asset", "orders", "trades", "positions", "status", "infos")
_LISTS = {"queryStockAsset": "asset", "queryStockOrders": "orders", "queryStockTrades": "trades"}
_LISTS |= {"queryStockPositions": "positions", "queryAccountStatus": "status", "queryAccountInfos": "infos"}
market_folder: Path | None = None
_away: dict[str, types.ModuleType] = {}
_clients: "weakref.WeakSet[XtQuantAsyncClient]" = weakref.WeakSet()


def install() -> None:
    """Makes `import xtquant.xttrader` and `import xtquant.xtdata` work here. Idempotent."""
    import importlib.util

    sys.modules.update(_away)
    if "xtquant.xtpythonclient" in sys.modules:
        return
    spec = importlib.util.find_spec("xtquant")
    assert spec is not None, "the vendor's wheel is part of the extra 'test'"
    client = types.ModuleType("xtquant.xtpythonclient")
    client.XtQuantAsyncClient = XtQuantAsyncClient  # type: ignore[attr-defined]
    client.__getattr__ = _request_class  # type: ignore[method-assign]
    datacenter = types.ModuleType("xtquant.datacenter")
    datacenter.rpc_init = lambda _folder: 0  # type: ignore[attr-defined]
    datacenter.register_create_nparray = lambda _fn: None  # type: ignore[attr-defined]
    datacenter.get_local_server_port = _market_port  # type: ignore[attr-defined]
    datacenter.IPythonApiClient = IPythonApiClient  # type: ignore[attr-defined]
    sys.modules["xtquant.xtpythonclient"] = client
    sys.modules["xtquant.datacenter"] = datacenter


def put_away() -> None:
    """The vendor's package is not imported any more; `install()` brings it back as it was, for it takes long."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "xtquant"]:
        _away[name] = sys.modules.pop(name)


def use_market(folder: Path | None) -> None:
    """Quotes come from the terminal of `folder` from now on."""
    global market_folder  # noqa: PLW0603  # so is the vendor's own state
    market_folder = folder
    xtdata: Any = sys.modules.get("xtquant.xtdata", _away.get("xtquant.xtdata"))
    if xtdata is not None:
        xtdata.disconnect()


def clients() -> list["XtQuantAsyncClient"]:
    """Those that are there."""
    return list(_clients)


def wait_for_modes(serial: int) -> None:
    """Until every client in this process knows of the terminal's change of that number."""
    for client in clients():
        client.wait_for_modes(serial)


def _request_class(name: str) -> type:
    if name.endswith("Req"):
        return types.SimpleNamespace
    raise AttributeError(name)


def _port_of(folder: Path) -> int:
    return int(json.loads((folder / PORT_FILE).read_text(encoding="utf-8"))["port"])


def _market_port() -> int:
    if market_folder is None:
        return 0
    try:
        return _port_of(market_folder)
    except OSError:
        return 0


def _thing(fields: Any) -> Any:
    """A native object."""
    if isinstance(fields, list):
        return [_thing(field) for field in fields]
    return types.SimpleNamespace(**fields) if isinstance(fields, dict) else fields


class XtQuantAsyncClient:
    """The native trading client: sends requests, and calls back on a thread of its own."""

    def __init__(self, path: bytes, name: str, session: int) -> None:
        self._folder = Path(path.decode("gb18030"))
        self._session = session
        self._callbacks: dict[str, Callable[..., None]] = {}
        self._socket: socket.socket | None = None
        self._write = threading.Lock()
        self._seq = 0
        self._hanging: set[str] = set()
        self._modes = threading.Condition()
        self.ended = False
        self._serial = 0
        _clients.add(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("bindOn"):
            return lambda callback: self._callbacks.__setitem__(name[6:].removesuffix("Callback"), callback)
        kind = _LISTS.get(name.removesuffix("WithSeq"))
        if kind is not None:
            return lambda seq, _req: self._request(kind, seq, {})
        raise AttributeError(name)

    def init(self) -> None:
        pass

    def start(self) -> None:
        if self._folder.is_dir():  # the real one leaves 72 MiB there, for good
            (self._folder / f"down_queue_{self._session}").write_bytes(b"\0" * 1024)

    def setTimeout(self, _seconds: int) -> None:  # noqa: N802  # the vendor's name
        pass

    def connect(self) -> int:
        try:
            connection = socket.create_connection(("127.0.0.1", _port_of(self._folder)), timeout=5)
        except OSError:
            return -1  # after 3 s, the real one
        connection.settimeout(None)
        lines = connection.makefile("r", encoding="utf-8")
        connection.sendall(_line({"hello": "trader", "session": self._session}))
        welcome = json.loads(lines.readline() or "{}")
        self._set_modes(welcome.get("modes", ()), welcome.get("serial", 0))
        if not welcome.get("ok"):
            connection.close()
            lines.close()
            return -1
        self._socket = connection
        threading.Thread(target=self._read, args=(connection, lines), name="native-reader", daemon=True).start()
        self._hang(Mode.CONNECT_HANGS)
        return 0

    def stop(self) -> None:
        self._hang(Mode.STOP_HANGS)
        self.ended = True
        if self._socket is not None:
            _shut(self._socket)

    def nextSeq(self) -> int:  # noqa: N802
        self._seq += 1
        return self._seq

    def subscribeWithSeq(self, seq: int, req: Any) -> None:  # noqa: N802
        self._request("subscribe", seq, {"account": req.m_strAccountID, "type": req.m_nAccountType})

    def unsubscribeWithSeq(self, seq: int, req: Any) -> None:  # noqa: N802
        self._request("unsubscribe", seq, {})

    def orderStockWithSeq(self, seq: int, req: Any) -> None:  # noqa: N802
        fields = {name: value for name, value in vars(req).items() if name.startswith("m_")}
        self._request("order", seq, fields)

    def cancelOrderStockWithSeq(self, seq: int, req: Any) -> None:  # noqa: N802
        self._request("cancel", seq, {"order_id": req.m_nOrderID})

    # -- inside

    def _request(self, kind: str, seq: int, fields: dict[str, Any]) -> None:
        self._hang(Mode.CALLS_HANG)
        connection = self._socket
        if connection is not None:
            try:
                with self._write:
                    connection.sendall(_line({"call": kind, "seq": seq, "fields": fields}))
            except OSError:
                connection = None
        if connection is None:  # answered here, as the real one does
            threading.Thread(target=self._answer, args=(kind, seq, _unconnected(kind)), daemon=True).start()

    def _hang(self, mode: Mode) -> None:
        with self._modes:
            self._modes.wait_for(lambda: mode not in self._hanging)

    def wait_for_modes(self, serial: int) -> None:
        """Until the terminal's change of that number has arrived here, or the connection is gone."""
        with self._modes:
            assert self._modes.wait_for(lambda: self._socket is None or self._serial >= serial, 10)

    def _set_modes(self, modes: Any, serial: int) -> None:
        with self._modes:
            self._hanging, self._serial = set(modes), serial
            self._modes.notify_all()

    def _read(self, connection: socket.socket, lines: Any) -> None:
        try:
            for text in lines:
                message = json.loads(text)
                if "modes" in message:
                    self._set_modes(message["modes"], message["serial"])
                elif "push" in message:
                    self._callbacks[_PUSHES[message["push"]]](_thing(message["data"]))
                else:
                    self._answer(message["call"], message["seq"], message["data"])
        except (OSError, ValueError, RuntimeError):  # RuntimeError: the trader above has stopped
            pass
        lines.close()
        self._socket = None
        connection.close()
        with self._modes:
            told = Mode.SILENT_LOSS not in self._hanging and not self.ended
            self._hanging.clear()
            self._modes.notify_all()
        if told:
            with suppress(RuntimeError):
                self._callbacks["Disconnected"]()

    def _answer(self, kind: str, seq: int, data: Any) -> None:
        with suppress(RuntimeError):  # the trader above has stopped
            self._callbacks[_ANSWERS[kind]](seq, _thing(data))


def _unconnected(kind: str) -> Any:
    if kind == "order":
        names = {"m_strAccountID": "", "m_strStrategyName": "", "m_strOrderRemark": "", "m_strErrorMsg": ""}
        return {"m_nOrderID": -1, **names}
    if kind == "cancel":
        names = {"m_strAccountID": "", "m_strOrderSysID": "", "m_strErrorMsg": ""}
        return {"m_nCancelResult": -1, "m_nOrderID": 0, **names}
    return [] if kind in _QUESTIONS else -1


DIVID_FACTORS: dict[str, dict[str, dict[str, float]]] = {}
"""By code and day, what the terminal knows of corporate actions; a test puts it there, and takes it away."""


class IPythonApiClient:
    """The native market data client."""

    def __init__(self) -> None:
        self._address = ("", 0)
        self._socket: socket.socket | None = None
        self._turn = threading.Lock()
        self._ending = threading.Lock()

    def init(self) -> None:
        pass

    def load_config(self, _file: str, _section: str) -> int:
        return 0

    def set_config_addr(self, address: str) -> None:
        host, port = address.split(":")
        self._address = (host, int(port))

    def connect(self) -> tuple[int, str]:
        if self._address[1] != _market_port():  # no other service of this machine is ours
            return -1, "refused"
        try:
            self._socket = socket.create_connection(self._address, timeout=5)
        except OSError as error:
            return -1, str(error)
        self._socket.settimeout(None)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._socket.sendall(_line({"hello": "market"}))
        return 0, self._lines.readline()

    def is_connected(self) -> bool:
        return self._socket is not None

    def shutdown(self) -> None:
        with self._ending:
            connection, self._socket = self._socket, None
        if connection is not None:
            _shut(connection)
            self._lines.close()
            connection.close()

    def get_data_dir(self) -> str:
        return "datadir"

    def get_app_dir(self) -> str:
        return "."

    def commonControl(self, _function: str, _parameters: bytes) -> bytes:  # noqa: N802
        from xtquant import xtbson

        return xtbson.BSON.encode({"downloadversion": "1"})

    def get_divid_factors(self, code: str, _first: str, _last: str) -> dict[str, dict[str, float]]:
        return DIVID_FACTORS.get(code, {})

    def get_full_tick(self, codes: list[str]) -> str:
        return self._ask({"ticks": codes})

    def get_instrument_detail(self, code: str) -> bytes:
        from xtquant import xtbson

        detail = json.loads(self._ask({"detail": code}))
        return xtbson.BSON.encode(detail) if detail else b""

    def _ask(self, question: dict[str, Any]) -> str:
        with self._turn:
            try:
                assert self._socket is not None
                self._socket.sendall(_line(question))
                text = self._lines.readline()
            except (AssertionError, OSError, ValueError):
                text = ""
        if not text:
            self.shutdown()
            raise RuntimeError("connection lost")
        return text


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        connection.close()
