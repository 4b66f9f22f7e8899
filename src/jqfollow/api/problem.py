"""The one shape of every error that a port answers."""

import orjson
from fastapi.exceptions import HTTPException
from starlette.responses import Response


def problem(
    status: int, error: str, zh: str, en: str, *, headers: dict[str, str] | None = None, **more: object
) -> Response:
    """`{"status": "error", "error": code, "detail": "中文 / English", …}` with HTTP `status`."""
    body = {"status": "error", "error": error, "detail": f"{zh} / {en}", **more}
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")


class ProblemError(HTTPException):
    """An error that knows its answer; raised wherever it is found, the reading of a body included.

    An `HTTPException`, because FastAPI turns any other that is raised while it reads a body into an answer of its own.
    """

    def __init__(self, status: int, error: str, zh: str, en: str, *, retry_after_s: int | None = None) -> None:
        headers = None if retry_after_s is None else {"retry-after": str(retry_after_s)}
        super().__init__(status, f"{zh} / {en}", headers)
        self.error = error
        self.zh = zh
        self.en = en

    def response(self) -> Response:
        """Its answer."""
        headers = dict(self.headers) if self.headers else None
        return problem(self.status_code, self.error, self.zh, self.en, headers=headers)


def too_many(retry_after_s: int) -> ProblemError:
    """429."""
    zh, en = f"消息过于频繁，请在 {retry_after_s} 秒后重发", f"too many messages: try again in {retry_after_s} s"
    return ProblemError(429, "too_many", zh, en, retry_after_s=retry_after_s)
