"""Lists of sessions as Vapi makes them: bounds on their creation, an order, a page."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import httpx2

Json: TypeAlias = dict[str, Any]

START = datetime(2026, 11, 1, tzinfo=UTC)
_BOUNDS: Mapping[str, Callable[[datetime, datetime], bool]] = {
    "createdAtGt": lambda created, bound: created > bound,
    "createdAtGe": lambda created, bound: created >= bound,
    "createdAtLt": lambda created, bound: created < bound,
    "createdAtLe": lambda created, bound: created <= bound,
}


def stamp(milliseconds: float) -> str:
    """The time so long after the start, with the three digits that JavaScript writes."""
    moment = START + timedelta(milliseconds=milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def listed(sessions: list[Json], params: Mapping[str, str]) -> Json:
    """The page of `sessions` that a list with `params` answers.

    A session's `stored` is when it was created to the last digit, which Vapi may
    keep without showing it; it is not shown here either.
    """
    chosen = fitting(sessions, params)
    page, limit = int(params.get("page", 1)), int(params.get("limit", 100))
    shown = chosen[(page - 1) * limit : page * limit]
    return {
        "results": [{k: v for k, v in session.items() if k != "stored"} for session in shown],
        "metadata": {"itemsPerPage": limit, "totalItems": len(chosen), "currentPage": page},
    }


def fitting(sessions: list[Json], params: Mapping[str, str]) -> list[Json]:
    """The sessions between the bounds on their creation, in the order that is asked for."""
    chosen = [session for session in sessions if _fits(session, params)]
    return sorted(chosen, key=_created, reverse=params.get("sortOrder", "DESC") == "DESC")


class Timeline(httpx2.AsyncBaseTransport):
    """An upstream with these sessions, and what happens `meanwhile`, after each page."""

    def __init__(self, sessions: list[Json]) -> None:
        self.sessions = sessions
        self.meanwhile: Callable[[], None] | None = None
        # What comes instead of a page, the first being 1.
        self.instead: dict[int, httpx2.Response] = {}
        self.asked: list[dict[str, str]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        params = dict(request.url.params)
        self.asked.append(params)
        if instead := self.instead.get(len(self.asked)):
            return instead
        page = self.page(params)
        if self.meanwhile:
            self.meanwhile()
        return httpx2.Response(200, content=json.dumps(page).encode())

    def page(self, params: Mapping[str, str]) -> Json:
        return listed(self.sessions, params)


def _fits(session: Json, params: Mapping[str, str]) -> bool:
    return all(
        holds(_created(session), datetime.fromisoformat(params[name]))
        for name, holds in _BOUNDS.items()
        if name in params
    )


def _created(session: Json) -> datetime:
    return datetime.fromisoformat(session.get("stored") or session["createdAt"])
