"""The dashboard, the documentation, and the files of both."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import Response

from jqfollow.api.assets import asset
from jqfollow.api.parts import Given

router = APIRouter(include_in_schema=False)


@router.get("/")
def dashboard(request: Request) -> Response:
    """The page."""
    return _served(request, "index.html")


@router.get("/docs")
def docs(request: Request) -> Response:
    """The documentation, of both ports."""
    return _served(request, "docs.html")


@router.get("/openapi/signals.json")
def signals_document(parts: Given) -> Any:
    """The document of the signals port, which shows it to nobody itself."""
    if parts.signals is None:
        raise HTTPException(404, "没有这个地址 / there is nothing here")
    return parts.signals.openapi()


@router.get("/favicon.ico")
def favicon(request: Request) -> Response:
    """The sign on the tab."""
    return _served(request, "favicon.svg")


@router.get("/static/{name}")
def static(request: Request, name: str) -> Response:
    """A file of the pages."""
    return _served(request, name)


def _served(request: Request, name: str) -> Response:
    found = asset(request, name)
    if found is None:
        raise HTTPException(404, "没有这个地址 / there is nothing here")
    return found
