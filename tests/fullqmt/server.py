"""The emulated full QMT terminal: a process of its own in front of the paper exchange; the pasted file runs in it.

`python -m fullqmt.server FOLDER SCRIPT`; `terminal.Terminal` drives it over a loopback socket, which the strategy
knows nothing of. Its record says what was really handed over: it judges.
"""

import json
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jqfollow.domain import (
    Accepted,
    BrokerError,
    BrokerEvent,
    FillReport,
    OrderReport,
    PlaceFailed,
    PlaceRequest,
    Side,
)
from jqfollow.execution.brokers.paper.faults import Pushes
from terminal import rows
from terminal.control import Control

from .context import ContextInfo, OneThread, strategy
from .modes import ACCOUNT, LAG_S, Mode

PORT_FILE = "terminal.json"
HANDED_OVER = "handed-over.jsonl"
_OPS = {23: Side.BUY, 24: Side.SELL, 33: Side.BUY, 34: Side.SELL}
_REMARK_LENGTH = 23
_SIDES = {Side.BUY: 48, Side.SELL: 49}


class QmtServer(Control):
    """One terminal, one strategy."""

    def __init__(self, folder: Path, script: str) -> None:
        self._folder = folder
        self._script = script
        self._thread = OneThread()
        self.pass_s = 0.01
        self.push_s = 0.0
        self.violations: list[str] = []
        self.printed: list[str] = []
        super().__init__(folder)

    def _open(self, told: dict[str, Any]) -> None:
        self._mode: set[Mode] = set()
        self._calm = threading.Event()
        self._calm.set()
        self._frozen: list[Any] = []
        self._sent: dict[str, Any] = {}
        super()._open(told)
        self.faults.refuse_by_push = True

    def reset(self, told: dict[str, Any]) -> None:
        (self._folder / HANDED_OVER).unlink(missing_ok=True)
        self._told_file.unlink(missing_ok=True)
        self.calls = threading.Event()
        done = threading.Event()
        self._calm.set()

        def anew() -> None:
            super(QmtServer, self).reset(told)
            self.violations.clear()
            self.start_strategy()
            done.set()

        self._thread.put(anew)
        assert done.wait(10)

    # -- modes

    def modes(self, told: dict[str, Any]) -> int:
        with self._lock:
            before, self._mode = self._mode, {Mode(name) for name in told["modes"]}
            self.pass_s = told.get("pass_s", self.pass_s)
            faults, mode = self.faults, self._mode
            faults.pushes = Pushes.NORMAL
            for name, pushes in (
                (Mode.PUSHES_TWICE, Pushes.TWICE),
                (Mode.PUSHES_REVERSED, Pushes.REVERSED),
                (Mode.PUSHES_DROPPED, Pushes.DROPPED),
                (Mode.NO_ANSWER, Pushes.DROPPED),
            ):
                if name in mode:
                    faults.pushes = pushes
            faults.list_lag_s = LAG_S if mode & {Mode.LIST_LAGS, Mode.NO_ANSWER} else 0.0
            faults.refuse_by_push = not mode & {Mode.ERROR_ONLY, Mode.DIALOG_ONLY}
            if Mode.POSITIONS_STILL in mode - before:
                self._frozen = list(self.paper.positions())
            if mode & {Mode.DIALOG, Mode.DIALOG_ONLY}:
                self._calm.clear()
            else:
                self._calm.set()
            if Mode.DIALOG in mode - before:
                self._thread.put(self._calm.wait)  # type: ignore[arg-type]
        if Mode.EMPTY_ID in before - mode:
            for report in self.paper.orders():
                self._pushed(report)
        if Mode.REPLAY in mode - before:
            exchange = self.paper._exchange
            assert exchange is not None
            for event in [*(o.report() for o in exchange.account.orders.values()), *exchange.account.fills]:
                self._pushed(event)
        return 0

    def speed(self, told: dict[str, Any]) -> None:
        """How long `passorder` takes, and how late callbacks come."""
        self.pass_s, self.push_s = told["pass_s"], told["push_s"]

    def drop(self, _told: dict[str, Any]) -> None:
        """There is no connection that could be lost: the folder is all."""

    def settle(self, _told: dict[str, Any]) -> None:
        """Until every push so far was told to the strategy."""
        assert self.paper.flush()
        self._thread.put(lambda: None)
        assert self._thread.idle.wait(10)

    def record(self, told: dict[str, Any]) -> dict[str, Any]:
        lines = (
            handed.read_text(encoding="utf-8").splitlines() if (handed := self._folder / HANDED_OVER).exists() else []
        )
        told = {"handed_over": [json.loads(line)["m_strOrderRemark"] for line in lines]}
        return {**super().record(told), **told, "violations": self.violations, "printed": self.printed[-20:]}

    # -- the strategy's side

    def start_strategy(self) -> None:
        self.timers: list[tuple[str, float]] = []
        self.quoted: set[str] = set()
        self.subscribed_account = ""
        self._context = ContextInfo(self)
        functions: dict[str, Callable[..., Any]] = {
            "passorder": self.passorder,
            "cancel": self.cancel_order,
            "get_trade_detail_data": self.get_trade_detail_data,
            "print": lambda *words: self.printed.append(" ".join(map(str, words))),
        }
        self._space = strategy(self._script, functions, self.violations)
        self._call("init")

    def run(self) -> None:
        self.start_strategy()
        self._thread.run(lambda: min((period for _, period in self.timers), default=0.05), self._tick)

    def _tick(self) -> None:
        for name, _ in list(self.timers):
            self._call(name)

    def _call(self, name: str, *arguments: Any) -> None:
        function = self._space.get(name)
        if function is None:
            return
        try:
            function(self._context, *arguments)
        except Exception:  # noqa: BLE001  # the terminal shows it and goes on
            self.violations.append(traceback.format_exc())
        self._context.roll_back()

    def passorder(
        self, op: int, kind: int, account: str, code: str, price_type: int, price: float, volume: int,
        strategy_name: str, quick: int, remark: str, context: Any,
    ) -> None:  # fmt: skip
        assert (kind, price_type, quick, account) == (1101, 11, 2, ACCOUNT), "wrong arguments"
        assert type(price) is float
        assert type(volume) is int
        assert isinstance(context, ContextInfo)
        shown = remark[:_REMARK_LENGTH]
        self._note({"m_strOrderRemark": remark, "code": code, "volume": volume})
        time.sleep(self.pass_s)
        request = PlaceRequest(
            attempt_id=0, remark=shown, symbol=code, side=_OPS[op], volume=volume, price=Decimal(repr(price))
        )
        arguments = SimpleNamespace(
            opType=op, orderType=kind, accountID=account, orderCode=code, prType=price_type, modelPrice=price,
            modelVolume=volume, strategyName=strategy_name,
        )  # fmt: skip
        with self._lock:
            self._sent[code, volume, shown] = arguments
        placed = self.paper.place(request)
        if not isinstance(placed, Accepted):
            if Mode.DIALOG_ONLY in self._mode:
                self._calm.wait()
            else:
                self._later(lambda: self._call("orderError_callback", arguments, placed.message))
        if Mode.PASSORDER_RAISES in self._mode:
            raise RuntimeError("passorder broke")

    def _note(self, told: dict[str, Any]) -> None:
        """Handed over: on disk before anything comes of it, for a terminal may be killed here."""
        with (self._folder / HANDED_OVER).open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
        self.received.append(told)

    def cancel_order(self, order_id: str, account: str, kind: str, context: Any) -> bool:
        assert (account, kind) == (ACCOUNT, "STOCK")
        try:
            self.paper.cancel(str(order_id))
        except BrokerError:
            return False
        return Mode.CANCEL_FALSE not in self._mode

    def get_trade_detail_data(self, account: str, kind: str, what: str) -> list[Any]:  # noqa: PLR0911  # a list each
        assert kind in {"STOCK", "CREDIT"}
        if threading.get_ident() != self._thread.ident or account != ACCOUNT:
            return []
        if Mode.LIST_SLOW in self._mode:
            time.sleep(1)
        if self._mode & {Mode.EMPTY, Mode.LOGGED_OUT}:
            return []
        if Mode.ORDERS_EMPTY in self._mode and what in {"order", "deal", "position"}:
            return []
        match what:
            case "account":
                return [self._account()]
            case "order":
                return [self._order(report) for report in self.paper.orders()]
            case "deal":
                return [self._deal(fill) for fill in self.paper.fills()]
            case "position":
                return self._positions()
        raise AssertionError(what)

    def full_tick(self, codes: list[str]) -> dict[str, Any]:
        if Mode.UNSUBSCRIBED in self._mode:
            codes = [code for code in codes if code in self.quoted]
        quotes = {code: self.paper.quote(code) for code in codes}
        phase = self.paper._exchange.phase(self.clock.now()) if self.paper._exchange is not None else None
        return {code: rows.tick(quote, phase) for code, quote in quotes.items() if quote is not None}  # type: ignore[arg-type]

    def detail(self, code: str) -> dict[str, Any] | None:
        instrument = self.paper.instrument(code)
        return None if instrument is None else rows.detail(instrument)

    # -- rows

    def _common(self, symbol: str, side: Side, order_id: str, remark: str) -> dict[str, Any]:
        code, market = symbol.split(".")
        return {
            "m_strAccountID": ACCOUNT,
            "m_strInstrumentID": code,
            "m_strExchangeID": market,
            "m_strOrderSysID": order_id,
            "m_strRemark": remark,
            "m_nOffsetFlag": _SIDES[side],
            "m_nDirection": 48,
        }

    def _order(self, report: OrderReport) -> Any:
        row = rows.order_row(report, ACCOUNT, report.remark, 0.0)
        rejected = report.state == "rejected"
        hidden = Mode.EMPTY_ID in self._mode or (rejected and Mode.REFUSED_WITHOUT_ID in self._mode)
        return SimpleNamespace(
            **self._common(report.symbol, report.side, "" if hidden else report.broker_order_id, report.remark),
            m_dLimitPrice=row["price"],
            m_nVolumeTotalOriginal=report.volume,
            m_nVolumeTraded=report.filled,
            m_nVolumeTotal=report.volume - report.filled,
            m_nOrderStatus=row["order_status"],
            m_strInsertDate=f"{report.at:%Y%m%d}",
            m_strInsertTime=f"{report.at:%H%M%S}",
            m_strCancelInfo=report.message,
            m_strErrorMsg="",
        )

    def _deal(self, fill: FillReport) -> Any:
        row = rows.trade_row(fill, ACCOUNT, fill.remark)
        return SimpleNamespace(
            **self._common(fill.symbol, fill.side, fill.broker_order_id, fill.remark),
            m_strTradeID=fill.traded_id,
            m_dPrice=row["traded_price"],
            m_nVolume=fill.volume,
            m_strTradeDate=f"{fill.at:%Y%m%d}",
            m_strTradeTime=f"{fill.at:%H%M%S}",
            m_dCommission=row["commission"],
        )

    def _positions(self) -> list[Any]:
        held = self._frozen if Mode.POSITIONS_STILL in self._mode else self.paper.positions()
        found = []
        for position in held:
            row, (code, market) = rows.position_row(position, ACCOUNT), position.symbol.split(".")
            found.append(
                SimpleNamespace(
                    m_strInstrumentID=code,
                    m_strExchangeID=market,
                    m_nVolume=position.volume,
                    m_nCanUseVolume=position.available,
                    m_dOpenPrice=row["open_price"],
                    m_dLastPrice=row["last_price"],
                )
            )
        sold = {f.symbol for f in self.paper.fills() if f.side is Side.SELL} - {p.symbol for p in held}
        for symbol in sorted(sold):  # what was sold out stays as a row of volume 0
            code, market = symbol.split(".")
            found.append(
                SimpleNamespace(m_strInstrumentID=code, m_strExchangeID=market, m_nVolume=0, m_nCanUseVolume=0)
            )
        return found

    def _account(self) -> Any:
        row = rows.asset_row(self.paper.asset(), ACCOUNT)
        return SimpleNamespace(
            m_strAccountID=ACCOUNT,
            m_dAvailable=row["cash"],
            m_dFrozenCash=row["frozen_cash"],
            m_dInstrumentValue=row["market_value"],
            m_dStockValue=row["market_value"],
            m_dBalance=row["total_asset"],
        )

    # -- callbacks

    def _pushed(self, event: BrokerEvent) -> None:
        match event:
            case OrderReport():
                times = 2 if event.state == "rejected" else 1
                for _ in range(times):
                    self._later(lambda: self._call("order_callback", self._order(event)))
            case FillReport():
                self._later(lambda: self._call("deal_callback", self._deal(event)))
            case PlaceFailed():
                with self._lock:
                    arguments = next((a for key, a in self._sent.items() if key[2] == event.remark), None)
                if arguments is not None:
                    self._later(lambda: self._call("orderError_callback", arguments, event.message))
            case _:
                pass

    def _later(self, call: Callable[[], None]) -> None:
        """On the strategy's thread, once it is free; only an account that was set is told."""
        if not self.subscribed_account:
            return
        if self.push_s:
            threading.Timer(self.push_s, self._thread.put, [call]).start()
        else:
            self._thread.put(call)

    # -- control

    def serve(self, connection: socket.socket) -> None:
        for text in connection.makefile("r", encoding="utf-8"):
            told = json.loads(text)
            try:
                answer = {"ok": True, "answer": self.control(told.pop("control"), told)}
            except Exception:  # noqa: BLE001  # told to the test
                answer = {"ok": False, "answer": traceback.format_exc()}
            connection.sendall(json.dumps(answer).encode() + b"\n")


def main() -> None:
    folder, script = Path(sys.argv[1]), sys.argv[2]
    server = QmtServer(folder, script)
    listener = socket.create_server(("127.0.0.1", 0))
    (folder / PORT_FILE).write_text(json.dumps({"port": listener.getsockname()[1]}), encoding="utf-8")

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=server.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    print("ready", flush=True)  # noqa: T201  # the sign that `Terminal` waits for
    server.run()


def _end_with_parent() -> None:
    """Standard input closes when the test's process is gone, however it went."""
    import os

    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
