"""What each operation takes, checked before anything is sent, and the little every answer promises.

Requests are strict about the arguments we own; unknown keys inside `body` are
kept, for Vapi to judge. Python is snake_case, the aliases are Vapi's camelCase.
Names, limits and defaults are those of Vapi's published OpenAPI.
"""

import json
from typing import Annotated, Any, Literal, Self, TypeAlias, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from vapi_sessions_mcp.values import (
    Comma,
    Extension,
    Flag,
    JsonObject,
    Label,
    Lifetime,
    Limit,
    Number,
    Page,
    PhoneNumber,
    SessionId,
    Text,
    Texts,
    Timestamp,
    check_phone_number,
    from_json_text,
)

Status: TypeAlias = Literal["active", "completed"]
Role: TypeAlias = Literal[
    "system", "user", "assistant", "tool", "developer", "bot", "tool_calls", "tool_call_result"
]


class Arguments(BaseModel):
    """Named arguments; an explicit null means that the argument was not given."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: object) -> object:
        data = from_json_text(data)
        if not isinstance(data, dict):
            return data
        given = cast("dict[object, object]", data)
        known = {field.alias for field in cls.model_fields.values()}
        return {k: v for k, v in given.items() if v is not None or k not in known}

    def given(self) -> dict[str, Any]:
        """What was given, under Vapi's names: no default, no null of ours."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Open(Arguments):
    """Arguments that Vapi judges: keys we do not know are kept."""

    model_config = ConfigDict(extra="allow")


class _Numbered(Arguments):
    """Arguments with a phone number in them and the flag that tells how to check it."""

    number_e164_check_enabled: Flag | None = Field(
        None, alias="numberE164CheckEnabled", description="false: number need not be E.164"
    )
    number: PhoneNumber | None = Field(None, description="Customer's number, E.164: +14155550123")

    @field_validator("number")
    @classmethod
    def _check_number(cls, number: str, info: ValidationInfo) -> str:
        return check_phone_number(number, info.data.get("number_e164_check_enabled") is not False)


class Message(Open):
    """One message, in the shape of a chat (`content`) or of a call (`message`, `time`)."""

    role: Role = Field(description="Who speaks")
    content: str | None = Field(None, max_length=10_000, description="Text, in chats")
    name: Label | None = Field(None, description="Speaker's name")
    tool_calls: Annotated[list[JsonObject], BeforeValidator(from_json_text)] | None = Field(
        None, alias="tool_calls", description="Calls the assistant made"
    )
    tool_call_id: str | None = Field(
        None, alias="tool_call_id", description="Call that a tool message answers"
    )
    message: str | None = Field(None, description="Text, in calls")
    time: Number | None = Field(None, description="Unix time, ms, in calls")
    seconds_from_start: Number | None = Field(None, description="Offset, s, in calls")


class Customer(_Numbered, Open):
    """Whom the session is with."""

    sip_uri: str | None = Field(None, description="SIP URI")
    name: Label | None = Field(None, description="Name")
    email: Label | None = Field(None, description="E-mail")
    external_id: Label | None = Field(None, description="Your own id of them")
    extension: Extension | None = Field(None, description="Extension to dial")
    assistant_overrides: JsonObject | None = Field(None, description="Overrides for them")
    squad_overrides: JsonObject | None = Field(None, description="The same, for a squad")


Messages: TypeAlias = Annotated[list[Message], BeforeValidator(from_json_text)]


class UpdateBody(Open):
    """What can be changed in a session."""

    name: Label | None = Field(None, description="Session's name, up to 40 characters")
    status: Status | None = Field(None, description="active or completed")
    expiration_seconds: Lifetime | None = Field(
        None, description="Lifetime, 60 to 2592000 s; Vapi's default 86400"
    )
    messages: Messages | None = Field(None, description="REPLACES the whole conversation")

    @model_validator(mode="after")
    def _is_json(self) -> Self:
        try:
            json.dumps(self.given(), allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise ValueError(
                "must hold only valid Unicode and finite numbers, nested within reason"
            ) from None
        return self


class CreateBody(UpdateBody):
    """What a session can be created with; nothing is required."""

    messages: Messages | None = Field(None, description="Conversation so far")
    assistant_id: Text | None = Field(None, description="Saved assistant's id")
    assistant: JsonObject | None = Field(
        None, description="Inline assistant, ignored beside assistantId"
    )
    assistant_overrides: JsonObject | None = Field(
        None, description="Overrides, e.g. variableValues"
    )
    squad_id: Text | None = Field(None, description="Saved squad's id")
    squad: JsonObject | None = Field(None, description="Inline squad")
    customer: Customer | None = Field(None, description="Whom the session is with")
    customer_id: Text | None = Field(None, description="Saved customer's id")
    phone_number_id: Text | None = Field(None, description="Saved phone number's id")
    phone_number: JsonObject | None = Field(None, description="Inline imported Twilio number")


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


class ListRequest(_Numbered, Request):
    """Arguments of list: Vapi's filters, all optional, joined by and."""

    id: Text | None = Field(None, description="Session id")
    id_any: Comma | None = Field(None, description="Session ids, comma-separated")
    name: Label | None = Field(None, description="Session's or customer's name, exact")
    assistant_id: Text | None = Field(None, description="Assistant id")
    assistant_id_any: Comma | None = Field(None, description="Assistant ids, comma-separated")
    squad_id: Text | None = Field(None, description="Squad id")
    workflow_id: Text | None = Field(None, description="Workflow id")
    phone_number_id: Text | None = Field(None, description="Id of your phone number")
    phone_number_id_any: Texts | None = Field(None, description="Any of these phone number ids")
    customer_number_any: Comma | None = Field(
        None, description="Customer numbers, E.164, comma-separated"
    )
    sip_uri: Text | None = Field(None, description="Customer's SIP URI")
    email: Label | None = Field(None, description="Customer's e-mail")
    external_id: Label | None = Field(None, description="Customer's external id")
    extension: Extension | None = Field(None, description="Customer's extension")
    assistant_overrides: JsonObject | None = Field(None, description="Customer's overrides")
    squad_overrides: JsonObject | None = Field(None, description="Customer's squad overrides")
    page: Page | None = Field(None, description="Page, from 1")
    limit: Limit | None = Field(None, description="Rows a page, 0 to 1000 (100)")
    sort_order: Literal["ASC", "DESC"] | None = Field(
        None, description="ASC or DESC (newest first)"
    )
    sort_by: Literal["createdAt", "duration", "cost"] | None = Field(
        None, description="Sort column (createdAt)"
    )
    created_at_gt: Timestamp | None = Field(None, description="Created after, ISO 8601")
    created_at_lt: Timestamp | None = Field(None, description="Created before")
    created_at_ge: Timestamp | None = Field(None, description="Created at or after")
    created_at_le: Timestamp | None = Field(None, description="Created at or before")
    updated_at_gt: Timestamp | None = Field(None, description="Updated after")
    updated_at_lt: Timestamp | None = Field(None, description="Updated before")
    updated_at_ge: Timestamp | None = Field(None, description="Updated at or after")
    updated_at_le: Timestamp | None = Field(None, description="Updated at or before")

    def query(self) -> list[tuple[str, str]]:
        """The filters that were given; an object is sent as JSON text."""
        return [pair for name, value in self.given().items() for pair in _pairs(name, value)]


class GetRequest(Request):
    """Arguments of get."""

    id: SessionId = Field(description="Session id")

    def path(self) -> dict[str, str]:
        """The id, safe as one path segment by its very shape."""
        return {"id": self.id}


class DeleteRequest(GetRequest):
    """Arguments of delete."""


class UpdateRequest(GetRequest):
    """Arguments of update."""

    body: UpdateBody = Field(description="Only what changes")

    def content(self) -> dict[str, Any]:
        """The changes, only what was given."""
        return self.body.given()


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
