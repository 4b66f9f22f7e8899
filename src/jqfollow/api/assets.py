"""The console's own pages and Swagger UI, from this package and from `fastapi-offline`: nothing from the internet."""

import hashlib
from functools import lru_cache
from importlib.resources import files
from pathlib import PurePosixPath

from starlette.requests import Request
from starlette.responses import Response

_OWN = "jqfollow.api"
_VENDOR = "fastapi_offline"
_VENDOR_FILES = frozenset({"swagger-ui-bundle.js", "swagger-ui.css"})
# Said here, because Windows' registry may call a script text/plain, which browsers then refuse to run.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


def asset(request: Request, name: str) -> Response | None:
    """The file `name` of the pages; `None`: there is none. Browsers ask again, and get 304 when it is the same."""
    loaded = _load(name)
    if loaded is None:
        return None
    content, tag = loaded
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=_TYPES[PurePosixPath(name).suffix])


@lru_cache(maxsize=64)
def _load(name: str) -> tuple[bytes, str] | None:
    if "/" in name or "\\" in name or PurePosixPath(name).suffix not in _TYPES:
        return None
    file = files(_VENDOR if name in _VENDOR_FILES else _OWN) / "static" / name
    if not file.is_file():
        return None
    content = file.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
