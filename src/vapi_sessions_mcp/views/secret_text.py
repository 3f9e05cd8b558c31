"""Secrets in text that is not JSON: links that open by themselves, passwords, quoted fields."""

import re
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import unquote

from vapi_sessions_mcp.views.field_names import signs
from vapi_sessions_mcp.views.mark import MASK

# What to show of a field, by its name and value; None to leave it as it is.
Judge: TypeAlias = Callable[[str, Any], str | None]

_QUERY = re.compile(r"""[?#][^\s"'<>`]+""")
_AFTER_QUERY = ".,:;!?)]}*\\"
_PARAMETERS = re.compile(r"[?#&;]")
# From ://user:password@host; what is in a run without @ is looked at once.
_PASSWORD = re.compile(r"""(://[^\s/?#@:"'<>\\]*:)[^\s/?#@"'<>\\]+(?=@)""")
# A quoted name and its colon; quotes in JSON inside of JSON have backslashes before them.
_NAMED = re.compile(
    r"""(?<!\\) (?P<quote> (?P<slashes>\\{0,31}) (?P<mark>["']) )
        (?P<name>[^"'\\]{1,64}) (?P=quote) \s*:\s*
    """,
    re.VERBOSE,
)
_MARKS = ('":', "':", '" :', "' :")
_QUOTE = re.compile(r"""(?<!\\)(?P<slashes>\\*)(?P<mark>["'])|[{}\[\]]""")
_BARE = re.compile(r"""[^\s,}\]"'\\]*""")
_CONSTANTS = {"": None, "null": None, "true": True, "false": False, "None": None}


def without_links(text: str) -> str:
    """`text`, of whose signed URLs the query is masked, and of others the password."""
    if "=" in text and ("?" in text or "#" in text):
        text = _QUERY.sub(_unsigned, text)
    if "://" in text and "@" in text:
        text = _PASSWORD.sub(rf"\1{MASK}", text)
    return text


def without_quoted(text: str, judge: Judge) -> str:
    """`text` with `judge` asked about what follows a name in quotes and a colon.

    Such text is JSON that was cut, is one of several, or has words around it.
    """
    if ":" not in text or not any(mark in text for mark in _MARKS):
        return text
    parts: list[str] = []
    done = 0
    for found in _NAMED.finditer(text):
        if found.start() < done or judge(found["name"], MASK) is None:
            continue
        end = _end(text, found)
        shown = judge(found["name"], _value(text[found.end() : end], found["quote"]))
        if shown is not None:
            parts += [text[done : found.end()], found["quote"], shown, found["quote"]]
            done = end
    return "".join([*parts, text[done:]])


def _unsigned(found: re.Match[str]) -> str:
    """A query with its `?`, masked if a parameter of it, however encoded, is a signature."""
    whole = found.group()
    query = whole.rstrip(_AFTER_QUERY)
    plain = unquote(unquote(query.replace("\\u0026", "&").replace("&amp;", "&")))
    parameters = (part.partition("=") for part in _PARAMETERS.split(plain))
    if any(equals and signs(name, value) for name, equals, value in parameters):
        return f"{whole[0]}{MASK}{whole[len(query) :]}"
    return whole


def _end(text: str, found: re.Match[str]) -> int:
    """Where the value ends that follows the name `found`: a string, a bracket or a bare word."""
    start, mark, level = found.end(), found["mark"], len(found["slashes"])
    quoted = text.startswith(found["quote"], start)
    if not quoted and text[start : start + 1] not in ("{", "["):
        return _bare_end(text, start)
    depth, inside = 0, False
    for token in _QUOTE.finditer(text, start):
        if token["mark"] is None:
            if not inside:
                depth += 1 if token.group() in "{[" else -1
        elif token["mark"] == mark:
            slashes = len(token["slashes"])
            if slashes < level:
                return token.start()
            if slashes % (2 * (level + 1)) == level:
                inside = not inside
        if depth == 0 and not inside:
            return token.end()
    return len(text)


def _bare_end(text: str, start: int) -> int:
    bare = _BARE.match(text, start)
    return bare.end() if bare else start


def _value(raw: str, quote: str) -> Any:
    """What `raw` says, as far as it matters to a judge."""
    if raw.startswith(quote):
        return raw.removeprefix(quote).removesuffix(quote)
    if raw in ("{}", "[]"):
        return None
    if raw in _CONSTANTS:
        return _CONSTANTS[raw]
    return int(raw) if re.fullmatch(r"[0-9]{1,15}", raw) else raw
