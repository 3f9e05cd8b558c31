"""A summary of what was masked, and what is masked of a summary: the same, for any session."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.generated import FIELDS, Json, in_calls, in_chats, oddly_said
from support.secret_names import SECRETS
from vapi_sessions_mcp.clock import real
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.contract.requests import GetRequest
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.views.answer import Shape
from vapi_sessions_mcp.views.masking import mask_all, mask_personal, mask_secrets
from vapi_sessions_mcp.views.summary import summary

pytestmark = pytest.mark.unmeasured

HIDDEN = (
    *("+14155550123", "ana@example.com", "sip:ana@example.com", "https://a.example/?sig=abc"),
    *('{"apiKey": "k"}', '[["apiKey", "k"]]', '{"number": "+14155550123"}', "postgres://u:p@h/d"),
)
names = st.sampled_from([*SECRETS, *FIELDS, "value", "key", "number", "header", *HIDDEN])
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=90)
    | st.sampled_from(HIDDEN)
    | st.sampled_from([4_155_550_123, 14_155_550_123])
)
anything: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
said = st.sampled_from([*in_calls(), *in_chats(), *oddly_said()])
parts = st.sampled_from(["role", "content", "message", "result", "name", "time", "tool_calls"])
messages = st.lists(said | anything | st.dictionaries(parts, anything, max_size=4), max_size=6)
customers = st.dictionaries(st.sampled_from(["name", "number", "sipUri", "value"]), anything)


def a_session(some: Json, known: Json, id: str) -> Json:
    return {**some, **known, "id": id}


def a_page(rows: list[Json], around: Json, more: Json) -> Json:
    return {**more, "results": rows, **around}


sessions = st.builds(
    a_session,
    st.dictionaries(names | st.text(max_size=9), anything, max_size=4),
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("name", "status", "createdAt", "updatedAt", "cost"), anything),
            "expirationSeconds": anything,
            "messages": messages | anything,
            "customer": customers | anything,
        },
    ),
    st.uuids().map(str) | st.sampled_from(HIDDEN),
)
pages = st.builds(
    a_page,
    st.lists(sessions, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            "metadata": st.dictionaries(
                st.sampled_from(["currentPage", "totalPages", "totalItems", "itemsPerPage"]),
                st.integers(0, 10**10) | anything,
            )
            | anything
        },
    ),
    st.dictionaries(names, anything, max_size=2),
)


@pytest.mark.parametrize("mask", [mask_secrets, mask_personal, mask_all])
@given(session=sessions)
def test_a_summary_is_masked_before_or_after_alike(mask: Any, session: Json) -> None:
    # What is cut before it is masked could show half of a secret.
    assert summary(session, mask) == summary(mask(session))


@pytest.mark.parametrize("mask_pii", [False, True])
@given(session=sessions)
def test_so_is_what_get_answers(mask_pii: bool, session: Json) -> None:
    # Its note is made of fields, too.
    shape, request = Shape(Settings(mask_pii=mask_pii), real), parse(GetRequest, {"id": "s-1"})
    asked = request.model_copy(update={"view": "summary"})
    assert shape.session(session, asked) == shape.session(shape.masked(session), asked)


@pytest.mark.parametrize("mask_pii", [False, True])
@pytest.mark.parametrize("view", ["summary", None])
@given(page=pages)
def test_so_is_what_list_answers(mask_pii: bool, view: str | None, page: Json) -> None:
    # In a page it is one pass for all rows, and what is around them is masked as well.
    shape = Shape(Settings(mask_pii=mask_pii, max_result_bytes=2_000), real)
    request = parse(ListRequest, {"view": view} if view else {})
    whole = shape.page(shape.masked(page), request, is_masked=True)
    assert shape.page(page, request) == whole


@pytest.mark.parametrize("space", [" ", "\n", " \t " * 99])
def test_the_last_line_is_the_same_however_long_the_text_is(space: str) -> None:
    # Of a long one only the beginning is looked at.
    for count in (1, 5, 20, 200):
        said = f"{space}word" * count
        line = summary({"id": "s-1", "messages": [said]})["lastMessage"]
        assert line == summary({"id": "s-1", "messages": [" ".join(said.split())]})["lastMessage"]
