"""The sentences beside an answer: what was left out, and the call that fetches it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.clock import Clock, real
from vapi_sessions_mcp.contract.bodies import LIFETIME_SECONDS
from vapi_sessions_mcp.contract.list_filters import LIMIT, ListRequest
from vapi_sessions_mcp.contract.operations import (
    CREATE,
    GET,
    LIST,
    Operation,
)
from vapi_sessions_mcp.json_text import as_object
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.views.numbers import count

# Arguments longer than this are not repeated to the caller, who has them.
CALL_BYTES = 250
# What `Notes.about` looks at.
ABOUT = ("status", "updatedAt", "expirationSeconds")
# Arguments that say how much to show, not of what.
SHOWING = {"page", "limit", "view", "sortOrder", "sortBy"}


class Notes:
    """Sentences that name the tools as this server lists them."""

    def __init__(self, settings: Settings, clock: Clock = real) -> None:
        """`settings.tool_names` says which names that are; expiry is judged by `clock`."""
        self._clock = clock
        self._names: Literal["full", "short"] = settings.tool_names
        self._mask_pii = settings.mask_pii

    def about(self, session: dict[str, Any]) -> str:
        """That an active session has probably expired, and what to do; else nothing."""
        expiry = _estimated_expiry(session)
        if session.get("status") != "active" or expiry is None or expiry > self._clock():
            return ""
        return (
            f"By estimate (last update plus lifetime) it expired about {expiry:%Y-%m-%d %H:%M} UTC:"
            f" read it while it is there; {CREATE.tool_name(self._names)} starts another."
        )

    def whole(self, session: dict[str, Any], size: int) -> str:
        """How to get a session that was too long."""
        call = self._call(GET, {"id": session["id"], "view": "full"})
        return f"The whole session takes {size} bytes: {call}."

    def earlier(self, data: dict[str, Any]) -> str:
        """Which of the messages are shown, and how to get the ones before them."""
        shown = data["shown"]
        count, start = shown["of"], shown.get("from", shown["of"] + 1)
        # As many as fitted: those before them are of about that size.
        size = min(max(count - start + 1, 1), LIMIT)
        window = {"from": max(1, start - size), "to": start - 1}
        call = self._call(GET, {"id": data["id"], "messages": window})
        if start > count:
            return f"None of the {count} messages fits, the last being too long: {call}."
        return f"Messages {start} to {count} of {count} are shown; before them: {call}."

    def next_steps(self, page: dict[str, Any], request: ListRequest) -> str:
        """How far a scan got, how to get the next page, why one is empty, how times were read."""
        sentences = (self._steps(page, request), _assumed(request))
        return " ".join(filter(None, sentences))

    def _steps(self, page: dict[str, Any], request: ListRequest) -> str:
        if "coverage" in page:
            return self._scanned(page, request)
        metadata = as_object(page.get("metadata"))
        here, pages = _count(metadata, "currentPage"), _pages(metadata)
        if 0 < here < pages and page["results"]:
            return f"More: {self._again(request, {'page': here + 1})}."
        if page["results"] or request.limit == 0:
            return ""
        if here > pages > 0:
            return f"Page {here} is past the last, which is {pages}."
        if number := request.number or request.customer_number_any:
            said = "No session matches. Numbers match whole and in E.164"
            if self._mask_pii:
                return f"{said}."
            return f"{said}; {self._call(LIST, {'contains': number[-7:]})} finds a part."
        filtered = request.given().keys() - SHOWING
        return "No session matches all of the filters: leave one out." if filtered else ""

    def summaries(self, view: str, request: ListRequest) -> str:
        """How to get a page of which not one session fits in the default view."""
        return f"Only summaries fit; all of it: {self._again(request, {'view': view})}."

    def rest(self, rows: int, page: dict[str, Any], request: ListRequest) -> str:
        """How to get the rows that did not fit, of which `rows` are shown."""
        # Counted in smaller pages, so that nothing is skipped; a row may come twice.
        size, first = max(rows, 1), (request.page or 1) - 1
        after = first * (request.limit or LIMIT) + size
        call = self._again(request, {"limit": size, "page": after // size + 1})
        return f"{rows} of this page's {len(page['results'])} sessions fit; the next: {call}."

    def _scanned(self, page: dict[str, Any], request: ListRequest) -> str:
        coverage, shown = page["coverage"], len(page["results"])
        of = f" of {coverage['total']}" if "total" in coverage else ""
        note = f"Scanned {coverage['scanned']}{of} sessions; {coverage['matches']} match"
        if request.limit != 0 and shown < coverage["matches"]:
            sorted_out = "; the others need a higher limit or view summary"
            why = sorted_out if request.sort_by == "cost" else ", as more would be too long"
            note += f", {shown} are shown{why}"
        sentences = [f"{note}."]
        if "changed" in coverage:
            sentences.append("Sessions came or went meanwhile; none that stayed was passed over.")
        if "itemsBeyondRetention" in coverage:
            sentences.append("Vapi counts sessions beyond its retention, which it does not list.")
        if "stopped" in coverage:
            sentences.append(f"It ended early: {coverage['stopped']}")
        if "next" in coverage:
            tool = LIST.tool_name(self._names)
            sentences.append(f"Continue: {tool} with the arguments in coverage.next.")
        return " ".join(sentences)

    def _again(self, request: ListRequest, changes: dict[str, Any]) -> str:
        """The same list with some arguments changed."""
        arguments = {**request.given(), **changes}
        if len(json_text.compact(arguments).encode()) <= CALL_BYTES:
            return self._call(LIST, arguments)
        return (
            f"{LIST.tool_name(self._names)} with the same filters and {json_text.compact(changes)}"
        )

    def _call(self, operation: Operation, arguments: dict[str, Any]) -> str:
        return f"{operation.tool_name(self._names)} {json_text.compact(arguments)}"


def _assumed(request: ListRequest) -> str:
    """How times were read that can be read in two ways."""
    if not (names := request.assumed_utc):
        return ""
    return f"{', '.join(names)}: taken in UTC, a date alone as the whole day."


def _count(metadata: dict[str, Any], name: str) -> int:
    return count(metadata.get(name)) or 0


def _pages(metadata: dict[str, Any]) -> int:
    """How many there are; Vapi need not say, but says how many sessions."""
    each, total = _count(metadata, "itemsPerPage"), _count(metadata, "totalItems")
    return _count(metadata, "totalPages") or (-(-total // each) if each else 0)


def _estimated_expiry(session: dict[str, Any]) -> datetime | None:
    """Last update plus lifetime: Vapi sends no expiry, and its docs define it in two ways."""
    lifetime = session.get("expirationSeconds") or LIFETIME_SECONDS
    try:
        updated = datetime.fromisoformat(session["updatedAt"])
        expiry = updated + timedelta(seconds=lifetime)
        return expiry.astimezone(UTC) if expiry.tzinfo else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
