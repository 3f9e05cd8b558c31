"""What went wrong, over HTTP: at `/mcp` a JSON-RPC error, elsewhere as Vapi reports it."""

from collections.abc import Mapping
from typing import Self

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from vapi_sessions_mcp.errors import phrase

MCP = "/mcp"
# Failed Dependency: no client library sends a request again after it.
CUT_OFF = 424
# JSON-RPC's for what a client did wrong, and for what failed here.
_INVALID_REQUEST, _INTERNAL_ERROR = -32600, -32603


class Refusal(JSONResponse):
    """An answer that is not 2xx: `{message, error, statusCode}`, or at `MCP` a JSON-RPC error.

    MCP's clients show a status as "error response", and of a JSON-RPC error the message.
    """

    def __init__(
        self, status: int, message: str | list[str], headers: Mapping[str, str] | None = None
    ) -> None:
        """`message` is one sentence or two, or several of them."""
        content = {"message": message, "error": phrase(status), "statusCode": status}
        super().__init__(content, status, headers)
        self._message = message if isinstance(message, str) else " ".join(message)

    def at(self, path: str) -> Self:
        """Itself, as who sent a request to `path` reads it."""
        if path.removesuffix("/") == MCP:
            failed = self.status_code >= 500 or self.status_code == CUT_OFF
            code = _INTERNAL_ERROR if failed else _INVALID_REQUEST
            data = {"statusCode": self.status_code}
            error = {"code": code, "message": self._message, "data": data}
            # No id: most of what is refused has not been read.
            self.body = self.render({"jsonrpc": "2.0", "id": None, "error": error})
            self.headers["Content-Length"] = str(len(self.body))
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        self.at(scope.get("path", ""))
        await super().__call__(scope, receive, send)
