"""The sandbox's HTTP side: its key, its paths, and the five calls."""

import re
import uuid
from typing import Any

import pytest

from support.sandbox import NOBODY, SAMPLES, Vapi, connect, created, listed
from vapi_sessions_mcp.sandbox import create_app

pytestmark = pytest.mark.anyio


# The key


@pytest.mark.parametrize(
    "header",
    [None, b"", b"sandbox", b"Bearer", b"Bearer wrong", b"Basic sandbox", b"Bearer s\xe4ndbox"],
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
    method: str, path: str, header: bytes | None
) -> None:
    # A forgotten check on one route would let a client pass here that Vapi turns away.
    async with connect(create_app()) as vapi:
        del vapi.headers["Authorization"]
        headers = [] if header is None else [(b"Authorization", header)]
        answer = await vapi.request(method, path, headers=headers, content=b"{")
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
        mine = [(b"Authorization", "bearer clé".encode())]
        assert (await vapi.get("/session", headers=mine)).status_code == 200


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
            {"role": "user", "content": [{"type": "text", "text": "hello"}]},
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


async def test_a_number_that_is_not_e164_passes_when_the_check_is_off(vapi: Vapi) -> None:
    # Inside lines and SIP trunks have such numbers.
    lax = {"number": "+0abc", "numberE164CheckEnabled": False}
    assert (await created(vapi, customer=lax))["customer"] == lax


# Update


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
