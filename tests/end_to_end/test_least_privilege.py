"""What the operator took away stays away: nothing that a caller sends brings it back."""

import json
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client

from support.processes import PATIENCE, started
from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
    text,
)
from vapi_sessions_mcp.sandbox import SANDBOX_KEY, create_app

pytestmark = pytest.mark.anyio

BOTH = ("--transport", "http", "--port", "0", "--transport", "rest", "--rest-port", "0")
NOBODY = "00000000-0000-4000-8000-000000000000"


async def samples() -> list[dict[str, Any]]:
    """All that is in the sandbox."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(create_app()),
        base_url="http://localhost",
        headers={"Authorization": f"Bearer {SANDBOX_KEY}"},
    ) as client:
        return (await client.get("/session", params={"limit": 1000})).json()["results"]


@asynccontextmanager
async def pinned(*arguments: str) -> AsyncGenerator[tuple[str, httpx2.AsyncClient]]:
    """A sandboxed server's MCP address and a client of its REST adapter."""
    async with started("--sandbox", *BOTH, *arguments) as running:
        mcp, rest = await running.url(), await running.url()
        async with httpx2.AsyncClient(base_url=rest, timeout=PATIENCE) as client:
            yield mcp, client
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0


@pytest.fixture(scope="module")
async def of_one_assistant() -> AsyncGenerator[tuple[str, str, httpx2.AsyncClient]]:
    """An assistant's id, and a server that is pinned to it."""
    mine = (await samples())[0]["assistantId"]
    async with pinned("--only-assistant", mine) as (mcp, rest):
        yield mine, mcp, rest


@pytest.fixture(scope="module")
async def reading_only() -> AsyncGenerator[tuple[str, httpx2.AsyncClient]]:
    """A server that changes nothing, for all who try."""
    async with pinned("--read-only", "--no-delete") as addresses:
        yield addresses


async def test_a_pinned_server_shows_no_session_of_anybody_else(
    of_one_assistant: tuple[str, str, httpx2.AsyncClient], era: str
) -> None:
    # One key opens the whole organization; one team's agent must not.
    mine, mcp, rest = of_one_assistant
    everything = await samples()
    inside = {row["id"] for row in everything if row.get("assistantId") == mine}
    outside = next(row["id"] for row in everything if row["id"] not in inside)
    async with Client(mcp, mode=era) as client:
        found = await client.call_tool(LIST, {"limit": 1000, "view": "full"})
        assert found.structured_content is not None
        assert {row["id"] for row in found.structured_content["results"]} == inside
        assert found.structured_content["metadata"]["totalItems"] == len(inside)
        # By other filters, by text, by an id, by another's assistant: none leads out.
        for arguments in (
            {"id": outside},
            {"idAny": outside},
            {"assistantId": NOBODY},
            {"contains": "a", "maxScan": 1000, "limit": 1000},
            {"sortBy": "cost", "sortOrder": "ASC", "limit": 1000},
        ):
            page = (await client.call_tool(LIST, arguments)).structured_content
            assert page is not None
            assert {row["id"] for row in page["results"]} <= inside
        body = {"status": "completed"}
        for tool, more in ((GET, {}), (UPDATE, {"body": body}), (DELETE, {})):
            hidden = await client.call_tool(tool, {"id": outside, **more})
            nobody = await client.call_tool(tool, {"id": NOBODY, **more})
            assert hidden.is_error
            assert text(hidden).replace(outside, NOBODY) == text(nobody)
        added = {"appendMessages": [{"role": "user", "content": "Hello"}]}
        assert (await client.call_tool(UPDATE, {"id": outside, **added})).is_error
        made = await client.call_tool(CREATE, {"body": {"name": "Other"}})
        assert "`body.assistantId` is required" in text(made)
        made = await client.call_tool(CREATE, {"body": {"assistantId": mine, "name": "Ours"}})
        assert not made.is_error
        # The next era finds what this one found.
        assert made.structured_content is not None
        gone = await client.call_tool(DELETE, {"id": made.structured_content["id"]})
        assert not gone.is_error
        for method in ("GET", "PATCH", "DELETE"):
            given: dict[str, Any] = {"json": body} if method == "PATCH" else {}
            hidden = await rest.request(method, f"/session/{outside}", **given)
            nobody = await rest.request(method, f"/session/{NOBODY}", **given)
            assert (hidden.status_code, nobody.status_code) == (404, 404)
            assert hidden.text.replace(outside, NOBODY) == nobody.text
        refused = await rest.patch(
            f"/session/{next(iter(inside))}", json={"assistantId": everything[-1]["id"]}
        )
        assert refused.status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"VAPI_MCP_READ_ONLY": "false"},
        {"X-Read-Only": "false", "X-Only-Assistant": ""},
        {"X-Vapi-Api-Key": "key-of-somebody-else"},
        {"Authorization": f"Bearer {SANDBOX_KEY}"},
        {"X-HTTP-Method-Override": "DELETE"},
    ],
    ids=lambda headers: next(iter(headers)),
)
async def test_no_header_widens_what_the_settings_allow(
    reading_only: tuple[str, httpx2.AsyncClient], headers: dict[str, str]
) -> None:
    # A caller writes headers; the operator wrote the settings.
    mcp, rest = reading_only
    answer = await rest.get("/session", params={"limit": 1}, headers=headers)
    assert answer.status_code == 200
    id = answer.json()["results"][0]["id"]
    for method in ("POST", "PATCH", "DELETE"):
        for path in ("/session", f"/session/{id}"):
            refused = await rest.request(method, path, headers=headers, json={"name": "a"})
            assert refused.status_code == 405
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": DELETE, "arguments": {"id": id, "read_only": False}},
    }
    accept = {"Accept": "application/json, text/event-stream"}
    refused = await rest.post(
        mcp,
        content=json.dumps(call),
        headers={"Content-Type": "application/json", **accept, **headers},
    )
    assert "No tool" in refused.text
    assert (await rest.get(f"/session/{id}")).status_code == 200
