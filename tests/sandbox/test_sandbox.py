"""The sandbox answers, filters and refuses as FACTS say Vapi does."""

import gc
import json
import re
import sqlite3
import uuid
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from starlette.applications import Starlette

from vapi_sessions_mcp.sandbox import SANDBOX_KEY, SandboxError, create_app
from vapi_sessions_mcp.sandbox.samples import sample_sessions

pytestmark = pytest.mark.anyio

SAMPLES = sample_sessions()
NOBODY = "00000000-0000-4000-8000-000000000000"
Sample = dict[str, Any]
Vapi = httpx2.AsyncClient


def connect(app: Starlette, *, key: str = SANDBOX_KEY) -> Vapi:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app),
        base_url="http://sandbox",
        headers={"Authorization": f"Bearer {key}"},
    )


@pytest.fixture
async def vapi() -> AsyncGenerator[Vapi]:
    async with connect(create_app()) as client:
        yield client


async def listed(vapi: Vapi, **query: Any) -> list[Sample]:
    answer = await vapi.get("/session", params={"limit": 1000, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def refused(vapi: Vapi, **query: Any) -> list[str]:
    answer = await vapi.get("/session", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"] == "Bad Request"
    assert answer.json()["statusCode"] == 400
    return answer.json()["message"]


async def created(vapi: Vapi, **fields: Any) -> Sample:
    answer = await vapi.post("/session", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def faults(vapi: Vapi, body: Any) -> list[str]:
    answer = await vapi.post("/session", json=body)
    assert answer.status_code == 400, answer.text
    return answer.json()["message"]


def customer(sample: Sample) -> dict[str, Any]:
    return sample.get("customer") or {}


def ids(samples: list[Sample]) -> list[str]:
    return [sample["id"] for sample in samples]


# The key


@pytest.mark.parametrize(
    "header",
    [None, "", "sandbox", "Bearer", "Bearer wrong", "Basic sandbox", b"Bearer s\xe4ndbox"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/session"),
        ("POST", "/session"),
        ("GET", f"/session/{NOBODY}"),
        ("PATCH", f"/session/{NOBODY}"),
        ("DELETE", f"/session/{NOBODY}"),
    ],
)
async def test_every_route_asks_for_the_key_first(
    method: str, path: str, header: str | bytes | None
) -> None:
    # A forgotten check on one route would let a client pass here that Vapi turns away.
    async with connect(create_app()) as vapi:
        del vapi.headers["Authorization"]
        headers = {} if header is None else {"Authorization": header}
        answer = await vapi.request(method, path, headers=headers, content=b"{")  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.json() == {
        "message": "Invalid Key. Hot tip, you may be using the private key "
        "instead of the public key, or vice versa.",
        "error": "Unauthorized",
        "statusCode": 401,
    }


async def test_a_sandbox_can_have_a_key_of_its_own() -> None:
    # Tests of key handling need two keys that differ.
    app = create_app(key="clé")
    async with connect(app) as vapi:
        assert (await vapi.get("/session")).status_code == 401
        mine = {"Authorization": "bearer clé".encode()}
        assert (await vapi.get("/session", headers=mine)).status_code == 200  # type: ignore[arg-type]


# Paths


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/sessions"),
        ("GET", "/session/"),
        ("GET", "/session/a/b"),
        ("PUT", "/session"),
        ("DELETE", "/session"),
        ("POST", f"/session/{NOBODY}"),
    ],
)
async def test_an_unknown_path_or_method_is_not_found(vapi: Vapi, method: str, path: str) -> None:
    # NestJS answers 404 for both; a client must not lean on 405 or on a redirect.
    answer = await vapi.request(method, path)
    assert answer.status_code == 404
    assert answer.json() == {
        "message": f"Cannot {method} {path}",
        "error": "Not Found",
        "statusCode": 404,
    }


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("session_id", [NOBODY, "%", "*", "a'--", "%25", SAMPLES[0]["id"].upper()])
async def test_an_id_matches_nothing_but_itself(vapi: Vapi, method: str, session_id: str) -> None:
    # A wildcard or a case-blind match would read or delete somebody else's session.
    answer = await vapi.request(method, f"/session/{session_id}")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Not Found"
    assert session_id.replace("%25", "%") in answer.json()["message"]
    assert len(await listed(vapi)) == 60


# Create


async def test_create_without_anything_gives_an_active_session(vapi: Vapi) -> None:
    # Nothing is required of a create body, not even a body.
    for content in (b"", b"{}"):
        answer = await vapi.post("/session", content=content)
        assert answer.status_code == 201
        session = answer.json()
        assert uuid.UUID(session.pop("id")).version == 4
        assert session.pop("orgId") == SAMPLES[0]["orgId"]
        moment = session.pop("createdAt")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
        assert session.pop("updatedAt") == moment
        assert session == {"status": "active", "expirationSeconds": 86400, "cost": 0, "costs": []}


async def test_create_keeps_what_was_sent(vapi: Vapi) -> None:
    # A stand-in that drops a field would hide that we drop it too.
    body: dict[str, Any] = {
        "name": "Ünïcode 🐹 " + "x" * 29,
        "status": "completed",
        "expirationSeconds": 60,
        "assistantId": "assistant-1",
        "assistant": {"name": "Sage", "anything": [1, {"deep": None}]},
        "assistantOverrides": {"variableValues": {"name": "Maya"}},
        "squadId": "squad-1",
        "squad": {"members": []},
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": None, "tool_calls": [], "metadata": {"a": 1}},
            {"role": "tool", "content": "x" * 10_000, "tool_call_id": "call_1", "name": "look"},
            {"role": "bot", "message": "hello", "time": 1, "secondsFromStart": 0.5},
            {"role": "tool_call_result", "toolCallId": "1", "name": "look", "result": "{}"},
        ],
        "customer": {
            "number": "+14155550123",
            "numberE164CheckEnabled": True,
            "extension": "204",
            "sipUri": "sip:maya@sip.example.com",
            "name": "Maya",
            "email": "maya@example.com",
            "externalId": "c-1",
            "assistantOverrides": {"model": {}},
            "squadOverrides": {"voice": {}},
        },
        "customerId": "customer-1",
        "phoneNumberId": "line-1",
        "phoneNumber": {"twilioPhoneNumber": "+14155550100", "twilioAccountSid": "AC1", "x": 1},
    }
    session = await created(vapi, **body)
    assert session | body == session
    assert (await vapi.get(f"/session/{session['id']}")).json() == session
    assert await listed(vapi, id=session["id"]) == [session]


async def test_null_is_the_same_as_not_given(vapi: Vapi) -> None:
    # class-validator's optional fields skip null, so a client may send it for everything.
    session = await created(vapi, name=None, status=None, customer={"name": None, "email": "a"})
    assert "name" not in session
    assert session["status"] == "active"
    assert session["customer"] == {"email": "a"}


async def test_awkward_json_comes_back_as_it_was(vapi: Vapi) -> None:
    # JSON can carry half a surrogate pair and huge whole numbers; neither may break the list.
    raw = b'{"name": "\\ud800", "assistant": {"big": 12345678901234567890, "small": 7}}'
    answer = await vapi.post("/session", content=raw)
    session = answer.json()
    assert session["name"] == "\ud800"
    assert session["assistant"] == {"big": 1.2345678901234567e19, "small": 7}
    assert len(await listed(vapi)) == 61


@pytest.mark.parametrize(
    "raw",
    [
        *(b"{", b"nope", b'"text"', b"[]", b"1", b"null", b"\xff"),
        *(b'{"a": NaN}', b'{"a": 1e999}', b'{"a":' * 100_000),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_body_that_is_no_json_object_is_refused(
    vapi: Vapi, method: str, raw: bytes
) -> None:
    # The message is then one string, not a list: clients must read both.
    path = "/session" if method == "POST" else f"/session/{SAMPLES[0]['id']}"
    answer = await vapi.request(method, path, content=raw)
    assert answer.status_code == 400
    assert isinstance(answer.json()["message"], str)
    assert answer.json()["error"] == "Bad Request"


SHORT_NAME = "name must be shorter than or equal to 40 characters"
STATUS = "status must be one of the following values: active, completed"
TOO_LONG = "expirationSeconds must not be greater than 2592000"
TOO_SHORT = "expirationSeconds must not be less than 60"
NO_NUMBER = "expirationSeconds must be a number conforming to the specified constraints"
E164 = "customer.number must be a valid phone number in the E.164 format"
SHARED: list[tuple[Any, list[str]]] = [
    ({"name": "x" * 41}, [SHORT_NAME]),
    ({"name": 5}, [SHORT_NAME, "name must be a string"]),
    ({"status": "open"}, [STATUS]),
    ({"status": []}, [STATUS]),
    ({"expirationSeconds": 59}, [TOO_SHORT]),
    ({"expirationSeconds": 2_592_001}, [TOO_LONG]),
    ({"expirationSeconds": "60"}, [TOO_LONG, TOO_SHORT, NO_NUMBER]),
    ({"expirationSeconds": True}, [TOO_LONG, TOO_SHORT, NO_NUMBER]),
    ({"messages": {}}, ["messages must be an array"]),
    (
        {"messages": ["hi", {}]},
        ["each value in nested property messages must be either object or array"],
    ),
    (
        {"messages": [{"role": "user", "content": "x" * 10_001}]},
        ["messages.0.content must be shorter than or equal to 10000 characters"],
    ),
    (
        {"messages": [{"role": "user", "content": ""}, {"role": "bot", "content": 1}]},
        [
            "messages.1.role must be one of the following values: "
            "system, user, assistant, tool, developer",
            "messages.1.content must be shorter than or equal to 10000 characters",
            "messages.1.content must be a string",
        ],
    ),
    (
        {"messages": [{"role": "tool", "content": "", "name": "x" * 41}]},
        [
            "messages.0.name must be shorter than or equal to 40 characters",
            "messages.0.tool_call_id must be a string",
        ],
    ),
    ({"messages": [{"message": "hi"}]}, ["messages.0.role must be a string"]),
    ({"nmae": "x"}, ["property nmae should not exist"]),
    (
        {"orgId": None, "status": "x", "name": "y" * 41},
        ["property orgId should not exist", SHORT_NAME, STATUS],
    ),
]
CREATE_ONLY: list[tuple[Any, list[str]]] = [
    ({"assistantId": 1}, ["assistantId must be a string"]),
    ({"assistant": "a"}, ["assistant must be an object"]),
    ({"assistantOverrides": []}, ["assistantOverrides must be an object"]),
    ({"squadId": {}}, ["squadId must be a string"]),
    ({"squad": 1}, ["squad must be an object"]),
    ({"customerId": 1}, ["customerId must be a string"]),
    ({"phoneNumberId": 1}, ["phoneNumberId must be a string"]),
    ({"phoneNumber": "+1"}, ["phoneNumber must be an object"]),
    (
        {"phoneNumber": {"twilioPhoneNumber": 1}},
        [
            "phoneNumber.twilioPhoneNumber must be a string",
            "phoneNumber.twilioAccountSid must be a string",
        ],
    ),
    ({"customer": "Maya"}, ["customer must be an object"]),
    ({"customer": {"phone": "1"}}, ["customer.property phone should not exist"]),
    ({"customer": {"number": "4155550123"}}, [E164]),
    (
        {"customer": {"number": "+1"}},
        ["customer.number must be longer than or equal to 3 characters", E164],
    ),
    (
        {"customer": {"number": "+1" + "5" * 40}},
        ["customer.number must be shorter than or equal to 40 characters", E164],
    ),
    (
        {"customer": {"number": 5}},
        [
            "customer.number must be shorter than or equal to 40 characters",
            "customer.number must be longer than or equal to 3 characters",
            "customer.number must be a string",
            E164,
        ],
    ),
    (
        {"customer": {"number": "a-b-c", "numberE164CheckEnabled": False}},
        [r"customer.number must match /^\+?[a-zA-Z0-9]+$/ regular expression"],
    ),
    (
        {"customer": {"numberE164CheckEnabled": "no"}},
        ["customer.numberE164CheckEnabled must be a boolean value"],
    ),
    (
        {"customer": {"extension": "1" * 11}},
        ["customer.extension must be shorter than or equal to 10 characters"],
    ),
    (
        {"customer": {"name": "x" * 41, "email": "x" * 41, "externalId": "x" * 41, "sipUri": 1}},
        [
            "customer.sipUri must be a string",
            "customer.name must be shorter than or equal to 40 characters",
            "customer.email must be shorter than or equal to 40 characters",
            "customer.externalId must be shorter than or equal to 40 characters",
        ],
    ),
    (
        {"customer": {"assistantOverrides": 1, "squadOverrides": "x"}},
        [
            "customer.assistantOverrides must be an object",
            "customer.squadOverrides must be an object",
        ],
    ),
]


@pytest.mark.parametrize(("body", "messages"), SHARED + CREATE_ONLY)
async def test_create_names_every_broken_rule(vapi: Vapi, body: Any, messages: list[str]) -> None:
    # A model mends its call from these words, so all of them must come at once.
    assert await faults(vapi, body) == messages
    assert len(await listed(vapi)) == 60


async def test_a_number_that_is_not_e164_passes_when_the_check_is_off(vapi: Vapi) -> None:
    # Inside lines and SIP trunks have such numbers.
    lax = {"number": "+0abc", "numberE164CheckEnabled": False}
    assert (await created(vapi, customer=lax))["customer"] == lax


# Update


@pytest.mark.parametrize(("body", "messages"), SHARED)
async def test_update_names_every_broken_rule(vapi: Vapi, body: Any, messages: list[str]) -> None:
    # The rules hold for unknown ids too: Vapi validates before it looks.
    for session_id in (SAMPLES[0]["id"], NOBODY):
        answer = await vapi.patch(f"/session/{session_id}", json=body)
        assert answer.status_code == 400
        assert answer.json()["message"] == messages
    assert (await vapi.get(f"/session/{SAMPLES[0]['id']}")).json() == SAMPLES[0]


async def test_update_takes_only_four_fields(vapi: Vapi) -> None:
    # Sending a session back as it was read is the commonest mistake with this API.
    session = await created(vapi, customerId="c", assistantId="a")
    answer = await vapi.patch(f"/session/{session['id']}", json=session)
    allowed = {"name", "status", "expirationSeconds", "messages"}
    assert answer.json()["message"] == [
        f"property {name} should not exist" for name in session if name not in allowed
    ]


async def test_update_replaces_the_messages_and_returns_the_whole_session(vapi: Vapi) -> None:
    # Replacing, not appending: what is not sent again is gone.
    before = await created(vapi, name="A", messages=[{"role": "user", "content": "one"}])
    change = {
        "name": "B",
        "status": "completed",
        "expirationSeconds": 61.5,
        "messages": [{"role": "user", "content": "two"}],
    }
    answer = await vapi.patch(f"/session/{before['id']}", json=change)
    assert answer.status_code == 200
    after = answer.json()
    assert after == before | change | {"updatedAt": after["updatedAt"]}
    assert (await vapi.get(f"/session/{before['id']}")).json() == after
    assert await listed(vapi, name="A") == []
    assert await listed(vapi, name="B") == [after]


async def test_an_empty_update_changes_only_the_time(vapi: Vapi) -> None:
    # No body, an empty one and one of nulls all mean: nothing to change.
    session = await created(vapi, name="A")
    for content in (b"", b"{}", b'{"name": null}'):
        answer = await vapi.patch(f"/session/{session['id']}", content=content)
        assert answer.status_code == 200
        assert answer.json() | {"updatedAt": 0} == session | {"updatedAt": 0}


async def test_updated_at_rises_with_every_update(vapi: Vapi) -> None:
    # Callers tell versions apart by it, also within one millisecond.
    session = await created(vapi)
    seen = [session["updatedAt"]]
    for _ in range(30):
        answer = await vapi.patch(f"/session/{session['id']}", json={})
        seen.append(answer.json()["updatedAt"])
    assert seen == sorted(set(seen))


# Delete


async def test_delete_returns_the_session_once(vapi: Vapi) -> None:
    # The answer is the caller's last copy, and a second delete has nothing to delete.
    path = f"/session/{SAMPLES[5]['id']}"
    answer = await vapi.delete(path)
    assert answer.status_code == 200
    assert answer.json() == SAMPLES[5]
    for method in ("GET", "PATCH", "DELETE"):
        assert (await vapi.request(method, path)).status_code == 404
    assert len(await listed(vapi)) == 59


# Filters

Predicate = Callable[[Sample], bool]


MAYA = "+14155550123"
A_SQUAD = next(s["squadId"] for s in SAMPLES if s.get("squadId"))
AN_ASSISTANT = next(s["assistantId"] for s in SAMPLES if s.get("assistantId"))
LINES = sorted({s["phoneNumberId"] for s in SAMPLES if s.get("phoneNumberId")})
A_WORKFLOW = next(s["workflowId"] for s in SAMPLES if s.get("workflowId"))
FILTERS: list[tuple[str, Any, Predicate]] = [
    ("id", SAMPLES[3]["id"], lambda s: s["id"] == SAMPLES[3]["id"]),
    ("idAny", f"{SAMPLES[3]['id']}, {SAMPLES[9]['id']},x", lambda s: s in (SAMPLES[3], SAMPLES[9])),
    ("name", SAMPLES[4]["name"], lambda s: s["name"] == SAMPLES[4]["name"]),
    ("name", "Maya Okafor", lambda s: customer(s).get("name") == "Maya Okafor"),
    ("name", "ليلى حداد", lambda s: "ليلى حداد" in (s["name"], customer(s).get("name"))),
    ("assistantId", AN_ASSISTANT, lambda s: s.get("assistantId") == AN_ASSISTANT),
    ("assistantIdAny", f"x,{AN_ASSISTANT}", lambda s: s.get("assistantId") == AN_ASSISTANT),
    ("squadId", A_SQUAD, lambda s: s.get("squadId") == A_SQUAD),
    ("workflowId", A_WORKFLOW, lambda s: s.get("workflowId") == A_WORKFLOW),
    ("number", MAYA, lambda s: customer(s).get("number") == MAYA),
    (
        "customerNumberAny",
        f"{MAYA},+13105550142",
        lambda s: customer(s).get("number") in (MAYA, "+13105550142"),
    ),
    (
        "sipUri",
        "sip:greta@sip.example.com",
        lambda s: customer(s).get("sipUri") == "sip:greta@sip.example.com",
    ),
    (
        "email",
        "maya.okafor@example.com",
        lambda s: customer(s).get("email") == "maya.okafor@example.com",
    ),
    ("externalId", "cust-1040", lambda s: customer(s).get("externalId") == "cust-1040"),
    ("extension", "204", lambda s: customer(s).get("extension") == "204"),
    (
        "numberE164CheckEnabled",
        "false",
        lambda s: customer(s).get("numberE164CheckEnabled") is False,
    ),
    (
        "numberE164CheckEnabled",
        "true",
        lambda s: "customer" in s and s["customer"].get("numberE164CheckEnabled") is not False,
    ),
    ("phoneNumberId", LINES[0], lambda s: s.get("phoneNumberId") == LINES[0]),
    ("phoneNumberIdAny", LINES[:2], lambda s: s.get("phoneNumberId") in LINES[:2]),
    ("phoneNumberIdAny", ",".join(LINES[:2]), lambda s: s.get("phoneNumberId") in LINES[:2]),
    (
        "assistantOverrides",
        '{"variableValues": {"tier": "gold"}}',
        lambda s: "gold" in json.dumps(s.get("assistantOverrides")),
    ),
    (
        "assistantOverrides",
        '{"variableValues": {"partner": "Second Chance"}}',
        lambda s: "assistantOverrides" in customer(s),
    ),
    (
        "squadOverrides",
        '{"variableValues": {"newClient": true}}',
        lambda s: "squadOverrides" in customer(s),
    ),
]


@pytest.mark.parametrize(("name", "value", "matches"), FILTERS)
async def test_a_filter_gives_exactly_what_matches(
    vapi: Vapi, name: str, value: Any, matches: Predicate
) -> None:
    # Each filter is judged by a plain loop over the samples, and must match something.
    expected = [sample for sample in SAMPLES if matches(sample)]
    assert expected
    assert await listed(vapi, **{name: value}, sortOrder="ASC") == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "%"),
        ("idAny", ","),
        ("name", "maya okafor"),
        ("name", ""),
        ("assistantOverrides", '{"variableValues": {"tier": "tin"}}'),
        ("assistantOverrides", '{"variableValues": "gold"}'),
        ("assistantOverrides", '{"voice": {}}'),
        ("squadOverrides", '{"variableValues": {"newClient": 1}}'),
        ("squadOverrides", '{"variableValues": {"visits": false}}'),
    ],
)
async def test_a_filter_that_fits_nothing_gives_nothing(vapi: Vapi, name: str, value: str) -> None:
    # Matches are exact: no wildcards, no case folding, and 1 is not true.
    assert await listed(vapi, **{name: value}) == []


async def test_filters_narrow_each_other(vapi: Vapi) -> None:
    # Two filters mean both, never either.
    both = await listed(vapi, number=MAYA, phoneNumberId=LINES[0], sortOrder="ASC")
    assert both == [
        s
        for s in SAMPLES
        if customer(s).get("number") == MAYA and s.get("phoneNumberId") == LINES[0]
    ]


async def test_a_number_filter_that_is_not_e164_needs_the_check_off(vapi: Vapi) -> None:
    # The flag is a filter and a switch at once.
    assert await refused(vapi, number="8821") == [
        "number must be a valid phone number in the E.164 format"
    ]
    [found] = await listed(vapi, number="8821", numberE164CheckEnabled="false")
    assert found["customer"]["number"] == "8821"


async def test_an_unknown_filter_is_ignored(vapi: Vapi) -> None:
    # Vapi does so too, and that is why a misspelt filter returns everything.
    assert len(await listed(vapi, statsu="active")) == 60


async def test_half_a_letter_in_a_name_can_still_be_stored_and_listed(vapi: Vapi) -> None:
    # The column that the name filter reads cannot hold it; the session must survive that.
    answer = await vapi.post("/session", content=b'{"customer": {"name": "a\\udfff"}}')
    assert await listed(vapi, id=answer.json()["id"]) == [answer.json()]


MIDDLE = SAMPLES[30]["createdAt"]
RANGES: dict[str, Callable[[str, str], bool]] = {
    "Gt": lambda have, bound: have > bound,
    "Lt": lambda have, bound: have < bound,
    "Ge": lambda have, bound: have >= bound,
    "Le": lambda have, bound: have <= bound,
}


@pytest.mark.parametrize("field", ["createdAt", "updatedAt"])
@pytest.mark.parametrize("suffix", RANGES)
async def test_a_range_includes_its_bound_only_when_it_says_so(
    vapi: Vapi, field: str, suffix: str
) -> None:
    # Paging by time loses or repeats a session when Gt and Ge are mixed up.
    bound = SAMPLES[30][field]
    found = await listed(vapi, **{f"{field}{suffix}": bound}, sortOrder="ASC")
    assert found == [s for s in SAMPLES if RANGES[suffix](s[field], bound)]
    assert 0 < len(found) < 60


@pytest.mark.parametrize(
    ("date", "utc"),
    [
        ("2026-11-05", "2026-11-05T00:00:00.000Z"),
        ("2026-11-05T12:19:17.725+02:00", "2026-11-05T10:19:17.725Z"),
        ("2026-11-05T05:19-0500", "2026-11-05T10:19:00.000Z"),
        ("2026-11-05 10:19:17.725", "2026-11-05T10:19:17.725Z"),
        ("2026-11-05T10:19:17.7254Z", "2026-11-05T10:19:17.7254Z"),
    ],
)
async def test_dates_are_compared_as_instants(vapi: Vapi, date: str, utc: str) -> None:
    # Comparing text would put +02:00 two hours wrong.
    found = await listed(vapi, createdAtGe=date, sortOrder="ASC")
    assert found == [s for s in SAMPLES if s["createdAt"][:-1] >= utc[:-1]]


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        ({"page": "0"}, ["page must not be less than 1"]),
        ({"page": "1.5"}, ["page must be an integer number"]),
        (
            {"page": "two"},
            [
                "page must not be less than 1",
                "page must be a number conforming to the specified constraints",
            ],
        ),
        ({"limit": "1001"}, ["limit must not be greater than 1000"]),
        ({"limit": "-1"}, ["limit must not be less than 0"]),
        (
            {"limit": "1e999"},
            [
                "limit must not be greater than 1000",
                "limit must not be less than 0",
                "limit must be a number conforming to the specified constraints",
            ],
        ),
        ({"sortOrder": "asc"}, ["sortOrder must be one of the following values: ASC, DESC"]),
        (
            {"sortBy": "name"},
            ["sortBy must be one of the following values: createdAt, duration, cost"],
        ),
        ({"name": "x" * 41}, ["name must be shorter than or equal to 40 characters"]),
        ({"email": "x" * 41}, ["email must be shorter than or equal to 40 characters"]),
        ({"externalId": "x" * 41}, ["externalId must be shorter than or equal to 40 characters"]),
        ({"extension": "x" * 11}, ["extension must be shorter than or equal to 10 characters"]),
        (
            {"number": "+1"},
            [
                "number must be longer than or equal to 3 characters",
                "number must be a valid phone number in the E.164 format",
            ],
        ),
        (
            {"number": "a b", "numberE164CheckEnabled": "false"},
            [r"number must match /^\+?[a-zA-Z0-9]+$/ regular expression"],
        ),
        (
            {"numberE164CheckEnabled": "yes"},
            ["numberE164CheckEnabled must be a boolean value"],
        ),
        ({"assistantOverrides": "{"}, ["assistantOverrides must be a json string"]),
        ({"squadOverrides": "[]"}, ["squadOverrides must be an object"]),
        ({"id": ["a", "b"]}, ["id must be a string"]),
        ({"assistantOverrides": ["{}", "{}"]}, ["assistantOverrides must be a json string"]),
        (
            {"page": "0", "limit": "2000", "sortBy": "x"},
            [
                "page must not be less than 1",
                "limit must not be greater than 1000",
                "sortBy must be one of the following values: createdAt, duration, cost",
            ],
        ),
    ],
)
async def test_list_names_every_broken_rule(
    vapi: Vapi, query: dict[str, Any], messages: list[str]
) -> None:
    # What our own checks let through must still come back in Vapi's words.
    assert await refused(vapi, **query) == messages


@pytest.mark.parametrize("name", [f"{f}{s}" for f in ("createdAt", "updatedAt") for s in RANGES])
@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "2026-13-01", "2026-11-05T10:00 02:00", "20261105", ["2026-11-05"] * 2],
)
async def test_a_date_that_is_none_is_refused(vapi: Vapi, name: str, value: Any) -> None:
    # An unescaped "+" arrives as a space, and must not pass for another time.
    assert await refused(vapi, **{name: value}) == [f"{name} must be a valid ISO 8601 date string"]


# Order and pages


def duration(sample: Sample) -> float:
    times = [m[name] for m in sample["messages"] for name in ("time", "endTime") if name in m]
    return max(times) - min(times) if times else 0


ORDERS: list[tuple[str | None, Callable[[Sample], Any]]] = [
    (None, lambda s: s["createdAt"]),
    ("createdAt", lambda s: s["createdAt"]),
    ("cost", lambda s: (s["cost"], s["createdAt"])),
    ("duration", lambda s: (duration(s), s["createdAt"])),
]


@pytest.mark.parametrize(("sort_by", "key"), ORDERS)
async def test_sessions_come_in_the_order_asked_for(
    vapi: Vapi, sort_by: str | None, key: Callable[[Sample], Any]
) -> None:
    # Equal ones fall back to createdAt, so that pages never overlap.
    query = {"sortBy": sort_by} if sort_by else {}
    ascending = sorted(SAMPLES, key=key)
    assert ids(await listed(vapi, **query, sortOrder="ASC")) == ids(ascending)
    assert ids(await listed(vapi, **query, sortOrder="DESC")) == ids(ascending[::-1])
    assert ids(await listed(vapi, **query)) == ids(ascending[::-1])


async def test_sessions_of_one_millisecond_keep_their_order(vapi: Vapi) -> None:
    # createdAt alone does not order what a fast client creates.
    made = [await created(vapi, name="burst") for _ in range(30)]
    assert await listed(vapi, name="burst", sortOrder="ASC") == made
    assert await listed(vapi, name="burst") == made[::-1]


async def test_pages_join_up_to_the_whole_list(vapi: Vapi) -> None:
    # No session is lost or repeated between two pages.
    together: list[str] = []
    for page in (1, 2, 3):
        answer = (await vapi.get("/session", params={"limit": 25, "page": page})).json()
        together += ids(answer["results"])
        assert answer["metadata"] == {
            "itemsPerPage": 25,
            "totalItems": 60,
            "currentPage": page,
            "totalPages": 3,
            "hasNextPage": page < 3,
            "sortOrder": "DESC",
        }
    assert together == ids(SAMPLES[::-1])


@pytest.mark.parametrize(
    ("query", "metadata"),
    [
        ({}, {"itemsPerPage": 100, "currentPage": 1, "totalPages": 1, "hasNextPage": False}),
        ({"limit": 0}, {"itemsPerPage": 0, "totalItems": 60, "hasNextPage": False}),
        ({"limit": 30, "page": "2.0"}, {"currentPage": 2, "hasNextPage": False}),
        ({"page": 9}, {"currentPage": 9, "totalItems": 60, "hasNextPage": False}),
        ({"page": "1e300"}, {"totalItems": 60}),
        ({"number": "+19995550100"}, {"totalItems": 0, "totalPages": 0, "hasNextPage": False}),
        ({"sortOrder": "ASC", "limit": 59}, {"sortOrder": "ASC", "hasNextPage": True}),
    ],
)
async def test_metadata_says_where_the_page_is(
    vapi: Vapi, query: dict[str, Any], metadata: dict[str, Any]
) -> None:
    # A reader decides from this alone whether to ask for more.
    answer = (await vapi.get("/session", params=query)).json()
    assert answer["metadata"] | metadata == answer["metadata"]


# The database


async def test_a_file_keeps_its_changes(tmp_path: Path) -> None:
    # A newcomer's own sessions are there after a restart, and deleted samples stay deleted.
    path = str(tmp_path / "sandbox.db")
    async with connect(create_app(path)) as vapi:
        mine = await created(vapi, name="mine")
        await vapi.delete(f"/session/{SAMPLES[0]['id']}")
    async with connect(create_app(path)) as vapi:
        assert await listed(vapi, sortOrder="ASC") == [*SAMPLES[1:], mine]


async def test_a_file_emptied_by_hand_stays_empty(tmp_path: Path) -> None:
    # Samples that return by themselves would make a cleared sandbox useless.
    path = str(tmp_path / "sandbox.db")
    async with connect(create_app(path)) as vapi:
        for sample in SAMPLES:
            await vapi.delete(f"/session/{sample['id']}")
    async with connect(create_app(path)) as vapi:
        assert await listed(vapi) == []


async def test_two_sandboxes_in_memory_share_nothing(vapi: Vapi) -> None:
    # Tests run next to each other must not see each other's sessions.
    await created(vapi, name="only here")
    async with connect(create_app()) as other:
        assert await listed(other, name="only here") == []


async def test_two_sandboxes_on_one_file_share_it(tmp_path: Path) -> None:
    # Two replicas of a stand-in must see each other's writes, and lose none.
    path = str(tmp_path / "sandbox.db")
    async with connect(create_app(path)) as one, connect(create_app(path)) as two:
        session = await created(one, name="shared")
        assert (await two.get(f"/session/{session['id']}")).json() == session


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    # A wrong path must be told in one sentence, not as a trace, and never overwritten.
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes\n" * 50)
    with pytest.raises(SandboxError, match=r"notes\.txt.*not a database"):
        create_app(str(path))
    assert path.read_text() == "not a database, but somebody's notes\n" * 50


@pytest.mark.parametrize("path", ["no/such/folder/x.db", ".", "nul\0byte.db"])
def test_a_path_that_cannot_be_opened_is_named(path: str) -> None:
    # The message is all the user of the command sees.
    with pytest.raises(SandboxError, match="Cannot keep the sandbox's sessions in"):
        create_app(path)


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    # The user may well have given the wrong file: it must stay as it was, byte for byte.
    path = tmp_path / "accounts.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE sessions (token TEXT)")
    database.commit()
    database.close()
    before = path.read_bytes()
    with pytest.raises(SandboxError, match=r"accounts\.db.*something else"):
        create_app(str(path))
    assert path.read_bytes() == before


async def test_shutdown_closes_the_database(tmp_path: Path) -> None:
    # An open file cannot be removed on Windows, nor its changes trusted elsewhere.
    app = create_app(str(tmp_path / "sandbox.db"))
    async with connect(app) as vapi:
        async with app.router.lifespan_context(app):
            assert len(await listed(vapi)) == 60
        with pytest.raises(sqlite3.ProgrammingError):
            await vapi.get("/session")


def test_a_forgotten_sandbox_closes_itself() -> None:
    # No lifespan runs in memory; warnings are errors here, so a leak would fail.
    create_app()
    gc.collect()


async def test_concurrent_writes_all_arrive(vapi: Vapi) -> None:
    # An agent calls several tools at once.
    session = await created(vapi, name="busy")
    seen: list[str] = []

    async def patch() -> None:
        answer = await vapi.patch(f"/session/{session['id']}", json={"status": "completed"})
        seen.append(answer.json()["updatedAt"])

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for number in range(40):
                group.start_soon(patch)
                group.start_soon(lambda n=number: created(vapi, name=f"s{n}"))
    assert len(set(seen)) == 40
    assert len(await listed(vapi)) == 101


# The samples


def test_there_are_sixty_samples_and_always_the_same() -> None:
    # Documentation and demos quote them, so nothing may depend on the clock or the run.
    assert len(SAMPLES) == 60
    assert len(set(ids(SAMPLES))) == 60
    assert all(uuid.UUID(sample_id).version == 5 for sample_id in ids(SAMPLES))
    again = sample_sessions()
    assert again == SAMPLES
    again[0]["messages"].clear()
    again[12]["costs"][0]["model"]["provider"] = "changed"
    assert sample_sessions() == SAMPLES


def test_sample_dates_lie_in_one_month() -> None:
    # Questions such as "last week" need a span that does not move.
    dates = [sample["createdAt"] for sample in SAMPLES]
    assert dates == sorted(dates)
    assert dates[0].startswith("2026-10-20")
    assert dates[-1] == "2026-11-20T09:15:30.123Z"
    assert all(sample["updatedAt"] >= sample["createdAt"] for sample in SAMPLES)


async def test_samples_obey_the_sandbox_rules(vapi: Vapi) -> None:
    # A sample that Vapi would refuse teaches the wrong thing.
    fields = {"name", "status", "expirationSeconds", "assistantId", "assistant", "squadId"}
    fields |= {"assistantOverrides", "squad", "messages", "customer", "customerId"}
    fields |= {"phoneNumber", "phoneNumberId"}
    for sample in SAMPLES:
        body = {name: value for name, value in sample.items() if name in fields}
        assert await created(vapi, **body)


def test_samples_show_both_message_shapes_and_every_role() -> None:
    # Code that reads only one shape must fail on the sandbox before it fails on Vapi.
    messages = [message for sample in SAMPLES for message in sample["messages"]]
    assert {m["role"] for m in messages if "time" in m} == {
        "system",
        "user",
        "bot",
        "tool_calls",
        "tool_call_result",
    }
    assert {m["role"] for m in messages if "time" not in m} == {"user", "assistant", "tool"}
    spoken = [m for m in messages if m["role"] in ("user", "bot") and "time" in m]
    call_keys = {"role", "message", "time", "secondsFromStart", "endTime", "duration"}
    assert all(set(message) == call_keys for message in spoken)


def test_samples_are_short_long_and_of_many_tongues() -> None:
    # Views and budgets are tried on both ends, and on more than ASCII.
    sizes = sorted(len(sample["messages"]) for sample in SAMPLES)
    assert sizes[0] == 0
    assert 2 in sizes
    assert sum(size > 40 for size in sizes) >= 3
    assert sizes[-1] > 110
    text = json.dumps(SAMPLES, ensure_ascii=False)
    assert text.encode().decode() == text
    for word in ("ありがとう", "شكرًا", "धन्यवाद", "gracias", "🐹"):
        assert word in text


def test_samples_tell_different_stories() -> None:
    # A newcomer asks about what was said; sixty copies of one call would answer nothing.
    def said(sample: Sample) -> str:
        return str([m.get("message") or m.get("content") for m in sample["messages"]][1:])

    stories = {said(sample) for sample in SAMPLES if sample["messages"]}
    assert len(stories) >= 55
    assert "<" not in "".join(stories)
    assert len({sample["name"].split()[0] for sample in SAMPLES}) >= 20


def test_samples_hold_every_kind_of_field() -> None:
    # Each is a case that some view, mask or filter has to get right.
    assert {sample["status"] for sample in SAMPLES} == {"active", "completed"}
    assert len([s for s in SAMPLES if customer(s).get("number") == MAYA]) >= 5
    assert len([s for s in SAMPLES if "customer" not in s]) >= 5
    assert len([s for s in SAMPLES if "assistant" in s]) >= 2
    assert len([s for s in SAMPLES if s.get("assistantOverrides")]) >= 2
    assert len([s for s in SAMPLES if "squad" in s]) == 1
    assert len([s for s in SAMPLES if "twilioAuthToken" in s.get("phoneNumber", {})]) == 2
    assert len([s for s in SAMPLES if "structuredOutputs" in s.get("artifact", {})]) >= 5
    [odd] = [s for s in SAMPLES if "metadata" in s]
    assert odd["metadata"]["variableValues"]
    assert None in odd.values()
    for sample in SAMPLES:
        assert sample["cost"] == round(sum(cost["cost"] for cost in sample["costs"]), 4)


def test_samples_reach_no_real_person() -> None:
    # Somebody will paste these numbers into a dialler.
    text = json.dumps(SAMPLES)
    assert all(re.fullmatch(r"\+1\d{3}55501\d\d", n) for n in re.findall(r"\+\d{6,}", text))
    assert all(
        host in ("example.com", "example.org", "sip.example.com")
        for host in re.findall(r"@([\w.]+\w)", text)
    )
