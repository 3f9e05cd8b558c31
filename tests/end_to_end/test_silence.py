"""Clients that say nothing, and as many of them as the system allows: nobody else notices."""

import signal
import socket
from contextlib import ExitStack

import anyio
import httpx2
import pytest

from support.faulty_vapi import SESSION, FaultyVapi
from support.http_calls import message, tool_call
from support.processes import COMMAND, PATIENCE, Running, environment, started
from support.tools import GET

pytestmark = pytest.mark.anyio

BOTH = ("--transport", "http", "--port", "0", "--transport", "rest", "--rest-port", "0")
KEY = "key-0123456789abcdef"
HALVES = [
    b"",
    b"GET /mcp HT",
    b"POST /v1/session HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nMCP-Protocol-Version: 2026-07-28\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
]


def silent(url: str, begun: bytes) -> socket.socket:
    """A connection that says so much and no more."""
    port = httpx2.URL(url).port
    assert port is not None
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(begun)
    return connection


async def test_silent_connections_shut_nobody_out_and_fill_no_log() -> None:
    # 200 of them did, on a system that let the server open 200 files: 29 831 lines.
    few_files = ["sh", "-c", 'ulimit -n 200 && exec "$@"', "sh"]
    async with FaultyVapi() as vapi:
        env = environment(VAPI_BASE_URL=vapi.url, VAPI_API_KEY=KEY)
        process = await anyio.open_process([*few_files, *COMMAND, *BOTH], env=env)
        async with Running(process) as running, httpx2.AsyncClient(timeout=PATIENCE) as client:
            mcp, rest = await running.url(), await running.url()
            with ExitStack() as connections:
                for number in range(600):
                    url, begun = (mcp, rest)[number % 2], HALVES[number % len(HALVES)]
                    connections.enter_context(silent(url, begun))
                for url in (mcp, rest):
                    health = await client.get(httpx2.URL(url).join("/health/live"))
                    assert health.json() == {"status": "live"}
                called = await client.post(mcp, **tool_call("auto", GET))
                assert message(called)["result"]["structuredContent"] == SESSION
                assert (await client.get(f"{rest}/session/s-1")).json() == SESSION
            running.signal(signal.SIGTERM)
            assert await running.ended() == 0
            log = (await running.rest())[1].splitlines()
    # Half a request is no call, and all else is said once.
    assert len(log) < 10


async def test_a_stop_waits_for_calls_and_for_nothing_else() -> None:
    # It took 8 s and left two stack traces, for connections on which nothing was asked.
    async with (
        FaultyVapi() as vapi,
        started(*BOTH, "--grace", "60", VAPI_BASE_URL=vapi.url, VAPI_API_KEY=KEY) as running,
        httpx2.AsyncClient(timeout=PATIENCE) as client,
    ):
        mcp, rest = await running.url(), await running.url()
        for era in ("legacy", "auto"):
            called = await client.post(mcp, **tool_call(era, GET))
            assert message(called)["result"]["structuredContent"] == SESSION
        with ExitStack() as connections:
            for url in (mcp, rest):
                for begun in HALVES:
                    connections.enter_context(silent(url, begun))
            events = b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
            connections.enter_context(silent(mcp, events))
            # By the time this is answered, the server knows of the others.
            assert (await client.get(httpx2.URL(mcp).join("/health/live"))).status_code == 200
            running.signal(signal.SIGTERM)
            assert await running.ended() == 0
            out, log = await running.rest()
    assert out == ""
    lines = [line for line in log.splitlines() if "vapi_sessions_mcp.calls" not in line]
    assert [line.partition("vapi_sessions_mcp.http: ")[2] for line in lines] == [
        "Shutting down: no new calls, those in flight get 60 s."
    ]
