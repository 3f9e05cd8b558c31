"""The REST adapter's OpenAPI 3.1 document, made from the table and the request models.

A tool's schema leaves out what costs an agent bytes; here each rule that a
program may break is said, so that what keeps to the document is accepted.
"""

from vapi_sessions_mcp import __version__
from vapi_sessions_mcp.caller import KEY_HEADER
from vapi_sessions_mcp.contract.operations import Operation, by_path, offered
from vapi_sessions_mcp.contract.schemas import output_schema
from vapi_sessions_mcp.ids import ID_PATTERN
from vapi_sessions_mcp.rest_api.openapi_schemas import (
    RULES,
    Json,
    components,
    nullable,
    reference,
)
from vapi_sessions_mcp.settings import Settings

ROOT = "/v1"

_ABOUT = """\
Vapi's sessions: one conversation's history each, kept across phone calls and chats. Statuses and
JSON are Vapi's own, unknown fields included; secrets in answers read `***`. What stands in a
request is checked before anything is sent."""
_MEANINGS: dict[int | str, str] = {
    400: "The request breaks a rule, here or at Vapi; nothing was changed",
    401: "The caller, or the API key at Vapi, is not accepted",
    403: "A page of another origin calls, a right is missing, or Vapi refuses",
    404: "There is no such session",
    409: "Others changed the session at the same time, or nobody confirmed",
    413: "The body is larger than 4 MiB",
    415: "The body is not declared as JSON",
    421: "The server does not go by the name in the Host header",
    "4XX": "Vapi refuses the request for another reason",
    500: "A fault of this server",
    502: "Vapi failed, or could not be reached",
    503: "Too many requests, or no API key is set",
    504: "Vapi gave no answer in time",
}
_OF_ALL = (400, 401, 403, 421, "4XX", 500, 502, 503, 504)
_ID: Json = {"type": "string", "pattern": f"^{ID_PATTERN}$"}


def document(settings: Settings | None = None) -> Json:
    """The document of what a server with these settings offers, and of how it lets callers in."""
    settings = settings or Settings()
    rows = offered(settings)
    schemes = _schemes(settings)
    made: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Vapi Sessions",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "Sessions", "description": "Create, find, read, change, delete"}],
        "paths": {
            ROOT + path: {method.lower(): _operation(row, path) for method, row in methods.items()}
            for path, methods in by_path(rows).items()
        },
        "components": {"schemas": components(rows)},
    }
    if schemes:
        made["security"] = [{name: list[str]() for name in schemes}]
        made["components"]["securitySchemes"] = schemes
    return made


def _schemes(settings: Settings) -> Json:
    """How callers show who they are; each scheme is needed."""
    schemes: Json = {}
    if settings.asks("token") or settings.asks("oauth"):
        about = "A token of this server's, or of its OAuth issuer's"
        schemes["token"] = {"type": "http", "scheme": "bearer", "description": about}
    if settings.asks("caller-key"):
        about = "Your own private key of Vapi's"
        where = {"in": "header", "name": KEY_HEADER}
        schemes["callerKey"] = {"type": "apiKey", **where, "description": about}
    return schemes


def _operation(row: Operation, path: str) -> Json:
    by_query = path != row.path
    fields = row.request.model_fields
    made: Json = {
        "operationId": f"{row.operation_id}{'ByQuery' * by_query}",
        "summary": f"{row.title}{', its id in the query' * by_query}",
        "description": row.description,
        "tags": ["Sessions"],
        "parameters": _parameters(row, path),
    }
    refusals: list[int | str] = [*_OF_ALL]
    if "body" in fields:
        made["requestBody"] = {"required": True, "content": _json(row.title.replace(" ", ""))}
        refusals += [413, 415]
    if "{id}" in row.path:
        refusals.append(404)
    if {"append_messages", "confirm"} & fields.keys():
        refusals.append(409)
    success = {"description": "What Vapi answered", "content": _json(row.answer.__name__)}
    made["responses"] = {str(row.status): success} | {
        str(status): _refusal(status) for status in sorted(refusals, key=str)
    }
    return made


def _refusal(status: int | str) -> Json:
    made: Json = {"description": _MEANINGS[status], "content": _json("Error")}
    if status == 503:
        about = "Seconds to wait, where that helps"
        made["headers"] = {"Retry-After": {"description": about, "schema": {"type": "integer"}}}
    return made


def _parameters(row: Operation, path: str) -> list[Json]:
    properties = output_schema(row.request)["properties"]
    made: list[Json] = []
    elsewhere = {"body", "appendMessages"}
    if "{id}" in row.path:
        where = "path" if path == row.path else "query"
        made.append(
            {
                "name": "id",
                "in": where,
                "required": True,
                "description": properties["id"]["description"],
                "schema": _ID,
            }
        )
        elsewhere.add("id")
    rest = {name: schema for name, schema in properties.items() if name not in elsewhere}
    return made + [_query_parameter(name, schema) for name, schema in rest.items()]


def _query_parameter(name: str, schema: Json) -> Json:
    rules = {key: value for key, value in schema.items() if key != "description"}
    rules |= RULES.get(name, {})
    about = {"name": name, "in": "query", "description": schema["description"]}
    if rules["type"] == "object":
        rules = _window(rules) if name == "messages" else rules
        return {**about, "content": {"application/json": {"schema": rules}}}
    return {**about, "schema": rules}


def _window(schema: Json) -> Json:
    """A part of the transcript, counted in one of three ways."""
    properties = {name: nullable(part) for name, part in schema["properties"].items()}
    ways = (("first",), ("last",), ("from", "to"))
    return {
        "type": "object",
        "anyOf": [
            {
                "properties": {name: properties[name] for name in (*way, "role")},
                "additionalProperties": False,
            }
            for way in ways
        ],
    }


def _json(name: str) -> Json:
    return {"application/json": {"schema": reference(name)}}
