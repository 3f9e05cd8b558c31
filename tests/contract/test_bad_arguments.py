"""Bad arguments are refused by field and rule, before anything is sent."""

from typing import Any, TypeAlias

import httpx2
import pytest

from support.tools import CREATE, DELETE, GET, LIST, UPDATE, text
from support.upstream import Connect, Upstream

pytestmark = pytest.mark.anyio

Given: TypeAlias = dict[str, Any]
ID = "session_xyz789"
LONE = "\ud800"
FORTY_ONE = "x" * 41
HELLO: Given = {"role": "user", "content": "Hello"}


def created(**body: Any) -> tuple[str, Given]:
    return CREATE, {"body": body}


def listed(**filters: Any) -> tuple[str, Given]:
    return LIST, filters


def updated(**body: Any) -> tuple[str, Given]:
    return UPDATE, {"id": ID, "body": body}


def got(value: Any) -> tuple[str, Given]:
    return GET, {"id": value}


def said(**message: Any) -> tuple[str, Given]:
    return created(messages=[message])


def customer(**fields: Any) -> tuple[str, Given]:
    return created(customer=fields)


# What is called, the field that the answer must name, and the rule it must state.
BAD: dict[str, tuple[tuple[str, Given], str, str]] = {
    # The id becomes part of a URL: anything but one plain segment could reach another resource.
    "id: missing": ((GET, {}), "id", "is required"),
    "id: null": (got(None), "id", "is required"),
    "id: empty": (got(""), "id", "1 to 128"),
    "id: parent folder": (got(".."), "id", "got '..'"),
    "id: two segments": (got("a/b"), "id", "got 'a/b'"),
    "id: backslash": (got("a\\b"), "id", "1 to 128"),
    "id: query": (got("x?y"), "id", "got 'x?y'"),
    "id: fragment": (got("x#y"), "id", "1 to 128"),
    "id: percent": (got("%2e%2e"), "id", "1 to 128"),
    "id: space": (got("a b"), "id", "1 to 128"),
    "id: trailing newline": (got("abc\n"), "id", "1 to 128"),
    "id: NUL": (got("a\0b"), "id", "1 to 128"),
    "id: accent": (got("séance"), "id", "1 to 128"),
    "id: full-width digits": (got("\uff11\uff12\uff13"), "id", "1 to 128"),
    "id: 129 characters": (got("x" * 129), "id", "1 to 128"),
    "id: lone surrogate": (got(LONE), "id", "1 to 128"),
    "id: integer": (got(5), "id", "must be a string, got 5"),
    "id: float": (got(1.5), "id", "must be a string, got 1.5"),
    "id: boolean": (got(True), "id", "must be a string, got a boolean"),
    "id: array": (got(["a"]), "id", "must be a string, got an array"),
    "id: object": (got({}), "id", "must be a string, got an object"),
    "delete: missing": ((DELETE, {}), "id", "is required"),
    "delete: traversal": ((DELETE, {"id": "../call/1"}), "id", "1 to 128"),
    "delete: body": ((DELETE, {"id": ID, "body": {}}), "body", "is not an argument"),
    "update: traversal": ((UPDATE, {"id": "a/b", "body": {}}), "id", "1 to 128"),
    "update: no id": ((UPDATE, {"body": {}}), "id", "is required"),
    "update: no body": ((UPDATE, {"id": ID}), "body", "is required"),
    "update: null body": ((UPDATE, {"id": ID, "body": None}), "body", "is required"),
    "update: array body": ((UPDATE, {"id": ID, "body": []}), "body", "must be an object"),
    "update: long name": (updated(name=FORTY_ONE), "body.name", "at most 40 characters"),
    "update: short life": (updated(expirationSeconds=59), "body.expirationSeconds", "60 or more"),
    "update: status": (updated(status="done"), "body.status", "'active' or 'completed'"),
    "update: role": (updated(messages=[{}]), "body.messages[0].role", "is required"),
    # Vapi ignores what it does not know: a misspelt filter would return everything.
    "unknown: snake case": (listed(created_at_gt="x"), "created_at_gt", "`createdAtGt`?"),
    "unknown: capital": (listed(Limit=5), "Limit", "did you mean `limit`?"),
    "unknown: plural": (listed(assistantIds="a"), "assistantIds", "did you mean `assistantId`?"),
    "status: neither of the two": (listed(status="ended"), "status", "'active' or 'completed'"),
    "unknown: null": (listed(filter=None), "filter", "is not an argument"),
    "unknown: nothing like it": (listed(zzz=1), "zzz", "there are "),
    "unknown: get": ((GET, {"id": ID, "limit": 1}), "limit", "there are id"),
    "unknown: Id": ((GET, {"Id": ID}), "Id", "did you mean `id`?"),
    "unknown: Body": ((CREATE, {"Body": {}}), "Body", "did you mean `body`?"),
    "flat: create": ((CREATE, {"status": "active"}), "status", "inside `body`"),
    "flat: update": ((UPDATE, {"id": ID, "status": "active"}), "status", "inside `body`"),
    "body: missing": ((CREATE, {}), "body", "is required"),
    "body: null": ((CREATE, {"body": None}), "body", "is required"),
    "body: not JSON": ((CREATE, {"body": "hello"}), "body", "must be an object, got 'hello'"),
    "body: cut JSON": ((CREATE, {"body": '{"name": "a"'}), "body", "must be an object"),
    "body: JSON array": ((CREATE, {"body": "[]"}), "body", "must be an object, got an array"),
    "body: JSON null": ((CREATE, {"body": "null"}), "body", "must be an object, got 'null'"),
    "body: array": ((CREATE, {"body": [{}]}), "body", "must be an object, got an array"),
    "body: number": ((CREATE, {"body": 1}), "body", "must be an object, got 1"),
    "body: boolean": ((CREATE, {"body": False}), "body", "must be an object, got a boolean"),
    "body: empty": ((CREATE, {"body": ""}), "body", "must be an object, got ''"),
    "body: NaN": ((CREATE, {"body": '{"x": NaN}'}), "body", "finite numbers"),
    "body: Infinity": ((CREATE, {"body": '{"x": [-Infinity]}'}), "body", "finite numbers"),
    "body: 1e400": ((CREATE, {"body": '{"x": {"y": 1e400}}'}), "body", "finite numbers"),
    "body: deep": ((CREATE, {"body": "[" * 9999 + "]" * 9999}), "body", "must be an object"),
    "body: 5000 digits": ((CREATE, {"body": '{"x": ' + "9" * 5000 + "}"}), "body", "an object"),
    "body: lone surrogate": (created(x=[LONE]), "body", "valid Unicode"),
    "body: lone surrogate in a name": ((CREATE, {"body": '{"\\ud800": 1}'}), "body", "Unicode"),
    "body: lone surrogate, nested": (
        (CREATE, {"body": '{"metadata": {"\\udc00": 1}}'}),
        "body",
        "valid Unicode",
    ),
    "name: 41 characters": (created(name=FORTY_ONE), "body.name", "at most 40 characters"),
    "name: number": (created(name=5), "body.name", "must be a string, got 5"),
    "name: lone surrogate": (created(name=LONE), "body.name", "valid Unicode"),
    "status: unknown": (
        created(status="done"),
        "body.status",
        "'active' or 'completed', got 'done'",
    ),
    "status: capital": (created(status="Active"), "body.status", "'active' or 'completed'"),
    "status: empty": (created(status=""), "body.status", "'active' or 'completed'"),
    "status: boolean": (created(status=True), "body.status", "'active' or 'completed'"),
    "life: 59": (created(expirationSeconds=59), "body.expirationSeconds", "60 or more, got 59"),
    "life: 59 as text": (created(expirationSeconds="59"), "body.expirationSeconds", "60 or more"),
    "life: a month": (created(expirationSeconds=2592001), "body.expirationSeconds", "2592000"),
    "life: huge": (created(expirationSeconds=2**70), "body.expirationSeconds", "2592000 or less"),
    "life: half": (created(expirationSeconds=90.5), "body.expirationSeconds", "whole number"),
    "life: half as text": (created(expirationSeconds="90.5"), "body.expirationSeconds", "whole"),
    "life: words": (created(expirationSeconds="1 day"), "body.expirationSeconds", "whole number"),
    "life: empty": (created(expirationSeconds=""), "body.expirationSeconds", "whole number"),
    "life: boolean": (created(expirationSeconds=True), "body.expirationSeconds", "got a boolean"),
    "life: array": (created(expirationSeconds=[60]), "body.expirationSeconds", "got an array"),
    "assistantId: empty": (created(assistantId=""), "body.assistantId", "must not be empty"),
    "assistantId: number": (created(assistantId=1), "body.assistantId", "must be a string"),
    "squadId: object": (created(squadId={}), "body.squadId", "must be a string, got an object"),
    "customerId: empty": (created(customerId=""), "body.customerId", "must not be empty"),
    "phoneNumberId: float": (created(phoneNumberId=1.5), "body.phoneNumberId", "a string, got 1.5"),
    "assistant: words": (created(assistant="Riley"), "body.assistant", "must be an object"),
    "assistant: array": (created(assistant=[]), "body.assistant", "must be an object"),
    "squad: boolean": (created(squad=True), "body.squad", "must be an object, got a boolean"),
    "overrides: JSON array": (
        created(assistantOverrides="[]"),
        "body.assistantOverrides",
        "object",
    ),
    "phoneNumber: number": (created(phoneNumber="+14155550123"), "body.phoneNumber", "an object"),
    "customer: words": (created(customer="Maya"), "body.customer", "must be an object"),
    "customer: array": (created(customer=[]), "body.customer", "must be an object, got an array"),
    "customer: no +": (customer(number="14155550123"), "body.customer.number", "E.164"),
    "customer: integer": (customer(number=14155550123), "body.customer.number", "must be a string"),
    "customer: null flag": (
        customer(number="abc", numberE164CheckEnabled=None),
        "body.customer.number",
        "E.164",
    ),
    "customer: unchecked": (
        customer(number="a-b", numberE164CheckEnabled=False),
        "body.customer.number",
        "letters and digits",
    ),
    "customer: flag": (
        customer(numberE164CheckEnabled="off"),
        "body.customer.numberE164CheckEnabled",
        "must be true or false, got 'off'",
    ),
    "customer: name": (customer(name=FORTY_ONE), "body.customer.name", "at most 40"),
    "customer: e-mail": (customer(email=FORTY_ONE), "body.customer.email", "at most 40"),
    "customer: external id": (customer(externalId=FORTY_ONE), "body.customer.externalId", "40"),
    "customer: extension": (customer(extension="1" * 11), "body.customer.extension", "at most 10"),
    "customer: SIP URI": (customer(sipUri=5), "body.customer.sipUri", "must be a string, got 5"),
    "customer: overrides": (
        customer(squadOverrides="none"),
        "body.customer.squadOverrides",
        "must be an object",
    ),
    "messages: words": (created(messages="Hello"), "body.messages", "must be an array"),
    "messages: object": (created(messages=HELLO), "body.messages", "must be an array"),
    "messages: null item": (created(messages=[None]), "body.messages[0]", "object, got null"),
    "messages: text item": (created(messages=["Hello"]), "body.messages[0]", "must be an object"),
    "messages: second": (
        created(messages=[HELLO, {"role": "caller"}]),
        "body.messages[1].role",
        "got 'caller'",
    ),
    "message: no role": (said(content="Hello"), "body.messages[0].role", "is required"),
    "message: null role": (said(role=None), "body.messages[0].role", "is required"),
    "message: role": (said(role="User"), "body.messages[0].role", "'system', 'user'"),
    "message: long": (
        said(role="user", content="x" * 10_001),
        "body.messages[0].content",
        "at most 10000 characters, got 10001 characters",
    ),
    "message: no parts": (said(role="user", content=[]), "body.messages[0].content", "a list of"),
    "message: parts as text": (
        said(role="user", content=[{"type": "text", "text": "Hi"}, "Hello"]),
        "body.messages[0].content",
        "must be text, or a list of parts",
    ),
    "message: part with a surrogate": (
        said(role="user", content=[{"type": "text", "text": LONE}]),
        "body",
        "valid Unicode",
    ),
    "message: object": (
        said(role="user", content={"text": "Hi"}),
        "body.messages[0].content",
        "must be a string, got an object",
    ),
    "message: call text": (said(role="bot", message=5), "body.messages[0].message", "a string"),
    "message: name": (said(role="user", name=FORTY_ONE), "body.messages[0].name", "at most 40"),
    "message: time": (said(role="user", time="noon"), "body.messages[0].time", "a number"),
    "message: time 1e100": (said(role="user", time="1e100"), "body.messages[0].time", "a number"),
    "message: boolean": (said(role="user", time=True), "body.messages[0].time", "got True"),
    "message: offset": (
        said(role="user", secondsFromStart=""),
        "body.messages[0].secondsFromStart",
        "must be a number, got ''",
    ),
    "message: time NaN": (
        (CREATE, {"body": '{"messages": [{"role": "user", "time": NaN}]}'}),
        "body",
        "finite numbers",
    ),
    "name twice in text": (
        (CREATE, {"body": '{"assistant": {"name": "a", "name": "b"}}'}),
        "body",
        "`name` is given twice",
    ),
    "message: tool calls": (
        said(role="assistant", tool_calls=[1]),
        "body.messages[0].tool_calls[0]",
        "must be an object, got 1",
    ),
    "message: tool call id": (
        said(role="tool", tool_call_id=1),
        "body.messages[0].tool_call_id",
        "must be a string",
    ),
    # The HTTP client takes no URL past 64 KiB, and Node no headers past 16 KiB.
    "filters: long id": (listed(id="x" * 70_000), "id", "may take 8000 characters in a URL"),
    "filters: many ids": (listed(idAny="a," * 3_000, page=2), "idAny", "may take 8000 characters"),
    "filters: long in UTF-8": (
        listed(assistantOverrides={"a": "é" * 2_000}),
        "assistantOverrides",
        "may take 8000 characters",
    ),
    "limit: -1": (listed(limit=-1), "limit", "must be 0 or more, got -1"),
    "limit: 1001": (listed(limit=1001), "limit", "must be 1000 or less, got 1001"),
    "limit: 1e300": (listed(limit=1e300), "limit", "must be 1000 or less"),
    "limit: 1.5": (listed(limit=1.5), "limit", "must be a whole number, got 1.5"),
    "limit: words": (listed(limit="ten"), "limit", "must be a whole number, got 'ten'"),
    "limit: 1e3 as text": (listed(limit="1e3"), "limit", "must be a whole number"),
    "limit: 9999 digits": (listed(limit="9" * 9999), "limit", "got 9999 characters"),
    "limit: empty": (listed(limit=""), "limit", "must be a whole number, got ''"),
    "limit: boolean": (listed(limit=False), "limit", "must be a whole number, got a boolean"),
    "limit: array": (listed(limit=[5]), "limit", "must be a whole number, got an array"),
    "page: 0": (listed(page=0), "page", "must be 1 or more, got 0"),
    "page: 0 as text": (listed(page="0"), "page", "must be 1 or more, got 0"),
    "sortOrder: small": (listed(sortOrder="desc"), "sortOrder", "'ASC' or 'DESC', got 'desc'"),
    "sortBy: unknown": (listed(sortBy="name"), "sortBy", "'createdAt', 'duration' or 'cost'"),
    "flag: yes": (listed(numberE164CheckEnabled="yes"), "numberE164CheckEnabled", "true or false"),
    "flag: 1": (listed(numberE164CheckEnabled=1), "numberE164CheckEnabled", "true or false, got 1"),
    "number: no +": (listed(number="14155550123"), "number", "must be an E.164 number (a +, then"),
    "number: +0": (listed(number="+0155550123"), "number", "E.164"),
    "number: spaces": (listed(number="+1 415 555 0123"), "number", "E.164"),
    "number: 16 digits": (listed(number="+1234567890123456"), "number", "E.164"),
    "number: Arabic digits": (listed(number="+٤٤٢٠٧٩٤٦"), "number", "E.164"),
    "number: trailing newline": (listed(number="+14155550123\n"), "number", "E.164"),
    "number: empty": (listed(number=""), "number", "must not be empty"),
    "number: 2 characters": (listed(number="+1"), "number", "at least 3 characters"),
    "number: 41 characters": (listed(number="+" + "1" * 40), "number", "at most 40 characters"),
    "number: integer": (listed(number=14155550123), "number", "must be a string"),
    "number: checked by name": (
        listed(number="abc", numberE164CheckEnabled="true"),
        "number",
        "numberE164CheckEnabled: false",
    ),
    "number: unchecked": (
        listed(number="+1-415", numberE164CheckEnabled=False),
        "number",
        "letters and digits after an optional +",
    ),
    "filter name: 41": (listed(name=FORTY_ONE), "name", "at most 40 characters"),
    "filter name: empty": (listed(name=""), "name", "must not be empty"),
    "filter e-mail: 41": (listed(email=FORTY_ONE), "email", "at most 40 characters"),
    "filter externalId: 41": (listed(externalId=FORTY_ONE), "externalId", "at most 40 characters"),
    "filter extension: 11": (listed(extension="1" * 11), "extension", "at most 10 characters"),
    "filter squadId: empty": (listed(squadId=""), "squadId", "must not be empty"),
    "filter sipUri: surrogate": (listed(sipUri=LONE), "sipUri", "valid Unicode"),
    "idAny: empty array": (listed(idAny=[]), "idAny", "must not be empty"),
    "idAny: only separators": (listed(idAny=" , "), "idAny", "must not be empty"),
    "idAny: hole": (listed(idAny="a,,b"), "idAny", "an empty item, number 2"),
    "customerNumberAny: no plus": (
        listed(customerNumberAny="+14155550123,14155550124"),
        "customerNumberAny",
        "digits only), got '14155550124'",
    ),
    "customerNumberAny: spaces in it": (
        listed(customerNumberAny="+1 415 555 0123, +14155550124"),
        "customerNumberAny",
        "got '+1 415 555 0123'",
    ),
    "customerNumberAny: array": (
        listed(customerNumberAny=["+14155550123", "(206) 555-0117"]),
        "customerNumberAny",
        "contains finds its digits",
    ),
    "customerNumberAny: too long": (
        listed(customerNumberAny="a" * 41, numberE164CheckEnabled=False),
        "customerNumberAny",
        "3 to 40 letters and digits",
    ),
    "number: two": (listed(number="+14155550123,+14155550124"), "number", "E.164"),
    "number: local": (listed(number="(206) 555-0117"), "number", "contains finds its digits"),
    "idAny: numbers": (listed(idAny=[1, 2]), "idAny", "must be a string, got an array"),
    "idAny: object": (listed(idAny={"id": 1}), "idAny", "must be a string, got an object"),
    "phoneNumberIdAny: empty": (listed(phoneNumberIdAny=""), "phoneNumberIdAny[0]", "empty"),
    "phoneNumberIdAny: none": (listed(phoneNumberIdAny=[]), "phoneNumberIdAny", "at least 1 item"),
    "phoneNumberIdAny: hole": (listed(phoneNumberIdAny="a,,b"), "phoneNumberIdAny[1]", "empty"),
    "phoneNumberIdAny: number": (listed(phoneNumberIdAny=5), "phoneNumberIdAny", "an array, got 5"),
    "phoneNumberIdAny: item": (listed(phoneNumberIdAny=[5]), "phoneNumberIdAny[0]", "a string"),
    "overrides: words": (listed(assistantOverrides="x"), "assistantOverrides", "an object"),
    "overrides: array": (listed(squadOverrides=[]), "squadOverrides", "an object, got an array"),
    "date: words": (listed(createdAtGt="yesterday"), "createdAtGt", "ISO 8601"),
    "date: empty": (listed(createdAtLt=""), "createdAtLt", "ISO 8601"),
    "date: month 13": (listed(createdAtGe="2026-13-01"), "createdAtGe", "ISO 8601"),
    "date: 30 February": (listed(createdAtLe="2026-02-30"), "createdAtLe", "ISO 8601"),
    "date: 25 h": (listed(updatedAtGt="2026-11-20T25:00:00Z"), "updatedAtGt", "ISO 8601"),
    "date: zone": (listed(updatedAtLt="2026-11-20T09:00:00+99:00"), "updatedAtLt", "ISO 8601"),
    "date: no minutes": (listed(updatedAtGe="2026-11-20T09"), "updatedAtGe", "ISO 8601"),
    "date: American": (listed(updatedAtLe="11/20/2026"), "updatedAtLe", "got '11/20/2026'"),
    "date: basic format": (listed(createdAtGt="20261120"), "createdAtGt", "ISO 8601"),
    "date: week": (listed(createdAtGt="2026-W47-5"), "createdAtGt", "ISO 8601"),
    "date: Unix time": (listed(createdAtGt=1795165200), "createdAtGt", "must be a string"),
    "date: Unix time as text": (listed(createdAtGt="1795165200"), "createdAtGt", "ISO 8601"),
    "date: Arabic digits": (listed(createdAtGt="٢٠٢٦-٠٢-٢٠"), "createdAtGt", "ISO 8601"),
    "date: after 24:00": (listed(createdAtGt="2026-11-20T24:01Z"), "createdAtGt", "ISO 8601"),
    "date: the last day": (listed(createdAtLe="9999-12-31"), "createdAtLe", "ISO 8601"),
    "date: its end": (listed(createdAtLe="9999-12-31T24:00Z"), "createdAtLe", "ISO 8601"),
    "date: leap second": (listed(createdAtLe="2026-12-31T23:59:60Z"), "createdAtLe", "ISO 8601"),
    "date: trailing newline": (listed(createdAtGt="2026-11-20\n"), "createdAtGt", "ISO 8601"),
}


# Objects that are no JSON, or no Unicode.
UNSENDABLE: dict[str, Any] = {
    "lone surrogate": {"variableValues": {"name": LONE}},
    "lone surrogate in JSON text": '{"variableValues": {"name": "\\ud800"}}',
    "lone surrogate in a name": '{"\\udc00": 1}',
    "NaN": '{"temperature": NaN}',
    "1e400": '{"temperature": 1e400}',
}


@pytest.mark.parametrize(("call", "field", "rule"), list(BAD.values()), ids=list(BAD))
async def test_bad_input_is_refused_by_field_and_rule_before_anything_is_sent(
    connect: Connect, upstream: Upstream, call: tuple[str, Given], field: str, rule: str
) -> None:
    # A model can mend only what it is told, and a half-right request must never reach Vapi.
    async with connect() as client:
        result = await client.call_tool(*call)
    assert result.is_error
    assert f"`{field}`" in text(result)
    assert rule in text(result)
    assert text(result).endswith("Nothing was sent to Vapi.")
    assert upstream.requests == []


@pytest.mark.parametrize("name", ["assistantOverrides", "squadOverrides"])
@pytest.mark.parametrize("value", list(UNSENDABLE.values()), ids=list(UNSENDABLE))
async def test_an_object_filter_that_is_no_valid_json_is_refused_by_name(
    connect: Connect, upstream: Upstream, name: str, value: Any
) -> None:
    # The body is checked for this; a filter that is not would break the URL or send NaN.
    async with connect() as client:
        result = await client.call_tool(LIST, {name: value})
    assert result.is_error
    assert f"`{name}`" in text(result)
    assert upstream.requests == []


async def test_all_broken_rules_are_told_at_once_up_to_eight(connect: Connect) -> None:
    # One round trip per mistake would cost the conversation far more than one long message.
    bad: Given = {"number": "1", "name": "", "page": 0, "limit": -1, "sortOrder": "", "idAny": []}
    more: Given = {"email": FORTY_ONE, "extension": "", "sortBy": "", "createdAtGt": "", "Limit": 1}
    async with connect() as client:
        six = text(await client.call_tool(LIST, bad))
        eleven = text(await client.call_tool(LIST, bad | more))
    assert all(f"`{name}`" in six for name in bad)
    assert "more such problems" not in six
    assert eleven.count("`") == 2 * 8
    assert "There are 3 more such problems. Nothing was sent to Vapi." in eleven


async def test_of_a_hundred_thousand_unknown_names_the_first_are_named(connect: Connect) -> None:
    # To look for each one's nearest known name took 3 s, in which all others waited.
    unknown = {f"n{number}": 1 for number in range(100_000)}
    async with connect() as client:
        told = text(await client.call_tool(LIST, {**unknown, "page": 0}))
    assert "`page` must be 1 or more" in told
    assert told.count("is not an argument") == 7
    assert "There are 99993 more such problems. Nothing was sent to Vapi." in told


async def test_a_refusal_stays_short_whatever_was_given(connect: Connect) -> None:
    # Every character of an error is paid for by the conversation that made it.
    async with connect() as client:
        result = await client.call_tool(GET, {"id": "/" * 10_000, "x" * 10_000: 1})
    assert len(text(result)) < 600


async def test_what_vapi_refuses_is_not_called_a_bad_argument(
    connect: Connect, upstream: Upstream
) -> None:
    # "Nothing was sent" must be true where it is said.
    wait = {"Retry-After": "3600"}
    upstream.answers = httpx2.MockTransport(lambda _: httpx2.Response(429, headers=wait))
    async with connect() as client:
        result = await client.call_tool(LIST, {"limit": 1})
    assert result.is_error
    assert len(upstream.requests) == 1
    assert "Nothing was sent" not in text(result)
