"""TOML with its comments and its order kept."""

import tomllib
from collections.abc import Iterator, Sequence
from typing import Any, cast

import tomlkit
from tomlkit.items import InlineTable

from vapi_sessions_mcp.cli.install.documents import NotEditable


class Toml:
    """TOML, in which tables are added at the end of the text where they can be."""

    @staticmethod
    def load(text: str) -> Any:
        """What `text` says; raises NotEditable."""
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as exc:
            raise NotEditable(f"is not valid TOML ({str(exc).lower()})") from exc

    @staticmethod
    def put(text: str, path: Sequence[str], value: Any) -> Iterator[str]:
        """`text` with a table at its end, or with the library's own idea of where it goes."""
        table, name = path
        rest = next(Toml.drop(text, path)) if name in Toml.load(text).get(table, {}) else text
        yield f"{rest.rstrip()}\n\n{_alone(table, name, value)}".lstrip("\n")
        document = cast("Any", tomlkit.parse(rest))
        holder = document[table]
        holder[name] = _inline(value) if isinstance(holder, InlineTable) else _table(value)
        yield tomlkit.dumps(document)

    @staticmethod
    def drop(text: str, path: Sequence[str]) -> Iterator[str]:
        """`text` without that table, but with the comments behind it."""
        table, name = path
        document = cast("Any", tomlkit.parse(text))
        del document[table][name]
        yield _with_comments(text, tomlkit.dumps(document))


def _alone(table: str, name: str, value: Any) -> str:
    document, holder = tomlkit.document(), tomlkit.table(is_super_table=True)
    holder.append(name, _table(value))
    document.append(table, holder)
    return tomlkit.dumps(document)


def _table(value: dict[str, Any]) -> Any:
    return _filled(tomlkit.table(), value)


def _inline(value: dict[str, Any]) -> Any:
    return _filled(tomlkit.inline_table(), value)


def _filled(table: Any, value: dict[str, Any]) -> Any:
    table.update(value)
    return table


def _with_comments(text: str, left: str) -> str:
    """`left`, with the comments that were lost behind what is no longer there.

    The library takes what is between two tables for a part of the first.
    """
    before, after = text.splitlines(keepends=True), left.splitlines(keepends=True)
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    lost = before[head : len(before) - tail]
    kept: list[str] = []
    while lost and (not lost[-1].strip() or lost[-1].lstrip().startswith("#")):
        kept.insert(0, lost.pop())
    first, rest = after[:head], [*kept, *after[head:]]
    if first and not first[-1].strip() and not "".join(rest[:1]).strip():
        first.pop()  # the line that parted it from what is before
    return "".join([*first, *rest])


def _alike(first: Sequence[str], second: Sequence[str]) -> int:
    """How many lines both begin with."""
    pairs = zip(first, second, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
