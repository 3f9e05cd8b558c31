"""POST /webhooks/vapi: a server message of Vapi's, checked for who sent it, read and reported."""

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import asynccontextmanager
from functools import partial
from math import inf

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.access.bodies import MAX_BODY, PACKED, TOO_MANY, is_packed
from vapi_sessions_mcp.access.refusal import Refusal
from vapi_sessions_mcp.bounded import TooLarge, collect
from vapi_sessions_mcp.clock import Clock, real
from vapi_sessions_mcp.offload import offload
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.webhooks.events import Change, NoSuchSession, NotAMessage, read_message
from vapi_sessions_mcp.webhooks.signatures import Authentication, CheckBody, Refused

PATH = "/webhooks/vapi"
# Bytes of bodies whose sender is known only once they are whole, all of them together; one that
# is small finds room whoever else sends what.
MOST_UNPROVED = 32 * 2**20
SMALL = 64 * 2**10

_LOG = logging.getLogger("vapi_sessions_mcp.webhooks")
_IGNORED = logging.getLogger("vapi_sessions_mcp.webhooks.ignored")


def build_webhook(
    settings: Settings,
    take: Callable[[Change], None],
    note_refusal: Callable[[Response], None],
    clock: Clock = real,
) -> ASGIApp:
    """The endpoint, which calls `take` with each change that Vapi reports.

    Vapi sends what is not answered with 2xx again, if it is set up so. Whatever it would
    send in vain is therefore answered 204, and never has a body: Vapi waits for one to some
    messages, and none of ours must be taken for it.
    """
    authentication = Authentication(settings, clock)
    bodies = _Bodies(MOST_UNPROVED if settings.webhook_auth == "hmac" else inf)

    async def answer(request: Request) -> Response:
        if request.method != "POST":
            said = f"Cannot {request.method} {PATH}: there is POST."
            return Refusal(405, said, {"Allow": "POST"})
        if is_packed(request.headers):
            return Refusal(415, PACKED)
        if not _is_json(request.headers):
            return Refusal(415, "The body must be JSON: send Content-Type: application/json.")
        try:
            check = authentication.begin(request.headers)
            async with bodies.whole(request.stream()) as raw:
                if json_text.values(raw) > json_text.MAX_SENT_VALUES:
                    return Refusal(413, TOO_MANY)
                change = await offload(len(raw), partial(_read, raw, check))
        except Refused as exc:
            return Refusal(401, str(exc), {"WWW-Authenticate": 'Webhook realm="Vapi"'})
        except TooLarge:
            return Refusal(413, f"The body is larger than {MAX_BODY} bytes.")
        except _Full:
            said = "Too much is being sent at once: send it again in a few seconds."
            return Refusal(503, said, {"Retry-After": "5"})
        except ClientDisconnect:
            return Refusal(400, "The body was cut off.")
        except NotAMessage as exc:
            return Refusal(400, str(exc))
        except NoSuchSession:
            _IGNORED.warning("a report of a session without a usable id was ignored")
            return Response(status_code=204)
        if change is not None:
            _LOG.info("reported", extra={"fields": {"type": change.type, "session": change.id}})
            take(change)
        return Response(status_code=204)

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        response = await answer(Request(scope, receive))
        if response.status_code >= 400:
            note_refusal(response)
        await response(scope, receive, send)

    return endpoint


class _Full(Exception):
    """There is no room for the rest of a body."""


class _Bodies:
    """The bodies that are here at the same time."""

    def __init__(self, most: float) -> None:
        """They have `most` bytes in all, besides those that are small."""
        self._most, self._held = most, 0

    @asynccontextmanager
    async def whole(self, chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
        """All `chunks` together, which count until the block ends; raises TooLarge or _Full."""
        size = 0

        async def counted() -> AsyncGenerator[bytes]:
            nonlocal size
            async for chunk in chunks:
                size += len(chunk)
                self._held += len(chunk)
                if size > SMALL and self._held > self._most:
                    raise _Full
                yield chunk

        try:
            yield await collect(counted(), MAX_BODY)
        finally:
            self._held -= size


def _is_json(headers: Headers) -> bool:
    """Whether no form of a web page can have sent it."""
    kind, _, _ = headers.get("Content-Type", "").partition(";")
    return kind.strip().lower() == "application/json"


def _read(raw: bytes, check: CheckBody) -> Change | None:
    check(raw)
    return read_message(raw)
