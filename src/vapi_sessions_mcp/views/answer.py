"""What an agent gets of a session or a page: masked, in a view it can afford, with a note."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeVar

from vapi_sessions_mcp import json_text
from vapi_sessions_mcp.clock import Clock
from vapi_sessions_mcp.contract.instants import Instant
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.requests import GetRequest, View, Window
from vapi_sessions_mcp.json_text import apart, as_object
from vapi_sessions_mcp.settings import DefaultView, Settings
from vapi_sessions_mcp.views.block import joined, joined_size, part_size
from vapi_sessions_mcp.views.masking import mask_all, mask_secrets, masker
from vapi_sessions_mcp.views.notes import ABOUT, Notes
from vapi_sessions_mcp.views.numbers import count
from vapi_sessions_mcp.views.summary import Mask, conversation, latest, part, summary

# Kept free for the note in a shortened answer, and in any for a word on invisible characters.
NOTE_BYTES = 900
REMOVED_BYTES = 64

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Answer:
    """JSON for the agent, and what to say about it: what was left out, what to call next.

    It is `exact` where it must be what Vapi sent and no note may be added.
    """

    data: dict[str, Any]
    note: str = ""
    exact: bool = False

    def noted(self) -> dict[str, Any]:
        """The JSON with the note in it, which takes no field's place."""
        return apart([*self.data.items(), ("note", self.note)]) if self.note else self.data

    @cached_property
    def _pieces(self) -> Sequence[str]:
        """What is written, once; a long one is measured without being put together."""
        return [*json_text.line_pieces(self.noted())]

    @cached_property
    def text(self) -> str:
        """All of it as one block of text."""
        return joined(self._pieces)

    @cached_property
    def size(self) -> int:
        """How many bytes that takes."""
        return joined_size(self._pieces)


class Shape:
    """Makes answers of what Vapi sent, as the settings and each request ask."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """The settings give the default view, the size of an answer and what is masked.

        By `clock` sessions expire.
        """
        self._view: DefaultView = settings.view
        self._most = settings.max_result_bytes - REMOVED_BYTES
        self._mask_pii = settings.mask_pii
        self._notes = Notes(settings, clock)

    def masked(self, data: ValueT) -> ValueT:
        """`data`, a JSON value, without secrets, and without personal data where that is set."""
        return mask_all(data) if self._mask_pii else mask_secrets(data)

    def text(self, message: object) -> str:
        """What an error or a note says, valid Unicode, masked like an answer."""
        text = json_text.clean(str(message))
        return mask_all(text) if self._mask_pii else mask_secrets(text)

    def session(self, session: dict[str, Any], request: GetRequest) -> Answer:
        """One session as Vapi sent it, in the view that is asked for, or in one that fits."""
        explicit = request.view or ("transcript" if request.messages else None)
        view = explicit or self._default("full")
        if view == "summary":
            about = self._notes.about(self.masked(part(session, ABOUT)))
            return Answer(summary(session, self.masked), about)
        session = self.masked(session)
        data = session if view == "full" else conversation(session, request.messages or Window())
        note = "" if view == "full" else self._notes.about(session)
        answer = Answer(data, note, exact=request.view == "full")
        if explicit or self._fits(answer):
            return answer
        whole = answer if view == "full" else Answer(session)
        note = self._notes.whole(session, whole.size)
        data = latest(session, self._most - NOTE_BYTES)
        if len(data["messages"]) < data["shown"]["of"]:
            note = f"{self._notes.earlier(data)} {note}"
        return Answer(data, note)

    def page(
        self, page: dict[str, Any], request: ListRequest, *, is_masked: bool = False
    ) -> Answer:
        """A page in the view that is asked for, or as many of its rows as fit."""
        view, mask = request.view or self._default("summary"), _same
        if view == "summary" and not is_masked:
            mask = masker(personal=self._mask_pii)
            around: dict[str, Any] = {**page, "results": []}
            page = mask(around) | {"results": page["results"]}
        elif not is_masked:
            page = self.masked(page)
        data = _page_viewed(page, view, mask)
        plain = view == "full" and "coverage" not in page
        note = "" if plain else self._notes.next_steps(page, request)
        answer = Answer(data, note, exact=plain and request.view == "full")
        if request.view or self._fits(answer):
            return answer
        notes: list[str] = []
        ends = _ends(page, request)
        rows = self._fitting(data, ends, request)
        if not rows:
            notes.append(self._notes.summaries(view, request))
            view = "summary"
            data = _page_viewed(page, view, mask)
            rows = self._fitting(data, ends, request) or ends[0]
        shown = _first_rows(page, rows, request)
        if rows < len(page["results"]) and "coverage" not in page:
            notes.append(self._notes.rest(rows, page, request))
        else:
            notes.append(self._notes.next_steps(shown, request))
        cut = {
            **_page_viewed({**shown, "results": []}, view, mask),
            "results": data["results"][:rows],
        }
        return Answer(cut, " ".join(filter(None, notes)))

    def _fits(self, answer: Answer) -> bool:
        return answer.size <= self._most

    def _fitting(self, page: dict[str, Any], ends: Sequence[int], request: ListRequest) -> int:
        """The most rows of a page that fit beside a note and after which it can be cut, or 0."""
        room = self._most - NOTE_BYTES - part_size({**page, "results": []})
        if "coverage" in page:
            # For `next`, and for why it ended early, which the note repeats.
            room -= part_size([request.given(), page["coverage"].get("stopped")])
        sizes = accumulate(part_size(row) + len(",\n") for row in page["results"])
        fitting = sum(size <= room for size in sizes)
        return max((end for end in ends if end <= fitting), default=0)

    def _default(self, usual: View) -> View:
        return usual if self._view == "auto" else self._view


def _same(value: ValueT) -> ValueT:
    return value


def _page_viewed(page: dict[str, Any], view: View, mask: Mask) -> dict[str, Any]:
    """A page in a view; the rows of summaries are given to `mask`, others are masked already."""
    if view == "full":
        return page

    def mask_row(row: dict[str, Any]) -> dict[str, Any]:
        return mask({"results": [row]})["results"][0]

    rows = [
        summary(row, mask_row) if view == "summary" else conversation(row, Window())
        for row in page["results"]
    ]
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


def _ends(page: dict[str, Any], request: ListRequest) -> Sequence[int]:
    """After how many rows a page can be cut: a scan goes on only behind a whole instant."""
    rows = page["results"]
    if "coverage" not in page or request.sort_by == "cost":
        return range(len(rows) + 1)[1:] or [0]
    instants = [Instant.of(row) for row in rows]
    inside = [count for count in range(1, len(rows)) if instants[count - 1] != instants[count]]
    return [*inside, len(rows)]


def _first_rows(page: dict[str, Any], count: int, request: ListRequest) -> dict[str, Any]:
    """A page cut to so many rows; in a scan, `next` begins behind the last of them."""
    rows = page["results"][:count]
    shown = {**page, "results": rows}
    if "coverage" in page and count < len(page["results"]) and request.sort_by != "cost":
        last = Instant.of(rows[-1])
        following = {"next": request.after(last).given()} if last else {}
        shown["coverage"] = {**page["coverage"], **following}
    return shown
