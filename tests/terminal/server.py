"""The simulated MiniQMT terminal: a process of its own in front of the paper exchange, reached over a loopback socket.

It survives the service, and its record says what was really ordered. `python -m terminal.server FOLDER` runs it;
`terminal.Terminal` drives it.
"""

import json
import socket
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from jqfollow.domain import (
    Accepted,
    AttemptState,
    BrokerError,
    BrokerEvent,
    CancelFailed,
    FillReport,
    OrderReport,
    Placed,
    PlaceFailed,
    PlaceRequest,
    Side,
)

from . import rows
from .control import Client, Control
from .modes import NATIVE, ONCE, PORT_FILE, Mode

ACCOUNT = "88880001"
_REMARK_LENGTH = 24
_INDEX_GOES_LIKE = {"000001.SH": "000001.SZ"}
"""The exchange has no index: it ticks when this does."""
_SIDES = {23: Side.BUY, 24: Side.SELL}


class TerminalServer(Control):
    """The services' side: answers, pushes, and all that goes wrong with them."""

    # -- the services' side

    def serve(self, connection: socket.socket) -> None:
        """One connection, on its own thread."""
        lines = connection.makefile("r", encoding="utf-8")
        try:
            hello = json.loads(lines.readline() or "{}")
            handle = {"trader": self._trader, "market": self._market, "control": self._control}.get(hello.get("hello"))
            if handle is not None:
                handle(connection, lines)
        except (OSError, ValueError):
            pass
        finally:
            lines.close()
            connection.close()

    def _control(self, connection: socket.socket, lines: Any) -> None:
        for text in lines:
            told = json.loads(text)
            try:
                answer = {"ok": True, "answer": self.control(told.pop("control"), told)}
            except Exception as error:  # noqa: BLE001  # told to the test
                answer = {"ok": False, "answer": repr(error)}
            connection.sendall(json.dumps(answer).encode() + b"\n")

    def _market(self, connection: socket.socket, lines: Any) -> None:
        connection.sendall(b"{}\n")
        for text in lines:
            if Mode.MARKET_HANGS in self._modes:
                continue
            told = json.loads(text)
            connection.sendall(json.dumps(self._about_market(told)).encode() + b"\n")

    def _about_market(self, told: dict[str, Any]) -> Any:
        if "ticks" in told:
            quotes = {symbol: self.paper.quote(_INDEX_GOES_LIKE.get(symbol, symbol)) for symbol in told["ticks"]}
            phase = self.paper._exchange.phase(self.clock.now()) if self.paper._exchange is not None else None
            return {symbol: rows.tick(quote, phase) for symbol, quote in quotes.items() if quote is not None}
        instrument = self.paper.instrument(told["detail"])
        return None if instrument is None else rows.detail(instrument)

    def _trader(self, connection: socket.socket, lines: Any) -> None:
        client = Client(connection)
        with self._lock:
            ok = Mode.LOGGED_OUT not in self._modes
            client.send({"ok": ok, "modes": sorted(self._modes & NATIVE), "serial": self._serial})
            self._clients.append(client)
        try:
            for text in lines:
                told = json.loads(text)
                getattr(self, f"_on_{told['call']}")(client, told["seq"], told["fields"])
        finally:
            with self._lock:
                self._clients.remove(client)

    def _on_subscribe(self, client: Client, seq: int, told: dict[str, Any]) -> None:
        ok = told["account"] == ACCOUNT and Mode.LOGGED_OUT not in self._modes
        client.subscribed = ok
        client.send({"call": "subscribe", "seq": seq, "data": 0 if ok else -1})
        status = {"m_strAccountID": ACCOUNT, "m_nAccountType": told["type"], "m_nStatus": self._state}
        if ok:
            client.send({"push": "status", "data": status})
        if ok and Mode.REPLAY in self._modes:
            exchange = self.paper._exchange
            assert exchange is not None
            for order in exchange.account.orders.values():
                client.send({"push": "order", "data": self._order(order.report())})
            for fill in exchange.account.fills:
                client.send({"push": "trade", "data": self._trade(fill)})

    def _on_unsubscribe(self, client: Client, seq: int, _told: dict[str, Any]) -> None:
        client.subscribed = False
        client.send({"call": "unsubscribe", "seq": seq, "data": 0})

    def _on_order(self, client: Client, seq: int, told: dict[str, Any]) -> None:
        if self._once(Mode.LOST_BEFORE):
            client.drop()
            return
        self.received.append(told)
        remark = str(told["m_strOrderRemark"])[:_REMARK_LENGTH]
        if self._once(Mode.MINUS_ONE):
            self._answer_order(client, seq, -1, remark)
            return
        request = PlaceRequest(
            attempt_id=0,
            remark=remark,
            symbol=told["m_strStockCode"],
            side=_SIDES[told["m_nOrderType"]],
            volume=told["m_nOrderVolume"],
            price=Decimal(repr(told["m_dPrice"])),
        )
        placed = self._placed(request)
        if self._once(Mode.LOST_AFTER):
            client.drop()
        elif self._once(Mode.MINUS_ONE_TAKEN):
            self._answer_order(client, seq, -1, remark, "[COUNTER] 委托超时")
        elif isinstance(placed, Accepted) and (listed := self._listed_refusal(placed)) is not None:
            self._answer_order(client, seq, -1, remark)
            self._refused(client, listed, seq)
        elif isinstance(placed, Accepted):
            self._answer_taken(client, seq, int(placed.broker_order_id), remark)
        else:
            self._answer_order(client, seq, -1, remark)
            refusal = PlaceFailed(broker_order_id="", remark=remark, message=placed.message)
            self._hold_or(Mode.LATE_REASON, lambda: self._refused(client, refusal, seq))

    def _placed(self, request: PlaceRequest) -> Placed:
        if not self._modes & {Mode.PUSHES_FIRST, Mode.PUSHES_REVERSED}:
            return self.paper.place(request)
        self._kept = []
        placed = self.paper.place(request)
        self.paper.flush()
        kept, self._kept = self._kept, None
        for event in reversed(kept) if Mode.PUSHES_REVERSED in self._modes else kept:
            self._pushed(event)
        return placed

    def _listed_refusal(self, placed: Accepted) -> PlaceFailed | None:
        if Mode.REFUSED_LISTED not in self._modes:
            return None
        told = self.faults.told_id(placed.broker_order_id)
        row = next((o for o in self.paper.orders() if o.broker_order_id == told), None)
        if row is None or row.state is not AttemptState.REJECTED:
            return None
        return PlaceFailed(broker_order_id=told, remark=row.remark, message=row.message)

    def _answer_taken(self, client: Client, seq: int, order_id: int, remark: str) -> None:
        if Mode.NO_ANSWER not in self._modes:
            self._hold_or(Mode.LATE_ANSWER, lambda: self._answer_order(client, seq, order_id, remark))

    def _answer_order(self, client: Client, seq: int, order_id: int, remark: str, message: str = "") -> None:
        data = {
            "m_strAccountID": ACCOUNT,
            "m_nOrderID": order_id,
            "m_strStrategyName": "jqfollow",
            "m_strOrderRemark": self._shown(remark),
            "m_strErrorMsg": message,
        }
        client.send({"call": "order", "seq": seq, "data": data})

    def _on_cancel(self, client: Client, seq: int, told: dict[str, Any]) -> None:
        result, message = 0, ""
        try:
            self.paper.cancel(str(told["order_id"]))
        except BrokerError as error:
            result, message = (-2 if "没有此委托" in str(error) else -1), str(error)
        data = {
            "m_strAccountID": ACCOUNT,
            "m_nCancelResult": result,
            "m_nOrderID": told["order_id"],
            "m_strOrderSysID": "",
            "m_strErrorMsg": message,
        }
        client.send({"call": "cancel", "seq": seq, "data": data})

    def _on_asset(self, client: Client, seq: int, _told: dict[str, Any]) -> None:
        self._answer(client, "asset", seq, lambda: [rows.asset_row(self.paper.asset(), ACCOUNT)])

    def _on_orders(self, client: Client, seq: int, _told: dict[str, Any]) -> None:
        self._answer(client, "orders", seq, lambda: [self._order(o) for o in self.paper.orders()])

    def _on_trades(self, client: Client, seq: int, _told: dict[str, Any]) -> None:
        self._answer(client, "trades", seq, lambda: [self._trade(f) for f in self.paper.fills()])

    def _on_positions(self, client: Client, seq: int, _told: dict[str, Any]) -> None:
        def held() -> list[dict[str, Any]]:
            positions = [rows.position_row(p, ACCOUNT) for p in self.paper.positions()]
            shown = {row["stock_code"] for row in positions}
            sold = {f.symbol for f in self.paper.fills() if f.side is Side.SELL} - shown
            return positions + [rows.sold_out_row(symbol, ACCOUNT) for symbol in sorted(sold)]

        self._answer(client, "positions", seq, held)

    def _on_status(self, client: Client, seq: int, _told: dict[str, Any]) -> None:
        status = {"account_id": ACCOUNT, "account_type": 2, "status": self._state}
        self._answer(client, "status", seq, lambda: [status])

    def _push_state(self) -> None:
        self._push("status", {"m_strAccountID": ACCOUNT, "m_nAccountType": 2, "m_nStatus": self._state})

    def _on_infos(self, client: Client, seq: int, _told: dict[str, Any]) -> None:
        self._answer(client, "infos", seq, lambda: [{"account_id": ACCOUNT, "account_type": 2}])

    def _answer(self, client: Client, call: str, seq: int, data: Callable[[], Any]) -> None:
        if Mode.QUERY_HANGS not in self._modes:
            client.send({"call": call, "seq": seq, "data": [] if Mode.EMPTY in self._modes else data()})

    # -- pushes

    def _pushed(self, event: BrokerEvent) -> None:
        if self._kept is not None:
            self._kept.append(event)
            return
        match event:
            case OrderReport():
                self._push("order", self._order(event))
            case FillReport():
                self._push("trade", self._trade(event))
            case PlaceFailed():
                for client in self._subscribed():
                    self._refused(client, event, 0)
            case CancelFailed():
                data = {"order_id": int(event.broker_order_id), "order_sysid": "", "market": 0, "error_id": 1}
                self._push("cancel_error", {**data, "account_id": ACCOUNT, "error_msg": event.message})
            case _:
                pass

    def _refused(self, client: Client, event: PlaceFailed, seq: int) -> None:
        data = {
            "account_id": ACCOUNT,
            "order_id": int(event.broker_order_id or -1),
            "error_id": 1,
            "error_msg": event.message,
            "strategy_name": "jqfollow",
            "order_remark": self._shown(event.remark),
            "seq": seq,
        }
        client.send({"push": "order_error", "data": data})

    def _push(self, name: str, data: dict[str, Any]) -> None:
        for client in self._subscribed():
            client.send({"push": name, "data": data})

    def _subscribed(self) -> list[Client]:
        with self._lock:
            return [client for client in self._clients if client.subscribed]

    def _order(self, report: OrderReport) -> dict[str, Any]:
        return rows.order_row(
            report, ACCOUNT, self._shown(report.remark), float(report.price) if report.filled else 0.0
        )

    def _trade(self, fill: FillReport) -> dict[str, Any]:
        return rows.trade_row(fill, ACCOUNT, self._shown(fill.remark))

    def _shown(self, remark: str) -> str:
        if Mode.REMARK_REWRITTEN in self._modes:
            return "程序化交易"
        return remark[:8] if Mode.REMARK_TRUNCATED in self._modes else remark

    def _once(self, mode: Mode) -> bool:
        with self._lock:
            if mode not in self._modes:
                return False
            assert mode in ONCE
            self._modes.discard(mode)
            return True

    def _hold_or(self, mode: Mode, send: Callable[[], None]) -> None:
        with self._lock:
            if mode in self._modes:
                self._withheld.append(send)
                return
        send()


def main() -> None:
    folder = Path(sys.argv[1])
    server = TerminalServer(folder)
    listener = socket.create_server(("127.0.0.1", 0))
    scratch = folder / f"{PORT_FILE}.new"
    scratch.write_text(json.dumps({"port": listener.getsockname()[1]}), encoding="utf-8")
    scratch.replace(folder / PORT_FILE)
    print("ready", flush=True)  # noqa: T201  # the sign that `Terminal` waits for
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=server.serve, args=(connection,), daemon=True).start()


def _end_with_parent() -> None:
    """Standard input closes when the test's process is gone, however it went."""
    import os

    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
