"""Finds sessions by what Vapi cannot filter by, page by page, and says how far it looked."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.contract.list_filters import LIMIT, ListRequest
from vapi_sessions_mcp.contract.operations import LIST, Perform
from vapi_sessions_mcp.json_text import as_object
from vapi_sessions_mcp.offload import LARGE, offload
from vapi_sessions_mcp.views.transcript import transcript

MAX_SCAN = 500

# Called after each page with the sessions scanned so far and, where known, how many there are.
Progress: TypeAlias = Callable[[int, int | None], Awaitable[None]]


async def nobody(scanned: int, total: int | None) -> None:
    """The progress that nobody asked for."""


async def scan(perform: Perform, request: ListRequest, progress: Progress) -> dict[str, Any]:
    """`{results, coverage: {scanned, matches, total?, nextPage?}}`; raises a VapiError.

    Whole pages of 100 (or of a smaller `maxScan`) are read from `page` on, until
    `maxScan` is reached, `limit` sessions match or none are left. Results are cut
    to `limit`; `coverage` counts every match in what was scanned.
    """
    most = request.max_scan or MAX_SCAN
    size = min(LIMIT, most)
    first, left = request.page or 1, most // size
    scanned: set[Any] = set()
    matches: list[dict[str, Any]] = []
    coverage: dict[str, Any] = {}
    for page in range(first, first + left):
        answer = await perform(LIST, request.model_copy(update={"page": page, "limit": size}))
        rows: list[dict[str, Any]] = answer["results"]
        # A session created meanwhile moves others to the next page: each counts once.
        new = [row for row in rows if row.get("id") not in scanned]
        scanned.update(row.get("id") for row in new)
        found = partial(_matching, new, request)
        matches += await offload(json_text.size(new, LARGE), found)
        total = as_object(answer.get("metadata")).get("totalItems")
        coverage = {"scanned": len(scanned), "matches": len(matches), "total": total}
        await progress(len(scanned), _ahead(total, first, left, size))
        if len(rows) < size or page * size == total:
            break
        coverage["nextPage"] = page + 1
        if request.limit and len(matches) >= request.limit:
            break
    return {"results": matches[: request.limit], "coverage": coverage}


def _matching(sessions: list[dict[str, Any]], request: ListRequest) -> list[dict[str, Any]]:
    return [session for session in sessions if _matches(session, request)]


def _ahead(total: Any, first: int, left: int, size: int) -> int | None:
    """How many sessions a scan from page `first` on can reach."""
    return max(min(total - (first - 1) * size, left * size), 0) if isinstance(total, int) else None


def _matches(session: dict[str, Any], request: ListRequest) -> bool:
    if request.status is not None and session.get("status") != request.status:
        return False
    return request.contains is None or contains(session, request.contains)


def contains(session: dict[str, Any], text: str) -> bool:
    """Whether `text` stands in the session's name, its customer or a message, in any case."""
    wanted = text.casefold()
    customer = as_object(session.get("customer"))
    places = [session.get("name"), *(customer.get(name) for name in _CUSTOMER)]
    places += [message.get("text") for message in transcript(session)]
    return any(wanted in place.casefold() for place in places if isinstance(place, str))


_CUSTOMER = ("name", "number", "email", "externalId", "sipUri")
