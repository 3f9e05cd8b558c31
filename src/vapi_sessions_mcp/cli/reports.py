"""Changes on their way through this process: from Vapi or another replica to who subscribed."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.lowlevel import Server
from starlette.responses import Response
from starlette.types import ASGIApp

from vapi_sessions_mcp.mcp_server.subscriptions import Subscriptions
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.transports.limits import calls_at_once
from vapi_sessions_mcp.webhooks.app import PATH, build_webhook
from vapi_sessions_mcp.webhooks.bus import Bus
from vapi_sessions_mcp.webhooks.events import Change

if TYPE_CHECKING:
    from vapi_sessions_mcp.webhooks.redis_relay import Relay


class Reports:
    """What the settings ask for of it: the webhook, a Redis, and subscribers."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError where the Redis of the settings cannot be used."""
        self._settings, self._bus = settings, Bus(Pins(settings))
        url = settings.redis_url
        self._relay = relay_over(url, self._bus.take) if url else None
        # Half of the calls that can be in flight are for those that end.
        self._subscriptions = Subscriptions(self._bus.subscribe, most=calls_at_once() // 2)

    def paths(self, note_refusal: Callable[[Response], None]) -> Mapping[str, ASGIApp]:
        """What is served besides MCP: the webhook, if the settings ask for it."""
        if not self._settings.webhooks:
            return {}
        return {PATH: build_webhook(self._settings, self._take, note_refusal)}

    def serve_on(self, server: Server[Any], *, is_pipe: bool = False) -> None:
        """Have `server` take subscribers; over a pipe, its one client before 2026-07-28, too."""
        self._subscriptions.serve_on(server)
        if is_pipe:
            self._subscriptions.push_on(server)

    def ending_with(self, stopped: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """`stopped`; when it returns, streams end, which no stop has to wait for then."""

        async def stop() -> None:
            await stopped()
            self._subscriptions.close()

        return stop

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Within, changes go from replica to replica and to the client of a pipe."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._subscriptions.push)
            if self._relay:
                tasks.start_soon(self._relay.run)
            yield
            tasks.cancel_scope.cancel()

    def _take(self, change: Change) -> None:
        if self._bus.take(change) and self._relay:
            self._relay.forward(change)


def relay_over(url: str, hear: Callable[[Change], object]) -> "Relay":
    """What leads to the other replicas; raises SettingsError like Reports."""
    try:
        # 60 ms, and a package, that a server without one does without.
        from vapi_sessions_mcp.webhooks.redis_relay import Relay
    except ImportError as exc:
        raise SettingsError(
            "VAPI_MCP_REDIS_URL needs the package redis: install vapi-sessions-mcp[redis]."
        ) from exc
    try:
        return Relay(url, hear)
    except ValueError:
        raise SettingsError(
            "VAPI_MCP_REDIS_URL, which is not shown, since it may hold a password, is not a URL"
            " that a Redis can have, or has an option behind ? that is unknown."
        ) from None
