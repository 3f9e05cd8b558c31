"""Sessions of certain assistants, or of one squad, only: to a pinned server no others exist."""

import re
from typing import Any

from vapi_sessions_mcp.contract.list_filters import LIMIT, ListFilters, ListRequest
from vapi_sessions_mcp.contract.operations import GET, LIST, Operation, Perform
from vapi_sessions_mcp.contract.requests import (
    CreateRequest,
    GetRequest,
    Replacement,
    Request,
    UpdateRequest,
)
from vapi_sessions_mcp.errors import BadArguments, Garbled, VapiError, not_found
from vapi_sessions_mcp.json_text import as_object
from vapi_sessions_mcp.settings import Settings

# What says whose a session is, under names that Vapi has today or may have tomorrow.
_WHOSE = re.compile(r"assistant|squad|workflow|^(org_?)?id$", re.IGNORECASE)
_CHOSEN = {"assistantId", "squadId"}
# They vary the assistant or squad that was chosen, and choose none.
_OVERRIDES = {"assistantOverrides", "squadOverrides"}
# What a page says of sessions beyond its own rows.
_COUNTS = ("totalItems", "totalPages")


class Pins:
    """The assistants or the squad whose sessions exist; without any, every session does.

    A session is inside when its `assistantId`, or its `squadId`, is pinned; an inline
    assistant or squad has no id, and its sessions are outside.
    """

    def __init__(self, settings: Settings) -> None:
        """The settings pin any number of assistants or one squad; ids are compared exactly."""
        self._field = "squadId" if settings.only_squad else "assistantId"
        squads = (settings.only_squad,) if settings.only_squad else ()
        self._ids = squads or tuple(dict.fromkeys(settings.only_assistants))
        self._bound = f"this server is pinned to {self._field} {' or '.join(self._ids)}"

    def restrict(self, perform: Perform) -> Perform:
        """`perform`, by which nothing outside can be seen, changed or made."""
        if not self._ids:
            return perform

        async def pinned(operation: Operation, request: Request) -> dict[str, Any]:
            self.check(request)
            match request:
                case ListFilters():
                    return await self._list(perform, request)
                case CreateRequest():
                    return await perform(operation, request)
                case _:
                    return await self._on_one(perform, operation, request)

        return pinned

    def hold(self, session: dict[str, Any]) -> bool:
        """Whether this session exists: without pins, any does."""
        return not self._ids or self._holds(session)

    def check(self, request: Request) -> None:
        """Raise BadArguments where a session would be made outside, or moved."""
        match request:
            case CreateRequest():
                problems = self._in_new(request.content())
            case UpdateRequest() | Replacement():
                problems = self._in_changes(request.content())
            case _:
                problems = []
        if self._ids and problems:
            raise BadArguments(problems)

    def _in_new(self, body: dict[str, Any]) -> list[str]:
        problems = [
            f"`body.{name:.60}` must be left out: {self._bound}."
            for name in body
            if _WHOSE.search(name) and name not in _CHOSEN | _OVERRIDES
        ]
        problems += [
            f"`body.{name}` must not be {body[name]!r:.60}: {self._bound}."
            for name in sorted(_CHOSEN & body.keys())
            if name != self._field or body[name] not in self._ids
        ]
        if self._field not in body:
            problems.append(f"`body.{self._field}` is required: {self._bound}.")
        return problems

    def _in_changes(self, body: dict[str, Any]) -> list[str]:
        return [
            f"`body.{name:.60}` could move the session, so it must be left out: {self._bound}."
            for name in body
            if _WHOSE.search(name)
        ]

    async def _on_one(
        self, perform: Perform, operation: Operation, request: Request
    ) -> dict[str, Any]:
        # Read first, whether it is outside or nowhere: both take this one request, and it stays
        # where it is meanwhile, since nothing that Vapi's PATCH changes says whose a session is.
        id = request.path()["id"]
        try:
            session = await perform(GET, GetRequest(id=id))
        except Garbled:
            # What cannot be read does not say whose it is, and that it exists is a secret.
            if await self._lists(perform, id):
                raise
            raise not_found(id) from None
        if not self._holds(session):
            raise not_found(id)
        return session if operation is GET else await perform(operation, request)

    async def _lists(self, perform: Perform, id: str) -> bool:
        """Whether `id` is inside, as far as a list can say that holds nothing else."""
        try:
            page = await self._list(perform, ListRequest(id=id, limit=1))
        except Garbled:
            return True
        except VapiError:
            return False
        return any(str(row.get("id")).lower() == id.lower() for row in page["results"])

    async def _list(self, perform: Perform, request: ListFilters) -> dict[str, Any]:
        inside = self._inside(request)
        if not inside:
            return _no_rows(request)
        page = await perform(LIST, _only(request, self._field, inside))
        # Vapi ignores a filter that it does not know: what is forced is looked at as well.
        rows = [row for row in page["results"] if self._holds(row)]
        if len(rows) == len(page["results"]):
            return page
        # Then its counts are of others' sessions, too.
        metadata = as_object(page.get("metadata"))
        kept = {name: value for name, value in metadata.items() if name not in _COUNTS}
        # A page from which rows were taken looks like the last one.
        if len(page["results"]) >= (LIMIT if request.limit is None else request.limit):
            kept.setdefault("hasNextPage", True)
        return {**page, "results": rows, "metadata": kept}

    def _inside(self, request: ListFilters) -> list[str]:
        """The pinned ids that the request's own filters leave."""
        wanted = _squads(request) if self._field == "squadId" else _assistants(request)
        return [id for id in self._ids if wanted is None or id in wanted]

    def _holds(self, session: dict[str, Any]) -> bool:
        return session.get(self._field) in self._ids


def _assistants(request: ListFilters) -> list[str] | None:
    """The assistants that both filters allow; None for all of them."""
    one, several = request.assistant_id, request.assistant_id_any
    if several is None:
        return None if one is None else [one]
    ids = [id.strip() for id in several.split(",") if id.strip()]
    return [id for id in ids if one in (None, id)]


def _squads(request: ListFilters) -> list[str] | None:
    return None if request.squad_id is None else [request.squad_id]


def _only(request: ListFilters, field: str, ids: list[str]) -> ListFilters:
    """`request`, for these assistants or this squad."""
    forced: dict[str, str | None] = {"squad_id": ids[0]}
    if field == "assistantId":
        several = len(ids) > 1
        forced = {
            "assistant_id": None if several else ids[0],
            "assistant_id_any": ",".join(ids) if several else None,
        }
    part = request.model_copy(update=forced)
    # Counted as given, a None would be sent as the text "null".
    part.model_fields_set.difference_update(name for name, id in forced.items() if id is None)
    return part


def _no_rows(request: ListFilters) -> dict[str, Any]:
    """The page that Vapi would send if it knew that the filters leave nothing."""
    metadata = {
        "itemsPerPage": LIMIT if request.limit is None else request.limit,
        "totalItems": 0,
        "currentPage": request.page or 1,
        "totalPages": 0,
        "hasNextPage": False,
        "sortOrder": request.sort_order or "DESC",
    }
    return {"results": [], "metadata": metadata}
