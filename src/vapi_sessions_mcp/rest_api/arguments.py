"""What the path, the query and the body of a request say together, as one set of arguments."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote, unquote_plus

from starlette.exceptions import HTTPException
from starlette.requests import Request

from vapi_sessions_mcp import bounded, json_text
from vapi_sessions_mcp.access.bodies import MAX_BODY, PACKED, TOO_MANY, is_packed
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.parsing import bad_arguments
from vapi_sessions_mcp.errors import BadArguments
from vapi_sessions_mcp.offload import offload

# The only array among the query's parameters.
REPEATABLE = "phoneNumberIdAny"

# In words and between ids a `+` is a space; in numbers, times and addresses it is meant.
IDS = ("idAny", "assistantIdAny", "phoneNumberIdAny")
TEXTS = ("name", "contains", "externalId", "assistantOverrides", "squadOverrides", "messages")
WORDS = (*TEXTS, *IDS)
# Where it begins no number, though, it is the space between two.
NUMBERS = "customerNumberAny"
_SPACE = re.compile(r"\+(?![0-9A-Za-z])")


async def received(request: Request) -> bytes:
    """The whole body; raises HTTPException where it is too large, or not sent as JSON."""
    too_large = False
    try:
        raw = await bounded.collect(request.stream(), MAX_BODY)
    except bounded.TooLarge:
        raw, too_large = b"", True
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "Send the body as JSON, with Content-Type: application/json.")
    if is_packed(request.headers):
        raise HTTPException(415, PACKED)
    if too_large:
        raise HTTPException(413, f"The body may have {MAX_BODY // 2**20} MiB at most.")
    return raw


async def arguments_of(operation: Operation, request: Request, raw: bytes) -> dict[str, Any]:
    """Path, query and body as one set of arguments; raises BadArguments."""
    elsewhere = {**dict.fromkeys(request.path_params, "path")}
    if operation.has_body:
        elsewhere |= dict.fromkeys(("body", "appendMessages"), "body")
    arguments = {**_query(request, elsewhere), **request.path_params}
    if operation.has_body:
        return arguments | _split(operation, await _body(raw))
    # An agent's tools shorten what they answer; a program gets what Vapi sent.
    if "view" in operation.request.model_fields and "messages" not in arguments:
        arguments.setdefault("view", "full")
    return arguments


def _query(request: Request, elsewhere: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, list[str]] = {}
    for name, value in _pairs(request.scope["query_string"].decode("latin-1")):
        given.setdefault(name, []).append(value)
    problems: list[str] = []
    for name, values in given.items():
        if name in elsewhere:
            problems.append(f"`{name}` belongs in the {elsewhere[name]}, not in the query.")
        elif len(values) > 1 and name != REPEATABLE:
            problems.append(
                json_text.clean(f"`{name:.60}` is given {len(values)} times: give it once.")
            )
    if problems:
        raise bad_arguments(problems, len(problems))
    return {name: values if len(values) > 1 else values[0] for name, values in given.items()}


def _pairs(query: str) -> list[tuple[str, str]]:
    """Names and values; a bare `+` is a space only where people write spaces."""
    pairs: list[tuple[str, str]] = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        if name == NUMBERS:
            value = _SPACE.sub(" ", value)
        pairs.append((name, (unquote_plus if name in WORDS else unquote)(value)))
    return pairs


async def _body(raw: bytes) -> dict[str, Any]:
    if json_text.values(raw) > json_text.MAX_SENT_VALUES:
        raise BadArguments([TOO_MANY])
    try:
        body = await offload(len(raw), lambda: json.loads(raw, object_pairs_hook=json_text.unique))
    except json_text.Repeated as exc:
        raise BadArguments([str(exc)]) from exc
    except (ValueError, RecursionError) as exc:
        raise BadArguments(["The body is not JSON."]) from exc
    if not isinstance(body, dict):
        raise BadArguments(["The body must be a JSON object."])
    return cast("dict[str, Any]", body)


def _split(operation: Operation, body: dict[str, Any]) -> dict[str, Any]:
    """Vapi's body, and what is ours beside it: `appendMessages` of update."""
    if "append_messages" not in operation.request.model_fields:
        return {"body": body}
    vapis = {name: value for name, value in body.items() if name != "appendMessages"}
    appended = body.get("appendMessages")
    return {"appendMessages": appended, "body": None if appended and not vapis else vapis}
