"""The dashboard, the documentation, and the files of both."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import Response

from jqfollow.api.assets import asset
from jqfollow.api.ports import SignalsView


def pages_router(signals: SignalsView | None) -> APIRouter:
    """Pages for people; not part of the documented interface. `/docs` shows the document of `signals`, too."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def dashboard(request: Request) -> Response:
        return _served(request, "index.html")

    @router.get("/docs")
    def docs(request: Request) -> Response:
        return _served(request, "docs.html")

    @router.get("/openapi/signals.json")
    def signals_document() -> Any:
        if signals is None:
            raise HTTPException(404, "没有这个地址 / there is nothing here")
        return signals.openapi()

    @router.get("/favicon.ico")
    def favicon(request: Request) -> Response:
        return _served(request, "favicon.svg")

    @router.get("/static/{name}")
    def static(request: Request, name: str) -> Response:
        return _served(request, name)

    return router


def _served(request: Request, name: str) -> Response:
    found = asset(request, name)
    if found is None:
        raise HTTPException(404, "没有这个地址 / there is nothing here")
    return found
