"""Arguments made by hypothesis, out of the published schemas and against them."""

from datetime import date, timedelta, timezone
from functools import partial
from typing import Any, TypeAlias, cast

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from vapi_sessions_mcp.contract.operations import (
    GET,
    LIST,
    OPERATIONS,
    UPDATE,
    Operation,
)
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.contract.requests import Request
from vapi_sessions_mcp.contract.schemas import input_schema
from vapi_sessions_mcp.errors import BadArguments

Given: TypeAlias = dict[str, Any]
Json: TypeAlias = SearchStrategy[Any]


# Arguments of list that are ours and are never sent: extend where it learns more than Vapi offers.
OURS = {"view", "status", "contains", "maxScan"}
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: row.short_name)


# Lone surrogates, NaN and infinities are among what a lenient JSON parser hands on.
any_text = st.text(st.characters(exclude_categories=()), max_size=50)
any_number = st.integers() | st.integers(min_value=2**60) | st.floats()


# Words that mean something to one rule or another.
telling = st.sampled_from(
    [
        *("", "..", "true", "active", "user", "5", "60.0", "+14155550123", "2026-11-20", "a,b"),
        *("{}", "[]", '{"a": NaN}', '[{"role": "user"}]', '{"\\ud800": 1e400}', "[" * 2000),
    ]
)


def names_in(schema: Given) -> set[str]:
    """Every property name anywhere in a schema."""
    names: set[str] = set()
    for name, child in cast("dict[str, Given]", schema.get("properties", {})).items():
        names |= {name} | names_in(child) | names_in(child.get("items", {}))
    return names


def nested(leaves: Json, names: SearchStrategy[str]) -> Json:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=10,
    )


known = st.sampled_from(
    sorted({n for row in OPERATIONS for n in names_in(input_schema(row.request))})
)
anything = nested(st.none() | st.booleans() | any_number | any_text | telling, known | any_text)
any_arguments = st.dictionaries(known | any_text, anything, max_size=8)
plain_text = st.text(max_size=50)
plain_number = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
no_null = nested(st.booleans() | plain_number | plain_text, plain_text)
free_form = st.dictionaries(plain_text, no_null, max_size=4)
ids = st.from_regex("[A-Za-z0-9_-]{1,128}", fullmatch=True)
phone_numbers = st.from_regex(r"\+[1-9][0-9]{2,14}", fullmatch=True)
zones = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
days = st.dates(max_value=date.max - timedelta(days=1))
times = (st.datetimes(timezones=zones) | days).map(lambda time: time.isoformat())


def values(name: str, schema: Given) -> Json:
    """What a published schema and its description allow."""
    match schema["type"]:
        case "string" if "enum" in schema:
            return st.sampled_from(cast("list[str]", schema["enum"]))
        case "string" if name[:-2] in ("createdAt", "updatedAt"):
            return times
        case "string" if name == "id" and "minLength" not in schema:
            return ids
        case "string" if name == "number":
            return phone_numbers
        case "string" if name.endswith("Any"):
            items = phone_numbers if "Number" in name else ids
            return st.lists(items, min_size=1, max_size=3).map(",".join)
        case "string":
            # An empty text is refused where it is no value; the tool's schema leaves that out.
            least, most = schema.get("minLength", 1), min(schema.get("maxLength", 99), 99)
            return st.text(min_size=least, max_size=most).filter(no_json)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return plain_number
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(values(name, schema["items"]), min_size=1, max_size=3)
        case _:
            return objects(schema)


def objects(schema: Given) -> SearchStrategy[Given]:
    if "properties" not in schema:
        return free_form
    properties = cast("dict[str, Given]", schema["properties"])
    fields = {name: values(name, child) for name, child in properties.items()}
    required = {name: fields.pop(name) for name in schema.get("required", [])}
    return st.fixed_dictionaries(required, optional=fields)


def no_json(text: str) -> bool:
    return not text.lstrip().startswith(("[", "{"))


def coherent(operation: Operation, arguments: Given) -> Given:
    """What the descriptions ask for besides.

    Something to update, one way to choose messages, no page of a scan.
    """
    if operation is LIST and arguments.keys() & {"status", "contains"}:
        arguments.pop("page", None)
        if arguments.get("sortBy") == "duration":
            del arguments["sortBy"]
    if operation is UPDATE:
        body: Given = arguments.setdefault("body", {})
        if "appendMessages" in arguments:
            body.pop("messages", None)
        elif all(value is None for value in body.values()):
            body["name"] = "changed"
    if operation is GET and (window := arguments.get("messages")) is not None:
        arguments.pop("view", None)
        chosen = next((name for name in ("first", "last", "from", "to") if name in window), None)
        arguments["messages"] = {k: v for k, v in window.items() if k in (chosen, "role")}
    return arguments


SCHEMAS = {row: input_schema(row.request) for row in OPERATIONS}
GOOD = {row: objects(schema).map(partial(coherent, row)) for row, schema in SCHEMAS.items()}


def nulls(node: Any) -> int:
    if isinstance(node, dict):
        return sum(nulls(child) for child in cast("Given", node).values())
    if isinstance(node, list):
        return sum(nulls(child) for child in cast("list[Any]", node))
    return node is None


def accepted(operation: Operation, arguments: Given) -> Request | None:
    """The request, or None where the arguments are refused."""
    try:
        return parse(operation.request, arguments)
    except BadArguments:
        return None


def parts(request: Request) -> tuple[object, ...]:
    return request.path(), request.query(), request.content()


def with_nulls(given: Given, schema: Given) -> Given:
    """The same arguments, with null for every known one that is absent, at every level."""
    filled: Given = dict.fromkeys(set(schema["properties"]) - set(schema.get("required", [])))
    for name, value in given.items():
        child = cast("Given", schema["properties"][name])
        if "properties" in child:
            filled[name] = with_nulls(value, child)
        elif "properties" in child.get("items", {}):
            filled[name] = [with_nulls(item, child["items"]) for item in value]
        else:
            filled[name] = value
    return filled
