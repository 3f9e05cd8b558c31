"""Settings in, a running transport out, until it is stopped."""

import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from starlette.types import ASGIApp

from vapi_sessions_mcp.caller import owner
from vapi_sessions_mcp.cli import workers
from vapi_sessions_mcp.cli.connect import connect, open_sandbox, sandbox_clock
from vapi_sessions_mcp.cli.endings import say
from vapi_sessions_mcp.cli.start import HOST_GONE
from vapi_sessions_mcp.mcp_server.app import MCP, build_app
from vapi_sessions_mcp.mcp_server.measured import WORDS
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.telemetry.reporting import reporting
from vapi_sessions_mcp.transports import http, stdio
from vapi_sessions_mcp.transports.prelude import Begun
from vapi_sessions_mcp.transports.signals import stop_signal
from vapi_sessions_mcp.vapi.client import Vapi
from vapi_sessions_mcp.vapi.readiness import Readiness

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from vapi_sessions_mcp.access.oauth import Issuer
    from vapi_sessions_mcp.cli.reports import Reports


def serve(settings: Settings, begun: Begun) -> None:
    """Serve MCP, REST or both until stopped; over stdio, what was `begun`.

    Raises SettingsError when the sandbox's database or the port cannot be used.
    """
    page = settings.metrics is not None and "stdio" not in settings.transports
    supervises = settings.workers > 1 and not workers.is_worker()
    with reporting(os.environ, WORDS, page=page, supervises=supervises) as (telemetry, registry):
        settings, vapi = connect(settings, begun=bool(begun.handshake), telemetry=telemetry)
        if "stdio" in settings.transports:
            try:
                anyio.run(_serve_stdio, vapi, settings, begun)
            except* (BrokenPipeError, anyio.BrokenResourceError):
                say(HOST_GONE)
        else:
            _serve_http(vapi, settings, registry)


def serve_sandbox(
    host: str,
    port: int,
    database: Path | None,
    now: datetime | None,
    webhook: tuple[str, str] | None,
) -> None:
    """Serve the stand-in itself over HTTP; raises SettingsError like `serve`."""
    app, key = open_sandbox(database, sandbox_clock(now), webhook)
    with http.bind(host, port) as listener:
        say(f"Vapi sandbox at {_url(listener)}, API key {key}; Ctrl-C stops it.")
        anyio.run(partial(http.serve, [(app, listener)], grace=1))


async def _serve_stdio(vapi: Vapi, settings: Settings, begun: Begun) -> None:
    server = build_server(Sessions(vapi, settings), settings)
    reports = _reports(settings)
    if reports:
        reports.serve_on(server, is_pipe=True)
    async with vapi, reports.running() if reports else nullcontext():
        await stdio.serve(server, grace=settings.grace, begun=begun, telemetry=vapi.telemetry)


def _serve_http(vapi: Vapi, settings: Settings, registry: "CollectorRegistry | None") -> None:
    """Serve MCP, REST or both, in this process or in workers, with one end for all."""
    # 20 ms that stdio, which hosts start and wait for, does without.
    from vapi_sessions_mcp.access.gate import Gate
    from vapi_sessions_mcp.rest_api.app import build_rest
    from vapi_sessions_mcp.rest_api.openapi import ROOT
    from vapi_sessions_mcp.rest_api.skill_routes import skill_routes

    sessions, issuer = Sessions(vapi, settings), _issuer(settings)
    reports = _reports(settings)
    # Both faces have one answer of Vapi's between them.
    ask = Readiness(vapi, owner(settings))
    faces: list[tuple[ASGIApp, socket.socket]] = []
    lines: list[str] = []
    given = iter(workers.inherited())
    with ExitStack() as sockets:
        if "http" in settings.transports:
            gate = Gate(settings, MCP, issuer, vapi.telemetry)
            server = build_server(sessions, settings)
            if reports:
                reports.serve_on(server)
            others: Mapping[str, ASGIApp] = reports.paths(gate.note_refusal) if reports else {}
            mcp = build_app(server, settings, gate, ask=ask, others=others)
            listener = sockets.enter_context(
                next(given, None) or http.bind(settings.host, settings.port)
            )
            faces.append((mcp, listener))
            lines.append(f"MCP at {_url(listener)}{MCP}; Ctrl-C stops it.")
            lines += [f"Vapi's webhooks at {_url(listener)}{path}." for path in others]
        if "rest" in settings.transports:
            gate = Gate(settings, ROOT, issuer, vapi.telemetry)
            rest = build_rest(sessions, settings, gate, ask=ask, extra_routes=skill_routes())
            listener = sockets.enter_context(
                next(given, None)
                or http.bind(settings.host, settings.rest_port, option="--rest-port")
            )
            faces.append((rest, listener))
            url = _url(listener)
            lines.append(f"REST at {url}{ROOT}, its reference at {url}/docs; Ctrl-C stops it.")
        pages = [] if settings.metrics is None else _metrics_ports(settings, given, sockets)
        if pages:
            urls = ", ".join(f"{_url(listener)}/metrics" for listener in pages)
            lines.append(f"Metrics at {urls}; Ctrl-C stops it.")
        if registry is not None:
            # From the extra otel, which is there when there is something to show.
            from vapi_sessions_mcp.telemetry.page import page

            sockets.enter_context(page(pages[0], registry))
        stopped = workers.stopped if workers.is_worker() else stop_signal
        running: AbstractAsyncContextManager[object] = nullcontext()
        if reports:
            stopped, running = reports.ending_with(stopped), reports.running()
        opened = (issuer or nullcontext(), running)
        run = partial(_serve_faces, faces, vapi, *opened, grace=settings.grace, stopped=stopped)
        if not workers.is_worker():
            for line in lines:
                say(line)
            if settings.workers > 1:
                shared = [listener for _, listener in faces]
                each = [[*shared, *pages[n : n + 1]] for n in range(settings.workers)]
                run = partial(workers.supervise, each, grace=settings.grace)
        anyio.run(run)


async def _serve_faces(
    faces: Sequence[tuple[ASGIApp, socket.socket]],
    vapi: Vapi,
    *opened: AbstractAsyncContextManager[object],
    grace: float,
    stopped: Callable[[], Awaitable[None]],
) -> None:
    async with AsyncExitStack() as stack:
        for each in (vapi, *opened):
            await stack.enter_async_context(each)
        await http.serve(faces, grace=grace, stopped=stopped, telemetry=vapi.telemetry)


def _metrics_ports(
    settings: Settings, given: Iterator[socket.socket], sockets: ExitStack
) -> list[socket.socket]:
    """Where metrics are served: for each worker a port, since each counts for itself."""
    if workers.is_worker():
        return [sockets.enter_context(listener) for listener in given]
    host, first = settings.metrics_address
    ports = range(first, first + settings.workers) if first else [0] * settings.workers
    return [sockets.enter_context(http.bind(host, port, option="--metrics")) for port in ports]


def _reports(settings: Settings) -> "Reports | None":
    """Who hears of changes, where the settings ask for that."""
    if not settings.reports_changes:
        return None
    # 10 ms that a server which reports none does without.
    from vapi_sessions_mcp.cli.reports import Reports

    return Reports(settings)


def _issuer(settings: Settings) -> "Issuer | None":
    """Who issues the tokens that callers hold, with --auth oauth."""
    if not settings.asks("oauth"):
        return None
    # 90 ms that every other way in does without.
    from vapi_sessions_mcp.access.oauth import Issuer
    from vapi_sessions_mcp.rest_api.openapi import ROOT

    base = settings.public_base
    audiences = settings.oauth_audiences or (base, f"{base}{MCP}", f"{base}{ROOT}")
    return Issuer(str(settings.oauth_issuer), audiences)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
