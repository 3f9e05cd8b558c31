"""A session's conversation as Markdown that a person likes to read."""

from typing import Any

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.views.summary import summary
from vapi_sessions_mcp.views.transcript import transcript

_FACTS = ("customer", "status", "createdAt", "updatedAt", "cost")


def markdown(session: dict[str, Any]) -> str:
    """A heading, the facts, then who said what and when."""
    about = summary(session)
    facts = [f"- {name}: {about[name]}" for name in _FACTS if name in about]
    lines = [_line(message) for message in transcript(session)]
    title = f"# {about.get('name', 'Session')}\n\n- id: {session['id']}"
    return "\n".join([title, *facts, "", *(lines or ["No messages."])]) + "\n"


def _line(message: dict[str, Any]) -> str:
    who = f"{message['role']} {message['name']}" if "name" in message else message["role"]
    who = " ".join(who.split())  # on its line, whatever a name holds
    at = f" · {message['time'][11:19]}" if "time" in message else ""
    calls = [
        f"{call['tool']} `{json_text.compact(call['with'])}`" for call in message.get("calls", [])
    ]
    said = [part for part in (message.get("text"), *calls) if part]
    quote = "\n".join(f"> {line}" for line in "\n".join(said).splitlines())
    return "\n\n".join(part for part in (f"**{who}**{at}", quote) if part) + "\n"
