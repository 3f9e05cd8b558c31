"""Calls of the 2025 versions over HTTP, served as one exchange each."""

import json
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import mcp_types as types
import pytest
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import NoBackChannelError

from support.http_calls import LEGACY, message, request
from support.judged import SETTINGS, asked
from support.tools import GET, LIST
from support.upstream import Upstream
from vapi_sessions_mcp.access.bodies import MESSAGE_KEY, BodyGuard
from vapi_sessions_mcp.access.gate import SCOPE_KEY, Gate
from vapi_sessions_mcp.access.guard import Guard, allowed_names
from vapi_sessions_mcp.caller import owner
from vapi_sessions_mcp.mcp_server.app import MCP, build_app
from vapi_sessions_mcp.mcp_server.boundary import Context
from vapi_sessions_mcp.mcp_server.exchanges import PING, Exchanges
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

ROWS = [{"id": f"s-{n}", "createdAt": f"2026-01-01T10:00:0{n}.000Z"} for n in range(3)]
PAGE = {"results": ROWS, "metadata": {"currentPage": 1, "totalPages": 1, "totalItems": 3}}
FORM: dict[str, Any] = {"type": "object", "properties": {}}
SCAN: dict[str, Any] = {"contains": "nothing of it"}
EVENTS = "text/event-stream"


def answers(request: httpx2.Request) -> httpx2.Response:
    """A session, or the list of three."""
    found = {"id": "s-1", "status": "active"} if request.url.path.endswith("s-1") else PAGE
    return httpx2.Response(200, json=found)


async def posted(
    sent: dict[str, Any],
    version: str | None = "2025-11-25",
    *,
    by_sdk: bool = False,
) -> httpx2.Response:
    """What the server answers to a message, or with `by_sdk` the SDK's own app."""
    vapi = Vapi(SETTINGS, transport=Upstream(httpx2.MockTransport(answers)))
    server = build_server(Sessions(vapi, SETTINGS), SETTINGS)
    app, gate = build_app(server, SETTINGS, Gate(SETTINGS, MCP)), Gate(SETTINGS, MCP)
    if by_sdk:
        names = allowed_names(SETTINGS)
        own = server.streamable_http_app(stateless_http=True, transport_security=names)
        app = Guard(BodyGuard(own, MCP, gate, []), SETTINGS, gate)
    headers = {name: value for name, value in LEGACY.items() if name != "MCP-Protocol-Version"}
    if version:
        headers["MCP-Protocol-Version"] = version
    async with server.session_manager.run():
        return await asked(app, "POST", MCP, headers.items(), json.dumps(sent).encode())


CALLS: dict[str, dict[str, Any]] = {
    "a session": {"name": GET, "arguments": {"id": "s-1"}},
    "a list": {"name": LIST, "arguments": {}},
    "a scan": {"name": LIST, "arguments": SCAN},
    "wrong arguments": {"name": GET, "arguments": {"ID": 1}},
    "no arguments": {"name": LIST},
    "no tool of ours": {"name": "whisper", "arguments": {}},
    "no name": {"arguments": {}},
    "arguments of a wrong type": {"name": GET, "arguments": [1]},
    "metadata": {"name": GET, "arguments": {"id": "s-1"}, "_meta": {"progressToken": 7}},
}


@pytest.mark.parametrize("version", [None, "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
@pytest.mark.parametrize("name", CALLS)
async def test_a_call_is_answered_as_the_sdk_does(name: str, version: str | None) -> None:
    # Only the way to the handler is another one.
    sent = request("tools/call", **CALLS[name])
    ours, its = await posted(sent, version), await posted(sent, version, by_sdk=True)
    assert message(ours) == message(its)
    assert ours.headers["Content-Type"] == "application/json"
    assert ours.headers["Content-Length"] == str(len(ours.content))


async def test_a_call_without_params_is_the_caller_s_mistake() -> None:
    # JSON-RPC lets them be left out.
    sent = {"jsonrpc": "2.0", "id": "seven", "method": "tools/call"}
    ours, its = await posted(sent), await posted(sent, by_sdk=True)
    assert message(ours) == message(its)
    assert (message(ours)["id"], message(ours)["error"]["code"]) == ("seven", -32602)


@pytest.mark.parametrize("token", [7, "seven"])
async def test_a_scan_reports_its_progress_to_whoever_asks_for_it(token: int | str) -> None:
    # It can take most of a minute, in which a client would give up.
    meta = {"progressToken": token}
    sent = request("tools/call", name=LIST, arguments=SCAN, _meta=meta)
    ours, its = await posted(sent), await posted(sent, by_sdk=True)
    assert (ours.headers["Content-Type"], ours.headers["X-Accel-Buffering"]) == (EVENTS, "no")
    told, answer = events(ours), message(ours)
    assert told == events(its)
    assert told[-1] == answer == message(its)
    assert [each["params"]["progressToken"] for each in told[:-1]] == [token]


def events(response: httpx2.Response) -> list[Any]:
    """The messages in an event stream."""
    lines = response.text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]


async def test_a_call_without_an_id_is_no_call() -> None:
    # Nobody would get its answer.
    call = {"jsonrpc": "2.0", "method": "tools/call", "params": CALLS["a session"]}
    answer = await posted(call)
    assert (answer.status_code, answer.content) == (202, b"")


async def test_nobody_is_asked_in_an_exchange() -> None:
    # The answer would come with another request, which may reach another process.
    async def ask(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        with pytest.raises(NoBackChannelError):
            await ctx.session.elicit_form("Sure?", FORM, ctx.request_id)
        return types.CallToolResult(content=[])

    server: Server[Any] = Server("asks", on_call_tool=ask)
    sent = await exchanged(server, request("tools/call", name="any"))
    assert json.loads(sent[-1]["body"])["result"]["content"] == []


async def test_a_call_that_takes_long_keeps_its_connection_in_use() -> None:
    # A proxy drops one on which nothing is sent for a minute.
    pinged, sent = anyio.Event(), list[dict[str, Any]]()

    async def slow(request: httpx2.Request) -> httpx2.Response:
        await pinged.wait()
        return answers(request)

    vapi = Vapi(SETTINGS, transport=httpx2.MockTransport(slow))
    server = build_server(Sessions(vapi, SETTINGS), SETTINGS)

    await exchanged(server, request("tools/call", **CALLS["a session"]), sent, pinged)
    assert sent[1] == {"type": "http.response.body", "body": PING, "more_body": True}
    assert sent[-1]["body"].startswith(b"event: message\r\ndata: {")


@pytest.mark.parametrize("steps", range(30))
async def test_a_client_that_reads_slowly_gets_one_whole_answer(steps: int) -> None:
    # A comment came before the headers, a second time with headers, or behind the answer.
    async def call(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        return types.CallToolResult(content=[])

    server: Server[Any] = Server("answers", on_call_tool=call)
    sent = await exchanged(server, request("tools/call", name="any"), ping=0, pace=20)
    assert [part["type"] for part in sent] == [
        "http.response.start",
        *["http.response.body"] * (len(sent) - 1),
    ]
    assert [part.get("more_body") for part in sent[1:]] == [*[True] * (len(sent) - 2), None]
    assert json.loads(sent[-1]["body"].rpartition(b"data: ")[2])["result"]["content"] == []


async def test_a_client_that_is_gone_is_sent_nothing() -> None:
    # Its call is cancelled, and nobody reads what would come of it.
    async def call(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        await anyio.sleep_forever()
        raise AssertionError

    server: Server[Any] = Server("waits", on_call_tool=call)
    assert await exchanged(server, request("tools/call", name="any"), ping=600, leaves=True) == []


async def exchanged(
    server: Server[Any],
    call: dict[str, Any],
    sent: list[dict[str, Any]] | None = None,
    pinged: anyio.Event | None = None,
    *,
    ping: float = 0.01,
    pace: int = 0,
    leaves: bool = False,
) -> list[dict[str, Any]]:
    """What is sent for a call, besides `sent`; `pinged` is set after the second ping.

    The client takes `pace` turns of the event loop to read a part, and may leave at once.
    """
    parts = [] if sent is None else sent

    async def receive() -> dict[str, Any]:
        if not leaves:
            await anyio.sleep_forever()
        return {"type": "http.disconnect"}

    async def send(part: Any) -> None:
        for _ in range(pace):
            await anyio.lowlevel.checkpoint()
        parts.append(part)
        if pinged and len([each for each in parts if each.get("body") == PING]) == 2:
            pinged.set()

    scope = {
        "type": "http",
        "method": "POST",
        "path": MCP,
        "headers": [(b"content-type", b"application/json")],
        SCOPE_KEY: owner(SETTINGS),
        MESSAGE_KEY: call,
    }
    with anyio.fail_after(20):
        await Exchanges(unused, server, ping=ping)(scope, receive, send)
    return parts


async def unused(*_: Any) -> None:
    """The SDK's app, to which nothing is passed on."""
    raise AssertionError
