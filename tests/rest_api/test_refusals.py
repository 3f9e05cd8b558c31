"""What the REST adapter refuses, what Vapi refuses, and in which words and statuses."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from support.refusals import refused
from support.rest_app import Rest, answering
from support.upstream import Upstream
from vapi_sessions_mcp.access.bodies import MAX_BODY
from vapi_sessions_mcp.rest_api.app import build_rest
from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}


async def test_a_conflict_gets_a_status_that_no_client_repeats(rest: Rest) -> None:
    # 409 has Vapi's SDKs send the change again, six times.
    def odd(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"id": "s-1", "messages": "none"})

    async with rest(vapi=odd) as client:
        body = {"appendMessages": [{"role": "user", "content": "a"}]}
        said = refused(await client.patch("/v1/session/s-1", json=body), 412)
    assert "are not a list" in said


@pytest.mark.parametrize(
    ("method", "path", "problems"),
    [
        ("GET", "/v1/session?limt=1", ["`limt` is not an argument: did you mean `limit`?"]),
        ("GET", "/v1/session?limit=x", ["`limit` must be a whole number, got 'x'."]),
        ("GET", "/v1/session?limit=1&limit=2", ["`limit` is given 2 times: give it once."]),
        ("GET", "/v1/session/s-1?id=s-2", ["`id` belongs in the path, not in the query."]),
        ("DELETE", "/v1/session?id=a&id=b", ["`id` is given 2 times: give it once."]),
        ("POST", "/v1/session?body=%7B%7D", ["`body` belongs in the body, not in the query."]),
        (
            "PATCH",
            "/v1/session/s-1?appendMessages=[]",
            ["`appendMessages` belongs in the body, not in the query."],
        ),
        ("DELETE", "/v1/session/s-1?view=full", ["`view` is not an argument: there are id."]),
    ],
)
async def test_a_query_that_says_nothing_exact_is_refused(
    rest: Rest, upstream: Upstream, method: str, path: str, problems: list[str]
) -> None:
    # Of two values one would be dropped, and a filter that is ignored finds everything.
    async with rest() as client:
        body: dict[str, Any] = {} if method == "DELETE" or method == "GET" else {"json": {}}
        assert refused(await client.request(method, path, **body), 400) == problems
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("content", "headers", "status", "message"),
    [
        (b"{}", {}, 415, "Send the body as JSON, with Content-Type: application/json."),
        (
            b"{}",
            {"Content-Type": "text/plain"},
            415,
            "Send the body as JSON, with Content-Type: application/json.",
        ),
        (b"", JSON, 400, ["The body is not JSON."]),
        (b"{", JSON, 400, ["The body is not JSON."]),
        (b"\xff", JSON, 400, ["The body is not JSON."]),
        (b"[" * 100_000, JSON, 400, ["The body is not JSON."]),
        (b"[]", JSON, 400, ["The body must be a JSON object."]),
        (b'"{}"', JSON, 400, ["The body must be a JSON object."]),
        (
            b'{"name": "%s"}' % (b"x" * 41),
            {"Content-Type": "Application/JSON; charset=utf-8"},
            400,
            ["`body.name` must be at most 40 characters, got 'xxxxxxxxxxxxxxxxxxxxxxxxxxx"],
        ),
        (
            b'{"assistant": {"x": NaN}}',
            JSON,
            400,
            ["`body.assistant` must hold only valid Unicode and finite numbers, nested within"],
        ),
    ],
    ids=str,
)
async def test_a_body_that_cannot_be_meant_is_refused_before_vapi_sees_it(
    rest: Rest,
    upstream: Upstream,
    content: bytes,
    headers: dict[str, str],
    status: int,
    message: str | list[str],
) -> None:
    # A form of another page can post text/plain without asking, so only JSON that says so counts.
    async with rest() as client:
        for method, path in (("POST", "/v1/session"), ("PATCH", "/v1/session/s-1")):
            if method == "PATCH" and b"assistant" in content:
                continue
            said = refused(
                await client.request(method, path, content=content, headers=headers), status
            )
            if isinstance(said, list):
                assert isinstance(message, list)
                assert len(said) == len(message)
                assert said[0].startswith(message[0])
            else:
                assert said == message
    assert upstream.requests == []


async def test_a_body_that_is_too_large_is_refused_while_it_arrives(rest: Rest) -> None:
    # Waiting for its end would let one caller fill the memory.
    sent: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            sent.append(2**20)
            yield b"x" * 2**20

    async with rest() as client:
        answer = await client.post("/v1/session", content=endless(), headers=JSON)
        assert refused(answer, 413) == "The body may have 4 MiB at most."
    assert sum(sent) <= MAX_BODY + 2**20


async def test_a_caller_who_hangs_up_in_the_middle_of_a_body_is_no_bug(upstream: Upstream) -> None:
    # It happens all day on mobile networks, and must not fill the log with failures.
    settings = Settings(api_key=SANDBOX_KEY)
    app = build_rest(Sessions(Vapi(settings, transport=upstream), settings), settings)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/session",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/v1/session//", 404, None),
        ("GET", "/v1/session/a/b", 404, None),
        ("GET", "/v1/session/a%2Fb", 404, None),
        ("GET", "/v1/session/s-1%2F", 404, None),
        ("GET", "/docs/../secret", 404, None),
        ("GET", "/docs/README.md", 404, None),
        ("PUT", "/v1/session/s-1", 405, "DELETE, GET, HEAD, PATCH"),
        ("OPTIONS", "/v1/session", 405, "DELETE, GET, HEAD, PATCH, POST"),
        ("POST", "/openapi.json", 405, "GET, HEAD"),
    ],
)
async def test_an_unknown_path_or_method_is_json_too(
    rest: Rest, method: str, path: str, status: int, allow: str | None
) -> None:
    # Clients parse every answer; HTML would hide the reason behind a parse error.
    async with rest() as client:
        answer = await client.request(method, path, headers={"Origin": "http://localhost:5173"})
    assert refused(answer, status).__class__ is str
    assert answer.headers.get("allow") == allow
    # No page of another origin may read answers, not even the refusals.
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("sent", "read", "write", "said"),
    [
        (400, 400, 400, "Vapi refused it (400 Bad Request: name must be shorter)"),
        (401, 401, 401, "Vapi does not accept the API key"),
        (403, 403, 403, "The key may lack access"),
        (404, 404, 404, "No session s-1: it may have expired"),
        (408, 408, 424, "Vapi refused it (408 Request Timeout: name must be shorter)"),
        (409, 409, 409, "Vapi refused it (409 Conflict: name must be shorter)"),
        (429, 429, 429, "too many requests"),
        (499, 499, 499, "Vapi refused it (499 unknown status"),
        (302, 502, 424, "a redirect, which is never followed"),
        (500, 500, 424, "Vapi failed (500 Internal Server Error"),
        (503, 503, 424, "Vapi failed (503 Service Unavailable"),
    ],
)
async def test_what_vapi_refuses_keeps_its_status_unless_that_would_repeat_a_change(
    rest: Rest, sent: int, read: int, write: int, said: str
) -> None:
    # Clients repeat what got a 5xx: a change that may have been made would be made again.
    content = b'{"message": ["name must be shorter"]}'
    async with rest(vapi=answering(sent, content), timeout=2) as client:
        got = await client.get("/v1/session/s-1")
        changed = await client.patch("/v1/session/s-1", json={"name": "a"})
        deleted = await client.delete("/v1/session/s-1")
    assert said in refused(got, read)
    assert said in refused(changed, write)
    assert said in refused(deleted, read)
    assert ("retry-after" in changed.headers) is (sent == 429)
    # RFC 9110: without it a 401 is no answer that a client could act upon. It asks for a key, and
    # not for another token of ours, which would help nobody.
    asked = 'ApiKey realm="Vapi"' if sent == 401 else None
    for answer in (got, changed, deleted):
        assert answer.headers.get("www-authenticate") == asked


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("given", "told"), [({"Retry-After": "20"}, "20"), ({}, None)])
async def test_a_wait_that_vapi_asks_for_is_passed_on(
    rest: Rest, status: int, given: dict[str, str], told: str | None
) -> None:
    # Clients know how to wait; for 429 a minute is a fair guess.
    async with rest(vapi=answering(status, b"{}", **given), timeout=2) as client:
        answer = await client.get("/v1/session/s-1")
    assert refused(answer, status)
    assert answer.headers.get("retry-after") == (told or ("60" if status == 429 else None))


async def test_a_silent_garbled_or_absent_vapi_is_a_gateway_error(rest: Rest) -> None:
    # Monitoring tells a slow upstream from a broken one by these; a change that may have been
    # made gets a status that no client repeats.
    async def silent(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    def absent(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    async def both(client: httpx2.AsyncClient, read: int, write: int) -> str:
        refused(await client.post("/v1/session", json={}), write)
        return str(refused(await client.get("/v1/session/s-1"), read))

    async with rest(vapi=answering(200, b"<html>")) as client:
        assert "not JSON" in await both(client, 502, 424)
    async with rest(vapi=absent, timeout=2) as client:
        assert "no connection to" in await both(client, 502, 502)
    async with rest(vapi=silent, timeout=0.1) as client:  # pyright: ignore[reportArgumentType] - MockTransport takes either
        assert "gave no answer within" in await both(client, 504, 424)


async def test_without_a_key_the_calls_say_so(rest: Rest, upstream: Upstream) -> None:
    # The server starts without one, as MCP does.
    async with rest(api_key=None) as client:
        assert "VAPI_API_KEY is not set" in refused(await client.get("/v1/session"), 503)
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()) == (
            503,
            {"status": "not ready", "reason": "no-api-key"},
        )
        assert (await client.get("/health/live")).status_code == 200
    assert upstream.requests == []


async def test_where_callers_bring_their_keys_the_server_needs_none(rest: Rest) -> None:
    # A load balancer would otherwise send it nobody, for ever.
    async with rest(api_key=None, transports=("rest",), auth=("caller-key",)) as client:
        ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_a_bug_is_a_500_that_tells_nothing(rest: Rest) -> None:
    # A stack trace may hold what customers said.
    async def broken(request: Request) -> Response:
        raise RuntimeError("+14155550123 said")

    async with rest(routes=(Route("/broken", broken),)) as client:
        answer = await client.get("/broken")
    assert refused(answer, 500) == ("Something in this server failed; its log says more.")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost.evil.example:8080"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "[::1]:8080"}, 200),
        ({"Host": "sessions.example.com"}, 200),
        ({"Origin": "http://localhost:8080"}, 200),
        ({"Host": "sessions.example.com", "Origin": "https://sessions.example.com"}, 200),
        ({"Host": "sessions.example.com:8", "Origin": "http://sessions.example.com:8"}, 200),
        ({"Host": "sessions.example.com", "Origin": "https://sessions.example.com:8"}, 403),
        ({"Host": "sessions.example.com", "Origin": "app://sessions.example.com"}, 403),
        ({"Origin": "https://sessions.example.com"}, 403),
    ],
    ids=str,
)
async def test_a_web_page_elsewhere_cannot_reach_the_sessions(
    rest: Rest, upstream: Upstream, headers: dict[str, str], status: int
) -> None:
    # DNS rebinding turns any page a person visits into a caller of servers on loopback.
    async with rest(allowed_hosts=("sessions.example.com",)) as client:
        for path in ("/v1/session?limit=1", "/openapi.json", "/docs"):
            answer = await client.get(path, headers=headers)
            assert answer.status_code == status
            if status != 200:
                assert refused(answer, status)
        # Probes come to an address and carry its name.
        for health in ("live", "ready"):
            answer = await client.get(f"/health/{health}", headers=headers)
            assert (answer.status_code, answer.json()) == (200, {"status": health})
    assert len(upstream.requests) == (status == 200)
