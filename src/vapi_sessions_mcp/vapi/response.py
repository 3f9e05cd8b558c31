"""What an HTTP answer of Vapi's says: the session or page that was asked for, or why not."""

import json
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, cast

import httpx2
from pydantic import ValidationError

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.offload import offload
from vapi_sessions_mcp.vapi.call import Call

MAX_BODY = 32 * 2**20
MAX_SAID = 600
# Keys of Vapi's are UUIDs.
KEY_CHARS = 8


class InvalidAnswer(Exception):
    """A 2xx that is not what was asked for; `str()` says why."""


class WrongSession(InvalidAnswer):
    """The answer to another request: what this connection says next will be one, too."""


async def answer(response: httpx2.Response, call: Call) -> dict[str, Any]:
    """The JSON that a 2xx promises, without the key that asked for it; raises InvalidAnswer.

    A connection that breaks meanwhile raises what httpx2 raises.
    """
    raw = await _body(response, call)
    try:
        found = await offload(len(raw), lambda: _promised(raw, call))
    except ValidationError as exc:
        raise InvalidAnswer("a promised field is missing") from exc
    except json_text.Unreasonable as exc:
        raise InvalidAnswer(str(exc)) from exc
    except ValueError as exc:
        raise InvalidAnswer("not JSON") from exc
    id = call.session_id
    if id is not None and found["id"].lower() != id.lower():
        raise WrongSession("it is another session's")
    return found


async def words(response: httpx2.Response, call: Call) -> str:
    """Vapi's own words out of a refusal's `{"message": str | [str]}`, or nothing.

    How far they can be had does not matter: the status says enough.
    """
    try:
        raw = await _body(response, call)
        message = (await offload(len(raw), lambda: _parsed(raw, call.key)))["message"]
    except (httpx2.RequestError, InvalidAnswer, ValueError, KeyError, TypeError):
        return ""
    parts = cast("list[object]", message) if isinstance(message, list) else [message]
    said = "; ".join(part for part in parts if isinstance(part, str))
    return said if len(said) <= MAX_SAID else f"{said[:MAX_SAID]}…"


class _Unclosed(httpx2.AsyncByteStream):
    """A stream that its reader leaves open, so that its connection is nobody else's yet."""

    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part


async def _body(response: httpx2.Response, call: Call) -> bytes:
    """All of it, decompressed; who sent the request closes the response, and may hang up before."""
    stream = _Unclosed(cast("httpx2.AsyncByteStream", response.stream))
    kept = httpx2.Response(response.status_code, headers=response.headers, stream=stream)
    try:
        raw = await json_text.collect(kept.aiter_bytes(), MAX_BODY)
    except json_text.TooLarge as exc:
        raise InvalidAnswer("more than 32 MiB") from exc
    call.record.size += len(raw)
    return raw


def _promised(raw: bytes, call: Call) -> dict[str, Any]:
    """What `_parsed` makes of `raw`, which must have the fields that the operation promises."""
    found = _parsed(raw, call.key)
    call.operation.answer.model_validate(found)
    return found


def _parsed(raw: bytes, key: str) -> Any:
    """The JSON in `raw` without the key that asked for it, however that is spelt there."""
    value = json_text.parse(raw)
    # A shorter key may be anybody's word.
    if len(key) >= KEY_CHARS and (key.encode() in raw or b"\\u" in raw):
        text, spelt = json_text.compact(value), json.dumps(key)[1:-1]
        if spelt in text:
            return json.loads(text.replace(spelt, "***"))
    return value
