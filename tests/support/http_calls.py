"""MCP messages as clients of each era post them."""

import json
from typing import Any

import httpx2

from support.tools import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
)

TOOLS = [CREATE, LIST, GET, UPDATE, DELETE]
LEGACY = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": "2025-11-25",
}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
CLIENT_INFO = {"name": "test", "version": "1"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    GET: {"id": "s-1"},
    UPDATE: {"id": "s-1", "body": {"name": "a"}},
    LIST: {},
    DELETE: {"id": "s-1"},
}


def request(method: str, **params: Any) -> dict[str, Any]:
    """A JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def tool_call(era: str, tool: str) -> dict[str, Any]:
    """What a client of that era posts to call `tool`, as arguments of httpx2."""
    params = {"name": tool, "arguments": ARGUMENTS[tool]}
    if era == "legacy":
        return {"json": request("tools/call", **params), "headers": LEGACY}
    headers = {**LEGACY, "MCP-Protocol-Version": "2026-07-28"}
    headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool}
    return {"json": request("tools/call", _meta=META, **params), "headers": headers}


def message(response: httpx2.Response) -> dict[str, Any]:
    """The JSON-RPC message in an answer, which may come as an event."""
    assert response.status_code == 200, response.text
    events = [line for line in response.text.splitlines() if line.startswith("data: {")]
    return json.loads(events[-1].removeprefix("data: ") if events else response.text)
