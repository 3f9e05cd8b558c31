"""Servers that ask for tokens: the tokens, and what they answer without one."""

from typing import Any

import httpx2

from support.faces import SAID
from support.http_calls import message
from support.tools import CREATE, DELETE, UPDATE

WRITE = ("write-0123456789abcdef", "write-next-0123456789abcdef")
READ = ("read-0123456789abcdef", "read-next-0123456789abcdef")
NAME = "sessions.example.com"
ASKED = {"scheme": "Bearer", "realm": "vapi-sessions-mcp", "scope": "sessions:read sessions:write"}
WRITES: dict[str, dict[str, Any]] = {
    CREATE: {"body": {"name": "a"}},
    UPDATE: {"id": "s-1", "body": {"name": "a"}},
    DELETE: {"id": "s-1"},
}


def worked(face: str, answer: httpx2.Response) -> bool:
    """Whether a face passed on what Vapi said."""
    if face == "rest":
        return answer.status_code == 200 and answer.json() == SAID
    return message(answer)["result"]["structuredContent"] == SAID
