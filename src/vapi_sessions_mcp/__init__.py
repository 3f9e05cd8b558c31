"""An MCP server for Vapi sessions: create, list, get, update and delete."""

# The build reads it here: to ask the installed package takes 40 ms.
__version__ = "0.1.0"
