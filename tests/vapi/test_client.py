"""What is sent to Vapi and what becomes of its answers; test_faults has what can be wrong."""

import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from support.faulty_vapi import (
    SESSION,
    SILENT,
    FaultyVapi,
    Reply,
    Seen,
    reply,
    slow,
)
from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
    text,
)
from vapi_sessions_mcp import __version__
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract import operations
from vapi_sessions_mcp.contract.requests import GetRequest
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

KEY = "key-0123456789abcdef"
ARGUMENTS: dict[str, dict[str, Any]] = {
    LIST: {"limit": 1, "view": "full"},
    GET: {"id": "s-1"},
    CREATE: {"body": {"name": "a"}},
    UPDATE: {"id": "s-1", "body": {"name": "a"}},
    DELETE: {"id": "s-1"},
}
TOOLS = tuple(ARGUMENTS)


@asynccontextmanager
async def calling(upstream: str, *, era: str = "auto", **options: Any) -> AsyncGenerator[Client]:
    """A client of a server whose Vapi is at `upstream`, with little patience."""
    given: dict[str, Any] = {"api_key": KEY, "base_url": upstream, "timeout": 0.5, **options}
    settings = Settings(**given)
    with anyio.fail_after(20):
        async with Vapi(settings) as vapi:
            server = build_server(Sessions(vapi, settings), settings)
            async with Client(server, mode=era) as client:
                yield client


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
        f"Could not create the session in 3 tries: no connection to {netloc} (no answer within"
        " 0.2 s)."
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
    async with FaultyVapi(*[SILENT] * 5) as vapi, calling(vapi.url, era=era, timeout=600) as client:
        for count, tool in enumerate(TOOLS, start=1):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, tool, ARGUMENTS[tool])
                await vapi.until(lambda vapi: len(vapi.requests) == count)  # noqa: B023 - at once
                tasks.cancel_scope.cancel()
            await vapi.until(lambda vapi: vapi.hung_up == count)  # noqa: B023 - at once
        assert vapi.answered == 0
        after = await client.call_tool(GET, ARGUMENTS[GET])
    assert after.structured_content == SESSION


async def test_calls_share_a_connection_and_none_is_possible_once_it_is_closed() -> None:
    # Both faces of a server use one client, and its end is the end of both.
    async with FaultyVapi() as vapi:
        shared = Vapi(Settings(api_key=KEY, base_url=vapi.url))
        record = CallRecord(caller=Caller(api_key=KEY))
        async with shared:
            await shared.call(operations.GET, GetRequest(id="s-1"), record)
            await shared.call(operations.GET, GetRequest(id="s-1"), record)
            assert vapi.connections == 1
        with pytest.raises(RuntimeError, match="closed"):
            await shared.call(operations.GET, GetRequest(id="s-1"), record)
