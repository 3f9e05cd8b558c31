"""The samples: the same words and ids whenever the sandbox starts, and always of late."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from support.sandbox import (
    MAYA,
    NOW,
    SAMPLES,
    Sample,
    Vapi,
    connect,
    created,
    customer,
    ids,
    listed,
)
from vapi_sessions_mcp.sandbox import create_app
from vapi_sessions_mcp.sandbox.samples import sample_sessions
from vapi_sessions_mcp.sandbox.samples.people import PETS

pytestmark = pytest.mark.anyio


MOMENTS = [
    NOW,
    datetime(2028, 2, 29, tzinfo=UTC),
    datetime(2028, 3, 1, 12, tzinfo=UTC),
    datetime(2031, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2032, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(2037, 6, 1, 5, 30, tzinfo=timezone(timedelta(hours=14))),
]
at_any_moment = pytest.mark.parametrize("moment", MOMENTS, ids=str)


def without_times(samples: list[Sample]) -> list[Sample]:
    """What is the same whenever the sandbox starts."""
    bare = [
        {name: value for name, value in sample.items() if name not in ("createdAt", "updatedAt")}
        for sample in samples
    ]
    for sample in bare:
        sample["messages"] = [
            {name: value for name, value in message.items() if name not in ("time", "endTime")}
            for message in sample["messages"]
        ]
    return bare


def parsed(stamp: str) -> datetime:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamp)
    return datetime.fromisoformat(stamp)


def test_there_are_sixty_samples_and_always_the_same() -> None:
    # Documentation and demos quote them, so nothing may depend on the run.
    assert len(SAMPLES) == 60
    assert len(set(ids(SAMPLES))) == 60
    assert all(uuid.UUID(sample_id).version == 5 for sample_id in ids(SAMPLES))
    again = sample_sessions(NOW)
    assert again == SAMPLES
    again[0]["messages"].clear()
    again[12]["costs"][0]["model"]["provider"] = "changed"
    assert sample_sessions(NOW) == SAMPLES


@at_any_moment
def test_only_the_times_depend_on_when_the_sandbox_starts(moment: datetime) -> None:
    # What is written about them today is read years later.
    assert without_times(sample_sessions(moment)) == without_times(SAMPLES)


@at_any_moment
def test_the_samples_are_of_the_last_month(moment: datetime) -> None:
    # "Today", "last week" and "what is still open" have an answer on any day.
    samples = sample_sessions(moment)
    dates = [parsed(sample["createdAt"]) for sample in samples]
    assert dates == sorted(set(dates))
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert dates[0] == whole - timedelta(days=31, hours=2)
    assert dates[-1] == whole - timedelta(hours=1)
    for sample, started in zip(samples, dates, strict=True):
        ended = parsed(sample["updatedAt"])
        assert started <= ended <= moment
        times = [m[name] for m in sample["messages"] for name in ("time", "endTime") if name in m]
        assert all(started.timestamp() * 1000 <= at <= ended.timestamp() * 1000 for at in times)


@at_any_moment
def test_an_active_sample_has_not_expired(moment: datetime) -> None:
    # A note that it probably has would send agents elsewhere.
    active = [sample for sample in sample_sessions(moment) if sample["status"] == "active"]
    assert len(active) == 6
    for sample in active:
        lifetime = timedelta(seconds=sample["expirationSeconds"])
        assert parsed(sample["updatedAt"]) + lifetime > moment + timedelta(hours=12)


@at_any_moment
@pytest.mark.parametrize("hour", [0, 11, 23])
async def test_maya_told_us_something_yesterday_at_any_time_of_any_day(
    moment: datetime, hour: int
) -> None:
    # It is the question that the README begins with.
    now = moment.astimezone(UTC).replace(hour=hour)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    span = {
        "createdAtGe": (today - timedelta(days=1)).isoformat(),
        "createdAtLt": today.isoformat(),
    }
    async with connect(create_app(clock=lambda: now)) as vapi:
        found = await listed(vapi, number=MAYA, **span)
    assert any(m["role"] == "user" for session in found for m in session["messages"])


def test_samples_name_no_year_and_no_date_that_passes() -> None:
    # Said as of a fixed day, it would be wrong on all others.
    told = [(sample["name"], sample["messages"]) for sample in without_times(SAMPLES)]
    said = json.dumps(told, ensure_ascii=False)
    assert re.findall(r"\b(?:19|20)[0-9]{2}\b", said) == []
    months = "January|February|March|April|May|June|July|August|September|October|November|December"
    dated = re.findall(rf"(?:\b[0-9]+ (?:{months})|\b(?:{months}) [0-9]+)[a-z]*", said)
    # Birthdays come back every year.
    assert set(dated) <= {pet["birthday"] for pet in PETS.values()}


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
