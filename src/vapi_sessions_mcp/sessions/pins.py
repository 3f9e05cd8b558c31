"""Sessions of certain assistants and squads only: to a pinned server no others exist."""

import re
from collections.abc import Sequence
from typing import Any

from vapi_sessions_mcp.contract.list_filters import ListFilters
from vapi_sessions_mcp.contract.operations import (
    GET,
    LIST,
    Operation,
    Perform,
)
from vapi_sessions_mcp.contract.requests import (
    CreateRequest,
    GetRequest,
    Replacement,
    Request,
    UpdateRequest,
)
from vapi_sessions_mcp.errors import BadArguments, not_found
from vapi_sessions_mcp.sessions.merge import merge

# What says whose a session is, under names that Vapi has today or may have tomorrow.
_WHOSE = re.compile(r"assistant|squad|workflow|^(org_?)?id$", re.IGNORECASE)
_CHOSEN = {"assistantId", "squadId"}
# They vary the assistant or squad that was chosen, and choose none.
_OVERRIDES = {"assistantOverrides", "squadOverrides"}


class Pins:
    """The assistants and squads whose sessions exist; without any, every session does.

    A session is inside when its `assistantId` or its `squadId` is pinned; an inline
    assistant or squad has no id, and its sessions are outside.
    """

    def __init__(self, assistants: Sequence[str], squads: Sequence[str]) -> None:
        """Ids, compared exactly; none of them holds a comma."""
        pinned = {"assistantId": assistants, "squadId": squads}
        self._pinned = {name: tuple(dict.fromkeys(ids)) for name, ids in pinned.items() if ids}
        named = [f"{name} {' or '.join(ids)}" for name, ids in self._pinned.items()]
        self._bound = f"this server is pinned to {', or '.join(named)}"

    def restrict(self, perform: Perform) -> Perform:
        """`perform`, by which nothing outside can be seen, changed or made."""
        if not self._pinned:
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

    def check(self, request: Request) -> None:
        """Raise BadArguments where a session would be made outside, or moved."""
        match request:
            case CreateRequest():
                problems = self._in_new(request.content())
            case UpdateRequest() | Replacement():
                problems = self._in_changes(request.content())
            case _:
                problems = []
        if self._pinned and problems:
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
            if body[name] not in self._pinned.get(name, ())
        ]
        if not self._pinned.keys() & body.keys():
            needed = " or ".join(f"`body.{name}`" for name in self._pinned)
            problems.append(f"{needed} is required: {self._bound}.")
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
        session = await perform(GET, GetRequest(id=id))
        if not self._holds(session):
            raise not_found(id)
        return session if operation is GET else await perform(operation, request)

    async def _list(self, perform: Perform, request: ListFilters) -> dict[str, Any]:
        async def read(part: ListFilters) -> dict[str, Any]:
            page = await perform(LIST, part)
            # Vapi ignores a filter that it does not know: what is forced is looked at as well.
            return {**page, "results": [row for row in page["results"] if self._holds(row)]}

        parts = self._parts(request)
        return await read(parts[0]) if len(parts) == 1 else await merge(read, parts, request)

    def _parts(self, request: ListFilters) -> list[ListFilters]:
        """The lists that hold, together, what is inside of what `request` asks for.

        Vapi joins its filters by and: any of several assistants is one list, each
        squad is one of its own.
        """
        assistants, squads = (self._pinned.get(name, ()) for name in ("assistantId", "squadId"))
        if request.squad_id in squads:
            return [request]
        wanted = _assistants(request)
        inside = [id for id in assistants if wanted is None or id in wanted]
        parts = [_only(request, inside)] if inside else []
        # Of an assistant that is pinned the first list has every session, whatever its squad.
        others = None if wanted is None else [id for id in wanted if id not in assistants]
        if request.squad_id is None and others != []:
            parts += [_only(request, others, squad) for squad in squads]
        return parts

    def _holds(self, session: dict[str, Any]) -> bool:
        return any(session.get(name) in ids for name, ids in self._pinned.items())


def _assistants(request: ListFilters) -> list[str] | None:
    """The assistants that both filters allow; None for all of them."""
    one, several = request.assistant_id, request.assistant_id_any
    if several is None:
        return None if one is None else [one]
    ids = [id.strip() for id in several.split(",") if id.strip()]
    return [id for id in ids if one in (None, id)]


def _only(
    request: ListFilters, assistants: list[str] | None, squad: str | None = None
) -> ListFilters:
    """`request`, for these assistants and this squad; for None as it was."""
    forced: dict[str, str | None] = {} if squad is None else {"squad_id": squad}
    if assistants is not None:
        several = len(assistants) > 1
        forced["assistant_id"] = None if several else assistants[0]
        forced["assistant_id_any"] = ",".join(assistants) if several else None
    part = request.model_copy(update=forced)
    # Counted as given, a None would be sent as the text "null".
    part.model_fields_set.difference_update(name for name, id in forced.items() if id is None)
    return part
