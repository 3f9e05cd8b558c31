"""To a server that is pinned to assistants and squads, the sessions of all others do not exist."""

import json
import random
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeAlias

import anyio
import httpx2
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from support.sandbox import stopped
from support.upstream import Upstream
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.operations import (
    CREATE,
    DELETE,
    GET,
    LIST,
    UPDATE,
    Operation,
    Perform,
)
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.contract.requests import Replacement, UpdateRequest
from vapi_sessions_mcp.errors import BadArguments, NotFound, Refused, VapiError
from vapi_sessions_mcp.sandbox import SANDBOX_KEY, create_app
from vapi_sessions_mcp.sandbox.store import Store
from vapi_sessions_mcp.sessions.append import append
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.sessions.scan import nobody, scan
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]

bounded = settings(max_examples=150, deadline=None, derandomize=True)

# What each session of these tests is created with: pinned are a1, a2, q1 and q2 at most.
MADE: dict[str, Json] = {
    "of a1": {"assistantId": "a1"},
    "of a2": {"assistantId": "a2"},
    "of q1": {"squadId": "q1"},
    "of q2": {"squadId": "q2"},
    "of a1 and q1": {"assistantId": "a1", "squadId": "q1"},
    "of a1 and q9": {"assistantId": "a1", "squadId": "q9"},
    "of a9 and q2": {"assistantId": "a9", "squadId": "q2"},
    "of a9": {"assistantId": "a9"},
    "of q9": {"squadId": "q9"},
    "of a9 and q9": {"assistantId": "a9", "squadId": "q9"},
    "of A1": {"assistantId": "A1"},
    "of a10": {"assistantId": "a10"},
    "of a1 as a squad": {"squadId": "a1"},
    "of q1 as an assistant": {"assistantId": "q1"},
    "of an inline assistant": {"assistant": {"name": "a1", "id": "a1"}},
    "of an inline squad": {"squad": {"name": "q1", "members": [{"assistantId": "a1"}]}},
    "of nobody": {},
}
INSIDE = [*MADE][:7]
OUTSIDE = [*MADE][7:]
NOWHERE = "3f2a8c1e-0b7d-4f7e-9d53-6a1c2b9e4d10"
PINS = Pins(["a1", "a2"], ["q1", "q2"])
BOUND = "this server is pinned to assistantId a1 or a2, or squadId q1 or q2"


def through(vapi: Vapi) -> Perform:
    async def perform(operation: Operation, request: Any) -> Json:
        return await vapi.call(operation, request, CallRecord(caller=Caller(api_key=SANDBOX_KEY)))

    return perform


def vapi_at(upstream: Upstream) -> Vapi:
    return Vapi(Settings(base_url="http://localhost:9"), transport=upstream)


@pytest.fixture
async def perform(upstream: Upstream) -> AsyncGenerator[Perform]:
    """What a server performs with when it is not pinned."""
    async with vapi_at(upstream) as vapi:
        with anyio.fail_after(20):
            yield through(vapi)


@pytest.fixture
async def ids(perform: Perform, upstream: Upstream) -> dict[str, str]:
    """The id of each of MADE, made in the sandbox; nothing was asked of it since."""
    made = {name: await ask(perform, CREATE, body={"name": name, **MADE[name]}) for name in MADE}
    upstream.requests.clear()
    return {name: session["id"] for name, session in made.items()}


async def ask(perform: Perform, operation: Operation, **arguments: Any) -> Json:
    return await perform(operation, parse(operation.request, arguments))


def methods(upstream: Upstream) -> list[str]:
    """How often, and how, Vapi was asked since this was last looked at."""
    asked = [request.method for request in upstream.requests]
    upstream.requests.clear()
    return asked


def queries(upstream: Upstream) -> list[Json]:
    """What Vapi was asked in each request since this was last looked at, without their order."""
    asked = [dict(request.url.params) for request in upstream.requests]
    upstream.requests.clear()
    return arranged(asked)


def arranged(asked: list[Json]) -> list[Json]:
    return sorted(asked, key=lambda query: sorted(query.items()))


def names(page: Json) -> list[str]:
    return sorted(row["name"] for row in page["results"])


ONE: list[tuple[Operation, Json]] = [
    (GET, {}),
    (GET, {"view": "transcript", "messages": {"last": 2}}),
    (UPDATE, {"body": {"name": "changed"}}),
    (UPDATE, {"body": {}}),
    (DELETE, {}),
]
on_one = pytest.mark.parametrize(
    ("operation", "arguments"), ONE, ids=[row.short_name for row, _ in ONE]
)


# One session


@on_one
@pytest.mark.parametrize("name", INSIDE)
async def test_what_is_inside_is_there(
    perform: Perform,
    upstream: Upstream,
    ids: dict[str, str],
    operation: Operation,
    arguments: Json,
    name: str,
) -> None:
    # Whose assistant or squad is pinned must lose nothing by it.
    answer = await ask(PINS.restrict(perform), operation, id=ids[name], **arguments)
    assert answer["id"] == ids[name]
    expected = arguments.get("body", {}).get("name", name)
    assert answer["name"] == expected
    assert methods(upstream) == ["GET"] + [operation.method] * (operation is not GET)


@on_one
async def test_what_is_outside_and_what_is_nowhere_cannot_be_told_apart(
    perform: Perform, upstream: Upstream, ids: dict[str, str], operation: Operation, arguments: Json
) -> None:
    # A difference in words, kind or effort would tell that others' sessions exist.
    pinned = PINS.restrict(perform)

    async def refused(by: Perform, id: str) -> tuple[object, ...]:
        with pytest.raises(VapiError) as error:
            await ask(by, operation, id=id, **arguments)
        said = str(error.value).replace(id, "…")
        return type(error.value), said, vars(error.value), methods(upstream)

    nowhere = await refused(pinned, NOWHERE)
    sentence = "No session …: it may have expired or been deleted. List sessions to find its id."
    assert nowhere == (NotFound, sentence, {"status": 404}, ["GET"])
    assert (await refused(perform, NOWHERE))[:3] == nowhere[:3]
    for name in OUTSIDE:
        before = await ask(perform, GET, id=ids[name])
        upstream.requests.clear()
        assert await refused(pinned, ids[name]) == nowhere, name
        assert await ask(perform, GET, id=ids[name]) == before
        upstream.requests.clear()


async def test_only_assistants_or_only_squads_can_be_pinned(
    perform: Perform, upstream: Upstream, ids: dict[str, str]
) -> None:
    # An empty list of pins must not pin to everything, nor to nothing.
    seen: dict[str, list[str]] = {}
    for key, pins in {"a1": Pins(["a1"], []), "q2": Pins([], ["q2", "q2"])}.items():
        seen[key] = []
        for name, id in ids.items():
            try:
                await ask(pins.restrict(perform), GET, id=id)
            except NotFound:
                continue
            seen[key].append(name)
    assert seen["a1"] == ["of a1", "of a1 and q1", "of a1 and q9"]
    assert seen["q2"] == ["of q2", "of a9 and q2"]


async def test_without_pins_nothing_changes(perform: Perform) -> None:
    # Most servers have none, and must not pay for them.
    free = Pins([], [])
    assert free.restrict(perform) is perform
    free.check(parse(UPDATE.request, {"id": "s1", "body": {"assistantId": "a9"}}))
    free.check(parse(CREATE.request, {"body": {"assistantId": "a9"}}))


# What could move a session


MOVES = [
    *("assistantId", "assistant", "assistantOverrides", "squadId", "squad", "squadOverrides"),
    *("workflowId", "workflow", "ASSISTANTID", "assistant_id", "newSquad", "orgId", "id"),
]


@pytest.mark.parametrize("field", MOVES)
async def test_an_update_that_could_move_a_session_is_refused(
    perform: Perform, upstream: Upstream, ids: dict[str, str], field: str
) -> None:
    # Vapi judges the fields we do not know, and may one day take one of these.
    refusal = (
        f"`body.{field}` could move the session, so it must be left out: {BOUND}."
        " Nothing was sent to Vapi."
    )
    values: list[Any] = ["a2", None, {}]
    for id in (ids["of a1"], ids["of a9"], NOWHERE):
        for value in values:
            with pytest.raises(BadArguments) as error:
                await ask(
                    PINS.restrict(perform), UPDATE, id=id, body={"name": "changed", field: value}
                )
            assert str(error.value) == refusal
        with pytest.raises(BadArguments):
            await PINS.restrict(perform)(UPDATE, Replacement(id=id, changes={field: "a2"}))
    assert upstream.requests == []


async def test_other_fields_of_an_update_are_still_judged_by_vapi(
    perform: Perform, upstream: Upstream, ids: dict[str, str]
) -> None:
    # A field that Vapi adds tomorrow works today, pinned or not.
    with pytest.raises(Refused, match="property metadata should not exist"):
        await ask(PINS.restrict(perform), UPDATE, id=ids["of a1"], body={"metadata": {"idle": 1}})
    assert [json.loads(request.content) for request in upstream.requests[1:]] == [
        {"metadata": {"idle": 1}}
    ]


# New sessions


@pytest.mark.parametrize(
    "body",
    [
        {"assistantId": "a1"},
        {"assistantId": "a2", "name": "n", "assistantOverrides": {"variableValues": {"a": "b"}}},
        {"squadId": "q2", "customer": {"number": "+14155550123"}},
        {"assistantId": "a1", "squadId": "q1"},
    ],
)
async def test_a_session_is_made_inside(perform: Perform, upstream: Upstream, body: Json) -> None:
    # It is sent as it was given, and can be read afterwards.
    pinned = PINS.restrict(perform)
    made = await ask(pinned, CREATE, body=body)
    [request] = upstream.requests
    assert json.loads(request.content) == body
    assert await ask(pinned, GET, id=made["id"]) == made


REQUIRED = f"`body.assistantId` or `body.squadId` is required: {BOUND}."


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({}, [REQUIRED]),
        ({"name": "n", "assistantId": None}, [REQUIRED]),
        ({"assistantId": "a9"}, [f"`body.assistantId` must not be 'a9': {BOUND}."]),
        ({"assistantId": "A1"}, [f"`body.assistantId` must not be 'A1': {BOUND}."]),
        ({"assistantId": "a1,a2"}, [f"`body.assistantId` must not be 'a1,a2': {BOUND}."]),
        ({"assistantId": "q1"}, [f"`body.assistantId` must not be 'q1': {BOUND}."]),
        ({"squadId": "q9"}, [f"`body.squadId` must not be 'q9': {BOUND}."]),
        (
            {"assistantId": "a1", "squadId": "q9"},
            [f"`body.squadId` must not be 'q9': {BOUND}."],
        ),
        (
            {"assistantId": "a9", "squadId": "q1"},
            [f"`body.assistantId` must not be 'a9': {BOUND}."],
        ),
        (
            {"assistant": {"name": "mine"}},
            [f"`body.assistant` must be left out: {BOUND}.", REQUIRED],
        ),
        (
            {"assistantId": "a1", "assistant": {}, "squad": {}},
            [
                f"`body.assistant` must be left out: {BOUND}.",
                f"`body.squad` must be left out: {BOUND}.",
            ],
        ),
        (
            {"squadId": "q1", "workflowId": "w"},
            [f"`body.workflowId` must be left out: {BOUND}."],
        ),
        ({"assistant_id": "a1"}, [f"`body.assistant_id` must be left out: {BOUND}.", REQUIRED]),
    ],
)
async def test_a_session_outside_is_not_made(
    perform: Perform, upstream: Upstream, body: Json, problems: list[str]
) -> None:
    # An inline assistant is anything at all, and whoever makes it could not read it again.
    with pytest.raises(BadArguments) as error:
        await ask(PINS.restrict(perform), CREATE, body=body)
    assert error.value.problems == problems
    assert upstream.requests == []


async def test_what_is_not_pinned_to_any_is_not_made_with_one(perform: Perform) -> None:
    # Neither kind of pin says anything good about the other kind.
    for pins, body, bound in (
        (Pins(["a1"], []), {"assistantId": "a1", "squadId": "q1"}, "assistantId a1"),
        (Pins([], ["q1"]), {"assistantId": "a1", "squadId": "q1"}, "squadId q1"),
    ):
        [outside] = {"assistantId", "squadId"} - {bound.split()[0]}
        with pytest.raises(BadArguments) as error:
            await ask(pins.restrict(perform), CREATE, body=body)
        assert error.value.problems == [
            f"`body.{outside}` must not be {body[outside]!r}: this server is pinned to {bound}."
        ]


# Lists


PAGE_1 = {"limit": "100", "page": "1"}
A1, A2, A12 = {"assistantId": "a1"}, {"assistantId": "a2"}, {"assistantIdAny": "a1,a2"}
Q1, Q2 = {"squadId": "q1"}, {"squadId": "q2"}
ONE_ASSISTANT, ASSISTANTS = Pins(["a1"], []), Pins(["a1", "a2", "a1"], [])
ONE_SQUAD, SQUADS = Pins([], ["q1"]), Pins([], ["q1", "q2"])


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
        (ONE_SQUAD, {}, [Q1]),
        (ONE_SQUAD, {"squadId": "q1"}, [Q1]),
        (ONE_SQUAD, {"assistantId": "a9"}, [Q1 | {"assistantId": "a9"}]),
        (ONE_SQUAD, {"assistantIdAny": "a8,a9"}, [Q1 | {"assistantIdAny": "a8,a9"}]),
        (SQUADS, {}, [Q1 | PAGE_1, Q2 | PAGE_1]),
        (SQUADS, {"squadId": "q2", "page": 2}, [Q2 | {"page": "2"}]),
        (PINS, {}, [A12 | PAGE_1, Q1 | PAGE_1, Q2 | PAGE_1]),
        (PINS, {"assistantId": "a1"}, [A1]),
        (PINS, {"assistantIdAny": "a1,a2"}, [A12]),
        (PINS, {"squadId": "q1"}, [Q1]),
        (PINS, {"squadId": "q9"}, [A12 | {"squadId": "q9"}]),
        (PINS, {"squadId": "q1", "assistantId": "a9"}, [Q1 | {"assistantId": "a9"}]),
        (PINS, {"assistantId": "a9"}, [({"assistantId": "a9"} | q | PAGE_1) for q in (Q1, Q2)]),
        (
            PINS,
            {"assistantIdAny": "a9,a2", "name": "n", "sortOrder": "ASC", "limit": 7, "page": 2},
            [
                (part | {"name": "n", "sortOrder": "ASC", "limit": "14", "page": "1"})
                for part in (A2, Q1 | {"assistantId": "a9"}, Q2 | {"assistantId": "a9"})
            ],
        ),
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
        (ASSISTANTS, {"assistantIdAny": " , ", "sortBy": "duration"}),
        (SQUADS, {"assistantIdAny": " , "}),
        (SQUADS, {"squadId": "q9"}),
        (SQUADS, {"squadId": "q1,q2"}),
        (PINS, {"squadId": "q9", "assistantId": "a9"}),
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
    assert page["metadata"] == everything["metadata"] | {"totalItems": 7}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"assistantId": "a1"}, ["of a1", "of a1 and q1", "of a1 and q9"]),
        ({"assistantId": "a9"}, ["of a9 and q2"]),
        ({"assistantIdAny": "a1,a9,a10,A1,q1"}, INSIDE[:1] + INSIDE[4:]),
        ({"squadId": "q1"}, ["of a1 and q1", "of q1"]),
        ({"squadId": "q9"}, ["of a1 and q9"]),
        ({"squadId": "a1"}, []),
        ({"idAny": "of a9,of a9 and q9,of nobody,of a2"}, ["of a2"]),
        ({"id": "of a10"}, []),
        ({"id": "of q2"}, ["of q2"]),
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
        (ONE_SQUAD, ["of a1 and q1", "of q1"]),
        (PINS, sorted(INSIDE)),
    ],
)
async def test_what_a_list_should_not_hold_is_left_out(
    perform: Perform, upstream: Upstream, ids: dict[str, str], pins: Pins, found: list[str]
) -> None:
    # Vapi ignores a filter that it does not know, and would then return everything.
    Deaf(upstream)
    assert names(await ask(pins.restrict(perform), LIST)) == found


# Several lists as one


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Starlette, list[Json]]:
    """A sandbox with sessions of all kinds, each of another minute, and these in their order."""
    file = str(tmp_path_factory.mktemp("pins") / "sessions.db")
    store, chance = Store(file, stopped), random.Random(8)
    minutes = random.Random(9).sample(range(600), 600)
    made = [
        store.create(
            {
                "name": chance.choice(["x", "y"]),
                "createdAt": f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00.000Z",
                "cost": chance.choice([0, 0.1, 0.25]),
                **chance.choice([{}, *({"assistantId": f"a{n}"} for n in (1, 2, 3))]),
                **chance.choice([{}, *({"squadId": f"q{n}"} for n in (1, 2, 3))]),
            }
        )
        for minute in minutes
    ]
    store.close()
    return create_app(file), made


some_assistants = st.lists(st.sampled_from(["a1", "a2", "a3", "a4"]), unique=True, max_size=3)
some_squads = st.lists(st.sampled_from(["q1", "q2", "q3", "q4"]), unique=True, max_size=3)
any_filters = st.fixed_dictionaries(
    {},
    optional={
        "assistantId": st.sampled_from(["a1", "a2", "a4"]),
        "assistantIdAny": some_assistants.filter(bool).map(",".join),
        "squadId": st.sampled_from(["q1", "q2", "q4"]),
        "name": st.just("x"),
    },
)
any_place = st.fixed_dictionaries(
    {},
    optional={
        "page": st.integers(1, 6),
        "limit": st.integers(0, 12) | st.integers(0, 200) | st.just(1000),
        "sortBy": st.sampled_from(["createdAt", "cost"]),
        "sortOrder": st.sampled_from(["ASC", "DESC"]),
    },
)


@bounded
@given(assistants=some_assistants, squads=some_squads, filters=any_filters, place=any_place)
def test_a_page_is_the_same_as_if_all_sessions_were_one_list(
    world: tuple[Starlette, list[Json]],
    assistants: list[str],
    squads: list[str],
    filters: Json,
    place: Json,
) -> None:
    # A session that falls between two pages, or stands on both, is lost or counted twice.
    assume(assistants or squads)
    app, everything = world
    inside = [
        row
        for row in everything
        if row.get("assistantId") in assistants or row.get("squadId") in squads
    ]
    rows = [row for row in inside if matches(row, filters)]
    rows.sort(
        key=lambda row: (row["cost"] * (place.get("sortBy") == "cost"), row["createdAt"]),
        reverse=place.get("sortOrder") != "ASC",
    )
    page, limit = place.get("page", 1), place.get("limit", 100)
    twice = sum(
        row.get("assistantId") in assistants and row.get("squadId") in squads for row in rows
    )

    async def listed() -> Json:
        with anyio.fail_after(20):
            async with vapi_at(Upstream(httpx2.ASGITransport(app))) as vapi:
                pinned = Pins(assistants, squads).restrict(through(vapi))
                return await ask(pinned, LIST, **filters, **place)

    answer = anyio.run(listed)
    assert answer["results"] == rows[(page - 1) * limit : page * limit]
    metadata = answer["metadata"]
    total = metadata.pop("totalItems")
    assert len(rows) <= total <= len(rows) + twice
    if page * limit >= len(rows) + twice:
        assert total == len(rows)
    assert metadata == {
        "itemsPerPage": limit,
        "currentPage": page,
        "totalPages": -(-total // limit) if limit else 0,
        "hasNextPage": page * limit < total if limit else False,
        "sortOrder": place.get("sortOrder", "DESC"),
    }


def matches(row: Json, filters: Json) -> bool:
    several = filters.get("assistantIdAny")
    return (several is None or row.get("assistantId") in several.split(",")) and all(
        row.get(name) == filters[name] for name in filters if name != "assistantIdAny"
    )


async def test_pages_hold_each_session_once(world: tuple[Starlette, list[Json]]) -> None:
    # Whoever goes from page to page wants all of them, until there is no next page.
    app, everything = world
    inside = [
        r for r in everything if r.get("assistantId") == "a1" or r.get("squadId") in ("q1", "q2")
    ]
    found: list[str] = []
    page, more = 0, True
    async with vapi_at(Upstream(httpx2.ASGITransport(app))) as vapi:
        pinned = Pins(["a1"], ["q1", "q2"]).restrict(through(vapi))
        while more and page < 30:
            page += 1
            answer = await ask(pinned, LIST, page=page, limit=23, sortBy="cost")
            found += [row["id"] for row in answer["results"]]
            more = answer["metadata"]["hasNextPage"]
    assert sorted(found) == sorted(row["id"] for row in inside)


async def test_limit_0_counts(perform: Perform, upstream: Upstream, ids: dict[str, str]) -> None:
    # "How many are there?" needs no rows; one that is in two lists is not come upon, though.
    page = await ask(PINS.restrict(perform), LIST, limit=0, page=99999)
    assert queries(upstream) == arranged([p | {"limit": "0", "page": "1"} for p in (A12, Q1, Q2)])
    assert page["results"] == []
    assert page["metadata"]["totalItems"] == 8
    assert (await ask(SQUADS.restrict(perform), LIST, limit=0))["metadata"]["totalItems"] == 4


class Canned(httpx2.AsyncBaseTransport):
    """Each squad's rows, newest first, `meanwhile` after each page, and what the metadata says."""

    def __init__(self, upstream: Upstream, squads: dict[str, list[Json]], **metadata: Any) -> None:
        self.squads, self.metadata = squads, metadata
        self.meanwhile: Callable[[], None] | None = None
        self.failing: dict[str, int] = {}
        upstream.answers = self

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        squad = request.url.params["squadId"]
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        if status := self.failing.get(squad):
            return httpx2.Response(status, json={"message": f"no {squad}"})
        rows = self.squads[squad]
        metadata = {"totalItems": len(rows), **self.metadata}
        shown = rows[(page - 1) * limit : page * limit]
        answer = httpx2.Response(200, json={"results": shown, "metadata": metadata})
        if self.meanwhile:
            self.meanwhile()
        return answer


def numbered(squad: str, count: int, *, day: int) -> list[Json]:
    """So many sessions, newest first, all of one day."""
    return [
        {
            "id": f"{squad}-{n}",
            "squadId": squad,
            "cost": 0,
            "createdAt": f"2026-01-{day:02}T00:{n // 60:02}:{n % 60:02}Z",
        }
        for n in reversed(range(count))
    ]


@pytest.mark.parametrize(
    ("place", "q1", "q2"),
    [
        ({}, [(1, 100)], [(1, 100)]),
        ({"limit": 10}, [(1, 10)], [(1, 10)]),
        ({"limit": 10, "page": 5}, [(1, 50)], [(1, 50)]),
        ({"page": 2}, [(1, 100), (2, 100)], [(1, 100)]),
        ({"limit": 10, "page": 25}, [(1, 100), (2, 100), (3, 100)], [(1, 100)]),
        ({"page": 4}, [(1, 100), (2, 100), (3, 100)], [(1, 100)]),
        ({"page": 9}, [(n, 100) for n in (1, 2, 3)], [(n, 100) for n in (1, 2, 3)]),
        ({"limit": 250}, [(1, 250)], [(1, 250)]),
        ({"limit": 1000, "page": 2}, [(1, 1000)], [(1, 1000)]),
    ],
)
async def test_lists_are_read_only_as_far_as_the_page_needs(
    perform: Perform,
    upstream: Upstream,
    place: Json,
    q1: list[tuple[int, int]],
    q2: list[tuple[int, int]],
) -> None:
    # Every page read is whole sessions to wait for; 32 MiB is the most that one answer may have.
    Canned(upstream, {"q1": numbered("q1", 300, day=2), "q2": numbered("q2", 280, day=1)})
    await ask(SQUADS.restrict(perform), LIST, **place)
    asked = queries(upstream)
    for squad, pages in (("q1", q1), ("q2", q2)):
        mine = [(int(q["page"]), int(q["limit"])) for q in asked if q["squadId"] == squad]
        assert mine == pages


async def test_a_session_that_moves_while_lists_are_read_stands_once(
    perform: Perform, upstream: Upstream
) -> None:
    # Whatever is created meanwhile pushes others from one page of Vapi's to the next.
    canned = Canned(upstream, {"q1": numbered("q1", 150, day=2), "q2": []})
    late = {"id": "late", "squadId": "q1", "createdAt": "2026-01-03T00:00:00Z"}

    def create() -> None:
        canned.meanwhile = None
        canned.squads["q1"] = [late, *canned.squads["q1"]]

    before = [row["id"] for row in canned.squads["q1"]]
    canned.meanwhile = create
    page = await ask(SQUADS.restrict(perform), LIST, limit=75, page=2)
    assert [row["id"] for row in page["results"]] == before[75:]
    assert page["metadata"]["totalItems"] == 151


async def test_a_session_in_two_lists_is_counted_once(perform: Perform, upstream: Upstream) -> None:
    # Only what was read can be known to be the same.
    both = numbered("q1", 150, day=1)
    Canned(upstream, {"q1": both, "q2": both})
    totals: list[int] = []
    for page in (1, 2):
        answer = await ask(SQUADS.restrict(perform), LIST, page=page)
        assert answer["results"] == both[100 * (page - 1) : 100 * page]
        totals.append(answer["metadata"]["totalItems"])
    assert totals == [200, 150]


async def test_rows_and_metadata_may_lack_anything(perform: Perform, upstream: Upstream) -> None:
    # A list that is odd is still better than none.
    odd: list[Json] = [
        {"id": 7, "squadId": "q1", "createdAt": "2026-01-03T00:00:00", "cost": None},
        {"id": ["x"], "squadId": "q1", "createdAt": None, "cost": "much"},
        {"squadId": "q1", "cost": -1},
        {"id": "outside", "squadId": ["q1"]},
    ]
    canned = Canned(upstream, {"q1": odd, "q2": numbered("q2", 120, day=2)}, totalItems=None)
    for sort_by in ("createdAt", "cost"):
        page = await ask(SQUADS.restrict(perform), LIST, sortBy=sort_by, page=2)
        assert len(page["results"]) == 23
        assert page["results"][-3:] == odd[:3]
        assert page["metadata"]["totalItems"] == 123
        assert "itemsBeyondRetention" not in page["metadata"]
    canned.metadata = {"itemsBeyondRetention": True}
    page = await ask(SQUADS.restrict(perform), LIST)
    assert page["metadata"]["itemsBeyondRetention"] is True


async def test_times_are_compared_as_times(perform: Perform, upstream: Upstream) -> None:
    # ISO 8601 writes one moment in several ways, and only text would put these in another order.
    times = ["2026-01-01T00:00:00.500Z", "2026-01-01T00:00:00Z", "2026-01-01T00:30:00+01:00"]
    rows = [{"id": t, "squadId": q, "createdAt": t} for t, q in zip(times, "aba", strict=True)]
    Canned(upstream, {"a": [rows[0], rows[2]], "b": [rows[1]]})
    page = await ask(Pins([], ["a", "b"]).restrict(perform), LIST)
    assert page["results"] == rows


async def test_a_list_that_fails_fails_the_call_in_its_own_words(
    perform: Perform, upstream: Upstream
) -> None:
    # Half of the sessions would pass for all of them; and a caller gets one error, as ever.
    canned = Canned(upstream, {"q1": numbered("q1", 120, day=1), "q2": []})
    canned.failing = {"q2": 400}
    with pytest.raises(Refused, match="400 Bad Request: no q2") as error:
        await ask(SQUADS.restrict(perform), LIST)
    assert error.value.status == 400

    def fail() -> None:
        canned.failing = {"q1": 403}

    canned.failing, canned.meanwhile = {}, fail
    with pytest.raises(Refused, match="no q1"):
        await ask(SQUADS.restrict(perform), LIST, page=2)


class Crowd(httpx2.AsyncBaseTransport):
    """An upstream that answers nobody until four ask at once, and knows how many ever did."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._four = anyio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == 4:
            self._four.set()
        await self._four.wait()
        self.now -= 1
        return httpx2.Response(200, json={"results": [], "metadata": {"totalItems": 0}})


async def test_lists_are_read_at_the_same_time_but_four_at_most(
    perform: Perform, upstream: Upstream
) -> None:
    # A person waits for the slowest of them; and Vapi limits how many requests come at once.
    upstream.answers = crowd = Crowd()
    await ask(Pins(["a1"], [f"q{n}" for n in range(9)]).restrict(perform), LIST)
    assert len(upstream.requests) == 10
    assert crowd.most == 4


NARROW = "give one assistantId or squadId that this server is pinned to"
WHERE = "over several assistants and squads"
FAR = (
    f"`page` is too far back: only the first 10000 sessions can be had {WHERE}."
    f" To see others, {NARROW}, or a time by createdAtGe and createdAtLe."
)


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        ({"sortBy": "duration"}, [f"`sortBy` cannot be duration {WHERE}: {NARROW}."]),
        ({"page": 101}, [FAR]),
        ({"page": 11, "limit": 1000}, [FAR]),
        ({"page": 10001, "limit": 1, "assistantId": "a9"}, [FAR]),
    ],
)
async def test_what_cannot_be_merged_is_refused(
    perform: Perform, upstream: Upstream, arguments: Json, problems: list[str]
) -> None:
    # Sessions do not tell how long they took; and a page far back takes all pages before it.
    with pytest.raises(BadArguments) as error:
        await ask(PINS.restrict(perform), LIST, **arguments)
    assert error.value.problems == problems
    assert upstream.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"sortBy": "duration", "assistantId": "a1"},
        {"page": 101, "squadId": "q1"},
        {"page": 100},
        {"page": 10, "limit": 1000},
        {"page": 10**9, "limit": 0},
    ],
)
async def test_what_can_be_listed_is_not_refused(perform: Perform, arguments: Json) -> None:
    # What the refusals advise works, and the bound itself is inside.
    assert (await ask(PINS.restrict(perform), LIST, **arguments))["results"] == []


# What is made of these operations


def appending(id: str, **more: Any) -> UpdateRequest:
    message = {"role": "user", "content": "Hello?"}
    return parse(UpdateRequest, {"id": id, "appendMessages": [message], **more})


async def test_messages_are_appended_inside_only(
    perform: Perform, upstream: Upstream, ids: dict[str, str]
) -> None:
    # Appending is several operations, and each of them is pinned.
    pinned = PINS.restrict(perform)
    session, note = await append(pinned, appending(ids["of a1"]))
    assert session["messages"] == [{"role": "user", "content": "Hello?"}]
    assert note == "Appended 1 message: read back, the conversation has 1."
    assert methods(upstream) == ["GET", "GET", "GET", "PATCH", "GET"]
    refusals: set[str] = set()
    for id in (ids["of a9"], ids["of nobody"], NOWHERE):
        with pytest.raises(NotFound) as error:
            await append(pinned, appending(id))
        assert methods(upstream) == ["GET"]
        refusals.add(str(error.value).replace(id, "…"))
    assert len(refusals) == 1


async def test_appending_cannot_move_a_session(
    perform: Perform, upstream: Upstream, ids: dict[str, str]
) -> None:
    # The other changes go along in the same write; who looks first need not read in vain.
    request = appending(ids["of a1"], body={"squadId": "q9"})
    with pytest.raises(BadArguments, match=r"`body\.squadId` could move the session"):
        await append(PINS.restrict(perform), request)
    assert "PATCH" not in methods(upstream)
    with pytest.raises(BadArguments, match=r"`body\.squadId` could move the session"):
        PINS.check(request)


@pytest.mark.parametrize(
    ("pins", "found"),
    [
        (ASSISTANTS, ["of a1", "of a1 and q1", "of a1 and q9", "of a2"]),
        (PINS, sorted(INSIDE)),
    ],
)
async def test_a_scan_finds_what_is_inside_only(
    perform: Perform, ids: dict[str, str], pins: Pins, found: list[str]
) -> None:
    # Text is looked for in what the lists hold, and the totals are theirs.
    request = parse(ListRequest, {"contains": "of ", "createdAtGe": "2026-01-01"})
    answer = await scan(pins.restrict(perform), request, nobody)
    assert names(answer) == found
    expected = {"scanned": len(found), "matches": len(found), "total": len(found)}
    assert answer["coverage"] == expected
