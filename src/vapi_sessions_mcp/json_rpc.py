"""JSON-RPC messages as they arrive: what is none is refused, by its own id where it has one."""

import json
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias, cast

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.json_text import MAX_SENT_VALUES, Repeated, Unreasonable

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
# The SDK's parser goes little deeper; arguments have a lower limit of their own.
MAX_DEPTH = 180
# Python's own limit: what it takes to read more grows with their square.
MAX_DIGITS = 4_300
TOO_MANY = (
    f"More than {MAX_SENT_VALUES} JSON values in one message take too long to read:"
    " send it in parts."
)

Id: TypeAlias = int | str
Json: TypeAlias = dict[str, Any]


class Frame(NamedTuple):
    """A message of JSON-RPC, as text that every parser reads alike and as what it says."""

    text: str
    message: Json


class NotAMessage(Exception):
    """What is no message of JSON-RPC; `str()` says why and repeats no value of it."""

    def __init__(self, said: str, code: int = INVALID_REQUEST, id: Id | None = None) -> None:
        """`id` is the request's own, where it can be read."""
        super().__init__(said)
        self.code, self.id = code, id

    def answer(self) -> Json:
        """The error that the sender gets."""
        error = {"code": self.code, "message": str(self)}
        return {"jsonrpc": "2.0", "id": self.id, "error": error}


def read(raw: bytes) -> Frame:
    """The message that `raw` is; raises NotAMessage.

    A byte order mark is dropped, and half a surrogate, which the SDK refuses
    without an answer, becomes U+FFFD.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        said, readable = "The message is not UTF-8.", raw.decode(errors="replace")
        raise NotAMessage(said, PARSE_ERROR, _id_of(readable)) from None
    try:
        message = _parsed(text, raw)
        _check(message)
    except json.JSONDecodeError:
        raise NotAMessage("The message is not JSON.", PARSE_ERROR) from None
    except (_Odd, Repeated, Unreasonable) as exc:
        raise NotAMessage(str(exc), id=_id_of(text)) from None
    if "\\ud" in text or "\\uD" in text:
        text = json_text.clean(json.dumps(message, ensure_ascii=False))
        message = json.loads(text)
    return Frame(text, message)


class _Odd(ValueError):
    """JSON that is no message; `str()` says why."""


def _parsed(text: str, raw: bytes) -> Any:
    if json_text.values(raw) > MAX_SENT_VALUES:
        raise Unreasonable(TOO_MANY)
    try:
        message = json.loads(text, object_pairs_hook=json_text.unique)
        if text.count("[") + text.count("{") > MAX_DEPTH:
            json_text.check_depth(message, MAX_DEPTH)
    except (RecursionError, Unreasonable):
        raise Unreasonable("The message is nested too deeply.") from None
    except (json.JSONDecodeError, Repeated):
        raise
    except ValueError:
        raise Unreasonable(f"A number has more than {MAX_DIGITS} digits.") from None
    return message


def _check(message: Any) -> None:
    """Raise _Odd unless `message` is a request, a notification or an answer."""
    if isinstance(message, list):
        raise _Odd("There are no batches: send each message by itself.")
    if not isinstance(message, dict):
        raise _Odd("A message is a JSON object.")
    given = cast("Json", message)
    if given.get("jsonrpc") != "2.0":
        raise _Odd('A message has `jsonrpc`, which is "2.0".')
    if "method" in given:
        _check_request(given)
    elif "result" in given or "error" in given:
        _check_answer(given)
    else:
        raise _Odd("A message has a `method`, or a `result` or an `error` where it is an answer.")


def _check_request(message: Json) -> None:
    if not isinstance(message["method"], str):
        raise _Odd("`method` must be a string.")
    if not isinstance(message.get("params"), dict | None):
        raise _Odd("`params` must be an object.")
    if "id" in message and not _is_id(message["id"]):
        raise _Odd("`id` must be a string or a whole number.")


def _check_answer(message: Json) -> None:
    error, id = message.get("error"), message.get("id")
    fine = _is_id(id) and isinstance(message.get("result"), dict)
    if isinstance(error, dict) and "result" not in message:
        named = cast("Json", error)
        fine = isinstance(named.get("code"), int) and isinstance(named.get("message"), str)
        fine = fine and "id" in message and (id is None or _is_id(id))
    if not fine:
        raise _Odd("An answer has an `id`, and an object as `result` or `error`.")


def _is_id(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _id_of(text: str) -> Id | None:
    """The id of a request that is refused; None where it is not exactly one.

    The id of an answer is one of ours, and may be that of another request of its sender's.
    """
    if text.count(",") > json_text.MAX_VALUES:
        return None
    with suppress(ValueError, RecursionError):
        # Objects as tuples of names and values, so that a name may be there twice.
        pairs: Any = json.loads(text, object_pairs_hook=tuple, parse_int=_short)
        if isinstance(pairs, tuple):
            members = cast("tuple[tuple[str, Any], ...]", pairs)
            ids = [value for name, value in members if name == "id"]
            answers = {name for name, _ in members} & {"result", "error"}
            if len(ids) == 1 and not answers and _is_id(ids[0]):
                return json_text.clean(ids[0]) if isinstance(ids[0], str) else ids[0]
    return None


def _short(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS else None
