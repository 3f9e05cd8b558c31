"""The outermost boundary of the MCP handlers: no exception's text leaves by a protocol error."""

from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeAlias, TypeVar

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

from vapi_sessions_mcp.errors import Broken
from vapi_sessions_mcp.invisible import visible_text
from vapi_sessions_mcp.logs import log_fault
from vapi_sessions_mcp.mcp_server.identity import signed

ParamsT = TypeVar("ParamsT")
ResultT = TypeVar("ResultT", bound=types.Result)
Context: TypeAlias = ServerRequestContext[Any, Any]
Handler: TypeAlias = Callable[[Context, ParamsT], Coroutine[Any, Any, ResultT]]


def internal_error(sentence: str) -> NoReturn:
    """Raise the protocol's error for a fault of the server."""
    raise MCPError(types.INTERNAL_ERROR, sentence)


def guarded(
    handler: Handler[ParamsT, ResultT], answer: Callable[[str], ResultT] = internal_error
) -> Handler[ParamsT, ResultT]:
    """`handler`; after a failure that nobody foresaw, `answer` of a sentence without its reason.

    The SDK would send an exception's text to the client in the 2025 versions, and take a
    ValidationError of ours for a mistake of the client's.
    """

    async def guard(ctx: Context, params: ParamsT) -> ResultT:
        try:
            return signed(await handler(ctx, params), ctx.protocol_version)
        except MCPError as exc:
            # It may repeat what the client sent, or what Vapi said.
            raise MCPError(exc.code, visible_text(exc.message), exc.data) from exc
        except Exception as exc:  # noqa: BLE001 - all that is left
            log_fault(exc)
        return answer(str(Broken()))

    return guard
