"""What a request to MCP may be: a POST of one message, to a tool that its caller may use."""

from collections.abc import Collection
from functools import partial
from typing import Any

from mcp.server.streamable_http_manager import RequestBodyLimitMiddleware
from mcp_types import PROTOCOL_VERSION_META_KEY, UNSUPPORTED_PROTOCOL_VERSION
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vapi_sessions_mcp import json_rpc, json_text
from vapi_sessions_mcp.access.gate import SCOPE_KEY, Gate
from vapi_sessions_mcp.access.refusal import Refusal
from vapi_sessions_mcp.caller import Caller
from vapi_sessions_mcp.offload import offload

# Of both faces, so that one proxy rule fits both; it is the MCP SDK's own.
MAX_BODY = 4 * 2**20
# Where the message of a post is in an ASGI scope, as it was read.
MESSAGE_KEY = "vapi_sessions_mcp.message"
# What no call is answered with: no such path, method or media type, or a body that is too large.
NO_CALL = (404, 405, 406, 413, 415)
VERSIONS = [*KNOWN_PROTOCOL_VERSIONS]
PACKED = "This server unpacks no bodies: send it without Content-Encoding."
TOO_MANY = (
    f"The body holds more than {json_text.MAX_SENT_VALUES} values, which takes too long to read:"
    " send it in parts."
)
# For what the SDK says in fewer words, of a response that it sends whole.
WORDS = {
    "Invalid Content-Type header": "The body must be JSON: send Content-Type: application/json.",
    "Request body too large": f"The body may have {MAX_BODY // 2**20} MiB at most.",
}


def is_packed(headers: Headers) -> bool:
    """Whether a body would have to be unpacked, which nobody here does."""
    return headers.get("Content-Encoding", "").strip().lower() not in ("", "identity")


def version_of(headers: Headers) -> str:
    """The version of MCP that a request is in, which the first ones did not name."""
    return headers.get("MCP-Protocol-Version", VERSIONS[0])


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
        if scope["type"] == "http":
            send = self._refusing(scope, receive, send)
        if scope["type"] == "http" and scope["path"] == self._path:
            app = self._whole
            if scope["method"] != "POST":
                # The SDK would hold a GET open for events, of which a stateless server has none.
                said = f"Cannot {scope['method']} {self._path}: there is POST."
                app = Refusal(405, said, {"Allow": "POST"})
            elif is_packed(Headers(scope=scope)):
                app = Refusal(415, PACKED)
        await app(scope, receive, send)

    async def _judge(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The whole body, as the middleware that limits its size hands it on.
        message = await receive()
        if message["type"] != "http.request" or message["more_body"]:
            return  # it was cut off, and nobody waits for an answer
        body: bytes = message["body"]
        caller: Caller = scope[SCOPE_KEY]
        if json_text.values(body) > json_text.MAX_SENT_VALUES:
            await Refusal(413, TOO_MANY)(scope, receive, send)
            return
        try:
            frame = await offload(len(body), partial(json_rpc.read, body))
        except json_rpc.NotAMessage as exc:
            # The SDK would repeat what the caller sent, under no id.
            refused = JSONResponse(exc.answer(), 400)
            self._gate.note_refusal(refused)
            await refused(scope, receive, send)
            return
        messages: list[Message] = [{**message, "body": frame.text.encode()}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        app = self._app
        scope[MESSAGE_KEY] = frame.message
        version = version_of(Headers(scope=scope))
        if version not in VERSIONS:
            app = _unserved(version, frame.message)
            self._gate.telemetry.refused(app.status_code)
        elif not caller.may_write and _tool_called(frame.message) in self._changes:
            app = self._gate.lacks_write()
        await app(scope, replay, send)

    def _refusing(self, scope: Scope, receive: Receive, send: Send) -> Send:
        """`send`, which counts refusals, and says in our shape what the SDK says as plain text."""
        plain: Message | None = None

        async def refusing(message: Message) -> None:
            nonlocal plain
            if message["type"] == "http.response.start" and message["status"] >= 400:
                if message["status"] in NO_CALL:
                    self._gate.telemetry.refused(message["status"])
                kind = Headers(raw=message["headers"]).get("Content-Type", "text/plain")
                plain = message if kind.startswith("text/plain") else None
            if plain is None:
                await send(message)
            elif message["type"] == "http.response.body":
                said, allowed = message["body"].decode(), Headers(raw=plain["headers"]).get("Allow")
                refused = Refusal(
                    plain["status"],
                    WORDS.get(said, f"{said}."),
                    {"Allow": allowed} if allowed else None,
                )
                await refused(scope, receive, send)

        return refusing


def _unserved(version: str, message: dict[str, Any]) -> Response:
    """The specification's answer to a version that nobody here speaks, with those that are.

    A message that names its version is offered those in which messages do, as by
    `server/discover`; one that does not, each version that is served.
    """
    meta = json_text.as_object(json_text.as_object(message.get("params")).get("_meta"))
    supported = [*MODERN_PROTOCOL_VERSIONS] if PROTOCOL_VERSION_META_KEY in meta else VERSIONS
    data = {"supported": supported, "requested": version[:60]}
    said = f"This version of MCP is not served: there are {', '.join(VERSIONS)}."
    error = {"code": UNSUPPORTED_PROTOCOL_VERSION, "message": said, "data": data}
    return JSONResponse({"jsonrpc": "2.0", "id": message.get("id"), "error": error}, 400)


def _tool_called(message: dict[str, Any]) -> object:
    """The tool that a message calls, or nothing."""
    is_call = message.get("method") == "tools/call"
    return json_text.as_object(message.get("params")).get("name") if is_call else None
