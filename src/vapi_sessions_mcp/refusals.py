"""What went wrong, as Vapi tells it over HTTP: `{message, error, statusCode}`, always JSON."""

import math
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from vapi_sessions_mcp.errors import (
    BadArguments,
    Conflict,
    NotConfigured,
    RateLimited,
    Refused,
    TimedOut,
    Unconfirmed,
    VapiError,
)
from vapi_sessions_mcp.outcomes import phrase

# What to wait, in seconds, where Vapi does not say: what the sentence says, too.
MINUTE = 60


def refusal(
    status: int, message: str | list[str], headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that is not 2xx."""
    content = {"message": message, "error": phrase(status), "statusCode": status}
    return JSONResponse(content, status, headers)


def status_of(error: VapiError) -> int:
    """The status that tells an HTTP client whose fault it is: 4xx the caller's, 5xx not."""
    match error:
        case BadArguments():
            return 400
        case Conflict() | Unconfirmed():
            return 409
        case NotConfigured() | RateLimited():
            return 503
        case TimedOut():
            return 504
        case Refused() if error.status >= 400:
            return error.status
        case _:
            return 502


def headers_of(error: VapiError) -> dict[str, str]:
    """When to call again, where waiting helps."""
    if isinstance(error, RateLimited):
        return {"Retry-After": str(math.ceil(error.retry_after or MINUTE))}
    return {}
