"""The status of a refusal, chosen so that no client library repeats what must not happen twice."""

import math

from vapi_sessions_mcp.access.gate import key_challenge
from vapi_sessions_mcp.caller import Caller
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.errors import (
    BadArguments,
    Broken,
    Conflict,
    ConnectionLost,
    Crowded,
    Failed,
    Garbled,
    NotConfigured,
    RateLimited,
    Refused,
    TimedOut,
    Unauthorized,
    Unconfirmed,
    VapiError,
)
from vapi_sessions_mcp.vapi.failures import TOO_SLOW

# Failed Dependency: no client library sends a request again after it.
UNCLEAR = 424
# What to wait, in seconds, where Vapi does not say: what the sentence says, too.
MINUTE = 60


def status_of(error: VapiError, operation: Operation) -> int:
    """The status of a refusal: Vapi's own where it refused, else one that says whose fault it is.

    Vapi's SDKs send a request again after 408, 409, 429 and 5xx: what may have
    happened, and must not happen twice, gets none of these.
    """
    unclear = isinstance(error, Failed | ConnectionLost | TimedOut | Garbled | Broken)
    # A redirect is often the answer to a change that was made.
    unclear |= isinstance(error, Refused) and (error.status < 400 or error.status in TOO_SLOW)
    if unclear and not operation.idempotent:
        return UNCLEAR
    match error:
        case BadArguments():
            return 400
        case Conflict():
            return 412
        case Unconfirmed():
            return 428
        case Broken():
            return 500
        case NotConfigured() | Crowded():
            return 503
        case TimedOut():
            return 504
        case Failed() | Refused() if error.status >= 400:
            return error.status
        case _:
            return 502


def headers_of(error: VapiError, caller: Caller) -> dict[str, str]:
    """When to call again, where waiting helps; which key is asked for, where Vapi refuses one."""
    if isinstance(error, Unauthorized):
        return key_challenge(caller)
    if isinstance(error, RateLimited | Failed) and (error.retry_after or error.status == 429):
        return {"Retry-After": str(math.ceil(error.retry_after or MINUTE))}
    return {}
