"""A stand-in for Vapi's session endpoints: the same calls and refusals, invented conversations."""

from vapi_sessions_mcp.sandbox.app import SANDBOX_KEY, create_app
from vapi_sessions_mcp.sandbox.store import SandboxError

__all__ = ["SANDBOX_KEY", "SandboxError", "create_app"]
