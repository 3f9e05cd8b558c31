"""The sandbox filters, orders and pages as FACTS say Vapi does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.sandbox import MAYA, SAMPLES, Sample, Vapi, created, customer, ids, listed, refused

pytestmark = pytest.mark.anyio


# Filters

Predicate = Callable[[Sample], bool]


A_SQUAD = next(s["squadId"] for s in SAMPLES if s.get("squadId"))
AN_ASSISTANT = next(s["assistantId"] for s in SAMPLES if s.get("assistantId"))
LINES = sorted({s["phoneNumberId"] for s in SAMPLES if s.get("phoneNumberId")})
A_WORKFLOW = next(s["workflowId"] for s in SAMPLES if s.get("workflowId"))
FILTERS: list[tuple[str, Any, Predicate]] = [
    ("id", SAMPLES[3]["id"], lambda s: s["id"] == SAMPLES[3]["id"]),
    ("idAny", f"{SAMPLES[3]['id']}, {SAMPLES[9]['id']},x", lambda s: s in (SAMPLES[3], SAMPLES[9])),
    ("name", SAMPLES[4]["name"], lambda s: s["name"] == SAMPLES[4]["name"]),
    ("name", "Maya Okafor", lambda s: customer(s).get("name") == "Maya Okafor"),
    ("name", "ليلى حداد", lambda s: "ليلى حداد" in (s["name"], customer(s).get("name"))),
    ("assistantId", AN_ASSISTANT, lambda s: s.get("assistantId") == AN_ASSISTANT),
    ("assistantIdAny", f"x,{AN_ASSISTANT}", lambda s: s.get("assistantId") == AN_ASSISTANT),
    ("squadId", A_SQUAD, lambda s: s.get("squadId") == A_SQUAD),
    ("workflowId", A_WORKFLOW, lambda s: s.get("workflowId") == A_WORKFLOW),
    ("number", MAYA, lambda s: customer(s).get("number") == MAYA),
    (
        "customerNumberAny",
        f"{MAYA},+13105550142",
        lambda s: customer(s).get("number") in (MAYA, "+13105550142"),
    ),
    (
        "sipUri",
        "sip:greta@sip.example.com",
        lambda s: customer(s).get("sipUri") == "sip:greta@sip.example.com",
    ),
    (
        "email",
        "maya.okafor@example.com",
        lambda s: customer(s).get("email") == "maya.okafor@example.com",
    ),
    ("externalId", "cust-1040", lambda s: customer(s).get("externalId") == "cust-1040"),
    ("extension", "204", lambda s: customer(s).get("extension") == "204"),
    (
        "numberE164CheckEnabled",
        "false",
        lambda s: customer(s).get("numberE164CheckEnabled") is False,
    ),
    (
        "numberE164CheckEnabled",
        "true",
        lambda s: "customer" in s and s["customer"].get("numberE164CheckEnabled") is not False,
    ),
    ("phoneNumberId", LINES[0], lambda s: s.get("phoneNumberId") == LINES[0]),
    ("phoneNumberIdAny", LINES[:2], lambda s: s.get("phoneNumberId") in LINES[:2]),
    ("phoneNumberIdAny", ",".join(LINES[:2]), lambda s: s.get("phoneNumberId") in LINES[:2]),
    (
        "assistantOverrides",
        '{"variableValues": {"tier": "gold"}}',
        lambda s: "gold" in json.dumps(s.get("assistantOverrides")),
    ),
    (
        "assistantOverrides",
        '{"variableValues": {"partner": "Second Chance"}}',
        lambda s: "assistantOverrides" in customer(s),
    ),
    (
        "squadOverrides",
        '{"variableValues": {"newClient": true}}',
        lambda s: "squadOverrides" in customer(s),
    ),
]


@pytest.mark.parametrize(("name", "value", "matches"), FILTERS)
async def test_a_filter_gives_exactly_what_matches(
    vapi: Vapi, name: str, value: Any, matches: Predicate
) -> None:
    # Each filter is judged by a plain loop over the samples, and must match something.
    expected = [sample for sample in SAMPLES if matches(sample)]
    assert expected
    assert await listed(vapi, **{name: value}, sortOrder="ASC") == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "%"),
        ("idAny", ","),
        ("name", "maya okafor"),
        ("name", ""),
        ("assistantOverrides", '{"variableValues": {"tier": "tin"}}'),
        ("assistantOverrides", '{"variableValues": "gold"}'),
        ("assistantOverrides", '{"voice": {}}'),
        ("squadOverrides", '{"variableValues": {"newClient": 1}}'),
        ("squadOverrides", '{"variableValues": {"visits": false}}'),
    ],
)
async def test_a_filter_that_fits_nothing_gives_nothing(vapi: Vapi, name: str, value: str) -> None:
    # Matches are exact: no wildcards, no case folding, and 1 is not true.
    assert await listed(vapi, **{name: value}) == []


async def test_filters_narrow_each_other(vapi: Vapi) -> None:
    # Two filters mean both, never either.
    both = await listed(vapi, number=MAYA, phoneNumberId=LINES[0], sortOrder="ASC")
    assert both == [
        s
        for s in SAMPLES
        if customer(s).get("number") == MAYA and s.get("phoneNumberId") == LINES[0]
    ]


async def test_a_number_filter_that_is_not_e164_needs_the_check_off(vapi: Vapi) -> None:
    # The flag is a filter and a switch at once.
    assert await refused(vapi, number="8821") == [
        "number must be a valid phone number in the E.164 format"
    ]
    [found] = await listed(vapi, number="8821", numberE164CheckEnabled="false")
    assert found["customer"]["number"] == "8821"


async def test_an_unknown_filter_is_ignored(vapi: Vapi) -> None:
    # Vapi does so too, and that is why a misspelt filter returns everything.
    assert len(await listed(vapi, statsu="active")) == 60


async def test_half_a_letter_in_a_name_can_still_be_stored_and_listed(vapi: Vapi) -> None:
    # The column that the name filter reads cannot hold it; the session must survive that.
    answer = await vapi.post("/session", content=b'{"customer": {"name": "a\\udfff"}}')
    assert await listed(vapi, id=answer.json()["id"]) == [answer.json()]


RANGES: dict[str, Callable[[str, str], bool]] = {
    "Gt": lambda have, bound: have > bound,
    "Lt": lambda have, bound: have < bound,
    "Ge": lambda have, bound: have >= bound,
    "Le": lambda have, bound: have <= bound,
}


@pytest.mark.parametrize("field", ["createdAt", "updatedAt"])
@pytest.mark.parametrize("suffix", RANGES)
async def test_a_range_includes_its_bound_only_when_it_says_so(
    vapi: Vapi, field: str, suffix: str
) -> None:
    # Paging by time loses or repeats a session when Gt and Ge are mixed up.
    bound = SAMPLES[30][field]
    found = await listed(vapi, **{f"{field}{suffix}": bound}, sortOrder="ASC")
    assert found == [s for s in SAMPLES if RANGES[suffix](s[field], bound)]
    assert 0 < len(found) < 60


@pytest.mark.parametrize(
    ("date", "utc"),
    [
        ("2026-11-05", "2026-11-05T00:00:00.000Z"),
        ("2026-11-05T12:19:17.725+02:00", "2026-11-05T10:19:17.725Z"),
        ("2026-11-05T05:19-0500", "2026-11-05T10:19:00.000Z"),
        ("2026-11-05 10:19:17.725", "2026-11-05T10:19:17.725Z"),
        ("2026-11-05T10:19:17.7254Z", "2026-11-05T10:19:17.7254Z"),
    ],
)
async def test_dates_are_compared_as_instants(vapi: Vapi, date: str, utc: str) -> None:
    # Comparing text would put +02:00 two hours wrong.
    found = await listed(vapi, createdAtGe=date, sortOrder="ASC")
    assert found == [s for s in SAMPLES if s["createdAt"][:-1] >= utc[:-1]]


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        ({"page": "0"}, ["page must not be less than 1"]),
        ({"page": "1.5"}, ["page must be an integer number"]),
        (
            {"page": "two"},
            [
                "page must not be less than 1",
                "page must be a number conforming to the specified constraints",
            ],
        ),
        ({"limit": "1001"}, ["limit must not be greater than 1000"]),
        ({"limit": "-1"}, ["limit must not be less than 0"]),
        (
            {"limit": "1e999"},
            [
                "limit must not be greater than 1000",
                "limit must not be less than 0",
                "limit must be a number conforming to the specified constraints",
            ],
        ),
        ({"sortOrder": "asc"}, ["sortOrder must be one of the following values: ASC, DESC"]),
        (
            {"sortBy": "name"},
            ["sortBy must be one of the following values: createdAt, duration, cost"],
        ),
        ({"name": "x" * 41}, ["name must be shorter than or equal to 40 characters"]),
        ({"email": "x" * 41}, ["email must be shorter than or equal to 40 characters"]),
        ({"externalId": "x" * 41}, ["externalId must be shorter than or equal to 40 characters"]),
        ({"extension": "x" * 11}, ["extension must be shorter than or equal to 10 characters"]),
        (
            {"number": "+1"},
            [
                "number must be longer than or equal to 3 characters",
                "number must be a valid phone number in the E.164 format",
            ],
        ),
        (
            {"number": "a b", "numberE164CheckEnabled": "false"},
            [r"number must match /^\+?[a-zA-Z0-9]+$/ regular expression"],
        ),
        (
            {"numberE164CheckEnabled": "yes"},
            ["numberE164CheckEnabled must be a boolean value"],
        ),
        ({"assistantOverrides": "{"}, ["assistantOverrides must be a json string"]),
        ({"squadOverrides": "[]"}, ["squadOverrides must be an object"]),
        ({"id": ["a", "b"]}, ["id must be a string"]),
        ({"assistantOverrides": ["{}", "{}"]}, ["assistantOverrides must be a json string"]),
        (
            {"page": "0", "limit": "2000", "sortBy": "x"},
            [
                "page must not be less than 1",
                "limit must not be greater than 1000",
                "sortBy must be one of the following values: createdAt, duration, cost",
            ],
        ),
    ],
)
async def test_list_names_every_broken_rule(
    vapi: Vapi, query: dict[str, Any], messages: list[str]
) -> None:
    # What our own checks let through must still come back in Vapi's words.
    assert await refused(vapi, **query) == messages


@pytest.mark.parametrize("name", [f"{f}{s}" for f in ("createdAt", "updatedAt") for s in RANGES])
@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "2026-13-01", "2026-11-05T10:00 02:00", "20261105", ["2026-11-05"] * 2],
)
async def test_a_date_that_is_none_is_refused(vapi: Vapi, name: str, value: Any) -> None:
    # An unescaped "+" arrives as a space, and must not pass for another time.
    assert await refused(vapi, **{name: value}) == [f"{name} must be a valid ISO 8601 date string"]


# Order and pages


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


async def test_sessions_created_at_once_keep_their_order(vapi: Vapi) -> None:
    # A fast client creates several in a millisecond, and pages must not overlap then.
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
