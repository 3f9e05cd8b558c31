"""What each operation takes, checked before anything is sent, and the little every answer promises.

Python is snake_case, the aliases are Vapi's camelCase. Limits and defaults are
those of Vapi's published OpenAPI.
"""

import json
from typing import Any, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.contract.base import Arguments, either
from vapi_sessions_mcp.contract.bodies import (
    BriefMessages,
    CreateBody,
    Message,
    SpokenRole,
    UpdateBody,
)
from vapi_sessions_mcp.contract.fields import (
    Count,
    SessionId,
    Text,
    check_json,
)

View: TypeAlias = Literal["summary", "transcript", "full"]


class Request(Arguments):
    """One operation's arguments, as the path, the query and the body of one HTTP request."""

    def path(self) -> dict[str, str]:
        """Values for the placeholders of the path."""
        return {}

    def query(self) -> list[tuple[str, str]]:
        """Query parameters in order; an array is a repeated parameter."""
        return []

    def content(self) -> dict[str, Any] | None:
        """The JSON body, or None for a request without one."""
        return None

    def encoded(self) -> bytes | None:
        """The body as it is sent."""
        content = self.content()
        return None if content is None else json_text.compact(content).encode()


class CreateRequest(Request):
    """Arguments of create."""

    body: CreateBody = Field(description="The new session")

    def content(self) -> dict[str, Any]:
        """The new session, only what was given."""
        return self.body.given()


class _OneSession(Request):
    id: SessionId = Field(description="Session id")

    def path(self) -> dict[str, str]:
        """The id, safe as one path segment by its very shape."""
        return {"id": self.id}


class Window(Arguments):
    """A stretch of a conversation, counted from 1, among one role's messages when `role` is set."""

    model_config = ConfigDict(json_schema_extra=either(("first",), ("last",), ("from", "to")))

    first: Count | None = Field(default=None, description="The first n")
    last: Count | None = Field(default=None, description="The last n")
    from_: Count | None = Field(default=None, alias="from", description="From this one")
    to: Count | None = Field(default=None, description="To this one")
    role: SpokenRole | None = Field(default=None, description="Only this role's")


class GetRequest(_OneSession):
    """Arguments of get."""

    view: View | None = Field(default=None, description="full, or transcript when that is long")
    messages: Window | None = Field(default=None, description="Part of the transcript")

    @field_validator("messages")
    @classmethod
    def _check_messages(cls, window: Window, info: ValidationInfo) -> Window:
        ways = (window.first, window.last, window.from_ or window.to)
        if sum(way is not None for way in ways) > 1:
            raise ValueError("takes one of first, last, or from and to")
        if window.from_ and window.to and window.from_ > window.to:
            raise ValueError("ends before it begins: from must not be greater than to")
        if info.data.get("view") in ("summary", "full"):
            raise ValueError("is a part of the transcript: leave view out or set it to transcript")
        return window


class DeleteRequest(_OneSession):
    """Arguments of delete."""


class UpdateRequest(_OneSession):
    """Arguments of update: `body`, `appendMessages` or both."""

    body: UpdateBody | None = Field(default=None, description="Only what changes")
    append_messages: BriefMessages | None = Field(
        default=None, min_length=1, description="Added at the end; not with body.messages"
    )

    @field_validator("append_messages")
    @classmethod
    def _is_json(cls, messages: list[Message]) -> list[Message]:
        check_json({"messages": [message.given() for message in messages]})
        return messages

    @model_validator(mode="after")
    def _check_change(self) -> Self:
        if self.append_messages is None:
            if self.body is None:
                raise ValueError("`body` is required, or `appendMessages`")
            if not self.content():
                raise ValueError(
                    "`body` would change nothing: give it a value that is not null, or use"
                    " `appendMessages`"
                )
        elif self.body is not None and self.body.messages is not None:
            raise ValueError(
                "`body.messages` replaces the conversation and `appendMessages` adds to it:"
                " give one of them"
            )
        return self

    def content(self) -> dict[str, Any]:
        """The changes, only what was given."""
        return self.body.given() if self.body else {}


class Confirm(Arguments):
    """The argument of changes that have to be confirmed where nobody can be asked."""

    confirm: Text | None = Field(
        default=None, description="The id again, once a person agreed to what is lost"
    )


class ConfirmedDeleteRequest(Confirm, DeleteRequest):
    """Arguments of a delete that has to be confirmed."""


class ConfirmedUpdateRequest(Confirm, UpdateRequest):
    """Arguments of an update that has to be confirmed where it takes something away."""


class Replacement(_OneSession):
    """An update that replaces the conversation by `messages`, JSON text that is sent as it is."""

    changes: dict[str, Any]
    messages: str

    def content(self) -> dict[str, Any]:
        """All changes; numbers and text as Python reads them."""
        return {**self.changes, "messages": json.loads(self.messages)}

    def encoded(self) -> bytes:
        """The changes, with the messages to the letter."""
        start = json_text.compact(self.changes).removesuffix("}")
        comma = "," if self.changes else ""
        return f'{start}{comma}"messages":{self.messages}}}'.encode()


class Session(BaseModel):
    """A session as answered: whatever Vapi sent, with its id."""

    model_config = ConfigDict(extra="allow")

    id: str


class SessionPage(BaseModel):
    """A page of sessions as answered."""

    model_config = ConfigDict(extra="allow")

    results: list[dict[str, Any]]
