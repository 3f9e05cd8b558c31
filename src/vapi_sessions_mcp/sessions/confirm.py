"""Deletes a session only once a person agreed, or a caller that cannot ask named it twice."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.contract.operations import DELETE, GET, Perform
from vapi_sessions_mcp.contract.requests import ConfirmedDeleteRequest, GetRequest
from vapi_sessions_mcp.errors import Conflict, Unconfirmed
from vapi_sessions_mcp.views.summary import summary

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked; `key` is another one as soon as the session changed."""

    key: str
    text: str


Reply: TypeAlias = Literal["accept", "decline", "failed", "cannot ask"]
Ask: TypeAlias = Callable[[Question], Awaitable[Reply]]


async def nobody_to_ask(question: Question) -> Reply:
    """What programs and scripts answer."""
    return "cannot ask"


async def delete(
    perform: Perform, request: ConfirmedDeleteRequest, ask: Ask, masked: Callable[[Json], Json]
) -> Json:
    """The deleted session; `masked` leaves out of the question what may not be shown.

    Raises Unconfirmed when nobody agreed, Conflict when the session changed
    while the person was asked, and any VapiError of the reads and the delete.
    """
    this = GetRequest(id=request.id)
    question = _question(request.id, masked(await perform(GET, this)))
    reply = await ask(question)
    if reply == "decline":
        raise Unconfirmed(f"Nothing was deleted: the person did not agree. {question.text}")
    if reply == "failed":
        raise Unconfirmed(
            "Nothing was deleted: the client did not put the question to the person."
            f" {question.text} Tell them; they can delete it with a client that asks."
        )
    if reply == "cannot ask" and request.confirm != request.id:
        raise Unconfirmed(
            f"Nothing was deleted yet. {question.text} This cannot be undone. Ask the person; if"
            f" they agree, call again with `confirm` set to {request.id}."
        )
    if _question(request.id, masked(await perform(GET, this))) != question:
        raise Conflict(
            f"Nothing was deleted: session {request.id} changed while the question was asked."
            " Call again to ask anew."
        )
    return await perform(DELETE, request)


def _question(id: str, session: Json) -> Question:
    about = summary(session)
    name = f' "{about["name"]}"' if "name" in about else ""
    count = about["messageCount"]
    text = (
        f"Delete session {id}{name} of {about.get('customer', 'an unknown customer')}"
        f" with {count} message{'s' * (count != 1)}?"
    )
    version = json_text.compact([id, session.get("updatedAt"), count])
    key = hashlib.sha256(version.encode()).hexdigest()[:16]
    return Question(f"delete-{key}", " ".join(text.split()))
