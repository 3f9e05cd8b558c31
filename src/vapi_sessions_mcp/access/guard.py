"""What every HTTP face shares: who may call it, and by which name."""

from collections.abc import Sequence

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from vapi_sessions_mcp.access.gate import SCOPE_KEY, Denied, Gate
from vapi_sessions_mcp.access.health import PATHS
from vapi_sessions_mcp.access.refusal import Refusal
from vapi_sessions_mcp.host_names import normal_host
from vapi_sessions_mcp.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SAID = {
    403: "This server takes no calls from pages of this origin: start it with --allowed-origin to"
    " add one.",
    421: "This server does not go by that name: start it with --allowed-host to add one.",
}
# What a page may read of an answer, besides what it always may.
EXPOSED = ("WWW-Authenticate", "Mcp-Session-Id", "MCP-Protocol-Version", "Retry-After")


def allowed_names(settings: Settings) -> TransportSecuritySettings:
    """Host and Origin headers that a request may have, on any port."""
    return _names(settings, [*LOOPBACK, *map(normal_host, settings.allowed_hosts)])


def _names(settings: Settings, pages: Sequence[str]) -> TransportSecuritySettings:
    names = [*LOOPBACK, *map(normal_host, settings.allowed_hosts)]
    hosts, own = _on_any_port(names), _on_any_port(pages)
    origins = [f"{scheme}://{name}" for name in own for scheme in ("http", "https")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[*origins, *settings.allowed_origins],
    )


def _on_any_port(names: Sequence[str]) -> list[str]:
    return [*names, *(f"{name}:*" for name in names)]


class Guard:
    """Refuses other Hosts and Origins, against DNS rebinding, and callers that the gate denies.

    Health and the metadata of OAuth are there for everybody, `public` paths for
    everybody who calls the server by its name; all else needs a caller. Pages of an
    allowed origin may read every answer, and ask beforehand, as browsers do without
    a token. A name of the server's is no origin but to its own pages.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, gate: Gate, public: tuple[str, ...] = ()
    ) -> None:
        """`app` is called for what is let through; `public` paths include what is below them."""
        self._app, self._gate = app, gate
        self._security = TransportSecurityMiddleware(_names(settings, LOOPBACK))
        self._open = {*PATHS, *(route.path for route in gate.routes)}
        self._public = public
        self._origins = settings.allowed_origins
        # Whatever they ask for is answered by what it asks: the origins are exact, and there are
        # no cookies.
        self._shared = CORSMiddleware(
            self._ask,
            allow_origins=self._origins,
            allow_methods=("*",),
            allow_headers=("*",),
            allow_private_network=True,
            expose_headers=EXPOSED,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        app, scope = self._app, _with_normal_host(_without_slash(scope))
        if scope["type"] == "http" and not scope["path"].isprintable():
            # A route matches before a line break at the end, too, and a proxy's rule may not.
            self._gate.telemetry.refused(404)
            app = Refusal(404, f"Cannot {scope['method']} this path.")
        elif scope["type"] == "http" and scope["path"] not in self._open:
            app = await self._named(scope)
        await app(scope, receive, send)

    async def _named(self, scope: Scope) -> ASGIApp:
        """What answers a request that may call the server by this name and from this page."""
        headers = Headers(scope=scope)
        origin, host = headers.get("Origin"), headers.get("Host")
        if origin in (f"http://{host}", f"https://{host}"):
            # One of our own pages: it is the name that counts.
            others = [each for each in scope["headers"] if each[0] != b"origin"]
            scope = {**scope, "headers": others}
        unnamed = await self._security.validate_request(Request(scope))
        if unnamed is None:
            return self._shared if origin in self._origins else self._ask
        refused = Refusal(unnamed.status_code, SAID[unnamed.status_code])
        self._gate.note_refusal(refused)
        return refused

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on where nobody need be asked, or the caller is let in."""
        app = self._app
        if not any(f"{scope['path']}/".startswith(f"{path}/") for path in self._public):
            try:
                scope[SCOPE_KEY] = await self._gate.let_in(Headers(scope=scope))
            except Denied as exc:
                self._gate.note_refusal(exc.response)
                app = exc.response
        await app(scope, receive, send)


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


def _with_normal_host(scope: Scope) -> Scope:
    """`scope` with its Host as names are compared: any case, and a dot at its end, are the same."""
    if scope["type"] != "http":
        return scope
    headers = [(n, _normal(value) if n == b"host" else value) for n, value in scope["headers"]]
    return {**scope, "headers": headers}


def _normal(value: bytes) -> bytes:
    try:
        return normal_host(value.decode("ascii")).encode()
    except ValueError:
        return value  # which is no name of ours
