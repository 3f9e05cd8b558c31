"""HTTP: MCP's app at `/mcp`, and servers of such apps on sockets bound beforehand."""

import json
import logging
import socket
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vapi_sessions_mcp.access import SCOPE_KEY, Gate
from vapi_sessions_mcp.callers import Caller
from vapi_sessions_mcp.guards import HEALTH, Guard, allowed_names
from vapi_sessions_mcp.operations import served
from vapi_sessions_mcp.settings import Settings, SettingsError
from vapi_sessions_mcp.signals import stop_signal

_LOG = logging.getLogger(__name__)

MCP = "/mcp"
MAX_BODY = 4 * 2**20


def build_app(server: Server[Any], settings: Settings, gate: Gate) -> ASGIApp:
    """MCP over streamable HTTP at `MCP`, stateless in every era, and `/health/live`, `/ready`.

    Host and Origin are checked on every bind, against DNS rebinding, then the
    caller; the health routes tell nothing and take any Host, as probes need.
    """
    app = server.streamable_http_app(
        streamable_http_path=MCP,
        stateless_http=True,
        transport_security=allowed_names(settings),
        custom_starlette_routes=[*HEALTH, *gate.routes],
    )
    writes = [name for row in served(settings) if not row.read_only for name in row.names]
    return Guard(_WriteGuard(app, gate, writes), settings, gate)


class _WriteGuard:
    """Refuses calls of tools that change something, where the caller may only read, with 403.

    The server itself knows no such tool for this caller; only here can it be
    said in a way that makes an OAuth client ask for the scope.
    """

    def __init__(self, app: ASGIApp, gate: Gate, tools: Collection[str]) -> None:
        self._app, self._gate, self._tools = app, gate, tools
        self._judged = RequestBodyLimitMiddleware(self._judge, MAX_BODY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller: Caller | None = scope.get(SCOPE_KEY)
        app = self._app if caller is None or caller.may_write else self._judged
        await app(scope, receive, send)

    async def _judge(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The whole body, as the middleware that limits its size hands it on.
        messages = [await receive()]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        refused = _tool_called(messages[0].get("body", b"")) in self._tools
        app = self._gate.lacks_write() if refused else self._app
        await app(scope, replay, send)


def _tool_called(body: bytes) -> str:
    """The tool that a JSON-RPC message calls, or nothing: what is none is the SDK's to refuse."""
    try:
        message = json.loads(body)
        name = message["params"]["name"] if message["method"] == "tools/call" else ""
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) else ""


def bind(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """A listening socket; raises SettingsError when the address cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as exc:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {str(exc.strerror or exc).partition(' (')[0]}."
            f" Choose another {option}."
        ) from exc
    # asyncio does it only for sockets that it makes itself; without, an answer waits 40 ms for the
    # acknowledgement of its own headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def serve(faces: Sequence[tuple[ASGIApp, socket.socket]], *, grace: float) -> None:
    """Serve each app on its socket until SIGINT or SIGTERM; calls in flight get `grace` seconds."""
    servers = [_server(app, grace) for app, _ in faces]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    async def run(server: uvicorn.Server, listener: socket.socket) -> None:
        await server.serve(sockets=[listener])
        # One that could not start takes the others along: half a service looks like a whole one.
        stop()

    async def stop_on_signal() -> None:
        await stop_signal()
        _LOG.info("Shutting down: no new calls, those in flight get %g s.", grace)
        stop()
        # A write of the 2025 eras is shielded, and uvicorn would wait for its whole timeout.
        await anyio.sleep(grace + 1)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_on_signal)
        async with anyio.create_task_group() as serving:
            for server, (_, listener) in zip(servers, faces, strict=True):
                serving.start_soon(run, server, listener)
        tasks.cancel_scope.cancel()


def _server(app: ASGIApp, grace: float) -> uvicorn.Server:
    return _Uvicorn(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=max(1, round(grace)),
        )
    )


class _Uvicorn(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to us: uvicorn would raise them again after a clean end."""
        yield
