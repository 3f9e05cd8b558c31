"""The OpenAPI document's schemas: what a body must be, and the little that answers promise."""

from collections.abc import Iterable
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel

from vapi_sessions_mcp.contract.bodies import (
    CreateBody,
    Customer,
    Message,
    Role,
    UpdateBody,
)
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.requests import UpdateRequest
from vapi_sessions_mcp.contract.schemas import output_schema

Json: TypeAlias = dict[str, Any]

_ANY_NUMBER = r"^\+?[a-zA-Z0-9]+$"
_E164 = r"^\+[1-9][0-9]{1,14}$"
_DECIMAL = r"^[+-]?[0-9]{1,15}(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$"
_CHAT_ROLES = ("system", "user", "assistant", "developer")
_TEXT: Json = {"type": "string"}
_NOTHING: Json = {"type": "null"}
# What is checked beyond the tools' schemas, by the field's name.
RULES: dict[str, Json] = {
    "number": {"pattern": _ANY_NUMBER},
    "page": {"maximum": 10**15 - 1},
    "time": {"type": ["number", "string"], "pattern": _DECIMAL},
    "secondsFromStart": {"type": ["number", "string"], "pattern": _DECIMAL},
    "phoneNumber": {
        "properties": {"twilioPhoneNumber": _TEXT, "twilioAccountSid": _TEXT},
        "required": ["twilioPhoneNumber", "twilioAccountSid"],
    },
}


def components(rows: Iterable[Operation]) -> Json:
    """The schemas by name; bodies only where one of the `rows` has one."""
    answers = {"Session": _SESSION, "SessionPage": _PAGE, "Error": _ERROR}
    return {**_bodies(), **answers} if any(row.has_body for row in rows) else answers


def _bodies() -> Json:
    create = _nullables(CreateBody)
    create["customer"] = nullable(reference("Customer"))
    create["messages"] = nullable({"type": "array", "items": reference("Message")})
    told = output_schema(UpdateRequest)["properties"]
    update = {name: create[name] for name in _nullables(UpdateBody)}
    update["messages"] = {
        **create["messages"],
        "description": told["body"]["properties"]["messages"]["description"],
    }
    update["appendMessages"] = {
        **create["messages"],
        "minItems": 1,
        "description": told["appendMessages"]["description"],
    }
    return {
        "CreateSession": _closed(create),
        "UpdateSession": {
            **_closed(update),
            "anyOf": [{"properties": {name: _NOTHING}} for name in ("messages", "appendMessages")],
        },
        "Customer": {
            **_closed(_nullables(Customer)),
            "anyOf": [
                {"properties": {"number": {"type": ["string", "null"], "pattern": _E164}}},
                {
                    "properties": {"numberE164CheckEnabled": {"const": False}},
                    "required": ["numberE164CheckEnabled"],
                },
            ],
        },
        "Message": _message(),
    }


def _message() -> Json:
    """One message: of a chat, of a chat's tool, or of a call, which has no `content`."""
    properties = _nullables(Message)
    properties["role"] = {"type": "string", "enum": [*get_args(Role)], "description": "Speaker"}
    text = output_schema(Message)["properties"]["content"]
    chat = {"role": {"enum": [*_CHAT_ROLES]}, "content": text}
    tool = {"role": {"const": "tool"}, "content": text, "tool_call_id": _TEXT}
    call = {"content": _NOTHING}
    return {
        "type": "object",
        "properties": properties,
        "required": ["role"],
        "anyOf": [
            {"title": "Of a chat", "properties": chat, "required": [*chat]},
            {"title": "Of a chat's tool", "properties": tool, "required": [*tool]},
            {"title": "Of a call", "properties": call},
        ],
    }


def _nullables(model: type[BaseModel]) -> Json:
    """The properties of a body: where nothing is required, null means not given."""
    properties: dict[str, Json] = output_schema(model)["properties"]
    return {n: nullable({**part, **RULES.get(n, {})}) for n, part in properties.items()}


def nullable(schema: Json) -> Json:
    """`schema`, or null."""
    if "$ref" in schema:
        return {"anyOf": [schema, _NOTHING]}
    kinds = schema["type"]
    made = {**schema, "type": [*([kinds] if isinstance(kinds, str) else kinds), "null"]}
    return made | ({"enum": [*schema["enum"], None]} if "enum" in schema else {})


def _closed(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def reference(name: str) -> Json:
    """Where the schema of that name stands."""
    return {"$ref": f"#/components/schemas/{name}"}


def _known(**descriptions: str) -> Json:
    return {name: {"description": text} for name, text in descriptions.items()}


_SESSION: Json = {
    "type": "object",
    "description": "A session as Vapi sent it. Any other field may be there, and null.",
    "properties": {
        "id": {"type": "string"},
        **_known(
            orgId="Whose it is",
            createdAt="ISO 8601",
            updatedAt="ISO 8601",
            status="active or completed",
            name="Its name",
            expirationSeconds="Lifetime",
            cost="USD",
            assistantId="Saved assistant",
            squadId="Saved squad",
            customer="Whom it is with",
            phoneNumberId="Saved phone number",
            messages="The conversation",
            artifact="What is known once it is completed",
        ),
    },
    "required": ["id"],
}
_PAGE: Json = {
    "type": "object",
    "description": "A page of sessions. Summaries and transcripts tell the place in page to total.",
    "properties": {
        "results": {"type": "array", "items": {"type": "object"}},
        **_known(
            metadata="Vapi's: itemsPerPage, totalItems, currentPage and more",
            coverage="Of status and contains: how far was looked, and in next how to go on",
            page="The page",
            pages="Of how many",
            total="Sessions on all pages",
        ),
    },
    "required": ["results"],
}
_ERROR: Json = {
    "type": "object",
    "properties": {
        "message": {
            "description": "What to mend: a sentence, or one for each problem",
            "anyOf": [_TEXT, {"type": "array", "items": _TEXT}],
        },
        "error": {"type": "string", "description": "The status in words"},
        "statusCode": {"type": "integer"},
    },
    "required": ["message", "error", "statusCode"],
}
