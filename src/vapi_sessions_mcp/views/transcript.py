"""A conversation in one shape: both of Vapi's message shapes as role, text, time and tool calls."""

from typing import Any

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.json_text import as_list, as_object
from vapi_sessions_mcp.views.numbers import moment

# Times that arguments can have been written as JSON; what is masked is looked into further.
MAX_LAYERS = 3
_TEXTS = ("content", "result", "message")
# Recorded calls have names of their own for who speaks.
ROLES = {"bot": "assistant", "tool_calls": "assistant", "tool_call_result": "tool"}


def transcript(session: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a session in one shape; what is not there is left out.

    Each is `{role, name?, text?, time?, calls?: [{tool, with}]}`. A tool's answer
    has the role `tool` and the tool's `name`. Times are ISO 8601 in UTC.
    """
    sent = as_list(session.get("messages"))
    named = answering(sent)
    return [message(each, named.get(at, "")) for at, each in enumerate(sent)]


def answering(sent: list[Any]) -> dict[int, str]:
    """The tools that messages answer, by their places: an answer has only the id of its call."""
    tools: dict[str, str] = {}
    named: dict[int, str] = {}
    for at, each in enumerate(sent):
        given = as_object(each)
        if tools:
            answers = identity(given.get("tool_call_id")) or identity(given.get("toolCallId"))
            if answers in tools:
                named[at] = tools[answers]
        for call in map(as_object, _called(given)):
            if id := identity(call.get("id")):
                tools[id] = _tool(call)
    return named


def message(sent: Any, tool: str = "") -> dict[str, Any]:
    """One message in that shape; `tool` is the one that it answers."""
    given = _given(sent)
    role, text = line(given)
    shaped = {
        "role": role,
        "name": _text(given.get("name")) or tool,
        "text": text,
        "time": moment(given.get("time")),
        "calls": [_call(as_object(call)) for call in _called(given)],
    }
    return {name: value for name, value in shaped.items() if value}


def line(sent: Any) -> tuple[str, str]:
    """Who says what in a message: the role, and the text or nothing."""
    given = _given(sent)
    role = given.get("role")
    who = ROLES.get(role, role) if role and isinstance(role, str) else "unknown"
    if role == "tool_calls" and _called(given):
        return who, ""
    return who, next(filter(None, (_text(given.get(name)) for name in _TEXTS)), "")


def identity(value: Any) -> str | None:
    """An id or another name as text; None for what can be none, such as an object or null."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    return None


def _given(sent: Any) -> dict[str, Any]:
    return as_object(sent) or {"content": sent}


def _called(given: dict[str, Any]) -> list[Any]:
    return as_list(given.get("tool_calls")) or as_list(given.get("toolCalls"))


def _call(call: dict[str, Any]) -> dict[str, Any]:
    """One tool call as `{tool, with}`."""
    function = as_object(call.get("function")) or call
    arguments: Any = function.get("arguments") or function.get("parameters") or {}
    return {"tool": _tool(call), "with": _parsed(arguments)}


def _tool(call: dict[str, Any]) -> str:
    function = as_object(call.get("function")) or call
    return _text(function.get("name")) or "unknown"


def _parsed(arguments: Any) -> Any:
    """Arguments written as JSON text, parsed where that is JSON which can be sent on.

    Some models write the text into JSON once more.
    """
    for _ in range(MAX_LAYERS):
        if not isinstance(arguments, str):
            break
        try:
            arguments = json_text.parse(arguments.encode())
        except ValueError:
            break
    return arguments or {}


def _text(content: Any) -> str:
    """Text as it is, the text parts of a list joined, anything else as JSON."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [_text(as_object(part).get("text", part)) for part in as_list(content)]
        return "\n".join(part for part in parts if part)
    return "" if content is None or content == {} else json_text.compact(content)
