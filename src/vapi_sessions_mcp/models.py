"""What each operation takes, checked before anything is sent, and the little every answer promises.

Python is snake_case, the aliases are Vapi's camelCase. Filters, limits and
defaults are those of Vapi's published OpenAPI.
"""

import json
from typing import Any, Literal, Self, TypeAlias, cast
from urllib.parse import urlencode

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from vapi_sessions_mcp.arguments import Arguments, Numbered
from vapi_sessions_mcp.bodies import BriefMessages, CreateBody, Message, Status, UpdateBody
from vapi_sessions_mcp.values import (
    Comma,
    Count,
    Extension,
    JsonObject,
    Label,
    Limit,
    Page,
    Scan,
    SessionId,
    Text,
    Texts,
    Timestamp,
    check_json,
)

# Node servers take 16 KiB of headers, the URL included.
MAX_QUERY = 8_000

View: TypeAlias = Literal["summary", "transcript", "full"]
SpokenRole: TypeAlias = Literal["system", "user", "assistant", "tool", "developer"]


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


class CreateRequest(Request):
    """Arguments of create."""

    body: CreateBody = Field(description="The new session")

    def content(self) -> dict[str, Any]:
        """The new session, only what was given."""
        return self.body.given()


class ListFilters(Numbered, Request):
    """Vapi's own filters of list, all optional, joined by and."""

    id: Text | None = Field(default=None, description="Session id")
    id_any: Comma | None = Field(default=None, description="Session ids, comma-separated")
    name: Label | None = Field(default=None, description="Session's or customer's name, exact")
    assistant_id: Text | None = Field(default=None, description="Assistant id")
    assistant_id_any: Comma | None = Field(
        default=None, description="Assistant ids, comma-separated"
    )
    squad_id: Text | None = Field(default=None, description="Squad id")
    workflow_id: Text | None = Field(default=None, description="Workflow id")
    phone_number_id: Text | None = Field(default=None, description="Id of your phone number")
    phone_number_id_any: Texts | None = Field(
        default=None, description="Any of these phone number ids"
    )
    customer_number_any: Comma | None = Field(
        default=None, description="Customer numbers, E.164, comma-separated"
    )
    sip_uri: Text | None = Field(default=None, description="Customer's SIP URI")
    email: Label | None = Field(default=None, description="Customer's e-mail")
    external_id: Label | None = Field(default=None, description="Customer's external id")
    extension: Extension | None = Field(default=None, description="Customer's extension")
    assistant_overrides: JsonObject | None = Field(default=None, description="Customer's overrides")
    squad_overrides: JsonObject | None = Field(
        default=None, description="Customer's squad overrides"
    )
    page: Page | None = Field(default=None, description="Page, from 1")
    limit: Limit | None = Field(default=None, description="Rows a page, 0 to 1000 (100)")
    sort_order: Literal["ASC", "DESC"] | None = Field(
        default=None, description="ASC or DESC (newest first)"
    )
    sort_by: Literal["createdAt", "duration", "cost"] | None = Field(
        default=None, description="Sort column (createdAt)"
    )
    created_at_gt: Timestamp | None = Field(default=None, description="Created after, ISO 8601")
    created_at_lt: Timestamp | None = Field(default=None, description="Created before")
    created_at_ge: Timestamp | None = Field(default=None, description="Created from")
    created_at_le: Timestamp | None = Field(default=None, description="Created until")
    updated_at_gt: Timestamp | None = Field(default=None, description="Updated after")
    updated_at_lt: Timestamp | None = Field(default=None, description="Updated before")
    updated_at_ge: Timestamp | None = Field(default=None, description="Updated from")
    updated_at_le: Timestamp | None = Field(default=None, description="Updated until")

    @model_validator(mode="after")
    def _fits_in_a_url(self) -> Self:
        query = self.query()
        if len(urlencode(query)) > MAX_QUERY:
            longest, _ = max(query, key=lambda pair: len(pair[1]))
            raise ValueError(
                f"`{longest}` is too long: all filters together may take {MAX_QUERY} characters in"
                " a URL"
            )
        return self

    def query(self) -> list[tuple[str, str]]:
        """The filters that were given; an object is sent as JSON text."""
        given = self.model_dump(by_alias=True, exclude_unset=True, include=_FILTERS)
        return [pair for name, value in given.items() for pair in _pairs(name, value)]


_FILTERS = set(ListFilters.model_fields)


class ListRequest(ListFilters):
    """Arguments of list: Vapi's filters, and what we add to them."""

    status: Status | None = Field(default=None, description="Found by scanning")
    contains: Text | None = Field(default=None, description="Text anywhere in it, by scanning")
    max_scan: Scan | None = Field(default=None, description="Sessions to scan at most (500)")
    view: View | None = Field(default=None, description="How much of each session (summary)")

    @property
    def scans(self) -> bool:
        """Whether something is asked for that Vapi cannot filter by."""
        return self.status is not None or self.contains is not None


class _OneSession(Request):
    id: SessionId = Field(description="Session id")

    def path(self) -> dict[str, str]:
        """The id, safe as one path segment by its very shape."""
        return {"id": self.id}


class Window(Arguments):
    """A stretch of a conversation, counted from 1, among one role's messages when `role` is set."""

    first: Count | None = Field(default=None, description="The first n")
    last: Count | None = Field(default=None, description="The last n")
    from_: Count | None = Field(default=None, alias="from", description="From this one")
    to: Count | None = Field(default=None, description="To this one")
    role: SpokenRole | None = Field(default=None, description="Only this role's")


class GetRequest(_OneSession):
    """Arguments of get."""

    view: View | None = Field(default=None, description="full, or transcript when that is long")
    messages: Window | None = Field(
        default=None, description="Part of the transcript, e.g. {last: 20}"
    )

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


class ConfirmedDeleteRequest(DeleteRequest):
    """Arguments of a delete that has to be confirmed."""

    confirm: Text | None = Field(
        default=None, description="The id again, once a person agreed and if you cannot ask here"
    )


class UpdateRequest(_OneSession):
    """Arguments of update: `body`, `appendMessages` or both."""

    body: UpdateBody | None = Field(default=None, description="Only what changes")
    append_messages: BriefMessages | None = Field(
        default=None, min_length=1, description="Added to the conversation; not with body.messages"
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
        elif self.body is not None and self.body.messages is not None:
            raise ValueError(
                "`body.messages` replaces the conversation and `appendMessages` adds to it:"
                " give one of them"
            )
        return self

    def content(self) -> dict[str, Any]:
        """The changes, only what was given."""
        return self.body.given() if self.body else {}


class Replacement(_OneSession):
    """An update whose body is sent as it is: what Vapi sent before, not what an agent wrote."""

    changes: dict[str, Any]

    def content(self) -> dict[str, Any]:
        """The changes, untouched."""
        return self.changes


class Session(BaseModel):
    """A session as answered: whatever Vapi sent, with its id."""

    model_config = ConfigDict(extra="allow")

    id: str


class SessionPage(BaseModel):
    """A page of sessions as answered."""

    model_config = ConfigDict(extra="allow")

    results: list[dict[str, Any]]


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [(name, item) for item in cast("list[str]", value)]
    if isinstance(value, str):
        return [(name, value)]
    return [(name, json.dumps(value, separators=(",", ":"), ensure_ascii=False))]
