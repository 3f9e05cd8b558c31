"""Who this server is, for hosts that show it to people, and how long its lists may be kept."""

from base64 import b64encode
from typing import TypeVar

import mcp_types as types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from vapi_sessions_mcp import __version__
from vapi_sessions_mcp.settings import Settings

ResultT = TypeVar("ResultT", bound=types.Result)
NAME, TITLE = "vapi-sessions-mcp", "Vapi Sessions"
DESCRIPTION = "Read and manage Vapi sessions: conversations across phone calls and chats."
WEBSITE = "https://docs.vapi.ai/chat/session-management"
# A speech bubble.
_DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
    b'<path fill="#0a7d6c" d="M3 3h18v14H11l-5 4v-4H3z"/></svg>'
)
ICON = types.Icon(
    src=f"data:image/svg+xml;base64,{b64encode(_DRAWING).decode()}",
    mime_type="image/svg+xml",
)
# None of the lists changes while a server runs; a new version is noticed within the hour.
HOUR_MS = 3_600_000
_SAME_FOR_ALL: tuple[CacheableMethod, ...] = (
    *("server/discover", "prompts/list", "resources/list", "resources/templates/list"),
)


def cache_hints(settings: Settings) -> dict[CacheableMethod, CacheHint]:
    """How long each list is fresh; where callers show who they are, each has tools of its own."""
    told_apart = bool(settings.auth or settings.tokens or settings.read_tokens)
    hints: dict[CacheableMethod, CacheHint] = {
        "tools/list": CacheHint(HOUR_MS, "private" if told_apart else "public")
    }
    return {**hints, **{method: CacheHint(HOUR_MS, "public") for method in _SAME_FOR_ALL}}


def signed(result: ResultT, protocol_version: str) -> ResultT:
    """`result` with the name and version that each has since 2026-07-28.

    The SDK would put all that is known of the server into each, the icon too;
    `server/discover` has it.
    """
    if protocol_version not in HANDSHAKE_PROTOCOL_VERSIONS:
        name = {"name": NAME, "version": __version__}
        result.meta = {**(result.meta or {}), types.SERVER_INFO_META_KEY: name}
    return result
