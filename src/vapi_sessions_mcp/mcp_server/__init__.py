"""Sessions as MCP tools, resources and prompts."""
