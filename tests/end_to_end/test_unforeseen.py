"""A real process whose way to Vapi fails as nobody foresaw: what leaves it, and what it logs."""

import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest

from support import broken
from support.broken import WORDS
from support.http_calls import message, tool_call
from support.processes import Running, environment
from support.stdio_calls import INITIALIZED, call, initialize, legacy
from support.tools import ERAS, GET, UPDATE

pytestmark = pytest.mark.anyio

SAID = "something in this server failed; its log says more."


@asynccontextmanager
async def serving(what: str) -> AsyncGenerator[Running]:
    """The broken server, serving `what`."""
    paths = os.pathsep.join([str(Path(broken.__file__).parents[1]), *sys.path])
    command = [sys.executable, "-m", "support.broken", what]
    process = await anyio.open_process(command, env=environment(PYTHONPATH=paths))
    async with Running(process) as running:
        yield running


async def log_of(running: Running) -> str:
    assert await running.ended() == 0
    _, err = await running.rest()
    assert WORDS not in err
    assert "Traceback" not in err
    return err


def reasons(log: str) -> list[str]:
    """What each line about a fault says after its time."""
    lines = [line for line in log.splitlines() if " vapi_sessions_mcp.faults: " in line]
    return [line.partition(" ")[2].rpartition(":")[0] for line in lines]


REASON = (
    "ERROR vapi_sessions_mcp.faults: unforeseen failure"
    " exception=TypeError at=vapi_sessions_mcp.vapi.client"
)


@pytest.mark.parametrize("era", ERAS)
async def test_over_stdio_the_model_reads_a_sentence(era: str) -> None:
    # It read the text of the exception, as a protocol error of code 0.
    async with serving("stdio") as running:
        if era == "legacy":
            await running.send(initialize(0, "2025-11-25"), INITIALIZED)
            assert (await running.receive())["id"] == 0
            await running.send(legacy(1, "tools/call", name=GET, arguments={"id": "s-1"}))
        else:
            await running.send(call(1, GET, id="s-1"))
        answer = await running.receive()
        await running.end_input()
        log = await log_of(running)
    assert answer["result"]["isError"]
    assert SAID in answer["result"]["content"][0]["text"]
    assert WORDS not in json.dumps(answer)
    assert reasons(log) == [REASON]
    assert "error=Broken" in log


async def test_over_http_and_rest_the_caller_reads_it_too() -> None:
    # In the log stood "ExceptionGroup", which is the name of no reason.
    async with serving("http") as running:
        mcp, rest = await running.url(), await running.url()
        async with httpx2.AsyncClient(timeout=20) as client:
            for era in ERAS:
                called = await client.post(mcp, **tool_call(era, UPDATE))
                result = message(called)["result"]
                assert result["isError"]
                assert SAID in result["content"][0]["text"]
            read = await client.get(f"{rest}/session/s-1")
            changed = await client.patch(f"{rest}/session/s-1", json={"name": "a"})
        running.signal(signal.SIGTERM)
        log = await log_of(running)
    assert (read.status_code, changed.status_code) == (500, 424)
    assert SAID in read.json()["message"]
    assert "It may or may not have happened" in changed.json()["message"]
    # The same line again within a minute is left out; each call has a line of its own.
    assert reasons(log) == [REASON]
    assert log.count("vapi_sessions_mcp.calls: call ") == 4
    assert "ExceptionGroup" not in log
