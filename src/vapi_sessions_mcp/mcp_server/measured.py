"""How long each message of MCP takes, by OpenTelemetry's conventions for MCP."""

from time import perf_counter
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware
from mcp.shared.exceptions import MCPError
from mcp_types.methods import (
    SERVER_REQUESTS,
    SPEC_CLIENT_METHODS,
    SPEC_CLIENT_NOTIFICATION_METHODS,
)
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from vapi_sessions_mcp.contract.operations import OPERATIONS
from vapi_sessions_mcp.mcp_server.boundary import Context
from vapi_sessions_mcp.mcp_server.resources import PROMPTS
from vapi_sessions_mcp.telemetry.report import Telemetry

# OpenTelemetry's word for whatever is none of those that are known.
OTHER = "_OTHER"
METHODS = SPEC_CLIENT_METHODS | SPEC_CLIENT_NOTIFICATION_METHODS
EXECUTE = "execute_tool"
LISTEN = "subscriptions/listen"
# All that a message's span and its metric may have of what a client can choose.
WORDS = frozenset(
    {
        *METHODS,
        *(method for method, _ in SERVER_REQUESTS),
        *KNOWN_PROTOCOL_VERSIONS,
        *(name for row in OPERATIONS for name in row.names),
        *PROMPTS,
        EXECUTE,
    }
)


class Measured(ServerMiddleware[Any]):
    """Measures every message that the server works on."""

    def __init__(self, telemetry: Telemetry) -> None:
        """`telemetry` is given each."""
        self._telemetry = telemetry

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Work on it, and measure that."""
        attributes = _attributes(ctx)
        started = perf_counter()
        try:
            result = await call_next(ctx)
            # As it goes out, camelCase and all.
            if isinstance(result, dict) and result.get("isError") is True:
                attributes["error.type"] = "tool_error"
            return result
        except MCPError as exc:
            attributes["error.type"] = str(exc.error.code)
            raise
        except ValidationError:
            attributes["error.type"] = str(types.INVALID_PARAMS)
            raise
        except BaseException as exc:
            # A client ends its stream by leaving, as the specification has it.
            if ctx.method != LISTEN or not isinstance(exc, anyio.get_cancelled_exc_class()):
                attributes["error.type"] = type(exc).__name__
            raise
        finally:
            self._telemetry.operation(perf_counter() - started, attributes)


def _attributes(ctx: Context) -> dict[str, str]:
    method, version = ctx.method, ctx.protocol_version
    method = method if method in METHODS else OTHER
    found = {
        "mcp.method.name": method,
        "mcp.protocol.version": version if version in KNOWN_PROTOCOL_VERSIONS else OTHER,
        "network.transport": "pipe" if ctx.request is None else "tcp",
    }
    name = (ctx.params or {}).get("name")
    target = name if isinstance(name, str) and name in WORDS else OTHER
    if method == "tools/call":
        found |= {"gen_ai.operation.name": EXECUTE, "gen_ai.tool.name": target}
    elif method == "prompts/get":
        found["gen_ai.prompt.name"] = target
    return found
