"""What is said beside an answer: at most two sentences that name a tool, where they save a turn."""

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from support.generated import (
    ALWAYS,
    Fixed,
    Json,
    calls,
    data,
    fixed_upstream,
    generated,
    note,
    served,
    session,
    talk,
)
from support.sandbox import NOW
from support.tools import CREATE, GET, LIST
from vapi_sessions_mcp.clock import stopped_at

pytestmark = [pytest.mark.anyio, pytest.mark.clock]

MANY = [session(n) for n in range(250)]
LONG_AGO = "2026-01-01T00:00:00.000Z"
ID = session()["id"]
TOOLS = ("vapi-sessioncontroller", "_session")


async def hint(sessions: list[Json], tool: str = LIST, /, **arguments: Any) -> str:
    """What is said beside the answer to one call."""
    async with served(fixed_upstream(sessions)) as client:
        return note(await client.call_tool(tool, arguments))


async def expiry(**fields: Any) -> str:
    return await hint([session(**fields)], GET, id=ID, view="summary")


def tools_named(said: str) -> int:
    return sum(said.count(name) for name in TOOLS)


# More pages


async def test_a_page_that_is_not_the_last_names_the_call_for_the_next() -> None:
    # The exact call saves the agent from guessing which arguments to keep.
    said = await hint(MANY, sortBy="cost", createdAtGe="2026-01-01")
    given = {"sortBy": "cost", "createdAtGe": "2026-01-01", "page": 2}
    assert calls(said) == [(LIST, given)]
    assert said.startswith("More: ")


async def test_the_last_page_says_nothing() -> None:
    # Each word costs; an agent that is done needs none.
    assert await hint(MANY, page=3) == ""
    assert await hint(MANY[:1]) == ""


async def test_more_pages_are_found_without_the_fields_that_vapi_may_leave_out() -> None:
    # Vapi promises items per page, the total and the current page, and no more than that.
    async with served(fixed_upstream(MANY, ALWAYS)) as client:
        said = [note(await client.call_tool(LIST, {"page": page})) for page in (1, 2, 3, 4)]
    assert [calls(one) for one in said] == [[(LIST, {"page": 2})], [(LIST, {"page": 3})], [], []]
    assert said[2:] == ["", "Page 4 is past the last, which is 3."]


@pytest.mark.parametrize("metadata", [(), ("currentPage",), ("currentPage", "totalItems")], ids=str)
async def test_nothing_is_claimed_about_pages_that_vapi_does_not_tell(
    metadata: tuple[str, ...],
) -> None:
    # A hint that is wrong costs more turns than it saves.
    async with served(fixed_upstream(MANY, metadata)) as client:
        assert note(await client.call_tool(LIST, {})) == ""


async def test_a_page_past_the_end_says_which_is_the_last() -> None:
    # Not "no session matches": there are sessions, on other pages.
    assert await hint(MANY, page=4) == "Page 4 is past the last, which is 3."


async def test_a_limit_of_zero_says_nothing() -> None:
    # It asks for the count alone, and an empty page is what it wants.
    assert await hint(MANY, limit=0) == ""
    assert await hint([], limit=0, number="+14155550142") == ""


# Times that can be read in two ways


async def test_what_a_time_without_a_zone_was_taken_for_is_said() -> None:
    # "Until the 26th" holds the 26th here, and the day of people in Tokyo is another one.
    said = await hint(MANY[:1], createdAtGe="2025-12-31", createdAtLe="2026-01-26T09:00")
    assert said == "createdAtGe, createdAtLe: taken in UTC, a date alone as the whole day."
    zoned = {"createdAtGe": "2025-12-31T00:00Z", "createdAtLe": "2026-12-31T00:00:00+01:00"}
    assert await hint(MANY[:1], **zoned) == ""
    scan = await hint(MANY[:1], updatedAtGt="2025-12-31", contains="Session")
    assert scan.endswith("updatedAtGt: taken in UTC, a date alone as the whole day.")


# Nothing found


@pytest.mark.parametrize("name", ["number", "customerNumberAny"])
async def test_an_empty_list_after_a_number_names_the_call_that_finds_a_part(name: str) -> None:
    # The commonest reason for nothing is a number in another form.
    said = await hint([], **{name: "+14155550142"})
    assert "E.164" in said
    assert calls(said) == [(LIST, {"contains": "5550142"})]


async def test_that_call_finds_the_session() -> None:
    # A hint that leads nowhere is worse than none.
    async with served(fixed_upstream([session(142)])) as client:
        [row] = data(await client.call_tool(LIST, {"contains": "5550142"}))["results"]
    assert row["id"] == session(142)["id"]


async def test_a_part_of_a_number_is_not_searched_for_where_numbers_are_masked() -> None:
    # What is searched is what the agent may see: the call would find nothing.
    async with served(fixed_upstream([]), mask_pii=True) as client:
        said = note(await client.call_tool(LIST, {"number": "+14155550142"}))
    assert said == "No session matches. Numbers match whole and in E.164."


async def test_an_empty_list_after_filters_says_to_leave_one_out() -> None:
    # All filters are joined by and, which agents tend to forget.
    said = "No session matches all of the filters: leave one out."
    assert await hint([], name="Nobody") == said
    assert await hint([], name="Nobody", page=3) == said


async def test_an_empty_list_without_filters_says_nothing() -> None:
    # There is nothing to leave out: the organisation has no sessions.
    assert await hint([]) == await hint([], limit=5, sortOrder="ASC", view="summary") == ""


# How far a scan got


async def test_a_scan_says_how_far_it_looked_and_how_to_go_on() -> None:
    # Nothing is claimed that was not scanned.
    async with served(fixed_upstream(MANY)) as client:
        result = await client.call_tool(LIST, {"contains": "session 17", "maxScan": 100})
        assert note(result) == (
            "Scanned 100 of 250 sessions; 10 match."
            f" Continue: {LIST} with the arguments in coverage.next."
        )
        following = data(result)["coverage"]["next"]
        assert following == {
            "contains": "session 17",
            "maxScan": 100,
            "createdAtLt": session(150)["createdAt"],
        }
        result = await client.call_tool(LIST, following)
    assert note(result).startswith("Scanned 100 of 150 sessions; 0 match. Continue: ")


async def test_a_scan_of_everything_has_nothing_to_continue() -> None:
    # The agent may say "there is no such session", and only now.
    assert await hint(MANY, contains="nowhere") == "Scanned 250 of 250 sessions; 0 match."


async def test_a_scan_that_ends_at_its_limit_counts_no_more_than_it_shows() -> None:
    # Whoever goes on from there must not meet a match that was counted before.
    said = await hint(MANY, status="active", limit=3, maxScan=100)
    assert said.startswith("Scanned 3 of 250 sessions; 3 match. Continue: ")


async def test_a_scan_that_only_counts_says_nothing_of_rows() -> None:
    # "0 are shown" is what was asked for.
    said = await hint(MANY, status="active", limit=0)
    assert said == "Scanned 250 of 250 sessions; 250 match."


async def test_a_scan_of_unknown_length_does_not_name_one() -> None:
    # "of None" reads like a fault, and like zero.
    async with served(fixed_upstream(MANY[:5], ())) as client:
        said = note(await client.call_tool(LIST, {"status": "active"}))
    assert said == "Scanned 5 sessions; 5 match."


async def test_a_scan_says_that_vapi_keeps_sessions_to_itself() -> None:
    # Whoever reports that nothing is left has to know of those that nobody can look at.
    class Retaining(Fixed):
        def page(self, request: httpx2.Request) -> str:
            page = json.loads(super().page(request))
            return json.dumps({**page, "metadata": {"itemsBeyondRetention": True}})

    async with served(Retaining([json.dumps(one) for one in MANY[:5]], ())) as client:
        result = await client.call_tool(LIST, {"status": "active"})
    assert note(result) == (
        "Scanned 5 sessions; 5 match."
        " Vapi counts sessions beyond its retention, which it does not list."
    )
    assert data(result)["coverage"]["itemsBeyondRetention"] is True


# An expired session


@pytest.mark.parametrize("arguments", [{"view": "summary"}, {"messages": {"last": 1}}], ids=str)
async def test_an_active_session_past_its_lifetime_has_probably_expired(arguments: Json) -> None:
    # Vapi tells no expiry: an agent would write to a session that is about to vanish.
    said = await hint([session(updatedAt=LONG_AGO)], GET, id=ID, **arguments)
    assert said.startswith(
        "By estimate (last update plus lifetime) it expired about 2026-01-02 00:00 UTC"
    )
    assert CREATE in said


async def test_the_estimate_counts_the_lifetime_that_the_session_has() -> None:
    # A week is not a day, and null is Vapi's default.
    assert "2026-01-01 00:01 UTC" in await expiry(updatedAt=LONG_AGO, expirationSeconds=60)
    assert "2026-01-02 00:00 UTC" in await expiry(updatedAt=LONG_AGO, expirationSeconds=None)
    recently = (NOW - timedelta(days=2)).isoformat()
    assert await expiry(updatedAt=recently, expirationSeconds=604_800) == ""
    assert await expiry(updatedAt=recently, expirationSeconds=3_600)


async def test_the_estimate_is_judged_by_the_clock_that_vapi_goes_by() -> None:
    # A sandbox lives at its own moment, and the last second of a session is not yet past it.
    written = session(updatedAt=NOW.isoformat(), expirationSeconds=60)
    for after, expired in ((59, False), (60, True), (10**9, True), (-(10**9), False)):
        upstream = fixed_upstream([written])
        clock = stopped_at(NOW + timedelta(seconds=after))
        async with served(upstream, clock=clock) as client:
            said = note(await client.call_tool(GET, {"id": ID, "view": "summary"}))
        assert bool(said) is expired, after


async def test_the_estimate_is_in_utc_whatever_zone_it_was_written_in() -> None:
    # It says UTC, so it has to be.
    assert "2026-01-01 19:00 UTC" in await expiry(updatedAt="2026-01-01T00:00:00+05:00")


async def test_a_completed_session_is_not_said_to_have_expired() -> None:
    # It is over, and that is why nobody updates it.
    assert await expiry(updatedAt=LONG_AGO, status="completed") == ""
    assert await expiry(updatedAt=LONG_AGO, status=None) == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"updatedAt": None},
        {"updatedAt": ""},
        {"updatedAt": "yesterday"},
        {"updatedAt": 1_767_225_600_000},
        {"updatedAt": "2020-01-01T00:00:00"},
        {"updatedAt": "2020-01-01"},
        {"updatedAt": "0001-01-01T00:00:00+14:00", "expirationSeconds": 60},
        {"updatedAt": "9999-12-31T23:59:59Z"},
        {"updatedAt": LONG_AGO, "expirationSeconds": "a day"},
        {"updatedAt": LONG_AGO, "expirationSeconds": 10**400},
        {"updatedAt": LONG_AGO, "expirationSeconds": [60]},
    ],
    ids=lambda fields: str(fields)[:60],
)
async def test_what_cannot_be_counted_is_not_estimated(fields: Json) -> None:
    # An estimate from half a date would be an invention.
    assert await expiry(**fields) == ""


async def test_a_session_that_does_not_say_when_it_changed_is_not_estimated() -> None:
    # The field is promised, but not by everybody who stands in for Vapi.
    bare: Json = {"id": ID, "status": "active"}
    assert await hint([bare], GET, id=ID, view="summary") == ""


# How it is said


async def test_notes_name_the_tools_as_this_server_lists_them() -> None:
    # An agent can only call what it sees in its list.
    long = [{"role": "user", "content": "x" * 9_000}]
    old = session(1000, updatedAt=LONG_AGO, messages=long)
    upstream = fixed_upstream([old, *MANY])
    async with served(upstream, tool_names="short", max_result_bytes=2_000) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        said = [
            note(await client.call_tool("get_session", {"id": old["id"]})),
            note(await client.call_tool("list_sessions", {"limit": 2})),
            note(await client.call_tool("list_sessions", {})),
            note(await client.call_tool("list_sessions", {"status": "active"})),
        ]
        assert "create_session starts" in note(
            await client.call_tool("get_session", {"id": old["id"], "view": "summary"})
        )
    assert {name for one in said for name, _ in calls(one)} == {"get_session", "list_sessions"}
    assert listed >= {"get_session", "list_sessions"}
    assert all("vapi-" not in one for one in said)


@pytest.mark.parametrize("default", ["auto", "summary", "transcript", "full"])
async def test_at_most_two_sentences_name_a_tool(default: str) -> None:
    # More than that is a manual, and it is paid for in every answer.
    hard = generated() | {"5000 messages": session(3, messages=talk(300))}
    sessions = [{**one, "updatedAt": LONG_AGO} for one in hard.values()]
    async with served(fixed_upstream(sessions), view=default, max_result_bytes=2_000) as client:
        said = [note(await client.call_tool(GET, {"id": one["id"]})) for one in sessions]
        lists: list[Json] = [{}, {"limit": 3}, {"status": "active", "limit": 1}]
        said += [note(await client.call_tool(LIST, arguments)) for arguments in lists]
    assert any(said)
    assert all(tools_named(one) <= 2 for one in said)


async def test_nothing_stands_beside_an_explicit_full() -> None:
    # It is Vapi's answer and nothing else.
    old = session(1000, updatedAt=LONG_AGO)
    async with served(fixed_upstream([old, *MANY])) as client:
        assert note(await client.call_tool(GET, {"id": old["id"], "view": "full"})) == ""
        assert note(await client.call_tool(LIST, {"view": "full"})) == ""
        assert note(await client.call_tool(LIST, {"view": "full", "page": 9})) == ""
