"""The sandbox refuses a body in the words that FACTS say Vapi uses, all of them at once."""

from typing import Any

import pytest

from support.sandbox import NOBODY, SAMPLES, Vapi, faults, listed

pytestmark = pytest.mark.anyio


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
        {"messages": [{"role": "user", "content": ["hi"]}]},
        [
            "messages.0.content must be shorter than or equal to 10000 characters",
            "messages.0.content must be a string",
        ],
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


@pytest.mark.parametrize(("body", "messages"), SHARED)
async def test_update_names_every_broken_rule(vapi: Vapi, body: Any, messages: list[str]) -> None:
    # The rules hold for unknown ids too: Vapi validates before it looks.
    for session_id in (SAMPLES[0]["id"], NOBODY):
        answer = await vapi.patch(f"/session/{session_id}", json=body)
        assert answer.status_code == 400
        assert answer.json()["message"] == messages
    assert (await vapi.get(f"/session/{SAMPLES[0]['id']}")).json() == SAMPLES[0]
