"""The ASGI side: MCP at `/mcp` and health beside it, on a socket bound beforehand."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import anyio
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.signals import stop_signal

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def build_app(server: Server[Any], settings: Settings) -> Starlette:
    """MCP over streamable HTTP at `/mcp`, stateless in every era, and `/health/live`, `/ready`.

    Host and Origin are checked at `/mcp` on every bind, against DNS rebinding;
    the health routes tell nothing and take any Host, as probes need.
    """
    names = [*LOOPBACK, *settings.allowed_hosts]
    hosts = [*names, *(f"{name}:*" for name in names)]
    return server.streamable_http_app(
        stateless_http=True,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=hosts,
            allowed_origins=[
                f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")
            ],
        ),
        custom_starlette_routes=[
            Route("/health/live", _live),
            Route("/health/ready", _ready),
        ],
    )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; raises SettingsError when the address cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as exc:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {str(exc.strerror or exc).partition(' (')[0]}."
            " Choose another --port."
        ) from exc


async def serve(app: ASGIApp, listener: socket.socket, *, grace: float) -> None:
    """Serve `app` until SIGINT or SIGTERM; calls in flight get `grace` seconds."""
    server = _Uvicorn(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=max(1, round(grace)),
        )
    )

    async def stop_on_signal() -> None:
        await stop_signal()
        server.should_exit = True
        # A write of the 2025 eras is shielded, and uvicorn would wait for its whole timeout.
        await anyio.sleep(grace + 1)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_on_signal)
        await server.serve(sockets=[listener])
        tasks.cancel_scope.cancel()


class _Uvicorn(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to us: uvicorn would raise them again after a clean end."""
        yield


async def _live(request: Request) -> Response:
    return JSONResponse({"status": "live"})


async def _ready(request: Request) -> Response:
    return JSONResponse({"status": "ready"})
