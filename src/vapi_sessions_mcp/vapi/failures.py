"""What a status, a lost connection or a strange body means for an operation, as one VapiError."""

import math

from vapi_sessions_mcp.caller import KEY_HEADER, Caller
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.errors import (
    ConnectionLost,
    Crowded,
    Failed,
    Garbled,
    NotConfigured,
    NotConnected,
    NotFound,
    RateLimited,
    Refused,
    TimedOut,
    TooLarge,
    Unauthorized,
    Untrusted,
    VapiError,
    not_found,
    phrase,
)

OTHER_REGION = {"api.vapi.ai": "api.eu.vapi.ai", "api.eu.vapi.ai": "api.vapi.ai"}
# Request Timeout and Too Early.
TOO_SLOW = (408, 425)
KEYS = "https://dashboard.vapi.ai/org/api-keys"


class Failures:
    """The sentences for one call of `operation` on the session `id` at `host`."""

    def __init__(self, operation: Operation, id: str, host: str, *, sent: bool = False) -> None:
        """`id` is empty for create and list; `sent` says that something was sent before."""
        self._operation, self._id, self._host = operation, id, host
        self._tries, self._sent, self._unclear = 1, sent, False

    def again(self, error: VapiError) -> None:
        """The call is tried again after `error`, which may have done what it should."""
        self._tries += 1
        self._sent |= not isinstance(error, NotConnected)
        self._unclear |= bool(self._operation.find_out) and isinstance(
            error, Failed | ConnectionLost
        )

    def refused(
        self, status: int, said: str, retry_after: float | None, caller: Caller
    ) -> VapiError:
        """The error for any status that is not 2xx; `said` is Vapi's own words, or empty."""
        answer = f"{status} {phrase(status)}" + (f": {said}" if said else "")
        wait = f"in {math.ceil(retry_after)} s" if retry_after else "in a minute"
        if status < 400:
            return Refused(
                f"{self._could_not}: {self._host} answered {status}, a redirect, which is never"
                f" followed with the API key. Check the base URL (VAPI_BASE_URL).{self._also}",
                status,
            )
        if status >= 500:
            text = f"{self._could_not}: Vapi failed ({answer}). {self._after_sending(wait)}"
            return Failed(text, status, retry_after)
        if status == 401:
            mend = self._other_key(caller)
            text = f"{self._could_not}: Vapi does not accept the API key ({answer}). {mend}"
            text += self._also
            return Unauthorized(text, status)
        if status == 404 and self._id:
            return self._probably_deleted() if self._unclear else not_found(self._id)
        if status == 429:
            return RateLimited(
                f"{self._could_not}: too many requests ({answer})."
                f" {self._unless_unclear(f'Nothing was changed; call again {wait}.')}",
                status,
                retry_after,
            )
        # A request that was too slow for whatever is in between may have been passed on before.
        unclear = status in TOO_SLOW
        mend = self._after_sending() if unclear else self._unless_unclear(_mend(status))
        return Refused(f"{self._could_not}: Vapi refused it ({answer}). {mend}", status)

    def not_connected(self, reason: str, through: str = "") -> NotConnected:
        """The connection was never made: nothing was sent; `through` names a proxy."""
        mend = self._unless_unclear(
            f"Nothing was {'changed' if self._sent else 'sent'}; check the network and the base URL"
            " (VAPI_BASE_URL), then call again."
        )
        return NotConnected(
            f"{self._could_not}: no connection to {self._host}{through} ({reason}). {mend}"
        )

    def crowded(self, how: str) -> Crowded:
        """Its turn did not come, since others were there for so long or in such number."""
        mend = self._unless_unclear(
            f"Nothing was {'changed' if self._sent else 'sent'}; call again in a minute."
        )
        return Crowded(
            f"{self._could_not}: this server had too many other calls to {self._host} {how}. {mend}"
        )

    def untrusted(self, reason: str, through: str = "") -> Untrusted:
        """The certificate of the other side is not accepted, and will not be the next time."""
        mend = self._unless_unclear(
            f"Nothing was {'changed' if self._sent else 'sent'}; if a company's own authority signs"
            " certificates here, name the file of its certificate in SSL_CERT_FILE and restart."
        )
        return Untrusted(
            f"{self._could_not}: the certificate of {self._host}{through} is not accepted"
            f" ({reason}). {mend}"
        )

    def lost(self, through: str = "") -> ConnectionLost:
        """The connection ended after the request was sent."""
        return ConnectionLost(
            f"{self._could_not}: the connection to {self._host}{through} was lost before the"
            f" answer was complete. {self._after_sending()}"
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

    def too_large(self, reason: str) -> TooLarge:
        """A good answer of more than can be read here, which it will be again."""
        text = (
            f"{self._could_not}: the answer of {self._host} is more than can be read here"
            f" ({reason})."
        )
        elsewhere = "read it with another client of Vapi's API"
        if self._operation.find_out:
            mend = f"It may or may not have happened: {elsewhere}, since this one cannot."
        elif self._id:
            mend = f"No view makes it smaller, since all of it is read first: {elsewhere}."
        else:
            mend = "Ask for fewer sessions, with a smaller limit or narrower filters."
        return TooLarge(f"{text} {mend}")

    def _other_key(self, caller: Caller) -> str:
        """What to do about a key that is not accepted: each region of Vapi's has its own."""
        other = OTHER_REGION.get(self._host)
        if caller.brings_key:
            here = f" This server calls {self._host}, not {other}." if other else ""
            return f"Send a private key from {KEYS} in the header {KEY_HEADER}.{here}"
        region = f", or VAPI_BASE_URL to https://{other} if it is of that region" if other else ""
        return f"Set VAPI_API_KEY to a private key from {KEYS}{region}."

    @property
    def _could_not(self) -> str:
        tries = f" in {self._tries} tries" if self._tries > 1 else ""
        return f"Could not {self._operation.doing.format(id=self._id)}{tries}"

    def _after_sending(self, wait: str = "in a minute") -> str:
        if not self._operation.find_out:
            return f"Nothing was changed; call again {wait}."
        return f"It may or may not have happened: {self._operation.find_out.format(id=self._id)}."

    @property
    def _also(self) -> str:
        """What to find out besides, when an earlier try was sent and its fate is not known."""
        return f" {self._after_sending()}" if self._unclear else ""

    def _unless_unclear(self, mend: str) -> str:
        """What to do next, unless an earlier try was sent and its fate has to be found out."""
        return self._after_sending() if self._unclear else mend

    def _probably_deleted(self) -> NotFound:
        """A delete is the only change that is sent twice."""
        return NotFound(
            f"Session {self._id} was probably deleted by an earlier try of this call, which failed"
            " or got no answer: now there is no such session. Its last copy could not be had.",
            404,
        )


def no_key(fault: str) -> NotConfigured:
    """No key to call Vapi with; `fault` is a clause that says why."""
    return NotConfigured(
        f"{fault}, so nothing was sent to Vapi. Put a private key from {KEYS}, and nothing else, in"
        " the server's environment and restart it, or start it with --sandbox to try it without a"
        " key."
    )


def _mend(status: int) -> str:
    if status == 403:
        return "The key may lack access, or a firewall is in between."
    if status == 404:
        return "Check the base URL (VAPI_BASE_URL)."
    return "Change what it names and call again."
