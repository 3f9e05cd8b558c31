"""MCP over streamable HTTP, as an ASGI app at `/mcp`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mcp.server.lowlevel import Server
from starlette.types import ASGIApp, Receive, Scope, Send

from vapi_sessions_mcp.access.bodies import BodyGuard
from vapi_sessions_mcp.access.boundary import Boundary
from vapi_sessions_mcp.access.gate import Gate
from vapi_sessions_mcp.access.guard import Guard, allowed_names
from vapi_sessions_mcp.access.health import Ask, health, nobody
from vapi_sessions_mcp.access.refusal import MCP as MCP
from vapi_sessions_mcp.contract.operations import offered
from vapi_sessions_mcp.mcp_server.exchanges import Exchanges
from vapi_sessions_mcp.mcp_server.large_answers import LargeAnswers
from vapi_sessions_mcp.mcp_server.media_types import MediaTypes
from vapi_sessions_mcp.settings import Settings


def build_app(
    server: Server[Any],
    settings: Settings,
    gate: Gate,
    *,
    ask: Ask = nobody,
    others: Mapping[str, ASGIApp] = MappingProxyType({}),
) -> ASGIApp:
    """MCP over streamable HTTP at `MCP`, stateless in every era, and the health routes.

    Host and Origin are checked on every bind, against DNS rebinding, then the
    caller; the health routes say nothing of callers and take any Host, as probes need.
    `ask` finds out whether Vapi is well. `others` have paths of their own, and find out
    themselves who calls.
    """
    app = server.streamable_http_app(
        streamable_http_path=MCP,
        stateless_http=True,
        transport_security=allowed_names(settings),
        custom_starlette_routes=[*health(settings, ask), *gate.routes],
    )
    app.router.redirect_slashes = False
    changes = [name for row in offered(settings) if not row.read_only for name in row.names]
    guarded = BodyGuard(MediaTypes(LargeAnswers(Exchanges(app, server))), MCP, gate, changes)

    async def by_path(scope: Scope, receive: Receive, send: Send) -> None:
        await others.get(scope.get("path", ""), guarded)(scope, receive, send)

    return Boundary(Guard(by_path, settings, gate, public=tuple(others)))
