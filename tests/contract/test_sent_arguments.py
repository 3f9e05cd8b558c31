"""What is sent to Vapi is exactly what was given."""

import json
from typing import Any, TypeAlias

import httpx2
import pytest

from support.tools import CREATE, DELETE, GET, LIST, UPDATE
from support.upstream import Connect, Upstream

pytestmark = pytest.mark.anyio

Given: TypeAlias = dict[str, Any]
ID = "session_xyz789"
HELLO: Given = {"role": "user", "content": "Hello"}


# The body as given, and the JSON text that Vapi receives.
BODIES: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "{}"),
    "only what was given": ({"name": "Maya"}, '{"name":"Maya"}'),
    "null means not given": (
        {"name": None, "status": None, "expirationSeconds": None, "messages": None},
        "{}",
    ),
    "null objects": (
        {"customer": None, "assistant": None, "assistantOverrides": None, "phoneNumber": None},
        "{}",
    ),
    "null in customer": (
        {"customer": {"name": "Maya", "number": None, "numberE164CheckEnabled": None}},
        '{"customer":{"name":"Maya"}}',
    ),
    "only nulls in customer": ({"customer": {"name": None, "email": None}}, '{"customer":{}}'),
    "null in messages": (
        {"messages": [{**HELLO, "name": None, "time": None, "tool_calls": None}]},
        '{"messages":[{"role":"user","content":"Hello"}]}',
    ),
    "null in an open object": (
        {"assistantOverrides": {"variableValues": {"plan": None}}},
        '{"assistantOverrides":{"variableValues":{"plan":null}}}',
    ),
    "null in a customer's open object": (
        {"customer": {"assistantOverrides": {"model": None}}},
        '{"customer":{"assistantOverrides":{"model":null}}}',
    ),
    "null in tool calls": (
        {"messages": [{"role": "assistant", "tool_calls": [{"function": None}]}]},
        '{"messages":[{"role":"assistant","tool_calls":[{"function":null}]}]}',
    ),
    "null under unknown names": (
        {"metadata": None, "customer": {"notes": None}, "messages": [{**HELLO, "mood": None}]},
        '{"messages":[{"role":"user","content":"Hello","mood":null}],'
        '"customer":{"notes":null},"metadata":null}',
    ),
    "unknown names": (
        {"metadata": {"a": [1, 2.5, True, "é"]}},
        '{"metadata":{"a":[1,2.5,true,"é"]}}',
    ),
    "names that Python uses": (
        {"model_config": 1, "given": 2, "__dict__": 3, "self": 4},
        '{"model_config":1,"given":2,"__dict__":3,"self":4}',
    ),
    "body as JSON text": (' {"name": "Maya", "status": null}', '{"name":"Maya"}'),
    "messages as JSON text": (
        {"messages": '[{"role": "user", "content": "Hello", "name": null}]'},
        '{"messages":[{"role":"user","content":"Hello"}]}',
    ),
    "a message as JSON text": (
        {"messages": ['{"role": "bot", "message": "Hi"}']},
        '{"messages":[{"role":"bot","message":"Hi"}]}',
    ),
    "objects as JSON text": (
        {
            "customer": '{"number": "+14155550123", "email": null}',
            "assistant": '{"name": "Riley", "voice": null}',
            "squad": "\n{}",
        },
        '{"assistant":{"name":"Riley","voice":null},"squad":{},'
        '"customer":{"number":"+14155550123"}}',
    ),
    "tool calls as JSON text": (
        {"messages": [{"role": "assistant", "tool_calls": '[{"id": "c1"}]'}]},
        '{"messages":[{"role":"assistant","tool_calls":[{"id":"c1"}]}]}',
    ),
    "text that only looks like JSON": (
        {"name": '{"a": 1}', "messages": [{"role": "user", "content": "[1]"}]},
        '{"name":"{\\"a\\": 1}","messages":[{"role":"user","content":"[1]"}]}',
    ),
    "whole number as text": ({"expirationSeconds": "3600"}, '{"expirationSeconds":3600}'),
    "whole number as float text": ({"expirationSeconds": "3600.0"}, '{"expirationSeconds":3600}'),
    "whole number as float": ({"expirationSeconds": 3600.0}, '{"expirationSeconds":3600}'),
    "lowest lifetime": ({"expirationSeconds": 60}, '{"expirationSeconds":60}'),
    "highest lifetime": ({"expirationSeconds": 2_592_000}, '{"expirationSeconds":2592000}'),
    "numbers of a message": (
        {
            "messages": [
                {"role": "bot", "message": "", "time": 1795165200123, "secondsFromStart": 0}
            ]
        },
        '{"messages":[{"role":"bot","message":"","time":1795165200123,"secondsFromStart":0}]}',
    ),
    "numbers of a message as text": (
        {"messages": [{"role": "bot", "time": "1795165200123", "secondsFromStart": "-1.50e1"}]},
        '{"messages":[{"role":"bot","time":1795165200123,"secondsFromStart":-15.0}]}',
    ),
    "boolean as text": (
        {"customer": {"numberE164CheckEnabled": "False", "number": "abc"}},
        '{"customer":{"numberE164CheckEnabled":false,"number":"abc"}}',
    ),
    "boolean": (
        {"customer": {"number": "+14155550123", "numberE164CheckEnabled": True}},
        '{"customer":{"numberE164CheckEnabled":true,"number":"+14155550123"}}',
    ),
    "empty texts": (
        {"name": "", "customer": {"sipUri": "", "email": ""}},
        '{"name":"","customer":{"sipUri":"","email":""}}',
    ),
    "integers past 64 bits": ({"x": 2**70}, f'{{"x":{2**70}}}'),
    "forty characters beyond the BMP": ({"name": "😀" * 40}, f'{{"name":"{"😀" * 40}"}}'),
    "content as parts": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "x": None}]}]},
        '{"messages":[{"role":"user","content":[{"type":"text","text":"Hi","x":null}]}]}',
    ),
    "both shapes of message": (
        {
            "messages": [
                {"role": "developer", "content": "Be brief", "metadata": {"a": 1}},
                {"role": "tool", "content": "42", "tool_call_id": "c1", "name": "sum"},
                {"role": "tool_call_result", "toolCallId": "c1", "result": "42"},
            ]
        },
        '{"messages":[{"role":"developer","content":"Be brief","metadata":{"a":1}},'
        '{"role":"tool","content":"42","name":"sum","tool_call_id":"c1"},'
        '{"role":"tool_call_result","toolCallId":"c1","result":"42"}]}',
    ),
}


@pytest.mark.parametrize(("body", "expected"), list(BODIES.values()), ids=list(BODIES))
async def test_a_body_reaches_vapi_as_exactly_what_was_given(
    connect: Connect, upstream: Upstream, body: Any, expected: str
) -> None:
    # An invented null or default would change a session in a way that nobody asked for.
    async with connect() as client:
        await client.call_tool(CREATE, {"body": body})
    (request,) = upstream.requests
    assert (request.method, request.url.raw_path) == ("POST", b"/session")
    assert request.headers["Content-Type"] == "application/json"
    assert request.content.decode() == expected


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"expiration_seconds": 3600}, id="body"),
        pytest.param({"assistant_id": None}, id="null"),
        pytest.param({"customer": {"external_id": "c-1"}}, id="customer"),
        pytest.param({"messages": [{**HELLO, "seconds_from_start": 1}]}, id="message"),
        pytest.param({"customer_id": "c1", "customerId": "c2"}, id="both spellings"),
    ],
)
async def test_a_snake_case_name_in_the_body_is_sent_on_and_invents_nothing(
    connect: Connect, upstream: Upstream, body: Given
) -> None:
    # Vapi judges it; a null beside it, under Vapi's own name, would erase a value.
    async with connect() as client:
        await client.call_tool(CREATE, {"body": body})
    (request,) = upstream.requests
    assert json.loads(request.content) == body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "Maya", "status": None, "messages": None}, '{"name":"Maya"}'),
        ('{"status": "completed"}', '{"status":"completed"}'),
        ({"messages": []}, '{"messages":[]}'),
        ({"customer": {"name": None}, "x": None}, '{"customer":{"name":null},"x":null}'),
    ],
    ids=["nulls", "JSON text", "emptied", "unknown names"],
)
async def test_an_update_sends_only_what_changes(
    connect: Connect, upstream: Upstream, body: Any, expected: str
) -> None:
    # PATCH overwrites whatever it names: a null or a default nobody wrote would destroy data.
    upstream.answers = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"id": ID}))
    async with connect() as client:
        await client.call_tool(UPDATE, {"id": ID, "body": body})
    (request,) = [request for request in upstream.requests if request.method != "GET"]
    assert (request.method, request.url.raw_path) == ("PATCH", b"/session/session_xyz789")
    assert request.content.decode() == expected


# The filters as given, and the query string that Vapi receives.
QUERIES: dict[str, tuple[Given, str]] = {
    "nothing": ({}, ""),
    "null means not given": (
        {"limit": None, "number": None, "idAny": None, "createdAtGt": None},
        "",
    ),
    "null beside a value": ({"limit": 5, "page": None}, "limit=5"),
    "null in an object": (
        {"assistantOverrides": {"model": None}},
        "assistantOverrides=%7B%22model%22%3Anull%7D",
    ),
    "zero rows": ({"limit": 0}, "limit=0"),
    "most rows": ({"limit": 1000, "page": 1}, "page=1&limit=1000"),
    "numbers as text": ({"limit": "10", "page": "2.0"}, "page=2&limit=10"),
    "numbers as floats": ({"limit": 10.0, "page": 2.0}, "page=2&limit=10"),
    "flag": ({"numberE164CheckEnabled": False}, "numberE164CheckEnabled=false"),
    "flag as text": ({"numberE164CheckEnabled": "TRUE"}, "numberE164CheckEnabled=true"),
    "E.164": ({"number": "+14155550123"}, "number=%2B14155550123"),
    "number without the check": (
        {"number": "1234", "numberE164CheckEnabled": False},
        "numberE164CheckEnabled=false&number=1234",
    ),
    "separators": ({"name": "a&b=c"}, "name=a%26b%3Dc"),
    "a comma stays inside": ({"name": "Doe, Jane"}, "name=Doe%2C+Jane"),
    "percent and hash": ({"externalId": "50%#1?"}, "externalId=50%25%231%3F"),
    "Unicode": ({"name": "Zoë 😀"}, "name=Zo%C3%AB+%F0%9F%98%80"),
    "SIP URI": ({"sipUri": "sip:maya@example.com"}, "sipUri=sip%3Amaya%40example.com"),
    "an id that Vapi would not have": ({"id": "../x"}, "id=..%2Fx"),
    "comma text": ({"idAny": "a,b"}, "idAny=a%2Cb"),
    "comma array": ({"assistantIdAny": ["a", "b"]}, "assistantIdAny=a%2Cb"),
    "comma array as JSON text": (
        {"customerNumberAny": '["+14155550123", "+14155550124"]'},
        "customerNumberAny=%2B14155550123%2C%2B14155550124",
    ),
    "numbers, however they are separated": (
        {"customerNumberAny": "+14155550123 +14155550124; +14155550125\n+14155550126,"},
        "customerNumberAny=%2B14155550123%2C%2B14155550124%2C%2B14155550125%2C%2B14155550126",
    ),
    "ids, however they are separated": ({"idAny": " a b;c\nd , "}, "idAny=a%2Cb%2Cc%2Cd"),
    "repeated from spaced text": (
        {"phoneNumberIdAny": "a b"},
        "phoneNumberIdAny=a&phoneNumberIdAny=b",
    ),
    "repeated array": (
        {"phoneNumberIdAny": ["a", "b&c"]},
        "phoneNumberIdAny=a&phoneNumberIdAny=b%26c",
    ),
    "repeated from comma text": (
        {"phoneNumberIdAny": "a, b"},
        "phoneNumberIdAny=a&phoneNumberIdAny=b",
    ),
    "repeated from JSON text": ({"phoneNumberIdAny": '["a"]'}, "phoneNumberIdAny=a"),
    "object": (
        {"assistantOverrides": {"variableValues": {"name": "Zoë"}}},
        "assistantOverrides=%7B%22variableValues%22%3A%7B%22name%22%3A%22Zo%C3%AB%22%7D%7D",
    ),
    "object as JSON text": ({"squadOverrides": '{"a": 1}'}, "squadOverrides=%7B%22a%22%3A1%7D"),
    "date alone": ({"createdAtGe": "2026-11-20"}, "createdAtGe=2026-11-20T00%3A00%3A00Z"),
    "before a day": ({"createdAtLt": "2026-11-20"}, "createdAtLt=2026-11-20T00%3A00%3A00Z"),
    "until a day": ({"createdAtLe": "2026-11-20"}, "createdAtLt=2026-11-21T00%3A00%3A00Z"),
    "after a day": ({"updatedAtGt": "2028-02-28"}, "updatedAtGe=2028-02-29T00%3A00%3A00Z"),
    "one day": (
        {"createdAtGe": "2026-12-31", "createdAtLe": "2026-12-31"},
        "createdAtGe=2026-12-31T00%3A00%3A00Z&createdAtLt=2027-01-01T00%3A00%3A00Z",
    ),
    "until a day, and before a time in it": (
        {"createdAtLt": "2026-11-20T01:00:00+02:00", "createdAtLe": "2026-11-20"},
        "createdAtLt=2026-11-20T01%3A00%3A00%2B02%3A00",
    ),
    "after a day, and from a time in it": (
        {"createdAtGt": "2026-11-20", "createdAtGe": "2026-11-20T23:00:00-05:00"},
        "createdAtGe=2026-11-20T23%3A00%3A00-05%3A00",
    ),
    "lower case": (
        {"createdAtLt": "2026-11-20t09:30:00z"},
        "createdAtLt=2026-11-20T09%3A30%3A00Z",
    ),
    "24:00": ({"createdAtLe": "2026-11-30T24:00Z"}, "createdAtLe=2026-12-01T00%3A00%3A00Z"),
    "spaces": ({"createdAtGe": " 2026-11-20 "}, "createdAtGe=2026-11-20T00%3A00%3A00Z"),
    "spaces and an hour's offset": (
        {"createdAtGe": "2026-11-20 09:30 +02"},
        "createdAtGe=2026-11-20T09%3A30%2B02%3A00",
    ),
    "offset without a colon": (
        {"createdAtGt": "2026-11-20T09:30:00,5-0330"},
        "createdAtGt=2026-11-20T09%3A30%3A00.5-03%3A30",
    ),
    "time without zone": (
        {"createdAtLt": "2026-11-20T09:30:00"},
        "createdAtLt=2026-11-20T09%3A30%3A00Z",
    ),
    "time with zone": (
        {"updatedAtGt": "2026-11-20T09:30:00+02:00"},
        "updatedAtGt=2026-11-20T09%3A30%3A00%2B02%3A00",
    ),
    "time in UTC": (
        {"updatedAtLe": "2026-11-20T09:30:00.123Z"},
        "updatedAtLe=2026-11-20T09%3A30%3A00.123Z",
    ),
    "sorting": ({"sortBy": "cost", "sortOrder": "ASC"}, "sortOrder=ASC&sortBy=cost"),
}


@pytest.mark.parametrize(("filters", "expected"), list(QUERIES.values()), ids=list(QUERIES))
async def test_filters_reach_vapi_as_exactly_one_query_string(
    connect: Connect, upstream: Upstream, filters: Given, expected: str
) -> None:
    # A filter lost or mangled on the way answers another question, and nobody would notice.
    async with connect() as client:
        await client.call_tool(LIST, filters)
    (request,) = upstream.requests
    assert (request.method, request.url.path, request.content) == ("GET", "/session", b"")
    assert request.url.query.decode() == expected


@pytest.mark.parametrize("tool", [CREATE, LIST, GET, UPDATE, DELETE])
async def test_the_argument_that_a_host_adds_by_itself_is_dropped(
    connect: Connect, upstream: Upstream, tool: str
) -> None:
    # Gemini CLI sends `wait_for_previous` to every tool: refusing it would shut that host out.
    given: dict[str, Given] = {
        CREATE: {"body": {"name": "Maya"}},
        LIST: {"limit": 1},
        GET: {"id": ID},
        UPDATE: {"id": ID, "body": {"name": "Maya"}},
        DELETE: {"id": ID},
    }
    async with connect() as client:
        await client.call_tool(tool, given[tool])
        await client.call_tool(tool, {**given[tool], "wait_for_previous": True})
    plain, host = upstream.requests
    assert (host.method, host.url, host.content) == (plain.method, plain.url, plain.content)
    assert b"wait_for_previous" not in host.url.raw_path + host.content


@pytest.mark.parametrize("tool", [GET, DELETE])
@pytest.mark.parametrize("value", ["a", "Ab-9_", "-", "x" * 128, "null", ID])
async def test_an_id_of_plain_characters_is_one_path_segment_as_it_is(
    connect: Connect, upstream: Upstream, tool: str, value: str
) -> None:
    # Vapi's ids are UUIDs in its specification and other words in its documentation.
    async with connect() as client:
        await client.call_tool(tool, {"id": value})
    (request,) = upstream.requests
    assert request.url.raw_path == f"/session/{value}".encode()
    assert request.content == b""
