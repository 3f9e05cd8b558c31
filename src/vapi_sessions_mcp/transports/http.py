"""HTTP: servers of ASGI apps on sockets bound beforehand, within limits, until they are stopped."""

import logging
import math
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp

from vapi_sessions_mcp.settings import SettingsError
from vapi_sessions_mcp.telemetry.report import OFF, Telemetry
from vapi_sessions_mcp.transports.admission import Admission
from vapi_sessions_mcp.transports.connections import Connection, Places
from vapi_sessions_mcp.transports.limits import ACCEPTED_AT_ONCE, MAX_HEAD, Limits
from vapi_sessions_mcp.transports.signals import stop_signal

# Connections that the system keeps for us until we take them.
QUEUE = 2048

_LOG = logging.getLogger("vapi_sessions_mcp.http")


def bind(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """A listening socket; raises SettingsError when the address cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=QUEUE)
    except OSError as exc:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {str(exc.strerror or exc).partition(' (')[0]}."
            f" Choose another {option}."
        ) from exc
    # asyncio does it only for sockets that it makes itself; without, an answer waits 40 ms for the
    # acknowledgement of its own headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def serve(
    faces: Sequence[tuple[ASGIApp, socket.socket]],
    *,
    grace: float,
    limits: Limits | None = None,
    telemetry: Telemetry = OFF,
    stopped: Callable[[], Awaitable[None]] = stop_signal,
) -> None:
    """Serve each app on its socket until `stopped` returns; calls in flight get `grace` seconds.

    The apps share the `limits`, by default those of a process with so many files.
    """
    places = Places(limits or Limits(), telemetry)
    admission = Admission(places)
    servers = [_server(admission.to(app), places, grace) for app, _ in faces]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    async def run(server: uvicorn.Server, listener: socket.socket) -> None:
        await server.serve(sockets=[listener])
        # One that could not start takes the others along: half a service looks like a whole one.
        stop()

    async def stop_when_told() -> None:
        await stopped()
        _LOG.info("Shutting down: no new calls, those in flight get %g s.", grace)
        stop()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_when_told)
        async with anyio.create_task_group() as serving:
            for server, (_, listener) in zip(servers, faces, strict=True):
                serving.start_soon(run, server, listener)
        tasks.cancel_scope.cancel()


def _server(app: ASGIApp, places: Places, grace: float) -> uvicorn.Server:
    class PlacedConnection(Connection):
        pass

    PlacedConnection.places = places
    return _Uvicorn(
        uvicorn.Config(
            app,
            http=PlacedConnection,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=ACCEPTED_AT_ONCE,
            h11_max_incomplete_event_size=MAX_HEAD,
            timeout_keep_alive=math.ceil(places.limits.idle),
            timeout_graceful_shutdown=max(1, round(grace)),
        )
    )


class _Uvicorn(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; what asyncio takes from the queue at a time is not how long the queue may be."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUE)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to us: uvicorn would raise them again after a clean end."""
        yield
