"""What a status, a lost connection or a strange body means for an operation, as one VapiError."""

from http import HTTPStatus

from vapi_sessions_mcp.errors import (
    Failed,
    Garbled,
    NotFound,
    RateLimited,
    Refused,
    TimedOut,
    Unauthorized,
    Unreachable,
    VapiError,
)
from vapi_sessions_mcp.operations import Operation


class Outcome:
    """The sentences for one call of `operation` on the session `id` at `host`."""

    def __init__(self, operation: Operation, id: str, host: str) -> None:
        """`id` is empty for create and list."""
        self._operation, self._id, self._host = operation, id, host
        self._could_not = f"Could not {operation.doing.format(id=id)}"

    def refused(self, status: int, said: str, retry_after: float | None) -> VapiError:
        """The error for any status that is not 2xx; `said` is Vapi's own words, or empty."""
        answer = f"{status} {phrase(status)}" + (f": {said}" if said else "")
        if status < 400:
            return Refused(
                f"{self._could_not}: {self._host} answered {status}, a redirect, which is never"
                " followed with the API key. Check the base URL (VAPI_BASE_URL).",
                status,
            )
        if status >= 500:
            return Failed(f"{self._could_not}: Vapi failed ({answer}). {self._after_sending()}")
        if status == 401:
            return Unauthorized(
                f"{self._could_not}: Vapi does not accept the API key ({answer})."
                " Set VAPI_API_KEY to a private key from https://dashboard.vapi.ai/org/api-keys.",
                status,
            )
        if status == 404 and self._id:
            return NotFound(
                f"No session {self._id}: it may have expired or been deleted ({answer})."
                " List sessions to find its id.",
                status,
            )
        if status == 429:
            wait = f"in {retry_after:.0f} s" if retry_after else "in a minute"
            return RateLimited(
                f"{self._could_not}: too many requests ({answer}). Nothing was changed;"
                f" call again {wait}.",
                status,
                retry_after,
            )
        return Refused(f"{self._could_not}: Vapi refused it ({answer}). {_mend(status)}", status)

    def unreachable(self, reason: str) -> Unreachable:
        """The connection was never made: nothing was sent."""
        return Unreachable(
            f"{self._could_not}: no connection to {self._host} ({reason}). Nothing was sent;"
            " check the network and the base URL (VAPI_BASE_URL), then call again."
        )

    def lost(self) -> Unreachable:
        """The connection ended after the request was sent."""
        return Unreachable(
            f"{self._could_not}: the connection to {self._host} was lost before the answer"
            f" was complete. {self._after_sending()}"
        )

    def timed_out(self, seconds: float) -> TimedOut:
        """No answer within the whole call's time."""
        return TimedOut(
            f"{self._could_not}: {self._host} gave no answer within {seconds:g} s."
            f" {self._after_sending()}"
        )

    def garbled(self, reason: str) -> Garbled:
        """A 2xx that is not the JSON promised."""
        return Garbled(
            f"{self._could_not}: the answer of {self._host} is not a session's JSON ({reason})."
            f" {self._after_sending()}"
        )

    def _after_sending(self) -> str:
        if not self._operation.find_out:
            return "Nothing was changed; call again in a minute."
        return f"It may or may not have happened: {self._operation.find_out.format(id=self._id)}."


def phrase(status: int) -> str:
    """A status in words, where it has some."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _mend(status: int) -> str:
    if status == 403:
        return "The key may lack access, or a firewall stands between."
    if status == 404:
        return "Check the base URL (VAPI_BASE_URL)."
    return "Change what it names and call again."
