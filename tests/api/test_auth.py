"""Who may use the console."""

import re
from pathlib import Path

import httpx
import pytest

from jqfollow.api.sessions import LIFETIME_S, Sessions
from jqfollow.api.token import TokenError, load_or_create_token

from .conftest import TOKEN, WITH_PARTS
from .fakes import FakeClock, FakeDesk

EVERYTHING = [
    ("GET", "/api/status"),
    ("GET", "/api/setup"),
    ("GET", "/api/deeds"),
    ("GET", "/api/messages"),
    ("POST", "/api/messages/1/resend"),
    ("GET", "/api/results"),
    ("GET", "/api/shortfall"),
    ("GET", "/api/days"),
    ("GET", "/api/find"),
    ("GET", "/api/names"),
    ("GET", "/api/log"),
    ("GET", "/api/accounts"),
    ("GET", "/api/changes"),
    ("GET", "/api/signals"),
    ("GET", "/api/orders"),
    ("GET", "/api/orders/open"),
    ("GET", "/api/orders/1"),
    ("GET", "/api/positions"),
    ("GET", "/api/preview"),
    ("GET", "/api/fills"),
    ("GET", "/api/decisions"),
    ("POST", "/api/orders"),
    ("POST", "/api/orders/1/cancel"),
    ("POST", "/api/orders/1/settle"),
    ("POST", "/api/pause"),
    ("POST", "/api/resume"),
    *WITH_PARTS,
    ("GET", "/api/drift/reports"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/static/app.js"),
    ("GET", "/nothing"),
    ("POST", "/healthz"),
]
OWN = {"origin": "http://127.0.0.1:8000"}


async def log_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", params={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
async def test_nothing_answers_without_the_token(stranger: httpx.AsyncClient, method: str, path: str) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}, {"cookie": TOKEN}):
        answer = await stranger.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    answer = await stranger.request(method, path, params={"token": TOKEN})
    assert answer.status_code == 401, "a token in an address opens the two pages only"


async def test_the_list_above_is_complete(console: httpx.AsyncClient) -> None:
    schema = (await console.get("/openapi.json")).json()
    named = set(EVERYTHING)
    for path, methods in schema["paths"].items():
        for method in methods:
            one = re.sub(r"\{\w+\}", "1", path)
            assert (method.upper(), one) in named or path in {"/healthz", "/readyz"}


@pytest.mark.parametrize(("method", "path"), WITH_PARTS)
async def test_a_console_without_a_part_lacks_its_addresses(console: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await console.request(method, path, json={} if method == "POST" else None, headers=OWN)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_the_link_gives_a_cookie_and_a_clean_address(stranger: httpx.AsyncClient) -> None:
    for page in ("/", "/docs"):
        answer = await stranger.get(page, params={"token": TOKEN})
        assert (answer.status_code, answer.headers["location"]) == (303, page)
        cookie = answer.headers["set-cookie"]
        assert TOKEN not in cookie
        for attribute in ("HttpOnly", "SameSite=strict", "Path=/"):
            assert attribute in cookie
    assert (await stranger.get("/")).status_code == 200
    assert (await stranger.get("/api/status")).status_code == 200


async def test_without_link_or_cookie_a_page_asks_for_the_token(stranger: httpx.AsyncClient) -> None:
    for address in ("/", "/docs", "/?token=wrong", "/?token="):
        answer = await stranger.get(address)
        assert answer.status_code == 401
        assert "console.token" in answer.text
        assert "set-cookie" not in answer.headers


async def test_the_form_takes_the_token(stranger: httpx.AsyncClient) -> None:
    wrong = await stranger.post("/login", data={"token": "wrong"}, headers=OWN)
    assert wrong.status_code == 401
    no_origin = await stranger.post("/login", data={"token": TOKEN})
    assert no_origin.status_code == 403
    answer = await stranger.post("/login", data={"token": f" {TOKEN}\r\n"}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (await stranger.get("/api/status")).status_code == 200


async def test_a_log_out_ends_the_session_for_whoever_holds_the_cookie(stranger: httpx.AsyncClient) -> None:
    await log_in(stranger)
    thief = {"cookie": "; ".join(f"{name}={value}" for name, value in stranger.cookies.items())}
    assert (await stranger.post("/logout")).status_code == 401, "a cookie alone changes nothing"
    assert (await stranger.get("/logout")).status_code == 404, "a link logs nobody out"
    assert (await stranger.get("/api/status")).status_code == 200
    answer = await stranger.post("/logout", headers=OWN)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not stranger.cookies
    for headers in ({}, thief):
        assert (await stranger.get("/api/status", headers=headers)).status_code == 401
        assert (await stranger.post("/logout", headers=headers | OWN)).status_code == 401
    await log_in(stranger)
    assert (await stranger.get("/api/status")).status_code == 200


async def test_a_cookie_alone_changes_nothing(stranger: httpx.AsyncClient, desk: FakeDesk) -> None:
    await log_in(stranger)
    assert (await stranger.post("/api/pause", json={})).status_code == 401
    assert (await stranger.post("/api/pause", json={}, headers=OWN)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1:8000"},
        {"origin": "http://localhost:8000"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    ],
)
async def test_other_origins_are_refused_even_with_token_and_cookie(
    stranger: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await log_in(stranger)
    for method, path in (("GET", "/api/status"), ("POST", "/api/pause"), ("GET", "/healthz"), ("POST", "/login")):
        answer = await stranger.request(method, path, headers=headers | {"authorization": f"Bearer {TOKEN}"})
        assert (answer.status_code, answer.json()["error"]) == (403, "wrong_origin")


@pytest.mark.parametrize(
    "host",
    ["evil.example:8000", "evil.example", "127.0.0.1:9000", "127.0.0.1", "127.0.0.1.evil.example:8000", "", "[::1]"],
)
async def test_other_host_names_are_refused(console: httpx.AsyncClient, host: str) -> None:
    for path in ("/api/status", "/", "/healthz", "/docs"):
        answer = await console.get(path, headers={"host": host})
        assert (answer.status_code, answer.json()["error"]) == (403, "wrong_host")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
async def test_this_machines_names_are_accepted(console: httpx.AsyncClient, host: str) -> None:
    assert (await console.get("/api/status", headers={"host": host})).status_code == 200


async def test_a_large_body_is_not_read(console: httpx.AsyncClient) -> None:
    answer = await console.post("/api/pause", content=b"x" * (64 * 1024 + 1))
    assert answer.status_code == 413


async def test_every_answer_bears_the_safety_headers(console: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    for answer in (
        await console.get("/"),
        await console.get("/docs"),
        await console.get("/api/status"),
        await console.get("/api/nothing"),
        await stranger.get("/"),
        await stranger.get("/api/status"),
        await stranger.get("/healthz", headers={"host": "evil"}),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy.split("style-src")[0]
        assert answer.headers["cache-control"] in {"no-store", "no-cache"}


async def test_scripts_bear_their_type_whatever_the_system_thinks(console: httpx.AsyncClient) -> None:
    script = await console.get("/static/app.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    again = await console.get("/static/app.js", headers={"if-none-match": script.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_session_ends_with_its_time_with_another_token_and_with_any_change(clock: FakeClock, tmp_path: Path) -> None:
    sessions = Sessions("a", clock, tmp_path)
    value = sessions.new()
    assert sessions.valid(value)
    assert Sessions("a", clock, tmp_path).valid(value), "a restart logs nobody out"
    assert not Sessions("b", clock, tmp_path).valid(value)
    for place in range(len(value)):
        changed = value[:place] + ("1" if value[place] != "1" else "2") + value[place + 1 :]
        assert not sessions.valid(changed)
    assert sessions.new() != value
    clock.advance(LIFETIME_S)
    assert not sessions.valid(value)


def test_a_session_that_was_logged_out_stays_so_over_a_restart_until_it_would_have_ended(
    clock: FakeClock, tmp_path: Path
) -> None:
    sessions = Sessions("a", clock, tmp_path)
    first, second = sessions.new(), sessions.new()
    sessions.end(first)
    for wrong in ("", "x", second[:-1] + ("0" if second[-1] != "0" else "1")):
        sessions.end(wrong)
    for each in (sessions, Sessions("a", clock, tmp_path)):
        assert (each.valid(first), each.valid(second)) == (False, True)
    clock.advance(LIFETIME_S)
    third = sessions.new()
    sessions.end(third)
    kept = (tmp_path / "console.ended").read_text(encoding="utf-8")
    assert len(kept.splitlines()) == 1, "what is over by itself is not kept"
    assert not any(value in kept for value in (first, second, third)), "no value that would open the console"


def test_the_token_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "数据 夹"
    first = load_or_create_token(folder)
    assert first.created
    assert len(first.text) >= 43
    assert first.text not in repr(first)
    again = load_or_create_token(folder)
    assert (again.text, again.created) == (first.text, False)
    assert load_or_create_token(tmp_path / "other").text != first.text


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"short", b"\xff\xfe", "令牌".encode() * 20, b"0123456789abcdef" * 3, b"qwertyuiopasdfghjkl" * 2),
        b"jqf1_nzpcdxHg0rhMag_hs119LJ86XHcR4NK4TGoP4bNdfCk",
    ],
)
def test_a_file_that_is_no_token_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "console.token").write_bytes(content)
    with pytest.raises(TokenError, match=r"console\.token"):
        load_or_create_token(tmp_path)
