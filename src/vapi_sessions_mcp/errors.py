"""What can go wrong with a request, each with a sentence that says what to do next.

    VapiError
    ├── BadArguments        refused here, field by field; nothing was changed
    ├── NotConfigured       no API key; nothing was sent
    ├── NoAnswer
    │   ├── NotConnected    DNS, connection, TLS: nothing was sent
    │   │   ├── Untrusted   a certificate that is not accepted here
    │   │   └── Crowded     too many other calls were on their way to Vapi
    │   ├── ConnectionLost  the connection ended after the request was sent
    │   └── TimedOut        no answer in time
    ├── Refused             3xx and 4xx
    │   ├── Unauthorized    401
    │   ├── NotFound        404
    │   └── RateLimited     429
    ├── Failed              5xx
    ├── Garbled             an answer that is not the JSON promised
    │   └── TooLarge        a good answer, of more than can be read here
    ├── Conflict            others changed the session at the same time
    ├── Unconfirmed         nobody agreed to it; nothing was changed
    └── Broken              a fault of this server, which nobody foresaw

The text of each is safe to show to a model or a person: no key, no HTML, no
stack trace.
"""

from http import HTTPStatus

# What a call is told that is still under way when the process has to end.
STOPPED = (
    "The server was stopped before this had its answer. A change may or may not have happened: look"
    " before you make it again."
)
READ_AGAIN = "The server was stopped before this had its answer: ask again."


class VapiError(Exception):
    """No answer; `str()` says why and what to do next."""


class BadArguments(VapiError):
    """The arguments break a rule; no change was sent."""

    def __init__(self, problems: list[str], *, session_read: bool = False) -> None:
        """`problems` are whole sentences, each naming its field.

        `session_read` says that the rule depends on the session, which was read.
        """
        effect = "Nothing was changed." if session_read else "Nothing was sent to Vapi."
        super().__init__(" ".join([*problems, effect]))
        self.problems = problems


class NotConfigured(VapiError):
    """There is no API key; nothing was sent."""


class NoAnswer(VapiError):
    """Vapi gave no answer."""


class NotConnected(NoAnswer):
    """No connection to Vapi was made; nothing was sent."""


class Untrusted(NotConnected):
    """The certificate of the other side is not accepted; nothing was sent."""


class Crowded(NotConnected):
    """Other calls of this process were in front until the time was over; nothing was sent."""


class ConnectionLost(NoAnswer):
    """The connection ended before the answer was complete."""


class TimedOut(NoAnswer):
    """Vapi gave no answer in time."""


class Refused(VapiError):
    """Vapi said no, and would say it again."""

    def __init__(self, message: str, status: int) -> None:
        """`status` is Vapi's, 3xx or 4xx."""
        super().__init__(message)
        self.status = status


class Unauthorized(Refused):
    """Vapi does not accept the key."""


class NotFound(Refused):
    """There is no such session."""


class RateLimited(Refused):
    """Too many requests; `retry_after` is Vapi's own wait in seconds, where it gave one."""

    def __init__(self, message: str, status: int, retry_after: float | None = None) -> None:
        """`retry_after` in seconds, or None."""
        super().__init__(message, status)
        self.retry_after = retry_after


class Failed(VapiError):
    """Vapi itself failed; `retry_after` is its own wait in seconds, where it gave one."""

    def __init__(self, message: str, status: int, retry_after: float | None = None) -> None:
        """`status` is Vapi's, 5xx."""
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Garbled(VapiError):
    """Vapi's answer is not what it promised."""


class TooLarge(Garbled):
    """Vapi's answer is too long, or nested too deeply, to be read here."""


class Conflict(VapiError):
    """Others changed the session at the same time, again and again."""


class Unconfirmed(VapiError):
    """Nobody agreed to what cannot be undone; nothing was changed."""


class Broken(VapiError):
    """This server itself failed; nothing of the reason is in the text, since the log has it."""

    def __init__(self, message: str = "") -> None:
        """`message` says more than that, where more is known."""
        super().__init__(message or "Something in this server failed; its log says more.")


def not_found(id: str) -> NotFound:
    """There is no session `id`, or none that may be seen: the words are the same for both."""
    return NotFound(
        f"No session {id}: it may have expired or been deleted. List sessions to find its id.", 404
    )


def phrase(status: int) -> str:
    """A status in words, where it has some."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"
