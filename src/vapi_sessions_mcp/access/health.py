"""The health routes: whether the process runs, and whether its calls can work."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vapi_sessions_mcp.settings import Settings

LIVE, READY = "/health/live", "/health/ready"
# `LIVE` by the names that probes know, first.
PATHS = (LIVE, "/health", "/healthz", READY)


def health(settings: Settings) -> list[Route]:
    """`LIVE`, by any name, answers 200; `READY` answers 503 while no call could have a key."""
    status, said = 200, {"status": "ready"}
    if settings.api_key is None and not settings.asks("caller-key"):
        status, said = 503, {"status": "not ready", "reason": "no-api-key"}

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        return JSONResponse(said, status)

    return [Route(path, ready if path == READY else live) for path in PATHS]
