"""The one address of the signals port."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response

from jqfollow.api.body import StrictRoute
from jqfollow.api.entry import entry_of
from jqfollow.api.models import Alive, problem_for
from jqfollow.api.opening import Opened
from jqfollow.api.reception import AnyAnswer
from jqfollow.stages import Stage, Trace
from jqfollow.wire.envelope import Sealed

PATH = "/api/order"
TRACE = "jqfollow.trace"
"""Key in a request's scope: how long its stages take."""

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: problem_for("不合要求，重发无用 / not of the right shape", defined=True),
    401: problem_for("未通过验证：原因不说 / not authentic: always the same words"),
    408: problem_for("没有按时收全 / the body did not come in time"),
    409: problem_for("这个 id 已用于另一条消息 / a known id with another text"),
    411: problem_for("缺少 Content-Length / no Content-Length"),
    413: problem_for("超过 16 KiB / more than 16 KiB"),
    415: problem_for("不是 application/json / not application/json"),
    429: problem_for("过于频繁，见 Retry-After / too many: see Retry-After"),
    503: problem_for("暂时无法记账，见 Retry-After / not recorded: see Retry-After"),
}
_EXAMPLES: dict[str, Any] = {
    "jqf1": {
        "summary": "jqf1：jqfollow client 写出的客户端 / the client that `jqfollow client` writes",
        "value": {
            "v": "jqf1",
            "kid": "demo",
            "id": "demo-h-1",
            "ts": 1767322000,
            "box": "/1BGC6HZF5/wBXODQs6aS+zD+2C/5Y1z4efrYiQcPtXeK/dT9NWxOIubCYKgi41G1YyvkHg4iFsN0ssamCPtYvstjSITEYYD"
            "yshu3fuwPG7aonqhNvIhxDUwttoZ6zt3VbQz5GNz",
        },
    },
    "seed": {
        "summary": "seed：原版客户端，弱 / the original client, weak",
        "value": {"encrypted_order": "eyJzaWduYXR1cmUiOiAi…", "timestamp": "2026-01-05 09:35:03.120000"},
    },
}
_MESSAGE = Body(openapi_examples=_EXAMPLES)


router = APIRouter(tags=["信号 / signals"], route_class=StrictRoute)


async def _authentic(request: Request, message: Annotated[Sealed, _MESSAGE]) -> Opened:
    opened = entry_of(request.scope).opener.open(message)
    _trace(request).mark(Stage.OPENED)
    return opened


@router.post(PATH, summary="一条加密的信号 / a sealed signal", responses=_ERRORS, response_model=AnyAnswer)
async def order(request: Request, opened: Annotated[Opened, Depends(_authentic)]) -> Response:
    """200：信号已在账本里，落了盘；会被跟单，或者拒绝并记下原因 / it stands in the ledger, on disk."""
    answer = await entry_of(request.scope).reception.take(opened, _trace(request))
    # A valid model as it is: FastAPI would validate it again, while the order waits for the processor.
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get(PATH, summary="活着吗 / alive?")
async def alive() -> Alive:
    """端口在回答 / the port answers."""
    return Alive()


def _trace(request: Request) -> Trace:
    trace = request.scope[TRACE]
    assert isinstance(trace, Trace)  # noqa: S101 - the port has set it
    return trace
