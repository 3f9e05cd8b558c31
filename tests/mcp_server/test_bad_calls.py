"""Whatever a tool is called with: an answer, and nothing at Vapi that is not whole."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import anyio
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_PARAMS, jsonrpc_message_adapter

from support.arguments import Given, every_operation
from support.hostile import Echo, arguments, check_sent, strict, tool_names
from support.judged import PATIENCE, SETTINGS, every_era, failed
from support.stdio_calls import INITIALIZED, initialize, legacy, modern
from support.tools import CREATE, GET, LIST
from support.upstream import Upstream
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.unmeasured

Ask: TypeAlias = Callable[..., Awaitable[Given]]


@asynccontextmanager
async def connected(era: str) -> AsyncGenerator[tuple[Ask, Upstream]]:
    """What asks a server as a transport does, where no client library mends the frames first."""
    upstream = Upstream(httpx2.MockTransport(Echo()))
    server = build_server(Sessions(Vapi(SETTINGS, transport=upstream), SETTINGS), SETTINGS)
    options = server.create_initialization_options()
    with anyio.fail_after(PATIENCE):
        async with (
            create_client_server_memory_streams() as ((answers, frames), ends),
            anyio.create_task_group() as tasks,
        ):

            async def send(frame: Given) -> None:
                await frames.send(SessionMessage(jsonrpc_message_adapter.validate_python(frame)))

            async def ask(method: str, **params: Any) -> Given:
                await send((legacy if era == "legacy" else modern)(1, method, **params))
                answer = await answers.receive()
                assert isinstance(answer, SessionMessage)
                return strict(answer.message.model_dump_json(exclude_unset=True).encode())

            tasks.start_soon(server.run, *ends, options)
            if era == "legacy":
                handshake = initialize(0, "2025-11-25")["params"]
                assert "result" in await ask("initialize", **handshake)
                await send(INITIALIZED)
            yield ask, upstream
            await frames.aclose()


async def called(era: str, tool: str, given: Given) -> tuple[Given, list[httpx2.Request]]:
    """What a call answers and what reached Vapi, on a connection that then serves a good one."""
    async with connected(era) as (ask, upstream):
        answer = await ask("tools/call", name=tool, arguments=given)
        sent = [*upstream.requests]
        good = await ask("tools/call", name=LIST, arguments={"limit": 1})
        assert not failed(good)
    return answer, sent


@every_era
@every_operation
@given(data=st.data())
def test_any_arguments_get_an_answer_and_reach_vapi_whole_or_not_at_all(
    operation: Operation, era: str, data: st.DataObject
) -> None:
    # A model can write anything, and with the key in hand we would send it.
    answer, sent = anyio.run(called, era, operation.name, data.draw(arguments(operation)))
    result = answer["result"]
    said = result["content"][0]["text"]
    if result["isError"]:
        assert sent == []
        assert said.endswith("Nothing was sent to Vapi.")
        assert len(said) < 8_000
    else:
        assert sent
        assert isinstance(strict(said.encode()), dict)
    for request in sent:
        check_sent(request)


@every_era
@given(name=tool_names)
@example(name="__class__")
@example(name="x" * 100_000)
def test_any_other_name_of_a_tool_is_a_short_protocol_error(era: str, name: str) -> None:
    # Names are looked up, never got from an object, and an echo must not flood a log.
    answer, sent = anyio.run(called, era, name, Given())
    assert answer["error"]["code"] == INVALID_PARAMS
    assert answer["error"]["message"].startswith("No tool ")
    assert len(answer["error"]["message"]) < 400
    assert sent == []


# Filters that the request model takes, but no URL.
TOO_LONG: dict[str, Given] = {
    "text": {"idAny": "a" * 70_000},
    "escaped": {"idAny": "\0" * 30_000},
    "array": {"phoneNumberIdAny": ["a" * 100] * 700},
    "object": {"assistantOverrides": {"a": "a" * 70_000}},
}


@every_era
@pytest.mark.parametrize("filters", TOO_LONG.values(), ids=TOO_LONG)
def test_filters_too_long_for_a_url_are_refused_by_name(era: str, filters: Given) -> None:
    # The HTTP client raises at them, and an agent would read of a fault of the server.
    answer, sent = anyio.run(called, era, LIST, filters)
    assert answer["result"]["isError"]
    assert next(iter(filters)) in answer["result"]["content"][0]["text"]
    assert sent == []


@pytest.mark.anyio
@pytest.mark.parametrize("depth", [90, 98, 99, 100, 101, 300, 900])
async def test_what_is_nested_too_deeply_to_be_read_again_is_not_written(depth: int) -> None:
    # It would be stored, and then neither its session nor a page with it could be read.
    given: Any = {}
    for _ in range(depth - 2):
        given = {"a": given}
    async with connected("auto") as (ask, upstream):
        made = await ask("tools/call", name=CREATE, arguments={"body": {"assistant": given}})
        if made["result"]["isError"]:
            assert depth > 90
            assert upstream.requests == []
        for tool, asked in ((GET, {"id": "s-1", "view": "full"}), (LIST, {"view": "full"})):
            read = await ask("tools/call", name=tool, arguments=asked)
            assert not read["result"]["isError"]
