"""Refuses masks in what is to be stored: `***` must not take the place of what it hides."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, cast

from vapi_sessions_mcp.errors import BadArguments
from vapi_sessions_mcp.views.masking import MASK, mask_secrets

Json: TypeAlias = dict[str, Any]
# Where in a value a text is: names, and for the items of a list their numbers.
Path: TypeAlias = tuple[str | int, ...]

MAX_PROBLEMS = 8
_ESCAPED_STAR = re.compile(r"\\u002a", re.IGNORECASE)


def holds_mask(body: Json) -> bool:
    """Whether `***` is anywhere in `body`, in a text or in a name."""
    return any(_has_mask(text) for _, text in _texts(body, ()))


def check_update(body: Json, stored: Json, masked: Callable[[Json], Json]) -> None:
    """Raise BadArguments for each `***` in `body` that `stored` does not have in the same place.

    Messages may have moved: an item of a list is compared with every item. Where
    the same text also masks another one there, it is not clear which is meant.
    """
    kept = _counted(stored)
    shown = _counted(masked(stored))
    _refuse(
        (
            path
            for path, text in _texts(body, ())
            if _has_mask(text) and not 0 < kept[_place(path), text] >= shown[_place(path), text]
        ),
        session_read=True,
    )


def check_create(body: Json) -> None:
    """Raise BadArguments for each secret of `body` that is a mask: there is nothing behind it."""
    _refuse(
        path
        for path, text in _texts(body, ())
        if text == MASK and mask_secrets({str(path[-1]): "something"}) == {str(path[-1]): MASK}
    )


def _refuse(paths: Iterator[Path], *, session_read: bool = False) -> None:
    problems = [
        f"`{_named(path)}` holds {MASK}, which hides what is stored and would replace it: leave it"
        " out, or write what belongs there."
        for path, _ in zip(paths, range(MAX_PROBLEMS), strict=False)
    ]
    if problems:
        raise BadArguments(problems, session_read=session_read)


def _counted(value: Json) -> Counter[tuple[Path, str]]:
    return Counter((_place(path), text) for path, text in _texts(value, ()) if _has_mask(text))


def _has_mask(text: str) -> bool:
    """Whether it holds `***`, also in JSON inside it that escapes what need not be escaped."""
    return MASK in text or MASK in _ESCAPED_STAR.sub("*", text)


def _place(path: Path) -> Path:
    """Where a text is, whichever item of a list it is in."""
    return tuple("*" if isinstance(part, int) else part for part in path)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in `value`, the names of objects included, with its place."""
    if isinstance(value, dict):
        for name, item in cast("Json", value).items():
            yield (*path, name), name
            yield from _texts(item, (*path, name))
    elif isinstance(value, list):
        for at, item in enumerate(cast("list[Any]", value)):
            yield from _texts(item, (*path, at))
    elif isinstance(value, str):
        yield path, value


def _named(path: Path) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"body{''.join(parts)}"[:160]
