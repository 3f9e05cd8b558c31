"""Which requests are worked on: as many at once as there are files for, and health checks."""

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from vapi_sessions_mcp.access.health import PATHS
from vapi_sessions_mcp.access.refusal import Refusal
from vapi_sessions_mcp.transports.connections import Places

_LOG = logging.getLogger("vapi_sessions_mcp.http")


class Admission:
    """Counts the calls in flight of all apps of a process together."""

    def __init__(self, places: Places) -> None:
        """Without any call yet."""
        self._places, self._calls = places, 0

    def to(self, app: ASGIApp) -> ASGIApp:
        """`app` for as many calls at once as may be; health checks are always answered."""

        async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] in PATHS:
                await app(scope, receive, send)
            elif self._is_full():
                said = "This server has as many calls as it can serve: call again in a moment."
                self._places.telemetry.refused(503)
                _LOG.warning("Refusing calls: %d are in flight.", self._places.limits.calls)
                busy = Refusal(503, said, {"Retry-After": "1", "Connection": "close"})
                await busy(scope, receive, send)
            else:
                self._calls += 1
                try:
                    await app(scope, receive, send)
                finally:
                    self._calls -= 1

        return admitted

    def _is_full(self) -> bool:
        """Whether no call can be taken, be it for one whose body does not come."""
        return self._calls >= self._places.limits.calls and not self._places.drop_waiting(("body",))
