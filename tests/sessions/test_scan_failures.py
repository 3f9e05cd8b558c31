"""A scan that is cut short says what it found, why it ended and how to go on."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import anyio
import httpx2
import pytest
from mcp_types import CallToolResult

from support.timeline import Timeline, listed, stamp
from support.tools import LIST, text
from support.upstream import Connect, Upstream
from vapi_sessions_mcp.contract.list_filters import ListFilters, ListRequest
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.contract.requests import Request
from vapi_sessions_mcp.errors import (
    ConnectionLost,
    Failed,
    Garbled,
    RateLimited,
    TimedOut,
    TooLarge,
    VapiError,
)
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.sessions.scan import Mask, nobody, scan
from vapi_sessions_mcp.settings import Settings

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]

FAILURES: list[VapiError] = [
    RateLimited("Too many requests.", 429),
    Failed("Vapi failed.", 500),
    Garbled("Not JSON."),
    ConnectionLost("The connection was lost."),
    TimedOut("No answer."),
]


def sessions(count: int, **more: Any) -> list[Json]:
    """So many sessions, s0 the newest, a second apart."""
    return [
        {"id": f"s{n}", "status": "active", "createdAt": stamp(1000 * (count - n)), **more}
        for n in range(count)
    ]


class Vapi:
    """Pages of sessions, and what happens `before` each and is done `to` it."""

    def __init__(self, rows: list[Json]) -> None:
        self.rows = rows
        self.asked: list[Json] = []
        self.before: Callable[[int, Json], Any] = lambda number, params: None
        self.to: Callable[[Json], Json] = lambda page: page

    async def perform(self, operation: Operation, request: Request) -> Json:
        params = dict(cast("ListFilters", request).query())
        self.asked.append(params)
        if (waiting := self.before(len(self.asked), params)) is not None:
            await waiting
        return self.to(listed(self.rows, params))

    async def scan(self, *, masked: Mask = dict, **more: Any) -> Json:
        limits = {name: more.pop(name) for name in ("seconds", "clock") if name in more}
        request = parse(ListRequest, {"status": "active", **more})
        with anyio.fail_after(10):
            return await scan(self.perform, request, nobody, masked=masked, **limits)

    def fail(self, number: int, error: Exception) -> None:
        """Raise `error` instead of the page with this number."""

        def before(asked: int, params: Json) -> None:
            if asked == number:
                raise error

        self.before = before

    def refuse_large(self, most: int, heavy: tuple[str, ...] = ()) -> None:
        """Refuse pages of more than so many sessions, and any with one of the heavy ones."""

        def before(asked: int, params: Json) -> None:
            rows = [row["id"] for row in listed(self.rows, params)["results"]]
            if len(rows) > most or set(rows) & set(heavy):
                raise TooLarge("Too large.")

        self.before = before


def ids(answer: Json) -> list[str]:
    return [row["id"] for row in answer["results"]]


# A page that cannot be had


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_a_page_that_fails_ends_the_scan_with_what_was_found(error: VapiError) -> None:
    # Two hundred sessions were looked at: to throw that away helps nobody, to hide the end harms.
    vapi = Vapi(sessions(350))
    vapi.fail(3, error)
    found = await vapi.scan(limit=300)
    assert ids(found) == [f"s{n}" for n in range(200)]
    bound: Json = {"status": "active", "limit": 300, "createdAtLt": stamp(151_000)}
    expected = {"scanned": 200, "matches": 200, "total": 350, "stopped": str(error)}
    assert found["coverage"] == {**expected, "next": bound}
    rest = await vapi.scan(**bound)
    assert ids(rest) == [f"s{n}" for n in range(200, 350)]
    assert rest["coverage"] == {"scanned": 150, "matches": 150, "total": 150}


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_when_the_first_page_fails_the_answer_is_the_error(error: VapiError) -> None:
    # An empty list would look like "there are none".
    vapi = Vapi(sessions(350))
    vapi.fail(1, error)
    with pytest.raises(type(error)) as raised:
        await vapi.scan()
    assert raised.value is error


async def test_an_agent_is_told_in_words_that_a_scan_ended_early(
    connect: Connect, upstream: Upstream
) -> None:
    # The note is what a model reads; it must not sound like a complete scan.
    pages = Timeline(sessions(350))
    slow = httpx2.Response(429, headers={"Retry-After": "60"}, json={"message": "Slow down"})
    pages.instead = {2: slow}
    upstream.answers = pages
    async with connect() as client:
        result = await client.call_tool(LIST, {"status": "active"})
    assert not result.is_error, text(result)
    coverage = json.loads(text(result))["coverage"]
    assert coverage["scanned"] == 100
    assert coverage["stopped"].startswith("Could not list sessions: too many requests (429")
    assert coverage["next"] == {"status": "active", "createdAtLt": stamp(251_000)}
    note = noted(result)
    assert note.startswith("Scanned 100 of 350 sessions; 100 match.")
    assert f" It ended early: {coverage['stopped']} Continue: {LIST} with the arg" in note


def noted(result: CallToolResult) -> str:
    return str(cast("Json", result.structured_content)["note"])


async def test_what_vapi_says_of_a_failure_is_masked() -> None:
    # Vapi repeats what it refuses, which may be a number that this server does not show.
    vapi = Vapi(sessions(150))
    vapi.fail(2, Failed("+14155550123 is down", 500))

    def masked(shown: Json) -> Json:
        return json.loads(json.dumps(shown).replace("+14155550123", "***23"))

    found = await vapi.scan(masked=masked)
    assert found["coverage"]["stopped"] == "***23 is down"


# A page that is too large


@pytest.mark.parametrize("largest", [60, 7, 2, 1])
async def test_a_page_that_is_too_large_is_read_in_smaller_ones(largest: int) -> None:
    # Sessions with long inline assistants make pages of a hundred more than can be read.
    vapi = Vapi(sessions(130))
    vapi.refuse_large(largest)
    found = await vapi.scan()
    assert ids(found) == [f"s{n}" for n in range(130)]
    assert found["coverage"] == {"scanned": 130, "matches": 130, "total": 130}


async def test_an_instant_is_read_in_smaller_pages_too() -> None:
    # Five sessions of one millisecond, of which no page can hold more than two.
    vapi = Vapi([{**row, "createdAt": stamp(7)} for row in sessions(5)])
    vapi.refuse_large(2)
    assert sorted(ids(await vapi.scan())) == ["s0", "s1", "s2", "s3", "s4"]


@pytest.mark.parametrize(
    ("order", "found", "where", "bound"),
    [
        ("DESC", ["s0", "s1"], "created next before 2026-11-01T00:00:04.000Z", "createdAtLt"),
        ("ASC", ["s4", "s3"], "created next after 2026-11-01T00:00:02.000Z", "createdAtGt"),
    ],
)
async def test_a_session_that_is_too_large_ends_the_scan_and_its_place_is_told(
    order: str, found: list[str], where: str, bound: str
) -> None:
    # Nobody can pass it by time without knowing its time: a `next` would end there for ever.
    vapi = Vapi(sessions(5))
    vapi.refuse_large(9, heavy=("s2",))
    answer = await vapi.scan(sortOrder=order)
    assert ids(answer) == found
    assert f"the one {where} is more than can be read" in answer["coverage"]["stopped"]
    assert answer["coverage"]["stopped"].endswith(f"from a time of your own on: {bound}.")
    assert "next" not in answer["coverage"]


async def test_a_first_session_that_is_too_large_is_an_error() -> None:
    # Nothing was looked at.
    vapi = Vapi(sessions(5))
    vapi.refuse_large(9, heavy=("s0",))
    with pytest.raises(TooLarge, match="the one listed first is more than can be read"):
        await vapi.scan()


async def test_a_session_that_becomes_too_large_meanwhile_ends_the_scan() -> None:
    # It is read once to see where it is, and once more to see whether it is alone.
    vapi = Vapi([{**row, "createdAt": stamp(7)} for row in sessions(120)])

    def before(asked: int, params: Json) -> None:
        if asked > 1:
            raise TooLarge("Too large.")

    vapi.before = before
    with pytest.raises(TooLarge, match="the one listed first is more than can be read"):
        await vapi.scan()


# Time


async def test_a_page_that_does_not_come_in_time_ends_the_scan() -> None:
    # Hosts give up after a minute, and then nothing that was found is left.
    vapi, now = Vapi(sessions(350)), [0.0]
    vapi.before = lambda asked, params: anyio.sleep_forever() if asked == 3 else None

    def masked(session: Json) -> Json:
        # Looking through the second page takes until shortly before the end.
        now[0] = 49.9 if len(vapi.asked) == 2 else now[0]
        return session

    found = await vapi.scan(seconds=50, clock=lambda: now[0], masked=masked)
    assert (len(vapi.asked), found["coverage"]["scanned"]) == (3, 200)
    stopped = "Could not list more sessions in the 50 s that a scan may take: call again for the"
    assert found["coverage"]["stopped"] == f"{stopped} rest."
    assert found["coverage"]["next"]["createdAtLt"] == stamp(151_000)


async def test_a_first_page_that_does_not_come_in_time_is_an_error() -> None:
    # Nothing was looked at.
    vapi = Vapi(sessions(350))
    vapi.before = lambda asked, params: anyio.sleep_forever()
    with pytest.raises(TimedOut, match=r"in the 0\.1 s that a scan may take"):
        await vapi.scan(seconds=0.1)


async def test_a_page_that_would_come_too_late_is_not_asked_for() -> None:
    # A request whose answer is thrown away is a burden to Vapi and a wait for the caller.
    vapi, now = Vapi(sessions(500)), [0.0]

    def before(asked: int, params: Json) -> None:
        now[0] += 20

    vapi.before = before
    found = await vapi.scan(seconds=50, clock=lambda: now[0])
    assert (len(vapi.asked), found["coverage"]["scanned"]) == (2, 200)
    assert "in the 50 s that a scan may take" in found["coverage"]["stopped"]
    assert found["coverage"]["next"]["createdAtLt"] == stamp(301_000)


# Lists that a scan cannot follow


@pytest.mark.parametrize("flag", [{}, {"itemsBeyondRetention": True}], ids=str)
async def test_sessions_that_are_counted_and_not_listed_are_not_claimed(flag: Json) -> None:
    # "Scanned all" would be a lie about those that Vapi keeps to itself.
    vapi = Vapi(sessions(30))

    def to(page: Json) -> Json:
        one_instant = {"createdAtGe", "createdAtLt"} <= vapi.asked[-1].keys()
        total = page["metadata"]["totalItems"] + (0 if one_instant else 5)
        return {**page, "metadata": {**page["metadata"], **flag, "totalItems": total}}

    vapi.to = to
    found = await vapi.scan()
    why = ": they may lie beyond its retention" if flag else ""
    assert found["coverage"] == {
        "scanned": 30,
        "matches": 30,
        "total": 35,
        **flag,
        "stopped": f"Vapi says that there are more sessions, but did not list them{why}.",
    }


async def test_a_list_that_ignores_the_time_is_not_read_again_and_again() -> None:
    # Vapi ignores what it does not know; the first page for ever would look like progress.
    vapi = Vapi(sessions(150))
    everything = listed(vapi.rows, {"limit": "101"})
    vapi.to = lambda page: everything
    found = await vapi.scan()
    assert ids(found) == [row["id"] for row in everything["results"]]
    assert "next" not in found["coverage"]
    assert "stopped" in found["coverage"]
    assert len(vapi.asked) < 10


@pytest.mark.parametrize("created", [None, "yesterday", "2026-11-01", "2026-11-01T00:00:00"])
async def test_sessions_that_do_not_say_when_they_were_created_end_the_scan(created: Any) -> None:
    # There is nothing by which to ask for those after them.
    vapi = Vapi(sessions(150))
    vapi.to = lambda page: {
        **page,
        "results": [{**row, "createdAt": created} for row in page["results"]],
    }
    found = await vapi.scan()
    assert found["coverage"]["scanned"] == 101
    assert "did not list the sessions by the time of their creation" in found["coverage"]["stopped"]
    assert "next" not in found["coverage"]
    few = Vapi(sessions(3))
    few.to = vapi.to
    assert (await few.scan())["coverage"] == {"scanned": 3, "matches": 3, "total": 3}


async def test_a_list_in_another_order_ends_the_scan() -> None:
    # The last row is then not the one behind which the rest begins.
    vapi = Vapi(sessions(150))
    vapi.to = lambda page: {**page, "results": page["results"][::-1]}
    found = await vapi.scan()
    assert found["coverage"]["scanned"] == 101
    assert "did not list the sessions by the time of their creation" in found["coverage"]["stopped"]


async def test_an_instant_among_others_is_not_taken_for_whole() -> None:
    # A bound that Vapi ignores lets other sessions in, and perhaps none of those behind them.
    rows = [{**row, "createdAt": stamp(7)} for row in sessions(120)]
    vapi = Vapi([*rows, {**sessions(1)[0], "createdAt": stamp(1)}])
    vapi.to = lambda page: listed(vapi.rows, {"limit": vapi.asked[-1]["limit"]})
    with pytest.raises(
        Garbled, match=r"created at 2026-11-01T00:00:00\.007Z, and Vapi did not list"
    ):
        await vapi.scan()


async def test_a_page_that_comes_again_and_again_ends_the_scan() -> None:
    # A stand-in that knows no pages would be asked until the time is over.
    vapi = Vapi([{**row, "createdAt": stamp(7)} for row in sessions(1200)])
    first = listed(vapi.rows, {"limit": "1000"})
    vapi.to = lambda page: {**first, "metadata": {"hasNextPage": True}}
    with pytest.raises(Garbled, match="did not list those twice the same"):
        await vapi.scan()
    assert len(vapi.asked) == 3


async def test_an_instant_that_keeps_changing_is_not_claimed() -> None:
    # A session that vanishes while its instant is read page by page may hide another.
    rows = [{**row, "createdAt": stamp(7)} for row in sessions(2500)]
    vapi = Vapi([*sessions(1), *rows])

    def before(asked: int, params: Json) -> None:
        del vapi.rows[1]

    vapi.before = before
    found = await vapi.scan()
    assert found["coverage"]["scanned"] == 1
    assert found["coverage"]["changed"] is True
    assert "Vapi did not list those twice the same" in found["coverage"]["stopped"]
    assert found["coverage"]["next"] == {"status": "active", "createdAtLt": stamp(1000)}


async def test_ids_of_other_kinds_are_counted_and_compared_with_nothing() -> None:
    # An id may be anything where somebody stands in for Vapi; no page of it may end in a fault.
    odd: list[Any] = [None, 7, ["s"], {"s": 1}]
    vapi = Vapi([{**row, "id": odd[n % 4]} for n, row in enumerate(sessions(130))])
    found = await vapi.scan()
    assert found["coverage"] == {"scanned": 130, "matches": 130, "total": 130}


# A pinned server


async def test_rows_of_others_do_not_end_the_scan_of_a_pinned_server() -> None:
    # A page from which rows were taken is shorter than asked for, and is not the last one.
    rows = [{**row, "assistantId": f"a{n % 3}"} for n, row in enumerate(sessions(250))]
    vapi = Vapi(rows)
    pins = Pins(Settings(only_assistants=("a1",)))
    request = parse(ListRequest, {"status": "active"})
    found = await scan(pins.restrict(vapi.perform), request, nobody, masked=dict)
    assert ids(found) == [f"s{n}" for n in range(250) if n % 3 == 1]
    # Vapi's count is of others' sessions, too.
    assert found["coverage"] == {"scanned": 83, "matches": 83}


async def test_a_page_of_others_only_is_said_to_end_the_scan() -> None:
    # What is behind them cannot be known, so it is not claimed that there is nothing.
    rows = [
        {**row, "assistantId": "a1" if n > 150 else "a2"} for n, row in enumerate(sessions(250))
    ]
    vapi = Vapi(rows)
    pins = Pins(Settings(only_assistants=("a1",)))
    request = parse(ListRequest, {"status": "active"})
    found = await scan(pins.restrict(vapi.perform), request, nobody, masked=dict)
    assert found["coverage"]["scanned"] == 0
    assert "stopped" in found["coverage"]


async def test_what_was_asked_before_a_connection_failed_is_not_denied(
    connect: Connect, upstream: Upstream
) -> None:
    # "Nothing was sent" beside a count of sessions that were read would be untrue.
    pages = Timeline(sessions(250))

    async def answer(request: httpx2.Request) -> httpx2.Response:
        if len(upstream.requests) > 1:
            raise httpx2.ConnectError("no route")
        return await pages.handle_async_request(request)

    upstream.answers = httpx2.MockTransport(answer)
    async with connect() as client:
        said = text(await client.call_tool(LIST, {"status": "active"}))
    assert "no connection to" in said
    assert "Nothing was sent" not in said
    assert "Nothing was changed; check the network" in said
