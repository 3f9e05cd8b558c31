"""Subscribers hear of what they asked for and nothing else, in bounds however much happens."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
import httpx2
import mcp_types as types
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client, MCPError
from mcp.client.session import ClientSession
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent
from mcp.shared.memory import create_client_server_memory_streams

from support.http_calls import LEGACY, META, message, request
from support.judged import asked
from support.upstream import Upstream
from support.webhooks import taking, until
from vapi_sessions_mcp.access.gate import Gate
from vapi_sessions_mcp.mcp_server.app import MCP, build_app
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.mcp_server.subscriptions import MOST_URIS, Pending, Subscriptions
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

PATIENCE = 20
URI = "vapi-session://s-1"
CHANGED = ResourcesListChanged()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Real time, in which a stream that waits is not hurried to its end."""
    return "asyncio"


class Happenings:
    """Where events come from."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[ServerEvent], None]] = []

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def happen(self, *events: ServerEvent) -> None:
        for event in events:
            for listener in self.listeners:
                listener(event)


def a_server() -> Server[Any]:
    settings = taking()
    upstream = Upstream(httpx2.MockTransport(lambda _: httpx2.Response(500)))
    return build_server(Sessions(Vapi(settings, transport=upstream), settings), settings)


@asynccontextmanager
async def modern(subscriptions: Subscriptions) -> AsyncGenerator[Client]:
    """A client of 2026-07-28."""
    server = a_server()
    subscriptions.serve_on(server)
    with anyio.fail_after(PATIENCE):
        async with Client(server, mode="2026-07-28") as client:
            yield client


def numbered(count: int) -> list[str]:
    return [f"vapi-session://s-{number}" for number in range(count)]


async def test_a_stream_has_what_was_asked_for_and_nothing_else() -> None:
    # Whoever asked for one session must not learn that others exist.
    happenings = Happenings()
    async with (
        modern(Subscriptions(happenings.subscribe)) as client,
        client.listen(resource_subscriptions=[URI]) as one,
        client.listen(resources_list_changed=True) as lists,
        client.listen(resource_subscriptions=[f"{URI}/transcript"]) as transcript,
    ):
        other = ResourceUpdated("vapi-session://s-2")
        read = ResourceUpdated(f"{URI}/transcript")
        happenings.happen(other, CHANGED, ResourceUpdated(URI), read)
        assert await anext(one) == ResourceUpdated(URI)
        assert await anext(lists) == CHANGED
        assert await anext(transcript) == read
        happenings.happen(other, ResourceUpdated(URI), CHANGED)
        assert await anext(one) == ResourceUpdated(URI)
        assert await anext(lists) == CHANGED
    assert happenings.listeners == []


@pytest.mark.parametrize(
    "uri",
    [
        *("", "ui://sessions", "https://example.com", "vapi-session://", "vapi-session://a/b"),
        *("vapi-session://..", "vapi-session://s-1/", "vapi-session://сессия", "VAPI-SESSION://s"),
        *(
            "vapi-session://s-1\n",
            "vapi-session://{id}",
            "vapi-session://*",
            f" {URI}",
            "x" * 9_999,
        ),
    ],
)
async def test_what_nobody_ever_reports_is_not_promised(uri: str) -> None:
    # A client believes the acknowledgement, and would wait for ever.
    async with (
        modern(Subscriptions(Happenings().subscribe)) as client,
        client.listen(
            tools_list_changed=True, prompts_list_changed=True, resource_subscriptions=[uri, URI]
        ) as stream,
    ):
        assert stream.honored == types.SubscriptionFilter(resource_subscriptions=[URI])


async def test_a_subscriber_can_name_so_many_sessions_and_no_more() -> None:
    # What is kept for a subscriber is bounded by what it subscribed to.
    async with (
        modern(Subscriptions(Happenings().subscribe)) as client,
        client.listen(resource_subscriptions=[*numbered(MOST_URIS + 50), URI] * 2) as stream,
    ):
        assert stream.honored.resource_subscriptions == numbered(MOST_URIS)


async def test_there_are_so_many_streams_and_no_more_until_one_ends() -> None:
    # Each keeps a connection, and calls need some as well.
    happenings = Happenings()
    async with (
        modern(Subscriptions(happenings.subscribe, most=2)) as client,
        client.listen(resources_list_changed=True) as first,
    ):
        async with client.listen(resource_subscriptions=[URI]):
            with pytest.raises(MCPError, match="as many subscribers as it can serve"):
                async with client.listen(resources_list_changed=True):
                    pass
        await anyio.wait_all_tasks_blocked()
        assert len(happenings.listeners) == 1
        async with client.listen(resources_list_changed=True) as stream:
            happenings.happen(CHANGED)
            assert [await anext(first), await anext(stream)] == [CHANGED, CHANGED]


async def test_one_token_cannot_take_every_stream() -> None:
    # Else whoever has one, be it that of a machine that went wrong, shuts all others out.
    tokens = ("one-0123456789abcdef", "two-0123456789abcdef")
    happenings = Happenings()
    subscriptions = Subscriptions(happenings.subscribe, most=5)
    settings = taking(tokens=tokens[:1], read_tokens=tokens[1:])
    server = a_server()
    subscriptions.serve_on(server)
    app = build_app(server, settings, Gate(settings, MCP))
    params = {"notifications": {"resourcesListChanged": True}, "_meta": META}
    body = json.dumps(request("subscriptions/listen", **params)).encode()
    fields = {**LEGACY, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"}

    async def listen(token: str) -> dict[str, Any]:
        shown = ("Authorization", f"Bearer {token}")
        return message(await asked(app, "POST", MCP, [*fields.items(), shown], body))

    async with server.session_manager.run(), anyio.create_task_group() as tasks:
        for number in (1, 2):
            tasks.start_soon(listen, tokens[0])
            await until(lambda count=number: len(happenings.listeners) == count)
        assert (
            "Half of all streams are this caller's" in (await listen(tokens[0]))["error"]["message"]
        )
        tasks.start_soon(listen, tokens[1])
        await until(lambda: len(happenings.listeners) == 3)
        subscriptions.close()
        await until(lambda: not happenings.listeners)
        # What has ended counts no more.
        assert "result" in await listen(tokens[0])


async def test_where_nobody_is_asked_all_streams_are_there_for_all() -> None:
    # There is no other caller for whom half of them could be.
    async with (
        modern(Subscriptions(Happenings().subscribe, most=2)) as client,
        client.listen(resources_list_changed=True),
        client.listen(resources_list_changed=True) as stream,
    ):
        assert stream.honored.resources_list_changed


async def test_every_stream_ends_well_when_the_server_stops() -> None:
    # Cut off, a client could not know whether it missed something.
    happenings = Happenings()
    subscriptions = Subscriptions(happenings.subscribe)
    async with (
        modern(subscriptions) as client,
        client.listen(resource_subscriptions=[URI]) as one,
        client.listen(resources_list_changed=True) as two,
    ):
        happenings.happen(ResourceUpdated(URI))
        subscriptions.close()
        assert [event async for event in one] == [ResourceUpdated(URI)]
        assert [event async for event in two] == []
        # One that is opened meanwhile must not hold the process up.
        async with client.listen(resources_list_changed=True) as three:
            assert [event async for event in three] == []


async def test_a_stream_ends_by_itself_so_that_its_client_shows_again_who_it_is() -> None:
    # A token that was withdrawn must not listen for ever.
    happenings = Happenings()
    async with (
        modern(Subscriptions(happenings.subscribe, seconds=0.01)) as client,
        client.listen(resources_list_changed=True) as stream,
    ):
        assert [event async for event in stream] == []
    assert happenings.listeners == []


async def test_a_burst_leaves_each_event_once() -> None:
    # Nothing waits for a slow reader, and nothing grows for it.
    pending = Pending([CHANGED, *map(ResourceUpdated, numbered(3))])
    for number in range(10_000):
        pending.put(ResourceUpdated(f"vapi-session://s-{number}"))
        pending.put(ResourceUpdated(f"vapi-session://s-{number % 3}"))
        pending.put(CHANGED)
        assert len(pending) <= 4
    pending.close()
    events = [ResourceUpdated("vapi-session://s-0"), CHANGED]
    events += [ResourceUpdated("vapi-session://s-1"), ResourceUpdated("vapi-session://s-2")]
    assert [await pending.next() for _ in range(5)] == [*events, None]


async def test_of_ten_thousand_events_a_slow_client_gets_the_newest_state_once() -> None:
    # The client has not read one of them when the last comes.
    happenings = Happenings()
    async with (
        modern(Subscriptions(happenings.subscribe)) as client,
        client.listen(resource_subscriptions=numbered(5), resources_list_changed=True) as stream,
    ):
        happenings.happen(*[ResourceUpdated(uri) for uri in numbered(5)] * 2_000, CHANGED, CHANGED)
        heard = [await anext(stream) for _ in range(6)]
        assert heard == [*map(ResourceUpdated, numbered(5)), CHANGED]
        # Nothing was left behind: what comes next is what happens next.
        happenings.happen(ResourceUpdated(numbered(5)[4]))
        assert await anext(stream) == ResourceUpdated(numbered(5)[4])


class Piped:
    """A client of 2025-11-25 over a pipe, and what it is notified of."""

    def __init__(self, session: ClientSession, notified: MemoryObjectReceiveStream[Any]) -> None:
        self.session, self._notified = session, notified

    async def ask(self, method: Literal["subscribe", "unsubscribe"], uri: str) -> None:
        """Subscribe to a URI, or end that; by the client's own method it would be a warning."""
        request: types.SubscribeRequest | types.UnsubscribeRequest
        if method == "subscribe":
            request = types.SubscribeRequest(params=types.SubscribeRequestParams(uri=uri))
        else:
            request = types.UnsubscribeRequest(params=types.UnsubscribeRequestParams(uri=uri))
        await self.session.send_request(request, types.EmptyResult)

    async def heard(self, count: int) -> list[str]:
        """The next notifications: a URI each, or a method."""
        notified = [await self._notified.receive() for _ in range(count)]
        return [
            each.params.uri if isinstance(each, types.ResourceUpdatedNotification) else each.method
            for each in notified
        ]


@asynccontextmanager
async def piped(happenings: Happenings) -> AsyncGenerator[Piped]:
    """A client that has not introduced itself yet."""
    server, subscriptions = a_server(), Subscriptions(happenings.subscribe)
    subscriptions.serve_on(server)
    subscriptions.push_on(server)
    options = server.create_initialization_options(NotificationOptions(resources_changed=True))
    notify, notified = anyio.create_memory_object_stream[Any](1_000)

    async def note(message: Any) -> None:
        await notify.send(message)

    async with (
        notify,
        notified,
        create_client_server_memory_streams() as (client_streams, server_streams),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(server.run, *server_streams, options)
        tasks.start_soon(subscriptions.push)
        with anyio.fail_after(PATIENCE):
            async with ClientSession(*client_streams, message_handler=note) as session:
                yield Piped(session, notified)
        tasks.cancel_scope.cancel()
    assert happenings.listeners == []


LIST_CHANGED = "notifications/resources/list_changed"


async def test_before_2026_a_client_of_a_pipe_hears_of_what_it_subscribed_to() -> None:
    # Most hosts speak these versions, and start the server themselves.
    happenings = Happenings()
    async with piped(happenings) as client:
        await anyio.wait_all_tasks_blocked()
        # Nobody can be told anything before it has introduced itself.
        happenings.happen(CHANGED)
        started = await client.session.initialize()
        assert started.capabilities.resources
        assert started.capabilities.resources.subscribe is True
        assert started.capabilities.resources.list_changed is True
        await client.ask("subscribe", URI)
        happenings.happen(ResourceUpdated("vapi-session://s-2"), ResourceUpdated(URI), CHANGED)
        assert await client.heard(2) == [URI, LIST_CHANGED]
        await client.ask("unsubscribe", URI)
        await client.ask("unsubscribe", URI)
        happenings.happen(ResourceUpdated(URI), CHANGED)
        assert await client.heard(1) == [LIST_CHANGED]


async def test_before_2026_what_cannot_be_subscribed_to_is_refused_in_words() -> None:
    # A client that is refused nothing waits for ever.
    async with piped(Happenings()) as client:
        await client.session.initialize()
        with pytest.raises(MCPError, match="Nobody reports changes of this URI"):
            await client.ask("subscribe", "ui://sessions")
        for uri in numbered(MOST_URIS):
            await client.ask("subscribe", uri)
        with pytest.raises(MCPError, match="There are 1000 subscriptions: unsubscribe from one"):
            await client.ask("subscribe", URI)
        await client.ask("unsubscribe", numbered(1)[0])
        await client.ask("subscribe", URI)


async def test_what_is_served_is_what_is_announced_and_nothing_else() -> None:
    # Clients ask for what they are offered.
    quiet, heard = a_server(), a_server()
    Subscriptions(Happenings().subscribe).serve_on(heard)
    for version in ("2025-06-18", "2025-11-25", "2026-07-28"):
        silent = quiet.get_capabilities(protocol_version=version).resources
        assert silent == types.ResourcesCapability(subscribe=False, list_changed=False)
        reported = heard.get_capabilities(protocol_version=version).resources
        # Over HTTP, before 2026, there is no way to report anything.
        modern = version == "2026-07-28"
        assert reported == types.ResourcesCapability(subscribe=modern, list_changed=modern)
