"""The sandbox's HTTP side: Vapi's five session calls, its key check and its error bodies."""

import hmac
import json
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, cast

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vapi_sessions_mcp.sandbox.clock import Clock, real
from vapi_sessions_mcp.sandbox.reports import TYPES, Report, nobody
from vapi_sessions_mcp.sandbox.rules import CREATE, UPDATE, RefusedError, accept
from vapi_sessions_mcp.sandbox.search import read_search
from vapi_sessions_mcp.sandbox.store import Store

SANDBOX_KEY = "vapi-sandbox-key"
INVALID_KEY = (
    "Invalid Key. Hot tip, you may be using the private key "
    "instead of the public key, or vice versa."
)

Call = Callable[[Store, Request], Awaitable[Response]]


def create_app(
    database: str = ":memory:",
    *,
    key: str = SANDBOX_KEY,
    clock: Clock = real,
    report: Report = nobody,
) -> Starlette:
    """Return the sandbox on a SQLite file, seeded with the sample sessions when it is new.

    `clock` says what time it is: the newest sample is an hour old when it is laid
    out, and what is created or changed afterwards is stamped by the clock. `report` is
    called with each change once it is answered.
    """
    store = Store(database, clock)
    calls: tuple[tuple[str, str, Call], ...] = (
        ("POST", "/session", create),
        ("GET", "/session", find_all),
        ("GET", "/session/{id}", find_one),
        ("PATCH", "/session/{id}", update),
        ("DELETE", "/session/{id}", remove),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        yield
        store.close()

    app = Starlette(
        routes=[
            Route(path, guarded(call, store, key, report), methods=[method])
            for method, path, call in calls
        ],
        exception_handlers={404: no_route, 405: no_route},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def guarded(
    call: Call, store: Store, key: str, report: Report
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that asks for the key, then calls, and words what is refused."""

    async def endpoint(request: Request) -> Response:
        try:
            check_key(request, key)
            response = await call(store, request)
        except RefusedError as refused:
            return refusal(refused.status, refused.message)
        if request.method in TYPES:
            session = json.loads(bytes(response.body))
            response.background = BackgroundTask(report, TYPES[request.method], session)
        return response

    return endpoint


def check_key(request: Request, key: str) -> None:
    """Refuse a request without the right bearer key."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    right = hmac.compare_digest(given.strip().encode("latin-1"), key.encode())
    if scheme.lower() != "bearer" or not right:
        raise RefusedError(401, INVALID_KEY)


async def create(store: Store, request: Request) -> Response:
    """POST /session."""
    return answer(201, store.create(accept(await read_object(request), CREATE)))


async def find_all(store: Store, request: Request) -> Response:
    """GET /session."""
    search = read_search(request.query_params)
    results, total = store.find(search)
    metadata = {
        "itemsPerPage": search.limit,
        "totalItems": total,
        "currentPage": search.page,
        "totalPages": math.ceil(total / search.limit) if search.limit else 0,
        "hasNextPage": bool(search.limit) and search.page * search.limit < total,
        "sortOrder": search.sort_order,
    }
    return answer(200, {"results": results, "metadata": metadata})


async def find_one(store: Store, request: Request) -> Response:
    """GET /session/{id}."""
    session_id = request.path_params["id"]
    return found(session_id, store.get(session_id))


async def update(store: Store, request: Request) -> Response:
    """PATCH /session/{id}."""
    session_id = request.path_params["id"]
    fields = accept(await read_object(request), UPDATE)
    return found(session_id, store.update(session_id, fields))


async def remove(store: Store, request: Request) -> Response:
    """DELETE /session/{id}."""
    session_id = request.path_params["id"]
    return found(session_id, store.remove(session_id))


async def read_object(request: Request) -> dict[str, Any]:
    """Return the body's JSON object; no body at all is an empty one."""
    raw = await request.body()
    try:
        body = json.loads(raw or b"{}", parse_int=_number)
        json.dumps(body, allow_nan=False)  # no NaN, and no nesting that cannot be written back
    except (ValueError, RecursionError) as exc:
        raise RefusedError(400, f"The request body is not valid JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise RefusedError(400, "The request body must be a JSON object")
    return cast("dict[str, Any]", body)


def found(session_id: str, session: dict[str, Any] | None) -> Response:
    """Answer with the session, or say that there is none."""
    if session is None:
        raise RefusedError(404, f"Session with id {session_id} not found")
    return answer(200, session)


async def no_route(request: Request, _exc: Exception) -> Response:
    """Answer an unknown path or method as NestJS does."""
    return refusal(404, f"Cannot {request.method} {request.url.path}")


def refusal(status: int, message: str | list[str]) -> Response:
    """Return NestJS's error body."""
    error = HTTPStatus(status).phrase
    return answer(status, {"message": message, "error": error, "statusCode": status})


def answer(status: int, content: dict[str, Any]) -> Response:
    """Return JSON; half a surrogate pair, which UTF-8 cannot say, stays the escape it was."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    body = text.encode(errors="backslashreplace")
    return Response(body, status, media_type="application/json")


def _number(digits: str) -> int | float:
    """Return a whole number as JavaScript holds it: beyond 2**53 it is a float."""
    number = float(digits)
    return int(digits) if abs(number) <= 2**53 else number
