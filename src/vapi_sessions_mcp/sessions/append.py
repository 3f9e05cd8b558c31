"""Adds messages to a conversation on an API that can only replace it whole.

Vapi has no version and no lock. One process makes one change of a conversation at
a time; another writer's change between the read and the write is overwritten
unseen. What was there is written back to the letter, and what Vapi stored is
judged by what Vapi says, never by what was sent.
"""

from typing import Any

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.contract.operations import GET, UPDATE, Perform
from vapi_sessions_mcp.contract.requests import GetRequest, Replacement, UpdateRequest
from vapi_sessions_mcp.errors import Conflict, NotFound, VapiError
from vapi_sessions_mcp.json_text import as_list
from vapi_sessions_mcp.vapi.response import Received


async def append(
    perform: Perform, request: UpdateRequest, before: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """The session with `appendMessages` in it, and a note about what is known of it.

    `before` is the session as just read. Raises Conflict for a conversation that
    is no list, and any VapiError of the write; once Vapi accepted the write, what
    it answered is returned whatever happens afterwards.
    """
    added: list[Any] = request.given()["appendMessages"]
    messages = _extended(before, added, request.id)
    replacement = Replacement(id=request.id, changes=request.content(), messages=messages)
    written = await perform(UPDATE, replacement)
    expected = len(as_list(before.get("messages"))) + len(added)
    note = f"Appended {len(added)} message{'s' * (len(added) > 1)}"
    stored = as_list(written.get("messages"))
    if len(stored) != expected:
        note = (
            f"Vapi accepted {len(added)} more message{'s' * (len(added) > 1)}, but answered a"
            f" conversation of {len(stored)} where {expected} were expected: compare before you"
            " append again"
        )
    try:
        after = await perform(GET, GetRequest(id=request.id))
    except NotFound:
        return written, f"{note}. Read back, the session is gone: it was deleted meanwhile."
    except VapiError:
        return written, f"{note}. It could not be read back; this is what Vapi answered."
    count = len(as_list(after.get("messages")))
    if after.get("messages") == written.get("messages"):
        return after, f"{note}: read back, the conversation has {count}."
    return after, (
        f"{note}. Read back, the conversation has {count} and differs from what Vapi answered:"
        " somebody else changed it since. Compare before you append again."
    )


def _extended(before: dict[str, Any], added: list[Any], id: str) -> str:
    """The conversation that was there, as it was written, and what is added, as one JSON array."""
    text = before.text if isinstance(before, Received) else json_text.compact(before)
    there = json_text.member(text, "messages")
    more = json_text.compact(added)
    if there is None or there == "null":
        return more
    if not there.startswith("["):
        raise Conflict(f"Nothing was changed: the messages of session {id} are not a list.")
    inner = there[1:-1].strip()
    return f"[{inner},{more[1:]}" if inner else more
