"""What an agent gets of a session or a page: masked, in a view it can afford, with a note."""

from dataclasses import dataclass
from typing import Any

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.clock import Clock
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.requests import GetRequest, View, Window
from vapi_sessions_mcp.json_text import as_object
from vapi_sessions_mcp.settings import DefaultView, Settings
from vapi_sessions_mcp.views.masking import mask_all, mask_secrets
from vapi_sessions_mcp.views.notes import Notes
from vapi_sessions_mcp.views.numbers import count
from vapi_sessions_mcp.views.summary import conversation, latest, summary

# Kept free for the note beside a shortened answer.
NOTE_CHARS = 800


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON for the agent, and what to say beside it: what was left out, what to call next."""

    data: dict[str, Any]
    note: str = ""


class Shape:
    """Makes answers of what Vapi sent, as the settings and each request ask."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """The settings give the default view, the size of an answer and what is masked.

        By `clock` sessions expire.
        """
        self._view: DefaultView = settings.view
        self._most = settings.max_result_chars
        self._mask_pii = settings.mask_pii
        self._notes = Notes(settings, clock)

    def masked(self, data: dict[str, Any]) -> dict[str, Any]:
        """`data` without secrets, and without personal data where that is set."""
        return mask_all(data) if self._mask_pii else mask_secrets(data)

    def text(self, message: object) -> str:
        """What an error or a note says, valid Unicode, masked like an answer."""
        text = json_text.clean(str(message))
        return mask_all(text) if self._mask_pii else mask_secrets(text)

    def session(self, session: dict[str, Any], request: GetRequest) -> Answer:
        """One session in the view that is asked for, or in one that fits."""
        explicit = request.view or ("transcript" if request.messages else None)
        view = explicit or self._default("full")
        data = _viewed(session, view, request.messages or Window())
        note = "" if view == "full" else self._notes.about(session)
        if explicit or _size(data) + len(note) <= self._most:
            return Answer(data, note)
        note = self._notes.whole(session, _size(session))
        data = latest(session, self._most - NOTE_CHARS)
        if len(data["messages"]) < data["shown"]["of"]:
            note = f"{self._notes.earlier(data)} {note}"
        return Answer(data, note)

    def page(self, page: dict[str, Any], request: ListRequest) -> Answer:
        """A page in the view that is asked for, or as many of its rows as fit."""
        view = request.view or self._default("summary")
        data = _page_viewed(page, view)
        plain = view == "full" and "coverage" not in page
        note = "" if plain else self._notes.next_steps(page, request)
        if request.view or _size(data) + len(note) <= self._most:
            return Answer(data, note)
        notes: list[str] = []
        rows = _fitting(data, self._most - NOTE_CHARS)
        if not rows:
            notes.append(self._notes.summaries(view, request))
            data = _page_viewed(page, "summary")
            rows = _fitting(data, self._most - NOTE_CHARS)
        if rows < len(data["results"]):
            notes.append(self._notes.rest(rows, page, request))
        else:
            notes.append(self._notes.next_steps(page, request))
        return Answer({**data, "results": data["results"][:rows]}, " ".join(filter(None, notes)))

    def _default(self, usual: View) -> View:
        return usual if self._view == "auto" else self._view


def _viewed(session: dict[str, Any], view: View, window: Window) -> dict[str, Any]:
    match view:
        case "summary":
            return summary(session)
        case "transcript":
            return conversation(session, window)
        case _:
            return session


def _page_viewed(page: dict[str, Any], view: View) -> dict[str, Any]:
    if view == "full":
        return page
    rows = [_viewed(session, view, Window()) for session in page["results"]]
    if "coverage" in page:
        return {"results": rows, "coverage": page["coverage"]}
    return {"results": rows, **_place(as_object(page.get("metadata")))}


def _place(metadata: dict[str, Any]) -> dict[str, Any]:
    """Which page of how many this is, and of how many sessions, as far as Vapi says."""
    names = {"page": "currentPage", "pages": "totalPages", "total": "totalItems"}
    place = {ours: count(metadata.get(vapis)) for ours, vapis in names.items()}
    if metadata.get("itemsBeyondRetention"):
        place["itemsBeyondRetention"] = True
    return {name: value for name, value in place.items() if value is not None}


def _fitting(page: dict[str, Any], budget: int) -> int:
    """How many rows of a page fit in `budget` characters of JSON."""
    room = budget - _size({**page, "results": []})
    for before, row in enumerate(page["results"]):
        room -= _size(row) + 1
        if room < 0:
            return before
    return len(page["results"])


def _size(data: dict[str, Any]) -> int:
    return len(json_text.compact(data))
