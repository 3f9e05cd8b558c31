"""Who calls, with which key of Vapi's, and what one call of theirs took."""

from dataclasses import dataclass, field

from vapi_sessions_mcp.ids import is_id
from vapi_sessions_mcp.settings import Settings

KEY_HEADER = "X-Vapi-Api-Key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who was let in: `brings_key` when the key came with the request, in `KEY_HEADER`.

    `name` is another one for each who shows another token; nobody has one where none is asked for.
    """

    api_key: str | None = field(default=None, repr=False)
    brings_key: bool = False
    may_write: bool = True
    name: str = field(default="", repr=False)


def owner(settings: Settings) -> Caller:
    """Whoever set this server up and gave it its own key."""
    return Caller(api_key=settings.api_key)


@dataclass(slots=True, kw_only=True)
class CallRecord:
    """One call, filled in while it is performed; its log line is made of this.

    `keeps_writes` lets a change that has been sent finish although its caller is
    gone. `asked` is about how many bytes the arguments have. `tries` counts
    requests to Vapi, `status` and `date` are those of its last answer, `size` the
    bytes of all its answers.
    """

    caller: Caller
    keeps_writes: bool = False
    asked: int = 0
    session: str = ""
    tries: int = 0
    status: int | None = None
    date: str = ""
    size: int = 0

    @property
    def weight(self) -> int:
        """About how many bytes have to be worked on, for `offload`."""
        return max(self.asked, self.size)

    def note_session(self, id: str) -> None:
        """Note the session that was made, unless its id is malformed and could hold anything."""
        if not self.session and is_id(id):
            self.session = id
