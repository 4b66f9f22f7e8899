"""Every field of both ports with values that are in nobody's mind: no 5xx, no traceback, and no order that hangs."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from jqfollow.clock import SHANGHAI
from jqfollow.domain import ORDER_OPEN

from .nasty import changed
from .served import STRATEGY, Served

KINDS = ("order", "positions", "hello", "notice")
TAKEN = frozenset({200, 400})
"""What the holder of a key may be answered."""


def texts(now: datetime) -> dict[str, dict[str, Any]]:
    """One message of each kind with every field that there is."""
    day, moment = f"{now:%Y-%m-%d}", f"{now:%Y-%m-%d %H:%M:%S}"
    ended = {"id": "11", "day": day, "filled": 100, "status": "canceled"}
    progress = {"id": "12", "day": day, "filled": 100, "status": "filled"}
    held = {"amount": 100, "closeable": 100, "avg_cost": "9.9", "price": "10", "locked": 0, "resting_buy": 0}
    common = {
        "run": "sim_trade",
        "made_at": int(now.timestamp() * 1000),
        "proc": "p1",
        "seq": 1,
        "ended": [ended],
        "progress": [progress],
        "dropped": [{"seq": 3, "id": "13", "what": "买 600000", "proc": "p0"}],
    }
    order = {
        "order_id": "1",
        "security": "600000.XSHG",
        "is_buy": True,
        "amount": 100,
        "filled": 100,
        "price": "10.00",
        "limit": "10.10",
        "status": "held",
        "side": "long",
        "action": "open",
        "add_time": moment,
        "style": "limit",
        "stop": None,
        "refuse": None,
        "pindex": 0,
        "found": False,
    }
    position = {"amount": 100, "closeable": 0, "held": 100, "locked": 0, "resting_buy": 0, "resting_sell": 0}
    untold = {"id": "14", "security": "000001.XSHE", "is_buy": True, "amount": 100, "filled": 0, "status": "open"}
    report = {"part": 1, "parts": 1, "report": "r1", "day": day, "when": "close", "cash": "1000", "total_value": "2000"}
    client = {"client": "1.0", "frequency": "minute", "as_module": False, "watches": True, "unreached": ["a.b"]}
    return {
        "order": {"kind": "order", **common, "order": order, "position": position, "total_value": "300000"},
        "positions": {"kind": "positions", **common, **report, "positions": {"600000.XSHG": held}},
        "hello": {"kind": "hello", **common, "note": "启动", **client},
        "notice": {
            "kind": "notice",
            **common,
            "day": day,
            "note": "x",
            "holdings": {"600000.XSHG": held},
            "untold": [untold],
            "missing": [{"id": "15"}],
        },
    }


def sealed_fields(served: Served, kinds: tuple[str, ...] = KINDS, every: int = 1) -> tuple[Counter[Any], list[str]]:
    """Authentic messages, each with one field that cannot be meant; `every`: each so manyth only."""
    sender, found, wrong = served.sender(), Counter[Any](), list[str]()
    fresh = itertools.count(int(time.time() * 1000))
    with httpx.Client(trust_env=False, verify=False, timeout=20) as http:
        for kind in kinds:
            for place, (what, told) in enumerate(changed(texts(datetime.now(SHANGHAI))[kind])):
                if place % every:
                    continue
                order = told.get("order")
                if isinstance(order, dict) and order.get("order_id") == "1":
                    order["order_id"] = str(next(fresh))
                text = json.dumps(told)
                id_ = f"f-{next(fresh)}"
                body = sender.seal(text, message_id=id_, ts=int(time.time()))
                if len(json.dumps(body)) > 16 * 1024:
                    continue
                answer = http.post(served.signals, json=body)
                found[kind, answer.status_code] += 1
                if answer.status_code not in TAKEN:
                    wrong.append(f"{kind}: {what}: {answer.status_code} {answer.text[:200]}")
    return found, wrong


def console_fields(served: Served, every: int = 1) -> tuple[Counter[Any], list[str]]:
    """Whatever the console's document names: bodies, parameters, headers."""
    document = served.ask("/openapi.json").json()
    found, wrong = Counter[Any](), list[str]()
    for place, (what, ask) in enumerate(_calls(document, served)):
        if place % every:
            continue
        try:
            answer = ask()
        except (httpx.InvalidURL, UnicodeEncodeError, ValueError, httpx.LocalProtocolError):
            continue  # no client can say this
        found[answer.status_code] += 1
        if answer.status_code >= 500:
            wrong.append(f"{what}: {answer.status_code} {answer.text[:200]}")
    return found, wrong


def _calls(document: Any, served: Served) -> Iterator[tuple[str, Callable[[], httpx.Response]]]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            name = f"{method} {path}"
            parameters = told.get("parameters", [])
            plain = {p["name"]: _example(p["schema"], document) for p in parameters if p.get("required")}
            body = None
            if "requestBody" in told:
                media = told["requestBody"]["content"].get("application/json")
                body = None if media is None else _example(media["schema"], document)
            sites: dict[str, Any] = {"parameters": {p["name"]: 1 for p in parameters}}
            if body is not None:
                sites["body"] = body
            places = {p["name"]: p["in"] for p in parameters}
            for what, made in changed(sites):
                if "parameters" not in made or not isinstance(made["parameters"], dict):
                    continue
                if "body" in sites and "body" not in made:
                    continue
                changed_names = {
                    n: v for n, v in made["parameters"].items() if v != 1 or made.get("body") == sites.get("body")
                }
                values = plain | {n: v for n, v in changed_names.items() if v != 1}
                yield f"{name}: {what}", _call(served, method, path, values, places, made.get("body"))


def _call(
    served: Served, method: str, path: str, values: dict[str, Any], places: dict[str, str], body: Any
) -> Callable[[], httpx.Response]:
    def ask() -> httpx.Response:
        told = {n: v if isinstance(v, str) else json.dumps(v) for n, v in values.items()}
        where = path
        for name, place in places.items():
            if place == "path":
                text = told.get(name, "1").encode("utf-8", "surrogatepass")
                where = where.replace(f"{{{name}}}", quote(text, safe=""))
        query = {n: v.encode("utf-8", "surrogatepass") for n, v in told.items() if places.get(n) == "query"}
        more = {n: v for n, v in told.items() if places.get(n) == "header"}
        headers = {"Authorization": f"Bearer {served.token()}", **more}
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        address = f"{served.console}{where}" + (f"?{urlencode(query)}" if query else "")
        return served.http.request(method.upper(), address, headers=headers, content=content)

    return ask


def _example(schema: Any, document: Any) -> Any:
    """Something that fits a schema, with every property."""
    if "$ref" in schema:
        return _example(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document)
    for some in ("anyOf", "oneOf", "allOf"):
        if some in schema:
            return _example(schema[some][0], document)
    known = (schema.get("examples") or [schema.get("default", schema.get("const"))])[0]
    if schema.get("type") == "object":
        return {n: _example(s, document) for n, s in schema.get("properties", {}).items()} | (known or {})
    if known is not None:
        return known
    if schema.get("type") == "array":
        return [_example(schema.get("items", {}), document)]
    plain = {"integer": schema.get("minimum", 1), "number": 1, "boolean": False}
    texts = {"date": "2026-11-25", "time": "09:30:00"}
    return plain.get(schema.get("type"), schema.get("enum", [texts.get(schema.get("format", ""), "demo")])[0])


def after(served: Served) -> list[str]:
    """What must hold when all was sent: nothing failed inside, and every order has ended or waits for something."""
    wrong = []
    if not served.alive:
        wrong.append(f"the service ended: {served.said()[-2000:]}")
    served.settled(20)
    log = "".join(p.read_text(encoding="utf-8", errors="replace") for p in sorted((served.data / "logs").glob("*.log")))
    for text, where in ((log, "log"), (served.said(), "output")):
        if (place := text.find("Traceback")) >= 0:
            wrong.append(
                f"{text.count('Traceback')} tracebacks in the {where}: {text[max(0, place - 300) : place + 3000]}"
            )
    orders = served.read(lambda tx: tx.orders.list(limit=100_000))
    wrong += [f"failed inside: {o}" for o in orders if o.reason == "internal_error"][:5]
    wrong += [f"hangs: {o}" for o in orders if o.state in ORDER_OPEN and o.waiting is None][:5]
    return wrong


__all__ = ["STRATEGY", "after", "console_fields", "sealed_fields", "texts"]
