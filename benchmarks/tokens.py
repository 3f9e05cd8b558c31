"""What typical tasks put into an agent's context, against Vapi's JSON passed through as it is.

The sessions are made here, on the sandbox: 120 of this week, each with 20 messages
and an inline assistant of about 30 KB, so that a page of a hundred is 3 MB.
Characters are those of all content blocks; four are taken for a token.

Run with: python benchmarks/tokens.py
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx2
from mcp.client.client import Client
from mcp_types import TextContent

from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sandbox import SANDBOX_KEY, create_app
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

SESSIONS = 120
NUMBER = "+14155550199"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
WEEK = "2026-11-21T00:00:00Z"  # after the sandbox's own samples
TOOL = {
    "type": "function",
    "function": {
        "name": "find_order",
        "description": "Finds an order by its number, e-mail or phone number. " * 8,
        "parameters": {"type": "object", "properties": {"order": {"type": "string"}}},
    },
}
ASSISTANT = {
    "name": "Support",
    "firstMessage": "Hello, how can I help?",
    "model": {
        "provider": "openai",
        "model": "gpt-4.1",
        "messages": [{"role": "system", "content": "You help with orders and returns. " * 600}],
        "tools": [TOOL] * 18,
    },
}
LINES = [
    {"role": ("user", "assistant")[n % 2], "content": f"Line {n}: about the parcel, again. " * 3}
    for n in range(20)
]


class Passthrough:
    """Vapi's own JSON for each call, as a generated server would hand it on."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self.characters = 0

    async def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = await self._http.request(method, path, **options)
        self.characters += len(response.text)
        return response.raise_for_status().json()


class Tools:
    """The same through this server's tools."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.characters = 0

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self._client.call_tool(tool, arguments)
        assert not result.is_error, result
        for block in result.content:
            assert isinstance(block, TextContent)
            self.characters += len(block.text)
        assert result.structured_content is not None
        return result.structured_content


async def read_raw(vapi: Passthrough) -> None:
    page = await vapi.call("GET", "/session", params={"number": NUMBER, "limit": 1})
    await vapi.call("GET", f"/session/{page['results'][0]['id']}")


async def read_tools(tools: Tools) -> None:
    page = await tools.call("list_sessions", number=NUMBER, limit=1)
    await tools.call("get_session", id=page["results"][0]["id"], messages={"last": 20})


async def count_raw(vapi: Passthrough) -> None:
    for page in (1, 2):
        await vapi.call("GET", "/session", params={"createdAtGe": WEEK, "page": page})


async def count_tools(tools: Tools) -> None:
    page = await tools.call("list_sessions", status="active", createdAtGe=WEEK, limit=0)
    assert page["coverage"]["matches"] == SESSIONS


async def close_raw(vapi: Passthrough) -> None:
    page = await vapi.call("GET", "/session", params={"number": NUMBER})
    path = f"/session/{page['results'][0]['id']}"
    await vapi.call("PATCH", path, json={"status": "completed"})


async def close_tools(tools: Tools) -> None:
    page = await tools.call("list_sessions", number=NUMBER)
    body = {"status": "completed"}
    await tools.call("update_session", id=page["results"][0]["id"], body=body)


TASKS = {
    "read the last 20 messages of a customer's last session": (read_raw, read_tools),
    "count this week's active sessions": (count_raw, count_tools),
    "close a customer's session": (close_raw, close_tools),
}


@asynccontextmanager
async def business() -> AsyncGenerator[tuple[Passthrough, Tools]]:
    """The sandbox with this week's sessions in it, reached both ways."""
    transport = httpx2.ASGITransport(create_app(clock=lambda: NOW))
    headers = {"Authorization": f"Bearer {SANDBOX_KEY}"}
    settings = Settings(api_key=SANDBOX_KEY, base_url="http://localhost", tool_names="short")
    server = build_server(
        Sessions(Vapi(settings, transport=transport, clock=lambda: NOW), settings), settings
    )
    async with (
        httpx2.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers
        ) as http,
        Client(server) as client,
    ):
        for number in range(SESSIONS):
            customer = {"number": NUMBER if number % 10 == 0 else f"+1415555{number:04}"}
            body = {"assistant": ASSISTANT, "customer": customer, "messages": LINES}
            (await http.post("/session", json=body)).raise_for_status()
        await client.list_tools()
        yield Passthrough(http), Tools(client)


async def measure() -> list[tuple[str, int, int]]:
    """Each task with the characters of the passthrough and of the tools, then their sums."""
    rows: list[tuple[str, int, int]] = []
    async with business() as (vapi, tools):
        for task, (raw, ours) in TASKS.items():
            vapi.characters = tools.characters = 0
            await raw(vapi)
            await ours(tools)
            rows.append((task, vapi.characters, tools.characters))
    return [*rows, ("all three", sum(row[1] for row in rows), sum(row[2] for row in rows))]


def table(rows: list[tuple[str, int, int]]) -> str:
    """The rows as the Markdown table in the README."""
    lines = [
        "| task | passed through | these tools | fewer |",
        "|---|---:|---:|---:|",
    ]
    for task, raw, ours in rows:
        lines.append(
            f"| {task} | {raw:,} B, {raw // 4:,} tokens | {ours:,} B, {ours // 4:,} tokens"
            f" | {raw / ours:.0f}× |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    measured = anyio.run(measure)
    print(table(measured))
    sys.exit(measured[-1][1] < 20 * measured[-1][2])
