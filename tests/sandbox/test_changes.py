"""The sandbox creates, updates and deletes as FACTS say Vapi does."""

import re
import uuid
from typing import Any

import pytest

from support.sandbox_calls import NOBODY, SAMPLES, Vapi, created, listed

pytestmark = pytest.mark.anyio


async def faults(vapi: Vapi, body: Any) -> list[str]:
    answer = await vapi.post("/session", json=body)
    assert answer.status_code == 400, answer.text
    return answer.json()["message"]


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
