"""The log: one line a call with what it took, and nothing that anybody said."""

import json
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client

from support.faulty_vapi import (
    RESET,
    SILENT,
    FaultyVapi,
    reply,
    slow,
)
from support.processes import (
    COMMAND,
    PATIENCE,
    UNENDING,
    Running,
    environment,
    logged_calls,
    started,
)
from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
)

pytestmark = pytest.mark.anyio

KEY = "key-0123456789abcdef"
SECRETS = (KEY, "4155550123", "Ana", "whisper", "maya@example.com", "Bearer")
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
SAID: dict[str, Any] = {
    "id": "s-1",
    "results": [],
    "customer": {"number": "+14155550123", "email": "maya@example.com"},
    "messages": [{"role": "user", "content": "whisper"}],
}
BODY = {"name": "Ana", "customer": {"number": "+14155550123"}}
CALLS: list[tuple[str, dict[str, Any]]] = [
    (CREATE, {"body": BODY}),
    (LIST, {"number": "+14155550123", "name": "Ana"}),
    (GET, {"id": "s-1"}),
    (UPDATE, {"id": "s-1", "body": {"name": "Ana", "messages": SAID["messages"]}}),
    (DELETE, {"id": "s-1"}),
    (GET, {"id": "Ana whisper"}),
    (LIST, {"Ana": "+14155550123"}),
]


@asynccontextmanager
async def server(vapi: FaultyVapi, *arguments: str) -> AsyncGenerator[Running]:
    async with started(*arguments, VAPI_BASE_URL=vapi.url, VAPI_API_KEY=KEY) as running:
        yield running


async def called(running: Running, id: int, tool: str, arguments: dict[str, Any]) -> None:
    params = {"_meta": META, "name": tool, "arguments": arguments}
    await running.send({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
    assert (await running.receive())["id"] == id


async def ended(running: Running) -> str:
    await running.end_input()
    assert await running.ended() == 0
    out, err = await running.rest()
    assert out == ""
    assert not any(secret in err for secret in SECRETS), err
    assert "Traceback" not in err
    return err


@pytest.fixture(scope="module")
async def plain() -> AsyncGenerator[tuple[FaultyVapi, Running]]:
    """A server without options, of which nothing is known but its lines; and its Vapi."""
    async with FaultyVapi() as vapi, server(vapi) as running:
        yield vapi, running
        assert await ended(running) == ""


async def lines_of(running: Running, count: int) -> list[dict[str, str]]:
    """The next lines of its log, each of which is a call's and says nothing of anybody."""
    lines = "\n".join([await running.told("") for _ in range(count)])
    assert not any(secret in lines for secret in SECRETS), lines
    return logged_calls(lines)


@pytest.mark.measured  # with its server, which other tests share
async def test_each_call_leaves_one_line_that_says_what_it_was_and_took(
    plain: tuple[FaultyVapi, Running],
) -> None:
    # It is what an operator has when somebody asks what happened last night.
    answer = reply(200, SAID)
    size, twice = str(len(json.dumps(SAID))), str(2 * len(json.dumps(SAID)))
    vapi, running = plain
    vapi.otherwise = answer
    for id, (tool, arguments) in enumerate(CALLS):
        await called(running, id, tool, arguments)
    lines = await lines_of(running, len(CALLS))
    assert all(0 <= int(line.pop("ms")) < 5_000 for line in lines)
    good = {"status": "200", "tries": "1", "bytes": size}
    bad = {"error": "BadArguments", "tries": "0", "bytes": "0"}
    assert lines == [
        {"tool": "create_session", "session": "s-1", **good},
        {"tool": "list_sessions", **good},
        {"tool": "get_session", "session": "s-1", **good},
        # What it replaces is read first, for the copy.
        {"tool": "update_session", "session": "s-1", **good, "tries": "2", "bytes": twice},
        {"tool": "delete_session", "session": "s-1", **good},
        {"tool": "get_session", **bad},
        {"tool": "list_sessions", **bad},
    ]


async def test_an_id_that_is_none_stays_out_of_the_line(
    plain: tuple[FaultyVapi, Running],
) -> None:
    # Whoever writes to Vapi could write lines into this log by it.
    vapi, running = plain
    vapi.otherwise = reply(200, {**SAID, "id": "s-1 whisper\nERROR"})
    await called(running, 1, CREATE, {"body": BODY})
    (line,) = await lines_of(running, 1)
    assert (line["status"], line.get("session")) == ("200", None)


async def test_the_lines_can_be_json() -> None:
    # What collects logs takes fields, not sentences.
    async with (
        FaultyVapi(otherwise=reply(200, SAID)) as vapi,
        server(vapi, "--log-format", "json") as running,
    ):
        await called(running, 1, GET, {"id": "s-1"})
        (line,) = map(json.loads, (await ended(running)).splitlines())
    assert line.pop("time").startswith("20")
    assert isinstance(line.pop("ms"), int)
    assert line == {
        "level": "info",
        "logger": "vapi_sessions_mcp.calls",
        "message": "call",
        "tool": "get_session",
        "session": "s-1",
        "status": 200,
        "tries": 1,
        "bytes": len(json.dumps(SAID)),
    }


async def test_a_failing_call_s_line_names_the_failure_and_its_tries(
    plain: tuple[FaultyVapi, Running],
) -> None:
    # A number that grows at night is how an outage is seen from here.
    vapi, running = plain
    vapi.otherwise = reply(503, {"message": "whisper: Ana +14155550123"})
    await called(running, 1, GET, {"id": "s-1"})
    vapi.otherwise = RESET
    await called(running, 2, CREATE, {"body": BODY})
    vapi.otherwise = reply(200, b"<html>whisper</html>")
    await called(running, 3, GET, {"id": "s-1"})
    first, second, third = await lines_of(running, 3)
    assert (first["status"], first["error"], first["tries"]) == ("503", "Failed", "3")
    assert (second.get("status"), second["error"], second["tries"]) == (None, "ConnectionLost", "1")
    assert (third["status"], third["error"], third["tries"]) == ("200", "Garbled", "1")


async def test_debug_says_more_but_nothing_that_was_said() -> None:
    # Somebody turns it on in production, always.
    async with (
        FaultyVapi(otherwise=reply(200, SAID)) as vapi,
        server(vapi, "--log-level", "debug") as running,
    ):
        for id, (tool, arguments) in enumerate(CALLS):
            await called(running, id, tool, arguments)
        await running.send(b'{"Ana": "whisper"', b"whisper +14155550123")
        for _ in range(2):
            assert (await running.receive())["error"]["code"] == -32700
        await ended(running)


async def test_warning_leaves_the_calls_out() -> None:
    # Whoever pays by the line can do without.
    async with (
        FaultyVapi(otherwise=reply(200, SAID)) as vapi,
        server(vapi, "--log-level", "warning") as running,
    ):
        await called(running, 1, GET, {"id": "s-1"})
        assert await ended(running) == ""


async def test_reads_of_resources_and_rest_calls_leave_the_same_line() -> None:
    # A conversation that was read by another way was read all the same.
    async with (
        FaultyVapi(otherwise=reply(200, SAID)) as vapi,
        server(
            vapi,
            *("--transport", "http", "--port", "0", "--transport", "rest", "--rest-port", "0"),
        ) as running,
    ):
        mcp, rest = await running.url(), await running.url()
        with anyio.fail_after(PATIENCE):
            async with Client(mcp) as client:
                await client.read_resource("vapi-session://s-1/transcript")
            async with httpx2.AsyncClient(base_url=rest) as client:
                await client.get("/session/s-1", params={"view": "summary"})
                await client.post("/session", json={**BODY, "name": "Ana" * 20})
                refused = await client.post("/session", content=b"whisper")
                assert refused.status_code == 415
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
        _, err = await running.rest()
    assert not any(secret in err for secret in SECRETS), err
    lines = [line for line in err.splitlines() if "vapi_sessions_mcp.calls" in line]
    tools = [
        (call["tool"], call.get("status"), call.get("error"))
        for call in logged_calls("\n".join(lines))
    ]
    assert tools == [
        ("get_session", "200", None),
        ("get_session", "200", None),
        ("create_session", None, "BadArguments"),
    ]
    assert err.count(" INFO vapi_sessions_mcp.access: refused status=415\n") == 1


@pytest.mark.measured
async def test_a_program_that_hangs_up_stops_its_read_at_vapi_but_not_its_change() -> None:
    # Nobody waits for what is read; what is half changed must be finished.
    async with (
        FaultyVapi(SILENT, slow()) as vapi,
        server(vapi, "--transport", "rest", "--rest-port", "0", *UNENDING) as running,
        httpx2.AsyncClient(base_url=await running.url(), timeout=PATIENCE) as client,
    ):
        requests: list[tuple[str, dict[str, Any]]] = [
            ("GET", {}),
            ("PATCH", {"json": {"name": "a"}}),
        ]
        for count, (method, given) in enumerate(requests, start=1):
            async with anyio.create_task_group() as tasks:

                async def call(method: str = method, given: Any = given) -> None:
                    await client.request(method, "/session/s-1", **given)

                tasks.start_soon(call)
                await vapi.until(lambda vapi: len(vapi.requests) == count)  # noqa: B023 - at once
                tasks.cancel_scope.cancel()
            if method == "GET":
                await vapi.until(lambda vapi: vapi.hung_up == 1)
        line = await running.told("vapi_sessions_mcp.calls")
        assert "error=CancelledError" in line
        # By the time this is answered, the server has seen the second connection go.
        assert (await client.get("/session/s-1")).status_code == 200
        assert vapi.hung_up == 1
        vapi.release()
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
        assert vapi.answered == 2


async def test_a_command_in_a_shell_shows_no_line_of_the_log_unless_asked() -> None:
    # It speaks to a person, who reads the answer on the same screen.
    call = ("--sandbox", "call", "list_sessions", "--limit", "1")
    for options, count in (((), 0), (("--log-level", "info"), 1)):
        with anyio.fail_after(60):
            ended = await anyio.run_process([*COMMAND, *options, *call], env=environment())
        lines = [
            line for line in ended.stderr.decode().splitlines() if not line.startswith("note: ")
        ]
        assert len(logged_calls("\n".join(lines))) == count
