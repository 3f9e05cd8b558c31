"""What a request to MCP may be: a POST of a reasonable body, to a tool that its caller may use."""

import json
from collections.abc import Collection
from functools import partial

from mcp.server.streamable_http_manager import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.access.gate import SCOPE_KEY, Gate
from vapi_sessions_mcp.access.refusal import refusal
from vapi_sessions_mcp.caller import Caller
from vapi_sessions_mcp.offload import offload

# Of both faces, so that one proxy rule fits both; it is the MCP SDK's own.
MAX_BODY = 4 * 2**20
TOO_MANY = (
    f"The body holds more than {json_text.MAX_SENT_VALUES} values, which takes too long to read:"
    " send it in parts."
)


class BodyGuard:
    """Refuses what the SDK would spend long on, and changes by callers that may only read.

    The server itself knows no tool that changes something for such a caller; only
    here can it be said with a 403, which makes an OAuth client ask for the scope.
    """

    def __init__(self, app: ASGIApp, path: str, gate: Gate, changes: Collection[str]) -> None:
        """`path` is where `app` takes posts; `changes` are the tools that change something."""
        self._app, self._path, self._gate, self._changes = app, path, gate, changes
        self._whole = RequestBodyLimitMiddleware(self._judge, MAX_BODY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        app = self._app
        if scope["type"] == "http" and scope["path"] == self._path:
            app = self._whole
            if scope["method"] != "POST":
                # The SDK would hold a GET open for events, of which a stateless server has none.
                said = f"Cannot {scope['method']} {self._path}: there is POST."
                app = refusal(405, said, {"Allow": "POST"})
        await app(scope, receive, send)

    async def _judge(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The whole body, as the middleware that limits its size hands it on.
        message = await receive()
        if message["type"] != "http.request" or message["more_body"]:
            return  # it was cut off, and nobody waits for an answer
        body: bytes = message["body"]
        messages = [message]
        caller: Caller = scope[SCOPE_KEY]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        app = self._app
        if json_text.values(body) > json_text.MAX_SENT_VALUES:
            app = refusal(413, TOO_MANY)
        elif not caller.may_write:
            tool = await offload(len(body), partial(_tool_called, body))
            app = self._gate.lacks_write() if tool in self._changes else app
        await app(scope, replay, send)


def _tool_called(body: bytes) -> str:
    """The tool that a JSON-RPC message calls, or nothing: the SDK refuses anything else."""
    try:
        message = json.loads(body)
        name = message["params"]["name"] if message["method"] == "tools/call" else ""
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) else ""
