"""Whether Vapi takes calls now: asked at most once in 30 s, whoever wants to know."""

import time
from collections.abc import Callable

import anyio

from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.operations import LIST
from vapi_sessions_mcp.errors import Failed, NoAnswer, RateLimited, Unauthorized, VapiError
from vapi_sessions_mcp.vapi.client import Vapi

INTERVAL_SECONDS = 30.0
# Probes have short timeouts of their own, and one that is late counts as failed.
PATIENCE_SECONDS = 2.0
# Before the first session there ever was: nothing of a customer's has to be read.
NOTHING = ListRequest.model_validate({"limit": 1, "createdAtLt": "2000-01-01T00:00:00Z"})
REASONS: tuple[tuple[type[VapiError], str], ...] = (
    (Unauthorized, "api-key-refused"),
    (RateLimited, "vapi-rate-limited"),
    (Failed, "vapi-failed"),
    (NoAnswer, "vapi-unreachable"),
    (VapiError, "vapi-refused"),
)


class Readiness:
    """What Vapi answered last to `caller`, as one of the `REASONS`, or empty when all is well."""

    def __init__(
        self, vapi: Vapi, caller: Caller, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        """`vapi` must be open whenever it is asked; the answer ages by `elapsed`, in seconds."""
        self._vapi, self._caller, self._elapsed = vapi, caller, elapsed
        self._lock = anyio.Lock()
        self._asked, self._reason = float("-inf"), ""

    async def __call__(self) -> str:
        """The reason for which calls would fail; nobody waits longer than `PATIENCE_SECONDS`."""
        async with self._lock:
            if self._elapsed() - self._asked >= INTERVAL_SECONDS:
                # What it will have been if there is no answer in time.
                self._asked, self._reason = self._elapsed(), "vapi-unreachable"
                with anyio.move_on_after(PATIENCE_SECONDS):
                    self._reason = await self._ask()
        return self._reason

    async def _ask(self) -> str:
        try:
            await self._vapi.call(LIST, NOTHING, CallRecord(caller=self._caller), once=True)
        except VapiError as exc:
            return next(reason for kind, reason in REASONS if isinstance(exc, kind))
        return ""
