"""JSON with comments and trailing commas, edited where it has to be and nowhere else.

No well-kept library for Python edits it and keeps the comments, so this finds where in
the text each value is, and changes the text there.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, NoReturn, cast

from vapi_sessions_mcp.cli.install.documents import NotEditable, step_to

_SKIPPED = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_DECODER = json.JSONDecoder(strict=False)
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[\w.+-]+')
# What belongs to the value before it: a comment on the rest of its line.
_REST = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/)?(?=[ \t]*(?:\r?\n|$))")


class _Node(NamedTuple):
    """A value and where it is in the text."""

    start: int
    end: int
    value: Any
    members: "tuple[_Member, ...]" = ()


class _Member(NamedTuple):
    """What an object or a list holds: from its name on, and to the comma behind it."""

    name: str
    start: int
    node: _Node
    end: int
    has_comma: bool


class Jsonc:
    """JSON, whether strict or with comments and trailing commas."""

    @staticmethod
    def load(text: str) -> Any:
        """What `text` says; None where there is no value."""
        node = _Parser(text).document()
        return node.value if node else None

    @staticmethod
    def put(text: str, path: Sequence[str], value: Any) -> Iterator[str]:
        """`text` with `value` at `path`, in the style of what is around it."""
        yield _with(text, path, value)

    @staticmethod
    def drop(text: str, path: Sequence[str]) -> Iterator[str]:
        """`text` without what is at `path`; comments stay."""
        node = cast("_Node", _Parser(text).document())
        for name in path[:-1]:
            node = next(member.node for member in node.members if member.name == name)
        names = [member.name for member in node.members]
        yield _removed(text, node, names.index(path[-1]))


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text

    def document(self) -> _Node | None:
        """The one value, or None; raises NotEditable."""
        start = self._skip(0)
        if start == len(self._text):
            return None
        try:
            node = self._value(start)
        except RecursionError as exc:
            raise NotEditable("is nested too deeply") from exc
        if (end := self._skip(node.end)) != len(self._text):
            self._fail(end)
        return node

    def _value(self, start: int) -> _Node:
        if self._text[start : start + 1] in {"{", "["}:
            return self._container(start, is_object=self._text[start] == "{")
        text = self._token(start)
        try:
            return _Node(start, start + len(text), _DECODER.decode(text))
        except ValueError:
            self._fail(start)

    def _container(self, start: int, *, is_object: bool) -> _Node:
        closing = "}" if is_object else "]"
        members: list[_Member] = []
        at = self._skip(start + 1)
        while self._text[at : at + 1] != closing:
            if members and not members[-1].has_comma:
                self._fail(at)
            members.append(self._member(at, is_object=is_object))
            at = self._skip(members[-1].end)
        values = [member.node.value for member in members]
        names = [member.name for member in members]
        if is_object and len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise NotEditable(f"has {twice!r} twice in one object (line {self._line(start)})")
        value: Any = dict(zip(names, values, strict=True)) if is_object else values
        return _Node(start, at + 1, value, tuple(members))

    def _member(self, start: int, *, is_object: bool) -> _Member:
        name, at = "", start
        if is_object:
            if self._text[start : start + 1] != '"':
                self._fail(start)
            name = self._value(start).value
            at = self._skip(start + len(self._token(start)))
            if self._text[at : at + 1] != ":":
                self._fail(at)
            at = self._skip(at + 1)
        node = self._value(at)
        if not is_object:
            name = step_to(node.value)
        comma = self._skip(node.end)
        has_comma = self._text[comma : comma + 1] == ","
        return _Member(name, start, node, comma + 1 if has_comma else node.end, has_comma)

    def _token(self, start: int) -> str:
        found = _TOKEN.match(self._text, start)
        return found.group() if found else self._fail(start)

    def _skip(self, start: int) -> int:
        found = _SKIPPED.match(self._text, start)
        return found.end() if found else start

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, at) + 1

    def _fail(self, at: int) -> NoReturn:
        raise NotEditable(f"is not valid JSON (line {self._line(at)})")


class _Style:
    """How the text is laid out: its line breaks, and by what it indents."""

    def __init__(self, text: str, root: _Node | None) -> None:
        self.newline = "\r\n" if "\r\n" in text else "\n"
        first = root.members[0] if root and root.members else None
        self.unit = (first and _own_line(text, first.start)) or "  "

    def written(self, value: Any, indent: str) -> str:
        """`value` as lines, the first of which comes behind something."""
        text = json.dumps(value, indent=self.unit, ensure_ascii=False)
        return text.replace("\n", f"{self.newline}{indent}")


def _with(text: str, path: Sequence[str], value: Any) -> str:
    node = _Parser(text).document()
    style = _Style(text, node)
    if node is None:
        before = text and text.rstrip() + "\n"
        return before + style.written(_nested(path, value), "") + "\n"
    for depth, name in enumerate(path):
        found = [member for member in node.members if member.name == name]
        if not found:
            return _inserted(text, node, style, name, _nested(path[depth + 1 :], value))
        node = found[-1].node
    new = style.written(value, _indent(text, node.start))
    return text[: node.start] + new + text[node.end :]


def _inserted(text: str, node: _Node, style: _Style, name: str, value: Any) -> str:
    """`text` with one member more, behind the others."""
    label = f"{json.dumps(name)}: " if isinstance(node.value, dict) else ""
    if not node.members:
        outer = _indent(text, node.start)
        inner = outer + style.unit
        inside = text[node.start + 1 : node.end - 1].rstrip()
        new = f"{inside}{style.newline}{inner}{label}{style.written(value, inner)}"
        return f"{text[: node.start + 1]}{new}{style.newline}{outer}{text[node.end - 1 :]}"
    last = node.members[-1]
    comma, trailing = ("", ",") if last.has_comma else (",", "")
    indent = _own_line(text, node.members[0].start)
    if indent is None:
        new = f"{label}{json.dumps(value, ensure_ascii=False)}"
        return f"{text[: last.end]}{comma} {new}{trailing}{text[last.end :]}"
    rest = _REST.match(text, last.end)
    end = rest.end() if rest else last.end
    new = f"{style.newline}{indent}{label}{style.written(value, indent)}{trailing}"
    return f"{text[: last.node.end]}{comma}{text[last.node.end : end]}{new}{text[end:]}"


def _removed(text: str, node: _Node, index: int) -> str:
    """`text` without one member, and without a line or a comma that is for nothing then."""
    member = node.members[index]
    start, end = member.start, member.end
    if (indent := _own_line(text, start)) is not None:
        start -= len(indent)
        rest = re.compile(r"[ \t]*\r?\n").match(text, end)
        start, end = (start, rest.end()) if rest else (member.start, end)
    text_after = text[end:]
    before = text[:start]
    if index and index == len(node.members) - 1 and not member.has_comma:
        comma = node.members[index - 1].end - 1
        before = before[:comma] + before[comma + 1 :]
        before = before if indent is not None else before.rstrip(" \t")
    elif indent is None:
        text_after = text_after.lstrip(" \t")
    return before + text_after


def _nested(path: Sequence[str], value: Any) -> Any:
    for name in reversed(path):
        value = {name: value}
    return value


def _indent(text: str, at: int) -> str:
    """What the line of this place begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _own_line(text: str, at: int) -> str | None:
    """The indentation of what is at this place; None where something is before it on its line."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line if "\n" in text[:at] and not line.strip() else None
