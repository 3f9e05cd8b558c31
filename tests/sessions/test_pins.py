"""To a server that is pinned to assistants, or to a squad, all other sessions do not exist."""

import json
from collections.abc import AsyncGenerator
from typing import Any, TypeAlias

import anyio
import httpx2
import pytest
from hypothesis import settings

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
from vapi_sessions_mcp.contract.requests import Replacement
from vapi_sessions_mcp.errors import BadArguments, NotFound, Refused, VapiError
from vapi_sessions_mcp.sandbox import SANDBOX_KEY
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.sessions.scan import nobody, scan
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.vapi.client import Vapi

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]

bounded = settings(max_examples=150, deadline=None, derandomize=True)

# What each session of these tests is created with: pinned are a1 and a2, or q1.
MADE: dict[str, Json] = {
    "of a1": {"assistantId": "a1"},
    "of a2": {"assistantId": "a2"},
    "of a1 and q1": {"assistantId": "a1", "squadId": "q1"},
    "of a1 and q9": {"assistantId": "a1", "squadId": "q9"},
    "of q1": {"squadId": "q1"},
    "of a9 and q1": {"assistantId": "a9", "squadId": "q1"},
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
INSIDE = [*MADE][:4]
OUTSIDE = [*MADE][4:]
IN_SQUAD = ["of a1 and q1", "of a9 and q1", "of q1"]
NOWHERE = "3f2a8c1e-0b7d-4f7e-9d53-6a1c2b9e4d10"
BOUND = "this server is pinned to assistantId a1 or a2"


def pinned_to(*assistants: str, squad: str | None = None) -> Pins:
    return Pins(Settings(only_assistants=assistants, only_squad=squad))


PINS = pinned_to("a1", "a2")
SQUAD = pinned_to(squad="q1")


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


async def test_a_squad_can_be_pinned_and_its_assistants_do_not_matter(
    perform: Perform, ids: dict[str, str]
) -> None:
    # A squad's sessions name whichever of its assistants answered.
    seen: list[str] = []
    for name, id in ids.items():
        try:
            await ask(SQUAD.restrict(perform), GET, id=id)
        except NotFound:
            continue
        seen.append(name)
    assert sorted(seen) == IN_SQUAD


async def test_without_pins_nothing_changes(perform: Perform) -> None:
    # Most servers have none, and must not pay for them.
    free = pinned_to()
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
            await PINS.restrict(perform)(
                UPDATE, Replacement(id=id, changes={field: "a2"}, messages="[]")
            )
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
        {"assistantId": "a1", "customer": {"number": "+14155550123"}},
    ],
)
async def test_a_session_is_made_inside(perform: Perform, upstream: Upstream, body: Json) -> None:
    # It is sent as it was given, and can be read afterwards.
    pinned = PINS.restrict(perform)
    made = await ask(pinned, CREATE, body=body)
    [request] = upstream.requests
    assert json.loads(request.content) == body
    assert await ask(pinned, GET, id=made["id"]) == made


REQUIRED = f"`body.assistantId` is required: {BOUND}."


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({}, [REQUIRED]),
        ({"name": "n", "assistantId": None}, [REQUIRED]),
        ({"assistantId": "a9"}, [f"`body.assistantId` must not be 'a9': {BOUND}."]),
        ({"assistantId": "A1"}, [f"`body.assistantId` must not be 'A1': {BOUND}."]),
        ({"assistantId": "a1,a2"}, [f"`body.assistantId` must not be 'a1,a2': {BOUND}."]),
        ({"assistantId": "q1"}, [f"`body.assistantId` must not be 'q1': {BOUND}."]),
        ({"squadId": "q9"}, [f"`body.squadId` must not be 'q9': {BOUND}.", REQUIRED]),
        (
            {"assistantId": "a1", "squadId": "q9"},
            [f"`body.squadId` must not be 'q9': {BOUND}."],
        ),
        (
            {"assistantId": "a9", "squadId": "q1"},
            [
                f"`body.assistantId` must not be 'a9': {BOUND}.",
                f"`body.squadId` must not be 'q1': {BOUND}.",
            ],
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
            {"assistantId": "a1", "workflowId": "w"},
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
    both = {"assistantId": "a1", "squadId": "q1"}
    for pins, outside, bound in (
        (pinned_to("a1"), "squadId", "assistantId a1"),
        (SQUAD, "assistantId", "squadId q1"),
    ):
        with pytest.raises(BadArguments) as error:
            await ask(pins.restrict(perform), CREATE, body=both)
        assert error.value.problems == [
            f"`body.{outside}` must not be {both[outside]!r}: this server is pinned to {bound}."
        ]


async def test_a_session_is_made_in_a_squad(perform: Perform) -> None:
    # The squad is required as an assistant is.
    pinned = SQUAD.restrict(perform)
    made = await ask(pinned, CREATE, body={"squadId": "q1", "name": "n"})
    assert await ask(pinned, GET, id=made["id"]) == made
    with pytest.raises(BadArguments, match=r"`body.squadId` is required: .* squadId q1\."):
        await ask(pinned, CREATE, body={"name": "n"})


# Lists


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
        (ASSISTANTS, {"assistantIdAny": " , ", "sortBy": "duration"}),
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


# What is made of these operations


async def changed(upstream: Upstream, id: str, **arguments: Any) -> Json:
    """An update on the pinned server: its answer."""
    options = Settings(
        api_key=SANDBOX_KEY, base_url="http://localhost:9", only_assistants=("a1", "a2")
    )
    sessions = Sessions(Vapi(options, transport=upstream), options)
    record = CallRecord(caller=Caller(api_key=SANDBOX_KEY))
    request = parse(UPDATE.request, {"id": id, **arguments})
    return (await sessions.answer(UPDATE, request, record)).data


ADDED: Json = {"appendMessages": [{"role": "user", "content": "Hello?"}]}


async def test_messages_are_appended_inside_only(upstream: Upstream, ids: dict[str, str]) -> None:
    # Appending is several operations, and each of them is pinned.
    session = await changed(upstream, ids["of a1"], **ADDED)
    assert session["messages"] == ADDED["appendMessages"]
    assert methods(upstream) == ["GET", "GET", "PATCH", "GET"]
    refusals: set[str] = set()
    for id in (ids["of a9"], ids["of nobody"], NOWHERE):
        with pytest.raises(NotFound) as error:
            await changed(upstream, id, **ADDED)
        assert methods(upstream) == ["GET"]
        refusals.add(str(error.value).replace(id, "…"))
    assert len(refusals) == 1


async def test_appending_cannot_move_a_session(upstream: Upstream, ids: dict[str, str]) -> None:
    # The other changes go along in the same write; who looks first need not read in vain.
    with pytest.raises(BadArguments, match=r"`body\.squadId` could move the session"):
        await changed(upstream, ids["of a1"], body={"squadId": "q9"}, **ADDED)
    assert methods(upstream) == []


@pytest.mark.parametrize(
    ("pins", "found"),
    [
        (PINS, sorted(INSIDE)),
        (SQUAD, IN_SQUAD),
    ],
)
async def test_a_scan_finds_what_is_inside_only(
    perform: Perform, ids: dict[str, str], pins: Pins, found: list[str]
) -> None:
    # Text is looked for in what the lists hold, and the totals are theirs.
    request = parse(ListRequest, {"contains": "of ", "createdAtGe": "2026-01-01"})
    answer = await scan(pins.restrict(perform), request, nobody, masked=dict)
    assert names(answer) == found
    expected = {"scanned": len(found), "matches": len(found), "total": len(found)}
    assert answer["coverage"] == expected
