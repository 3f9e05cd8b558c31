"""The session viewer, an MCP App: its resource, and the tools whose answers it shows.

Hosts with the extension `io.modelcontextprotocol/ui` (MCP Apps, 2026-01-26) render it in a
sandboxed frame. To every other host a tool's answer is what it is without it.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import mcp_types as types

from vapi_sessions_mcp.contract.operations import GET, LIST, Operation
from vapi_sessions_mcp.settings import ToolNames

EXTENSION = "io.modelcontextprotocol/ui"
MIME_TYPE = "text/html;profile=mcp-app"
VIEWER = "ui://sessions"

# It asks nobody for anything, so that the strictest policy of a host is the right one.
_NO_DOMAINS: dict[str, Any] = {
    name: [] for name in ("connectDomains", "resourceDomains", "frameDomains", "baseUriDomains")
}
_META: dict[str, Any] = {
    "ui": {"csp": _NO_DOMAINS, "permissions": {"clipboardWrite": {}}, "prefersBorder": True}
}

RESOURCE = types.Resource(
    uri=VIEWER,
    name="viewer",
    title="Vapi session viewer",
    description="Shows what the get and list tools answer, for hosts that render MCP Apps.",
    mime_type=MIME_TYPE,
    _meta=_META,
)


def shown_by(operation: Operation) -> dict[str, Any] | None:
    """The `_meta` of the operation's tool: which resource shows its answers, if any does."""
    return {"ui": {"resourceUri": VIEWER}} if operation in (GET, LIST) else None


def viewer(names: ToolNames) -> types.ReadResourceResult:
    """The viewer's document, which calls the tools by the names that this server lists."""
    contents = types.TextResourceContents(
        uri=VIEWER, mime_type=MIME_TYPE, text=viewer_page(names), _meta=_META
    )
    return types.ReadResourceResult(contents=[contents])


def viewer_page(names: ToolNames) -> str:
    """The viewer's HTML, with these names of the tools."""
    page = packaged("viewer.html")
    for row in (GET, LIST):
        page = page.replace(f'-tool="{row.short_name}"', f'-tool="{row.tool_name(names)}"', 1)
    return page


@cache
def packaged(name: str) -> str:
    """A document that `scripts/build-ui` made."""
    return (files("vapi_sessions_mcp") / "ui" / name).read_text(encoding="utf-8")
