"""An MCP server for Vapi sessions: create, list, get, update and delete."""

from importlib.metadata import version

__version__ = version("vapi-sessions-mcp")
