"""What nobody foresaw in a REST call has a status that does no harm, and its reason in the log."""

import logging
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from support.broken import WORDS, Breaking, faults
from support.refusals import refused
from support.rest_app import Rest
from support.upstream import Upstream
from vapi_sessions_mcp.rest_api.app import build_rest
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

SORRY = "Something in this server failed; its log says more."


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "ending"),
    [
        ("GET", "/v1/session", None, 500, "its log says more. Nothing was changed."),
        ("GET", "/v1/session/s-1", None, 500, "its log says more. Nothing was changed."),
        ("DELETE", "/v1/session/s-1", None, 500, "when it is not found, it was deleted."),
        ("POST", "/v1/session", {"name": "a"}, 424, "before you create it again."),
        ("PATCH", "/v1/session/s-1", {"name": "a"}, 424, "before you update it again."),
    ],
)
async def test_a_call_that_fails_unforeseen_is_resent_by_no_sdk_where_that_would_do_harm(
    rest: Rest,
    upstream: Upstream,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    body: Any,
    status: int,
    ending: str,
) -> None:
    # Vapi's SDKs send a request again after 408, 409, 429 and everything from 500 on.
    caplog.set_level(logging.INFO)
    async with rest() as client:
        upstream.answers = Breaking()
        answer = await client.request(method, path, json=body)
    said = refused(answer, status)
    assert isinstance(said, str)
    assert said.endswith(ending)
    [fault] = faults(caplog.records)
    assert fault["exception"] == "TypeError"
    assert fault["at"].startswith("vapi_sessions_mcp.vapi.client:")
    assert WORDS not in caplog.text


async def test_a_route_that_fails_unforeseen_is_answered_and_logged_once(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    # Raised again, it would be logged again, with a stack trace and without the reason.
    async def broken(request: Request) -> Response:
        raise ExceptionGroup("", [RuntimeError(WORDS)])

    settings = Settings(api_key="key-0123456789abcdef")
    sessions = Sessions(Vapi(settings, transport=upstream), settings)
    app = build_rest(sessions, settings, extra_routes=(Route("/broken", broken),))
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://localhost:8080"
    ) as client:
        answer = await client.get("/broken")
    assert refused(answer, 500) == SORRY
    assert [fault["exception"] for fault in faults(caplog.records)] == ["RuntimeError"]
    assert len(caplog.records) == 1
    assert WORDS not in caplog.text
