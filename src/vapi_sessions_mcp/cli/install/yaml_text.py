"""YAML with its comments, its order and its layout kept."""

import re
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from vapi_sessions_mcp.cli.install.documents import NotEditable


class Yaml:
    """YAML, in which lines are added and taken out where it is written in blocks."""

    @staticmethod
    def load(text: str) -> Any:
        """What `text` says; raises NotEditable."""
        try:
            return cast("Any", YAML(typ="safe", pure=True)).load(text)
        except (YAMLError, ValueError) as exc:
            mark: Any = getattr(exc, "problem_mark", None)
            where = f" (line {mark.line + 1})" if mark else ""
            raise NotEditable(f"is not valid YAML{where}") from exc

    @staticmethod
    def put(text: str, path: Sequence[str], value: Any) -> Iterator[str]:
        """`text` with lines more, as the first of their table; else as the library writes it."""
        table, name = path
        data = _parsed(text)
        if isinstance(data.get(table), dict) and name in data[table]:
            text = next(Yaml.drop(text, path))
            data = _parsed(text)
        lines: list[str] = text.splitlines(keepends=True)
        if table not in data:
            end = "" if not text or text.endswith("\n") else "\n"
            yield f"{text}{end}{_written({table: {name: value}})}"
        else:
            at: int = data.lc.key(table)[0]
            holder: Any = data[table]
            first = next(iter(holder), None) if holder else None
            column = holder.lc.key(first)[1] if first is not None else 2
            if first is None:
                lines[at] = re.sub(r":\s*(\{\s*\}|~|null)?\s*$", ":\n", lines[at])
            yield "".join([*lines[: at + 1], _written({name: value}, column), *lines[at + 1 :]])
        data[table] = data.get(table) or CommentedMap()
        data[table][name] = value
        yield _dumped(data)

    @staticmethod
    def drop(text: str, path: Sequence[str]) -> Iterator[str]:
        """`text` without those lines; else as the library writes it."""
        table, name = path
        data = _parsed(text)
        start, column = data[table].lc.key(name)
        lines: list[str] = text.splitlines(keepends=True)
        end: int = start + 1
        while end < len(lines) and _is_inside(lines[end], column):
            end += 1
        while _is_blank(lines[end - 1]):
            end -= 1
        empty = [" " * column + "{}\n"] if len(data[table]) == 1 else []
        yield "".join([*lines[:start], *empty, *lines[end:]])
        del data[table][name]
        yield _dumped(data)


def _is_inside(line: str, column: int) -> bool:
    return _is_blank(line) or len(line) - len(line.lstrip(" ")) > column


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _library() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100_000
    return yaml


def _parsed(text: str) -> Any:
    """The data with places; anything else than a table has none, and is written anew."""
    return cast("Any", _library()).load(text) or CommentedMap()


def _dumped(data: Any) -> str:
    out = StringIO()
    cast("Any", _library()).dump(data, out)
    return out.getvalue()


def _written(value: Any, column: int = 0) -> str:
    return "".join(f"{' ' * column}{line}\n" for line in _dumped(value).splitlines())
