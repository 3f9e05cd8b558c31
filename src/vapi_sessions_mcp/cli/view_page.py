"""The page of `view`: the session viewer in a host of ours, for the one browser that opens it.

The address that is shown and handed to the browser works once. It leads to another, which no
command line or log ever holds.
"""

import json
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, TypeAlias

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from vapi_sessions_mcp.access.refusal import Refusal
from vapi_sessions_mcp.mcp_server.apps import packaged

Json: TypeAlias = dict[str, Any]
CallTool: TypeAlias = Callable[[str, Json], Awaitable[Json]]

# A page that is loaded again says that it goes away, too.
RELOAD_SECONDS = 3
USED = "This address has been opened before: run `vapi-sessions-mcp view` again for another."
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ViewPage:
    """An ASGI app, `app`, at `/{token}`; `closed` returns once its tab is gone."""

    def __init__(self, viewer: str, call: CallTool, first: Json) -> None:
        """`viewer` is the document; `first` is what it shows, the name and arguments of a call."""
        self.token, secret = token_urlsafe(), token_urlsafe()
        self._viewer, self._call, self._first = viewer, call, first
        self._secret, self._opened = secret, False
        self._gone, self._back = anyio.Event(), anyio.Event()
        routes = [
            Route(f"/{self.token}", self._open),
            Route(f"/{secret}/", self._host),
            Route(f"/{secret}/viewer", self._document),
            Route(f"/{secret}/first", self._what),
            Route(f"/{secret}/call", self._tool, methods=["POST"]),
            Route(f"/{secret}/closed", self._close, methods=["POST"]),
        ]
        names = TrustedHostMiddleware
        self.app = Starlette(
            routes=routes, middleware=[Middleware(names, ["127.0.0.1", "localhost"])]
        )
        self.app.router.redirect_slashes = False

    async def closed(self) -> None:
        """Return once the tab is closed, and not loaded again."""
        while True:
            await self._gone.wait()
            self._gone, self._back = anyio.Event(), anyio.Event()
            with anyio.move_on_after(RELOAD_SECONDS):
                await self._back.wait()
                continue
            return

    async def _open(self, request: Request) -> Response:
        if request.method == "HEAD":  # whoever checks a link does not open it
            return Response(headers=HEADERS)
        if self._opened:
            return Refusal(410, USED)
        self._opened = True
        return RedirectResponse(f"/{self._secret}/", 303, HEADERS)

    async def _host(self, request: Request) -> Response:
        self._back.set()
        page = packaged("host.html")
        asks = "connect-src 'self'; frame-src 'self'; frame-ancestors 'none'"
        return HTMLResponse(page, headers=_policy(page, asks))

    async def _document(self, request: Request) -> Response:
        """The viewer, without an origin and with nobody to ask, wherever it is opened."""
        asks = "frame-ancestors 'self'; sandbox allow-scripts"
        return HTMLResponse(self._viewer, headers=_policy(self._viewer, asks))

    async def _what(self, request: Request) -> Response:
        return JSONResponse(self._first, headers=HEADERS)

    async def _tool(self, request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
            name, arguments = str(asked["name"]), dict(asked["arguments"])
        except (ValueError, TypeError, KeyError):
            return Refusal(400, "A call is a JSON object with a name and arguments.")
        return JSONResponse(await self._call(name, arguments), headers=HEADERS)

    async def _close(self, request: Request) -> Response:
        self._gone.set()
        return Response(status_code=204)


def _policy(page: str, asks: str) -> dict[str, str]:
    """Headers by which only the page's own script and style apply (CSP level 3)."""
    own = "; ".join(f"{tag}-src {_digests(page, tag)}" for tag in ("script", "style"))
    policy = f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'; {asks}"
    return {**HEADERS, "Content-Security-Policy": policy}


def _digests(page: str, tag: str) -> str:
    texts = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.DOTALL)
    digests = [b64encode(sha256(text.encode()).digest()).decode() for text in texts]
    return " ".join(f"'sha256-{digest}'" for digest in digests)
