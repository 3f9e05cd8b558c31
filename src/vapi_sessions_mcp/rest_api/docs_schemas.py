"""JSON Schemas in a reader's words, as HTML; whatever comes from the schema is escaped."""

import json
import re
from collections.abc import Iterable
from html import escape

from vapi_sessions_mcp.rest_api.openapi_schemas import Json

_NULL = {"type": "null"}


def code(text: object) -> str:
    """`text` as it is written in a program."""
    return f"<code>{escape(str(text))}</code>"


def prose(text: str) -> str:
    """A sentence with names between backquotes, as in OpenAPI's descriptions."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML already; the first of each row names it."""
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = "".join(f"<tr>{_cells(*row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(name: str, *others: str) -> str:
    return f'<th scope="row">{name}</th>' + "".join(f"<td>{cell}</td>" for cell in others)


def named(name: str, required: bool, *, place: str = "") -> str:
    """The name of a field or parameter, marked where it is required."""
    return code(name) + (f" <em>required{place}</em>" if required else "")


def schema_as_html(schema: Json) -> str:
    """An object's description, fields and conditions."""
    required = schema.get("required", ())
    properties: dict[str, Json] = schema["properties"]
    rows = [
        (named(name, name in required), in_words(field), prose(field.get("description", "")))
        for name, field in properties.items()
    ]
    parts = [
        f"<p>{prose(schema.get('description', ''))}</p>",
        table(("Field", "Type", "Description"), rows),
    ]
    if any(_NULL in field.get("anyOf", ()) for field in properties.values()):
        parts.append("<p>A field that is not required may be null, which means not given.</p>")
    for rule in (schema, *schema.get("allOf", ())):
        if ways := rule.get("anyOf"):
            items = "".join(f"<li>{_way(way)}</li>" for way in ways)
            parts.append(f"<p>At least one of these must hold:</p><ul>{items}</ul>")
    return "".join(parts)


def in_words(schema: Json) -> str:
    """What a value may be, such as "integer, 1 to 1000"."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if {"format": "date-time"} in schema.get("anyOf", ()):
        return "string (a date, or date and time, ISO 8601)"
    if ways := schema.get("anyOf"):
        return " or ".join(in_words(way) for way in ways if way != _NULL)
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return " or ".join(code(value) for value in schema["enum"])
    return ", ".join(filter(None, (_kind(schema), *_limits(schema)))) or "anything"


def _kind(schema: Json) -> str:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = " or ".join(escape(kind) for kind in kinds)
    if "items" in schema:
        item = in_words(schema["items"])
        words += f" of ({item})" if ", " in item else f" of {item}"
    return words


def _limits(schema: Json) -> Iterable[str]:
    most = schema.get("maximum", schema.get("exclusiveMaximum", 0) - 1)
    yield _range(schema.get("minimum"), most if most >= 0 else None)
    yield _range(schema.get("minLength"), schema.get("maxLength"), " characters")
    yield _range(schema.get("minItems"), None, " items")
    if pattern := schema.get("pattern"):
        yield f"matching {code(pattern)}"
    for part in schema.get("allOf", ()):
        yield "with " + " and ".join(code(name) for name in part["required"])


def _range(least: int | None, most: int | None, unit: str = "") -> str:
    match least, most:
        case None, None:
            return ""
        case None, _:
            return f"at most {most}{unit}"
        case 1, None if unit:
            return "not empty"
        case _, None:
            return f"{least} or more{unit}"
        case _:
            return f"{least} to {most}{unit}"


def _way(way: Json) -> str:
    """One alternative: what it asks of some of the fields."""
    required = way.get("required", ())
    rules = [
        f"no {code(name)}"
        if rule == _NULL
        else f"{named(name, name in required)}: {in_words(rule)}"
        for name, rule in way["properties"].items()
    ]
    title = f"{escape(way['title'])}: " if "title" in way else ""
    return title + "; ".join(rules)
