"""Adds messages to a conversation on an API that can only replace it whole.

Vapi has no version and no lock, so this is optimistic: read, check that nobody
changed the session meanwhile, write, read back. Between the check and the write
an instant remains in which another writer's change is overwritten unseen; a
change after the write is noticed, and the messages are added to it once more.
"""

from typing import Any

from vapi_sessions_mcp.contract.operations import (
    GET,
    UPDATE,
    Operation,
    Perform,
)
from vapi_sessions_mcp.contract.requests import (
    GetRequest,
    Replacement,
    Request,
    UpdateRequest,
)
from vapi_sessions_mcp.errors import Conflict, NotFound, VapiError
from vapi_sessions_mcp.json_text import as_list
from vapi_sessions_mcp.views.transcript import transcript

TRIES = 2


async def append(perform: Perform, request: UpdateRequest) -> tuple[dict[str, Any], str]:
    """The session as read back with `appendMessages` in it, and a note about how it went.

    Raises Conflict when others changed the session during both tries, and any
    VapiError of the reads and the write.
    """
    added = request.given()["appendMessages"]
    this = GetRequest(id=request.id)
    note = f"Appended {len(added)} message{'s' * (len(added) > 1)}"
    accepted = False

    async def reach(operation: Operation, part: Request) -> dict[str, Any]:
        try:
            return await perform(operation, part)
        except NotFound:
            raise
        except VapiError as exc:
            if not accepted:
                raise
            raise Conflict(
                f"Vapi accepted the change of session {request.id}, but then somebody else replaced"
                " the conversation, and adding the messages once more failed: what is stored is"
                " not known. Get the session and compare before you append again."
            ) from exc

    for _ in range(TRIES):
        before = await reach(GET, this)
        check = await reach(GET, this)
        if check.get("updatedAt") == before.get("updatedAt"):
            messages = [*as_list(before.get("messages")), *added]
            changes = {**request.content(), "messages": messages}
            written = await reach(UPDATE, Replacement(id=request.id, changes=changes))
            accepted = True
            try:
                after = await perform(GET, this)
            except NotFound:
                raise
            except VapiError:
                return written, f"{note}, but could not read back: get it before you add more."
            if _times(added, after) > _times(added, before):
                count = len(as_list(after.get("messages")))
                return after, f"{note}: read back, the conversation has {count}."
        note = f"Somebody else changed the session meanwhile, so it was tried again. {note}"
    raise Conflict(
        f"Could not append to session {request.id}: somebody else changed it during both tries,"
        " and the messages are not in it. Get the session, then append again."
    )


def _times(messages: list[dict[str, Any]], session: dict[str, Any]) -> int:
    """How often `messages` stand in the session's conversation, one after the other."""
    wanted, found = transcript({"messages": messages}), transcript(session)
    # In its place a message may tell more: when it was said, the name of the tool it answers.
    pairs = (zip(wanted, found[at:], strict=False) for at in range(len(found) - len(wanted) + 1))
    return sum(all(new.items() <= there.items() for new, there in pair) for pair in pairs)
