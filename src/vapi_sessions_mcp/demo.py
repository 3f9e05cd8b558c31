"""A tour for people: a real server on the sandbox, driven by the SDK's client through all tools."""

import os
import sys
from typing import Any, cast

import anyio
import click
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

CALLER = "+14155550123"
DEADLINE_SECONDS = 60


class DemoFailed(Exception):
    """A step did not do what it should; `str()` says which."""


def run() -> int:
    """Tell the tour on stdout; 0 when every step really worked, else 1 and the reason on stderr."""
    try:
        anyio.run(_tour)
    except* (DemoFailed, MCPError, TimeoutError, OSError) as group:
        for exc in group.exceptions:
            click.echo(f"vapi-sessions-mcp: the demo failed: {exc or type(exc).__name__}", err=True)
        return 1
    click.echo("\nEvery step worked. Try it in your own host: see README.md.")
    return 0


async def _tour() -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "vapi_sessions_mcp", "--sandbox", "--tool-names", "short"],
        env=dict(os.environ),
    )
    with anyio.fail_after(DEADLINE_SECONDS):
        async with Client(server) as client:
            await _Tour(client).walk()


class _Tour:
    """The steps, each asking as an agent would and checking what came back."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def walk(self) -> None:
        """All five tools, then the proof that the deletion happened."""
        tools = (await self._client.list_tools()).tools
        _tell("A server on the sandbox, over stdio", f"MCP {self._client.protocol_version}")
        _say("tools", ", ".join(tool.name for tool in tools))
        latest = await self._find()
        await self._read(latest)
        id = await self._create()
        await self._update(id)
        await self._delete(id)
