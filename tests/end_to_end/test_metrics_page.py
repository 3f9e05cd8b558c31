"""`--metrics` of a real server: for each process on a port of its own."""

import os
import signal
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from importlib import import_module
from typing import Any

import anyio
import httpx2
import pytest

from support.faces import BOTH, KEY
from support.faulty_vapi import FaultyVapi, slow
from support.http_calls import tool_call
from support.metered import families, series
from support.processes import PATIENCE, Running, started, url_in
from support.tools import GET
from support.webhook_servers import GIVEN, HTTP, Server
from vapi_sessions_mcp.access.bodies import MAX_BODY
from vapi_sessions_mcp.telemetry.metrics import METRICS

pytestmark = pytest.mark.anyio

# It has no types.
OPENMETRICS: Any = import_module("prometheus_client.openmetrics.parser")
PING = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}'
OPERATIONS = "mcp_server_operation_duration_seconds_count"
COUNT = "vapi_sessions_call_duration_seconds_count"


@asynccontextmanager
async def serving(
    vapi: FaultyVapi, *arguments: str
) -> AsyncGenerator[tuple[Running, str, str, list[str]]]:
    """A server with metrics, its two faces, and where its metrics are."""
    given = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY}
    async with started(*BOTH, "--metrics", "0", *arguments, **given) as running:
        mcp, rest = await running.url(), await running.url()
        line = await running.told("Metrics at ")
        pages = line.partition(" at ")[2].partition(";")[0].split(", ")
        yield running, mcp, rest, pages
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
        assert "Traceback" not in (await running.rest())[1]


async def calls_in(client: httpx2.AsyncClient, pages: Sequence[str]) -> list[float]:
    """How many calls each page says there were."""
    texts = [(await client.get(page)).text for page in pages]
    return [sum(value for _, value in series(text, COUNT)) for text in texts]


@pytest.fixture(scope="module")
async def served() -> AsyncGenerator[tuple[str, str, str]]:
    """The two faces and the metrics of a server for the tests that count from where it is."""
    async with FaultyVapi() as vapi, serving(vapi) as (_, mcp, rest, [page]):
        yield mcp, rest, page


async def test_prometheus_reads_what_a_server_did(served: tuple[str, str, str]) -> None:
    # Also what it needs itself: memory and files are what runs out.
    mcp, rest, page = served
    async with httpx2.AsyncClient(timeout=PATIENCE) as client:
        [before] = await calls_in(client, [page])
        assert (await client.post(mcp, **tool_call("modern", GET))).is_success
        assert (await client.get(f"{rest}/session/s-1")).is_success
        assert await calls_in(client, [page]) == [before + 2]
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        newer = (await client.get(page, headers=accept)).text
        assert len([*OPENMETRICS.text_string_to_metric_families(newer)]) > len(METRICS)
        text = (await client.get(page)).text
        assert {"process_resident_memory_bytes", "process_open_fds", "target_info"} <= families(
            text
        )
        assert series(text, "vapi_sessions_calls_active") == [({}, 0)]


async def test_metrics_are_on_no_port_that_callers_reach(served: tuple[str, str, str]) -> None:
    # How much a company calls is its own business.
    mcp, rest, page = served
    async with httpx2.AsyncClient(timeout=PATIENCE) as client:
        for url in (mcp, rest):
            assert (await client.get(httpx2.URL(url).join("/metrics"))).status_code == 404
        for path in ("/mcp", "/v1/session", "/health/live"):
            assert (await client.get(httpx2.URL(page).join(path))).status_code == 404


async def test_metrics_are_there_while_every_call_waits() -> None:
    # Then they are needed most.
    async with (
        FaultyVapi(otherwise=slow()) as vapi,
        serving(vapi, "--max-upstream", "1") as (_, mcp, _, [page]),
        httpx2.AsyncClient(timeout=PATIENCE) as client,
        anyio.create_task_group() as calls,
    ):

        async def call() -> None:
            assert (await client.post(mcp, **tool_call("modern", GET))).is_success

        async def until(name: str, value: float) -> None:
            with anyio.fail_after(PATIENCE):
                while series((await client.get(page)).text, name) != [({}, value)]:
                    pass

        for _ in range(3):
            calls.start_soon(call)
        await until("vapi_sessions_calls_active", 3)
        await until("vapi_sessions_calls_queued", 2)
        vapi.release(3)
        await until("vapi_sessions_calls_active", 0)
        await until("vapi_sessions_calls_queued", 0)


POST, PATCH = ("POST", "/v1/session"), ("PATCH", "/v1/session/s-1")
JSON = {"Content-Type": "application/json"}
PACKED = {**JSON, "Content-Encoding": "gzip"}
LARGE = b" " * (MAX_BODY + 1)
REFUSED: dict[str, tuple[str, str, dict[str, str], bytes, int]] = {
    "REST: no such path": ("GET", "/v1/nothing", {}, b"", 404),
    "REST: no such method": ("PUT", "/v1/session", {}, b"", 405),
    "REST: no JSON": (*POST, {"Content-Type": "text/plain"}, b"{}", 415),
    "REST: packed": (*PATCH, PACKED, b"{}", 415),
    "REST: too large": (*POST, JSON, LARGE, 413),
    "REST: a path with a line break": ("GET", "/v1/session%0A", {}, b"", 404),
    "MCP: no such path": ("POST", "/nothing", JSON, b"{}", 404),
    "MCP: no such method": ("GET", "/mcp", {}, b"", 405),
    "MCP: packed": ("POST", "/mcp", PACKED, b"{}", 415),
    "MCP: too large": ("POST", "/mcp", JSON, LARGE, 413),
    "MCP: too many values": ("POST", "/mcp", JSON, b"[" + b"0," * 400_000 + b"0]", 413),
    "MCP: no message": ("POST", "/mcp", JSON, b"{", 400),
    "MCP: an answer in no type that there is": ("POST", "/mcp", {"Accept": "image/png"}, PING, 406),
    "MCP: no such version": ("POST", "/mcp", {**JSON, "MCP-Protocol-Version": "1"}, PING, 400),
    "MCP: a path with a line break": ("POST", "/mcp%0A", JSON, b"{}", 404),
}


async def test_what_is_refused_before_it_is_a_call_counts_alike_whichever_way_it_came() -> None:
    # Else a client that is set up wrongly would be seen over one way in, and not over the other.
    counted = dict[str, float]()
    async with (
        FaultyVapi() as vapi,
        serving(vapi) as (_, mcp, rest, [page]),
        httpx2.AsyncClient(timeout=PATIENCE) as client,
    ):
        for name, (method, path, headers, body, status) in REFUSED.items():
            to = httpx2.URL(mcp if name.startswith("MCP") else rest).join(path)
            answer = await client.request(method, to, headers=headers, content=body)
            assert answer.status_code == status, name
            counted[str(status)] = counted.get(str(status), 0) + 1
            found = series((await client.get(page)).text, "vapi_sessions_refusals_total")
            assert {labels["error_type"]: value for labels, value in found} == counted, name
        assert await calls_in(client, [page]) == [0]
        # The path says which call it is, so that one is counted, which failed.
        broken = await client.post(f"{rest}/session", headers=JSON, content=b"{")
        assert broken.status_code == 400
        assert await calls_in(client, [page]) == [1]
        found = series((await client.get(page)).text, "vapi_sessions_refusals_total")
        assert sum(value for _, value in found) == len(REFUSED)


async def test_a_stream_is_a_message_without_an_error_and_no_call() -> None:
    # Over HTTP its client hangs up, which is a cancellation here.
    async with (
        started(*HTTP, "--sandbox", "--metrics", "0", **GIVEN) as running,
        httpx2.AsyncClient(timeout=PATIENCE) as client,
    ):
        server = Server(running, await running.url())
        page = url_in(await running.told("Metrics at "))

        async def streams() -> list[dict[str, str]]:
            text = (await client.get(page)).text
            assert series(text, "vapi_sessions_calls_active") == [({}, 0)]
            found = [labels for labels, _ in series(text, OPERATIONS)]
            return [each for each in found if each["mcp_method_name"] == "subscriptions/listen"]

        async with server.client() as subscriber:
            async with subscriber.listen(resources_list_changed=True):
                assert await streams() == []
            with anyio.fail_after(PATIENCE):
                while not (ended := await streams()):
                    pass
        assert [each.get("error_type") for each in ended] == [None]
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0


@pytest.mark.measured
async def test_each_worker_has_a_page_of_its_own_which_it_keeps() -> None:
    # One page that a worker answers by chance would show another count each time.
    async with (
        FaultyVapi() as vapi,
        serving(vapi, "--workers", "2") as (running, _, rest, pages),
        httpx2.AsyncClient(timeout=PATIENCE) as client,
    ):
        assert len(pages) == 2
        instances = [
            series((await client.get(page)).text, "target_info")[0][0]["service_instance_id"]
            for page in pages
        ]
        assert len({*instances}) == 2
        for _ in range(20):
            async with httpx2.AsyncClient(timeout=PATIENCE) as caller:
                assert (await caller.get(f"{rest}/session/s-1")).is_success
        assert sum(await calls_in(client, pages)) == 20
        # The one that takes a worker's place takes its port, too.
        [first, *_] = sorted(children(running.pid))
        os.kill(first, signal.SIGKILL)
        await running.told(f"Worker {first} ended with code -9 and is started again.")
        async with httpx2.AsyncClient(timeout=PATIENCE) as scraper:
            after = [
                series((await scraper.get(page)).text, "target_info")[0][0]["service_instance_id"]
                for page in pages
            ]
        assert len({*instances} & {*after}) == 1


async def test_ports_of_workers_are_one_behind_the_other() -> None:
    # Whoever writes them into a configuration has to know them beforehand.
    port = two_free_ports()
    arguments = ("--workers", "2", "--metrics", f"{port}")
    async with started(*BOTH, *arguments, VAPI_API_KEY=KEY) as running:
        line = await running.told("Metrics at ")
    assert f" http://127.0.0.1:{port}/metrics, http://127.0.0.1:{port + 1}/metrics;" in line


async def test_a_port_that_somebody_has_is_named() -> None:
    # Prometheus would read somebody else's metrics.
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        async with started(*BOTH, "--metrics", f"localhost:{port}", VAPI_API_KEY=KEY) as running:
            assert await running.ended() == 2
            _, said = await running.rest()
    assert said == (
        f"vapi-sessions-mcp: cannot listen on localhost:{port}: Address already in use. Choose"
        " another --metrics.\n"
    )


def two_free_ports() -> int:
    """A port that is free and has a free one behind it."""
    while True:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port: int = free.getsockname()[1]
            with suppress(OSError), closing(socket.create_server(("127.0.0.1", port + 1))):
                return port


def children(pid: int) -> set[int]:
    """The processes that a process has started."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return {int(child) for child in file.read().split()}
