"""JSON as it crosses the wire: parsed strictly, valid Unicode and finite numbers only, compact."""

import json
import math
import re
from collections.abc import AsyncIterable
from typing import Any, NoReturn, cast

MAX_DEPTH = 100
# A page of a thousand full sessions has a third of this; ten times as many block us for half a
# minute. Commas in text count, too.
MAX_VALUES = 1_000_000

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


class Unreasonable(ValueError):
    """JSON that would cost too much to read; `str()` says why."""


def parse(raw: bytes) -> Any:
    """The JSON value in `raw`; lone surrogates become U+FFFD, numbers past a float stay text.

    Raises ValueError for anything that is not JSON, and Unreasonable, which is
    one, for JSON nested deeper than `MAX_DEPTH` or of more than `MAX_VALUES`.
    """
    if sum(raw.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
        raise Unreasonable("more values than can be read")
    try:
        value = json.loads(raw.decode("utf-8-sig"), parse_float=_finite, parse_constant=_refuse)
    except RecursionError:
        raise Unreasonable("nested too deeply") from None
    check_depth(value, MAX_DEPTH)
    if b"\\ud" in raw or b"\\uD" in raw:
        return json.loads(clean(json.dumps(value, ensure_ascii=False)))
    return value


class TooLarge(ValueError):
    """A body of more bytes than are read."""


async def collect(chunks: AsyncIterable[bytes], most: int) -> bytes:
    """All `chunks` together; raises TooLarge as soon as they are more than `most` bytes."""
    raw = bytearray()
    async for chunk in chunks:
        raw += chunk
        if len(raw) > most:
            raise TooLarge
    return bytes(raw)


def compact(value: Any) -> str:
    """`value` as JSON without a needless byte; raises ValueError for NaN and infinities."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def member(text: str, name: str) -> str | None:
    """The value of the member `name` as it is written in the JSON object `text`; None without it.

    Numbers, escapes and the order of keys stay as they are. Of a name given twice
    the last counts, as it does for `parse`.
    """
    found, at = None, _past_space(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = _past_space(text, _past_space(text, at) + 1)
        _, at = _DECODER.raw_decode(text, start)
        if key == name:
            found = text[start:at]
        at = _past_space(text, at)
        if text[at] == ",":
            at = _past_space(text, at + 1)
    return found


def clean(text: str) -> str:
    """`text` as valid Unicode: a lone surrogate, which ends a stdio server, becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def check_depth(value: Any, most: int) -> None:
    """Raise Unreasonable for a value nested deeper than `most`, a bare one being 1 deep."""
    level: list[Any] = [value]
    for _ in range(most):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise Unreasonable("nested too deeply")


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _finite(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(cast("dict[str, Any]", node).values())
    return cast("list[Any]", node) if isinstance(node, list) else []


def as_list(value: Any) -> list[Any]:
    """`value` where it is a list, else an empty one: Vapi may send null or leave it out."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_object(value: Any) -> dict[str, Any]:
    """`value` where it is an object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
