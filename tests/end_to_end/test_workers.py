"""Several workers on the same ports: one that ends is replaced, and all end together."""

import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest

from support.faulty_vapi import FaultyVapi, slow
from support.http_calls import message, tool_call
from support.processes import PATIENCE, Running, started
from support.tools import GET

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc knows the workers"),
]

BOTH = ("--transport", "http", "--port", "0", "--transport", "rest", "--rest-port", "0")
KEY = "key-0123456789abcdef"


def workers(running: Running) -> set[int]:
    """The processes that the first one has started."""
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    return set(map(int, children.read_text("ascii").split()))


def is_ready(pid: int) -> bool:
    """Whether the process has come so far that it takes a signal as the wish to end well."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    caught = int(re.findall(r"SigCgt:\s+(\w+)", status)[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def is_there(pid: int) -> bool:
    """Whether the process runs; one whose end nobody has noticed does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds, of which no event says anything."""
    with anyio.fail_after(PATIENCE):
        while True:
            if condition():
                return
            await anyio.sleep(0.05)


@asynccontextmanager
async def serving(vapi: FaultyVapi, *options: str) -> AsyncGenerator[tuple[Running, str, str]]:
    """Two workers that both run, and the URLs of MCP and of REST."""
    given = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY}
    async with started(*BOTH, "--workers", "2", *options, **given) as running:
        mcp, rest = await running.url(), await running.url()
        async with httpx2.AsyncClient(timeout=PATIENCE) as client:
            live = await client.get(httpx2.URL(mcp).join("/health/live"))
            assert live.status_code == 200
        await until(lambda: len(workers(running)) == 2 and all(map(is_ready, workers(running))))
        yield running, mcp, rest


async def test_a_worker_that_ends_is_replaced_and_calls_go_on() -> None:
    # One that is out of memory must not take the others along, nor be missing for ever.
    async with FaultyVapi() as vapi, serving(vapi) as (running, mcp, rest):
        async with httpx2.AsyncClient(timeout=PATIENCE) as client:
            first = workers(running)
            for pid, number in zip(first, (signal.SIGKILL, signal.SIGTERM), strict=True):
                os.kill(pid, number)
                # One that has only just been started has nothing to end.
                codes = (-9,) if number == signal.SIGKILL else (0, -number)
                said = await running.told(f"Worker {pid} ended with code ")
                assert any(f"code {code} and is started again." in said for code in codes)
            for _ in range(5):
                for era in ("legacy", "modern"):
                    answer = message(await client.post(mcp, **tool_call(era, GET)))
                    assert answer["result"]["structuredContent"]["id"] == "s-1"
                assert (await client.get(f"{rest}/session/s-1")).json()["id"] == "s-1"
        await until(lambda: len(workers(running)) == 2)
        assert not workers(running) & first
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0


async def test_they_end_together_and_calls_in_flight_end_well() -> None:
    # A new version is put in place several times a day.
    async with FaultyVapi(otherwise=slow()) as vapi, serving(vapi, "--grace", "30") as served:
        running, mcp, _ = served
        pids = workers(running)
        answers: list[httpx2.Response] = []

        async def call() -> None:
            async with httpx2.AsyncClient(timeout=PATIENCE) as client:
                answers.append(await client.post(mcp, **tool_call("modern", GET)))

        async with anyio.create_task_group() as calls:
            for _ in range(6):
                calls.start_soon(call)
            await vapi.until(lambda vapi: len(vapi.requests) == 6)
            running.signal(signal.SIGTERM)
            await running.told("Shutting down")
            vapi.release(6)
        assert await running.ended() == 0
        assert len(answers) == 6
        assert all(message(each)["result"]["structuredContent"]["id"] == "s-1" for each in answers)
        assert not any(map(is_there, pids))


async def test_no_worker_is_left_when_the_first_process_is_killed() -> None:
    # It would keep the port, so that nothing can be started in its place.
    async with FaultyVapi() as vapi, serving(vapi) as (running, _, _):
        pids = workers(running)
        assert len(pids) == 2
        running.signal(signal.SIGKILL)
        await running.ended()
        await until(lambda: not any(map(is_there, pids)))


@pytest.mark.measured
async def test_a_worker_that_does_not_end_is_ended() -> None:
    # One that hangs would keep the others' end from being noticed.
    async with FaultyVapi() as vapi, serving(vapi, "--grace", "0.1") as (running, _, _):
        pids = workers(running)
        os.kill(min(pids), signal.SIGSTOP)
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
        assert not any(map(is_there, pids))


async def test_what_is_odd_at_the_start_is_said_once() -> None:
    # Whoever reads the same warning from each worker looks for as many faults.
    async with started(*BOTH, "--workers", "2") as running:
        await running.url()
        url = await running.url()
        async with httpx2.AsyncClient(timeout=PATIENCE) as client:
            assert (await client.get(httpx2.URL(url).join("/health/ready"))).status_code == 503
        await until(lambda: len(workers(running)) == 2)
        running.signal(signal.SIGINT)
        assert await running.ended() == 0
        _, log = await running.rest()
    assert "no call can reach Vapi" not in log
    assert " at http" not in log
