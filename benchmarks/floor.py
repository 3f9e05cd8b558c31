"""The floor: the leanest server that the SDK allows, which passes Vapi's bytes through.

The SDK's low-level server and one httpx2 client: two tools, no check, no mask, no limit.

Run with: python benchmarks/floor.py [PORT], which serves HTTP there, or else stdio.
"""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import mcp_types as types
import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

Context = ServerRequestContext[httpx2.AsyncClient, Any]
TOOLS = [
    types.Tool(
        name=name,
        description="Pass through.",
        input_schema={"type": "object", "properties": {argument: {"type": kind}}},
    )
    for name, argument, kind in (
        ("get_session", "id", "string"),
        ("list_sessions", "limit", "integer"),
    )
]


@asynccontextmanager
async def client(_: Any) -> AsyncGenerator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {os.environ['VAPI_API_KEY']}"}
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=os.environ["VAPI_BASE_URL"], headers=headers, limits=limits, trust_env=False
    ) as made:
        yield made


async def list_tools(
    ctx: Context, params: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    return types.ListToolsResult(tools=TOOLS)


async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    given = params.arguments or {}
    if params.name == "get_session":
        answer = await ctx.lifespan_context.get(f"/session/{given['id']}")
    else:
        answer = await ctx.lifespan_context.get("/session", params={"limit": given["limit"]})
    return types.CallToolResult(content=[types.TextContent(type="text", text=answer.text)])


def build() -> Server[httpx2.AsyncClient]:
    return Server(
        "floor", version="1", lifespan=client, on_list_tools=list_tools, on_call_tool=call_tool
    )


async def serve_stdio() -> None:
    server = build()
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


if len(sys.argv) > 1:
    app = build().streamable_http_app(stateless_http=True)
    uvicorn.run(app, port=int(sys.argv[1]), http="h11", loop="asyncio", log_level="error")
else:
    anyio.run(serve_stdio)
