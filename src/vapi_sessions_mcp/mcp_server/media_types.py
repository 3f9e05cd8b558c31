"""Answers of MCP in a media type that the client accepts, where it names only one, or none."""

import re
from collections.abc import Callable, Iterator
from typing import cast

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vapi_sessions_mcp.access.refusal import Refusal

JSON, EVENTS = "application/json", "text/event-stream"
# In an ASGI scope: whether the client reads events as they come.
READS_EVENTS = "vapi_sessions_mcp.reads_events"
NEITHER = f"This server answers as {JSON} or {EVENTS}: accept one of them, or both."


class MediaTypes:
    """Lets in clients that the SDK refuses, which insists that each accepts both types.

    Whoever does not ask for events gets JSON, be it by `*/*` or without any Accept.
    """

    def __init__(self, app: ASGIApp) -> None:
        """`app` answers posts in either type."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        app = self._app
        if scope["type"] == "http" and scope["method"] == "POST":
            accepted = {*_accepted(scope)}
            events = not accepted.isdisjoint((EVENTS, "text/*"))
            if not accepted.isdisjoint((JSON, "application/*", "*/*")):
                send = send if events else _converted(send, JSON, _last_event)
            elif events:
                send = _converted(send, EVENTS, _event)
            else:
                app = Refusal(406, NEITHER)
            # The SDK compares the type of the body by case, which it does not have.
            fields = [
                (name, value.lower() if name == b"content-type" else value)
                for name, value in scope["headers"]
                if name != b"accept"
            ]
            fields.append((b"accept", f"{JSON}, {EVENTS}".encode()))
            scope = {**scope, "headers": fields, READS_EVENTS: events}
        await app(scope, receive, send)


def _accepted(scope: Scope) -> Iterator[str]:
    """The media ranges of a request; without any, all."""
    header = ",".join(Headers(scope=scope).getlist("Accept")) or "*/*"
    for part in header.lower().split(","):
        media_range, *parameters = (word.strip() for word in part.split(";"))
        if not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters):
            yield media_range


def _converted(send: Send, wanted: str, convert: Callable[[bytes], bytes]) -> Send:
    """`send` for an answer of status 200 that is not of the type `wanted`: then of that type."""
    held: list[Message] = []

    async def converted(message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("Content-Type", "")
            if message["status"] == 200 and not kind.startswith(wanted):
                held.append(message)
                return
        elif held:
            held.append(message)
            if message.get("more_body"):
                return
            start, *parts = held
            body = convert(b"".join(part.get("body", b"") for part in parts))
            await send({**start, "headers": _of(start, wanted, len(body))})
            message = {**message, "body": body}
        await send(message)

    return converted


def _of(start: Message, kind: str, size: int) -> list[tuple[bytes, bytes]]:
    given = cast("list[tuple[bytes, bytes]]", start["headers"])
    fields = [each for each in given if each[0] not in (b"content-type", b"content-length")]
    return [*fields, (b"content-type", kind.encode()), (b"content-length", str(size).encode())]


def _last_event(events: bytes) -> bytes:
    """The data of the last event, which is the answer."""
    return events.rpartition(b"\ndata: ")[2].partition(b"\n")[0].strip()


def _event(data: bytes) -> bytes:
    return b"event: message\r\ndata: " + data + b"\r\n\r\n"
