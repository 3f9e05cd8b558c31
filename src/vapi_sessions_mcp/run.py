"""Settings in, a running transport out, until it is told to stop."""

import socket
from functools import partial

import anyio
import click

from vapi_sessions_mcp import http, stdio, upstream
from vapi_sessions_mcp.server import build_server
from vapi_sessions_mcp.settings import Settings


def serve(settings: Settings, *, sandbox: str | None) -> None:
    """Serve MCP; with `sandbox`, a database file, the stand-in takes Vapi's place.

    Raises SettingsError when the database or the port cannot be had.
    """
    vapi = upstream.choose(settings, sandbox)
    server = build_server(vapi, settings)
    if settings.transport == "stdio":
        try:
            anyio.run(partial(stdio.serve, server, grace=settings.grace))
        except* (BrokenPipeError, anyio.BrokenResourceError):
            _tell("the host closed the connection before the last answer.")
    else:
        app = http.build_app(server, settings)
        with http.bind(settings.host, settings.port) as listener:
            _tell(f"MCP at {_url(listener)}/mcp; Ctrl-C stops it.")
            anyio.run(partial(http.serve, app, listener, grace=settings.grace))


def serve_sandbox(host: str, port: int, database: str) -> None:
    """Serve the stand-in itself over HTTP; raises SettingsError like `serve`."""
    app, key = upstream.open_sandbox(database)
    with http.bind(host, port) as listener:
        _tell(f"Vapi sandbox at {_url(listener)}, API key {key}; Ctrl-C stops it.")
        anyio.run(partial(http.serve, app, listener, grace=1))


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _tell(line: str) -> None:
    click.echo(f"vapi-sessions-mcp: {line}", err=True)
