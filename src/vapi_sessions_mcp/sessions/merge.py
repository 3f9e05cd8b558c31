"""Several lists of sessions as one: in the order asked for, each session once, page by page.

Vapi pages by number, so a page is reached by reading each list from its start,
only as far as the order needs, and letting go of what comes before the page.
"""

import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import anyio

from vapi_sessions_mcp.contract.list_filters import ListFilters
from vapi_sessions_mcp.errors import BadArguments
from vapi_sessions_mcp.json_text import as_object

DEPTH = 10_000
AT_ONCE = 4
# Vapi's own default: of long sessions not many more fit in the 32 MiB that an answer may have.
PAGE_SIZE = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Read: TypeAlias = Callable[[ListFilters], Awaitable[dict[str, Any]]]


async def merge(read: Read, parts: Sequence[ListFilters], request: ListFilters) -> dict[str, Any]:
    """The page of all `parts` together that `request` asks for, shaped as Vapi's are.

    A session in two parts is counted once in `totalItems` as soon as both were read
    that far. Raises BadArguments for what several lists cannot be merged for.
    """
    page, limit = request.page or 1, 100 if request.limit is None else request.limit
    depth = page * limit
    if len(parts) > 1:
        _check(request, depth)
    size = min(depth, max(limit, PAGE_SIZE))
    lists = [_List(read, part, size, depth) for part in parts]
    await _fill(lists)
    rows = await _cut(lists, request, depth - limit, depth)
    met = set[str]().union(*(one.met for one in lists))
    total = len(met) + sum(one.total - len(one.met) for one in lists)
    metadata = {
        "itemsPerPage": limit,
        "totalItems": total,
        "currentPage": page,
        "totalPages": math.ceil(total / limit) if limit else 0,
        "hasNextPage": bool(limit) and depth < total,
        "sortOrder": request.sort_order or "DESC",
    }
    if any(one.beyond_retention for one in lists):
        metadata["itemsBeyondRetention"] = True
    return {"results": rows, "metadata": metadata}


class _List:
    """One list, read on by whole pages: the rows at hand, and what is known of it so far."""

    def __init__(self, read: Read, part: ListFilters, size: int, depth: int) -> None:
        self._read, self._part, self._size = read, part, size
        # No more than `depth` rows of one list are ever needed; without rows, still the total.
        self._page, self._pages = 0, max(1, math.ceil(depth / max(size, 1)))
        self.rows: deque[dict[str, Any]] = deque()
        self.met: set[str] = set()
        self.total = 0
        self.beyond_retention = False

    @property
    def lacks_rows(self) -> bool:
        """Whether its next row is still to be read."""
        return not self.rows and self._page < self._pages

    async def fill(self, limiter: anyio.CapacityLimiter) -> None:
        """Read on until there is a row, or none is left."""
        while self.lacks_rows:
            self._page += 1
            where = {"page": self._page, "limit": self._size}
            async with limiter:
                answer = await self._read(self._part.model_copy(update=where))
            self.rows.extend(answer["results"])
            self.met.update(map(_id, self.rows))
            metadata = as_object(answer.get("metadata"))
            self.beyond_retention |= metadata.get("itemsBeyondRetention") is True
            total = metadata.get("totalItems")
            if isinstance(total, int):
                self.total, ended = total, self._page * self._size >= total
            else:
                self.total, ended = len(self.met), not answer["results"]
            if ended:
                self._pages = self._page


async def _fill(lists: Sequence[_List]) -> list[_List]:
    """The lists that have rows, after those that lacked some were read on."""
    if lacking := [one for one in lists if one.lacks_rows]:
        limiter = anyio.CapacityLimiter(AT_ONCE)
        try:
            async with anyio.create_task_group() as tasks:
                for one in lacking:
                    tasks.start_soon(one.fill, limiter)
        except ExceptionGroup as group:
            first = group.exceptions[0]
            raise first from first.__cause__
    return [one for one in lists if one.rows]


async def _cut(
    lists: Sequence[_List], request: ListFilters, start: int, end: int
) -> list[dict[str, Any]]:
    """Rows `start` to `end` of all lists together.

    Each list keeps Vapi's own order and only their first rows are compared, so
    that every page is cut out of the same row of sessions.
    """
    pick = min if request.sort_order == "ASC" else max
    passed: set[str] = set()
    rows: list[dict[str, Any]] = []
    while len(passed) < end and (filled := await _fill(lists)):
        keys = [_place(one.rows[0], by=request.sort_by) for one in filled]
        row = filled[keys.index(pick(keys))].rows.popleft()
        if _id(row) not in passed:
            passed.add(_id(row))
            if len(passed) > start:
                rows.append(row)
    return rows


def _place(session: dict[str, Any], *, by: str | None) -> tuple[float, float]:
    """Where a session stands: by its cost, then by when it was created, or by that alone."""
    cost = session.get("cost") if by == "cost" else 0
    try:
        created = (datetime.fromisoformat(session.get("createdAt", "")) - _EPOCH).total_seconds()
    except (TypeError, ValueError):
        created = 0
    return (cost if isinstance(cost, int | float) else 0, created)


def _id(session: dict[str, Any]) -> str:
    return str(session.get("id"))


def _check(request: ListFilters, depth: int) -> None:
    where = "over several assistants and squads"
    narrow = "give one assistantId or squadId that this server is pinned to"
    problems: list[str] = []
    if request.sort_by == "duration":
        problems.append(f"`sortBy` cannot be duration {where}: {narrow}.")
    if depth > DEPTH:
        problems.append(
            f"`page` is too far back: only the first {DEPTH} sessions can be had {where}."
            f" To see others, {narrow}, or a time by createdAtGe and createdAtLe."
        )
    if problems:
        raise BadArguments(problems)
