"""MCP over streamable HTTP, as an ASGI app at `/mcp`."""

from typing import Any

from mcp.server.lowlevel import Server
from starlette.types import ASGIApp

from vapi_sessions_mcp.access.boundary import Boundary
from vapi_sessions_mcp.access.gate import Gate
from vapi_sessions_mcp.access.guard import Guard, WriteGuard, allowed_names
from vapi_sessions_mcp.access.health import health
from vapi_sessions_mcp.contract.operations import offered
from vapi_sessions_mcp.settings import Settings

MCP = "/mcp"


def build_app(server: Server[Any], settings: Settings, gate: Gate) -> ASGIApp:
    """MCP over streamable HTTP at `MCP`, stateless in every era, and `/health/live`, `/ready`.

    Host and Origin are checked on every bind, against DNS rebinding, then the
    caller; the health routes say nothing of callers and take any Host, as probes need.
    """
    app = server.streamable_http_app(
        streamable_http_path=MCP,
        stateless_http=True,
        transport_security=allowed_names(settings),
        custom_starlette_routes=[*health(settings), *gate.routes],
    )
    writes = [name for row in offered(settings) if not row.read_only for name in row.names]
    return Boundary(Guard(WriteGuard(app, gate, writes), settings, gate))
