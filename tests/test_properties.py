"""What holds for any arguments at all, looked for by machine."""

import json
from datetime import timedelta, timezone
from functools import partial
from typing import Any, TypeAlias, cast

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from vapi_sessions_mcp.errors import BadArguments
from vapi_sessions_mcp.models import Request
from vapi_sessions_mcp.operations import CREATE, DELETE, GET, LIST, OPERATIONS, UPDATE, Operation
from vapi_sessions_mcp.schemas import input_schema
from vapi_sessions_mcp.validation import parse

Given: TypeAlias = dict[str, Any]
Json: TypeAlias = SearchStrategy[Any]

# Arguments of list that are ours and are never sent: extend where it learns more than Vapi offers.
OURS = {"view", "status", "contains", "maxScan"}

bounded = settings(max_examples=150, deadline=None, derandomize=True)
fewer = settings(bounded, max_examples=50)
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
phone_numbers = st.from_regex(r"\+[1-9][0-9]{2,14}", fullmatch=True)
zones = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
times = st.datetimes(timezones=zones).map(lambda time: time.isoformat())


def values(name: str, schema: Given) -> Json:
    """What a published schema and its description allow."""
    match schema["type"]:
        case "string" if "enum" in schema:
            return st.sampled_from(cast("list[str]", schema["enum"]))
        case "string" if schema.get("format") == "date-time":
            return times
        case "string" if name == "id" and "minLength" not in schema:
            return st.from_regex("[A-Za-z0-9_-]{1,128}", fullmatch=True)
        case "string" if name == "number":
            return phone_numbers
        case "string":
            least, most = schema.get("minLength", 0), min(schema.get("maxLength", 99), 99)
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
    """What the descriptions ask for besides: something to update, one way to choose messages."""
    if operation is UPDATE:
        body: Given = arguments.setdefault("body", {})
        if "appendMessages" in arguments:
            body.pop("messages", None)
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


@every_operation
@bounded
@given(data=st.data())
def test_any_arguments_become_a_request_or_a_message_that_can_be_sent(
    operation: Operation, data: st.DataObject
) -> None:
    # Anything else that a model writes would end in a stack trace or a broken connection.
    arguments = data.draw(any_arguments)
    if data.draw(st.booleans()):
        arguments |= data.draw(GOOD[operation])
        arguments |= data.draw(st.dictionaries(known | any_text, anything, max_size=2))
    if (request := accepted(operation, arguments)) is not None:
        json.dumps(request.content(), allow_nan=False, ensure_ascii=False).encode()
        return
    with pytest.raises(BadArguments) as refusal:
        parse(operation.request, arguments)
    assert all(problem.startswith(("`", "There are ")) for problem in refusal.value.problems)
    assert str(refusal.value).encode()


@every_operation
@fewer
@given(data=st.data())
def test_what_the_published_schema_allows_is_accepted_and_invents_no_null(
    operation: Operation, data: st.DataObject
) -> None:
    # A model that follows the schema must never be refused, and must get what it wrote.
    arguments = data.draw(GOOD[operation])
    request = parse(operation.request, arguments)
    assert request.content() == arguments.get("body")
    assert nulls(request.content() or {}) == 0
    sent = arguments.keys() - OURS if operation is LIST else set[str]()
    assert {name for name, _ in request.query()} == sent


@every_operation
@fewer
@given(data=st.data())
def test_a_null_changes_nothing_wherever_an_argument_is_optional(
    operation: Operation, data: st.DataObject
) -> None:
    # Several frameworks send null for everything they leave out.
    arguments = data.draw(GOOD[operation])
    filled = with_nulls(arguments, SCHEMAS[operation])
    assert parts(parse(operation.request, filled)) == parts(parse(operation.request, arguments))


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


@pytest.mark.parametrize("operation", [CREATE, UPDATE], ids=lambda row: row.short_name)
@fewer
@given(data=st.data())
def test_a_body_as_json_text_is_the_same_body(operation: Operation, data: st.DataObject) -> None:
    # Models often write an object as text, and must not get another session for it.
    arguments = data.draw(GOOD[operation])
    text = {**arguments, "body": json.dumps(arguments["body"])}
    assert parts(parse(operation.request, text)) == parts(parse(operation.request, arguments))


@pytest.mark.parametrize("operation", [GET, UPDATE, DELETE], ids=lambda row: row.short_name)
@bounded
@given(value=any_text | telling | st.from_regex(r"[A-Za-z0-9_./?#%-]{1,140}", fullmatch=True))
@example(value="..")
@example(value="a%2fb")
@example(value="x" * 128)
def test_any_id_that_is_accepted_is_one_segment_of_the_path(
    operation: Operation, value: str
) -> None:
    # Otherwise an id could reach another resource with the same key.
    arguments: Given = {"id": value, "body": {}} if operation is UPDATE else {"id": value}
    if (request := accepted(operation, arguments)) is None:
        return
    url = httpx2.URL("https://api.vapi.ai" + operation.path.format(**request.path()))
    assert url.raw_path.decode().split("/") == ["", "session", value]
    assert (url.query, url.fragment) == (b"", "")


@bounded
@given(filters=any_arguments)
@example(filters={"assistantOverrides": {"name": "\ud800"}})
def test_any_filters_that_are_accepted_can_be_put_in_a_url(filters: Given) -> None:
    # What cannot be encoded would end in a stack trace.
    if (request := accepted(LIST, filters)) is not None:
        assert str(httpx2.QueryParams(tuple(request.query()))).isascii()
