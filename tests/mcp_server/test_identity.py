"""Who the server says it is, and how long a host may keep what it lists."""

import base64
from typing import Any
from xml.etree import ElementTree

import pytest
from mcp_types import SERVER_INFO_META_KEY

from support.tools import GET, LIST
from support.upstream import Connect
from vapi_sessions_mcp import __version__

pytestmark = pytest.mark.anyio

HOUR = 3_600_000
WHOLE = {"name": "vapi-sessions-mcp", "version": __version__}


async def test_the_server_has_an_icon_a_description_and_a_website(connect: Connect) -> None:
    # A list of ten servers is told apart by these.
    async with connect() as client:
        info = client.server_info
    assert info is not None
    assert info.description
    assert "Vapi sessions" in info.description
    assert info.website_url == "https://docs.vapi.ai/chat/session-management"
    [icon] = info.icons or []
    kind, _, drawing = icon.src.partition(";base64,")
    assert (kind, icon.mime_type) == ("data:image/svg+xml", "image/svg+xml")
    assert len(icon.src) < 1_000
    picture = ElementTree.fromstring(base64.b64decode(drawing, validate=True))
    # A picture and nothing else: what could run or load anything is no part of it.
    assert [node.tag.rpartition("}")[2] for node in picture.iter()] == ["svg", "path"]
    assert set(picture.attrib) == {"viewBox"}


@pytest.mark.parametrize("era", ["auto"])
@pytest.mark.parametrize(
    ("options", "scope"),
    [
        ({}, "public"),
        ({"transports": ("http",), "tokens": ("t" * 16,)}, "private"),
        ({"transports": ("http",), "read_tokens": ("t" * 16,)}, "private"),
        ({"transports": ("http",), "auth": ("caller-key",)}, "private"),
    ],
    ids=["nobody is asked", "tokens", "read tokens", "keys"],
)
async def test_lists_say_how_long_they_may_be_kept_and_by_whom(
    connect: Connect, options: dict[str, Any], scope: str
) -> None:
    # A host that asks at every turn pays each time; one caller's tools are not another's.
    async with connect(**options) as client:
        tools = await client.list_tools()
        same = [
            await client.list_prompts(),
            await client.list_resources(),
            await client.list_resource_templates(),
        ]
    assert (tools.ttl_ms, tools.cache_scope) == (HOUR, scope)
    assert [(each.ttl_ms, each.cache_scope) for each in same] == [(HOUR, "public")] * 3


@pytest.mark.parametrize("era", ["auto"])
async def test_a_session_is_never_kept(connect: Connect) -> None:
    # The next message may be in it already.
    async with connect() as client:
        rows: Any = (await client.call_tool(LIST, {"limit": 1})).structured_content
        read = await client.read_resource(f"vapi-session://{rows['results'][0]['id']}")
    assert (read.ttl_ms, read.cache_scope) == (0, "private")


@pytest.mark.parametrize("era", ["auto"])
async def test_answers_name_the_server_and_do_not_carry_its_icon(connect: Connect) -> None:
    # The SDK would add it to each of them.
    async with connect() as client:
        results = [
            await client.list_tools(),
            await client.call_tool(LIST, {"limit": 1}),
            await client.call_tool(GET, {"id": "nobody"}),
            await client.list_prompts(),
        ]
    for result in results:
        assert (result.meta or {})[SERVER_INFO_META_KEY] == WHOLE


@pytest.mark.parametrize("era", ["legacy"])
async def test_earlier_versions_get_no_name_with_each_answer(connect: Connect) -> None:
    # They had it once, at the handshake.
    async with connect() as client:
        result = await client.call_tool(LIST, {"limit": 1})
    assert result.meta is None
