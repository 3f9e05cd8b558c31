"""A configuration file's text with one value more or less, and all else as it was."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

Path: TypeAlias = Sequence[str]


class Change(NamedTuple):
    """A value and its place: names of tables, and at the end a name or an `item` of a list."""

    path: tuple[str, ...]
    value: Any


class NotEditable(Exception):
    """A file's text that is left alone: a clause that says what is wrong with it."""


class Format(Protocol):
    """A format: its parser, and texts that may be the wanted one, the most faithful first."""

    @staticmethod
    def load(text: str) -> Any:
        """What `text` says; raises NotEditable where it is not valid."""
        ...

    @staticmethod
    def put(text: str, path: Path, value: Any) -> Iterator[str]:
        """`text` with `value` at `path`."""
        ...

    @staticmethod
    def drop(text: str, path: Path) -> Iterator[str]:
        """`text` without what is at `path`."""
        ...


def named(name: str) -> Format:
    """The format of that name, whose library is imported for no other."""
    match name:
        case "toml":
            from vapi_sessions_mcp.cli.install.toml_text import Toml

            return Toml
        case "yaml":
            from vapi_sessions_mcp.cli.install.yaml_text import Yaml

            return Yaml
        case _:
            from vapi_sessions_mcp.cli.install.jsonc_text import Jsonc

            return Jsonc


def with_all(format: Format, text: str, changes: Iterable[Change]) -> str:
    """`text` with every change made; raises NotEditable."""
    for path, value in changes:
        data = _tables(format.load(text), path)
        if at(data, path) == value:
            continue
        if path[0] not in data and is_item(path[-1]):
            path, value = path[:1], [value]  # the list itself comes with its first item
        text = _checked(format, format.put(text, path, value), _with(data, path, value))
    return text


def without_all(format: Format, text: str, paths: Iterable[Path]) -> str:
    """`text` without what is at any of `paths`; raises NotEditable."""
    for path in paths:
        data = _tables(format.load(text), path)
        if at(data, path) is not None:
            left = _without(data, path)
            # An empty table may go with what was in it.
            tables = {name: table for name, table in left.items() if table or name != path[0]}
            text = _checked(format, format.drop(text, path), left, tables)
    return text


def item(id: str) -> str:
    """The step of a path that leads to the item of a list with this id."""
    return f"[{id}]"


def is_item(step: str) -> bool:
    """Whether this step of a path leads into a list."""
    return step.startswith("[")


def step_to(value: Any) -> str:
    """The step that leads to this item of a list."""
    return item(str(cast("dict[str, Any]", value).get("id"))) if isinstance(value, dict) else ""


def at(data: Any, path: Path) -> Any:
    """What is at `path`; None where nothing is."""
    for name in path:
        if isinstance(data, list):
            items = cast("list[Any]", data)
            data = next((each for each in items if step_to(each) == name), None)
        else:
            data = cast("dict[str, Any]", data).get(name) if isinstance(data, dict) else None
    return data


def _tables(data: Any, path: Path) -> dict[str, Any]:
    """`data`, where what `path` goes through can hold what it leads to."""
    if not isinstance(data, dict | None):
        raise NotEditable("holds something other than a table of settings")
    table = cast("dict[str, Any]", data or {})
    kind = list if is_item(path[-1]) else dict
    if not isinstance(table.get(path[0]), kind | None):
        raise NotEditable(f"has a {path[0]!r} that is no {'list' if kind is list else 'table'}")
    return table


def _with(data: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    if len(path) == 1:
        return {**data, path[0]: value}
    holder: Any = data.get(path[0]) or {}
    if is_item(path[1]):
        return {**data, path[0]: [*_others(holder, path[1]), value]}
    return {**data, path[0]: {**holder, path[1]: value}}


def _without(data: dict[str, Any], path: Path) -> dict[str, Any]:
    holder: Any = data[path[0]]
    if is_item(path[1]):
        return {**data, path[0]: _others(holder, path[1])}
    return {**data, path[0]: {name: value for name, value in holder.items() if name != path[1]}}


def _others(items: Sequence[Any], step: str) -> list[Any]:
    return [each for each in items if step_to(each) != step]


def _checked(format: Format, texts: Iterator[str], *wanted: Any) -> str:
    """The first text that says exactly what is wanted."""
    for text in texts:
        try:
            if format.load(text) in wanted:
                return text
        except NotEditable:
            continue
    raise NotEditable("is written in a way that cannot be edited safely")
