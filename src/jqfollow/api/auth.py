"""Who may use the console: the guard in front of all its routes. What is not allowed here reaches none of them."""

import hmac
from asyncio import to_thread
from urllib.parse import parse_qs

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jqfollow.api.body import ClientGoneError, TooSlowError, content_length, read_body
from jqfollow.api.login import login_page
from jqfollow.api.metrics import Counters
from jqfollow.api.problem import problem
from jqfollow.api.sessions import LIFETIME_S, Sessions

log = structlog.get_logger(__name__)

COUNTER = "jqfollow_console_answers_total"
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
PAGES = frozenset({"/", "/docs"})
LOGIN, LOGOUT = "/login", "/logout"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_MOST_LOGIN = 64 * 1024
_BODY_S = 10.0
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Swagger UI writes style attributes and data: images; its scripts are files of this port like ours.
_DOCS_POLICY = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # "no-referrer" would make a browser hide its own origin on POST
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Wraps the console's app: host name, origin, token or cookie, and the headers of every answer."""

    def __init__(self, app: ASGIApp, *, token: str, sessions: Sessions, counters: Counters) -> None:
        self._app = app
        self._token = token.encode()
        self._sessions = sessions
        self._counters = counters
        counters.declare(COUNTER, "Answers of the console by status", status=("200", "401", "500", "503"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or hands it on."""
        if scope["type"] != "http":
            return
        answered = False

        async def send_dressed(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                _dress(MutableHeaders(scope=message), scope["path"])
                self._counters.add(COUNTER, status=str(message["status"]))
            await send(message)

        try:
            refusal = await self._refusal(Request(scope), receive)
            await (refusal or self._app)(scope, receive, send_dressed)
        except ClientGoneError:
            return
        except Exception:  # a request ends here
            log.exception("console_failed", path=scope["path"])
            if not answered:
                await internal_error()(scope, receive, send_dressed)

    async def _refusal(self, request: Request, receive: Receive) -> Response | None:
        """The answer of the guard itself; `None`: let it pass."""
        stranger = _stranger(request)
        if stranger is not None:
            return stranger
        path, safe = request.url.path, request.method in _SAFE
        if path in OPEN_PATHS and safe:
            return None
        if path == LOGIN and request.method == "POST":
            return await self._log_in(request, receive)
        if path in PAGES and "token" in request.query_params:
            return self._open_link(request)
        if not self._admitted(request, safe=safe):
            return _locked_out(request)
        return await self._log_out(request) if path == LOGOUT and request.method == "POST" else None

    def _admitted(self, request: Request, *, safe: bool) -> bool:
        if self._bearer(request.headers):
            return True
        # A browser names the origin of whatever changes something; without it a cookie alone proves too little.
        told = safe or request.headers.get("origin") is not None
        return told and self._sessions.valid(_cookies(request.headers).get(_cookie_name(request), ""))

    def _bearer(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._is_token(given.strip())

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(errors="replace"), self._token)

    def _open_link(self, request: Request) -> Response:
        given = request.query_params["token"]
        return self._with_cookie(request, request.url.path) if self._is_token(given) else login_page(401, failed=True)

    async def _log_in(self, request: Request, receive: Receive) -> Response:
        length = content_length(request.scope["headers"])
        if request.headers.get("origin") is None or length is None or length > _MOST_LOGIN:
            return login_page(403, failed=True)
        try:
            body = await read_body(receive, most=length, timeout_s=_BODY_S)
        except (TooSlowError, ValueError):
            return login_page(400, failed=True)
        given = parse_qs(body.decode(errors="replace")).get("token", [""])[0].strip()
        return self._with_cookie(request, "/") if self._is_token(given) else login_page(401, failed=True)

    async def _log_out(self, request: Request) -> Response:
        """Ends the browser's session, whichever of its tabs asked."""
        name = _cookie_name(request)
        await to_thread(self._sessions.end, _cookies(request.headers).get(name, ""))
        response = Response(status_code=204)
        response.delete_cookie(name, httponly=True, samesite="strict", path="/")
        return response

    def _with_cookie(self, request: Request, path: str) -> Response:
        response = RedirectResponse(path, status_code=303)
        response.set_cookie(
            _cookie_name(request), self._sessions.new(), max_age=LIFETIME_S, httponly=True, samesite="strict", path="/"
        )
        return response


def internal_error() -> Response:
    """500 in the one shape."""
    return problem(500, "internal", "程序内部错误，请查看日志", "an internal error: see the log")


def _own_host(request: Request) -> str | None:
    """The Host header when it names this machine and this port: another name is another site's, rebound to us."""
    host = request.headers.get("host", "")
    name, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "80")
    server = request.scope.get("server")
    if name not in _HOSTS or server is None or port != str(server[1] or 80):
        return None
    return host


def _same_origin(headers: Headers, own: str) -> bool:
    origin = headers.get("origin")
    if origin is not None:
        return origin == f"http://{own}"
    # A link from elsewhere may open a page; what scripts and forms of other sites ask for is not answered.
    return (
        headers.get("sec-fetch-site") not in {"cross-site", "same-site"} or headers.get("sec-fetch-mode") == "navigate"
    )


def _cookies(headers: Headers) -> dict[str, str]:
    return cookie_parser(headers.get("cookie", ""))


def _cookie_name(request: Request) -> str:
    server = request.scope.get("server")
    # Cookies know no ports: two consoles on one machine must not log each other out.
    return f"jqfollow_{server[1] if server else 0}"


def _stranger(request: Request) -> Response | None:
    """The refusal of other host names and other origins."""
    own = _own_host(request)
    if own is None:
        return problem(403, "wrong_host", "请用 127.0.0.1 或 localhost 打开控制台", "open it as 127.0.0.1")
    if not _same_origin(request.headers, own):
        return problem(403, "wrong_origin", "拒绝来自其他网站的请求", "requests from other sites are refused")
    return None


def _locked_out(request: Request) -> Response:
    if request.url.path in PAGES and request.method == "GET":
        return login_page(401)
    return problem(
        401,
        "unauthorized",
        "需要控制台令牌（data 目录中的 console.token）",
        "the console's token is needed (console.token in the data folder)",
        headers={"www-authenticate": 'Bearer realm="jqfollow"'},
    )


def _dress(headers: MutableHeaders, path: str) -> None:
    for name, value in _HEADERS.items():
        headers[name] = value
    headers.setdefault("content-security-policy", _DOCS_POLICY if path == "/docs" else _POLICY)
    headers.setdefault("cache-control", "no-store")
