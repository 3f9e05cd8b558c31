"""A call ends with its deadline, or with its caller, whatever its tries do."""

import re

import anyio
import pytest

from support.faulty_vapi import RESET, SESSION, SILENT, FaultyVapi, cut, reply, slow
from support.tries import (
    CHANGES,
    COMPARE,
    CREATED,
    DELETED,
    GET_IT,
    GOT,
    LATER,
    LIST_FIRST,
    NOT_SENT,
    READS,
    UPDATED,
    DeadEnds,
    Step,
    all_of,
    attempt,
    calling,
    every_operation,
    reached,
    run,
)
from vapi_sessions_mcp.contract.operations import CREATE, DELETE, GET, OPERATIONS, UPDATE, Operation
from vapi_sessions_mcp.errors import NotConnected, RateLimited, TimedOut
from vapi_sessions_mcp.vapi.retries import Retries

pytestmark = pytest.mark.anyio


async def test_a_wait_that_would_pass_the_deadline_is_not_begun(dead_ends: DeadEnds) -> None:
    # What is known now is better than a timeout later.
    for status in (429, 503):
        ran = await run(dead_ends, GET, reply(status, retry_after="9"), timeout=8)
        assert (ran.tries, len(ran.seen)) == (1, 1)
        assert ran.told.endswith("call again in 9 s.")
        assert ran.seconds < 7


ENDLESS: dict[str, list[Step]] = {
    "silence at once": [SILENT],
    "silence after a failure": [reply(503), SILENT],
    "silence after a reset": [RESET, SILENT],
    "silence after no connection": ["nobody listens", SILENT],
    "silence after being kept out": [reply(429, retry_after="0"), SILENT],
    "silence after a second": [reply(429, retry_after="1"), SILENT],
    "half a body after a failure": [reply(500), cut("hang")],
    "no connection at all": ["backlog full"] * 3,
    "no connection after a failure": [reply(503), *["backlog full"] * 2],
    "no connection after a broken handshake": ["broken TLS", *["backlog full"] * 2],
}


async def test_a_call_ends_with_its_deadline_whatever_its_tries_do(dead_ends: DeadEnds) -> None:
    # Hosts give up on a tool that takes longer than they were told, and then know nothing.
    ran = await all_of(
        {
            f"{operation.short_name} {name}": run(
                dead_ends, operation, *steps, timeout=1.6, connect_timeout=60
            )
            for name, steps in ENDLESS.items()
            for operation in (GET, UPDATE, DELETE)
        }
    )
    assert [name for name, one in ran.items() if one.error is None] == []
    assert max(one.seconds for one in ran.values()) < 1.6 + 0.8


HUNG_AGAIN: dict[Operation, tuple[Step, str]] = {
    GET: (reply(500), f"{GOT} 2 tries: {{}} {LATER}"),
    DELETE: (RESET, f"{DELETED} 2 tries: {{}} {GET_IT}"),
    UPDATE: (reply(429), f"{UPDATED} 2 tries: {{}} {COMPARE}"),
    CREATE: ("nobody listens", f"{CREATED} 2 tries: {{}} {LIST_FIRST}"),
}


async def test_a_second_try_that_hangs_is_told_as_what_it_is(dead_ends: DeadEnds) -> None:
    # One deadline for all tries together, and the sentence of the last.
    ran = await all_of(
        {
            operation.name: run(dead_ends, operation, step, SILENT, timeout=1.2)
            for operation, (step, _) in HUNG_AGAIN.items()
        }
    )
    assert [one.told for one in ran.values()] == [
        sentence.format("HOST gave no answer within 1.2 s.") for _, sentence in HUNG_AGAIN.values()
    ]
    for one in ran.values():
        assert isinstance(one.error, TimedOut)
        assert 1.1 < one.seconds < 1.2 + 0.8


async def test_a_last_try_that_gets_no_connection_is_known_to_have_sent_nothing(
    dead_ends: DeadEnds,
) -> None:
    # "It may or may not have happened" would send people looking for what cannot be there.
    steps: list[Step] = ["nobody listens", "nobody listens", "backlog full"]
    ran = await all_of(
        {
            operation.short_name: run(dead_ends, operation, *steps, timeout=3, connect_timeout=60)
            for operation in OPERATIONS
        }
    )
    for one in ran.values():
        assert type(one.error) is NotConnected
        assert one.seen == []
        assert re.search(r": no connection to HOST \(no answer within [0-9.]+ s\)\. ", one.told)
        assert one.told.endswith(NOT_SENT)


@every_operation
@pytest.mark.parametrize("keeps_writes", [False, True])
async def test_cancelling_during_a_wait_ends_the_call_and_sends_nothing_more(
    operation: Operation, keeps_writes: bool
) -> None:
    # Nothing is under way in a wait, so there is nothing to keep.
    async with FaultyVapi(reply(429, retry_after="9")) as vapi, reached(vapi) as ours:
        _, _, call = arguments = calling(operation, keeps_writes=keeps_writes)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt, ours, *arguments)
                await vapi.until(lambda vapi: vapi.answered == 1)
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
        assert (call.status, call.tries) == (429, 1)
        assert await ours.call(*calling(GET)) == SESSION
        assert [seen.method for seen in vapi.requests] == [operation.method, "GET"]


@pytest.mark.parametrize("operation", CHANGES, ids=lambda row: row.short_name)
async def test_a_change_under_way_is_let_finish_where_a_dropped_caller_does_not_cancel(
    operation: Operation,
) -> None:
    # The 2025 eras over HTTP take a dropped connection for no cancellation.
    async with FaultyVapi(slow()) as vapi, reached(vapi) as ours:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt, ours, *calling(operation, keeps_writes=True))
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await anyio.wait_all_tasks_blocked()
                    assert (vapi.answered, vapi.hung_up) == (0, 0)
                    vapi.release()
                    await vapi.until(lambda vapi: vapi.answered == 1)
        assert (vapi.hung_up, len(vapi.requests)) == (0, 1)


async def test_a_change_that_is_let_finish_is_not_tried_again_for_nobody() -> None:
    # Its caller is gone: to finish what was sent is owed, to begin anew is not.
    async with FaultyVapi(slow(reply(429))) as vapi, reached(vapi) as ours:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt, ours, *calling(UPDATE, keeps_writes=True))
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                vapi.release()
                tasks.cancel_scope.cancel()
        assert (vapi.answered, len(vapi.requests)) == (1, 1)


async def test_a_change_that_is_let_finish_has_a_deadline_still() -> None:
    # A Vapi that hangs would hold a server up for ever that nobody can cancel any more.
    async with FaultyVapi(SILENT) as vapi, reached(vapi, timeout=1) as ours:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt, ours, *calling(UPDATE, keeps_writes=True))
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                tasks.cancel_scope.cancel()
            await vapi.until(lambda vapi: vapi.hung_up == 1)
        assert len(vapi.requests) == 1


@pytest.mark.parametrize("operation", READS, ids=lambda row: row.short_name)
async def test_a_read_is_cancelled_with_its_caller_in_any_case(operation: Operation) -> None:
    # Nobody is there to read it, and nothing is lost.
    async with FaultyVapi(SILENT) as vapi, reached(vapi) as ours:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt, ours, *calling(operation, keeps_writes=True))
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                tasks.cancel_scope.cancel()
            await vapi.until(lambda vapi: vapi.hung_up == 1)
        assert (vapi.answered, len(vapi.requests)) == (0, 1)


def test_a_retry_that_there_is_no_time_for_costs_nothing() -> None:
    # Else calls with little time would take the retries of those that have it.
    retries = Retries()
    error = RateLimited("later", 429, 5)
    assert [retries.take_retry(GET, error, 1, 2.0) for _ in range(100)] == [None] * 100
    assert retries.take_retry(GET, error, 1, 10.0) is not None
