"""Goes through the sessions of a list by the time of their creation, and passes none over.

Pages by number shift when sessions come and go. Here each page begins where the
last one ended in time, and an instant counts only when all of it has been read:
a session that is there throughout is met once, whatever happens to the others.
"""

from dataclasses import dataclass
from typing import Any

from vapi_sessions_mcp.contract.instants import Instant
from vapi_sessions_mcp.contract.list_filters import LIMIT, ListRequest
from vapi_sessions_mcp.contract.operations import LIST, Perform
from vapi_sessions_mcp.errors import Garbled, TooLarge
from vapi_sessions_mcp.json_text import as_object

# Rows a page at most: Vapi's bound.
MAX_LIMIT = 1000
# Rows by which pages that were too large grow again.
STEP = 10
# How often one instant is read by page number before we give up: enough to halve a page to one row.
ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Group:
    """The sessions that were created at one instant; None where Vapi does not say when."""

    at: Instant | None
    sessions: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[dict[str, Any]]
    total: int | None
    more: bool
    beyond_retention: bool


class Walk:
    """One way through the sessions of a list, newest first unless it asks for the oldest first.

    `total` is how many Vapi counted at the start, where it counts them;
    `changed` whether sessions came or went since; `waiting` how many the next
    instant has at least. `done` says that no more can be read, and `stuck` why
    that is not all of them.
    """

    def __init__(self, perform: Perform, request: ListRequest) -> None:
        """`request` begins where the walk begins; its page and limit do not matter."""
        self._perform = perform
        self._rest = request
        self._size = LIMIT
        self._seen: set[str] = set()
        self._began = False
        self._last: Instant | None = None
        self._expected: int | None = None
        self.total: int | None = None
        self.changed = self.beyond_retention = self.done = False
        self.waiting, self.stuck = 1, ""

    async def read(self, most: int) -> list[Group]:
        """The sessions of the next instants: at most `most`, but the first instant in any case.

        Raises a VapiError where the page cannot be had; the next call tries
        again from the same place.
        """
        page = await self._next_page(most)
        self._compare(page)
        groups = _by_instant(page.rows, newest_first=self._rest.newest_first)
        # One instant that is more than asked for is read all the same where the walk begins.
        over = len(page.rows) > most and (self._began or len(groups) > 1)
        if not (page.more or over):
            self.done = True
        elif len(groups) > 1 or over:
            # There may be more of this instant on the next page.
            self.waiting = len(groups.pop().sessions)
        elif groups and groups[0].at:
            groups = [await self._whole(groups[0].at)]
            self.waiting = 1
        else:
            self._end(page)
        self._settle(groups, page.total)
        return groups

    async def _next_page(self, most: int) -> _Page:
        """Rows from here on: one more than asked for, to see how far the last instant goes."""
        size = min(most, self._size) + 1
        self._size = min(self._size + STEP, LIMIT)
        while True:
            try:
                return await self._page(self._rest, 1, size)
            except TooLarge as exc:
                if size == 1:
                    raise self._impassable() from exc
                size = self._size = size // 2

    async def _page(self, request: ListRequest, number: int, size: int) -> _Page:
        answer = await self._perform(LIST, request.by_time(number, size))
        rows: list[dict[str, Any]] = answer["results"]
        metadata = as_object(answer.get("metadata"))
        counted, end = metadata.get("totalItems"), (number - 1) * size + len(rows)
        total = counted if isinstance(counted, int) and counted >= end else None
        more = len(rows) >= size if total is None else total > end
        return _Page(
            rows=[row for row in rows if _id(row) not in self._seen],
            total=total,
            more=more or metadata.get("hasNextPage") is True,
            beyond_retention=bool(metadata.get("itemsBeyondRetention")),
        )

    async def _whole(self, at: Instant) -> Group:
        """All sessions of an instant that fills a page, by page number in larger pages.

        Two readings that agree have missed none: a session moves to a page that
        was read before only when one that was read is deleted.
        """
        size, before = MAX_LIMIT, None
        for _ in range(ATTEMPTS):
            try:
                rows, pages = await self._numbered(at, size)
            except TooLarge as exc:
                if size == 1:
                    raise self._impassable() from exc
                size //= 2
                continue
            if pages == 1 or before == rows.keys():
                return Group(at, [*rows.values()])
            self.changed |= before is not None
            before = rows.keys()
        raise _unsteady(at)

    async def _numbered(self, at: Instant, size: int) -> tuple[dict[object, dict[str, Any]], int]:
        """The sessions of one instant by their ids, and on how many pages they came."""
        within = self._rest.within(at)
        rows: dict[object, dict[str, Any]] = {}
        number, more = 0, True
        while more:
            number += 1
            page = await self._page(within, number, size)
            more, known = page.more, len(rows)
            rows |= {_id(row) or id(row): row for row in page.rows}
            nothing_new = more and len(rows) == known
            if nothing_new or any(Instant.of(row) != at for row in page.rows):
                raise _unsteady(at)
        return rows, number

    def _compare(self, page: _Page) -> None:
        """Note what Vapi counts, and whether that agrees with what it counted before."""
        if not self._began:
            self.total = page.total
        elif page.total is None:
            self.total = None
        elif self._expected not in (None, page.total):
            self.changed = True
        self.beyond_retention |= page.beyond_retention

    def _settle(self, groups: list[Group], total: int | None) -> None:
        """Begin behind these groups next time."""
        rows = [row for group in groups for row in group.sessions]
        self._began = True
        self._seen.update(filter(None, map(_id, rows)))
        self._expected = None if total is None else total - len(rows)
        if groups and (last := groups[-1].at):
            self._last, self._rest = last, self._rest.after(last)

    def _end(self, page: _Page) -> None:
        """Nothing leads on, although Vapi says that there is more."""
        self.done = True
        if page.rows:
            self.stuck = (
                "Vapi did not list the sessions by the time of their creation, so that those after"
                " these cannot be reached."
            )
        else:
            why = ": they may lie beyond its retention" if page.beyond_retention else ""
            self.stuck = f"Vapi says that there are more sessions, but did not list them{why}."

    def _impassable(self) -> TooLarge:
        behind, bound = ("after", "createdAtGt")
        if self._rest.newest_first:
            behind, bound = ("before", "createdAtLt")
        where = f"created next {behind} {self._last}" if self._last else "listed first"
        return TooLarge(
            f"Could not list sessions: the one {where} is more than can be read. Those {behind} it"
            f" can be scanned from a time of your own on: {bound}."
        )


def _by_instant(rows: list[dict[str, Any]], *, newest_first: bool) -> list[Group]:
    """Rows as Vapi ordered them; all of them in one group where that is not by time."""
    groups: list[Group] = []
    for row in rows:
        at = Instant.of(row)
        if groups and groups[-1].at == at:
            groups[-1].sessions.append(row)
        else:
            groups.append(Group(at, [row]))
    times = [group.at.start for group in groups if group.at]
    ordered = times == sorted(set(times), reverse=newest_first)
    return groups if ordered and len(times) == len(groups) else [Group(None, rows)]


def _id(row: dict[str, Any]) -> str | None:
    id = row.get("id")
    return id if isinstance(id, str) else None


def _unsteady(at: Instant) -> Garbled:
    return Garbled(
        f"Could not list sessions: more than a page of them were created at {at}, and Vapi did not"
        " list those twice the same. Call again in a minute."
    )
