"""Sessions are found by what Vapi cannot filter by, and nothing is claimed that was not scanned."""

import json
import re
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import anyio
import httpx2
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from support.tools import GET, LIST, text
from support.upstream import Connect, Upstream

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]


class Pages(httpx2.AsyncBaseTransport):
    """An upstream with many sessions, newest first, and `meanwhile` after each page."""

    def __init__(self, sessions: list[Json]) -> None:
        self.sessions = sessions
        self.meanwhile: Callable[[], None] | None = None
        self.failing_page = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        if page == self.failing_page:
            return httpx2.Response(400, json={"message": "page is too far back"})
        rows = self.sessions[(page - 1) * limit : page * limit]
        metadata = {"itemsPerPage": limit, "totalItems": len(self.sessions), "currentPage": page}
        answer = httpx2.Response(200, json={"results": rows, "metadata": metadata})
        if self.meanwhile:
            self.meanwhile()
        return answer


def numbered(count: int, *, every: int) -> list[Json]:
    """So many sessions, of which one in `every` is active."""
    return [
        {"id": f"s{n}", "status": "completed" if n % every else "active", "name": f"Session {n}"}
        for n in range(count)
    ]


async def scanned(client: Client, **arguments: Any) -> Json:
    return (await listed(client, **arguments))[0]


async def listed(client: Client, **arguments: Any) -> tuple[Json, str]:
    """The answer and its note, the same in `content` and in `structuredContent`."""
    result = await client.call_tool(LIST, arguments)
    assert not result.is_error, text(result)
    data, note = json.loads(text(result)), said(result)
    assert result.structured_content == {**data, "note": note}
    return data, note


def said(result: CallToolResult) -> str:
    return " ".join(block.text for block in result.content[1:] if isinstance(block, TextContent))


def ids(answer: Json) -> list[str]:
    return [row["id"] for row in answer["results"]]


def queries(upstream: Upstream) -> list[tuple[str, str]]:
    """Page and size of each request that Vapi got."""
    asked = [request.url.params for request in upstream.requests]
    return [(params["page"], params["limit"]) for params in asked]


def continuing(note: str) -> tuple[str, Json]:
    """The call that the note names: a tool and its arguments."""
    found = re.search(r"Continue: (\S+) (\{.*\})\.$", note)
    assert found, note
    return found[1], json.loads(found[2])


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
    assert queries(upstream) == [("1", "100")] * 2


MANY_PLACES: list[Json] = [
    {"id": "call", "messages": [{"role": "bot", "message": "The STRASSE is closed", "time": 1}]},
    {"id": "chat", "messages": [{"role": "user", "content": "Which straße?"}]},
    {
        "id": "parts",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "strasse"}]}],
    },
    {"id": "result", "messages": [{"role": "tool_call_result", "result": '{"at": "Straße 1"}'}]},
    {"id": "name", "name": "Hauptstraße"},
    {"id": "customer", "customer": {"name": "Anna Strasser"}},
    {"id": "number", "customer": {"number": "+14155550123"}},
    {"id": "mail", "customer": {"email": "strasse@example.com"}},
    {"id": "external", "customer": {"externalId": "STRASSE-1"}},
    {"id": "sip", "customer": {"sipUri": "sip:strasse@example.com"}},
    {"id": "elsewhere", "assistant": {"name": "strasse"}, "status": "strasse"},
    {"id": "nothing", "name": None, "customer": None, "messages": None},
    {"id": "odd", "name": 7, "customer": ["strasse"], "messages": "strasse"},
    {"id": "empty"},
]


@pytest.mark.parametrize("wanted", ["straße", "STRASSE", "Strasse"])
async def test_contains_looks_in_messages_name_and_customer_in_any_case(
    connect: Connect, upstream: Upstream, wanted: str
) -> None:
    # People remember a word of what was said, or of who it was, and not how it was written.
    upstream.answers = Pages(MANY_PLACES)
    async with connect() as client:
        found = await scanned(client, contains=wanted)
    assert ids(found) == [
        "call",
        "chat",
        "parts",
        "result",
        "name",
        "customer",
        "mail",
        "external",
        "sip",
    ]


async def test_contains_finds_a_part_of_a_number(connect: Connect, upstream: Upstream) -> None:
    # Vapi matches numbers whole, and people give the last digits.
    upstream.answers = Pages(MANY_PLACES)
    async with connect() as client:
        assert ids(await scanned(client, contains="5550123")) == ["number"]
        assert ids(await scanned(client, contains="5550124")) == []


async def test_status_and_contains_must_both_be_met(connect: Connect, upstream: Upstream) -> None:
    # Two conditions narrow a search, as Vapi's own filters do.
    upstream.answers = Pages(numbered(30, every=5))
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
    upstream.answers = Pages(numbered(250, every=10))
    filters = {"number": "+14155550123", "createdAtGe": "2026-11-01", "sortOrder": "ASC"}
    async with connect() as client:
        await scanned(client, status="active", contains="Session", view="summary", **filters)
    assert queries(upstream) == [("1", "100"), ("2", "100"), ("3", "100")]
    sent = {**filters, "createdAtGe": "2026-11-01T00:00:00Z", "limit": "100"}
    for page, request in enumerate(upstream.requests, 1):
        assert dict(request.url.params) == {**sent, "page": str(page)}


@pytest.mark.parametrize(
    ("count", "arguments", "asked", "coverage"),
    [
        (0, {}, 1, {"scanned": 0, "matches": 0, "total": 0}),
        (99, {}, 1, {"scanned": 99, "matches": 10, "total": 99}),
        (100, {}, 1, {"scanned": 100, "matches": 10, "total": 100}),
        (101, {}, 2, {"scanned": 101, "matches": 11, "total": 101}),
        (500, {}, 5, {"scanned": 500, "matches": 50, "total": 500}),
        (1240, {}, 5, {"scanned": 500, "matches": 50, "total": 1240, "nextPage": 6}),
        (1240, {"page": 6}, 5, {"scanned": 500, "matches": 50, "total": 1240, "nextPage": 11}),
        (1240, {"page": 11}, 3, {"scanned": 240, "matches": 24, "total": 1240}),
        (1240, {"page": 14}, 1, {"scanned": 0, "matches": 0, "total": 1240}),
        (1240, {"maxScan": 1}, 1, {"scanned": 1, "matches": 1, "total": 1240, "nextPage": 2}),
        (1240, {"maxScan": 30}, 1, {"scanned": 30, "matches": 3, "total": 1240, "nextPage": 2}),
        (1240, {"maxScan": 250}, 2, {"scanned": 200, "matches": 20, "total": 1240, "nextPage": 3}),
        (1240, {"maxScan": 10000}, 13, {"scanned": 1240, "matches": 124, "total": 1240}),
        (1240, {"limit": 10}, 1, {"scanned": 100, "matches": 10, "total": 1240, "nextPage": 2}),
        (1240, {"limit": 11}, 2, {"scanned": 200, "matches": 20, "total": 1240, "nextPage": 3}),
        (20, {"limit": 1}, 1, {"scanned": 20, "matches": 2, "total": 20}),
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
    upstream.answers = Pages(numbered(count, every=10))
    async with connect() as client:
        found, note = await listed(client, status="active", **arguments)
    first, size = arguments.get("page", 1), min(100, arguments.get("maxScan", 500))
    assert queries(upstream) == [(str(first + n), str(size)) for n in range(asked)]
    assert found["coverage"] == coverage
    assert found["coverage"]["scanned"] <= arguments.get("maxScan", 500)
    assert len(found["results"]) == min(coverage["matches"], arguments.get("limit", 100_000))
    start = f" from page {first} on" if "page" in arguments else ""
    summary = (
        f"Scanned {coverage['scanned']} of {count} sessions{start}; {coverage['matches']} match"
    )
    assert note.startswith(summary)
    assert ("Continue: " in note) == ("nextPage" in coverage)


async def test_limit_cuts_the_rows_and_the_note_says_how_many_there_are(
    connect: Connect, upstream: Upstream
) -> None:
    # The rows left out were scanned: a next page would never show them.
    upstream.answers = Pages(numbered(90, every=10))
    async with connect() as client:
        found, note = await listed(client, status="active", limit=2)
    assert ids(found) == ["s0", "s10"]
    assert found["coverage"] == {"scanned": 90, "matches": 9, "total": 90}
    assert "9 match, 2 are shown: raise limit for the others" in note


async def test_limit_0_only_counts(connect: Connect, upstream: Upstream) -> None:
    # "How many are open?" needs no rows, and all of what may be scanned.
    upstream.answers = Pages(numbered(320, every=10))
    async with connect() as client:
        found = await scanned(client, status="active", limit=0)
    assert found == {"results": [], "coverage": {"scanned": 320, "matches": 32, "total": 320}}
    assert queries(upstream) == [("1", "100"), ("2", "100"), ("3", "100"), ("4", "100")]


@pytest.mark.parametrize(
    ("most", "tool_names"), [(17, "full"), (100, "short"), (250, "full"), (500, "short")]
)
async def test_the_calls_in_the_notes_lead_through_all_sessions(
    connect: Connect, upstream: Upstream, most: int, tool_names: str
) -> None:
    # An agent follows the note to the letter: nothing may be skipped, nothing come twice.
    sessions = numbered(613, every=10)
    upstream.answers = Pages(sessions)
    found: list[str] = []
    covered = 0
    call = LIST, {"status": "active", "maxScan": most, "view": "summary", "sortOrder": "ASC"}
    async with connect(tool_names=tool_names) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        while True:
            result = await client.call_tool(*call)
            answer = json.loads(text(result))
            found += ids(answer)
            covered += answer["coverage"]["scanned"]
            if "nextPage" not in answer["coverage"]:
                break
            call = continuing(said(result))
            assert call[0] in names
            assert call[1]["page"] == answer["coverage"]["nextPage"]
    assert found == [row["id"] for row in sessions if row["status"] == "active"]
    assert covered == 613
    assert len({*queries(upstream)}) == len(upstream.requests)


async def test_sessions_that_move_to_the_next_page_count_once(
    connect: Connect, upstream: Upstream
) -> None:
    # A session that begins meanwhile pushes the others down, so that some come again.
    pages = Pages(numbered(250, every=10))
    born = iter(range(1000, 2000))

    def create() -> None:
        pages.sessions[:0] = [{"id": f"s{next(born)}", "status": "active"} for _ in range(10)]

    pages.meanwhile = create
    upstream.answers = pages
    async with connect() as client:
        found = await scanned(client, status="active")
    assert ids(found) == [f"s{n}" for n in range(0, 250, 10)]
    assert found["coverage"] == {"scanned": 250, "matches": 25, "total": 270}


@pytest.mark.parametrize("view", ["summary", "transcript", "full"])
async def test_what_is_found_comes_in_the_view_asked_for(connect: Connect, view: str) -> None:
    # Finding and reading in one call saves a turn.
    async with connect() as client:
        found = await scanned(client, status="active", view=view)
        first = await client.call_tool(GET, {"id": ids(found)[0], "view": view})
    assert found["results"][0] == json.loads(text(first))
    assert found["coverage"] == {"scanned": 60, "matches": 6, "total": 60}


async def test_an_error_in_the_middle_is_no_shorter_list(
    connect: Connect, upstream: Upstream
) -> None:
    # Half a scan that looks whole would be a false "there are no more".
    pages = Pages(numbered(500, every=10))
    pages.failing_page = 3
    upstream.answers = pages
    async with connect() as client:
        result = await client.call_tool(LIST, {"status": "active"})
    assert result.is_error
    assert result.structured_content is None
    assert "Could not list sessions" in text(result)
    assert "page is too far back" in text(result)
    assert len(upstream.requests) == 3


async def test_progress_is_told_once_a_page_to_those_who_ask(
    connect: Connect, upstream: Upstream
) -> None:
    # A scan can take a minute, and hosts show that something happens.
    upstream.answers = Pages(numbered(1240, every=10))
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
        ({"page": 3}, [(100, 120), (120, 120)]),
        ({"page": 9}, [(0, 0)]),
        ({"maxScan": 250}, [(100, 200), (200, 200)]),
    ],
)
async def test_progress_ends_where_the_scan_ends(
    connect: Connect, upstream: Upstream, arguments: Json, ends: list[tuple[int, int]]
) -> None:
    # A bar that stops at 120 of 500 looks like a failure.
    upstream.answers = Pages(numbered(320, every=10))
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
    class Uncounted(Pages):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            answer = await super().handle_async_request(request)
            return httpx2.Response(answer.status_code, json={**answer.json(), "metadata": None})

    upstream.answers = Uncounted(numbered(200, every=10))
    told: list[float | None] = []
    complete = anyio.Event()

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(total)
        if len(told) == 3:
            complete.set()

    async with connect() as client:
        result = await client.call_tool(LIST, {"status": "active"}, progress_callback=tell)
        with anyio.fail_after(5):
            await complete.wait()
    coverage = json.loads(text(result))["coverage"]
    assert (coverage["scanned"], coverage["matches"]) == (200, 20)
    assert coverage.get("total") is None
    assert "nextPage" not in coverage
    assert told == [None] * 3
