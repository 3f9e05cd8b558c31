"""What nobody foresaw reaches a client as a sentence, and the log as a reason: never as words."""

import logging
import re
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.server.lowlevel import Server
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    ListToolsResult,
    ResourceTemplateReference,
    Tool,
)

from support.broken import WORDS, Breaking, faults
from support.tools import CREATE, DELETE, GET, LIST, UPDATE, text
from support.upstream import Connect, Upstream
from vapi_sessions_mcp.mcp_server.boundary import guarded

pytestmark = pytest.mark.anyio

FAILED = "something in this server failed; its log says more."
MAY = "It may or may not have happened"
TOLD: list[tuple[str, dict[str, Any], str]] = [
    (LIST, {}, f"Could not list sessions: {FAILED} Nothing was changed."),
    (GET, {"id": "s-1"}, f"Could not get session s-1: {FAILED} Nothing was changed."),
    (
        CREATE,
        {"body": {}},
        f"Could not create the session: {FAILED} {MAY}: list the sessions of the last minutes"
        " (createdAtGe) before you create it again.",
    ),
    (
        UPDATE,
        {"id": "s-1", "body": {"name": "a"}},
        f"Could not update session s-1: {FAILED} {MAY}: get session s-1 and compare before you"
        " update it again.",
    ),
    (
        DELETE,
        {"id": "s-1"},
        f"Could not delete session s-1: {FAILED} {MAY}: get session s-1: when it is not found, it"
        " was deleted.",
    ),
]


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All that is logged."""
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.mark.parametrize(("tool", "arguments", "told"), TOLD)
async def test_a_tool_that_fails_unforeseen_says_so_and_what_to_find_out(
    connect: Connect,
    upstream: Upstream,
    log: pytest.LogCaptureFixture,
    tool: str,
    arguments: dict[str, Any],
    told: str,
) -> None:
    # A protocol error ends many agents' turns; a change that may have been made must not be resent.
    upstream.answers = Breaking()
    async with connect() as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert (len(result.content), text(result)) == (1, told)
    [fault] = faults(log.records)
    assert fault["exception"] == "TypeError"
    assert re.fullmatch(r"vapi_sessions_mcp\.vapi\.client:[0-9]+", fault["at"])
    assert WORDS not in log.text
    assert "Traceback" not in log.text


async def test_a_resource_that_fails_unforeseen_is_an_internal_error(
    connect: Connect, upstream: Upstream, log: pytest.LogCaptureFixture
) -> None:
    # In the 2025 versions it was an error of code 0 with the exception's text.
    upstream.answers = Breaking()
    async with connect() as client:
        with pytest.raises(MCPError) as raised:
            await client.read_resource("vapi-session://s-1")
        recent = await client.complete(
            ResourceTemplateReference(uri="vapi-session://{id}"), {"name": "id", "value": ""}
        )
    assert raised.value.error.code == INTERNAL_ERROR
    assert raised.value.error.message == TOLD[1][2]
    assert recent.completion.values == []
    assert [fault["exception"] for fault in faults(log.records)] == ["TypeError"] * 2
    assert WORDS not in log.text


class Wrong(ValueError):
    """A mistake of ours."""


@pytest.mark.parametrize(
    "wrong", [Wrong(WORDS), KeyError(WORDS), ExceptionGroup("", [Wrong(WORDS)])]
)
async def test_any_handler_that_fails_is_an_internal_error_without_words(
    era: str, log: pytest.LogCaptureFixture, wrong: Exception
) -> None:
    # Lists and prompts touch nothing that can fail, until somebody changes them.
    async def list_tools(ctx: Any, params: Any) -> ListToolsResult:
        raise wrong

    async with Client(Server("server", on_list_tools=guarded(list_tools)), mode=era) as client:
        with pytest.raises(MCPError) as raised:
            await client.list_tools()
    assert raised.value.error.code == INTERNAL_ERROR
    assert raised.value.error.message == "Something in this server failed; its log says more."
    [fault] = faults(log.records)
    assert fault["exception"] == ("KeyError" if isinstance(wrong, KeyError) else "Wrong")
    assert WORDS not in log.text


async def test_a_result_that_we_cannot_make_is_no_mistake_of_the_client_s(era: str) -> None:
    # The SDK answers a pydantic error with "Invalid request parameters", whoever made it.
    async def list_tools(ctx: Any, params: Any) -> ListToolsResult:
        return ListToolsResult(tools=[Tool.model_validate({"name": 5})])

    async with Client(Server("server", on_list_tools=guarded(list_tools)), mode=era) as client:
        with pytest.raises(MCPError) as raised:
            await client.list_tools()
    assert raised.value.error.code == INTERNAL_ERROR


async def test_an_error_of_the_protocol_passes(era: str, log: pytest.LogCaptureFixture) -> None:
    # It was made for the client.
    async def list_tools(ctx: Any, params: Any) -> ListToolsResult:
        raise MCPError(INVALID_PARAMS, "No such page.")

    async with Client(Server("server", on_list_tools=guarded(list_tools)), mode=era) as client:
        with pytest.raises(MCPError, match=r"No such page\."):
            await client.list_tools()
    assert faults(log.records) == []


async def test_cancellation_passes_untouched(log: pytest.LogCaptureFixture) -> None:
    # Swallowed, it would keep a request alive that nobody waits for.
    ended: list[str] = []

    async def wait(ctx: Any, params: Any) -> ListToolsResult:
        try:
            await anyio.sleep_forever()
        except BaseException as exc:
            ended.append(type(exc).__name__)
            raise
        raise AssertionError

    async with anyio.create_task_group() as tasks:
        context: Any = None
        tasks.start_soon(guarded(wait), context, None)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert ended == ["CancelledError"]
    assert faults(log.records) == []
