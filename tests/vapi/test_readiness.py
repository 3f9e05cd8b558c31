"""Vapi is asked whether it is well: seldom, once for all, and never for long."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import anyio
import httpx2
import pytest
from starlette.applications import Starlette

from support.faulty_vapi import RESET, SILENT, FaultyVapi, Reply, reply
from support.issuers import Clock
from support.upstream import Upstream
from vapi_sessions_mcp.access.health import READY, health
from vapi_sessions_mcp.caller import owner
from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi
from vapi_sessions_mcp.vapi.readiness import INTERVAL_SECONDS, PATIENCE_SECONDS, Readiness

pytestmark = pytest.mark.anyio

SETTINGS = Settings(api_key=SANDBOX_KEY, base_url="http://localhost:9")
EMPTY = httpx2.Response(200, json={"results": [], "metadata": {}})


class Scripted(httpx2.AsyncBaseTransport):
    """A Vapi that does what it is told at the moment."""

    def __init__(self, does: Callable[[], Awaitable[httpx2.Response]]) -> None:
        self.does = does

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self.does()


def asking(upstream: Upstream, clock: Clock) -> Readiness:
    return Readiness(Vapi(SETTINGS, transport=upstream), owner(SETTINGS), clock)


def answers(status: int, **headers: str) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda request: httpx2.Response(status, headers=headers))


async def test_it_asks_once_in_thirty_seconds(upstream: Upstream) -> None:
    # Three probes a second for each replica would be a load on Vapi by themselves.
    clock = Clock()
    ready = asking(upstream, clock)
    assert [await ready() for _ in range(50)] == [""] * 50
    clock.now += INTERVAL_SECONDS - 0.1
    assert await ready() == ""
    assert len(upstream.requests) == 1
    clock.now += 0.1
    assert await ready() == ""
    assert len(upstream.requests) == 2


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "api-key-refused"),
        (429, "vapi-rate-limited"),
        (500, "vapi-failed"),
        (503, "vapi-failed"),
        (403, "vapi-refused"),
        (302, "vapi-refused"),
    ],
)
async def test_a_failure_is_named_and_asked_about_as_seldom(
    upstream: Upstream, status: int, reason: str
) -> None:
    # A call would be tried three times, and a Vapi in trouble needs no more of them.
    clock = Clock()
    ready = asking(upstream, clock)
    well, upstream.answers = upstream.answers, answers(status, **{"Retry-After": "0"})
    assert [await ready() for _ in range(5)] == [reason] * 5
    assert len(upstream.requests) == 1
    # It is well again, and that is noticed.
    upstream.answers = well
    assert await ready() == reason
    clock.now += INTERVAL_SECONDS
    assert await ready() == ""


async def test_a_vapi_that_cannot_be_reached_is_named(upstream: Upstream) -> None:
    # It is the most frequent reason, and the network's fault as often as Vapi's.
    async def unreachable() -> httpx2.Response:
        raise httpx2.ConnectError("no route")

    upstream.answers = Scripted(unreachable)
    assert await asking(upstream, Clock())() == "vapi-unreachable"


async def test_probes_at_once_share_one_request(upstream: Upstream) -> None:
    # At the start all the probes of a cluster come before the first answer does.
    begun, go = anyio.Event(), anyio.Event()
    said: list[str] = []

    async def waits() -> httpx2.Response:
        begun.set()
        await go.wait()
        return httpx2.Response(500)

    upstream.answers = Scripted(waits)
    ready = asking(upstream, Clock())

    async def probe() -> None:
        said.append(await ready())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as probes:
            for _ in range(20):
                probes.start_soon(probe)
            await begun.wait()
            await anyio.wait_all_tasks_blocked()
            assert said == []
            go.set()
    assert said == ["vapi-failed"] * 20
    assert len(upstream.requests) == 1


async def test_no_probe_waits_longer_than_the_patience_of_probes(upstream: Upstream) -> None:
    # A probe that is late counts as failed, and a good replica would be taken out.
    async def silent() -> httpx2.Response:
        await anyio.sleep_forever()
        return EMPTY

    upstream.answers = Scripted(silent)
    ready = asking(upstream, Clock())
    said: list[str] = []

    async def probe() -> None:
        with anyio.fail_after(PATIENCE_SECONDS + 0.5):
            said.append(await ready())

    async with anyio.create_task_group() as probes:
        for _ in range(5):
            probes.start_soon(probe)
    assert said == ["vapi-unreachable"] * 5
    assert len(upstream.requests) == 1


async def test_a_probe_that_goes_away_is_not_followed_by_another_request(
    upstream: Upstream,
) -> None:
    # Whoever hangs up again and again must not have Vapi asked each time.
    async def silent() -> httpx2.Response:
        await anyio.sleep_forever()
        return EMPTY

    upstream.answers = Scripted(silent)
    ready = asking(upstream, Clock())
    for _ in range(3):
        with anyio.move_on_after(0.1):
            await ready()
    assert await ready() == "vapi-unreachable"
    assert len(upstream.requests) == 1


async def test_it_reads_no_customer_s_session(upstream: Upstream) -> None:
    # Nobody asked for one, and the key may see all of them.
    read: list[bytes] = []
    sandbox = upstream.answers

    class Noting(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            response = await sandbox.handle_async_request(request)
            read.append(await response.aread())
            return httpx2.Response(response.status_code, content=read[-1])

    upstream.answers = Noting()
    assert await asking(upstream, Clock())() == ""
    [request], [body] = upstream.requests, read
    assert request.method == "GET"
    assert b'"results":[]' in body


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        (reply(), 200, '{"status":"ready"}'),
        (reply(401), 503, '{"status":"not ready","reason":"api-key-refused"}'),
        (reply(429), 200, '{"status":"degraded","reason":"vapi-rate-limited"}'),
        (reply(500), 200, '{"status":"degraded","reason":"vapi-failed"}'),
        (RESET, 200, '{"status":"degraded","reason":"vapi-unreachable"}'),
        (SILENT, 200, '{"status":"degraded","reason":"vapi-unreachable"}'),
    ],
    ids=["well", "401", "429", "500", "reset", "silent"],
)
async def test_vapi_is_asked_once_for_all_probes_of_all_faces(
    answer: Reply, status: int, text: str
) -> None:
    # A cluster's probes must not be the load that Vapi refuses its calls for.
    said: list[tuple[int, str]] = []

    async def probe(face: httpx2.AsyncClient) -> None:
        for _ in range(3):
            found = await face.get(READY)
            said.append((found.status_code, found.text))

    async with FaultyVapi(otherwise=answer) as asked:
        settings = replace(SETTINGS, base_url=asked.url)
        async with AsyncExitStack() as stack:
            ask = Readiness(await stack.enter_async_context(Vapi(settings)), owner(settings))
            faces = [
                await stack.enter_async_context(
                    httpx2.AsyncClient(
                        transport=httpx2.ASGITransport(Starlette(routes=health(settings, ask))),
                        base_url="http://localhost",
                    )
                )
                for _ in range(2)
            ]
            async with anyio.create_task_group() as probes:
                for face in faces * 5:
                    probes.start_soon(probe, face)
    assert said == [(status, text)] * 30
    assert len(asked.requests) == 1
