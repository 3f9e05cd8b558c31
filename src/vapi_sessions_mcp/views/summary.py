"""A session as an agent can afford it: its summary, or a stretch of its conversation."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.contract.requests import Window
from vapi_sessions_mcp.json_text import as_list, as_object
from vapi_sessions_mcp.views.block import part_size
from vapi_sessions_mcp.views.numbers import cost
from vapi_sessions_mcp.views.transcript import answering, identity, line, message, transcript

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

# A role, and what it says.
Line: TypeAlias = tuple[str, str]
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
    saying = (each for each in reversed(messages) if line(each)[1])
    shown = mask({**part(session, FIELDS), "messages": [*islice(saying, 1)]})
    return _summary(shown, len(messages), map(line, shown["messages"]))


def conversation(session: dict[str, Any], window: Window) -> dict[str, Any]:
    """The summary with the messages in `window`; `shown` says which of how many they are."""
    everything = transcript(session)
    messages = [m for m in everything if window.role in (None, m["role"])]
    about = _summary(session, len(everything), _lines(reversed(everything))) | _outcomes(session)
    count = len(messages)
    start, end = 0, count
    if window.first is not None:
        end = window.first
    elif window.last is not None:
        start = count - window.last
    else:
        start, end = (window.from_ or 1) - 1, window.to or count
    start = max(start, 0)
    return _conversation(about, messages[start:end], start, count)


def latest(session: dict[str, Any], budget: int) -> dict[str, Any]:
    """The summary with as many of the last messages as fit in `budget` bytes of JSON.

    No other message is put into shape, since there may be a million of them.
    """
    sent = as_list(session.get("messages"))
    count, named = len(sent), answering(sent)
    about = _summary(session, count, map(line, reversed(sent)))
    outcomes = _outcomes(session)
    if part_size(outcomes) <= budget // OUTCOMES_SHARE:
        about |= outcomes
    room = budget - part_size(_conversation(about, [], 0, count)) - PLACE_BYTES
    fitting: list[dict[str, Any]] = []
    for at in range(count - 1, -1, -1):
        shaped = message(sent[at], named.get(at, ""))
        room -= part_size(shaped) + len(",\n")
        if room < 0:
            break
        fitting.append(shaped)
    return _conversation(about, fitting[::-1], count - len(fitting), count)


def _summary(session: dict[str, Any], count: int, lines: Iterable[Line]) -> dict[str, Any]:
    """The summary of a session of `count` messages; of the `lines` the last come first."""
    customer = as_object(session.get("customer"))
    who = [customer.get("name"), identity(customer.get("number")) or customer.get("sipUri")]
    role, text = next((each for each in lines if each[1]), ("", ""))
    fields: dict[str, Any] = {
        "name": _short(session.get("name"), NAME_BYTES),
        "status": _short(session.get("status"), STATUS_BYTES),
        "createdAt": _short(session.get("createdAt"), TIME_BYTES),
        "updatedAt": _short(session.get("updatedAt"), TIME_BYTES),
        "customer": _short(" ".join(filter(None, map(identity, who))), CUSTOMER_BYTES),
        "cost": cost(session.get("cost")),
        "messageCount": count,
        "lastMessage": _short(f"{role}: {text}" if text else "", LAST_BYTES),
    }
    # Clients throw away an answer that lacks the promised id, be it an empty one.
    id = {"id": session["id"]} if identity(session.get("id")) is not None else {}
    return id | {name: value for name, value in fields.items() if value not in (None, "")}


def _outcomes(session: dict[str, Any]) -> dict[str, Any]:
    """What was made of the conversation once it had ended, as Vapi has it."""
    artifact = as_object(session.get("artifact"))
    return {name: artifact[name] for name in OUTCOMES if artifact.get(name)}


def _lines(messages: Iterable[dict[str, Any]]) -> Iterator[Line]:
    """The lines of messages that are in shape."""
    return ((each["role"], each.get("text", "")) for each in messages)


def _conversation(
    about: dict[str, Any], shown: list[dict[str, Any]], start: int, count: int
) -> dict[str, Any]:
    """The summary with the messages `shown`, which come behind the first `start` of `count`."""
    place = {"from": start + 1, "to": start + len(shown)} if shown else {}
    about = {name: value for name, value in about.items() if name != "lastMessage"}
    return {**about, "shown": {**place, "of": count}, "messages": shown}


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
