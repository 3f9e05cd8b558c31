"""How models are asked over HTTP: OpenAI's chat completions, and Anthropic's messages.

A dialect only words requests and reads answers. What it cannot read is a KeyError, TypeError
or ValueError.
"""

import json
from dataclasses import dataclass
from typing import Any, Protocol, cast

from mcp_types import Tool

from evals.tasks import Json


@dataclass(frozen=True)
class Asked:
    """A call that a model asks for; without `arguments` they were no JSON object."""

    id: str
    tool: str
    arguments: Json | None


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What a model said, and `history`, the message that says so to itself later."""

    text: str
    calls: tuple[Asked, ...]
    tokens_in: int
    tokens_out: int
    history: Json


@dataclass(frozen=True)
class Result:
    """What came of a call, as its model is shown it."""

    call: Asked
    text: str
    failed: bool


class Dialect(Protocol):
    """How one kind of endpoint is spoken to."""

    path: str
    key_variable: str

    def headers(self, key: str) -> dict[str, str]:
        """What shows who asks."""
        ...

    def body(self, model: str, system: str, tools: list[Tool], history: list[Json]) -> Json:
        """A request for the next turn."""
        ...

    def read(self, answer: Json) -> Turn:
        """The turn that an answer holds."""
        ...

    def results(self, results: list[Result]) -> list[Json]:
        """What the model is shown of its calls, as messages."""
        ...


class OpenAI:
    """POST BASE/chat/completions, as most servers of models have it."""

    path = "/chat/completions"
    key_variable = "OPENAI_API_KEY"

    def headers(self, key: str) -> dict[str, str]:
        """A bearer token, unless there is no key."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def body(self, model: str, system: str, tools: list[Tool], history: list[Json]) -> Json:
        """The system's text is the first message."""
        return {
            "model": model,
            "messages": [{"role": "system", "content": system}, *history],
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.input_schema,
                    },
                }
                for tool in tools
            ],
        }

    def read(self, answer: Json) -> Turn:
        """The first choice."""
        message: Json = answer["choices"][0]["message"]
        usage: Json = answer.get("usage") or {}
        calls: list[Json] = message.get("tool_calls") or []
        text: str = message.get("content") or ""
        history: Json = {"role": "assistant", "content": text or None}
        return Turn(
            text=text,
            calls=tuple(
                Asked(each["id"], each["function"]["name"], _object(each["function"]["arguments"]))
                for each in calls
            ),
            tokens_in=usage.get("prompt_tokens") or 0,
            tokens_out=usage.get("completion_tokens") or 0,
            history=history | ({"tool_calls": calls} if calls else {}),
        )

    def results(self, results: list[Result]) -> list[Json]:
        """A message for each."""
        return [
            {"role": "tool", "tool_call_id": result.call.id, "content": result.text}
            for result in results
        ]


class Anthropic:
    """POST BASE/v1/messages."""

    path = "/v1/messages"
    key_variable = "ANTHROPIC_API_KEY"

    def headers(self, key: str) -> dict[str, str]:
        """A header of its own, and the version of the API."""
        return {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})

    def body(self, model: str, system: str, tools: list[Tool], history: list[Json]) -> Json:
        """The system's text is a field, and there must be a limit to an answer."""
        return {
            "model": model,
            "max_tokens": 4096,
            "system": system,
            "messages": history,
            "tools": [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": tool.input_schema,
                }
                for tool in tools
            ],
        }

    def read(self, answer: Json) -> Turn:
        """All blocks."""
        blocks: list[Json] = answer["content"]
        usage: Json = answer.get("usage") or {}
        return Turn(
            text="".join(block["text"] for block in blocks if block["type"] == "text"),
            calls=tuple(
                Asked(block["id"], block["name"], _object(block["input"]))
                for block in blocks
                if block["type"] == "tool_use"
            ),
            tokens_in=usage.get("input_tokens") or 0,
            tokens_out=usage.get("output_tokens") or 0,
            history={"role": "assistant", "content": blocks},
        )

    def results(self, results: list[Result]) -> list[Json]:
        """One message of the user's with a block for each."""
        blocks = [
            {
                "type": "tool_result",
                "tool_use_id": result.call.id,
                "content": result.text,
                "is_error": result.failed,
            }
            for result in results
        ]
        return [{"role": "user", "content": blocks}]


DIALECTS: dict[str, Dialect] = {"openai": OpenAI(), "anthropic": Anthropic()}


def _object(given: Any) -> Json | None:
    """Arguments, which some send as JSON and some as an object; none at all are an empty one."""
    if isinstance(given, str):
        try:
            given = json.loads(given or "{}")
        except ValueError:
            return None
    return cast("Json", given) if isinstance(given, dict) else None
