"""The sample sessions are realistic, varied and always the same."""

import json
import re
import uuid

import pytest

from support.sandbox_calls import MAYA, SAMPLES, Sample, Vapi, created, customer, ids
from vapi_sessions_mcp.sandbox.samples import sample_sessions

pytestmark = pytest.mark.anyio


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
