"""What holds for any arguments at all, looked for by machine."""

import json
from collections.abc import Iterable

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.arguments import (
    GOOD,
    OURS,
    SCHEMAS,
    Given,
    accepted,
    any_arguments,
    any_text,
    anything,
    every_operation,
    known,
    nulls,
    parts,
    telling,
    with_nulls,
)
from support.properties import examples
from vapi_sessions_mcp.contract.operations import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
    Operation,
)
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.errors import BadArguments

pytestmark = pytest.mark.unmeasured


@every_operation
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
@examples(2 / 3)
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
    # The bound of a whole day is one of the day after it: createdAtLe is createdAtLt then.
    assert _sides(name for name, _ in request.query()) == _sides(sent)


@every_operation
@examples(2 / 3)
@given(data=st.data())
def test_a_null_changes_nothing_wherever_an_argument_is_optional(
    operation: Operation, data: st.DataObject
) -> None:
    # Several frameworks send null for everything they leave out.
    arguments = data.draw(GOOD[operation])
    filled = with_nulls(arguments, SCHEMAS[operation])
    assert parts(parse(operation.request, filled)) == parts(parse(operation.request, arguments))


@pytest.mark.parametrize("operation", [CREATE, UPDATE], ids=lambda row: row.short_name)
@examples(2 / 3)
@given(data=st.data())
def test_a_body_as_json_text_is_the_same_body(operation: Operation, data: st.DataObject) -> None:
    # Models often write an object as text, and must not get another session for it.
    arguments = data.draw(GOOD[operation])
    text = {**arguments, "body": json.dumps(arguments["body"])}
    assert parts(parse(operation.request, text)) == parts(parse(operation.request, arguments))


@pytest.mark.parametrize("operation", [GET, UPDATE, DELETE], ids=lambda row: row.short_name)
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


@given(filters=any_arguments)
@example(filters={"assistantOverrides": {"name": "\ud800"}})
def test_any_filters_that_are_accepted_can_be_put_in_a_url(filters: Given) -> None:
    # What cannot be encoded would end in a stack trace.
    if (request := accepted(LIST, filters)) is not None:
        assert str(httpx2.QueryParams(tuple(request.query()))).isascii()


def _sides(names: Iterable[str]) -> set[str]:
    """Names of filters, with those of a time by the side that they bound."""
    return {name[:-1] if name[:-2] in ("createdAt", "updatedAt") else name for name in names}
