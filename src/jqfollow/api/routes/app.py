"""The console's routes, and the shape of whatever they refuse: one app for all consoles of a process.

What a request is answered with stands in its scope (`PARTS`).
"""

from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import Response

from jqfollow import __version__
from jqfollow.api.auth import internal_error
from jqfollow.api.body import BodyLimit
from jqfollow.api.complaints import complaint
from jqfollow.api.models import problem_for
from jqfollow.api.problem import ProblemError, problem
from jqfollow.api.routes import (
    accounting,
    acting,
    changes,
    costs,
    flow,
    health,
    pages,
    reading,
    seeing,
    setup,
    steering,
)
from jqfollow.domain import JqfollowError, ManualOrderError
from jqfollow.ledger import LedgerError
from jqfollow.vocabulary import half

log = structlog.get_logger(__name__)

_DESCRIPTION = """
本机控制台：查询、手动下单、撤单、暂停。先点右上角 **Authorize** 填入 `console.token` 的内容
（从带 `?token=` 的链接打开时浏览器已登录，可直接使用）。金额与价格是文字，时间带时区。

Queries, manual orders, cancels, pauses, for this machine. **Authorize** with the content of `console.token`; a browser
that opened the link with `?token=` is logged in already. Money and prices are texts, times carry their zone.
"""
_MOST_BODY = 64 * 1024
_BODY_S = 10.0
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: problem_for("不是 JSON 对象 / not a JSON object"),
    401: problem_for("需要令牌 / the token is needed"),
    403: problem_for("主机名或来源不对 / another host name or origin"),
    404: problem_for("没有 / not found"),
    408: problem_for("没有按时收全 / the body did not come in time"),
    409: problem_for("做不到，原因见 detail / it cannot be done; detail says why"),
    411: problem_for("缺少 Content-Length / no Content-Length"),
    413: problem_for("超过 64 KiB / more than 64 KiB"),
    415: problem_for("不是 application/json / not application/json"),
    422: problem_for("参数有误 / wrong parameters"),
    503: problem_for("账本暂时不可用 / the ledger is not available now"),
}
_CODES = {404: "not_found", 405: "wrong_method", 409: "refused", 422: "invalid"}
_bearer = HTTPBearer(auto_error=False, description="console.token 的内容 / the content of console.token")


def _app() -> FastAPI:
    app = FastAPI(
        title="jqfollow",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    # The guard in front decides; this makes the documentation's "Authorize" button.
    secured = [Depends(_documented)]
    for part in (acting, flow, accounting, changes, steering, seeing, costs, reading, setup):
        app.include_router(part.router, dependencies=secured, responses=_ERRORS)
    app.include_router(health.router)
    app.include_router(pages.router)
    app.add_middleware(BodyLimit, most_bytes=_MOST_BODY, read_s=_BODY_S)
    app.add_exception_handler(ProblemError, _answered)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(ManualOrderError, _refused)
    app.add_exception_handler(LedgerError, _no_ledger)
    app.add_exception_handler(JqfollowError, _cannot)
    app.add_exception_handler(Exception, _failed)
    return app


async def _documented(_credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Nothing to do: see `Guard`."""


async def _answered(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - it was registered for this
    return error.response()


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it was registered for this
    found = [(".".join(str(part) for part in one["loc"][1:]), *complaint(one)) for one in error.errors()]
    zh = "；".join(f"{place}：{zh}" if place else zh for place, zh, _ in found[:5])
    en = "; ".join(f"{place}: {en}" if place else en for place, _, en in found[:5])
    fields = [{"field": place or "body", "problem": f"{zh} / {en}"} for place, zh, en in found]
    return problem(422, "invalid", zh, en, fields=fields)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101
    zh, en = half(str(error.detail), "zh"), half(str(error.detail), "en")
    if not isinstance(error, HTTPException):  # the framework's own words
        zh, en = {404: ("没有这个地址", "there is nothing here"), 405: ("不支持这个方法", "wrong method")}.get(
            error.status_code, (zh, en)
        )
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, _CODES.get(error.status_code, "error"), zh, en or zh, headers=headers)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ManualOrderError)  # noqa: S101
    return problem(409, "refused", error.zh, error.en)


async def _cannot(_request: Request, error: Exception) -> Response:
    """What is raised on purpose says what is wrong and what to do."""
    log.warning("console_request_refused", why=repr(error))
    return problem(409, "refused", half(str(error), "zh"), half(str(error), "en"))


async def _no_ledger(_request: Request, error: Exception) -> Response:
    assert isinstance(error, LedgerError)  # noqa: S101
    log.error("console_without_ledger", why=str(error))
    return problem(503, "ledger", error.zh, error.en, headers={"retry-after": "2"})


async def _failed(_request: Request, error: Exception) -> Response:
    log.error("console_request_failed", why=repr(error))
    return internal_error()


app = _app()
