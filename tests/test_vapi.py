"""What becomes of a call when Vapi, or the way to it, misbehaves: real sockets, real faults."""

import gzip
import json
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from conftest import CREATE, DELETE, GET, LIST, UPDATE, text
from faulty_vapi import (
    RESET,
    RESET_UNREAD,
    SESSION,
    SILENT,
    FaultyVapi,
    Reply,
    Seen,
    cut,
    reply,
    slow,
)
from vapi_sessions_mcp import __version__, operations
from vapi_sessions_mcp.models import GetRequest
from vapi_sessions_mcp.server import build_server
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi import Vapi

pytestmark = pytest.mark.anyio

KEY = "key-0123456789abcdef"
HTML = b"<html><head><title>Sorry</title></head><body>nginx</body></html>"
ARGUMENTS: dict[str, dict[str, Any]] = {
    LIST: {"limit": 1, "view": "full"},
    GET: {"id": "s-1"},
    CREATE: {"body": {"name": "a"}},
    UPDATE: {"id": "s-1", "body": {"name": "a"}},
    DELETE: {"id": "s-1"},
}
COULD_NOT = {
    LIST: "Could not list sessions: ",
    GET: "Could not get session s-1: ",
    CREATE: "Could not create the session: ",
    UPDATE: "Could not update session s-1: ",
    DELETE: "Could not delete session s-1: ",
}
AFTER_SENDING = {
    LIST: "Nothing was changed; call again in a minute.",
    GET: "Nothing was changed; call again in a minute.",
    CREATE: (
        "It may or may not have happened: list the sessions of the last minutes (createdAtGe)"
        " before you create it again."
    ),
    UPDATE: (
        "It may or may not have happened: get session s-1 and compare before you update it again."
    ),
    DELETE: (
        "It may or may not have happened: get session s-1: when it is not found, it was deleted."
    ),
}
TOOLS = tuple(ARGUMENTS)
WITH_ID = (GET, UPDATE, DELETE)

LOST = {
    "reset before reading": RESET_UNREAD,
    "reset after reading": RESET,
    "closed without a word": Reply(then="close"),
    "closed in the headers": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-", then="close"),
    "closed in the body": cut("close"),
    "reset in the body": cut("reset"),
    "content-length too long": replace(reply(content_length="999"), then="close"),
    "content-length not a number": reply(content_length="ten"),
    "chunks that are none": Reply(
        raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}", then="close"
    ),
    "not HTTP": Reply(raw=b"SSH-2.0-OpenSSH_9.6\r\n", then="close"),
}
SILENCE = {
    "no answer": SILENT,
    "half a header": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-", then="hang"),
    "half a body": cut("hang"),
}
GARBLED = {
    "empty": (reply(200, b""), "not JSON"),
    "no content": (Reply(raw=b"HTTP/1.1 204 No Content\r\n\r\n"), "not JSON"),
    "HTML": (reply(200, HTML, content_type="text/html"), "not JSON"),
    "content-length too short": (reply(content_length="7", connection="close"), "not JSON"),
    "not UTF-8": (reply(200, b'{"id": "\xff", "results": []}'), "not JSON"),
    "NaN": (reply(200, b'{"id": "s-1", "results": [], "cost": NaN}'), "not JSON"),
    "Infinity": (reply(200, b'{"id": "s-1", "results": [], "cost": -Infinity}'), "not JSON"),
    "nested beyond reason": (
        reply(200, b'{"id":' + b"[" * 9_999 + b"]" * 9_999 + b"}"),
        "not JSON",
    ),
    "a list": (reply(200, [SESSION]), "a promised field is missing"),
    "null": (reply(200, None), "a promised field is missing"),
    "a string": (reply(200, "s-1"), "a promised field is missing"),
    "another object": (reply(200, {"ok": True}), "a promised field is missing"),
    "an id that is no string": (
        reply(200, {"id": 1, "results": {}}),
        "a promised field is missing",
    ),
    "not gzip": (reply(content_encoding="gzip"), "it cannot be decompressed"),
}
FAILED = {
    "500 in JSON": (
        reply(500, {"message": "database on fire", "statusCode": 500}),
        "Vapi failed (500 Internal Server Error: database on fire).",
    ),
    "502 in HTML": (reply(502, HTML, content_type="text/html"), "Vapi failed (502 Bad Gateway)."),
    "503 empty": (reply(503, b""), "Vapi failed (503 Service Unavailable)."),
    "599 unheard of": (reply(599, ["no"]), "Vapi failed (599 unknown status)."),
}
REFUSED = {
    "400 with a list": (
        reply(400, {"message": ["name is too long", "status is odd"], "error": "Bad Request"}),
        "Vapi refused it (400 Bad Request: name is too long; status is odd)."
        " Change what it names and call again.",
    ),
    "401": (
        reply(401, {"message": "Invalid Key."}),
        "Vapi does not accept the API key (401 Unauthorized: Invalid Key.). Set VAPI_API_KEY to a"
        " private key from https://dashboard.vapi.ai/org/api-keys.",
    ),
    "403 in HTML": (
        reply(403, HTML, content_type="text/html"),
        "Vapi refused it (403 Forbidden). The key may lack access, or a firewall stands between.",
    ),
    "409 without words": (
        reply(409, {"message": None}),
        "Vapi refused it (409 Conflict). Change what it names and call again.",
    ),
    "429 with a wait": (
        reply(429, {"message": "Slow down"}, retry_after="7"),
        "too many requests (429 Too Many Requests: Slow down). Nothing was changed;"
        " call again in 7 s.",
    ),
    "429 with a strange wait": (
        reply(429, b"", retry_after="NaN"),
        "too many requests (429 Too Many Requests). Nothing was changed; call again in a minute.",
    ),
    "a message that is an object": (
        reply(422, {"message": {"deep": [1]}}),
        "Vapi refused it (422 Unprocessable Entity). Change what it names and call again.",
    ),
}


@asynccontextmanager
async def calling(upstream: str, *, era: str = "auto", **options: Any) -> AsyncGenerator[Client]:
    """A client of a server whose Vapi is at `upstream`, with little patience."""
    given: dict[str, Any] = {"api_key": KEY, "base_url": upstream, "timeout": 0.5, **options}
    settings = Settings(**given)
    with anyio.fail_after(20):
        async with Client(build_server(Vapi(settings), settings), mode=era) as client:
            yield client


async def tell(fault: Reply, tools: Sequence[str] = TOOLS) -> dict[str, str]:
    """What each of `tools` tells after `fault`: an error, from one request; the next call works."""
    told: dict[str, CallToolResult] = {}
    async with FaultyVapi(*[fault] * len(tools)) as vapi, calling(vapi.url) as client:

        async def call(tool: str) -> None:
            told[tool] = await client.call_tool(tool, ARGUMENTS[tool])

        with anyio.fail_after(2):
            async with anyio.create_task_group() as tasks:
                for tool in tools:
                    tasks.start_soon(call, tool)
        assert vapi.connections == len(tools)
        assert len(vapi.requests) == (0 if fault is RESET_UNREAD else len(tools))
        for tool, result in told.items():
            assert result.is_error
            assert KEY not in result.model_dump_json()
            assert "<" not in text(result)
            after = await client.call_tool(tool, ARGUMENTS[tool])
            assert after.structured_content == SESSION
        return {tool: text(result).replace(vapi.netloc, "HOST") for tool, result in told.items()}


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_connection_is_told_with_what_may_have_happened(fault: str) -> None:
    # A write resent by an agent that was told "failed" is the worst that can happen here.
    assert await tell(LOST[fault]) == {
        tool: f"{COULD_NOT[tool]}the connection to HOST was lost before the answer was complete."
        f" {AFTER_SENDING[tool]}"
        for tool in TOOLS
    }


@pytest.mark.parametrize("fault", SILENCE)
async def test_silence_ends_with_the_call_s_own_deadline(fault: str) -> None:
    # An agent that waits for ever is worse off than one that is told.
    assert await tell(SILENCE[fault]) == {
        tool: f"{COULD_NOT[tool]}HOST gave no answer within 0.5 s. {AFTER_SENDING[tool]}"
        for tool in TOOLS
    }


@pytest.mark.parametrize("fault", GARBLED)
async def test_an_answer_that_is_no_session_is_told_and_not_passed_on(fault: str) -> None:
    # Clients throw away a whole answer that breaks the output schema, with nothing for the model.
    raw, reason = GARBLED[fault]
    assert await tell(raw) == {
        tool: f"{COULD_NOT[tool]}the answer of HOST is not a session's JSON ({reason})."
        f" {AFTER_SENDING[tool]}"
        for tool in TOOLS
    }


@pytest.mark.parametrize("fault", FAILED)
async def test_a_failing_vapi_is_told_in_its_own_words_but_never_in_html(fault: str) -> None:
    # The words tell a person what to report; a proxy's HTML is noise a model pays for.
    raw, sentence = FAILED[fault]
    assert await tell(raw) == {
        tool: f"{COULD_NOT[tool]}{sentence} {AFTER_SENDING[tool]}" for tool in TOOLS
    }


@pytest.mark.parametrize("fault", REFUSED)
async def test_a_refusal_says_what_to_mend(fault: str) -> None:
    # A model can mend its arguments only by what the refusal names.
    raw, sentence = REFUSED[fault]
    assert await tell(raw) == {tool: f"{COULD_NOT[tool]}{sentence}" for tool in TOOLS}


async def test_a_session_that_is_gone_is_named_with_the_way_to_find_others() -> None:
    # Sessions expire after a day by default, so this is the error agents meet most.
    assert await tell(reply(404, {"message": "Not Found"}), WITH_ID) == dict.fromkeys(
        WITH_ID,
        "No session s-1: it may have expired or been deleted (404 Not Found: Not Found)."
        " List sessions to find its id.",
    )


async def test_a_404_without_an_id_points_at_the_base_url() -> None:
    # "No session" would be a lie where none was asked for: the address is wrong.
    fault = reply(404, {"message": "Cannot GET /sessions"})
    assert await tell(fault, (LIST, CREATE)) == {
        tool: f"{COULD_NOT[tool]}Vapi refused it (404 Not Found: Cannot GET /sessions)."
        " Check the base URL (VAPI_BASE_URL)."
        for tool in (LIST, CREATE)
    }


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 399])
async def test_a_redirect_is_told_and_never_followed(status: int) -> None:
    # Followed, it would hand the API key to whoever the other host is.
    async with FaultyVapi() as elsewhere:
        told = await tell(reply(status, b"", location=f"{elsewhere.url}/session"))
        assert elsewhere.connections == 0
    assert told == {
        tool: f"{COULD_NOT[tool]}HOST answered {status}, a redirect, which is never followed with"
        " the API key. Check the base URL (VAPI_BASE_URL)."
        for tool in TOOLS
    }


async def test_an_answer_past_32_mib_is_refused_while_it_arrives() -> None:
    # A few kilobytes of gzip can be unpacked into all the memory there is.
    packed = gzip.compress(json.dumps(SESSION).encode().ljust(33 * 2**20), 1)
    assert len(packed) < 2**20
    async with FaultyVapi(*[reply(200, packed, content_encoding="gzip")] * 5) as vapi:
        async with calling(vapi.url, timeout=10) as client:
            for tool in TOOLS:
                result = await client.call_tool(tool, ARGUMENTS[tool])
                assert text(result) == (
                    f"{COULD_NOT[tool]}the answer of {vapi.netloc} is not a session's JSON"
                    f" (more than 32 MiB). {AFTER_SENDING[tool]}"
                )
            after = await client.call_tool(GET, ARGUMENTS[GET])
        assert after.structured_content == SESSION


async def test_a_refused_connection_says_that_nothing_was_sent() -> None:
    # Here a write can be repeated safely, and only here.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        netloc = "{}:{}".format(*taken.getsockname())
    async with calling(f"http://{netloc}") as client:
        for tool in TOOLS:
            result = await client.call_tool(tool, ARGUMENTS[tool])
            assert result.is_error
            assert text(result).startswith(f"{COULD_NOT[tool]}no connection to {netloc} (")
            assert text(result).endswith(
                "). Nothing was sent; check the network and the base URL (VAPI_BASE_URL),"
                " then call again."
            )


async def test_a_connection_that_is_never_accepted_ends_with_the_connect_timeout() -> None:
    # A firewall that drops packets must not eat the whole call's time.
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for taken in (first, second):
            taken.setblocking(False)
            taken.connect_ex(full.getsockname())
        netloc = "{}:{}".format(*full.getsockname())
        async with calling(f"http://{netloc}", connect_timeout=0.2, timeout=5) as client:
            result = await client.call_tool(CREATE, ARGUMENTS[CREATE])
    assert text(result) == (
        f"Could not create the session: no connection to {netloc} (no answer within 0.2 s)."
        " Nothing was sent; check the network and the base URL (VAPI_BASE_URL), then call again."
    )


async def test_without_a_key_nothing_is_sent_and_the_error_says_where_to_get_one() -> None:
    # Registries and inspectors start the server without a key, and people forget it.
    async with FaultyVapi() as vapi, calling(vapi.url, api_key=None) as client:
        assert len((await client.list_tools()).tools) == 5
        for tool in TOOLS:
            result = await client.call_tool(tool, ARGUMENTS[tool])
            assert result.is_error
            assert "VAPI_API_KEY is not set, so nothing was sent to Vapi." in text(result)
            assert "https://dashboard.vapi.ai/org/api-keys" in text(result)
        assert vapi.connections == 0


async def test_a_key_that_vapi_echoes_reaches_nobody() -> None:
    # A model's context is logged, shared and trained on.
    faults = (
        reply(401, {"message": f"Invalid key {KEY}", "key": KEY}),
        reply(200, {**SESSION, "server": {"secret": KEY}}),
    )
    async with FaultyVapi(*faults * 5) as vapi, calling(vapi.url) as client:
        for tool in TOOLS:
            told = await client.call_tool(tool, ARGUMENTS[tool])
            answered = await client.call_tool(tool, ARGUMENTS[tool])
            assert "(401 Unauthorized: Invalid key ***)" in text(told)
            assert answered.structured_content == {**SESSION, "server": {"secret": "***"}}
            assert KEY not in told.model_dump_json() + answered.model_dump_json()


async def test_vapi_s_own_words_are_cut_where_they_stop_helping() -> None:
    # An error of a megabyte would fill a model's context.
    told = await tell(reply(400, {"message": "ab" * 5_000}), [LIST])
    assert told[LIST] == (
        f"{COULD_NOT[LIST]}Vapi refused it (400 Bad Request: {'ab' * 300}…)."
        " Change what it names and call again."
    )


async def test_half_a_surrogate_in_an_error_becomes_valid_text(era: str) -> None:
    # It would end a stdio server: its writer cannot encode it.
    fault = reply(400, {"message": "bad \ud83d"})
    async with FaultyVapi(fault) as vapi, calling(vapi.url, era=era) as client:
        told = await client.call_tool(LIST)
    assert "(400 Bad Request: bad �)" in text(told)


async def test_an_answer_arrives_as_vapi_sent_it(era: str) -> None:
    # Costs, ids and fields that Vapi adds tomorrow must not be touched on the way.
    raw = (
        b'{"id": "s-1", "results": [], "one": 1, "float": 1.0, "cost": 0.1, "tiny": 1e-7,'
        b' "long": 12345678901234567890, "huge": 1e999, "minus": -0.0, "nothing": null,'
        b' "deep": {"nothing": null, "list": [null, {}, [], ""]}, "new": {"a b": true},'
        b' "half": "a\\ud83d", "text": "\\u00e9 \\ud83d\\ude00 \\u2028 </script>"}'
    )
    async with FaultyVapi(reply(200, raw)) as vapi, calling(vapi.url, era=era) as client:
        result = await client.call_tool(GET, {"id": "s-1"})
    compact = (
        '{"id":"s-1","results":[],"one":1,"float":1.0,"cost":0.1,"tiny":1e-07,'
        '"long":12345678901234567890,"huge":"1e999","minus":-0.0,"nothing":null,'
        '"deep":{"nothing":null,"list":[null,{},[],""]},"new":{"a b":true},'
        '"half":"a�","text":"é 😀 \u2028 </script>"}'
    )
    assert not result.is_error
    assert text(result) == compact
    structured = json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"))
    assert structured == compact


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_2xx_with_a_session_is_an_answer(status: int) -> None:
    # Vapi creates with 201, its documentation says 200 in places.
    async with FaultyVapi(reply(status, {"id": "s-2"})) as vapi, calling(vapi.url) as client:
        result = await client.call_tool(CREATE, ARGUMENTS[CREATE])
    assert not result.is_error
    assert result.structured_content == {"id": "s-2"}


async def test_a_request_carries_the_key_our_name_and_a_type_only_with_a_body() -> None:
    # Vapi's support finds us by the User-Agent; a body without its type is not read.
    async with FaultyVapi() as vapi, calling(vapi.url) as client:
        for tool in TOOLS:
            await client.call_tool(tool, ARGUMENTS[tool])
    sent = [(seen.method, seen.path, seen.headers["content-type"]) for seen in vapi.requests]
    assert sent == [
        ("GET", "/session?limit=1", None),
        ("GET", "/session/s-1", None),
        ("POST", "/session", "application/json"),
        ("PATCH", "/session/s-1", "application/json"),
        ("DELETE", "/session/s-1", None),
    ]
    assert [seen.body for seen in vapi.requests] == [b"", b"", *[b'{"name":"a"}'] * 2, b""]
    for seen in vapi.requests:
        assert seen.headers["authorization"] == f"Bearer {KEY}"
        assert seen.headers["user-agent"] == f"vapi-sessions-mcp/{__version__}"
        assert seen.headers["accept"] == "application/json"
        assert seen.headers["host"] == vapi.netloc
    # One connection for all: each new one costs a TLS handshake.
    assert vapi.connections == 1


@pytest.mark.parametrize("base", ["/proxy/vapi", "/proxy/vapi/"])
async def test_a_base_url_s_path_comes_before_ours(base: str) -> None:
    # Gateways and the official SDK's sandbox serve Vapi below a prefix.
    async with FaultyVapi() as vapi, calling(vapi.url + base) as client:
        await client.call_tool(GET, {"id": "s-1"})
        await client.call_tool(LIST)
    assert [seen.path for seen in vapi.requests] == [
        "/proxy/vapi/session/s-1",
        "/proxy/vapi/session",
    ]


async def test_a_cookie_of_vapi_s_is_not_kept() -> None:
    # It would go along with the calls of everybody else.
    async with FaultyVapi(reply(set_cookie="who=me")) as vapi, calling(vapi.url) as client:
        await client.call_tool(GET, {"id": "s-1"})
        await client.call_tool(GET, {"id": "s-1"})
    assert [seen.headers.get("cookie") for seen in vapi.requests] == [None, None]


async def test_ten_calls_at_once_get_their_own_answers(era: str) -> None:
    # One slow answer must hold up no other, and none may be swapped.
    def by_path(seen: Seen) -> Reply:
        return slow(reply(200, {"id": seen.path.rpartition("/")[2]}))

    answers: dict[str, CallToolResult] = {}
    async with (
        FaultyVapi(*[by_path] * 10) as vapi,
        calling(vapi.url, era=era, timeout=10) as client,
    ):

        async def get(id: str) -> None:
            answers[id] = await client.call_tool(GET, {"id": id})

        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(get, f"s-{number}")
            await vapi.until(lambda vapi: len(vapi.requests) == 10)
            vapi.release(10)
    assert len(answers) == 10
    assert {id: got.structured_content for id, got in answers.items()} == {
        id: {"id": id} for id in answers
    }


async def test_a_cancelled_call_hangs_up_on_vapi(era: str) -> None:
    # Nobody waits for the answer any more, and Vapi can stop working on it.
    async with FaultyVapi(*[SILENT] * 5) as vapi, calling(vapi.url, era=era, timeout=30) as client:
        for count, tool in enumerate(TOOLS, start=1):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, tool, ARGUMENTS[tool])
                await vapi.until(lambda vapi: len(vapi.requests) == count)  # noqa: B023 - at once
                tasks.cancel_scope.cancel()
            await vapi.until(lambda vapi: vapi.hung_up == count, within=1)  # noqa: B023 - at once
        assert vapi.answered == 0
        after = await client.call_tool(GET, ARGUMENTS[GET])
    assert after.structured_content == SESSION


async def test_the_first_of_two_users_to_leave_does_not_hang_up_on_the_other() -> None:
    # Over HTTP several lifespans may share one Vapi.
    async with FaultyVapi() as vapi:
        shared = Vapi(Settings(api_key=KEY, base_url=vapi.url))
        async with shared:
            async with shared:
                await shared.call(operations.GET, GetRequest(id="s-1"))
            await shared.call(operations.GET, GetRequest(id="s-1"))
            assert vapi.connections == 1


async def test_a_call_outside_async_with_is_a_programming_error() -> None:
    # Without it the HTTP client would be opened and never closed.
    with pytest.raises(RuntimeError, match="async with"):
        await Vapi(Settings(api_key=KEY)).call(operations.GET, GetRequest(id="s-1"))
