"""The REST adapter: Vapi's JSON and statuses on one side, our checks and refusals on the other."""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from typing import Any, TypeAlias

import anyio
import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from support.rest_calls import refused
from support.upstream import Upstream
from vapi_sessions_mcp.rest_api.app import MAX_BODY, build_rest
from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

MAYA = "+14155550123"
JSON = {"Content-Type": "application/json"}
Rest: TypeAlias = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]
Answering: TypeAlias = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
def rest(upstream: Upstream) -> Rest:
    """A client of the adapter in the memory of this process, with the sandbox as upstream."""

    @asynccontextmanager
    async def rest(
        vapi: Answering | None = None, routes: tuple[Route, ...] = (), **options: Any
    ) -> AsyncGenerator[httpx2.AsyncClient]:
        if vapi is not None:
            upstream.answers = httpx2.MockTransport(vapi)
        given: dict[str, Any] = {
            "api_key": SANDBOX_KEY,
            "base_url": "http://localhost:9",
            **options,
        }
        settings = Settings(**given)
        answers = Sessions(Vapi(settings, transport=upstream), settings)
        app = build_rest(answers, settings, extra_routes=routes)
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        with anyio.fail_after(20):
            async with (
                app.router.lifespan_context(app),
                httpx2.AsyncClient(transport=transport, base_url="http://localhost:8080") as client,
            ):
                yield client

    return rest


def answering(status: int, content: bytes, **headers: str) -> Answering:
    """A Vapi that always answers this."""
    return lambda request: httpx2.Response(status, content=content, headers=headers)


async def test_a_session_lives_and_dies_by_vapis_own_paths(rest: Rest, upstream: Upstream) -> None:
    # A program written for Vapi changes its base URL and nothing else.
    async with rest() as client:
        created = await client.post("/v1/session", json={"name": "Ana", "customer": None})
        assert created.status_code == 201
        assert created.headers["cache-control"] == "no-store"
        at = f"/v1/session/{created.json()['id']}"
        assert (await client.get(at)).json() == created.json()
        changed = await client.patch(at, json={"status": "completed"})
        assert (changed.status_code, changed.json()["status"]) == (200, "completed")
        found = (await client.get("/v1/session", params={"id": created.json()["id"]})).json()
        assert found["results"] == [changed.json()]
        deleted = await client.delete(at)
        assert (deleted.status_code, deleted.json()) == (200, changed.json())
        assert "it may have expired or been deleted" in refused(await client.get(at), 404)
    sent = [request.method for request in upstream.requests]
    assert sent == ["POST", "GET", "PATCH", "GET", "DELETE", "GET"]
    assert json.loads(upstream.requests[0].content) == {"name": "Ana"}


async def test_an_id_may_stand_in_the_query_where_the_capability_puts_it(rest: Rest) -> None:
    # Callers made from the published capability file spell it so.
    async with rest() as client:
        id = (await client.post("/v1/session", json={})).json()["id"]
        changed = await client.patch("/v1/session", params={"id": id}, json={"name": "Ana"})
        assert changed.json()["name"] == "Ana"
        assert (await client.delete("/v1/session", params={"id": id})).json() == changed.json()
        assert refused(await client.delete("/v1/session"), 400) == ["`id` is required."]


async def test_what_vapi_sent_passes_through_in_order_but_for_secrets(rest: Rest) -> None:
    # A field that Vapi adds tomorrow must arrive, and a Twilio token never.
    sent = '{"id":"s-1","new":{"zeta":1.0,"alpha":null},"twilioAuthToken":"t","text":"🙂 é"}'
    async with rest(vapi=answering(200, sent.encode())) as client:
        answer = await client.get("/v1/session/s-1")
    assert answer.text == sent.replace('"t"', '"***"')
    assert answer.headers["content-type"] == "application/json"


async def test_answers_are_full_whatever_agents_get(rest: Rest) -> None:
    # Programs count on every field; what is shortened for a model would be lost data.
    async with rest(view="summary", max_result_chars=2_000) as client:
        page = (await client.get("/v1/session?limit=100")).json()
        assert page["metadata"]["totalItems"] == 60
        assert len(page["results"]) == 60
        longest = max(page["results"], key=lambda row: len(json.dumps(row)))
        assert (await client.get(f"/v1/session/{longest['id']}")).json() == longest


async def test_a_view_and_a_part_of_the_transcript_can_be_asked_for(rest: Rest) -> None:
    # Dashboards want rows, not conversations.
    async with rest() as client:
        page = (await client.get("/v1/session?view=summary&limit=3")).json()
        assert page["total"] == 60
        assert all("messageCount" in row for row in page["results"])
        at = f"/v1/session/{max(page['results'], key=lambda row: row['messageCount'])['id']}"
        part = (await client.get(at, params={"messages": '{"last": 1}'})).json()
        assert len(part["messages"]) == 1
        assert (await client.get(f"{at}?view=transcript")).json()["messages"][-1:] == part[
            "messages"
        ]


async def test_lists_can_be_searched_by_what_vapi_cannot_filter_by(rest: Rest) -> None:
    # The same scan that agents have, with its coverage.
    async with rest() as client:
        found = (await client.get("/v1/session?status=active&maxScan=20&limit=2")).json()
        assert {row["status"] for row in found["results"]} == {"active"}
        assert found["coverage"]["scanned"] == 20
        found = (await client.get("/v1/session?contains=zzz-nowhere")).json()
        assert found["results"] == []


async def test_filters_reach_vapi_as_they_were_given(rest: Rest, upstream: Upstream) -> None:
    # Vapi ignores what it does not know, so each must arrive under its own name.
    given: list[tuple[str, str | int]] = [
        ("number", MAYA),
        ("phoneNumberIdAny", "a"),
        ("phoneNumberIdAny", "b"),
        ("page", "1"),
        ("sortOrder", "ASC"),
        ("createdAtGe", "2026-11-01T00:00:00Z"),
    ]
    async with rest() as client:
        assert (await client.get("/v1/session", params=(*given,))).status_code == 200
        assert (await client.get("/v1/session?phoneNumberIdAny=a,b")).status_code == 200
    first, second = (request.url.params.multi_items() for request in upstream.requests)
    assert sorted(first) == sorted(given)
    assert second == [("phoneNumberIdAny", "a"), ("phoneNumberIdAny", "b")]


async def test_messages_can_be_appended(rest: Rest) -> None:
    # Vapi's own update replaces the conversation; this is ours, beside its fields.
    async with rest() as client:
        first, second = {"role": "user", "content": "a"}, {"role": "user", "content": "b"}
        created = await client.post("/v1/session", json={"messages": [first]})
        at = f"/v1/session/{created.json()['id']}"
        after = await client.patch(at, json={"appendMessages": [second]})
        assert (after.status_code, after.json()["messages"]) == (200, [first, second])
        both = await client.patch(at, json={"name": "Ana", "appendMessages": [second]})
        assert (both.json()["name"], len(both.json()["messages"])) == ("Ana", 3)
        same = await client.patch(at, json={"appendMessages": None})
        assert len(same.json()["messages"]) == 3
        both = await client.patch(at, json={"messages": [], "appendMessages": [second]})
        assert "give one of them" in refused(both, 400)[0]
        odd = '{"appendMessages": [{"role": "user", "content": "c", "x": "\\ud83d"}]}'
        assert "valid Unicode" in refused(await client.patch(at, content=odd, headers=JSON), 400)[0]


async def test_appending_against_others_who_write_all_the_time_is_a_conflict(rest: Rest) -> None:
    # 409 tells a client to read again, where 500 would have it give up.
    times = count()

    def busy(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"id": "s-1", "updatedAt": str(next(times))})

    async with rest(vapi=busy) as client:
        body = {"appendMessages": [{"role": "user", "content": "a"}]}
        said = refused(await client.patch("/v1/session/s-1", json=body), 409)
    assert "somebody else changed it" in said


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
        ("GET", "/v1/session/", 404, None),
        ("GET", "/v1/session/a/b", 404, None),
        ("GET", "/v1/session/a%2Fb", 404, None),
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


async def test_head_tells_what_get_would(rest: Rest) -> None:
    # Monitors and caches ask this way.
    async with rest() as client:
        assert (await client.head("/v1/session?limit=1")).status_code == 200
        assert (await client.head("/v1/session/nobody")).status_code == 404


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        (400, 400, "Vapi refused it (400 Bad Request: name must be shorter)"),
        (401, 401, "Vapi does not accept the API key"),
        (403, 403, "The key may lack access"),
        (404, 404, "No session s-1: it may have expired"),
        (409, 409, "Vapi refused it (409 Conflict: name must be shorter)"),
        (499, 499, "Vapi refused it (499 unknown status"),
        (302, 502, "a redirect, which is never followed"),
        (500, 502, "Vapi failed (500 Internal Server Error"),
        (503, 502, "Vapi failed (503 Service Unavailable"),
    ],
)
async def test_what_vapi_refuses_keeps_its_status_and_what_fails_is_502(
    rest: Rest, sent: int, status: int, said: str
) -> None:
    # The caller mends a 4xx, and waits or tells somebody at a 5xx.
    content = b'{"message": ["name must be shorter"]}'
    async with rest(vapi=answering(sent, content)) as client:
        answer = await client.patch("/v1/session/s-1", json={"name": "a"})
    assert said in refused(answer, status)
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(("given", "told"), [({"Retry-After": "7"}, "7"), ({}, "60")])
async def test_too_many_requests_are_503_with_a_time_to_wait(
    rest: Rest, given: dict[str, str], told: str
) -> None:
    # The limit is the server's with Vapi, not the caller's; clients know how to wait.
    limited = answering(429, b"{}", **given)
    async with rest(vapi=limited, timeout=2) as client:
        answer = await client.patch("/v1/session/s-1", json={"name": "a"})
    assert "too many requests" in refused(answer, 503)
    assert answer.headers["retry-after"] == told


async def test_a_silent_garbled_or_absent_vapi_is_a_gateway_error(rest: Rest) -> None:
    # Monitoring tells a slow upstream from a broken one by these.
    async def silent(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    def absent(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    async with rest(vapi=answering(200, b"<html>")) as client:
        assert "not JSON" in refused(await client.post("/v1/session", json={}), 502)
    async with rest(vapi=absent, timeout=2) as client:
        assert "no connection to" in refused(await client.post("/v1/session", json={}), 502)
    async with rest(vapi=silent, timeout=0.1) as client:  # pyright: ignore[reportArgumentType] - MockTransport takes either
        assert "gave no answer within" in refused(await client.post("/v1/session", json={}), 504)


async def test_without_a_key_the_calls_say_so(rest: Rest, upstream: Upstream) -> None:
    # The server starts without one, as MCP does.
    async with rest(api_key=None) as client:
        assert "VAPI_API_KEY is not set" in refused(await client.get("/v1/session"), 503)
        assert (await client.get("/health/ready")).status_code == 200
    assert upstream.requests == []


async def test_a_bug_is_a_500_that_tells_nothing(rest: Rest) -> None:
    # A stack trace may hold what customers said.
    async def broken(request: Request) -> Response:
        raise RuntimeError("+14155550123 said")

    async with rest(routes=(Route("/broken", broken),)) as client:
        answer = await client.get("/broken")
    assert refused(answer, 500) == (
        "Something is wrong in this server, not in the call. Its log says more."
    )


async def test_personal_data_is_masked_in_answers_and_refusals(rest: Rest) -> None:
    # An argument that is quoted back is as personal as an answer.
    async with rest(mask_pii=True) as client:
        page = await client.get("/v1/session", params={"number": MAYA, "limit": 1})
        assert page.json()["results"]
        assert MAYA not in page.text
        wrong = await client.get("/v1/session", params={"number": "0014155550123"})
        assert "0014155550123" not in refused(wrong, 400)[0]


async def test_read_only_serves_nothing_that_changes_sessions(rest: Rest) -> None:
    # What does not exist cannot be called by mistake.
    async with rest(read_only=True) as client:
        id = (await client.get("/v1/session?limit=1")).json()["results"][0]["id"]
        assert (await client.get(f"/v1/session/{id}")).status_code == 200
        for method, path in (
            ("POST", "/v1/session"),
            ("DELETE", f"/v1/session?id={id}"),
            ("PATCH", f"/v1/session/{id}"),
            ("DELETE", f"/v1/session/{id}"),
        ):
            answer = await client.request(method, path)
            assert refused(answer, 405)
            assert answer.headers["allow"] == "GET, HEAD"
        paths = (await client.get("/openapi.json")).json()["paths"]
        assert [[*path] for path in paths.values()] == [["get"], ["get"]]


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
        ({"Origin": "https://sessions.example.com"}, 200),
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


async def test_the_reference_page_loads_nothing_from_elsewhere(rest: Rest) -> None:
    # It works in closed networks, and tells nobody who reads it.
    async with rest() as client:
        page = await client.get("/docs")
        assert page.headers["content-type"].startswith("text/html")
        loaded = re.findall(r'(?:href|src)="([^"]*)"', page.text)
        assert "docs/docs.js" in loaded
        for path in loaded:
            if path != "data:,":
                asset = await client.get(f"/{path}")
                assert asset.status_code == 200
                assert asset.content
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "http" not in policy
        described = (await client.get("/openapi.json")).json()
    assert set(described["paths"]) == {"/v1/session", "/v1/session/{id}"}
