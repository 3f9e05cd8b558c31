"""Sixty sessions of an invented pet clinic: always the same words and ids, always of late."""

from vapi_sessions_mcp.sandbox.samples.people import ORG_ID
from vapi_sessions_mcp.sandbox.samples.sessions import sample_sessions, samples_to_read

__all__ = ["ORG_ID", "sample_sessions", "samples_to_read"]
