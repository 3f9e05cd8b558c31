"""The sandbox orders lists and cuts them into pages as FACTS say Vapi does."""

from collections.abc import Callable
from typing import Any

import pytest

from support.sandbox_calls import SAMPLES, Sample, Vapi, created, ids, listed

pytestmark = pytest.mark.anyio


def duration(sample: Sample) -> float:
    times = [m[name] for m in sample["messages"] for name in ("time", "endTime") if name in m]
    return max(times) - min(times) if times else 0


ORDERS: list[tuple[str | None, Callable[[Sample], Any]]] = [
    (None, lambda s: s["createdAt"]),
    ("createdAt", lambda s: s["createdAt"]),
    ("cost", lambda s: (s["cost"], s["createdAt"])),
    ("duration", lambda s: (duration(s), s["createdAt"])),
]


@pytest.mark.parametrize(("sort_by", "key"), ORDERS)
async def test_sessions_come_in_the_order_asked_for(
    vapi: Vapi, sort_by: str | None, key: Callable[[Sample], Any]
) -> None:
    # Equal ones fall back to createdAt, so that pages never overlap.
    query = {"sortBy": sort_by} if sort_by else {}
    ascending = sorted(SAMPLES, key=key)
    assert ids(await listed(vapi, **query, sortOrder="ASC")) == ids(ascending)
    assert ids(await listed(vapi, **query, sortOrder="DESC")) == ids(ascending[::-1])
    assert ids(await listed(vapi, **query)) == ids(ascending[::-1])


async def test_sessions_of_one_millisecond_keep_their_order(vapi: Vapi) -> None:
    # createdAt alone does not order what a fast client creates.
    made = [await created(vapi, name="burst") for _ in range(30)]
    assert await listed(vapi, name="burst", sortOrder="ASC") == made
    assert await listed(vapi, name="burst") == made[::-1]


async def test_pages_join_up_to_the_whole_list(vapi: Vapi) -> None:
    # No session is lost or repeated between two pages.
    together: list[str] = []
    for page in (1, 2, 3):
        answer = (await vapi.get("/session", params={"limit": 25, "page": page})).json()
        together += ids(answer["results"])
        assert answer["metadata"] == {
            "itemsPerPage": 25,
            "totalItems": 60,
            "currentPage": page,
            "totalPages": 3,
            "hasNextPage": page < 3,
            "sortOrder": "DESC",
        }
    assert together == ids(SAMPLES[::-1])


@pytest.mark.parametrize(
    ("query", "metadata"),
    [
        ({}, {"itemsPerPage": 100, "currentPage": 1, "totalPages": 1, "hasNextPage": False}),
        ({"limit": 0}, {"itemsPerPage": 0, "totalItems": 60, "hasNextPage": False}),
        ({"limit": 30, "page": "2.0"}, {"currentPage": 2, "hasNextPage": False}),
        ({"page": 9}, {"currentPage": 9, "totalItems": 60, "hasNextPage": False}),
        ({"page": "1e300"}, {"totalItems": 60}),
        ({"number": "+19995550100"}, {"totalItems": 0, "totalPages": 0, "hasNextPage": False}),
        ({"sortOrder": "ASC", "limit": 59}, {"sortOrder": "ASC", "hasNextPage": True}),
    ],
)
async def test_metadata_says_where_the_page_is(
    vapi: Vapi, query: dict[str, Any], metadata: dict[str, Any]
) -> None:
    # A reader decides from this alone whether to ask for more.
    answer = (await vapi.get("/session", params=query)).json()
    assert answer["metadata"] | metadata == answer["metadata"]
