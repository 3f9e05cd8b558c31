"""The OpenAPI document's schemas: what a body must be, and the little that answers promise."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel, Field, create_model
from pydantic.json_schema import models_json_schema

from vapi_sessions_mcp.contract.base import either
from vapi_sessions_mcp.contract.bodies import CreateBody, UpdateBody
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.requests import Session, SessionPage, Window
from vapi_sessions_mcp.contract.schemas import ExactSchema

Json: TypeAlias = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"
# Fields that Vapi documents. Answers promise none of them, nor of what type it is.
_OF_SESSION = {
    "orgId": "Whose it is",
    "createdAt": "ISO 8601",
    "updatedAt": "ISO 8601",
    "status": "active or completed",
    "name": "Its name",
    "expirationSeconds": "Lifetime",
    "cost": "USD",
    "assistantId": "Saved assistant",
    "squadId": "Saved squad",
    "customer": "Whom it is with",
    "phoneNumberId": "Saved phone number",
    "messages": "The conversation",
    "artifact": "What is known once it is completed",
}
_OF_PAGE = {
    "metadata": "Vapi's: itemsPerPage, totalItems, currentPage and more",
    "coverage": "With status or contains: how many were searched, and what comes next",
    "page": "In summaries and transcripts: this page",
    "pages": "The number of pages",
    "total": "Sessions on all pages",
}


_CREATE = create_model("CreateSession", __base__=CreateBody, __doc__=CreateBody.__doc__)
# Messages as create has them: a tool's schema of update shows only their main fields.
_MESSAGES: Any = CreateBody.model_fields["messages"].annotation
_UPDATE = create_model(
    "UpdateSession",
    __base__=UpdateBody,
    __doc__=UpdateBody.__doc__,
    messages=(_MESSAGES, UpdateBody.model_fields["messages"]),
    append_messages=(
        _MESSAGES,
        Field(
            default=None, min_length=1, description="Added to the conversation; not with messages"
        ),
    ),
)


class Error(BaseModel):
    """A refusal, in the shape of Vapi's errors."""

    message: str | list[str] = Field(description="What to correct: a sentence, or one a problem")
    error: str = Field(description="The status in words")
    status_code: int = Field(alias="statusCode", description="The status")


def components(rows: Sequence[Operation]) -> Json:
    """The schemas by name; bodies only where one of the `rows` has one."""
    models = [Window, Session, SessionPage, Error]
    if any(row.has_body for row in rows):
        models += [_CREATE, _UPDATE]
    _, made = models_json_schema(
        [(model, "validation") for model in models],
        schema_generator=ExactSchema,
        ref_template=REFERENCE,
    )
    schemas = made["$defs"]
    for name, fields in (("Session", _OF_SESSION), ("SessionPage", _OF_PAGE)):
        known = {field: {"description": text} for field, text in fields.items()}
        schemas[name]["properties"] |= known
    if "UpdateSession" in schemas:
        withheld = {name for row in rows for name in row.withheld}
        fields = schemas["UpdateSession"]["properties"]
        kept = {name: field for name, field in fields.items() if name not in withheld}
        one_way = [either(("messages",), ("appendMessages",))] if "messages" in kept else []
        rules = [*one_way, _something(kept)]
        schemas["UpdateSession"] |= {"properties": kept, "allOf": rules}
    return schemas


def _something(properties: dict[str, Json]) -> Json:
    """The rule that one of the fields has a value."""
    return {
        "anyOf": [
            {"properties": {name: field["anyOf"][0]}, "required": [name]}
            for name, field in properties.items()
        ]
    }
