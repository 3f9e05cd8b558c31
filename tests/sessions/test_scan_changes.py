"""Whatever sessions come and go during a scan, those that stay are each found once."""

from datetime import timedelta
from typing import Any, TypeAlias, cast

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.properties import examples
from support.timeline import START, listed, stamp
from vapi_sessions_mcp.contract.list_filters import ListFilters, ListRequest
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.contract.requests import Request
from vapi_sessions_mcp.errors import TooLarge
from vapi_sessions_mcp.sessions.scan import nobody, scan

pytestmark = pytest.mark.unmeasured

Json: TypeAlias = dict[str, Any]

bounded = examples(6)

# Few instants, so that many sessions share one, and digits that Vapi stores and does not show.
moments = st.tuples(st.integers(0, 5), st.sampled_from([0, 0, 0, 123, 999]))
# What comes (at which time) and what goes (which of those there are) between two pages.
NOTHING: list[Any] = []
events = st.lists(moments | st.integers(0, 60), max_size=4)


class Busy:
    """A Vapi whose sessions come and go after each page, some of them large."""

    def __init__(self, start: list[tuple[int, int]], comings_and_goings: list[list[Any]]) -> None:
        self.sessions: list[Json] = []
        self.made = 0
        self.active: set[str] = set()
        self.events = iter(comings_and_goings)
        self.largest_page = 1000
        for moment in start:
            self.create(moment)
        self.throughout = {session["id"] for session in self.sessions}

    def create(self, moment: tuple[int, int]) -> None:
        millisecond, hidden = moment
        stored = START + timedelta(milliseconds=millisecond, microseconds=hidden)
        times = {"createdAt": stamp(millisecond), "stored": stored.isoformat()}
        self.made += 1
        id, status = f"s{self.made}", "active" if self.made % 3 else "completed"
        self.sessions.append({"id": id, "status": status, **times})
        self.active |= {id} if status == "active" else set()

    async def perform(self, operation: Operation, request: Request) -> Json:
        params = dict(cast("ListFilters", request).query())
        if int(params["limit"]) > self.largest_page:
            raise TooLarge("too large")
        page = listed(self.sessions, params)
        for event in next(self.events, NOTHING):
            if isinstance(event, tuple):
                self.create(cast("tuple[int, int]", event))
            elif self.sessions:
                gone = self.sessions.pop(event % len(self.sessions))
                self.throughout.discard(gone["id"])
        return page


async def _follow(vapi: Busy, arguments: Json, limits: list[int]) -> tuple[list[str], int, int]:
    """The ids that a scan finds and those that follow it, how many were scanned, and the calls."""
    found: list[str] = []
    scanned = 0
    for call in range(1, 500):
        request = parse(ListRequest, arguments)
        answer = await scan(vapi.perform, request, nobody, masked=lambda session: session)
        coverage = answer["coverage"]
        found += [session["id"] for session in answer["results"]]
        scanned += coverage["scanned"]
        assert coverage["matches"] == len(answer["results"])
        assert "stopped" not in coverage or "next" in coverage
        if "next" not in coverage:
            return found, scanned, call
        # Whatever is asked for then.
        arguments = {**coverage["next"], "maxScan": limits[call % len(limits)]}
    raise AssertionError("the scan does not end")


@bounded
@given(
    start=st.lists(moments, max_size=30),
    comings_and_goings=st.lists(events, max_size=25),
    order=st.sampled_from(["ASC", "DESC"]),
    limits=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    limit=st.none() | st.integers(1, 5),
    largest_page=st.sampled_from([1000, 1000, 7, 2, 1]),
)
def test_what_stays_is_found_once_and_nothing_twice(
    start: list[tuple[int, int]],
    comings_and_goings: list[list[Any]],
    order: str,
    limits: list[int],
    limit: int | None,
    largest_page: int,
) -> None:
    # "Scanned all, none match" is what an erasure is proved with.
    vapi = Busy(start, comings_and_goings)
    vapi.largest_page = largest_page
    arguments: Json = {"status": "active", "sortOrder": order, "maxScan": limits[0]}
    if limit is not None:
        arguments["limit"] = limit
    found, scanned, _ = anyio.run(_follow, vapi, arguments, limits)
    assert len(found) == len(set(found))
    assert vapi.throughout & vapi.active <= set(found) <= vapi.active
    assert len(vapi.throughout) <= scanned <= vapi.made


@bounded
@given(
    start=st.lists(moments, max_size=40),
    order=st.sampled_from(["ASC", "DESC"]),
    limits=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    bounds=st.dictionaries(
        st.sampled_from(["createdAtGe", "createdAtGt", "createdAtLe", "createdAtLt"]),
        st.integers(-1, 6).map(stamp),
    ),
)
def test_a_quiet_scan_counts_each_session_between_the_bounds_of_the_caller(
    start: list[tuple[int, int]], order: str, limits: list[int], bounds: Json
) -> None:
    # The walk adds bounds of its own, and must neither widen nor lose those that were given.
    vapi = Busy(start, [])
    arguments: Json = {"contains": "s", "sortOrder": order, "maxScan": limits[0], **bounds}
    found, scanned, _ = anyio.run(_follow, vapi, arguments, limits)
    everything = listed(vapi.sessions, {**bounds, "sortOrder": order, "limit": "1000"})["results"]
    assert sorted(found) == sorted(session["id"] for session in everything)
    assert scanned == len(found)
    times = [session["createdAt"] for id in found for session in everything if session["id"] == id]
    assert times == sorted(times, reverse=order == "DESC")
