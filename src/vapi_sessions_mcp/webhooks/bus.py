"""Changes in, and out to each listener in this process those that may be known, each once."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent

from vapi_sessions_mcp.clock import Clock, real
from vapi_sessions_mcp.ids import SESSION_URI
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.webhooks.events import Change

# How long a change is remembered, at least, so that it is not reported again, and how many are.
KEPT = timedelta(hours=1)
MOST = 10_000

Listener: TypeAlias = Callable[[ServerEvent], None]


class Bus:
    """What is heard of sessions, in this process.

    Nothing waits: a listener takes an event in the moment in which it comes, and must not
    raise.
    """

    def __init__(self, pins: Pins, clock: Clock = real) -> None:
        """Of sessions that `pins` leave out nothing is heard; `clock` says what is long ago."""
        self._pins, self._clock = pins, clock
        self._listeners: dict[object, Listener] = {}
        # Lately, and before that.
        self._seen: set[tuple[str, ...]] = set()
        self._before: set[tuple[str, ...]] = set()
        self._seen_since = clock()

    def take(self, change: Change) -> bool:
        """Report it to the listeners; False for a change that was reported already."""
        if self._is_repeat(change):
            return False
        if self._pins.hold(change.owner):
            for event in events_of(change):
                for listener in [*self._listeners.values()]:
                    listener(event)
        return True

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called for each event from now on, until what is returned is called."""
        key = object()
        self._listeners[key] = listener

        def unsubscribe() -> None:
            self._listeners.pop(key, None)

        return unsubscribe

    def _is_repeat(self, change: Change) -> bool:
        """Whether type, id and `updatedAt` are those of a change before: deliveries have no id."""
        if not change.updated_at:
            return False  # nothing says that it is the same
        if self._clock() - self._seen_since > KEPT or len(self._seen) >= MOST // 2:
            self._before, self._seen, self._seen_since = self._seen, set(), self._clock()
        key = (change.type, change.id, change.updated_at)
        known = key in self._seen or key in self._before
        self._seen.add(key)
        return known


def events_of(change: Change) -> list[ServerEvent]:
    """What the change means for resources: both ways to read a session, and which there are."""
    uri = f"{SESSION_URI}{change.id}"
    events: list[ServerEvent] = [ResourceUpdated(uri), ResourceUpdated(f"{uri}/transcript")]
    return [*events, ResourcesListChanged()] if change.in_list else events
