"""On a pinned server, an outside session that cannot be read looks like one that never was."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest

from support.faulty_vapi import FaultyVapi, Reply, Seen, reply
from support.tries import KEY, reached
from vapi_sessions_mcp.caller import Caller, CallRecord
from vapi_sessions_mcp.contract.operations import DELETE, GET, UPDATE, Operation
from vapi_sessions_mcp.contract.parsing import parse
from vapi_sessions_mcp.contract.requests import Request
from vapi_sessions_mcp.errors import Failed, Garbled, NotFound, TooLarge, VapiError
from vapi_sessions_mcp.sessions.pins import Pins
from vapi_sessions_mcp.settings import Settings

pytestmark = pytest.mark.anyio

PINS = Pins(Settings(only_assistants=("a1",)))
ARGUMENTS: dict[Operation, dict[str, Any]] = {
    GET: {},
    UPDATE: {"body": {"name": "a"}},
    DELETE: {},
}
DEEP = b'"deep": ' + b"[" * 200 + b"]" * 200
UNREADABLE = {
    "too deep": DEEP,
    "too many values": b'"many": [' + b"[]," * 10**6 + b"1]",
    "too long": b'"long": "' + b"x" * 33 * 2**20 + b'"',
    "not JSON": b'"number": NaN',
}
EMPTY: dict[str, Any] = {"results": [], "metadata": {"totalItems": 0}}


async def error_of(vapi: FaultyVapi, operation: Operation, id: str) -> VapiError:
    """What a pinned server answers to a call about `id`."""
    async with reached(vapi) as ours:

        async def perform(operation: Operation, request: Request) -> dict[str, Any]:
            record = CallRecord(caller=Caller(api_key=KEY))
            return await ours.call(operation, request, record)

        request = parse(operation.request, {"id": id, **ARGUMENTS[operation]})
        with anyio.fail_after(20), pytest.raises(VapiError) as raised:
            await PINS.restrict(perform)(operation, request)
    return raised.value


def shown(error: VapiError, id: str) -> tuple[object, ...]:
    """All of an error that a caller could learn from."""
    return type(error), str(error).replace(id, "ID"), vars(error), error.__cause__


def answering(content: bytes, listed: Reply) -> FaultyVapi:
    """A Vapi where `there` holds `content`, `nowhere` is no session, and a list is `listed`."""

    def answer(seen: Seen) -> Reply:
        if seen.path == "/session/there":
            return reply(200, b'{"id": "there", %s}' % content)
        return reply(404) if seen.path.startswith("/session/") else listed

    return FaultyVapi(otherwise=answer)


@pytest.mark.parametrize("operation", ARGUMENTS, ids=lambda row: row.short_name)
@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
async def test_one_that_is_outside_answers_like_one_that_never_was(
    operation: Operation, content: bytes
) -> None:
    # "Too large" of a stranger's session says that there is such a session, and what is in it.
    async with answering(content, reply(said=EMPTY)) as vapi:
        outside = await error_of(vapi, operation, "there")
        [_, asked] = vapi.requests
        assert parse_qs(urlsplit(asked.path).query) == {
            "assistantId": ["a1"],
            "id": ["there"],
            "limit": ["1"],
        }
        nowhere = await error_of(vapi, operation, "nowhere")
    assert type(outside) is NotFound
    assert shown(outside, "there") == shown(nowhere, "nowhere")
    assert {seen.method for seen in vapi.requests} == {"GET"}


@pytest.mark.parametrize("operation", ARGUMENTS, ids=lambda row: row.short_name)
async def test_one_that_is_inside_is_said_to_be_unreadable(operation: Operation) -> None:
    # Its owner would otherwise believe it erased.
    rows: list[bytes] = [b'{"id": "there", "assistantId": "a1", %s}' % DEEP]
    rows.append(b'{"id": "THERE", "assistantId": "a1"}')
    for row in rows:
        async with answering(DEEP, reply(200, b'{"results": [%s]}' % row)) as vapi:
            error = await error_of(vapi, operation, "there")
        assert type(error) is TooLarge
        assert "more than can be read here (nested too deeply)" in str(error)
        assert {seen.method for seen in vapi.requests} == {"GET"}


@pytest.mark.parametrize(
    "listed",
    [
        reply(500),
        reply(403),
        reply(said={"results": [{"id": "there", "assistantId": "a9"}]}),
        reply(said={"results": [{"id": "another", "assistantId": "a1"}]}),
        reply(said={"results": [{"assistantId": "a1"}]}),
    ],
    ids=["failed", "refused", "outside all the same", "another", "without an id"],
)
async def test_what_cannot_be_found_out_counts_as_outside(listed: Reply) -> None:
    # A doubt must not become a stranger's knowledge.
    async with answering(DEEP, listed) as vapi:
        assert type(await error_of(vapi, GET, "there")) is NotFound


async def test_a_vapi_that_answers_nothing_readable_at_all_is_not_taken_for_an_empty_one() -> None:
    # Behind a proxy's error page everything would look deleted.
    async with FaultyVapi(otherwise=reply(200, b"<html>")) as vapi:
        errors = [await error_of(vapi, GET, id) for id in ("there", "nowhere")]
    assert [type(error) for error in errors] == [Garbled, Garbled]
    assert shown(errors[0], "there")[1] == shown(errors[1], "nowhere")[1]


async def test_a_failure_of_vapi_s_is_told_as_one() -> None:
    # It says nothing about any session.
    async with FaultyVapi(otherwise=reply(500, json.dumps({"message": "down"}).encode())) as vapi:
        assert type(await error_of(vapi, GET, "there")) is Failed
