"""JSON as it crosses the wire: parsed strictly, valid Unicode and finite numbers only, compact."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, NoReturn, cast

MAX_DEPTH = 100
# Items of an array written at a time.
SLICE = 100
# About how many bytes are written at once: some milliseconds, too.
WHOLE = 2**18
# A page of a thousand full sessions has a third of this; ten times as many block us for half a
# minute. Commas in text count, too.
MAX_VALUES = 1_000_000
# What a request may hold: a conversation of 4 MiB in messages of fifty characters has fewer.
MAX_SENT_VALUES = 250_000


_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_LINES = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",\n", ":"))

_DECODER = json.JSONDecoder()
# Values that hold others, and those that may be infinite.
_WALKED = frozenset((dict, list, float))
_SPACE = re.compile(r"[ \t\n\r]*")


class Unreasonable(ValueError):
    """JSON that would cost too much to read; `str()` says why."""


class Repeated(ValueError):
    """An object that gives a name twice; `str()` says which."""


def parse(raw: bytes, *, repeats: bool = True) -> Any:
    """The JSON value in `raw`; lone surrogates become U+FFFD, numbers past a float stay text.

    Raises ValueError for anything that is not JSON, and one of its kinds for JSON that is:
    Unreasonable where it is nested deeper than `MAX_DEPTH` or has more than
    `MAX_VALUES`, and without `repeats`, where the last of two counts, Repeated.
    """
    if values(raw) > MAX_VALUES:
        raise Unreasonable("more values than can be read")
    if repeats:
        # 10 ms that a start over stdio does without.
        from pydantic_core import from_json

        # What it does not take is read again, or refused, below.
        with suppress(ValueError):
            value = from_json(raw, allow_inf_nan=False, cache_strings="keys")
            if _is_finite(value, MAX_DEPTH):
                return value
    try:
        value = json.loads(
            raw.decode("utf-8-sig"),
            parse_float=_finite,
            parse_constant=_refuse,
            object_pairs_hook=None if repeats else unique,
        )
    except RecursionError:
        raise Unreasonable("nested too deeply") from None
    check_depth(value, MAX_DEPTH)
    if b"\\ud" in raw or b"\\uD" in raw:
        return json.loads(clean(json.dumps(value, ensure_ascii=False)))
    return value


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names differ: of two values, two readers may take different ones.

    For the `object_pairs_hook` of a parser; raises Repeated.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise Repeated(clean(f"`{twice:.60}` is given twice."))
    return made


def values(raw: bytes) -> int:
    """About how many values JSON holds, found without reading it; never fewer than there are."""
    return 1 + sum(raw.count(mark) for mark in (b",", b"[", b"{"))


def size(value: Any, most: int) -> int:
    """About how many bytes `value` takes as JSON, counted no further than `most`."""
    total, waiting = 0, [value]
    while waiting and total < most:
        node = waiting.pop()
        children = _children(node)
        total += len(node) if isinstance(node, str) else 8 + 8 * len(children)
        if total < most:
            waiting += children
    return total


def compact(value: Any) -> str:
    """`value` as JSON without a needless byte; raises ValueError for NaN and infinities.

    What is large is written in slices, since no other thread runs while one is written.
    """
    return "".join(_pieces(value, _COMPACT))


def lines(value: Any) -> str:
    """`value` as `compact` writes it, with a line break behind each comma between two values.

    There is no other line break in it: those in texts are escaped.
    """
    return "".join(line_pieces(value))


def line_pieces(value: Any) -> Iterable[str]:
    """The pieces of which `lines` consists."""
    return _pieces(value, _LINES)


def utf8_size(text: str) -> int:
    """How many bytes `text` takes."""
    return len(text) if text.isascii() else len(text.encode())


def _pieces(value: Any, encoder: json.JSONEncoder) -> Iterable[str]:
    if isinstance(value, str) or size(value, WHOLE) < WHOLE:
        return (encoder.encode(value),)
    return _slices(value, 3, encoder)


def _slices(value: Any, depth: int, encoder: json.JSONEncoder) -> Iterator[str]:
    encode, comma = encoder.encode, encoder.item_separator
    if isinstance(value, dict) and depth:
        before = "{"
        for name, item in cast("dict[str, Any]", value).items():
            yield f"{before}{encode(name)}:"
            yield from _slices(item, depth - 1, encoder)
            before = comma
        yield "}" if value else "{}"
    elif isinstance(value, list) and len(items := cast("list[Any]", value)) > SLICE:
        for at in range(0, len(items), SLICE):
            yield f"{comma if at else '['}{encode(items[at : at + SLICE])[1:-1]}"
        yield "]"
    elif isinstance(value, list) and depth:
        before = "["
        for item in cast("list[Any]", value):
            yield before
            yield from _slices(item, depth - 1, encoder)
            before = comma
        yield "]" if value else "[]"
    else:
        yield encode(value)


def member(text: str, name: str) -> str | None:
    """The value of the member `name` as it is written in the JSON object `text`; None without it.

    Numbers, escapes and the order of keys stay as they are. Of a name given twice
    the last counts, as it does for `parse` of what Vapi answers.
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
    _is_finite(value, most)


def _is_finite(value: Any, most: int) -> bool:
    """Whether no number in `value` is infinite; raises Unreasonable as `check_depth` does."""
    finite, parts = True, _walked((value,))
    for _ in range(most):
        numbers = [part for part in parts if part.__class__ is float]
        finite = finite and all(map(math.isfinite, numbers))
        nodes = [part for part in parts if part.__class__ is not float]
        if not nodes:
            return finite
        children = (part.values() if part.__class__ is dict else part for part in nodes)
        parts = _walked(chain.from_iterable(children))
    raise Unreasonable("nested too deeply")


def _walked(values: Iterable[Any]) -> list[Any]:
    """Of `values` those that hold others, and floats."""
    return [value for value in values if value.__class__ in _WALKED and value]


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


def apart(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these fields, in which a name that comes again has a number behind it."""
    pairs = list(pairs)
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    value.clear()
    times: dict[str, int] = {}
    for name, item in pairs:
        free = name
        while free in value:
            times[name] = times.get(name, 1) + 1
            free = f"{name} ({times[name]})"
        value[free] = item
    return value


def as_list(value: Any) -> list[Any]:
    """`value` where it is a list, else an empty one: Vapi may send null or leave it out."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_object(value: Any) -> dict[str, Any]:
    """`value` where it is an object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
