"""The health routes: whether the process runs, and whether its calls can work."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vapi_sessions_mcp.settings import Settings

LIVE, READY = "/health/live", "/health/ready"
# `LIVE` by the names that probes know, first.
PATHS = (LIVE, "/health", "/healthz", READY)
# No call can work until somebody gives the server another key.
NOT_READY = ("no-api-key", "api-key-refused")

# Why calls would fail, in a word or two; empty when they would not.
Ask: TypeAlias = Callable[[], Awaitable[str]]


async def nobody() -> str:
    """Ask nobody, and take it that Vapi is well."""
    return ""


def health(settings: Settings, ask: Ask = nobody) -> list[Route]:
    """`LIVE`, by any name, answers 200; `READY` answers 503 while no call could have a good key.

    Whatever else `ask` finds is no reason to send calls elsewhere, where they would
    fail as well: that is 200, and "degraded". Without a key, and where callers bring
    theirs, nobody is asked.
    """

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        reason = ""
        if not settings.asks("caller-key"):
            reason = "no-api-key" if settings.api_key is None else await ask()
        if not reason:
            return JSONResponse({"status": "ready"})
        if reason in NOT_READY:
            return JSONResponse({"status": "not ready", "reason": reason}, 503)
        return JSONResponse({"status": "degraded", "reason": reason})

    return [Route(path, ready if path == READY else live) for path in PATHS]
