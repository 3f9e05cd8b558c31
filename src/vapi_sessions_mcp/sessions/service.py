"""A request in, an answer out that an agent can afford: performed, masked, viewed, with a note."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.operations import Operation
from vapi_sessions_mcp.contract.requests import (
    ConfirmedDeleteRequest,
    GetRequest,
    Request,
    UpdateRequest,
    View,
    Window,
)
from vapi_sessions_mcp.errors import VapiError
from vapi_sessions_mcp.json_text import as_object
from vapi_sessions_mcp.sessions.append import append
from vapi_sessions_mcp.sessions.confirm import Ask, delete, nobody_to_ask
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.sessions.scan import Progress, nobody, scan
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi
from vapi_sessions_mcp.views.masking import mask_personal, mask_secrets
from vapi_sessions_mcp.views.notes import Notes
from vapi_sessions_mcp.views.summary import conversation, latest, summary

# Kept free for the note beside a shortened answer.
NOTE_CHARS = 800


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON for the agent, and what to say beside it: what was left out, what to call next."""

    data: dict[str, Any]
    note: str = ""


class Answers:
    """Performs operations and shapes what comes back, as the settings and the request say."""

    def __init__(self, vapi: Vapi, settings: Settings) -> None:
        """`vapi` must be open whenever `answer` is called."""
        self._vapi, self._settings = vapi, settings
        self._pins = Pins(settings.only_assistants, settings.only_squads)
        self._notes = Notes(settings, vapi.clock)
        self._most = settings.max_result_chars

    async def answer(
        self,
        operation: Operation,
        request: Request,
        call: CallRecord,
        *,
        progress: Progress = nobody,
        ask: Ask = nobody_to_ask,
    ) -> Answer:
        """The answer to one call, noted in `call`; raises a VapiError where there is none."""
        call.session = request.path().get("id", "")
        perform = self._pins.restrict(partial(self._vapi.call, call=call))
        match request:
            case GetRequest():
                session = await perform(operation, request)
                return self._session(self.masked(session), request)
            case ListRequest(scans=True):
                return self._page(self.masked(await scan(perform, request, progress)), request)
            case ListRequest():
                page = await perform(operation, request)
                return self._page(self.masked(page), request)
            case UpdateRequest(append_messages=list()):
                self._pins.check(request)  # before the first read, for nothing is sent then
                session, note = await append(perform, request)
                return Answer(self.masked(session), note)
            case ConfirmedDeleteRequest():
                return Answer(self.masked(await delete(perform, request, ask, self.masked)))
            case _:
                session = await perform(operation, request)
                call.note_session(session["id"])
                return Answer(self.masked(session))

    def masked(self, data: dict[str, Any]) -> dict[str, Any]:
        """A copy without secrets, and without personal data where that is set."""
        data = mask_secrets(data)
        return mask_personal(data) if self._settings.mask_pii else data

    @property
    def owner(self) -> Caller:
        """Who calls with the server's own key."""
        return self._vapi.owner

    def opened(self) -> AbstractAsyncContextManager[object]:
        """What keeps the connections to Vapi open while it is entered."""
        return self._vapi

    def masked_text(self, error: VapiError | str) -> str:
        """What an error says, valid Unicode, without personal data where that is set."""
        text = json_text.clean(str(error))
        return mask_personal(text) if self._settings.mask_pii else text

    def _session(self, session: dict[str, Any], request: GetRequest) -> Answer:
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

    def _page(self, page: dict[str, Any], request: ListRequest) -> Answer:
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
        return usual if self._settings.view == "auto" else self._settings.view


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
    place = {ours: metadata.get(vapis) for ours, vapis in names.items()}
    if metadata.get("itemsBeyondRetention"):
        place["itemsBeyondRetention"] = True
    return {name: value for name, value in place.items() if value is not None}


def _fitting(page: dict[str, Any], budget: int) -> int:
    """How many rows of a page fit in `budget` characters of JSON."""
    room = budget - _size({**page, "results": []})
    for count, row in enumerate(page["results"]):
        room -= _size(row) + 1
        if room < 0:
            return count
    return len(page["results"])


def _size(data: dict[str, Any]) -> int:
    return len(json_text.compact(data))
