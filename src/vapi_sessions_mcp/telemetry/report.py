"""What the server has to report where it happens; nobody listens, unless somebody asked for it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Self

from vapi_sessions_mcp.caller import CallRecord


class Part:
    """A stretch of work that is measured from its beginning to its end, unless nobody listens."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def answered(self, status: int) -> None:
        """Note the HTTP status of the answer."""


class Telemetry:
    """Listens to nothing: each method costs a call, and builds nothing.

    What is passed to it is names of ours, numbers and statuses. Text that a caller or a
    customer wrote never is, but for what is counted (`answered`).
    """

    is_on = False

    def call(self, tool: str, record: CallRecord) -> AbstractContextManager[object]:
        """Around a call of `tool`, whichever way it came."""
        return _NOTHING

    def answered(self, tool: str, text: str | bytes) -> None:
        """Count the bytes of an answer."""

    def refused(self, kind: int) -> None:
        """Somebody was refused before there was a call, with this status or code."""

    def operation(self, seconds: float, attributes: Mapping[str, str]) -> None:
        """A message of MCP was worked on; the attributes are OpenTelemetry's for MCP."""

    def http_request(
        self, method: str, route: str, traceparent: str
    ) -> AbstractContextManager[Part]:
        """Around a request to REST; `traceparent` is what its header says, or empty."""
        return _NOTHING

    def request(
        self, method: str, template: str, server: tuple[str, int], record: CallRecord, resent: int
    ) -> AbstractContextManager[object]:
        """Around a request to Vapi, which is sent for the first time or was `resent`."""
        return _NOTHING

    def queued(self) -> AbstractContextManager[object]:
        """Around the wait for a turn."""
        return _NOTHING

    def retried(self, tool: str, error: Exception) -> None:
        """A request to Vapi failed with `error` and will be made again."""


_NOTHING = Part()
OFF = Telemetry()
