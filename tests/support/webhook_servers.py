"""Servers that take webhooks, as real processes, and their clients."""

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from support.processes import PATIENCE, UNENDING, Running, started
from support.webhooks import PATH, SECRET, bearer, posted

HTTP = ("--transport", "http", "--port", "0", "--webhooks", *UNENDING)
GIVEN = {"VAPI_MCP_WEBHOOK_SECRET": SECRET}


class Server:
    """A server that takes webhooks."""

    def __init__(self, running: Running, url: str) -> None:
        self.running, self.url = running, url
        self._is_stopped = False
        self.hook = url.removesuffix("/mcp") + PATH

    def stop(self) -> None:
        """Have it end, once."""
        if not self._is_stopped:
            self._is_stopped = True
            self.running.signal(signal.SIGTERM)

    async def post(self, *report: Any, **session: Any) -> None:
        """Report a change as Vapi does."""
        async with httpx2.AsyncClient() as client:
            answer = await client.post(
                self.hook, content=posted(*report, **session), headers=bearer()
            )
        assert answer.status_code == 204, answer.text

    @asynccontextmanager
    async def client(self, token: str = "") -> AsyncGenerator[Client]:
        """A client of 2026-07-28."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http:
            transport = streamable_http_client(self.url, http_client=http)
            async with Client(transport, mode="2026-07-28") as client:
                yield client

    async def answered(self, body: dict[str, Any], headers: dict[str, str]) -> httpx2.Response:
        """What a post to MCP is answered."""
        async with httpx2.AsyncClient() as client:
            return await client.post(self.url, json=body, headers=headers)


@asynccontextmanager
async def serving(*options: str, api_key: str = "", **env: str) -> AsyncGenerator[Server]:
    """One, on the sandbox unless it has a key of its own; all that is done with it is bounded."""
    if api_key:
        env["VAPI_API_KEY"] = api_key
    else:
        options = (*options, "--sandbox")
    with anyio.fail_after(3 * PATIENCE):
        async with started(*HTTP, *options, **GIVEN, **env) as running:
            url = await running.url()
            await running.told(f"Vapi's webhooks at {url.removesuffix('/mcp')}{PATH}.")
            server = Server(running, url)
            yield server
            # None of what a test left open holds it up.
            server.stop()
            assert await running.ended() == 0
