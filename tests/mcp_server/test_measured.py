"""Messages of MCP as OpenTelemetry's conventions have them, in both eras."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import httpx2
import pytest
from mcp import Client, MCPError

from support.metered import Labels, Metered
from support.sandbox import SAMPLES, stopped
from support.tools import GET, LIST, text
from support.upstream import Upstream
from support.webhooks import taking
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.mcp_server.subscriptions import Subscriptions
from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

ID = SAMPLES[0]["id"]
VERSION = {"legacy": "2025-11-25", "auto": "2026-07-28"}


@pytest.fixture
def metered() -> Metered:
    return Metered()


@asynccontextmanager
async def connected(
    metered: Metered, upstream: httpx2.AsyncBaseTransport, era: str
) -> AsyncGenerator[Client]:
    """A client of a server that reports."""
    settings = Settings(api_key=SANDBOX_KEY, base_url="http://localhost:9")
    vapi = Vapi(settings, transport=upstream, clock=stopped, telemetry=metered.telemetry)
    server = build_server(Sessions(vapi, settings), settings)
    with anyio.fail_after(20):
        async with Client(server, mode=era) as client:
            yield client


def operations(metered: Metered, method: str) -> list[Labels]:
    """The labels of the messages of a method, without those that all have."""
    found: list[Labels] = []
    for labels, _ in metered.series("mcp_server_operation_duration_seconds_count"):
        if labels.pop("mcp_method_name") == method:
            assert labels.pop("network_transport") == "pipe"
            found.append(labels)
    return found


async def test_a_call_is_counted_by_its_tool(
    metered: Metered, upstream: Upstream, era: str
) -> None:
    # By both names: dashboards that are made for MCP servers, and ours, which has REST too.
    async with connected(metered, upstream, era) as client:
        answer = await client.call_tool(GET, {"id": ID})
    version = VERSION[era]
    [labels] = operations(metered, "tools/call")
    assert labels == {
        "mcp_protocol_version": version,
        "gen_ai_operation_name": "execute_tool",
        "gen_ai_tool_name": GET,
    }
    assert metered.series("vapi_sessions_call_duration_seconds_count") == [
        ({"tool": "get_session"}, 1)
    ]
    size = len(text(answer).encode())
    assert metered.series("vapi_sessions_answered_bytes_total") == [({"tool": "get_session"}, size)]


async def test_errors_are_counted_by_kind(metered: Metered, upstream: Upstream, era: str) -> None:
    # What a model did wrong, and what this server did, are nothing for the same people.
    async with connected(metered, upstream, era) as client:
        await client.call_tool(GET, {"id": "no/id"})
        await client.call_tool(GET, {"id": "00000000-0000-4000-8000-000000000000"})
        with pytest.raises(MCPError):
            await client.call_tool("+14155550123", {})
    assert [
        (labels["gen_ai_tool_name"], labels["error_type"])
        for labels in operations(metered, "tools/call")
    ] == [(GET, "tool_error"), ("_OTHER", "-32602")]
    assert metered.series("vapi_sessions_call_duration_seconds_count") == [
        ({"tool": "get_session", "error_type": "BadArguments"}, 1),
        ({"tool": "get_session", "error_type": "NotFound"}, 1),
    ]
    assert metered.series("vapi_sessions_answered_bytes_total") == []


async def test_prompts_and_resources_are_counted_without_what_they_are_about(
    metered: Metered, upstream: Upstream, era: str
) -> None:
    # A session's id is in the URI that is read, and a number among a prompt's arguments.
    async with connected(metered, upstream, era) as client:
        await client.read_resource(f"vapi-session://{ID}")
        await client.get_prompt("prepare_call", {"number": "+14155550123"})
        with pytest.raises(MCPError):
            await client.get_prompt("+14155550123", {})
    page = metered.text()
    assert ID not in page
    assert "14155550123" not in page
    [read] = operations(metered, "resources/read")
    assert read == {"mcp_protocol_version": VERSION[era]}
    assert [
        (labels["gen_ai_prompt_name"], labels.get("error_type"))
        for labels in operations(metered, "prompts/get")
    ] == [("prepare_call", None), ("_OTHER", "-32602")]
    # A resource is read like a session that is got.
    assert metered.series("vapi_sessions_call_duration_seconds_count") == [
        ({"tool": "get_session"}, 1)
    ]


async def test_a_call_is_in_flight_until_it_ends_or_its_caller_leaves(
    metered: Metered, era: str
) -> None:
    # What an autoscaler goes by must come back to nothing.
    begun = anyio.Event()

    class Silent(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            begun.set()
            await anyio.sleep_forever()
            raise AssertionError

    def in_flight() -> float:
        [(labels, value)] = metered.series("vapi_sessions_calls_active")
        assert labels == {}
        return value

    assert in_flight() == 0
    async with connected(metered, Silent(), era) as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(client.call_tool, LIST)
            await begun.wait()
            assert in_flight() == 1
            calls.cancel_scope.cancel()
        while in_flight():
            await anyio.lowlevel.checkpoint()
    assert metered.series("vapi_sessions_call_duration_seconds_count") == [
        ({"tool": "list_sessions", "error_type": "CancelledError"}, 1)
    ]
    [labels] = operations(metered, "tools/call")
    assert labels["error_type"] == "CancelledError"


async def test_a_stream_is_no_call_and_its_client_ends_it_well(metered: Metered) -> None:
    # Autoscaling goes by calls, and a stream that is closed every 15 minutes is nobody's fault.
    settings = taking()
    vapi = Vapi(settings, telemetry=metered.telemetry)
    server = build_server(Sessions(vapi, settings), settings)
    Subscriptions(lambda _: lambda: None).serve_on(server)
    with anyio.fail_after(20):
        async with Client(server, mode="2026-07-28") as client:
            async with client.listen(resources_list_changed=True):
                assert metered.series("vapi_sessions_calls_active") == [({}, 0)]
                assert operations(metered, "subscriptions/listen") == []
            while not (ended := operations(metered, "subscriptions/listen")):
                await anyio.lowlevel.checkpoint()
    assert ended == [{"mcp_protocol_version": "2026-07-28"}]


async def test_a_stream_that_is_refused_is_an_error(metered: Metered) -> None:
    # Subscribers who are turned away are what somebody has to hear of.
    settings = taking()
    vapi = Vapi(settings, telemetry=metered.telemetry)
    server = build_server(Sessions(vapi, settings), settings)
    Subscriptions(lambda _: lambda: None, most=0).serve_on(server)
    with anyio.fail_after(20):
        async with Client(server, mode="2026-07-28") as client:
            with pytest.raises(MCPError):
                async with client.listen(resources_list_changed=True):
                    raise AssertionError
    [labels] = operations(metered, "subscriptions/listen")
    assert labels["error_type"] == "-32603"


async def test_a_server_that_reports_to_nobody_measures_no_message(
    upstream: Upstream,
) -> None:
    # It would build a dozen strings for each message, for nothing.
    settings = Settings(api_key=SANDBOX_KEY)
    metered = Metered()
    silent = build_server(Sessions(Vapi(settings, transport=upstream), settings), settings)
    vapi = Vapi(settings, transport=upstream, telemetry=metered.telemetry)
    reporting = build_server(Sessions(vapi, settings), settings)
    assert len(reporting.middleware) == len(silent.middleware) + 1
