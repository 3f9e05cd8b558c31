"""One call on its way to Vapi: what is asked, on whose behalf, until when."""

from dataclasses import dataclass

import anyio

from vapi_sessions_mcp.caller import CallRecord
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.requests import Request
from vapi_sessions_mcp.vapi.failures import Failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`key` is the caller's key of Vapi; `deadline` is on the event loop's clock, in seconds."""

    operation: Operation
    request: Request
    record: CallRecord
    failures: Failures
    key: str
    deadline: float

    @property
    def session_id(self) -> str | None:
        """The id of the session that is asked for; None for create and list."""
        return self.request.path().get("id")

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - anyio.current_time()

    @property
    def finishes_writes(self) -> bool:
        """Whether a request that has been sent is let finish although its caller is gone."""
        return self.record.keeps_writes and not self.operation.read_only
