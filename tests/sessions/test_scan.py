"""Sessions are found by what Vapi cannot filter by, and nothing is claimed that was not scanned."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from support.timeline import Timeline, stamp
from support.tools import GET, LIST, text
from support.upstream import Connect, Upstream

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]


def numbered(count: int, *, every: int) -> list[Json]:
    """So many sessions, s0 the newest, of which one in `every` is active."""
    return [
        {
            "id": f"s{n}",
            "status": "completed" if n % every else "active",
            "name": f"Session {n}",
            "createdAt": stamp(1000 * (count - n)),
        }
        for n in range(count)
    ]


async def scanned(client: Client, **arguments: Any) -> Json:
    return (await listed(client, **arguments))[0]


async def listed(client: Client, **arguments: Any) -> tuple[Json, str]:
    """The answer and its note, the same in `content` and in `structuredContent`."""
    result = await client.call_tool(LIST, arguments)
    assert not result.is_error, text(result)
    data = json.loads(text(result))
    assert result.structured_content == data
    return data, data.pop("note")


def said(result: CallToolResult) -> str:
    return json.loads(text(result))["note"]


def ids(answer: Json) -> list[str]:
    return [row["id"] for row in answer["results"]]


def sizes(upstream: Upstream) -> list[tuple[str, str]]:
    """Page and size of each request that Vapi got."""
    asked = [request.url.params for request in upstream.requests]
    return [(params["page"], params["limit"]) for params in asked]


async def test_status_finds_every_session_that_has_it(connect: Connect, upstream: Upstream) -> None:
    # Vapi has no such filter, and an agent asked for the open ones must get all of them.
    async with connect() as client:
        everything = await client.call_tool(LIST, {"limit": 1000, "view": "full"})
        upstream.requests.clear()
        active, note = await listed(client, status="active")
        completed = await scanned(client, status="completed")
    rows = cast("Json", everything.structured_content)["results"]
    wanted = [row["id"] for row in rows if row["status"] == "active"]
    assert ids(active) == wanted
    assert len(wanted) == 6
    assert len(ids(completed)) == 54
    assert {row["status"] for row in completed["results"]} == {"completed"}
    assert active["coverage"] == {"scanned": 60, "matches": 6, "total": 60}
    assert note == "Scanned 60 of 60 sessions; 6 match."
    assert sizes(upstream) == [("1", "101")] * 2


async def test_status_and_contains_must_both_be_met(connect: Connect, upstream: Upstream) -> None:
    # Two conditions narrow a search, as Vapi's own filters do.
    upstream.answers = Timeline(numbered(30, every=5))
    async with connect() as client:
        assert ids(await scanned(client, status="active", contains="n 1")) == ["s10", "s15"]


async def test_text_from_a_real_conversation_leads_to_its_session(connect: Connect) -> None:
    # What is found must be what is then read.
    async with connect() as client:
        found = await scanned(client, contains="mAKE A COMPLAINT", view="transcript")
        session = await client.call_tool(GET, {"id": ids(found)[0]})
    assert "make a complaint" in text(session)
    assert "make a complaint" in json.dumps(found["results"][0]["messages"])


async def test_other_filters_go_along_with_each_page(connect: Connect, upstream: Upstream) -> None:
    # Vapi narrows first, so that less has to be scanned.
    upstream.answers = Timeline(numbered(250, every=10))
    filters = {"number": "+14155550123", "createdAtGt": "2026-10-30", "sortOrder": "ASC"}
    async with connect() as client:
        await scanned(client, status="active", contains="Session", view="summary", **filters)
    sent = {**filters, "createdAtGe": "2026-10-31T00:00:00Z", "sortBy": "createdAt"}
    del sent["createdAtGt"]
    sent |= {"page": "1", "limit": "101"}
    bounds = [{}, {"createdAtGe": stamp(100_001)}, {"createdAtGe": stamp(200_001)}]
    assert [dict(request.url.params) for request in upstream.requests] == [
        {**sent, **bound} for bound in bounds
    ]


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("count", "arguments", "asked", "coverage"),
    [
        (0, {}, 1, {"scanned": 0, "matches": 0, "total": 0}),
        (99, {}, 1, {"scanned": 99, "matches": 10, "total": 99}),
        (100, {}, 1, {"scanned": 100, "matches": 10, "total": 100}),
        (101, {}, 1, {"scanned": 101, "matches": 11, "total": 101}),
        (500, {}, 5, {"scanned": 500, "matches": 50, "total": 500}),
        (1240, {}, 5, {"scanned": 500, "matches": 50, "total": 1240}),
        (1240, {"page": 1}, 5, {"scanned": 500, "matches": 50, "total": 1240}),
        (1240, {"maxScan": 1}, 1, {"scanned": 1, "matches": 1, "total": 1240}),
        (1240, {"maxScan": 30}, 1, {"scanned": 30, "matches": 3, "total": 1240}),
        (1240, {"maxScan": 250}, 3, {"scanned": 250, "matches": 25, "total": 1240}),
        (1240, {"maxScan": 10000}, 13, {"scanned": 1240, "matches": 124, "total": 1240}),
        (1240, {"limit": 10}, 1, {"scanned": 91, "matches": 10, "total": 1240}),
        (1240, {"limit": 11}, 2, {"scanned": 101, "matches": 11, "total": 1240}),
        (20, {"limit": 1}, 1, {"scanned": 1, "matches": 1, "total": 20}),
        (20, {"limit": 2}, 1, {"scanned": 11, "matches": 2, "total": 20}),
        (11, {"limit": 2}, 1, {"scanned": 11, "matches": 2, "total": 11}),
    ],
)
async def test_a_scan_reads_as_many_pages_as_needed_and_claims_no_more(
    connect: Connect,
    upstream: Upstream,
    count: int,
    arguments: Json,
    asked: int,
    coverage: Json,
) -> None:
    # Each page is a request that somebody waits for; "none match" must mean of those scanned.
    upstream.answers = Timeline(numbered(count, every=10))
    async with connect() as client:
        found, note = await listed(client, status="active", **arguments)
    # One more than is to be scanned shows where the last instant ends.
    most = arguments.get("maxScan", 500)
    wanted = [("1", str(min(100, most - 100 * page) + 1)) for page in range(asked)]
    assert sizes(upstream) == wanted
    following = found["coverage"].pop("next", None)
    assert found["coverage"] == coverage
    assert found["coverage"]["scanned"] <= most
    assert len(found["results"]) == coverage["matches"]
    said = f"Scanned {coverage['scanned']} of {count} sessions; {coverage['matches']} match."
    if coverage["scanned"] == count:
        assert (following, note) == (None, said)
    else:
        bound = stamp(1000 * (count - coverage["scanned"] + 1))
        assert following == {"status": "active", **arguments, "createdAtLt": bound}
        assert note == f"{said} Continue: {LIST} with the arguments in coverage.next."


async def test_limit_0_only_counts(connect: Connect, upstream: Upstream) -> None:
    # "How many are open?" needs no rows, and all of what may be scanned.
    upstream.answers = Timeline(numbered(320, every=10))
    async with connect() as client:
        found, note = await listed(client, status="active", limit=0)
    assert found == {"results": [], "coverage": {"scanned": 320, "matches": 32, "total": 320}}
    assert note == "Scanned 320 of 320 sessions; 32 match."
    assert sizes(upstream) == [("1", "101")] * 4


@pytest.mark.unmeasured
@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize(
    ("most", "tool_names"), [([17], "full"), ([100, 1], "short"), ([250, 3, 99], "full")]
)
async def test_next_leads_through_all_sessions_whatever_maxscan_is_given_then(
    connect: Connect, upstream: Upstream, most: list[int], tool_names: str, order: str
) -> None:
    # An agent repeats the call with these arguments: nothing may be skipped, nothing come twice.
    sessions = numbered(613, every=10)
    upstream.answers = Timeline(sessions)
    found: list[str] = []
    covered = 0
    arguments: Json = {"status": "active", "sortOrder": order, "view": "summary"}
    async with connect(tool_names=tool_names) as client:
        [tool] = [t.name for t in (await client.list_tools()).tools if t.title == "List Sessions"]
        for turn in range(100):
            arguments["maxScan"] = most[turn % len(most)]
            answer, note = await listed(client, **arguments)
            found += ids(answer)
            covered += answer["coverage"]["scanned"]
            if "next" not in answer["coverage"]:
                break
            assert note.endswith(f" Continue: {tool} with the arguments in coverage.next.")
            arguments = answer["coverage"]["next"]
    wanted = [row["id"] for row in sessions if row["status"] == "active"]
    assert found == (wanted[::-1] if order == "ASC" else wanted)
    assert covered == 613


async def test_next_holds_every_argument_that_was_given(
    connect: Connect, upstream: Upstream
) -> None:
    # What is left out would change what the scan looks for.
    upstream.answers = Timeline(numbered(30, every=1))
    given: Json = {
        "contains": "Session",
        "status": "active",
        "limit": 5,
        "maxScan": 20,
        "view": "transcript",
        "phoneNumberIdAny": ["p1", "p2"],
        "createdAtGe": "2026-10-30T12:00:00+02:00",
        "createdAtLe": "2030-01-01T00:00:00Z",
    }
    async with connect() as client:
        found = await scanned(client, **given)
    assert found["coverage"]["next"] == {**given, "createdAtLt": stamp(26_000)}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"page": 2}, "`page` cannot be combined with `status` or `contains`: a scan goes on with"),
        ({"sortBy": "duration"}, "`sortBy` duration cannot be combined with `status` or"),
        ({"contains": " \n\u00a0\u200b"}, "`contains` must hold more than spaces."),
        ({"contains": "x" * 1001}, "`contains` must be at most 1000 characters"),
    ],
)
async def test_what_a_scan_cannot_do_is_refused(
    connect: Connect, upstream: Upstream, arguments: Json, problem: str
) -> None:
    # A page number means nothing to a scan, and a list sorted by nothing looks sorted.
    async with connect() as client:
        result = await client.call_tool(LIST, {"status": "active", **arguments})
    assert result.is_error
    assert text(result).startswith(problem)
    assert upstream.requests == []


def costing(*costs: Any) -> list[Json]:
    sessions = numbered(len(costs), every=1)
    return [{**one, "cost": cost} for one, cost in zip(sessions, costs, strict=True)]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, ["s3", "s1", "s0", "s4", "s2", "s5"]),
        ({"sortOrder": "DESC", "limit": 2}, ["s3", "s1"]),
        ({"sortOrder": "ASC", "limit": 3}, ["s2", "s5", "s4"]),
        ({"limit": 0}, []),
    ],
)
async def test_what_is_found_can_be_sorted_by_cost(
    connect: Connect, upstream: Upstream, arguments: Json, found: list[str]
) -> None:
    # "The dearest calls about refunds": the first ones found would be no answer.
    upstream.answers = Timeline(costing(0.5, 0.7, None, 3, 0.1, "free"))
    async with connect() as client:
        answer, note = await listed(client, status="active", sortBy="cost", **arguments)
    assert ids(answer) == found
    assert answer["coverage"] == {"scanned": 6, "matches": 6, "total": 6}
    few = "limit" in arguments and arguments["limit"]
    assert ("; the others need a higher limit or view summary" in note) == bool(few)
    assert {request.url.params["sortBy"] for request in upstream.requests} == {"createdAt"}
    assert {request.url.params["sortOrder"] for request in upstream.requests} == {"DESC"}


async def test_a_sorted_scan_goes_on_by_time(connect: Connect, upstream: Upstream) -> None:
    # Each part is sorted by itself; together they are everything.
    upstream.answers = Timeline(costing(*range(7)))
    async with connect() as client:
        first = await scanned(client, status="active", sortBy="cost", sortOrder="ASC", maxScan=4)
        rest = await scanned(client, **first["coverage"]["next"])
    assert (ids(first), ids(rest)) == (["s0", "s1", "s2", "s3"], ["s4", "s5", "s6"])


@pytest.mark.parametrize("bound", ["maxScan", "limit"])
async def test_sessions_of_one_instant_come_together(
    connect: Connect, upstream: Upstream, bound: str
) -> None:
    # Vapi has no filter that leads on from within a millisecond, so it is not cut in two.
    sessions = numbered(9, every=1)
    for row in sessions[2:7]:
        row["createdAt"] = stamp(5000)
    upstream.answers = Timeline(sessions)
    parts: list[list[str]] = []
    arguments: Json = {"status": "active", bound: 3}
    async with connect() as client:
        while arguments:
            answer = await scanned(client, **arguments)
            parts.append(ids(answer))
            assert answer["coverage"]["scanned"] == answer["coverage"]["matches"] == len(parts[-1])
            arguments = answer["coverage"].get("next", {})
    assert parts == [["s0", "s1"], ["s2", "s3", "s4", "s5", "s6"], ["s7", "s8"]]


async def test_sessions_that_begin_meanwhile_count_neither_twice_nor_in_the_place_of_others(
    connect: Connect, upstream: Upstream
) -> None:
    # By page numbers they would push the others down, so that some come again.
    pages = Timeline(numbered(250, every=10))
    born = iter(range(1000, 2000))

    def create() -> None:
        new = [(next(born), "active") for _ in range(10)]
        pages.sessions += [
            {"id": f"s{n}", "status": status, "createdAt": stamp(1000 * n)} for n, status in new
        ]

    pages.meanwhile = create
    upstream.answers = pages
    async with connect() as client:
        found, note = await listed(client, status="active")
    assert ids(found) == [f"s{n}" for n in range(0, 250, 10)]
    assert found["coverage"] == {"scanned": 250, "matches": 25, "total": 250}
    assert "came or went" not in note


@pytest.mark.parametrize("order", ["ASC", "DESC"])
async def test_sessions_that_vanish_hide_no_other(
    connect: Connect, upstream: Upstream, order: str
) -> None:
    # By page numbers, each that vanishes pulls another to a page that was read before.
    pages = Timeline(numbered(250, every=1))
    everything = [row["id"] for row in pages.sessions]

    def delete() -> None:
        pages.sessions[:3] = pages.sessions[-3:] = []

    pages.meanwhile = delete
    upstream.answers = pages
    async with connect() as client:
        found, note = await listed(client, status="active", sortOrder=order)
    assert set(ids(found)) >= set(everything[9:-9])
    assert found["coverage"]["changed"] is True
    assert "Sessions came or went meanwhile; none that stayed was passed over." in note


@pytest.mark.parametrize("view", ["summary", "transcript", "full"])
async def test_what_is_found_comes_in_the_view_asked_for(connect: Connect, view: str) -> None:
    # Finding and reading in one call saves a turn.
    async with connect() as client:
        found = await scanned(client, status="active", view=view)
        first = await client.call_tool(GET, {"id": ids(found)[0], "view": view})
    assert found["results"][0] == json.loads(text(first))
    assert found["coverage"] == {"scanned": 60, "matches": 6, "total": 60}


async def test_progress_is_told_once_a_page_to_those_who_ask(
    connect: Connect, upstream: Upstream
) -> None:
    # A scan can take a minute, and hosts show that something happens.
    upstream.answers = Timeline(numbered(1240, every=10))
    told: list[tuple[float, float | None, str | None]] = []
    complete = anyio.Event()

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))
        if len(told) == 5:
            complete.set()

    async with connect() as client:
        await client.call_tool(LIST, {"status": "active"}, progress_callback=tell)
        with anyio.fail_after(5):
            await complete.wait()
        plain = await client.call_tool(LIST, {"status": "active"})
    assert not plain.is_error
    assert sorted(told) == [
        (done, 500, f"{done} sessions scanned") for done in (100, 200, 300, 400, 500)
    ]


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        ({}, [(100, 320), (200, 320), (300, 320), (320, 320)]),
        ({"createdAtLt": stamp(121_000)}, [(100, 120), (120, 120)]),
        ({"createdAtLt": stamp(0)}, [(0, 0)]),
        ({"maxScan": 250}, [(100, 250), (200, 250), (250, 250)]),
    ],
)
async def test_progress_ends_where_the_scan_ends(
    connect: Connect, upstream: Upstream, arguments: Json, ends: list[tuple[int, int]]
) -> None:
    # A bar that stops at 120 of 500 looks like a failure.
    upstream.answers = Timeline(numbered(320, every=10))
    told: list[tuple[float, float | None]] = []
    complete = anyio.Event()

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total))
        if len(told) == len(ends):
            complete.set()

    async with connect() as client:
        await client.call_tool(LIST, {"status": "active", **arguments}, progress_callback=tell)
        with anyio.fail_after(5):
            await complete.wait()
    assert sorted(told) == ends


async def test_a_total_that_vapi_does_not_tell_is_not_made_up(
    connect: Connect, upstream: Upstream
) -> None:
    # Older answers lack it: pages are then read until one is not full.
    class Uncounted(Timeline):
        def page(self, params: Mapping[str, str]) -> Json:
            return {**super().page(params), "metadata": None}

    upstream.answers = Uncounted(numbered(200, every=10))
    told: list[tuple[float, float | None]] = []
    complete = anyio.Event()

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total))
        if len(told) == 2:
            complete.set()

    async with connect() as client:
        result = await client.call_tool(LIST, {"status": "active"}, progress_callback=tell)
        with anyio.fail_after(5):
            await complete.wait()
    assert json.loads(text(result))["coverage"] == {"scanned": 200, "matches": 20}
    assert told == [(100, None), (200, 200)]
