"""What a session is made of when it is created or updated; Vapi judges what we do not know.

Names, limits and defaults are those of Vapi's published OpenAPI.
"""

from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from vapi_sessions_mcp.contract.base import Numbered, Open
from vapi_sessions_mcp.contract.fields import (
    E164,
    Content,
    Extension,
    JsonObject,
    Lifetime,
    Name,
    Number,
    Text,
    check_json,
    from_json_text,
    matching,
)

# Vapi's own default lifetime.
LIFETIME_SECONDS = 86_400

Status: TypeAlias = Literal["active", "completed"]
SpokenRole: TypeAlias = Literal["system", "user", "assistant", "tool", "developer"]
Role: TypeAlias = Literal[SpokenRole, "bot", "tool_calls", "tool_call_result"]

# Rules that programs read in the OpenAPI document; the last but one is ours, the others Vapi's.
_KNOWN_ONLY: dict[str, Any] = {"additionalProperties": False}
_TEXT: dict[str, Any] = {"type": "string"}
_CONTENT: dict[str, Any] = {"type": ["string", "array"]}
_SHAPES: dict[str, Any] = {
    "anyOf": [
        {
            "title": "Of a chat",
            "properties": {
                "role": {"enum": [role for role in get_args(SpokenRole) if role != "tool"]},
                "content": _CONTENT,
            },
            "required": ["content"],
        },
        {
            "title": "Of a chat's tool",
            "properties": {"role": {"const": "tool"}, "content": _CONTENT, "tool_call_id": _TEXT},
            "required": ["content", "tool_call_id"],
        },
        {"title": "Of a call", "properties": {"content": {"type": "null"}}},
    ]
}
_E164_UNLESS_OFF: dict[str, Any] = {
    "anyOf": [
        {"properties": {"number": matching(E164)}},
        {
            "properties": {"numberE164CheckEnabled": {"const": False}},
            "required": ["numberE164CheckEnabled"],
        },
    ]
}
_TWILIO: dict[str, Any] = {
    "properties": {"twilioPhoneNumber": _TEXT, "twilioAccountSid": _TEXT},
    "required": ["twilioPhoneNumber", "twilioAccountSid"],
}


# The first bad one ends it: of a million, each would cost a sentence that nobody reads.
ToolCalls: TypeAlias = Annotated[
    list[Annotated[dict[str, Any], BeforeValidator(from_json_text)]],
    Field(fail_fast=True),
    BeforeValidator(from_json_text),
]


class Message(Open):
    """One message, in the shape of a chat (`content`) or of a call (`message`, `time`)."""

    model_config = ConfigDict(json_schema_extra=_SHAPES)

    role: Role = Field(description="Speaker")
    content: Content | None = Field(default=None, description="Text, in chats")
    name: Name | None = Field(default=None, description="Speaker's name")
    tool_calls: ToolCalls | None = Field(
        default=None, alias="tool_calls", description="Assistant's calls"
    )
    tool_call_id: str | None = Field(
        default=None, alias="tool_call_id", description="Call a tool answers"
    )
    message: str | None = Field(default=None, description="Text, in calls")
    time: Number | None = Field(default=None, description="Unix ms, in calls")
    seconds_from_start: Number | None = Field(default=None, description="Seconds, in calls")


class Customer(Numbered, Open):
    """Whom the session is with."""

    model_config = ConfigDict(json_schema_extra=_KNOWN_ONLY | _E164_UNLESS_OFF)

    sip_uri: str | None = Field(default=None, description="SIP URI")
    name: Name | None = Field(default=None, description="Their name")
    email: Name | None = Field(default=None, description="E-mail")
    external_id: Name | None = Field(default=None, description="Your id of them")
    extension: Extension | None = Field(default=None, description="Extension")
    assistant_overrides: JsonObject | None = Field(default=None, description="Overrides for them")
    squad_overrides: JsonObject | None = Field(default=None, description="The same, for a squad")


TwilioNumber: TypeAlias = Annotated[JsonObject, Field(json_schema_extra={"allOf": [_TWILIO]})]
Messages: TypeAlias = Annotated[
    list[Message], Field(fail_fast=True), BeforeValidator(from_json_text)
]
# The same messages, described by their two main fields: each description is paid for.
BriefMessages: TypeAlias = Annotated[
    Messages,
    WithJsonSchema(
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "role": {"type": "string", "enum": get_args(Role), "description": "Speaker"},
                    "content": {"type": "string", "description": "Text"},
                },
                "required": ["role"],
            },
        }
    ),
]


class UpdateBody(Open):
    """What can be changed in a session."""

    model_config = ConfigDict(json_schema_extra=_KNOWN_ONLY)

    name: Name | None = Field(default=None, description="Name")
    status: Status | None = Field(default=None, description="State")
    expiration_seconds: Lifetime | None = Field(
        default=None, description="Lifetime in seconds (86400)"
    )
    messages: BriefMessages | None = Field(
        default=None, description="Replaces all of them; to add, use appendMessages"
    )

    @model_validator(mode="after")
    def _is_json(self) -> Self:
        check_json(self.given())
        return self


class CreateBody(UpdateBody):
    """What a session can be created with; nothing is required."""

    messages: Messages | None = Field(default=None, description="Conversation")
    assistant_id: Text | None = Field(default=None, description="Saved assistant's id")
    assistant: JsonObject | None = Field(
        default=None, description="Inline assistant, unless assistantId"
    )
    assistant_overrides: JsonObject | None = Field(
        default=None, description="Overrides, e.g. variableValues"
    )
    squad_id: Text | None = Field(default=None, description="Saved squad's id")
    squad: JsonObject | None = Field(default=None, description="Inline squad")
    customer: Customer | None = Field(default=None, description="The customer")
    customer_id: Text | None = Field(default=None, description="Saved customer's id")
    phone_number_id: Text | None = Field(default=None, description="Saved phone number's id")
    phone_number: TwilioNumber | None = Field(default=None, description="Inline Twilio number")
