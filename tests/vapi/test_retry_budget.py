"""An outage is not fed with retries."""

from collections.abc import Iterable
from itertools import cycle, repeat

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.faulty_vapi import RESET, FaultyVapi, Reply, reply
from support.tries import attempt, calling, reached
from vapi_sessions_mcp.contract.operations import GET, Operation
from vapi_sessions_mcp.errors import Failed, NotConnected, VapiError
from vapi_sessions_mcp.vapi.retries import KEYS, Retries, RetriesByKey

pytestmark = pytest.mark.anyio


async def test_an_outage_is_not_fed_with_retries() -> None:
    # A Vapi that comes back under three times its load goes down again.
    async with FaultyVapi(otherwise=reply(503)) as vapi, reached(vapi) as ours:
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(100):
                    tasks.start_soon(attempt, ours, *calling(GET))
        # Some were tried again: what fails once in a while is what retries are for.
        assert 105 <= len(vapi.requests) < 200


@pytest.mark.parametrize(
    ("life", "counts"),
    [
        (reply(), True),
        (reply(400), True),
        (reply(401), True),
        (reply(404), True),
        (reply(429), False),
        (RESET, False),
    ],
    ids=["200", "400", "401", "404", "429", "reset"],
)
async def test_answers_earn_the_retries_that_an_outage_has_spent(life: Reply, counts: bool) -> None:
    # Without that, one bad minute would leave a server without retries until its restart.
    async with FaultyVapi(otherwise=reply(503)) as vapi, reached(vapi) as ours:

        async def requests() -> int:
            before = len(vapi.requests)
            await attempt(ours, *calling(GET))
            return len(vapi.requests) - before

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(attempt, ours, *calling(GET))
            assert await requests() == 1
            vapi.otherwise = life
            for _ in range(2):
                assert await requests() == 1
            vapi.otherwise = reply(503)
            assert await requests() == 1 + counts
            assert await requests() == 1


def tries(retries: Retries, operation: Operation, outcomes: Iterable[VapiError | None]) -> int:
    """The tries of a call without its waits, that end as `outcomes` say; None is an answer."""
    made = 0
    for error in outcomes:
        made += 1
        if error is None:
            retries.answered()
            break
        if retries.take_retry(operation, error, made) is None:
            break
    return made


def test_a_long_outage_costs_fewer_than_two_requests_a_call() -> None:
    # In a row, not at once: what is refilled meanwhile must not be by time or by trying.
    retries = Retries()
    down = repeat(NotConnected(""))
    assert 100 < sum(tries(retries, GET, down) for _ in range(100)) < 200


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 200))
def test_no_world_costs_more_than_twice_the_calls_and_the_reserve(
    ups: list[bool], calls: int
) -> None:
    # Half-failing is the worst: enough answers to earn retries, enough failures to spend them.
    retries = Retries()
    errors = (None if up else Failed("", 503) for up in cycle(ups))
    assert sum(tries(retries, GET, errors) for _ in range(calls)) <= 2 * calls + 10


async def test_a_key_that_spends_its_retries_spends_nobody_else_s() -> None:
    # With callers' own keys one of them is out of credit, and all would lose their second tries.
    async with FaultyVapi(otherwise=reply(429)) as vapi, reached(vapi) as ours:
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(attempt, ours, *calling(GET, "key-of-mine-0123456789"))
            for key, tries in (("key-of-mine-0123456789", 1), ("key-of-yours-0123456789", 3)):
                before = len(vapi.requests)
                await attempt(ours, *calling(GET, key))
                assert len(vapi.requests) - before == tries


def test_only_so_many_keys_are_told_apart() -> None:
    # Anybody can make up keys, a million a day.
    retries = RetriesByKey()
    used = retries.of("used-all-the-time")
    first = retries.of("key-0")
    for number in range(1, KEYS):
        assert retries.of("used-all-the-time") is used
        retries.of(f"key-{number}")
    assert retries.of("key-1") is retries.of("key-1")
    assert retries.of("key-0") is not first
    assert retries.of("used-all-the-time") is used


def test_no_key_is_kept_as_it_is() -> None:
    # What is kept longer than a call is found in a dump of the memory.
    retries = RetriesByKey()
    retries.of("key-0123456789abcdef")
    assert "key-0123456789abcdef" not in repr(vars(retries))
