"""MCP messages as clients of each era write them on stdin."""

from typing import Any

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def modern(id: int, method: str, /, **params: Any) -> dict[str, Any]:
    """A request of 2026-07-28, which carries all it needs."""
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": {"_meta": META, **params}}


def call(id: int, tool: str, /, **arguments: Any) -> dict[str, Any]:
    """A tool call of 2026-07-28."""
    return modern(id, "tools/call", name=tool, arguments=arguments)


def initialize(id: int, version: str) -> dict[str, Any]:
    """The first request of the 2025 eras."""
    client = {"name": "test", "version": "1"}
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
    return {"jsonrpc": "2.0", "id": id, "method": "initialize", "params": params}


def legacy(id: int, method: str, /, **params: Any) -> dict[str, Any]:
    """A request of the 2025 eras."""
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
