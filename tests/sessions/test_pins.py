"""To a server that is pinned to assistants, or to a squad, all other sessions do not exist."""

import json
from typing import Any, TypeAlias

import pytest

from support.pinned import (
    BOUND,
    IN_SQUAD,
    INSIDE,
    NOWHERE,
    OUTSIDE,
    PINS,
    SQUAD,
    ask,
    methods,
    names,
    pinned_to,
)
from support.properties import examples
from support.upstream import Upstream
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract.list_filters import ListRequest
from vapi_sessions_mcp.contract.operations import (
    CREATE,
    DELETE,
    GET,
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

bounded = examples(6)


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
