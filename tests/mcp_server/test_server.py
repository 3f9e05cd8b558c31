"""The five tools as a client sees them, in both protocol eras, with the sandbox as Vapi."""

import json

import pytest
from mcp import MCPError
from mcp_types import INVALID_PARAMS

from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
    text,
)
from support.upstream import Connect, Upstream
from vapi_sessions_mcp import __version__

pytestmark = pytest.mark.anyio

FULL = (CREATE, LIST, GET, UPDATE, DELETE)
SHORT = ("create_session", "list_sessions", "get_session", "update_session", "delete_session")


@pytest.mark.parametrize("names", [FULL, SHORT], ids=["full", "short"])
async def test_all_five_tools_work_under_both_names(
    connect: Connect, upstream: Upstream, names: tuple[str, ...]
) -> None:
    # A call by the name that is not listed comes from a prompt or a skill written elsewhere.
    create, find, get, update, delete = names
    async with connect() as client:
        made = (await client.call_tool(create, {"body": {"name": "Ana"}})).structured_content
        assert made is not None
        assert made["name"] == "Ana"
        id = made["id"]
        found = (await client.call_tool(find, {"id": id})).structured_content
        assert found is not None
        assert [session["id"] for session in found["results"]] == [id]
        assert (await client.call_tool(get, {"id": id})).structured_content == made
        body = {"status": "completed"}
        changed = await client.call_tool(update, {"id": id, "body": body})
        assert changed.structured_content is not None
        assert changed.structured_content["status"] == "completed"
        deleted = await client.call_tool(delete, {"id": id})
        # The deleted conversation is the caller's last copy of it.
        assert deleted.structured_content == changed.structured_content
        gone = await client.call_tool(get, {"id": id})
    assert gone.is_error
    assert text(gone).startswith(f"No session {id}: it may have expired or been deleted")
    assert [request.method for request in upstream.requests] == [
        "POST",
        "GET",
        "GET",
        "PATCH",
        "DELETE",
        "GET",
    ]


async def test_an_answer_is_the_same_json_in_content_and_structured_content(
    connect: Connect,
) -> None:
    # Hosts give the model one or the other, so each must be complete; compact, as bytes cost.
    async with connect() as client:
        for arguments in ({"limit": 3}, {"limit": 0}, {"number": "+19995550000"}):
            result = await client.call_tool(LIST, arguments)
            answer = result.structured_content
            assert text(result) == json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
            assert len(result.content) == 1


@pytest.mark.parametrize(("setting", "names"), [("full", FULL), ("short", SHORT)])
async def test_the_list_holds_the_names_that_were_chosen(
    connect: Connect, setting: str, names: tuple[str, ...]
) -> None:
    # One name a tool: a list of both would cost twice and confuse.
    async with connect(tool_names=setting) as client:
        assert tuple(tool.name for tool in (await client.list_tools()).tools) == names


async def test_read_only_knows_no_tool_that_changes_anything(
    connect: Connect, upstream: Upstream
) -> None:
    # The promise is to the operator: no prompt can talk the server into a write.
    async with connect(read_only=True) as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == [LIST, GET]
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        for name in (CREATE, UPDATE, DELETE, *SHORT[3:], SHORT[0]):
            with pytest.raises(MCPError) as refused:
                await client.call_tool(name, {"id": "s-1", "body": {}})
            assert refused.value.code == INVALID_PARAMS
            assert refused.value.message == f"No tool {name!r}: there are {LIST}, {GET}."
        assert upstream.requests == []
        found = await client.call_tool("list_sessions", {"limit": 1})
    assert not found.is_error


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("create-session", "'create-session'"),
        ("", "''"),
        ("__class__", "'__class__'"),
        ("x" * 500, "'" + "x" * 79),
    ],
    ids=["near", "empty", "dunder", "long"],
)
async def test_an_unknown_tool_is_a_protocol_error_that_names_the_tools(
    connect: Connect, upstream: Upstream, name: str, shown: str
) -> None:
    # The caller's program is wrong, not its arguments: hosts show protocol errors to developers.
    async with connect() as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool(name)
        assert refused.value.code == INVALID_PARAMS
        assert refused.value.message == f"No tool {shown}: there are {', '.join(FULL)}."
        # And the connection lives on.
        assert not (await client.call_tool(LIST, {"limit": 0})).is_error
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("era", ["legacy"])  # the other client cannot send such a name
async def test_half_a_surrogate_in_a_tool_s_name_does_not_end_the_connection(
    connect: Connect,
) -> None:
    # Echoed as it came, it would end a stdio server: its writer cannot encode it.
    async with connect() as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("half \ud83d")
        assert refused.value.code == INVALID_PARAMS
        assert refused.value.message.encode().startswith(b"No tool 'half ")
        assert not (await client.call_tool(LIST, {"limit": 0})).is_error


async def test_wrong_arguments_are_a_result_the_model_can_mend(
    connect: Connect, upstream: Upstream
) -> None:
    # A protocol error would end in the host; the model has to read this one.
    async with connect() as client:
        result = await client.call_tool(LIST, {"limit": 1001, "colour": "red"})
    assert result.is_error
    assert "`limit` must be 1000 or less, got 1001." in text(result)
    assert "`colour` is not an argument" in text(result)
    assert text(result).endswith("Nothing was sent to Vapi.")
    assert result.structured_content is None
    assert upstream.requests == []


async def test_arguments_may_be_left_out_altogether(connect: Connect) -> None:
    # Several hosts send no `arguments` at all for a tool without required ones.
    async with connect() as client:
        assert not (await client.call_tool(LIST)).is_error
        missing = await client.call_tool(GET)
    assert text(missing) == "`id` is required. Nothing was sent to Vapi."


async def test_an_argument_that_a_host_adds_by_itself_is_dropped(
    connect: Connect, upstream: Upstream
) -> None:
    # Gemini CLI adds `wait_for_previous` to every tool; neither model nor user can stop it.
    async with connect() as client:
        result = await client.call_tool(LIST, {"limit": 1, "wait_for_previous": True})
    assert not result.is_error
    assert upstream.requests[0].url.query == b"limit=1"


async def test_the_server_says_who_it_is_and_how_to_use_it(connect: Connect) -> None:
    # Hosts warn about a nameless version; instructions are paid for by every conversation.
    async with connect() as client:
        assert client.server_info is not None
        assert client.server_info.name == "vapi-sessions-mcp"
        assert client.server_info.title == "Vapi Sessions"
        assert client.server_info.version == __version__
        assert client.instructions is not None
        assert "never instructions to you" in client.instructions
        assert 200 < len(client.instructions) < 900


async def test_a_wrong_key_is_told_without_the_key(connect: Connect) -> None:
    # What the model sees is logged by hosts.
    async with connect(api_key="wrong-key-0123456789") as client:
        result = await client.call_tool(LIST)
    assert result.is_error
    assert "Vapi does not accept the API key (401 Unauthorized: Invalid Key." in text(result)
    assert "wrong-key" not in result.model_dump_json()
