"""What every HTTP face shares: who may call it, and by which name."""

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from vapi_sessions_mcp.access.gate import (
    SCOPE_KEY,
    Denied,
    Gate,
    log_refusal,
)
from vapi_sessions_mcp.access.health import PATHS
from vapi_sessions_mcp.access.refusal import refusal
from vapi_sessions_mcp.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_SAID = {
    403: "This server takes no calls from pages of another origin.",
    421: "This server does not go by that name: start it with --allowed-host to add one.",
}


def allowed_names(settings: Settings) -> TransportSecuritySettings:
    """Host and Origin headers that a request may have, on any port."""
    names = [*LOOPBACK, *settings.allowed_hosts]
    hosts = [*names, *(f"{name}:*" for name in names)]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")],
    )


class Guard:
    """Refuses other Hosts and Origins, against DNS rebinding, and callers that the gate denies.

    Health and the metadata of OAuth are there for everybody, `public` paths for
    everybody who calls the server by its name; all else needs a caller.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, gate: Gate, public: tuple[str, ...] = ()
    ) -> None:
        """`app` is called for what is let through; `public` paths include what is below them."""
        self._app, self._gate = app, gate
        self._security = TransportSecurityMiddleware(allowed_names(settings))
        self._open = {*PATHS, *(route.path for route in gate.routes)}
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        app, scope = self._app, _without_slash(scope)
        if scope["type"] == "http" and not scope["path"].isprintable():
            # A route matches before a line break at the end, too, and a proxy's rule may not.
            app = refusal(404, f"Cannot {scope['method']} this path.")
        elif scope["type"] == "http" and scope["path"] not in self._open:
            refused = await self._refused(scope)
            if refused is not None:
                log_refusal(refused)
                app = refused
        await app(scope, receive, send)

    async def _refused(self, scope: Scope) -> Response | None:
        unnamed = await self._security.validate_request(Request(scope))
        if unnamed is not None:
            return refusal(unnamed.status_code, _SAID[unnamed.status_code])
        if any(f"{scope['path']}/".startswith(f"{path}/") for path in self._public):
            return None
        try:
            scope[SCOPE_KEY] = await self._gate.let_in(Headers(scope=scope))
        except Denied as exc:
            return exc.response
        return None


def _without_slash(scope: Scope) -> Scope:
    """The same request, to the same path without a slash at its end: nobody means another.

    A redirect would be to what we take for our own URL, which is another behind a
    proxy; a slash that is part of an id is escaped, and stays.
    """
    path: str = scope.get("path", "")
    raw: bytes = scope.get("raw_path") or path.encode()
    if len(path) > 1 and path.endswith("/") and raw.endswith(b"/"):
        return {**scope, "path": path[:-1], "raw_path": raw[:-1]}
    return scope
