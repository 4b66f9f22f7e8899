"""The one shape of every error that a port answers."""

import orjson
from starlette.responses import Response


def problem(
    status: int, error: str, zh: str, en: str, *, headers: dict[str, str] | None = None, **more: object
) -> Response:
    """`{"status": "error", "error": code, "detail": "中文 / English", …}` with HTTP `status`."""
    body = {"status": "error", "error": error, "detail": f"{zh} / {en}", **more}
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")
