"""The REST adapter's OpenAPI 3.1 document, made from the table and the request models.

A tool's schema leaves rules out to save an agent's bytes; the document says each
of them, so that a request that follows the document is accepted.
"""

from collections.abc import Iterator

from vapi_sessions_mcp import __version__
from vapi_sessions_mcp.caller import KEY_HEADER
from vapi_sessions_mcp.contract.operations import (
    CREATE,
    UPDATE,
    Operation,
    by_path,
    offered,
)
from vapi_sessions_mcp.contract.schemas import ExactSchema
from vapi_sessions_mcp.rest_api.openapi_schemas import REFERENCE, Json, components
from vapi_sessions_mcp.settings import Settings

ROOT = "/v1"

_ABOUT = """\
Vapi's sessions: the history of one conversation each, kept across phone calls and chats. Statuses
and JSON are Vapi's own, unknown fields included; secrets in answers read `***`. Every request is
checked before anything is sent to Vapi."""
# Where REST differs from the tools: programs get whole sessions, and a body is no argument.
_IN_REST = ((", as summaries", ""), ("body.messages", "`messages`"))
_VIEW = "How much of each session (full)"
# What the curl lines of the reference page send, too.
_BODIES: dict[str, Json] = {
    CREATE.name: {"name": "Maya", "customer": {"number": "+14155550123"}},
    UPDATE.name: {"appendMessages": [{"role": "user", "content": "Please call me tomorrow."}]},
}
_VALUES = {"number": "+14155550123", "limit": 5}
_MEANINGS: dict[int | str, str] = {
    400: "The request breaks a rule, here or at Vapi; nothing was changed",
    401: "The caller, or the API key at Vapi, is not accepted",
    403: "A page of another origin calls, a right is missing, or Vapi refuses",
    404: "There is no such session",
    412: "Others change the session at the same time; nothing was changed",
    413: "The body is larger than 4 MiB",
    415: "The body is not declared as JSON",
    421: "The server does not go by the name in the Host header",
    424: "Vapi failed while it may have made the change: find out before you send it again",
    428: "Nobody confirmed what would be deleted; nothing was changed",
    429: "Vapi gets too many requests",
    "4XX": "Vapi refuses the request for another reason",
    500: "A fault of this server or of Vapi",
    502: "Vapi could not be reached, or its answer is not what it promises",
    503: "No API key is set, or Vapi is overloaded",
    504: "Vapi gave no answer in time",
    "5XX": "Vapi failed",
}
_OF_ALL = (400, 401, 403, 421, 429, "4XX", 500, 502, 503)
_CAN_WAIT = (429, 503)
_OF_BODY = ("body", "appendMessages")


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
            ROOT + path: {
                method.lower(): _operation(row, path, settings) for method, row in methods.items()
            }
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


def _operation(row: Operation, path: str, settings: Settings) -> Json:
    by_query = path != row.path
    made: Json = {
        "operationId": f"{row.operation_id}{'ByQuery' * by_query}",
        "summary": f"{row.title}{', id in the query' * by_query}",
        "description": _description(row),
        "tags": ["Sessions"],
        "parameters": _parameters(row, path),
    }
    if row.has_body:
        content = _json(row.title.replace(" ", ""), example=_BODIES[row.name])
        made["requestBody"] = {"required": True, "content": content}
    success = {"description": "What Vapi answered", "content": _json(row.answer.__name__)}
    made["responses"] = {str(row.status): success} | {
        str(status): _refusal(status) for status in sorted(_refusals(row, settings), key=str)
    }
    return made


def _description(row: Operation) -> str:
    text = row.description
    for tool, rest in _IN_REST:
        text = text.replace(tool, rest)
    return text


def _refusals(row: Operation, settings: Settings) -> Iterator[int | str]:
    """The statuses with which an operation can be refused, as `statuses.py` chooses them."""
    yield from _OF_ALL
    if row.has_body:
        yield from (413, 415)
    if "{id}" in row.path:
        yield 404
    # Clients repeat what got a 5xx, so what must not be repeated gets none.
    yield from ((504, "5XX") if row.idempotent else (424,))
    if not row.read_only and "{id}" in row.path:
        yield from ((412, 428) if settings.confirm_delete else (412,))


def _refusal(status: int | str) -> Json:
    made: Json = {"description": _MEANINGS[status], "content": _json("Error")}
    if status in _CAN_WAIT:
        about = "Seconds to wait, where that helps"
        made["headers"] = {"Retry-After": {"description": about, "schema": {"type": "integer"}}}
    return made


def _parameters(row: Operation, path: str) -> list[Json]:
    schema = row.request.model_json_schema(schema_generator=ExactSchema, ref_template=REFERENCE)
    required = schema.get("required", ())
    return [
        _parameter(name, "path" if f"{{{name}}}" in path else "query", name in required, given)
        for name, given in schema["properties"].items()
        if name not in _OF_BODY
    ]


def _parameter(name: str, where: str, required: bool, given: Json) -> Json:
    # Null means not given, and what a query does not give is not in it.
    rules = given["anyOf"][0] if "anyOf" in given else given
    rules = {key: value for key, value in rules.items() if key != "description"}
    made: Json = {"name": name, "in": where}
    if required:
        made["required"] = True
    made["description"] = _VIEW if name == "view" else given["description"]
    if name in _VALUES:
        made["example"] = _VALUES[name]
    if "$ref" in rules or rules["type"] == "object":
        return {**made, "content": {"application/json": {"schema": rules}}}
    return {**made, "schema": rules}


def _json(name: str, **beside: Json) -> Json:
    return {"application/json": {"schema": {"$ref": REFERENCE.format(model=name)}, **beside}}
