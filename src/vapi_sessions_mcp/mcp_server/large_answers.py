"""Large tool results past the SDK, which would serialize them several times on the event loop.

A handler leaves the JSON of a large result, written in a worker thread, beside the
request, and returns a placeholder for it; the ASGI app puts the JSON in its place
when the SDK sends the answer. Over stdio, where nobody else waits, nothing is put
aside.
"""

from typing import TypeAlias, cast
from uuid import uuid4

import mcp_types as types
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.offload import LARGE

# The JSON of what was put aside, by its placeholder's JSON.
Aside: TypeAlias = dict[bytes, bytes]
_SCOPE_KEY = "vapi_sessions_mcp.aside"


def put_aside(result: types.CallToolResult, request: Request | None) -> types.CallToolResult:
    """A result with placeholders for what is large in it; itself where it is small, or over stdio.

    Nobody can guess a placeholder, so no text that customers wrote is taken for one.
    """
    aside: Aside | None = request.scope.get(_SCOPE_KEY) if request else None
    texts = [block for block in result.content if isinstance(block, types.TextContent)]
    if aside is None or sum(len(block.text) for block in texts) < LARGE:
        return result
    for block in texts:
        placeholder = uuid4().hex
        aside[f'"{placeholder}"'.encode()] = json_text.compact(block.text).encode()
        block.text = placeholder
    placeholder = uuid4().hex
    aside[f'{{"{placeholder}":0}}'.encode()] = json_text.compact(result.structured_content).encode()
    result.structured_content = {placeholder: 0}
    return result


class LargeAnswers:
    """Sends what handlers put aside in place of its placeholders."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is the SDK's, which sends each placeholder whole in one message."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        aside: Aside = {}
        begun: list[Message] = []

        async def send_whole(message: Message) -> None:
            if not aside:
                await send(message)
            elif message["type"] == "http.response.start":
                begun.append(message)
            else:
                body = message.get("body", b"")
                for placeholder, written in aside.items():
                    body = body.replace(placeholder, written)
                for start in begun:
                    await send(_of_length(start, len(body)))
                begun.clear()
                await send({**message, "body": body})

        await self._app({**scope, _SCOPE_KEY: aside}, receive, send_whole)


def _of_length(start: Message, size: int) -> Message:
    headers = cast("list[tuple[bytes, bytes]]", start["headers"])
    length = (b"content-length", str(size).encode())
    return {**start, "headers": [length if name == length[0] else (name, v) for name, v in headers]}
