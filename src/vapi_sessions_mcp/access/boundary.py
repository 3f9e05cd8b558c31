"""The outermost boundary over HTTP: whatever fails is answered in words, once."""

import anyio
import anyio.lowlevel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vapi_sessions_mcp.access.refusal import CUT_OFF, Refusal
from vapi_sessions_mcp.errors import READ_AGAIN, STOPPED, Broken
from vapi_sessions_mcp.logs import log_fault

CUT_OFF_READING = 503  # what only reads may be sent again


class Boundary:
    """Answers 500 to a request that fails in an unforeseen way; the reason is in the log only.

    One that is cut off when the process ends gets a status that no client repeats.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except anyio.get_cancelled_exc_class():
            # This raises where a scope was cancelled, and not where the process ends.
            await anyio.lowlevel.checkpoint_if_cancelled()
            if scope["type"] != "http" or begun:
                raise
            reads = scope["method"] in ("GET", "HEAD")
            status, said = (CUT_OFF_READING, READ_AGAIN) if reads else (CUT_OFF, STOPPED)
            await Refusal(status, said)(scope, receive, send)
        except Exception as exc:
            # What starts and stops with the process has nobody to answer to.
            if scope["type"] != "http":
                raise
            log_fault(exc)
            if not begun:
                await Refusal(500, str(Broken()))(scope, receive, send)
