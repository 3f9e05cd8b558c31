"""Takes nothing away before a person agreed to it, or whoever runs the server lets a caller agree.

What the person is shown and what is then done are the same: the question's key is
made of what it shows, and is compared again right before the change.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.errors import Conflict, Unconfirmed
from vapi_sessions_mcp.invisible import visible_text
from vapi_sessions_mcp.json_text import as_list
from vapi_sessions_mcp.settings import ConfirmDelete
from vapi_sessions_mcp.views.summary import summary

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked; `key` is another one as soon as what it shows changed."""

    key: str
    text: str


Reply: TypeAlias = Literal["accept", "decline", "failed", "cannot ask"]
Ask: TypeAlias = Callable[[Question], Awaitable[Reply]]


async def nobody_to_ask(question: Question) -> Reply:
    """What programs and scripts answer."""
    return "cannot ask"


def question_about(id: str, session: Json, loss: str, change: Any = None) -> Question:
    """The question whether `loss`, such as "Delete", may happen to `session`, already masked.

    `change` is what else the person agrees to: a JSON value that has a part in the key.
    """
    about = summary(session)
    name = f' "{about["name"]}"' if "name" in about else ""
    count = about["messageCount"]
    last = f', the last of them "{about["lastMessage"]}"' if "lastMessage" in about else ""
    text = _plain(
        f"{loss} session {id}{name} of {about.get('customer', 'an unknown customer')}"
        f" with {count} message{'s' * (count != 1)}{last}?"
    )
    last_message = as_list(session.get("messages"))[-1:]
    shown = [id, session.get("name"), session.get("customer"), count, last_message]
    bound = json_text.compact([text, *shown, session.get("updatedAt"), change])
    key = hashlib.sha256(bound.encode()).hexdigest()[:32]
    return Question(f"confirm-{key}", text)


class Consent:
    """Asks whether something may be taken away, in the way that the settings allow."""

    def __init__(self, mode: ConfirmDelete, ask: Ask, confirm: str | None) -> None:
        """`confirm` is what the caller gave as an argument, which counts in the mode argument."""
        self._mode, self._ask, self._confirm = mode, ask, confirm

    async def obtain(self, id: str, question: Question) -> None:
        """Return once somebody agreed; raises Unconfirmed when nobody did."""
        reply = await self._ask(question)
        if reply == "decline":
            raise Unconfirmed(f"Nothing was changed: the person did not agree. {question.text}")
        if reply == "failed":
            raise Unconfirmed(
                "Nothing was changed: the client did not put the question to the person."
                f" {question.text} Tell them; they can do it with a client that asks."
            )
        if reply == "accept" or (self._mode == "argument" and self._confirm == id):
            return
        if self._mode == "argument":
            raise Unconfirmed(
                f"Nothing was changed yet. {question.text} This cannot be undone. Ask the person;"
                f" if they agree, call again with `confirm` set to {id}."
            )
        raise Unconfirmed(
            "Nothing was changed: this server asks a person first, and this client cannot ask."
            f" {question.text} Use a client that shows questions, or have whoever runs the server"
            " start it with --confirm-delete argument."
        )


def check_unchanged(asked: Question | None, now: Question | None, id: str) -> None:
    """Raise Conflict unless the question that was asked would still be the same one."""
    if asked != now:
        raise Conflict(
            f"Nothing was changed: session {id} changed while the question was asked. Call again"
            " to ask anew."
        )


def _plain(text: str) -> str:
    """One line that no terminal obeys and that reads in the order in which it was written."""
    joiners = "\u200c\u200d"  # scripts and emoji need them
    line = " ".join(visible_text(text).split())
    return "".join(
        character for character in line if character.isprintable() or character in joiners
    )
