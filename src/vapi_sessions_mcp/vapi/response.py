"""What an HTTP answer of Vapi's says: the session or page that was asked for, or why not."""

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from typing import Any, cast

import anyio
import httpx2
from pydantic import ValidationError

from vapi_sessions_mcp import bounded, json_text
from vapi_sessions_mcp.offload import offload
from vapi_sessions_mcp.vapi.call import Call

MAX_BODY = 32 * 2**20
MAX_SAID = 600
# How long the words of a refusal are waited for.
WORDS_SECONDS = 2.0
# Keys of Vapi's are UUIDs.
KEY_CHARS = 8


class Received(dict[str, Any]):
    """A session, and the JSON `text` in which Vapi sent it, for what is written back to Vapi."""

    def __init__(self, session: dict[str, Any], text: str) -> None:
        """`text` may hold what is never shown: the caller's key, lone surrogates, huge numbers."""
        super().__init__(session)
        self.text = text


class InvalidAnswer(Exception):
    """A 2xx that is not what was asked for; `str()` says why."""


class TooMuch(InvalidAnswer):
    """More than can be read here, good as it may be."""


class WrongSession(InvalidAnswer):
    """The answer to another request: what this connection says next will be one, too."""


async def answer(response: httpx2.Response, call: Call) -> dict[str, Any]:
    """The JSON that a 2xx promises, without the key that asked for it; raises InvalidAnswer.

    A delete may be answered without a body: then it is `{id, deleted: true}`. A
    connection that breaks meanwhile raises what httpx2 raises.
    """
    raw = await _body(response, call)
    id = call.session_id
    if call.operation.method == "DELETE" and id is not None and not raw.strip():
        return {"id": id, "deleted": True}
    try:
        found = await offload(len(raw), lambda: _promised(raw, call))
    except ValidationError as exc:
        raise InvalidAnswer("a promised field is missing") from exc
    except json_text.Unreasonable as exc:
        raise TooMuch(str(exc)) from exc
    except ValueError as exc:
        raise InvalidAnswer("not JSON") from exc
    if id is None:
        return found
    if found["id"].lower() != id.lower():
        raise WrongSession("it is another session's")
    return Received(found, raw.decode("utf-8-sig"))


_NO_WORDS = (httpx2.RequestError, InvalidAnswer, ValueError, KeyError, TypeError)


async def words(response: httpx2.Response, call: Call) -> str:
    """Vapi's own words out of a refusal's `{"message": str | [str]}`, or nothing.

    They are not waited for as long as an answer would be: the status says enough.
    """
    message: object = ""
    # It ends before the call's deadline does, so that the status is not lost to a timeout.
    with anyio.move_on_after(min(WORDS_SECONDS, 0.9 * call.left)), suppress(*_NO_WORDS):
        raw = await _body(response, call)
        message = (await offload(len(raw), lambda: _parsed(raw, call.key)))["message"]
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
        raw = await bounded.collect(kept.aiter_bytes(), MAX_BODY)
    except bounded.TooLarge as exc:
        raise TooMuch("more than 32 MiB") from exc
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
    # A shorter key may be anybody's word; these characters JSON may write with a backslash.
    spelt = key.encode() in raw or b"\\u" in raw or not {'"', "\\", "/"}.isdisjoint(key)
    return _without(value, key) if spelt and len(key) >= KEY_CHARS else value


def _without(value: Any, key: str) -> Any:
    """`value` with *** in place of `key` in its texts and names; what is around it stays."""
    if isinstance(value, str):
        return value.replace(key, "***")
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {name.replace(key, "***"): _without(item, key) for name, item in items}
    if isinstance(value, list):
        return [_without(item, key) for item in cast("list[Any]", value)]
    return value
