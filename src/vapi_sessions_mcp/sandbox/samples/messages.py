"""A hand-written script as Vapi's messages, in the shape of calls or in the shape of chats."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

BLANK = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Turn:
    """One line of a script: who (B, U or T), and what is said; a tool's three parts."""

    who: str
    text: str
    tool: str = ""
    result: str = ""


def fill(script: str, details: dict[str, Any]) -> str:
    """Return the script with its <words> filled in; a missing one is an error."""
    return BLANK.sub(lambda blank: str(details[blank[1]]), script)


def read_script(script: str) -> list[Turn]:
    """Return the turns of a script, one from each line."""
    return [_turn(line) for line in script.strip().splitlines()]


def call_messages(turns: list[Turn], *, system: str, start: datetime) -> list[dict[str, Any]]:
    """Return the turns as a recorded call keeps them, with times that follow their length."""
    started = round(start.timestamp() * 1000)
    messages: list[dict[str, Any]] = []
    clock = 0.0
    for message, seconds in _call(turns, system):
        timed = {"time": started + round(clock * 1000), "secondsFromStart": round(clock, 2)}
        if message["role"] in ("user", "bot"):
            timed |= {"endTime": started + round((clock + seconds) * 1000), "duration": seconds}
        messages.append(message | timed)
        clock += seconds + 0.6
    return messages


def chat_messages(turns: list[Turn]) -> list[dict[str, Any]]:
    """Return the turns as a chat keeps them."""
    messages: list[dict[str, Any]] = []
    for place, turn in enumerate(turns):
        call_id = f"call_{place:04}"
        if turn.who == "U":
            messages.append({"role": "user", "content": turn.text})
        elif turn.who == "B":
            messages.append({"role": "assistant", "content": turn.text})
        else:
            calls = [_tool_call(call_id, turn)]
            messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            messages.append({"role": "tool", "content": turn.result, "tool_call_id": call_id})
            messages[-1]["name"] = turn.tool
    return messages


def _turn(line: str) -> Turn:
    who, _, text = line.partition(": ")
    if who != "T":
        return Turn(who, text)
    call, _, result = text.partition(" => ")
    tool, _, arguments = call.partition(" ")
    return Turn(who, _tidy(arguments), tool, _tidy(result))


def _tidy(text: str) -> str:
    return json.dumps(json.loads(text), ensure_ascii=False)


def _call(turns: list[Turn], system: str) -> Iterator[tuple[dict[str, Any], float]]:
    """Yield each message of a call, and the seconds it lasts."""
    yield {"role": "system", "message": system}, 0.0
    for place, turn in enumerate(turns):
        call_id = f"call_{place:04}"
        if turn.who == "T":
            calls = [_tool_call(call_id, turn)]
            yield {"role": "tool_calls", "message": "", "toolCalls": calls}, 0.9
            result = {"toolCallId": call_id, "name": turn.tool, "result": turn.result}
            yield {"role": "tool_call_result"} | result, 0.0
        else:
            role = "user" if turn.who == "U" else "bot"
            yield {"role": role, "message": turn.text}, round(0.8 + len(turn.text) / 15, 2)


def _tool_call(call_id: str, turn: Turn) -> dict[str, Any]:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": turn.tool, "arguments": turn.text},
    }
