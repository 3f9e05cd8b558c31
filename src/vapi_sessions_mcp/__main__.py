"""`python -m vapi_sessions_mcp` is the command `vapi-sessions-mcp`."""

from vapi_sessions_mcp.cli.main import main

main()
