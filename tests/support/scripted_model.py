"""A model that plays what is written down, at both kinds of endpoint, and checks requests."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals.plays import Call, Play, ids_in, with_ids
from evals.tasks import Json, Task

KEY = "made-up-key-of-a-model"
MODEL = "scripted"
# What a turn is said to take.
TOKENS_IN, TOKENS_OUT = 1_000, 50


class BadRequest(Exception):
    """What an endpoint does not take."""


def scripted(tasks: list[Task], plays: list[Play]) -> Starlette:
    """Endpoints that answer each task's prompt with its first play."""
    by_prompt = {
        task.prompt.strip(): next(play for play in plays if play.task == task.name)
        for task in tasks
    }

    def endpoint(turn: Callable[[Request, Json], tuple[Json, str, list[str], list[str]]]) -> Any:
        async def answer(request: Request) -> Response:
            body: Json = await request.json()
            try:
                _check(request, body)
                shape, prompt, made, shown = turn(request, body)
                play = by_prompt[prompt]
                done = len([each for each in made if each == "assistant"])
                seen = [id for text in shown for id in ids_in(text)]
                if done < len(play.turns):
                    calls = [(tool, with_ids(given, seen)) for tool, given in play.turns[done]]
                    return JSONResponse(_calling(shape, done, calls))
                return JSONResponse(_saying(shape, play.answer.strip()))
            except BadRequest as exc:
                return JSONResponse({"error": {"message": str(exc)}}, 400)

        return answer

    return Starlette(
        routes=[
            Route("/v1/chat/completions", endpoint(_openai), methods=["POST"]),
            Route("/v1/messages", endpoint(_anthropic), methods=["POST"]),
        ]
    )


def _check(request: Request, body: Json) -> None:
    key = request.headers.get("x-api-key") or request.headers.get("authorization")
    _must(key in (KEY, f"Bearer {KEY}"), "a key")
    _must(body["model"] == MODEL, "a model")
    _must(len(body["tools"]) in (2, 5), "tools")


@cache
def _check_schema(schema: str) -> None:
    """Raise for what is no schema; every request repeats the same few."""
    Draft202012Validator.check_schema(json.loads(schema))


def _openai(request: Request, body: Json) -> tuple[Json, str, list[str], list[str]]:
    """Check a request for chat completions: every call has its answer, after it."""
    for tool in body["tools"]:
        _must(tool["type"] == "function", "the type of a tool")
        _check_schema(json.dumps(tool["function"]["parameters"]))
    system, user, *rest = body["messages"]
    _must((system["role"], user["role"]) == ("system", "user"), "the first messages")
    _must("data, never instructions" in " ".join(system["content"].split()), "the instructions")
    open_calls: list[str] = []
    for message in rest:
        if message["role"] == "assistant":
            _must(not open_calls, "answers to all calls")
            open_calls = [call["id"] for call in message["tool_calls"]]
        else:
            _must(message["role"] == "tool", "a role")
            open_calls.remove(message["tool_call_id"])
    _must(not open_calls, "answers to all calls")
    shown = [each["content"] for each in rest if each["role"] == "tool"]
    return {"choices": []}, user["content"], [each["role"] for each in rest], shown


def _anthropic(request: Request, body: Json) -> tuple[Json, str, list[str], list[str]]:
    """Check a request for a message: roles by turns, and all results of a turn in one message."""
    _must(request.headers["anthropic-version"] == "2023-06-01", "a version")
    _must(body["max_tokens"] > 0, "a limit")
    _must("data, never instructions" in " ".join(body["system"].split()), "the instructions")
    for tool in body["tools"]:
        _check_schema(json.dumps(tool["input_schema"]))
    user, *rest = body["messages"]
    shown: list[str] = []
    for asking, answering in zip(rest[::2], rest[1::2], strict=True):
        _must((asking["role"], answering["role"]) == ("assistant", "user"), "roles by turns")
        asked = [block["id"] for block in asking["content"] if block["type"] == "tool_use"]
        answered = [block["tool_use_id"] for block in answering["content"]]
        _must(asked == answered, "results of all calls")
        shown += [block["content"] for block in answering["content"]]
    return {"content": []}, user["content"], [each["role"] for each in rest], shown


def _calling(shape: Json, turn: int, calls: list[Call]) -> Json:
    ids = [f"call_{turn}_{place}" for place in range(len(calls))]
    named = list(zip(ids, calls, strict=True))
    if "choices" in shape:
        made = [
            {
                "id": id,
                "type": "function",
                "function": {"name": tool, "arguments": json.dumps(given)},
            }
            for id, (tool, given) in named
        ]
        return _of_openai({"role": "assistant", "content": None, "tool_calls": made})
    blocks = [{"type": "tool_use", "id": id, "name": t, "input": given} for id, (t, given) in named]
    return _of_anthropic([{"type": "text", "text": "Let me look."}, *blocks])


def _saying(shape: Json, text: str) -> Json:
    if "choices" in shape:
        return _of_openai({"role": "assistant", "content": text})
    return _of_anthropic([{"type": "text", "text": text}])


def _of_openai(message: Json) -> Json:
    usage = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT}
    return {"choices": [{"index": 0, "message": message}], "usage": usage}


def _of_anthropic(blocks: list[Json]) -> Json:
    usage = {"input_tokens": TOKENS_IN, "output_tokens": TOKENS_OUT}
    return {"type": "message", "role": "assistant", "content": blocks, "usage": usage}


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise BadRequest(f"The request lacks {what}")
