"""The REST adapter: the table's operations under `/v1`, Vapi's JSON and statuses as they are."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vapi_sessions_mcp import wire
from vapi_sessions_mcp.answers import Answers
from vapi_sessions_mcp.errors import BadArguments, VapiError
from vapi_sessions_mcp.guards import HEALTH, Guard
from vapi_sessions_mcp.openapi import ROOT, document
from vapi_sessions_mcp.operations import Operation, by_path
from vapi_sessions_mcp.reference import REFERENCE
from vapi_sessions_mcp.refusals import headers_of, refusal, status_of
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.validation import parse

# As MCP over HTTP.
MAX_BODY = 4 * 2**20
# The only array among the query's parameters.
REPEATABLE = "phoneNumberIdAny"

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def build_rest(
    answers: Answers, settings: Settings, *, extra_routes: Sequence[BaseRoute] = ()
) -> Starlette:
    """The operations at `/v1/session`, their OpenAPI document, its reference page, health.

    Every answer but that page is JSON; what is refused has the shape of Vapi's errors.
    """
    described = document(read_only=settings.read_only)

    async def openapi(request: Request) -> Response:
        return JSONResponse(described)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        async with answers.opened():
            yield

    app = Starlette(
        routes=[
            *(
                Route(ROOT + path, _endpoint(answers, rows), methods=[*rows])
                for path, rows in by_path(read_only=settings.read_only).items()
            ),
            Route("/openapi.json", openapi),
            *REFERENCE,
            *HEALTH,
            *extra_routes,
        ],
        middleware=[Middleware(Guard, settings=settings)],
        exception_handlers={HTTPException: _no_route, Exception: _bug},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _endpoint(answers: Answers, rows: Mapping[str, Operation]) -> Endpoint:
    """What serves one path: the operation of the request's method."""

    async def endpoint(request: Request) -> Response:
        operation = rows["GET" if request.method == "HEAD" else request.method]
        try:
            arguments = await _arguments(operation, request)
            answer = await answers.answer(operation, parse(operation.request, arguments))
        except VapiError as exc:
            return _refused(answers, exc)
        return Response(
            wire.compact(answer.data).encode(),
            operation.status,
            {"Cache-Control": "no-store"},
            "application/json",
        )

    return endpoint


async def _arguments(operation: Operation, request: Request) -> dict[str, Any]:
    """Path, query and body as one set of arguments; raises BadArguments or HTTPException."""
    has_body = operation.method in ("POST", "PATCH")
    elsewhere = {**dict.fromkeys(request.path_params, "path")}
    if has_body:
        elsewhere |= dict.fromkeys(("body", "appendMessages"), "body")
    arguments = {**_query(request, elsewhere), **request.path_params}
    if has_body:
        return arguments | _split(operation, await _body(request))
    # An agent's tools shorten what they answer; a program gets what Vapi sent.
    if "view" in operation.request.model_fields and "messages" not in arguments:
        arguments.setdefault("view", "full")
    return arguments


def _query(request: Request, elsewhere: Mapping[str, str]) -> dict[str, Any]:
    query: dict[str, Any] = {}
    problems: list[str] = []
    for name in request.query_params:
        values = request.query_params.getlist(name)
        if name in elsewhere:
            problems.append(f"`{name}` belongs in the {elsewhere[name]}, not in the query.")
        elif len(values) > 1 and name != REPEATABLE:
            problems.append(wire.clean(f"`{name:.60}` is given {len(values)} times: give it once."))
        query[name] = values if len(values) > 1 else values[0]
    if problems:
        raise BadArguments(problems)
    return query


async def _body(request: Request) -> dict[str, Any]:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "Send the body as JSON, with Content-Type: application/json.")
    raw = bytearray()
    try:
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > MAX_BODY:
                raise HTTPException(413, f"The body may have {MAX_BODY // 2**20} MiB at most.")
    except ClientDisconnect as exc:
        raise HTTPException(400, "The body was cut off.") from exc
    try:
        body = json.loads(raw)
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


def _refused(answers: Answers, error: VapiError) -> Response:
    message: str | list[str] = answers.masked_text(error)
    if isinstance(error, BadArguments):
        message = [answers.masked_text(problem) for problem in error.problems]
    return refusal(status_of(error), message, headers_of(error))


async def _no_route(request: Request, exc: Exception) -> Response:
    """An unknown path or method, in the words of Vapi's own framework, or what the body lacks."""
    error = cast("HTTPException", exc)
    message, headers = error.detail, dict(error.headers or {})
    if error.status_code in (404, 405):
        message = wire.clean(f"Cannot {request.method} {request.scope['path']:.200}")
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
        message = f"{message}: there is {headers['Allow']}."
    return refusal(error.status_code, message, headers)


async def _bug(request: Request, exc: Exception) -> Response:
    return refusal(500, "Something is wrong in this server, not in the call. Its log says more.")
