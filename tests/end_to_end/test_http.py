"""The server as teams deploy it: real processes, real HTTP, real signals."""

import signal
import socket
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, suppress

import anyio
import anyio.lowlevel
import httpx2
import pytest
from mcp import Client
from mcp_types import CallToolResult

from support.faulty_vapi import SESSION, SILENT, FaultyVapi, slow
from support.http_calls import CLIENT_INFO, LEGACY, TOOLS, message, request, tool_call
from support.processes import (
    COMMAND,
    PATIENCE,
    UNENDING,
    Running,
    environment,
    started,
    url_in,
)
from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
    text,
)
from vapi_sessions_mcp.transports.http import bind

pytestmark = pytest.mark.anyio

KEY = "key-0123456789abcdef"
OURS = ("--transport", "http", "--port", "0")


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    """One sandboxed server for the tests that leave it as it was."""
    named = ("--allowed-host", "sessions.example.com", "--allow-unauthenticated")
    arguments = [*COMMAND, *OURS, "--sandbox", *named]
    with subprocess.Popen(
        arguments, stderr=subprocess.PIPE, env=environment(), text=True
    ) as process:
        assert process.stderr
        yield url_in(process.stderr.readline())
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert "Traceback" not in process.stderr.read()


async def test_all_five_tools_and_ten_calls_at_once_work_over_http(url: str, era: str) -> None:
    # Agents call in parallel, and none may get another's answer.
    answers: dict[str, CallToolResult] = {}
    with anyio.fail_after(PATIENCE):
        async with Client(url, mode=era) as client:
            version = {"legacy": "2025-11-25", "auto": "2026-07-28"}[era]
            assert client.protocol_version == version
            assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS

            async def live_and_die(name: str) -> None:
                made = await client.call_tool(CREATE, {"body": {"name": name}})
                assert made.structured_content is not None
                id = made.structured_content["id"]
                body = {"status": "completed"}
                changed = await client.call_tool(UPDATE, {"id": id, "body": body})
                assert (await client.call_tool(GET, {"id": id})).content == changed.content
                found = await client.call_tool(LIST, {"id": id, "view": "full"})
                assert found.structured_content is not None
                assert found.structured_content["results"] == [changed.structured_content]
                answers[name] = await client.call_tool(DELETE, {"id": id})
                gone = await client.call_tool(GET, {"id": id})
                assert text(gone).startswith(f"No session {id}")

            async with anyio.create_task_group() as tasks:
                for number in range(10):
                    tasks.start_soon(live_and_die, f"caller {number}")
    assert len(answers) == 10
    for name, deleted in answers.items():
        assert deleted.structured_content is not None
        assert deleted.structured_content["name"] == name


async def test_health_is_told_to_any_host(url: str) -> None:
    # Probes come to an IP address and carry its Host.
    async with httpx2.AsyncClient() as client:
        for path, status in (("live", "live"), ("ready", "ready")):
            health = url.replace("/mcp", f"/health/{path}")
            answer = await client.get(health, headers={"Host": "10.1.2.3:9090"})
            assert (answer.status_code, answer.json()) == (200, {"status": status})
            assert "server" not in answer.headers


async def test_a_server_without_a_key_is_live_but_not_ready() -> None:
    # A load balancer would send it calls that cannot work.
    async with started(*OURS) as running, httpx2.AsyncClient() as client:
        url = await running.url()
        live = await client.get(url.replace("/mcp", "/health/live"))
        ready = await client.get(url.replace("/mcp", "/health/ready"))
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    said = {"status": "not ready", "reason": "no-api-key"}
    assert (ready.status_code, ready.json()) == (503, said)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:9090"}, 421),
        ({"Host": "localhost.evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Host": "localhost:5173"}, 200),
        ({"Host": "[::1]:9090"}, 200),
        ({"Host": "sessions.example.com"}, 200),
        ({"Host": "sessions.example.com:443"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "http://localhost:5173"}, 200),
        ({"Host": "sessions.example.com", "Origin": "https://sessions.example.com"}, 200),
        ({"Host": "sessions.example.com:8", "Origin": "http://sessions.example.com:8"}, 200),
        ({"Host": "sessions.example.com", "Origin": "https://sessions.example.com:8"}, 403),
        ({"Host": "sessions.example.com", "Origin": "app://sessions.example.com"}, 403),
        ({"Origin": "https://sessions.example.com"}, 403),
        ({"Content-Type": "text/plain"}, 400),
    ],
    ids=str,
)
async def test_a_web_page_elsewhere_cannot_reach_the_tools(
    url: str, era: str, headers: dict[str, str], status: int
) -> None:
    # DNS rebinding turns any page a person visits into a caller of servers on loopback.
    posted = tool_call(era, GET)
    posted["headers"] = {**posted["headers"], **headers}
    async with httpx2.AsyncClient() as client:
        answer = await client.post(url, **posted)
    assert answer.status_code == status


async def test_consecutive_requests_of_one_client_may_reach_different_servers(url: str) -> None:
    # Replicas behind a load balancer share nothing, so no session may tie a client to one.
    async with started(*OURS, "--sandbox") as running:
        other = await running.url()
        handshake = request(
            "initialize",
            protocolVersion="2025-11-25",
            capabilities={},
            clientInfo=CLIENT_INFO,
        )
        async with httpx2.AsyncClient(headers=LEGACY, timeout=PATIENCE) as client:
            first = await client.post(url, json=handshake)
            assert message(first)["result"]["protocolVersion"] == "2025-11-25"
            assert "mcp-session-id" not in first.headers
            initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            assert (await client.post(other, json=initialized)).status_code == 202
            listed = message(await client.post(other, json=request("tools/list")))
            assert [tool["name"] for tool in listed["result"]["tools"]] == TOOLS
            for at in (url, other):
                call = request("tools/call", name=LIST, arguments={"limit": 1})
                found = message(await client.post(at, json=call))
                assert len(found["result"]["structuredContent"]["results"]) == 1
        running.signal(signal.SIGINT)
        await running.told("Shutting down: no new calls, those in flight get 10 s.")
        assert await running.ended() == 0
        assert await running.rest() == ("", "")


async def test_a_signal_lets_calls_in_flight_answer_first() -> None:
    # Every rolling update sends SIGTERM to a server with callers on it.
    answers: list[httpx2.Response] = []
    async with FaultyVapi(slow(), slow()) as vapi:
        upstream = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY}
        async with (
            started(*OURS, *UNENDING, **upstream) as running,
            httpx2.AsyncClient(timeout=PATIENCE) as client,
            anyio.create_task_group() as tasks,
        ):
            url = await running.url()

            async def call(era: str, tool: str) -> None:
                answers.append(await client.post(url, **tool_call(era, tool)))

            tasks.start_soon(call, "legacy", UPDATE)
            tasks.start_soon(call, "auto", GET)
            await vapi.until(lambda vapi: len(vapi.requests) == 2)
            running.signal(signal.SIGTERM)
            await running.told("Shutting down")
            await refuses(url)
            vapi.release(2)
            assert await running.ended() == 0
            assert len(vapi.requests) == 2
    assert [message(each)["result"]["structuredContent"] for each in answers] == [SESSION] * 2


async def refuses(url: str) -> None:
    """Return once nobody listens at `url` any more."""
    port = httpx2.URL(url).port
    assert port is not None
    with anyio.fail_after(PATIENCE):
        while True:
            try:
                stream = await anyio.connect_tcp("127.0.0.1", port)
            except OSError:
                return
            await stream.aclose()
            await anyio.lowlevel.checkpoint()


async def grace_elapsed(era: str) -> list[str]:
    """The stderr of a server with a read and a write of `era` that never end, after SIGTERM."""
    statuses: list[int] = []
    told: list[str] = []
    async with FaultyVapi(SILENT, SILENT) as vapi:
        upstream = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY}
        async with (
            started(*OURS, "--grace", "0.5", "--timeout", "600", **upstream) as running,
            httpx2.AsyncClient(timeout=PATIENCE) as client,
            anyio.create_task_group() as tasks,
        ):
            url = await running.url()

            async def call(tool: str) -> None:
                with suppress(httpx2.TransportError):
                    statuses.append((await client.post(url, **tool_call(era, tool))).status_code)

            tasks.start_soon(call, GET)
            tasks.start_soon(call, UPDATE)
            await vapi.until(lambda vapi: len(vapi.requests) == 2)
            running.signal(signal.SIGTERM)
            assert await running.ended() == 0
            assert 200 not in statuses
            told.extend((await running.rest())[1].splitlines())
    return told


@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_grace_ends_a_server_whose_calls_do_not(era: str) -> None:
    # An orchestrator kills what outlives its own grace, with everything in flight.
    told = await grace_elapsed(era)
    assert told[1].endswith("Cancel 2 running task(s), timeout graceful shutdown exceeded")
    if era == "auto":
        # A stack trace says nothing an operator can act on, and buries what does.
        assert "Traceback" not in "".join(told)


async def test_a_second_signal_ends_the_process_at_once() -> None:
    # Who presses Ctrl-C twice does not want to wait for the grace.
    async with FaultyVapi(SILENT) as vapi:
        upstream = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY}
        async with (
            started(*OURS, *UNENDING, **upstream) as running,
            httpx2.AsyncClient(timeout=PATIENCE) as client,
            anyio.create_task_group() as tasks,
        ):
            url = await running.url()

            async def call() -> None:
                with pytest.raises(httpx2.TransportError):
                    await client.post(url, **tool_call("legacy", GET))

            tasks.start_soon(call)
            await vapi.until(lambda vapi: len(vapi.requests) == 1)
            running.signal(signal.SIGINT)
            await running.told("Shutting down")
            running.signal(signal.SIGINT)
            assert await running.ended() == -signal.SIGINT
            assert "Traceback" not in (await running.rest())[1]


async def test_a_port_in_use_is_one_line_and_exit_code_2(url: str) -> None:
    # The commonest mistake at a start; a stack trace would hide which port it was.
    port = httpx2.URL(url).port
    async with started("--transport", "http", "--port", str(port), "--sandbox") as running:
        assert await running.ended() == 2
        assert await running.rest() == (
            "",
            f"vapi-sessions-mcp: cannot listen on 127.0.0.1:{port}: Address already in use."
            " Choose another --port.\n",
        )


def test_an_answer_waits_for_no_acknowledgement_of_its_headers() -> None:
    # Nagle's algorithm costs each request of a kept connection 40 ms.
    with bind("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_dropped_connection_cancels_unless_a_2025_write_was_sent() -> None:
    # The 2025 specification takes it for no cancellation, the one of 2026 demands one.
    async with FaultyVapi(SILENT, SILENT, SILENT, slow()) as vapi:
        upstream = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY}
        async with started(*OURS, *UNENDING, **upstream) as running, httpx2.AsyncClient() as client:
            url = await running.url()

            async def call_and_drop(era: str, tool: str, count: int) -> None:
                async with anyio.create_task_group() as tasks:

                    async def call() -> None:
                        await client.post(url, **tool_call(era, tool))

                    tasks.start_soon(call)
                    await vapi.until(lambda vapi: len(vapi.requests) == count)
                    tasks.cancel_scope.cancel()

            for count, (era, tool) in enumerate(
                [("auto", GET), ("auto", UPDATE), ("legacy", GET)], start=1
            ):
                await call_and_drop(era, tool, count)
                await vapi.until(lambda vapi: vapi.hung_up == count)  # noqa: B023
            await call_and_drop("legacy", UPDATE, 4)
            # By the time these are answered, the server has seen the connection go.
            for _ in range(3):
                answer = await client.post(url, **tool_call("legacy", GET))
                assert message(answer)["result"]["structuredContent"] == SESSION
            assert vapi.hung_up == 3
            vapi.release()
            await vapi.until(lambda vapi: vapi.answered == 4)
            assert [seen.method for seen in vapi.requests] == [
                *("GET", "PATCH", "GET", "PATCH"),
                *["GET"] * 3,
            ]
            assert vapi.hung_up == 3
            running.signal(signal.SIGTERM)
            assert await running.ended() == 0


@asynccontextmanager
async def abandoned_write(*options: str) -> AsyncGenerator[tuple[FaultyVapi, Running]]:
    """A server with a write of the 2025 versions in flight, whose client has gone."""
    async with FaultyVapi(slow()) as vapi:
        upstream = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY}
        async with started(*OURS, *options, **upstream) as running:
            url = await running.url()
            async with httpx2.AsyncClient(timeout=PATIENCE) as client:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(lambda: client.post(url, **tool_call("legacy", DELETE)))
                    await vapi.until(lambda vapi: len(vapi.requests) == 1)
                    tasks.cancel_scope.cancel()
                # By the time this is answered, the server has seen that connection go.
                assert (await client.get(url.replace("/mcp", "/health"))).status_code == 200
            running.signal(signal.SIGTERM)
            await running.told("Shutting down")
            await refuses(url)
            yield vapi, running


async def test_a_stop_waits_for_a_write_whose_client_has_gone() -> None:
    # The specification lets it finish; cut in two, nobody would know what it did.
    async with abandoned_write(*UNENDING) as (vapi, running):
        vapi.release()
        assert await running.ended() == 0
        assert (len(vapi.requests), vapi.answered) == (1, 1)
        [line] = (await running.rest())[1].splitlines()
        assert " call tool=delete_session session=s-1 status=200 " in line


async def test_but_no_longer_than_its_grace() -> None:
    # An orchestrator kills what outlives its own.
    async with abandoned_write("--grace", "0.5", "--timeout", "600") as (_, running):
        assert await running.ended() == 0
        err = (await running.rest())[1]
        assert " call tool=delete_session session=s-1 error=CancelledError " in err
        assert "Traceback" not in err
