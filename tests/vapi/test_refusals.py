"""A refusal whose words never come is reported as the refusal that its status is."""

import pytest

from support.faulty_vapi import FaultyVapi, Reply, Seen, reply
from support.tries import (
    COMPARE,
    DeadEnds,
    calling,
    reached,
    run,
)
from vapi_sessions_mcp.contract.operations import GET, LIST, UPDATE, Operation
from vapi_sessions_mcp.errors import (
    Failed,
    NotFound,
    RateLimited,
    Refused,
    TooLarge,
    Unauthorized,
)

pytestmark = pytest.mark.anyio


def stalled(status: int, **headers: str) -> Reply:
    """A refusal whose body begins, and then hangs."""
    whole = reply(status, {"message": "never comes"}, **headers)
    return Reply(raw=whole.raw[:-5], then="hang")


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (400, Refused, "Vapi refused it (400 Bad Request). Change what it names and call again."),
        (401, Unauthorized, "Vapi does not accept the API key (401 Unauthorized)."),
        (404, NotFound, "No session s-1: it may have expired or been deleted."),
        (500, Failed, f"Vapi failed (500 Internal Server Error). {COMPARE}"),
    ],
)
async def test_the_status_is_enough(
    dead_ends: DeadEnds, status: int, kind: type[Exception], told: str
) -> None:
    # "No answer in time" sends people to look for a change that Vapi said it refused.
    one = await run(dead_ends, UPDATE, stalled(status), timeout=1)
    assert type(one.error) is kind
    assert told in one.told
    assert (one.tries, one.status) == (1, status)


async def test_the_words_are_waited_for_a_moment_and_not_for_the_whole_call(
    dead_ends: DeadEnds,
) -> None:
    # The status is there, and says all that the caller can act upon.
    one = await run(dead_ends, UPDATE, stalled(400), timeout=60)
    assert type(one.error) is Refused


async def test_a_wait_that_its_head_asks_for_is_kept(dead_ends: DeadEnds) -> None:
    # The head came whole, and says when Vapi wants to be asked again.
    one = await run(dead_ends, UPDATE, stalled(429, retry_after="60"), timeout=1)
    assert isinstance(one.error, RateLimited)
    assert one.error.retry_after == 60
    again = await run(dead_ends, UPDATE, stalled(429, retry_after="0"), reply(), timeout=3)
    assert (again.error, again.tries) == (None, 2)


async def test_the_connection_is_used_for_nothing_else() -> None:
    # What comes late on it would be read as the next answer's beginning.
    def by_path(seen: Seen) -> Reply:
        return stalled(400) if seen.method == "PATCH" else reply()

    async with FaultyVapi(otherwise=by_path) as vapi, reached(vapi, timeout=1) as ours:
        with pytest.raises(Refused):
            await ours.call(*calling(UPDATE))
        await ours.call(*calling(GET))
        assert vapi.connections == 2


@pytest.mark.parametrize(
    ("operation", "next_step"),
    [
        (LIST, "Ask for fewer sessions, with a smaller limit or narrower filters."),
        (GET, "No view makes it smaller, since all of it is read first"),
        (UPDATE, "It may or may not have happened"),
    ],
    ids=["list", "get", "update"],
)
async def test_what_is_too_much_to_read_comes_with_the_next_step(
    dead_ends: DeadEnds, operation: Operation, next_step: str
) -> None:
    # The same call would fail again, so that the agent needs another one.
    deep = f'{{"id": "s-1", "results": {"[" * 100}{"]" * 100}}}'
    one = await run(dead_ends, operation, reply(200, deep.encode()))
    assert type(one.error) is TooLarge
    assert next_step in one.told
