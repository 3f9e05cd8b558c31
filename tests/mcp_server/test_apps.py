"""The session viewer as an MCP App: listed, read, bound to its tools, in the way of nothing."""

from typing import Any

import pytest
from mcp import Client
from mcp_types import TextResourceContents

from support.tools import CREATE, DELETE, GET, LIST, UPDATE
from support.upstream import Connect, Upstream

pytestmark = pytest.mark.anyio

VIEWER = "ui://sessions"
MIME_TYPE = "text/html;profile=mcp-app"
# Whatever a server may be set to, its viewer is there: hosts fetch it before anything is called.
SETTINGS: dict[str, dict[str, Any]] = {
    "as usual": {},
    "without a key": {"api_key": None},
    "only reading": {"read_only": True},
    "pinned to assistants": {"only_assistants": ("a-1", "a-2")},
    "pinned to a squad": {"only_squad": "s-1"},
    "masking people": {"mask_pii": True},
}


async def document(client: Client) -> TextResourceContents:
    [contents] = (await client.read_resource(VIEWER)).contents
    assert isinstance(contents, TextResourceContents)
    return contents


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
async def test_the_viewer_is_listed_and_read_under_every_setting(
    connect: Connect, upstream: Upstream, settings: dict[str, Any]
) -> None:
    # A host that cannot read it shows a blank frame where the answer was.
    async with connect(**settings) as client:
        [listed] = (await client.list_resources()).resources
        contents = await document(client)
    assert (listed.uri, listed.mime_type) == (contents.uri, contents.mime_type)
    assert (contents.uri, contents.mime_type) == (VIEWER, MIME_TYPE)
    assert contents.text.startswith("<!doctype html>")
    assert upstream.requests == []


async def test_the_viewer_asks_for_no_domain(connect: Connect) -> None:
    # By this a host makes its policy: nothing can be fetched from there, and nothing sent to it.
    async with connect() as client:
        contents = await document(client)
        [listed] = (await client.list_resources()).resources
    for meta in (contents.meta, listed.meta):
        assert meta
        csp = meta["ui"]["csp"]
        assert set(csp) == {"connectDomains", "resourceDomains", "frameDomains", "baseUriDomains"}
        assert not any(csp.values())


async def test_only_reading_tools_have_the_viewer(connect: Connect) -> None:
    # What changes something is shown as the host shows it: nobody should have to look elsewhere.
    async with connect() as client:
        tools = (await client.list_tools()).tools
    bound = {tool.name: tool.meta for tool in tools}
    ui = {"ui": {"resourceUri": VIEWER}}
    assert bound == {CREATE: None, LIST: ui, GET: ui, UPDATE: None, DELETE: None}


@pytest.mark.parametrize(
    ("names", "get", "list_"), [("full", GET, LIST), ("short", "get_session", "list_sessions")]
)
async def test_the_viewer_calls_the_tools_by_their_listed_names(
    connect: Connect, names: str, get: str, list_: str
) -> None:
    # Some hosts pass on only calls of tools that the server lists.
    async with connect(tool_names=names) as client:
        contents = await document(client)
        listed = {tool.name for tool in (await client.list_tools()).tools}
    assert f'data-get-tool="{get}" data-list-tool="{list_}"' in contents.text
    assert {get, list_} <= listed


async def test_the_server_says_that_it_has_an_app(connect: Connect, era: str) -> None:
    # Hosts of 2026-07-28 may look for it; the 2025 handshakes have no place, and go by the tools.
    async with connect() as client:
        capabilities = client.server_capabilities
    assert capabilities
    assert ("io.modelcontextprotocol/ui" in (capabilities.extensions or {})) == (era == "auto")
