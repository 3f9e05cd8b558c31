"""The server as desktop hosts start it: a real process, frames on its pipes, signals."""

import json
import os
import signal
import sys
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult

from support.faulty_vapi import SESSION, SILENT, FaultyVapi, slow
from support.processes import (
    COMMAND,
    PATIENCE,
    UNENDING,
    Running,
    environment,
    logged_calls,
    started,
)
from support.stdio_calls import INITIALIZED, META, call, initialize, legacy, modern
from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
    text,
)

pytestmark = pytest.mark.anyio

KEY = "key-0123456789abcdef"
TOOLS = [CREATE, LIST, GET, UPDATE, DELETE]
SIGNALS = [signal.SIGTERM, signal.SIGINT]


def upstream(vapi: FaultyVapi) -> dict[str, str]:
    """The environment of a server whose Vapi is `vapi`."""
    return {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY}


def names(answer: dict[str, Any]) -> list[str]:
    return [tool["name"] for tool in answer["result"]["tools"]]


async def clean_end(running: Running) -> None:
    """It ends with exit code 0 and leaves not a byte on stdout, on stderr only lines of calls."""
    assert await running.ended() == 0
    out, err = await running.rest()
    assert out == ""
    logged_calls(err)


@pytest.mark.measured
async def test_all_five_tools_work_over_real_pipes(era: str) -> None:
    # This is what Claude Desktop and IDEs do, in either protocol era.
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "vapi_sessions_mcp", "--sandbox"],
        env=environment(),
    )
    # More than one read of the pipe, and characters cut in two by it.
    messages = [{"role": "user", "content": "é😀" * 5_000}] * 20
    answers: dict[int, CallToolResult] = {}
    with anyio.fail_after(PATIENCE):
        async with Client(server, mode=era) as client:
            version = {"legacy": "2025-11-25", "auto": "2026-07-28"}[era]
            assert client.protocol_version == version
            assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
            made = await client.call_tool(CREATE, {"body": {"messages": messages}})
            assert made.structured_content is not None
            assert made.structured_content["messages"] == messages
            id = made.structured_content["id"]

            async def get(number: int) -> None:
                answers[number] = await client.call_tool(GET, {"id": id, "view": "full"})

            async with anyio.create_task_group() as tasks:
                for number in range(10):
                    tasks.start_soon(get, number)
            assert [a.structured_content == made.structured_content for a in answers.values()] == (
                [True] * 10
            )
            body = {"status": "completed"}
            assert not (await client.call_tool(UPDATE, {"id": id, "body": body})).is_error
            assert not (await client.call_tool(LIST, {"id": id})).is_error
            assert not (await client.call_tool(DELETE, {"id": id})).is_error
            gone = await client.call_tool(GET, {"id": id})
            assert text(gone).startswith(f"No session {id}")


async def test_the_handshake_of_2025_06_18_is_served() -> None:
    # Codex still speaks it, and takes no other answer.
    async with started("--sandbox") as running:
        await running.send(initialize(0, "2025-06-18"))
        answer = await running.receive()
        assert answer["id"] == 0
        assert answer["result"]["protocolVersion"] == "2025-06-18"
        await running.send(INITIALIZED, legacy(1, "tools/list"))
        assert names(await running.receive()) == TOOLS
        await running.send(legacy(2, "tools/call", name=LIST, arguments={"limit": 0}))
        assert (await running.receive())["result"]["structuredContent"]["results"] == []
        await running.end_input()
        await clean_end(running)


@pytest.mark.measured
async def test_a_host_that_gave_up_on_discover_gets_its_handshake() -> None:
    # GitHub's Copilot CLI and Vercel's AI SDK do this while Python is still importing.
    async with started("--sandbox") as running:
        await running.send(modern(0, "server/discover"), initialize(1, "2025-11-25"))
        first = await running.receive()
        assert first["id"] == 1
        assert first["result"]["protocolVersion"] == "2025-11-25"
        discover = await running.receive()
        assert discover["id"] == 0
        assert "error" in discover
        await running.send(INITIALIZED, legacy(2, "tools/list"))
        assert names(await running.receive()) == TOOLS
        await running.end_input()
        await clean_end(running)


async def test_discover_alone_is_answered_and_stays_modern() -> None:
    # A client that waits for the answer before it goes on must not wait for ever.
    async with started("--sandbox") as running:
        await running.send(modern(0, "server/discover"))
        answer = await running.receive()
        assert answer["id"] == 0
        assert "2026-07-28" in answer["result"]["supportedVersions"]
        await running.send(modern(1, "tools/list"), initialize(2, "2025-11-25"))
        answers = {answer["id"]: answer for answer in [await running.receive() for _ in range(2)]}
        assert names(answers[1]) == TOOLS
        assert answers[2]["error"]["code"] == -32022
        await running.end_input()
        await clean_end(running)


@pytest.mark.measured
async def test_lines_that_are_no_json_rpc_do_not_end_the_server() -> None:
    # A stray print in a host's wrapper must not cost the user the connection.
    async with started("--sandbox") as running:
        await running.send(b"", b"not JSON", b'"text"', b"[1]", b"\xff\xfe", b'{"jsonrpc":"2.0"}')
        codes = [(await running.receive())["error"]["code"] for _ in range(5)]
        assert codes == [-32700, -32600, -32600, -32700, -32600]
        await running.send(modern(0, "server/discover"), modern(1, "tools/list"))
        answers = {answer["id"]: answer for answer in [await running.receive() for _ in range(2)]}
        assert "2026-07-28" in answers[0]["result"]["supportedVersions"]
        assert names(answers[1]) == TOOLS
        await running.send(b"{")
        assert (await running.receive())["error"]["code"] == -32700
        await running.send(modern(2, "tools/call", name="__class__"))
        assert (await running.receive())["error"]["code"] == -32602
        await running.end_input()
        assert await running.ended() == 0
        assert (await running.rest())[0] == ""


async def test_half_a_surrogate_in_a_request_is_answered() -> None:
    # JavaScript hosts cut text between the halves of an emoji, and then wait for the answer.
    async with started("--sandbox") as running:
        await running.send(call(0, LIST, name="half \ud83d"), call(1, LIST, limit=0))
        await running.end_input()
        assert {(await running.receive())["id"] for _ in range(2)} == {0, 1}
        assert await running.ended() == 0


@pytest.mark.measured
async def test_the_end_of_stdin_lets_a_call_in_flight_finish() -> None:
    # A host that quits in the middle of a create must not cut it in two.
    async with FaultyVapi(slow()) as vapi, started(**upstream(vapi)) as running:
        await running.send(call(0, CREATE, body={"name": "a"}), end=b"")
        await running.end_input()
        await vapi.until(lambda vapi: len(vapi.requests) == 1)
        vapi.release()
        assert (await running.receive())["result"]["structuredContent"] == SESSION
        await clean_end(running)
        assert (len(vapi.requests), vapi.answered) == (1, 1)


async def test_the_end_of_stdin_before_any_request_ends_the_server() -> None:
    # A host that checks whether the command exists closes it at once.
    async with started("--sandbox") as running:
        await running.end_input()
        await clean_end(running)


@pytest.mark.measured
@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_an_idle_server_at_once(number: signal.Signals) -> None:
    # Hosts kill what does not leave within 2 s, and people press Ctrl-C once.
    async with started("--sandbox", *UNENDING) as running:
        await running.send(modern(0, "server/discover"))
        await running.receive()
        running.signal(number)
        await clean_end(running)


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_lets_a_call_in_flight_answer_first(number: signal.Signals) -> None:
    # The change is made at Vapi either way; the model should learn of it.
    async with FaultyVapi(slow(), slow()) as vapi, started(*UNENDING, **upstream(vapi)) as running:
        for id in range(2):
            await running.send(call(id, UPDATE, id="s-1", body={"name": "a"}))
            await vapi.until(lambda vapi: len(vapi.requests) == id + 1)  # noqa: B023 - at once
        running.signal(number)
        for id in range(2):
            vapi.release()
            answer = await running.receive()
            assert answer["id"] == id
            assert answer["result"]["structuredContent"] == SESSION
            if id == 0:
                # What the client says after the signal is not begun.
                await running.send(call(2, DELETE, id="s-1"))
        await clean_end(running)
        assert [seen.method for seen in vapi.requests] == ["PATCH", "PATCH"]


async def test_grace_ends_a_server_whose_call_does_not() -> None:
    # A Vapi that hangs must not leave processes behind on a desktop.
    async with (
        FaultyVapi(SILENT) as vapi,
        started("--grace", "0.2", "--timeout", "600", **upstream(vapi)) as running,
    ):
        await running.send(call(0, GET, id="s-1"))
        await vapi.until(lambda vapi: len(vapi.requests) == 1)
        await running.end_input()
        assert await running.ended() == 0
        await vapi.until(lambda vapi: vapi.hung_up == 1)
        assert logged_calls((await running.rest())[1])[0]["error"] == "CancelledError"


async def test_without_a_key_it_lists_its_tools_and_a_call_says_what_to_do() -> None:
    # Registries start every server they list, without any key.
    async with started() as running:
        assert "VAPI_API_KEY is not set" in await running.told("")
        await running.send(modern(0, "tools/list"))
        assert names(await running.receive()) == TOOLS
        await running.send(call(1, LIST))
        result = (await running.receive())["result"]
        assert result["isError"] is True
        assert result["content"][0]["text"].startswith("VAPI_API_KEY is not set, so nothing was")
        await running.end_input()
        await clean_end(running)


async def test_a_cancelled_request_hangs_up_on_vapi(era: str) -> None:
    # The user pressed stop: nobody reads the answer, and no end of stdin waits for it.
    async with FaultyVapi(SILENT) as vapi, started(*UNENDING, **upstream(vapi)) as running:
        request = call(7, CREATE, body={})
        if era == "legacy":
            await running.send(initialize(0, "2025-11-25"), INITIALIZED)
            await running.receive()
            request = legacy(7, "tools/call", name=CREATE, arguments={"body": {}})
        await running.send(request)
        await vapi.until(lambda vapi: len(vapi.requests) == 1)
        cancel = {"requestId": 7, "reason": "stop"}
        await running.send(
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel}
        )
        await vapi.until(lambda vapi: vapi.hung_up == 1)
        await running.end_input()
        assert await running.ended() == 0
        (line,) = logged_calls((await running.rest())[1])
        assert line["error"] == "CancelledError"


async def test_progress_of_a_scan_comes_before_its_answer() -> None:
    # A person who waits for a long scan sees that it goes on.
    async with started("--sandbox") as running:
        meta = {**META, "progressToken": "p"}
        params = {"_meta": meta, "name": LIST, "arguments": {"contains": "a", "maxScan": 30}}
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        await running.send(request)
        told = await running.receive()
        assert told["method"] == "notifications/progress"
        assert told["params"]["progress"] == 30
        assert (await running.receive())["id"] == 1
        await running.end_input()
        assert await running.ended() == 0


@pytest.mark.measured
async def test_a_host_that_dies_before_its_answer_leaves_one_line() -> None:
    # A stack trace in a host's log looks like a broken server.
    reading, writing = os.pipe()
    os.close(reading)
    ended = await anyio.run_process(
        [*COMMAND, "--sandbox", "--log-level", "warning"],
        input=json.dumps(call(1, LIST)).encode() + b"\n",
        stdout=writing,
        env=environment(),
    )
    os.close(writing)
    assert ended.stderr.decode().startswith("vapi-sessions-mcp: the host closed the connection")
    assert ended.stderr.count(b"\n") == 1
