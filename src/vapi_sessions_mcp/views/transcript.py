"""A conversation in one shape: both of Vapi's message shapes as role, text, time and tool calls."""

from typing import Any

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.json_text import as_list, as_object
from vapi_sessions_mcp.views.numbers import moment

# Times that arguments can have been written as JSON; what is masked is looked into further.
MAX_LAYERS = 3
# Recorded calls have names of their own for who speaks.
ROLES = {"bot": "assistant", "tool_calls": "assistant", "tool_call_result": "tool"}


def transcript(session: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a session in one shape; what is not there is left out.

    Each is `{role, name?, text?, time?, calls?: [{tool, with}]}`. A tool's answer
    has the role `tool` and the tool's `name`. Times are ISO 8601 in UTC.
    """
    tools: dict[str, str] = {}
    return [message(each, tools) for each in as_list(session.get("messages"))]


def message(sent: Any, tools: dict[str, str] | None = None) -> dict[str, Any]:
    """One message in that shape; `tools` are those called before it, by the ids of the calls."""
    tools = {} if tools is None else tools
    given = as_object(sent) or {"content": sent}
    role = given.get("role")
    called = as_list(given.get("tool_calls")) or as_list(given.get("toolCalls"))
    answers = identity(given.get("tool_call_id")) or identity(given.get("toolCallId"))
    texts = [_text(given.get(name)) for name in ("content", "result", "message")]
    shaped = {
        "role": ROLES.get(role, role) if role and isinstance(role, str) else "unknown",
        "name": _text(given.get("name")) or (tools.get(answers) if answers else ""),
        "text": "" if called and role == "tool_calls" else next(filter(None, texts), ""),
        "time": moment(given.get("time")),
        "calls": [_call(as_object(call), tools) for call in called],
    }
    return {name: value for name, value in shaped.items() if value}


def identity(value: Any) -> str | None:
    """An id or another name as text; None for what can be none, such as an object or null."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    return None


def _call(call: dict[str, Any], tools: dict[str, str]) -> dict[str, Any]:
    """One tool call as `{tool, with}`; its id is noted, for the answer names only that."""
    function = as_object(call.get("function")) or call
    tool = _text(function.get("name")) or "unknown"
    if id := identity(call.get("id")):
        tools[id] = tool
    arguments: Any = function.get("arguments") or function.get("parameters") or {}
    return {"tool": tool, "with": _parsed(arguments)}


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
