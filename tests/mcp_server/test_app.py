"""What MCP over HTTP takes before the SDK sees it, and large answers past the SDK."""

import json
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from support.http_calls import message, tool_call
from support.judged import SETTINGS, asked, every_era
from support.refusals import refused
from support.tools import GET
from support.upstream import Upstream
from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.access.gate import Gate
from vapi_sessions_mcp.mcp_server.app import MCP, build_app
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio


async def answered(
    method: str,
    headers: dict[str, str],
    body: bytes = b"",
    *,
    session: Any = None,
    path: str = MCP,
) -> httpx2.Response:
    """What the app of MCP answers, with Vapi always answering `session`."""
    upstream = Upstream(httpx2.MockTransport(lambda _: httpx2.Response(200, json=session)))
    vapi = Vapi(SETTINGS, transport=upstream)
    server = build_server(Sessions(vapi, SETTINGS), SETTINGS)
    app = build_app(server, SETTINGS, Gate(SETTINGS, MCP))
    async with server.session_manager.run():
        return await asked(app, method, path, headers.items(), body)


async def called(era: str, arguments: dict[str, Any], *, session: Any = None) -> httpx2.Response:
    """What a call of get with these arguments is answered."""
    call = tool_call(era, GET)
    params = {**call["json"]["params"], "arguments": arguments}
    body = json.dumps({**call["json"], "params": params}).encode()
    return await answered("POST", call["headers"], body, session=session)


@every_era
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
async def test_mcp_takes_posts_and_nothing_else(method: str, era: str) -> None:
    # The SDK would hold a GET open for events, of which a stateless server has none.
    headers = {**tool_call(era, GET)["headers"], "Mcp-Session-Id": "1", "Last-Event-ID": "1"}
    answer = await answered(method, headers)
    assert refused(answer, 405) == f"Cannot {method} /mcp: there is POST."
    assert answer.headers["Allow"] == "POST"


@every_era
async def test_the_sdks_client_reads_why_its_request_was_refused(era: str) -> None:
    # Of a refusal that is no JSON-RPC error it said "Server returned an error response".
    settings = replace(SETTINGS, tokens=("token-of-somebody-0123456789",))
    vapi = Vapi(settings, transport=Upstream(httpx2.MockTransport(lambda _: httpx2.Response(500))))
    server = build_server(Sessions(vapi, settings), settings)
    app = build_app(server, settings, Gate(settings, MCP))
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app))
    async with server.session_manager.run():
        transport = streamable_http_client(f"http://localhost:8080{MCP}", http_client=http)
        said = pytest.RaisesExc(MCPError, match="^This server asks who calls: send a token")
        with pytest.RaisesGroup(said, flatten_subgroups=True):
            async with http, Client(transport, mode=era) as client:
                await client.list_tools()


@every_era
async def test_what_the_sdk_refuses_in_plain_text_is_refused_like_all_else(era: str) -> None:
    # Its client showed nothing of it.
    call = tool_call(era, GET)
    large = await answered("POST", call["headers"], b" " * (4 * 2**20 + 1))
    assert refused(large, 413) == "The body may have 4 MiB at most."
    form = {**call["headers"], "Content-Type": "application/x-www-form-urlencoded"}
    said = "The body must be JSON: send Content-Type: application/json."
    body = json.dumps(call["json"]).encode()
    assert refused(await answered("POST", form, body), 400) == said


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [("GET", "/nope", 404, "Not Found."), ("POST", "/health/live", 405, "Method Not Allowed.")],
)
async def test_elsewhere_it_is_refused_as_vapi_does(
    method: str, path: str, status: int, said: str
) -> None:
    # A program reads the status and the message from JSON, wherever it asks.
    answer = await answered(method, {}, path=path)
    assert refused(answer, status) == said
    assert ("Allow" in answer.headers) is (status == 405)


@every_era
async def test_a_body_of_too_many_values_is_refused_before_it_is_read(era: str) -> None:
    # Reading a million of them takes the SDK a second, in which all others wait.
    values = json_text.MAX_SENT_VALUES
    for count, status in ((values // 2, 200), (values, 413)):
        answer = await called(era, {"id": "s-1", "x": [1] * count})
        assert answer.status_code == status
    assert str(refused(answer, 413)).startswith("The body holds more than 250000 values")


LINES = [{"role": "user", "content": f'{number}: "Ünïcödé" 😀 \n'} for number in range(2_000)]


@every_era
@pytest.mark.parametrize("count", [1, 2_000])
async def test_an_answer_arrives_whole_however_large_it_is(era: str, count: int) -> None:
    # Large ones pass the SDK by, and no client may notice.
    session = {"id": "s-1", "messages": LINES[:count]}
    answer = await called(era, {"id": "s-1", "view": "full"}, session=session)
    result = message(answer)["result"]
    assert result["structuredContent"] == session
    assert json.loads(result["content"][0]["text"]) == session
    assert int(answer.headers.get("Content-Length", len(answer.content))) == len(answer.content)


TWICE = (
    b'{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"whisper": 1, "whisper": 2}}'
)
NO_MESSAGES: dict[str, tuple[bytes, int, Any]] = {
    "no JSON": (b"whisper", -32700, None),
    "cut off": (b'{"jsonrpc": "2.0", "id": 7, "method": "whisper"', -32700, None),
    "no UTF-8": (b'{"jsonrpc": "2.0", "id": 7, "method": "\xff"}', -32700, 7),
    "a batch": (b'[{"jsonrpc": "2.0", "id": 7, "method": "whisper"}]', -32600, None),
    "text": (b'"whisper"', -32600, None),
    "no version": (b'{"id": 7, "method": "whisper"}', -32600, 7),
    "no method": (b'{"jsonrpc": "2.0", "id": "seven", "whisper": 1}', -32600, "seven"),
    "an odd id": (b'{"jsonrpc": "2.0", "id": ["whisper"], "method": "a"}', -32600, None),
    "odd params": (b'{"jsonrpc": "2.0", "id": 7, "method": "a", "params": "whisper"}', -32600, 7),
    "an odd answer": (b'{"jsonrpc": "2.0", "id": 7, "result": "whisper"}', -32600, None),
    "a name twice": (TWICE, -32600, 7),
    "many digits": (b'{"jsonrpc": "2.0", "id": 7, "whisper": %s}' % (b"9" * 5_000), -32600, 7),
    "too deep": (b'{"jsonrpc": "2.0", "id": 7, "a": %s}' % (b"[" * 200 + b"]" * 200), -32600, 7),
}


@every_era
@pytest.mark.parametrize("name", NO_MESSAGES)
async def test_what_is_no_message_is_refused_by_its_id_and_not_repeated(
    name: str, era: str, caplog: pytest.LogCaptureFixture
) -> None:
    # The SDK answers with pydantic's account of it, values and all, and under no id.
    body, code, id = NO_MESSAGES[name]
    with caplog.at_level("INFO", "vapi_sessions_mcp.access"):
        answer = await answered("POST", tool_call(era, GET)["headers"], body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json")
    error = answer.json()["error"]
    assert answer.json() == {"jsonrpc": "2.0", "id": id, "error": error}
    assert error["code"] == code
    # The name that is there twice is what the caller has to look for.
    assert ("whisper" in error["message"]) is (name == "a name twice")
    [line] = [each for each in caplog.records if each.name == "vapi_sessions_mcp.access"]
    assert (line.getMessage(), vars(line)["fields"]) == ("refused", {"status": 400})


@every_era
async def test_a_byte_order_mark_and_half_a_character_do_not_matter(era: str) -> None:
    # Over stdio they are taken, and the same client speaks both.
    call = tool_call(era, GET)
    text = json.dumps({**call["json"], "x": "\ud83d"})
    answer = await answered(
        "POST", call["headers"], b"\xef\xbb\xbf" + text.encode(), session={"id": "s-1"}
    )
    assert not message(answer)["result"]["isError"]
