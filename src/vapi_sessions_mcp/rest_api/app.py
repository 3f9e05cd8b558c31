"""The REST adapter: the table's operations under `/v1`, Vapi's JSON and statuses as they are."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast
from urllib.parse import unquote, unquote_plus

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.access.bodies import MAX_BODY, TOO_MANY
from vapi_sessions_mcp.access.boundary import Boundary
from vapi_sessions_mcp.access.gate import Gate, caller_of
from vapi_sessions_mcp.access.guard import Guard
from vapi_sessions_mcp.access.health import health
from vapi_sessions_mcp.access.refusal import refusal
from vapi_sessions_mcp.caller import Caller, CallRecord, owner
from vapi_sessions_mcp.contract.operations import Operation, by_path, offered
from vapi_sessions_mcp.contract.parsing import bad_arguments, parse
from vapi_sessions_mcp.errors import BadArguments, VapiError
from vapi_sessions_mcp.logs import logged_call
from vapi_sessions_mcp.offload import LARGE, offload
from vapi_sessions_mcp.rest_api.docs_page import reference
from vapi_sessions_mcp.rest_api.openapi import ROOT, document
from vapi_sessions_mcp.rest_api.statuses import headers_of, status_of
from vapi_sessions_mcp.sessions.boundary import boundary
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings

# The only array among the query's parameters.
REPEATABLE = "phoneNumberIdAny"

# Parameters of words. In the others, numbers, times and addresses, a `+` is meant.
WORDS = ("name", "contains", "externalId", "assistantOverrides", "squadOverrides", "messages")

# Open to everybody who calls the server by its name: they describe it.
PUBLIC = ("/docs", "/openapi.json", "/skills")
# Nobody reads this status; proxies use it in their logs.
CLIENT_GONE = 499

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def build_rest(
    sessions: Sessions,
    settings: Settings,
    gate: Gate | None = None,
    *,
    extra_routes: Sequence[BaseRoute] = (),
) -> Starlette:
    """The operations at `/v1/session`, their OpenAPI document, its reference page, health.

    `gate` lets callers of the operations in; the rest says nothing about
    anybody. Every answer but the page is JSON; what is refused has the shape of
    Vapi's errors.
    """
    gate = gate or Gate(settings, ROOT)
    described, by_itself = document(settings), owner(settings)

    async def openapi(request: Request) -> Response:
        return JSONResponse(described)

    app = Starlette(
        routes=[
            *(
                Route(ROOT + path, _endpoint(sessions, by_itself, gate, rows), methods=[*rows])
                for path, rows in by_path(offered(settings)).items()
            ),
            Route("/openapi.json", openapi),
            *reference(described),
            *health(settings),
            *gate.routes,
            *extra_routes,
        ],
        middleware=[
            Middleware(Boundary),
            Middleware(Guard, settings=settings, gate=gate, public=PUBLIC),
        ],
        exception_handlers={HTTPException: _no_route},
    )
    app.router.redirect_slashes = False
    return app


def _endpoint(
    sessions: Sessions, by_itself: Caller, gate: Gate, rows: Mapping[str, Operation]
) -> Endpoint:
    """What serves one path: the operation of the request's method."""

    async def respond(request: Request, operation: Operation) -> Response:
        caller = caller_of(request, by_itself)
        if not operation.read_only and not caller.may_write:
            return gate.lacks_write()
        record = CallRecord(caller=caller)
        try:
            with (
                logged_call(operation.short_name, record),
                boundary(operation, record, HTTPException),
            ):
                arguments = await _arguments(operation, request)
                record.asked = json_text.size(arguments, LARGE)
                parsed = await offload(record.asked, lambda: parse(operation.request, arguments))
                answer = await sessions.answer(operation, parsed, record)
                return Response(
                    await offload(record.weight, lambda: json_text.compact(answer.data).encode()),
                    operation.status,
                    {"Cache-Control": "no-store"},
                    "application/json",
                )
        except VapiError as exc:
            return _refused(sessions, exc, operation, caller)

    async def endpoint(request: Request) -> Response:
        operation = rows["GET" if request.method == "HEAD" else request.method]
        if not operation.read_only:
            # A change goes on when its caller hangs up: it may be half done.
            return await respond(request, operation)
        response = Response(status_code=CLIENT_GONE)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_until_gone, request, tasks.cancel_scope)
            response = await respond(request, operation)
            tasks.cancel_scope.cancel()
        return response

    return endpoint


async def _until_gone(request: Request, reading: anyio.CancelScope) -> None:
    message = await request.receive()
    while message["type"] != "http.disconnect":
        message = await request.receive()
    reading.cancel()


async def _arguments(operation: Operation, request: Request) -> dict[str, Any]:
    """Path, query and body as one set of arguments; raises BadArguments or HTTPException."""
    elsewhere = {**dict.fromkeys(request.path_params, "path")}
    if operation.has_body:
        elsewhere |= dict.fromkeys(("body", "appendMessages"), "body")
    arguments = {**_query(request, elsewhere), **request.path_params}
    if operation.has_body:
        return arguments | _split(operation, await _body(request))
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
    """Names and values; a bare `+` is a space only in `WORDS`, in which people write spaces."""
    pairs: list[tuple[str, str]] = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        pairs.append((name, (unquote_plus if name in WORDS else unquote)(value)))
    return pairs


async def _body(request: Request) -> dict[str, Any]:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "Send the body as JSON, with Content-Type: application/json.")
    try:
        raw = await json_text.collect(request.stream(), MAX_BODY)
    except json_text.TooLarge as exc:
        said = f"The body may have {MAX_BODY // 2**20} MiB at most."
        raise HTTPException(413, said) from exc
    except ClientDisconnect as exc:
        raise HTTPException(400, "The body was cut off.") from exc
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


def _refused(
    sessions: Sessions, error: VapiError, operation: Operation, caller: Caller
) -> Response:
    message: str | list[str] = sessions.shape.text(error)
    if isinstance(error, BadArguments):
        message = [sessions.shape.text(problem) for problem in error.problems]
    return refusal(status_of(error, operation), message, headers_of(error, caller))


async def _no_route(request: Request, exc: Exception) -> Response:
    """An unknown path or method, in the words of Vapi's own framework, or what the body lacks."""
    error = cast("HTTPException", exc)
    message, headers = error.detail, dict(error.headers or {})
    if error.status_code in (404, 405):
        message = json_text.clean(f"Cannot {request.method} {request.scope['path']:.200}")
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
        message = f"{message}: there is {headers['Allow']}."
    return refusal(error.status_code, message, headers)
