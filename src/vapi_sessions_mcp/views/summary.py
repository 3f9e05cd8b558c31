"""A session as an agent can afford it: its summary, or a stretch of its conversation."""

from collections.abc import Callable, Iterable
from itertools import accumulate, islice, takewhile
from typing import Any, TypeAlias

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.contract.requests import Window
from vapi_sessions_mcp.json_text import as_list, as_object
from vapi_sessions_mcp.views.block import part_size
from vapi_sessions_mcp.views.numbers import cost
from vapi_sessions_mcp.views.transcript import identity, message, transcript

# What one text of a summary may take, in bytes of JSON: 400 for the whole, 40 KB for a hundred.
NAME_BYTES = 40
STATUS_BYTES = 16
TIME_BYTES = 26
CUSTOMER_BYTES = 48
LAST_BYTES = 72
# What it may take to say which messages are shown.
PLACE_BYTES = 48
# What Vapi makes of a conversation: results, which were left out and why, and scores.
OUTCOMES = ("structuredOutputs", "skippedStructuredOutputs", "scorecards")
# They take no more than this part of a transcript that has to fit.
OUTCOMES_SHARE = 4


# What a summary shows, besides the messages.
FIELDS = ("id", "name", "status", "createdAt", "updatedAt", "customer", "cost")

# A part of a session in, the same without what must not be seen out.
Mask: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


def part(session: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The session with the fields of these names only."""
    return {name: session[name] for name in names if name in session}


def summary(session: dict[str, Any], mask: Mask = dict) -> dict[str, Any]:
    """Who, when, status, cost, how many messages, the last line; empty fields are left out.

    Only what is shown is given to `mask`, since a summary is the least of a session.
    """
    messages = as_list(session.get("messages"))
    saying = (each for each in reversed(messages) if "text" in message(each))
    last = [message(each) for each in mask({"messages": [*islice(saying, 1)]})["messages"]]
    return _summary(mask(part(session, FIELDS)), len(messages), last)


def conversation(session: dict[str, Any], window: Window) -> dict[str, Any]:
    """The summary with the messages in `window`; `shown` says which of how many they are."""
    everything = transcript(session)
    messages = [m for m in everything if window.role in (None, m["role"])]
    about = _summary(session, len(everything), everything) | _outcomes(session)
    count = len(messages)
    start, end = 0, count
    if window.first is not None:
        end = window.first
    elif window.last is not None:
        start = count - window.last
    else:
        start, end = (window.from_ or 1) - 1, window.to or count
    return _conversation(about, messages, max(start, 0), min(end, count))


def latest(session: dict[str, Any], budget: int) -> dict[str, Any]:
    """The summary with as many of the last messages as fit in `budget` bytes of JSON."""
    messages = transcript(session)
    count = len(messages)
    about = _summary(session, count, messages)
    outcomes = _outcomes(session)
    if part_size(outcomes) <= budget // OUTCOMES_SHARE:
        about |= outcomes
    room = budget - part_size(_conversation(about, messages, 0, 0)) - PLACE_BYTES
    sizes = accumulate(part_size(message) + len(",\n") for message in reversed(messages))
    fitting = sum(1 for _ in takewhile(lambda size: size <= room, sizes))
    return _conversation(about, messages, count - fitting, count)


def _summary(session: dict[str, Any], count: int, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The summary of a session of `count` messages, of which `messages` has the last with text."""
    customer = as_object(session.get("customer"))
    who = [customer.get("name"), identity(customer.get("number")) or customer.get("sipUri")]
    said = next((each for each in reversed(messages) if "text" in each), None)
    fields: dict[str, Any] = {
        "name": _short(session.get("name"), NAME_BYTES),
        "status": _short(session.get("status"), STATUS_BYTES),
        "createdAt": _short(session.get("createdAt"), TIME_BYTES),
        "updatedAt": _short(session.get("updatedAt"), TIME_BYTES),
        "customer": _short(" ".join(filter(None, map(identity, who))), CUSTOMER_BYTES),
        "cost": cost(session.get("cost")),
        "messageCount": count,
        "lastMessage": _short(f"{said['role']}: {said['text']}" if said else "", LAST_BYTES),
    }
    # Clients throw away an answer that lacks the promised id, be it an empty one.
    id = {"id": session["id"]} if identity(session.get("id")) is not None else {}
    return id | {name: value for name, value in fields.items() if value not in (None, "")}


def _outcomes(session: dict[str, Any]) -> dict[str, Any]:
    """What was made of the conversation once it had ended, as Vapi has it."""
    artifact = as_object(session.get("artifact"))
    return {name: artifact[name] for name in OUTCOMES if artifact.get(name)}


def _conversation(
    about: dict[str, Any], messages: list[dict[str, Any]], start: int, end: int
) -> dict[str, Any]:
    shown = messages[start:end]
    place = {"from": start + 1, "to": start + len(shown)} if shown else {}
    about = {name: value for name, value in about.items() if name != "lastMessage"}
    return {**about, "shown": {**place, "of": len(messages)}, "messages": shown}


def _short(value: Any, limit: int) -> str:
    """`value` on one line, cut to at most `limit` bytes of JSON text."""
    text = _first_words(value, limit) if isinstance(value, str) else ""
    if _bytes(text) <= limit:
        return text
    text = text[:limit]
    while text and _bytes(text) > limit - len("…".encode()):
        text = text[:-1]
    return f"{text}…"


def _first_words(text: str, most: int) -> str:
    """`text` on one line, or its beginning, of more than `most` characters."""
    # All words of a long message take half a second, in which nobody else goes on.
    read, words = 4 * most, " ".join(text[: 4 * most].split())
    while len(words) <= most and read < len(text):
        read *= 4
        words = " ".join(text[:read].split())
    return words


def _bytes(text: str) -> int:
    return len(json_text.compact(text).encode()) - 2
