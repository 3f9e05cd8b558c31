"""The REST adapter: the table's operations under `/v1`, Vapi's JSON and statuses as they are."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias, cast

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.access.boundary import Boundary
from vapi_sessions_mcp.access.gate import Gate, caller_of
from vapi_sessions_mcp.access.guard import Guard
from vapi_sessions_mcp.access.health import Ask, health, nobody
from vapi_sessions_mcp.access.refusal import Refusal
from vapi_sessions_mcp.caller import Caller, CallRecord, owner
from vapi_sessions_mcp.contract.operations import Operation, by_path, offered
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.errors import BadArguments, VapiError
from vapi_sessions_mcp.logs import logged_call
from vapi_sessions_mcp.offload import LARGE, offload
from vapi_sessions_mcp.rest_api.arguments import arguments_of, received
from vapi_sessions_mcp.rest_api.docs_page import reference
from vapi_sessions_mcp.rest_api.openapi import ROOT, document
from vapi_sessions_mcp.rest_api.statuses import headers_of, status_of
from vapi_sessions_mcp.sessions.boundary import boundary
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings

# Other parts of Vapi's API, by the names that its paths begin with.
VAPIS = {
    *("analytics", "assistant", "call", "campaign", "chat", "credential", "eval", "file"),
    *("insight", "knowledge-base", "logs", "observability", "org", "phone-number", "provider"),
    *("reporting", "squad", "structured-output", "test-suite", "token", "tool", "workflow"),
}
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
    ask: Ask = nobody,
    extra_routes: Sequence[BaseRoute] = (),
) -> Starlette:
    """The operations at `/v1/session`, their OpenAPI document, its reference page, health.

    `gate` lets callers of the operations in; the rest says nothing about
    anybody. `ask` finds out whether Vapi is well. Every answer but the page is
    JSON; what is refused has the shape of Vapi's errors.
    """
    gate = gate or Gate(settings, ROOT)
    described, by_itself = document(settings), owner(settings)

    async def openapi(request: Request) -> Response:
        return JSONResponse(described)

    app = Starlette(
        routes=[
            *(
                Route(
                    root + path,
                    _endpoint(sessions, by_itself, gate, rows, root + path),
                    methods=[*rows],
                )
                for path, rows in by_path(offered(settings)).items()
                # Vapi's API has no version in its paths; its SDKs write either.
                for root in (ROOT, "")
            ),
            Route("/openapi.json", openapi),
            *reference(described),
            *health(settings, ask),
            *gate.routes,
            *extra_routes,
        ],
        middleware=[
            Middleware(Boundary),
            Middleware(Guard, settings=settings, gate=gate, public=PUBLIC),
        ],
        exception_handlers={HTTPException: partial(_no_call, gate)},
    )
    app.router.redirect_slashes = False
    return app


def _endpoint(
    sessions: Sessions, by_itself: Caller, gate: Gate, rows: Mapping[str, Operation], path: str
) -> Endpoint:
    """What serves one path: the operation of the request's method."""
    telemetry = sessions.telemetry

    async def respond(request: Request, operation: Operation) -> Response:
        caller = caller_of(request, by_itself)
        if not operation.read_only and not caller.may_write:
            return gate.lacks_write()
        record = CallRecord(caller=caller)
        try:
            raw = await received(request) if operation.has_body else b""
        except ClientDisconnect:
            # Half a request is no call, and whoever sends many must not fill the log.
            telemetry.refused(400)
            return Refusal(400, "The body was cut off.")
        try:
            with (
                telemetry.call(operation.short_name, record),
                logged_call(operation.short_name, record),
                boundary(operation, record),
            ):
                arguments = await arguments_of(operation, request, raw)
                record.asked = json_text.size(arguments, LARGE)
                parsed = await offload(record.asked, lambda: parse(operation.request, arguments))
                answer = await sessions.answer(operation, parsed, record)
                body = await offload(record.weight, lambda: json_text.compact(answer.data).encode())
                telemetry.answered(operation.short_name, body)
                return Response(
                    body,
                    operation.status,
                    {"Cache-Control": "no-store"},
                    "application/json",
                )
        except VapiError as exc:
            return _refused(sessions, exc, operation, caller)

    async def endpoint(request: Request) -> Response:
        operation = rows["GET" if request.method == "HEAD" else request.method]
        traceparent = request.headers.get("traceparent", "")
        with telemetry.http_request(operation.method, path, traceparent) as part:
            response = await perform(request, operation)
            part.answered(response.status_code)
            return response

    async def perform(request: Request, operation: Operation) -> Response:
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


def _refused(
    sessions: Sessions, error: VapiError, operation: Operation, caller: Caller
) -> Response:
    message: str | list[str] = sessions.shape.text(error)
    if isinstance(error, BadArguments):
        message = [sessions.shape.text(problem) for problem in error.problems]
    return Refusal(status_of(error, operation), message, headers_of(error, caller))


async def _no_call(gate: Gate, request: Request, exc: Exception) -> Response:
    """An unknown path or method, in the words of Vapi's own framework, or what the body lacks."""
    error = cast("HTTPException", exc)
    message, headers = error.detail, dict(error.headers or {})
    if error.status_code in (404, 405):
        message = json_text.clean(f"Cannot {request.method} {request.scope['path']:.200}")
    if error.status_code == 404 and _is_vapis(request.scope["path"]):
        message += ": this server has sessions only; send this to the API itself."
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
        message = f"{message}: there is {headers['Allow']}."
    refused = Refusal(error.status_code, message, headers)
    if error.status_code in (404, 405):
        # Whoever looks for paths must not fill the log.
        gate.telemetry.refused(error.status_code)
    else:
        gate.note_refusal(refused)
    return refused


def _is_vapis(path: str) -> bool:
    """Whether Vapi's API may have `path`, of which only sessions are here."""
    return path.removeprefix(ROOT).strip("/").partition("/")[0] in VAPIS
