"""Finds sessions by what Vapi cannot filter by, and says exactly how far it looked."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import anyio
import anyio.to_thread

from vapi_sessions_mcp.contract.instants import Instant
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.operations import Perform
from vapi_sessions_mcp.errors import TimedOut, TooLarge, VapiError
from vapi_sessions_mcp.sessions.search import Wanted
from vapi_sessions_mcp.sessions.walk import MAX_LIMIT, Group, Walk

MAX_SCAN = 500
# Hosts wait for a minute; looking through the last page and shaping the answer take some seconds.
SECONDS = 45.0

Json: TypeAlias = dict[str, Any]
Mask: TypeAlias = Callable[[Json], Json]
# Called after each page with the sessions scanned so far and, where known, how many there are.
Progress: TypeAlias = Callable[[int, int | None], Awaitable[None]]


async def nobody(scanned: int, total: int | None) -> None:
    """The progress that nobody asked for."""


async def scan(
    perform: Perform,
    request: ListRequest,
    progress: Progress,
    *,
    masked: Mask,
    seconds: float = SECONDS,
    clock: Callable[[], float] = anyio.current_time,
) -> Json:
    """`{results, coverage: {scanned, matches, total?, changed?, stopped?, next?, …}}`.

    Sessions are searched and answered as `masked` leaves them. The scan ends
    when `maxScan` sessions were looked at, `limit` of them match, none are left,
    `seconds` are over or a page cannot be had; `next` holds the arguments that
    go on where it ended, `stopped` the reason where it is one of the last two.
    Raises a VapiError where not even the first page can be had.
    """
    most, ends, longest = request.max_scan or MAX_SCAN, clock() + seconds, 0.0
    walk, found = Walk(perform, request), _Found(request)
    look = _looking_for(request, masked)
    failure: VapiError | None = None
    while not (walk.done or found.enough or found.scanned + walk.waiting > most):
        began = clock()
        try:
            if began + longest > ends:
                raise _out_of_time(seconds)
            with anyio.fail_after(ends - began):
                groups = await walk.read(most - found.scanned)
        except (VapiError, TimeoutError) as exc:
            failure = exc if isinstance(exc, VapiError) else _out_of_time(seconds)
            if not found.scanned:
                raise failure from exc
            break
        longest = max(longest, clock() - began)
        matches = await anyio.to_thread.run_sync(look, groups, abandon_on_cancel=True)
        found.add(groups, matches)
        whole = walk.done and not found.cut
        await progress(found.scanned, found.scanned if whole else _ahead(walk.total, most))
    return {"results": found.results, "coverage": _coverage(walk, found, failure, masked)}


class _Found:
    """What was looked at, and what of it matches: whole instants, in the order of the walk."""

    def __init__(self, request: ListRequest) -> None:
        self._request = request
        self._most = MAX_LIMIT if request.limit is None else request.limit
        self._sorts = request.sort_by == "cost"
        self._limits = self._most > 0 and not self._sorts
        self._last: Instant | None = None
        self.results: list[Json] = []
        self.scanned = self.matches = 0
        # Whether there is no room for more, and whether some that were read were left out for that.
        self.enough = self.cut = False

    def add(self, groups: list[Group], matches: list[list[Json]]) -> None:
        """Take in one group after the other, as long as there is room for its matches.

        To find the dearest, or to count, all are taken in.
        """
        for group, matching in zip(groups, matches, strict=True):
            over = self.matches + len(matching) > self._most
            if self._limits and (self.enough or (over and self.matches)):
                self.enough = self.cut = True
                break
            self._last = group.at
            self.scanned += len(group.sessions)
            self.matches += len(matching)
            self.results += matching if self._most else []
            self.enough = self._limits and self.matches >= self._most
        if self._sorts:
            falling = self._request.sort_order != "ASC"
            self.results = sorted(self.results, key=_cost, reverse=falling)[: self._most]

    def rest(self) -> Json | None:
        """The arguments that go on behind the last session that was looked at."""
        return self._request.after(self._last).given() if self._last else None


def _looking_for(request: ListRequest, masked: Mask) -> Callable[[list[Group]], list[list[Json]]]:
    """What finds the sessions that match in each of some groups, and masks them."""
    wanted = None if request.contains is None else Wanted(request.contains)

    def matching(group: Group) -> list[Json]:
        rows = [row for row in group.sessions if request.status in (None, row.get("status"))]
        shown = map(masked, rows)
        return [row for row in shown if wanted is None or wanted.is_in(row)]

    return lambda groups: [matching(group) for group in groups]


def _coverage(walk: Walk, found: _Found, failure: VapiError | None, masked: Mask) -> Json:
    stopped = str(failure) if failure else "" if found.cut else walk.stuck
    # What cannot be read now, or is not listed at all, cannot be passed in another call either.
    passable = found.cut or not (walk.done or isinstance(failure, TooLarge))
    coverage: Json = {
        "scanned": found.scanned,
        "matches": found.matches,
        "total": walk.total,
        "changed": walk.changed or None,
        "itemsBeyondRetention": walk.beyond_retention or None,
        **(masked({"stopped": stopped}) if stopped else {}),
        "next": found.rest() if passable else None,
    }
    return {name: value for name, value in coverage.items() if value is not None}


def _ahead(total: int | None, most: int) -> int | None:
    return None if total is None else min(total, most)


def _cost(session: Json) -> float:
    cost = session.get("cost")
    return cost if isinstance(cost, int | float) else 0


def _out_of_time(seconds: float) -> TimedOut:
    return TimedOut(
        f"Could not list more sessions in the {seconds:g} s that a scan may take: call again for"
        " the rest."
    )
