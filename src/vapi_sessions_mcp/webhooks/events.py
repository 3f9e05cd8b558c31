"""What Vapi reports of a session: which one changed, when and how, and nothing of what is in it."""

from dataclasses import dataclass
from typing import Any

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.ids import is_id

CREATED, UPDATED, DELETED = "session.created", "session.updated", "session.deleted"
TYPES = (CREATED, UPDATED, DELETED)
# Vapi's have 24 characters.
MAX_TIME = 64


class NotAMessage(ValueError):
    """Not a server message of Vapi's; `str()` says why."""


class NoSuchSession(ValueError):
    """A report of a session that has no id of the shape that ids have."""


@dataclass(frozen=True, slots=True)
class Change:
    """One report, of a type in `TYPES`; what Vapi left out is empty.

    `assistant_id` and `squad_id` say whose the session is, for pins.
    """

    type: str
    id: str
    updated_at: str = ""
    assistant_id: str = ""
    squad_id: str = ""

    @property
    def in_list(self) -> bool:
        """Whether there is another set of sessions than before."""
        return self.type != UPDATED

    @property
    def owner(self) -> dict[str, Any]:
        """What Vapi's JSON of the session says of whose it is."""
        return {"assistantId": self.assistant_id, "squadId": self.squad_id}

    def written(self) -> bytes:
        """A server message that says all of this, for another replica."""
        session = {"id": self.id, "updatedAt": self.updated_at, **self.owner}
        return json_text.compact({"message": {"type": self.type, "session": session}}).encode()


def read_message(raw: bytes) -> Change | None:
    """The change that a server message reports; None where it is about anything else.

    Raises NotAMessage or NoSuchSession.
    """
    try:
        value = json_text.parse(raw, repeats=False)
    except ValueError as exc:
        raise NotAMessage("The body is not JSON that can be read.") from exc
    message = json_text.as_object(json_text.as_object(value).get("message"))
    type = message.get("type")
    if not isinstance(type, str):
        raise NotAMessage("The body is no server message: `message.type` is missing.")
    if type not in TYPES:
        return None
    session = json_text.as_object(message.get("session"))
    if not is_id(_text(session.get("id"))):
        raise NoSuchSession
    return Change(
        type,
        _text(session.get("id")),
        _text(session.get("updatedAt"))[:MAX_TIME],
        _owner_id(session.get("assistantId")),
        _owner_id(session.get("squadId")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _owner_id(value: Any) -> str:
    """The id of an assistant or a squad; nothing where it cannot be one, which no pin holds."""
    return value if isinstance(value, str) and is_id(value) else ""
