"""The REST adapter in this process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from starlette.routing import Route

from support.rest_app import Answering, Rest
from support.upstream import Upstream
from vapi_sessions_mcp.rest_api.app import build_rest
from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi


@pytest.fixture
def rest(upstream: Upstream) -> Rest:
    """A client of the adapter in the memory of this process, with the sandbox as upstream."""

    @asynccontextmanager
    async def rest(
        vapi: Answering | None = None, routes: tuple[Route, ...] = (), **options: Any
    ) -> AsyncGenerator[httpx2.AsyncClient]:
        if vapi is not None:
            upstream.answers = httpx2.MockTransport(vapi)
        given: dict[str, Any] = {
            "api_key": SANDBOX_KEY,
            "base_url": "http://localhost:9",
            **options,
        }
        settings = Settings(**given)
        answers = Sessions(Vapi(settings, transport=upstream), settings)
        app = build_rest(answers, settings, extra_routes=routes)
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        with anyio.fail_after(20):
            async with (
                app.router.lifespan_context(app),
                httpx2.AsyncClient(transport=transport, base_url="http://localhost:8080") as client,
            ):
                yield client

    return rest
