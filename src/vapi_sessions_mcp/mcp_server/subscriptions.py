"""Who wants to know of changes: streams since 2026-07-28, and before that the client of a pipe."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.session import ServerSession
from mcp.server.subscriptions import (
    SUBSCRIPTION_ID_META_KEY,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
)
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import event_to_notification

from vapi_sessions_mcp.access.gate import caller_of
from vapi_sessions_mcp.caller import Caller
from vapi_sessions_mcp.ids import ID_PATTERN, SESSION_URI
from vapi_sessions_mcp.mcp_server.boundary import Context, guarded
from vapi_sessions_mcp.mcp_server.media_types import EVENTS, READS_EVENTS

# Registers what is called with each event, and returns what ends that.
Subscribe: TypeAlias = Callable[[Callable[[ServerEvent], None]], Callable[[], None]]

# Streams at once, each of which keeps a connection.
MOST_STREAMS = 200
# Sessions that one subscriber can name.
MOST_URIS = 1_000
# After so long a stream ends, and the client that opens another one shows again who it is.
STREAM_SECONDS = 900.0
_URI = re.compile(rf"{SESSION_URI}{ID_PATTERN}(/transcript)?")


class Pending:
    """What a subscriber has still to be sent: each event once, however often it came.

    It holds no more than what was subscribed to, so that neither a burst nor a slow reader
    makes it grow.
    """

    def __init__(self, wanted: Iterable[ServerEvent]) -> None:
        """Any other event is not kept."""
        self._wanted = {*wanted}
        self._events: dict[ServerEvent, None] = {}
        self._changed = anyio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._events)

    def want(self, event: ServerEvent) -> None:
        """Keep this event, too."""
        self._wanted.add(event)

    def unwant(self, event: ServerEvent) -> None:
        """Keep this event no more."""
        self._wanted.discard(event)
        self._events.pop(event, None)

    @property
    def wants(self) -> int:
        """How many different events are kept."""
        return len(self._wanted)

    def put(self, event: ServerEvent) -> None:
        """Keep `event`, if it is wanted."""
        if event in self._wanted:
            self._events[event] = None
            self._changed.set()

    def close(self) -> None:
        """Let what is kept be the last."""
        self._closed = True
        self._changed.set()

    async def next(self) -> ServerEvent | None:
        """The event that has waited longest; None after the last."""
        while not self._events and not self._closed:
            self._changed = anyio.Event()
            await self._changed.wait()
        event = next(iter(self._events), None)
        if event is not None:
            del self._events[event]
        return event


class Subscriptions:
    """The subscribers of a server, to whom URIs of sessions are reported and nothing else."""

    def __init__(
        self, subscribe: Subscribe, *, most: int = MOST_STREAMS, seconds: float = STREAM_SECONDS
    ) -> None:
        """`subscribe` leads to what happens; there are `most` streams, of so many `seconds`."""
        self._subscribe, self._most, self._seconds = subscribe, most, seconds
        # Each with its caller's name.
        self._streams: dict[Pending, str] = {}
        self._closed = False
        self._client: ServerSession | None = None
        self._pushed = Pending([ResourcesListChanged()])

    def serve_on(self, server: Server[Any]) -> None:
        """Have `server` take streams (2026-07-28), over any transport."""
        server.add_request_handler(
            "subscriptions/listen", types.SubscriptionsListenRequestParams, guarded(self._listen)
        )

    def close(self) -> None:
        """End each stream as clients expect it, once it has what is kept for it; later ones too."""
        self._closed = True
        for pending in self._streams:
            pending.close()

    async def _listen(
        self, ctx: Context, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        if len(self._streams) >= self._most:
            raise MCPError(
                types.INTERNAL_ERROR,
                "This server has as many subscribers as it can serve: listen again in a minute.",
            )
        # Of one who is nobody in particular, all there are may be.
        name = caller_of(ctx.request, Caller()).name
        if name and [*self._streams.values()].count(name) >= max(1, self._most // 2):
            raise MCPError(
                types.INTERNAL_ERROR,
                "Half of all streams are this caller's, and the rest is for others: end one first.",
            )
        if ctx.request is not None and not ctx.request.scope[READS_EVENTS]:
            # All would be kept until the end, to be answered at once.
            raise MCPError(types.INVALID_REQUEST, f"A stream comes as {EVENTS}: accept that.")
        honored = _honored(params.notifications)
        pending = Pending(_events(honored))
        meta: dict[str, Any] = {SUBSCRIPTION_ID_META_KEY: ctx.request_id}
        acknowledged = types.SubscriptionsAcknowledgedNotification(
            params=types.SubscriptionsAcknowledgedNotificationParams(
                notifications=honored, _meta=meta
            )
        )
        self._streams[pending] = name
        if self._closed:
            pending.close()
        # Before the client knows, so that nothing is lost in between.
        unsubscribe = self._subscribe(pending.put)
        try:
            await ctx.session.send_notification(acknowledged, ctx.request_id)
            with anyio.move_on_after(self._seconds):
                while (event := await pending.next()) is not None:
                    notification = event_to_notification(event, meta)
                    await ctx.session.send_notification(notification, ctx.request_id)
        finally:
            unsubscribe()
            del self._streams[pending]
        return types.SubscriptionsListenResult(_meta=meta)

    def push_on(self, server: Server[Any]) -> None:
        """Have `server`, which has one client, take subscriptions as they were before 2026."""
        server.add_request_handler(
            "resources/subscribe", types.SubscribeRequestParams, guarded(self._add)
        )
        server.add_request_handler(
            "resources/unsubscribe", types.UnsubscribeRequestParams, guarded(self._remove)
        )
        server.add_notification_handler(
            "notifications/initialized", types.NotificationParams, self._begin
        )

    async def push(self) -> None:
        """Send the client of `push_on` what it wants to know, until cancelled."""
        unsubscribe = self._subscribe(self._pushed.put)
        try:
            while (event := await self._pushed.next()) is not None:
                # Before it has introduced itself, it has seen nothing that could have changed.
                if self._client is not None:
                    await self._client.send_notification(event_to_notification(event, {}))
        finally:
            unsubscribe()

    async def _begin(self, ctx: Context, params: types.NotificationParams) -> None:
        self._client = ctx.session

    async def _add(self, ctx: Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        if not _URI.fullmatch(params.uri):
            raise MCPError(
                types.INVALID_PARAMS,
                f"Nobody reports changes of this URI: there are {SESSION_URI}{{id}} and its"
                " /transcript.",
            )
        if self._pushed.wants > MOST_URIS:
            raise MCPError(
                types.INVALID_PARAMS,
                f"There are {MOST_URIS} subscriptions: unsubscribe from one first.",
            )
        self._pushed.want(ResourceUpdated(params.uri))
        return types.EmptyResult()

    async def _remove(
        self, ctx: Context, params: types.UnsubscribeRequestParams
    ) -> types.EmptyResult:
        self._pushed.unwant(ResourceUpdated(params.uri))
        return types.EmptyResult()


def _honored(asked: types.SubscriptionFilter) -> types.SubscriptionFilter:
    """The part of what a client asked for that is ever reported."""
    uris = [uri for uri in asked.resource_subscriptions or [] if _URI.fullmatch(uri)]
    return types.SubscriptionFilter(
        resources_list_changed=asked.resources_list_changed or None,
        resource_subscriptions=[*dict.fromkeys(uris)][:MOST_URIS] or None,
    )


def _events(honored: types.SubscriptionFilter) -> Iterator[ServerEvent]:
    for uri in honored.resource_subscriptions or []:
        yield ResourceUpdated(uri)
    if honored.resources_list_changed:
        yield ResourcesListChanged()
