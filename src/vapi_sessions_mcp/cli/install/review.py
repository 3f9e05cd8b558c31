"""A change as people look it over before they agree: a diff that shows no secret."""

import json
from collections.abc import Iterator
from difflib import unified_diff
from typing import Any, cast

from vapi_sessions_mcp.views.field_names import meaning

# Where entries of MCP servers hold keys, under whatever names.
_HOLDERS = frozenset({"env", "envs", "environment", "headers", "http_headers"})
# What is shorter is no secret, and is found in other words.
_SHORTEST = 6
_MASK = "***"


def diff(before: str, after: str, data: Any, written: Any) -> str:
    """What changes, without the lines around it, which may be another server's.

    `data` is what the file says; secrets in it are masked, but not what is now `written`.
    """
    lines = unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    text = "\n".join([*lines][2:])
    ours = set(_strings(written))
    for secret in sorted(set(_secrets(data)) - ours, key=len, reverse=True):
        for form in (
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        ):
            text = text.replace(form, _MASK)
    return text


def _secrets(data: Any, *, inside: bool = False) -> Iterator[str]:
    match data:
        case dict():
            for name, value in cast("dict[Any, Any]", data).items():
                is_secret = inside or name in _HOLDERS or meaning(str(name)).secret
                yield from _secrets(value, inside=is_secret)
        case list():
            for item in cast("list[Any]", data):
                yield from _secrets(item, inside=inside)
        case str() if inside and len(data) >= _SHORTEST:
            yield data
        case _:
            return


def _strings(data: Any) -> Iterator[str]:
    yield from _secrets(data, inside=True)
