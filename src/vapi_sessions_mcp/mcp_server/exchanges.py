"""Tool calls of the 2025 versions over HTTP, each one exchange: one request in, one answer out.

For each of them the SDK would make a session, with tasks, memory streams and an event
stream, which is most of what a call costs. This serves a call as the SDK serves one of
2026-07-28: the answer is JSON, unless something has to be sent before it, which is the
progress of a scan, or a comment where nothing else was sent for long.
"""

from collections.abc import Mapping
from typing import Any

import anyio
from mcp.server.connection import Connection
from mcp.server.lowlevel import Server
from mcp.server.runner import serve_one
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp.shared.jsonrpc_dispatcher import progress_token_from_params
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.transport_context import TransportContext
from mcp_types import INVALID_PARAMS, ErrorData
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.access.bodies import MESSAGE_KEY, version_of
from vapi_sessions_mcp.mcp_server.media_types import EVENTS, JSON

CALL = "tools/call"
# Proxies drop a connection on which nothing is sent for a minute; the SDK's own interval.
PING_SECONDS = 15.0
PING = b": ping\r\n\r\n"
INVALID = ErrorData(code=INVALID_PARAMS, message="Invalid request parameters", data="")


class Exchanges:
    """Serves calls of the 2025 versions, and leaves everything else to the SDK's app."""

    def __init__(self, app: ASGIApp, server: Server[Any], ping: float = PING_SECONDS) -> None:
        """`app` is that of `server`; after `ping` seconds without anything a comment is sent."""
        self._app, self._server, self._ping = app, server, ping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call, or pass the request on."""
        message: dict[str, Any] = scope.get(MESSAGE_KEY, {})
        if message.get("method") != CALL or not _is_known(message, Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        exchange = Exchange(Request(scope), message, send)
        # A client that goes away cancels the call, but for a change that has been sent.
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.wait, receive, tasks.cancel_scope, self._ping)
            await exchange.finish(await self._answer(exchange))
            tasks.cancel_scope.cancel()

    async def _answer(self, exchange: "Exchange") -> dict[str, Any]:
        """The result of a call, or the protocol's error."""
        version = version_of(exchange.request.headers)
        try:
            result = await serve_one(
                self._server,
                exchange,
                CALL,
                exchange.params,
                connection=Connection.from_envelope(version, None, None),
                lifespan_state={},
            )
        except (MCPError, ValidationError) as exc:
            error = exc.error if isinstance(exc, MCPError) else INVALID
            return {"error": error.model_dump(mode="json", exclude_none=True)}
        return {"result": result}


def _is_known(message: dict[str, Any], headers: Headers) -> bool:
    """Whether it is a request of these versions, in the media type that they ask for."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip()
    return "id" in message and kind == JSON and version_of(headers) in HANDSHAKE_PROTOCOL_VERSIONS


class Exchange:
    """One call as the SDK's `DispatchContext`, and what is sent to its client."""

    can_send_request = False

    def __init__(self, request: Request, message: dict[str, Any], send: Send) -> None:
        """`message` is a request."""
        self.request = request
        self.transport = TransportContext(
            kind="streamable-http", can_send_request=False, headers=request.headers
        )
        self.message_metadata = ServerMessageMetadata(request_context=request)
        self.cancel_requested = anyio.Event()
        self.request_id, self.params = message["id"], message.get("params")
        self._send = send
        # What is sent is sent in turn: a client that reads slowly delays each part.
        self._turn, self._streams, self._answered = anyio.Lock(), False, False

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        """Refuse to ask the client: its answer could reach another process."""
        raise NoBackChannelError(method)

    async def notify(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> None:
        """Send a notification before the answer."""
        await self._stream(_event({"method": method, "params": params}))

    async def progress(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Report progress to a client that asked for it."""
        token = progress_token_from_params(self.params)
        if token is not None:
            fields = {"progress": progress, "total": total, "message": message}
            given = {name: value for name, value in fields.items() if value is not None}
            await self.notify("notifications/progress", {"progressToken": token, **given})

    async def wait(self, receive: Receive, scope: anyio.CancelScope, ping: float) -> None:
        """Cancel `scope` when the client goes away; until then, keep the connection in use."""
        while True:
            with anyio.move_on_after(ping):
                while (await receive())["type"] != "http.disconnect":
                    pass
                scope.cancel()
                return
            await self._stream(PING)

    async def finish(self, answer: dict[str, Any]) -> None:
        """Send the answer."""
        async with self._turn:
            self._answered = True
            if self._streams:
                event = _event({"id": self.request_id, **answer})
                await self._send({"type": "http.response.body", "body": event})
                return
            body = _text({"id": self.request_id, **answer}).encode()
            await self._start(JSON, (b"content-length", str(len(body)).encode()))
            await self._send({"type": "http.response.body", "body": body})

    async def _stream(self, event: bytes) -> None:
        async with self._turn:
            if self._answered:  # nothing may come behind it
                return
            if not self._streams:
                self._streams = True
                # Nobody on the way may keep events back, or pack them together.
                kept = (b"cache-control", b"no-cache, no-transform"), (b"x-accel-buffering", b"no")
                await self._start(EVENTS, *kept)
            await self._send({"type": "http.response.body", "body": event, "more_body": True})

    async def _start(self, kind: str, *headers: tuple[bytes, bytes]) -> None:
        fields = [(b"content-type", kind.encode()), *headers]
        await self._send({"type": "http.response.start", "status": 200, "headers": fields})


def _event(message: dict[str, Any]) -> bytes:
    return f"event: message\r\ndata: {_text(message)}\r\n\r\n".encode()


def _text(message: dict[str, Any]) -> str:
    return json_text.compact({"jsonrpc": "2.0", **message})
