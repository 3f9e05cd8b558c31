"""Many calls at once, many in a row, and one that hangs: through real processes."""

import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import httpx2
import pytest

from support.faulty_vapi import (
    RESET,
    SILENT,
    FaultyVapi,
    Reply,
    Seen,
    reply,
    slow,
)
from support.processes import PATIENCE, UNENDING, Running, started
from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
)

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]
# One call of a tool: its JSON-RPC answer.
Ask: TypeAlias = Callable[[str, Json], Coroutine[Any, Any, Json]]
Transport: TypeAlias = Callable[[FaultyVapi], AbstractAsyncContextManager[Ask]]

KEY = "key-0123456789abcdef"
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
}
HTML = b"<html><body>nginx</body></html>"
MIB = 2**20
STATM = Path("/proc/self/statm")


def upstream(vapi: FaultyVapi) -> dict[str, str]:
    """The environment of a server whose Vapi is `vapi`."""
    return {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY}


# No call waits for another to be answered.
ALL_AT_ONCE = ("--max-upstream", "1000")


def frame(id: int, tool: str, arguments: Json) -> Json:
    """A tool call of 2026-07-28."""
    params = {"_meta": META, "name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}


@asynccontextmanager
async def asking(running: Running) -> AsyncGenerator[Ask]:
    """Calls over the pipes of `running`, each of which gets the answer to its own id."""
    ids, answers, arrived = count(), dict[int, Json](), dict[int, anyio.Event]()
    writing = anyio.Lock()

    async def ask(tool: str, arguments: Json) -> Json:
        id = next(ids)
        answered = arrived[id] = anyio.Event()
        async with writing:
            await running.send(frame(id, tool, arguments))
        await answered.wait()
        return answers.pop(id)

    async def read() -> None:
        while True:
            answer = await running.receive()
            answers[answer["id"]] = answer
            arrived.pop(answer["id"]).set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        yield ask
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def over_stdio(vapi: FaultyVapi) -> AsyncGenerator[Ask]:
    """A process with all calls on one pipe."""
    async with (
        started(*UNENDING, *ALL_AT_ONCE, **upstream(vapi)) as running,
        asking(running) as ask,
    ):
        yield ask


@asynccontextmanager
async def over_http(vapi: FaultyVapi) -> AsyncGenerator[Ask]:
    """A process with each call on a connection of its own."""
    limits = httpx2.Limits(max_connections=None)
    async with (
        started(
            *UNENDING, *ALL_AT_ONCE, "--transport", "http", "--port", "0", **upstream(vapi)
        ) as running,
        httpx2.AsyncClient(headers=HEADERS, timeout=PATIENCE, limits=limits) as client,
    ):
        url = await running.url()

        async def ask(tool: str, arguments: Json) -> Json:
            name = {"Mcp-Name": tool}
            answer = await client.post(url, json=frame(1, tool, arguments), headers=name)
            return answer.json()

        yield ask


every_transport = pytest.mark.parametrize("transport", [over_stdio, over_http])


def number(seen: Seen) -> int:
    """N of a request for the session s-N."""
    return int(seen.path.rpartition("-")[2])


def own(seen: Seen) -> Reply:
    """The session asked for, but of each fifth a failure, every time: a 500 or a reset."""
    of = number(seen)
    if of % 5:
        return reply(200, {"id": f"s-{of}", "name": seen.method})
    return reply(500, {"message": f"no {of}"}) if of % 2 else RESET


def slowly_own(seen: Seen) -> Reply:
    return slow(own(seen))


@every_transport
async def test_two_hundred_calls_at_once_get_their_own_answers_though_a_fifth_fails(
    transport: Transport,
) -> None:
    # Another customer's conversation in an answer would be the worst that load can do.
    rows = ((GET, "get", "GET"), (UPDATE, "update", "PATCH"), (DELETE, "delete", "DELETE"))
    answers: dict[int, Json] = {}
    async with (
        FaultyVapi(*[slowly_own] * 200, otherwise=own) as vapi,
        transport(vapi) as ask,
    ):

        async def call(of: int) -> None:
            tool = rows[of % 3][0]
            body = {"body": {"name": f"n-{of}"}} if tool == UPDATE else {}
            answers[of] = (await ask(tool, {"id": f"s-{of}", **body}))["result"]

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                for of in range(200):
                    tasks.start_soon(call, of)
                # Not one is answered before all are there.
                await vapi.until(lambda vapi: len(vapi.requests) == 200)
                vapi.release(200)
    for of, answer in answers.items():
        _, do, method = rows[of % 3]
        told = answer["content"][0]["text"]
        if of % 5:
            assert answer["structuredContent"] == {"id": f"s-{of}", "name": method}
        else:
            assert answer["isError"]
            assert told.startswith(f"Could not {do} session s-{of}")
            assert ("was lost" if of % 2 == 0 else f"Internal Server Error: no {of})") in told
    # Each change that may have landed was sent once, and the budget kept the rest small.
    patched = [(seen.path, seen.body) for seen in vapi.requests if seen.method == "PATCH"]
    assert sorted(patched) == sorted(
        (f"/session/s-{of}", f'{{"name":"n-{of}"}}'.encode()) for of in range(1, 200, 3)
    )
    assert 200 < len(vapi.requests) <= 200 + 40


@every_transport
async def test_a_call_that_hangs_delays_nobody(transport: Transport) -> None:
    # One session that Vapi cannot load must not make the whole server look dead.
    def hangs_once(seen: Seen) -> Reply:
        return SILENT if number(seen) == 0 else own(seen)

    async with FaultyVapi(otherwise=hangs_once) as vapi, transport(vapi) as ask:
        names: list[str] = []

        async def call(of: int) -> None:
            answer = await ask(GET, {"id": f"s-{of}"})
            names.append(answer["result"]["structuredContent"]["id"])

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask, GET, {"id": "s-0"})
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                with anyio.fail_after(PATIENCE / 2):
                    async with anyio.create_task_group() as others:
                        for of in range(1, 251, 5):
                            others.start_soon(call, of)
                assert (vapi.answered, vapi.hung_up) == (50, 0)
                tasks.cancel_scope.cancel()
        assert sorted(names) == sorted(f"s-{of}" for of in range(1, 251, 5))


def resident(running: Running) -> int:
    """Bytes of memory that a process occupies."""
    pages = int(Path(f"/proc/{running.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


LARGE = {"id": "s-large", "messages": [{"role": "user", "message": "é" * 1_000}] * 25}
MANY = {"results": [{"id": f"s-{n}", "messages": LARGE["messages"][:2]} for n in range(5)]}
SMALL: Json = {"id": "s-small", "name": "a", "results": []}
ANSWERS = {
    "/session/s-large": reply(200, LARGE),
    "/session/s-400": reply(400, {"message": "no " * 1_000}),
    "/session/s-401": reply(401),
    "/session/s-404": reply(404),
    "/session/s-500": reply(500),
    "/session/s-html": reply(200, HTML),
    "/session/s-reset": RESET,
    "/session?limit=5": reply(200, MANY),
}
CHANGED: Json = {"body": {"name": "a"}}
# What is asked for over and over, and a word of what is answered.
MIXTURE: list[tuple[str, Json, str]] = [
    *[(GET, {"id": "s-small"}, '"s-small"')] * 20,
    (GET, {"id": "s-large", "view": "full"}, '"s-large"'),
    (GET, {"id": "s-large", "messages": {"last": 2}}, '"s-large"'),
    (LIST, {"limit": 5}, '"s-4"'),
    (CREATE, {"body": {"messages": [{"role": "user", "content": "a" * 1_000}]}}, '"s-small"'),
    (UPDATE, {"id": "s-small", **CHANGED}, '"s-small"'),
    (DELETE, {"id": "s-small"}, '"s-small"'),
    (GET, {"id": "s-400"}, "Vapi refused it"),
    (GET, {"id": "s-401"}, "Set VAPI_API_KEY"),
    (DELETE, {"id": "s-404"}, "No session s-404"),
    (GET, {"id": "s-500"}, "Vapi failed"),
    (GET, {"id": "s-html"}, "not JSON"),
    (UPDATE, {"id": "s-reset", **CHANGED}, "was lost"),
    (GET, {"id": "../s-small"}, "must be 1 to 128 letters"),
    (CREATE, {"body": {"name": "a" * 1_000}, "bodi": {}}, "`bodi` is not an argument"),
    ("no_such_tool", {}, "No tool 'no_such_tool'"),
]


@pytest.mark.skipif(not STATM.exists(), reason="no /proc to read a process's memory from")
async def test_thousands_of_calls_leave_no_memory_behind() -> None:
    # Servers of teams run for months, and desktops run one for each window.
    def by_path(seen: Seen) -> Reply:
        return ANSWERS.get(seen.path, reply(200, SMALL))

    logged, sizes = 0, list[int]()
    async with (
        FaultyVapi(otherwise=by_path) as vapi,
        started(**upstream(vapi)) as running,
        asking(running) as ask,
    ):

        async def read_log() -> None:
            nonlocal logged
            while True:
                await running.told(" call tool=")
                logged += 1

        async def work(calls: Iterator[int]) -> None:
            for call in calls:
                tool, arguments, word = MIXTURE[call % len(MIXTURE)]
                answer = await ask(tool, arguments)
                result = answer.get("result") or {"content": [{"text": answer["error"]["message"]}]}
                assert word in result["content"][0]["text"]

        async def make(calls: int) -> int:
            """The memory occupied once so many calls were answered, a hundred at a time."""
            left = iter(range(calls))
            async with anyio.create_task_group() as workers:
                for _ in range(100):
                    workers.start_soon(work, left)
            return resident(running)

        with anyio.fail_after(120):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read_log)
                sizes.extend([await make(4_000), await make(2_000)])
                tasks.cancel_scope.cancel()
    warm, after = sizes
    # Two kilobytes for each call, once the worker threads have the memory they work in.
    assert after - warm < 4 * MIB
    # A tool that does not exist is no call.
    assert logged > 5_000
