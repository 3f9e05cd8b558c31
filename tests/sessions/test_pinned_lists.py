"""A list of a pinned server holds what is inside, and counts nothing else."""

from typing import Any, TypeAlias

import httpx2
import pytest

from support.pinned import (
    IN_SQUAD,
    INSIDE,
    NOWHERE,
    PINS,
    SQUAD,
    arranged,
    ask,
    names,
    pinned_to,
    queries,
)
from support.upstream import Upstream
from vapi_sessions_mcp.contract.operations import (
    LIST,
    Perform,
)
from vapi_sessions_mcp.sessions.pins import Pins

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]


A1, A2, A12 = {"assistantId": "a1"}, {"assistantId": "a2"}, {"assistantIdAny": "a1,a2"}
Q1 = {"squadId": "q1"}
ONE_ASSISTANT, ASSISTANTS = pinned_to("a1"), pinned_to("a1", "a2", "a1")


@pytest.mark.parametrize(
    ("pins", "filters", "sent"),
    [
        (ONE_ASSISTANT, {}, [A1]),
        (ONE_ASSISTANT, {"assistantId": "a1"}, [A1]),
        (ONE_ASSISTANT, {"assistantIdAny": "a9,a1"}, [A1]),
        (ONE_ASSISTANT, {"squadId": "q9"}, [A1 | {"squadId": "q9"}]),
        (ONE_ASSISTANT, {"idAny": "x,y", "page": 3}, [A1 | {"idAny": "x,y", "page": "3"}]),
        (ONE_ASSISTANT, {"sortBy": "duration"}, [A1 | {"sortBy": "duration"}]),
        (ASSISTANTS, {}, [A12]),
        (ASSISTANTS, {"assistantId": "a2"}, [A2]),
        (ASSISTANTS, {"assistantIdAny": ["a2", "a9", "a1"]}, [A12]),
        (ASSISTANTS, {"assistantIdAny": " a2 ,a9"}, [A2]),
        (ASSISTANTS, {"assistantId": "a2", "assistantIdAny": "a1,a2,a9"}, [A2]),
        (ASSISTANTS, {"page": 500, "limit": 1000}, [A12 | {"page": "500", "limit": "1000"}]),
        (SQUAD, {}, [Q1]),
        (SQUAD, {"squadId": "q1"}, [Q1]),
        (SQUAD, {"assistantId": "a9"}, [Q1 | {"assistantId": "a9"}]),
        (SQUAD, {"assistantIdAny": "a8,a9"}, [Q1 | {"assistantIdAny": "a8,a9"}]),
        (SQUAD, {"page": 2, "sortBy": "cost"}, [Q1 | {"page": "2", "sortBy": "cost"}]),
    ],
)
async def test_vapi_is_asked_for_what_is_inside_only(
    perform: Perform, upstream: Upstream, pins: Pins, filters: Json, sent: list[Json]
) -> None:
    # What is not asked for cannot leak; and each list is a request that somebody waits for.
    await ask(pins.restrict(perform), LIST, **filters)
    assert queries(upstream) == arranged(sent)


@pytest.mark.parametrize("place", [{}, {"page": 3, "limit": 7, "sortOrder": "ASC"}, {"limit": 0}])
@pytest.mark.parametrize(
    ("pins", "filters"),
    [
        (ONE_ASSISTANT, {"assistantId": "a9"}),
        (ONE_ASSISTANT, {"assistantId": "A1"}),
        (ASSISTANTS, {"assistantIdAny": "a9,a10"}),
        (ASSISTANTS, {"assistantIdAny": "a1", "assistantId": "a2"}),
        (ASSISTANTS, {"assistantIdAny": "a9", "sortBy": "duration"}),
        (SQUAD, {"squadId": "q9"}),
        (SQUAD, {"squadId": "q1,q2"}),
        (PINS, {"squadId": "q1", "assistantId": "a9"}),
        (PINS, {"assistantIdAny": "a1", "assistantId": "a2"}),
    ],
)
async def test_a_list_of_what_is_outside_is_empty_and_not_sent(
    perform: Perform, upstream: Upstream, pins: Pins, filters: Json, place: Json
) -> None:
    # It is the very page that Vapi has for what matches nothing.
    page = await ask(pins.restrict(perform), LIST, **filters, **place)
    assert upstream.requests == []
    assert page == await ask(perform, LIST, id=NOWHERE, **place)


async def test_a_list_holds_what_is_inside(perform: Perform, ids: dict[str, str]) -> None:
    # All of it, newest first as ever, and in the shape of a page of Vapi's.
    page = await ask(PINS.restrict(perform), LIST)
    everything = await ask(perform, LIST)
    inside = [row for row in everything["results"] if row["id"] in {ids[name] for name in INSIDE}]
    assert sorted(page["results"], key=str) == sorted(inside, key=str)
    created = [row["createdAt"] for row in page["results"]]
    assert created == sorted(created, reverse=True)
    assert page["metadata"] == everything["metadata"] | {"totalItems": 4}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"assistantId": "a1"}, ["of a1", "of a1 and q1", "of a1 and q9"]),
        ({"assistantId": "a9"}, []),
        ({"assistantIdAny": "a1,a9,a10,A1,q1"}, ["of a1", "of a1 and q1", "of a1 and q9"]),
        ({"squadId": "q1"}, ["of a1 and q1"]),
        ({"squadId": "q9"}, ["of a1 and q9"]),
        ({"squadId": "a1"}, []),
        ({"idAny": "of a9,of a9 and q9,of nobody,of a2"}, ["of a2"]),
        ({"id": "of a10"}, []),
        ({"id": "of a2"}, ["of a2"]),
        ({"name": "of an inline assistant"}, []),
        ({"limit": 1000, "createdAtGe": "2020-01-01", "sortOrder": "ASC"}, sorted(INSIDE)),
    ],
)
async def test_no_filter_finds_what_is_outside(
    perform: Perform, ids: dict[str, str], filters: Json, found: list[str]
) -> None:
    # Pins are an upper bound: every argument can only narrow what they leave.
    for key in ("id", "idAny"):
        if key in filters:
            filters = filters | {key: ",".join(ids[name] for name in filters[key].split(","))}
    page = await ask(PINS.restrict(perform), LIST, **filters)
    assert names(page) == sorted(found)
    assert page["metadata"]["totalItems"] == len(found)


class Deaf(httpx2.AsyncBaseTransport):
    """The sandbox, as if it had never heard of assistants and squads."""

    def __init__(self, upstream: Upstream) -> None:
        self._answers = upstream.answers
        upstream.answers = self

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        params = request.url.params
        for name in ("assistantId", "assistantIdAny", "squadId"):
            params = params.remove(name)
        url = request.url.copy_with(params=params)
        return await self._answers.handle_async_request(
            httpx2.Request("GET", url, headers=request.headers)
        )


@pytest.mark.parametrize(
    ("pins", "found"),
    [
        (ONE_ASSISTANT, ["of a1", "of a1 and q1", "of a1 and q9"]),
        (SQUAD, IN_SQUAD),
        (PINS, sorted(INSIDE)),
    ],
)
async def test_what_a_list_should_not_hold_is_left_out(
    perform: Perform, upstream: Upstream, ids: dict[str, str], pins: Pins, found: list[str]
) -> None:
    # Vapi ignores a filter that it does not know, and would then return everything.
    Deaf(upstream)
    page = await ask(pins.restrict(perform), LIST)
    assert names(page) == found
    # Counts of what is outside are not this server's to give, and whether there is more is.
    assert page["metadata"] == {
        "itemsPerPage": 100,
        "currentPage": 1,
        "hasNextPage": False,
        "sortOrder": "DESC",
    }


@pytest.mark.parametrize("metadata", [None, [], {"itemsPerPage": 100}])
async def test_rows_and_metadata_may_lack_anything(
    perform: Perform, upstream: Upstream, metadata: Any
) -> None:
    # A page that is odd is still better than none.
    odd: list[Json] = [{"id": 7, "assistantId": "a1"}, {"id": "x"}, {"assistantId": ["a1"]}]
    page = {"results": odd, "metadata": metadata}
    upstream.answers = httpx2.MockTransport(lambda _: httpx2.Response(200, json=page))
    answer = await ask(PINS.restrict(perform), LIST)
    assert answer["results"] == odd[:1]
    assert answer["metadata"] == (metadata or {})
