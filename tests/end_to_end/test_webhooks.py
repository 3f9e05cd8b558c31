"""Changes on their way through real processes: Vapi's stand-in, servers, a Redis, clients."""

import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client.subscriptions import Subscription
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent

from support.http_calls import LEGACY, META, message, request
from support.processes import PATIENCE, UNENDING, Running, started, url_in
from support.redis_server import RedisServer
from support.stdio_calls import INITIALIZED, initialize, legacy, modern
from support.tools import CREATE, DELETE, UPDATE
from support.webhook_servers import GIVEN, HTTP, Server, serving
from support.webhooks import PATH, bearer, until

pytestmark = pytest.mark.anyio

READ_TOKEN = "reader-of-changes-0123456789"
URI = "vapi-session://s-1"
CHANGED, OTHER = ResourcesListChanged(), ResourceUpdated("vapi-session://s-2")


async def test_what_is_changed_in_vapi_reaches_who_listens() -> None:
    # All of it at once, as docs/webhooks.md has it tried out.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    hook = f"http://127.0.0.1:{port}{PATH}"
    async with AsyncExitStack() as stack:
        stack.enter_context(anyio.fail_after(3 * PATIENCE))
        sandbox = await stack.enter_async_context(
            started("sandbox", "--port", "0", "--webhook-url", hook, **GIVEN)
        )
        vapi = url_in(await sandbox.told("Vapi sandbox at "))
        options = (*HTTP, "--port", port, "--base-url", vapi)
        running = await stack.enter_async_context(
            started(*options, VAPI_API_KEY="vapi-sandbox-key", **GIVEN)
        )
        server = Server(running, await running.url())
        client = await stack.enter_async_context(server.client())
        lists = await stack.enter_async_context(client.listen(resources_list_changed=True))
        made = await client.call_tool(CREATE, {"body": {"name": "日本語"}})
        assert await anext(lists) == CHANGED
        made_of: dict[str, Any] = made.structured_content or {}
        id = made_of["id"]
        uris = [f"vapi-session://{id}", f"vapi-session://{id}/transcript"]
        one = await stack.enter_async_context(client.listen(resource_subscriptions=uris))
        for tool, more in ((UPDATE, {"body": {"status": "completed"}}), (DELETE, {})):
            assert not (await client.call_tool(tool, {"id": id, **more})).is_error
            assert {await anext(one), await anext(one)} == {*map(ResourceUpdated, uris)}
        assert await anext(lists) == CHANGED


async def test_who_may_read_hears_and_nobody_else() -> None:
    # A token that only reads shows every session that is inside, and no other.
    pins = ("--only-assistant", "a-1")
    async with serving(*pins, VAPI_MCP_READ_TOKENS=READ_TOKEN) as server:
        listen = request("subscriptions/listen", notifications={"resourcesListChanged": True})
        for headers in (LEGACY, {**LEGACY, **dict(bearer())}):
            assert (await server.answered(listen, headers)).status_code == 401
        async with (
            server.client(READ_TOKEN) as client,
            client.listen(
                resources_list_changed=True, resource_subscriptions=[URI, "vapi-session://s-2"]
            ) as stream,
        ):
            for owner in ({}, {"assistantId": "a-2"}, {"squadId": "a-1"}):
                await server.post("session.created", "s-2", **owner)
            await server.post("session.updated", "s-1", assistantId="a-1")
            assert await anext(stream) == ResourceUpdated(URI)
            await server.post("session.deleted", "s-1", assistantId="a-1")
            assert {await anext(stream), await anext(stream)} == {ResourceUpdated(URI), CHANGED}


@pytest.fixture(scope="module")
async def hooked() -> AsyncGenerator[Server]:
    """One on the sandbox for the tests that leave it as it was, of which the first is measured."""
    async with serving() as server:
        yield server


@pytest.mark.measured
async def test_who_cannot_read_events_as_they_come_gets_no_stream(hooked: Server) -> None:
    # Its events would be kept, for a quarter of an hour, to be answered as one JSON.
    method = "subscriptions/listen"
    body = request(method, _meta=META, notifications={"resourcesListChanged": True})
    headers = {**LEGACY, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    for accept in ("application/json", "*/*"):
        answer = await hooked.answered(body, {**headers, "Accept": accept})
        error = answer.json()["error"]
        assert error["message"] == "A stream comes as text/event-stream: accept that."


async def test_over_http_before_2026_nothing_is_offered_that_cannot_be_kept(hooked: Server) -> None:
    # There is no connection on which a server that keeps no state could report anything.
    asked = initialize(1, "2025-11-25")
    offered = message(await hooked.answered(asked, LEGACY))["result"]["capabilities"]
    assert offered["resources"] == {"subscribe": False, "listChanged": False}
    filter = {"resourceSubscriptions": [URI]}
    for refused in (
        request("resources/subscribe", uri=URI),
        request("subscriptions/listen", notifications=filter),
    ):
        assert message(await hooked.answered(refused, LEGACY))["error"]["code"] == -32601


async def test_a_stop_ends_streams_and_waits_for_none() -> None:
    # Each would hold the process for the whole grace, which is ten minutes here.
    async with (
        serving() as server,
        server.client() as client,
        client.listen(resource_subscriptions=[URI]) as stream,
    ):
        await server.post()
        server.stop()
        assert [event async for event in stream] == [ResourceUpdated(URI)]
        assert await server.running.ended() == 0


async def subscribe(desktop: Running, newer: Running) -> None:
    """Have a desktop host of each era ask for the changes of one session."""
    await desktop.send(initialize(1, "2025-11-25"))
    offered = (await desktop.receive())["result"]["capabilities"]["resources"]
    assert offered == {"subscribe": True, "listChanged": True}
    await desktop.send(INITIALIZED, legacy(2, "resources/subscribe", uri=URI))
    assert (await desktop.receive())["result"] == {}
    filter = {"resourceSubscriptions": [URI]}
    await newer.send(modern(7, "subscriptions/listen", notifications=filter))
    acknowledged = await newer.receive()
    assert acknowledged["method"] == "notifications/subscriptions/acknowledged"


@pytest.mark.measured
async def test_with_a_redis_that_was_never_there_all_are_served() -> None:
    # It is started last, or its address is wrong: each server is on its own, and works.
    nowhere = {"VAPI_MCP_REDIS_URL": "redis://127.0.0.1:9"}
    options = ("--sandbox", *UNENDING)
    async with (
        serving(**nowhere) as server,
        started(*options, **nowhere) as desktop,
        started(*options, **nowhere) as newer,
        server.client() as client,
        client.listen(resource_subscriptions=[URI]) as stream,
    ):
        for _ in range(2):  # Vapi repeats what it is not sure of
            await server.post()
        assert await anext(stream) == ResourceUpdated(URI)
        await subscribe(desktop, newer)
        for process in (desktop, newer):
            await process.end_input()
            assert await process.ended() == 0


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncGenerator[RedisServer]:
    async with RedisServer(tmp_path) as redis:
        yield redis


async def until_changed(stream: Subscription) -> list[ServerEvent]:
    """What a stream reports before it reports that there is another set of sessions."""
    events: list[ServerEvent] = []
    async for event in stream:
        if event == CHANGED:
            break
        events.append(event)
    return events


async def test_replicas_and_a_desktop_host_hear_of_what_any_replica_is_told(
    redis: RedisServer,
) -> None:
    # Vapi reports to whichever the load balancer chooses.
    url = {"VAPI_MCP_REDIS_URL": redis.url}
    options, both = ("--sandbox", *UNENDING), [URI, OTHER.uri]
    async with (
        serving(**url) as one,
        serving(**url) as two,
        started(*options, **url) as desktop,
        started(*options, **url) as newer,
        one.client() as client_one,
        two.client() as client_two,
        client_one.listen(resource_subscriptions=both, resources_list_changed=True) as of_one,
        client_two.listen(resource_subscriptions=both, resources_list_changed=True) as of_two,
    ):
        await subscribe(desktop, newer)

        # The first may come before the others hear.
        numbers = iter(range(1_000))
        done = anyio.Event()

        async def report() -> None:
            while not done.is_set():
                await one.post("session.updated", "s-1", updatedAt=f"t{next(numbers)}")
                await anyio.sleep(0.05)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(report)
            assert await anext(of_one) == await anext(of_two) == ResourceUpdated(URI)
            for process in (desktop, newer):
                heard = await process.receive()
                assert heard["method"] == "notifications/resources/updated"
                assert heard["params"]["uri"] == URI
            done.set()

        # Repeated to another replica, it is still the same change.
        await two.post("session.created", "s-2", updatedAt="once")
        for stream in (of_one, of_two):
            assert OTHER in await until_changed(stream)
        await one.post("session.created", "s-2", updatedAt="once")
        await one.post("session.deleted", "s-3")
        for stream in (of_one, of_two):
            assert OTHER not in await until_changed(stream)
        for process in (desktop, newer):
            await process.end_input()
            assert await process.ended() == 0


async def test_without_its_redis_a_replica_serves_and_reports_what_it_is_told(
    redis: RedisServer,
) -> None:
    # A Redis that is down is no reason to answer no calls.
    async with (
        serving(VAPI_MCP_REDIS_URL=redis.url) as server,
        server.client() as client,
        client.listen(resource_subscriptions=[URI]) as stream,
    ):
        await server.post(updatedAt="t1")
        assert await anext(stream) == ResourceUpdated(URI)
        await redis.stop()
        line = await server.running.told("Redis fails")
        assert redis.PASSWORD not in line
        await server.post(updatedAt="t2")
        assert await anext(stream) == ResourceUpdated(URI)
        assert (await client.list_tools()).tools
        await redis.start()
        await server.running.told("Redis works again")


async def test_workers_hear_of_each_other(redis: RedisServer) -> None:
    # A report reaches one of them, and a stream is at another.
    options = ("--workers", "2")
    key, env = "key-0123456789abcdef", {"VAPI_MCP_REDIS_URL": redis.url}
    async with (
        serving(*options, api_key=key, **env) as server,
        AsyncExitStack() as stack,
    ):
        streams: list[Any] = []
        for _ in range(6):
            client = await stack.enter_async_context(server.client())
            listening = client.listen(resource_subscriptions=[URI])
            streams.append(await stack.enter_async_context(listening))
        heard = 0

        async def hear(stream: Any) -> None:
            nonlocal heard
            assert await anext(stream) == ResourceUpdated(URI)
            heard += 1

        async with anyio.create_task_group() as tasks:
            for each in streams:
                tasks.start_soon(hear, each)
            number = 0
            while heard < len(streams):
                number += 1
                await server.post(updatedAt=f"t{number}")
                with anyio.move_on_after(0.5):
                    await until(lambda: heard == len(streams))
