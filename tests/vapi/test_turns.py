"""No more calls to Vapi at once than are set; the others wait in order, and nobody for a burst."""

import anyio
import pytest

from support.faulty_vapi import SESSION, SILENT, FaultyVapi, reply, slow
from support.tries import KEY, attempt, calling, every_operation, reached
from vapi_sessions_mcp.contract.operations import GET, UPDATE, Operation
from vapi_sessions_mcp.errors import Crowded
from vapi_sessions_mcp.rest_api.statuses import status_of
from vapi_sessions_mcp.vapi.turns import MOST_WAITING, Turns

pytestmark = pytest.mark.anyio
OTHER = "key-of-another-caller"


def keys(vapi: FaultyVapi) -> list[str]:
    """The keys of the requests that came, in order."""
    return [str(seen.headers["authorization"]).removeprefix("Bearer ") for seen in vapi.requests]


async def test_no_more_requests_are_on_their_way_than_are_set() -> None:
    # A pool without a limit makes every call dearer, the more of them there are.
    async with FaultyVapi(otherwise=slow()) as vapi, reached(vapi, max_upstream=3) as ours:
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(attempt, ours, *calling(GET))
            for answered in range(8):
                await vapi.until(lambda vapi, n=answered: len(vapi.requests) == min(n + 3, 8))
                await anyio.wait_all_tasks_blocked()
                assert len(vapi.requests) == min(answered + 3, 8)
                vapi.release()
                await vapi.until(lambda vapi, n=answered: vapi.answered == n + 1)
        assert vapi.connections == 3


async def test_one_callers_burst_is_not_waited_for_by_others() -> None:
    # Whoever comes to a shared server is served next but one, not behind a stranger's hundred.
    async with FaultyVapi(otherwise=slow()) as vapi, reached(vapi, max_upstream=1) as ours:
        async with anyio.create_task_group() as tasks:
            for key in [KEY] * 6 + [OTHER] * 2:
                tasks.start_soon(attempt, ours, *calling(GET, key))
                await anyio.wait_all_tasks_blocked()
            vapi.release(8)
        assert keys(vapi) == [KEY, KEY, OTHER, KEY, OTHER, KEY, KEY, KEY]


@every_operation
async def test_a_call_whose_turn_does_not_come_says_that_nothing_was_sent(
    operation: Operation,
) -> None:
    # A change that never left must not be looked for as one that may have happened.
    async with FaultyVapi(SILENT) as vapi, reached(vapi, max_upstream=1, timeout=5) as ours:
        _, _, call = arguments = calling(operation)

        async def refused() -> None:
            with pytest.raises(Crowded) as caught:
                await ours.call(*arguments)
            assert str(caught.value).endswith(
                f": this server had too many other calls to {vapi.netloc} for 5 s."
                " Nothing was sent; call again in a minute."
            )
            assert status_of(caught.value, operation) == 503

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(attempt, ours, *calling(GET))
            await vapi.until(lambda vapi: len(vapi.requests) == 1)
            tasks.start_soon(refused)
        assert (len(vapi.requests), call.tries) == (1, 0)


async def test_beyond_a_thousand_that_wait_a_call_is_refused_at_once() -> None:
    # A queue without an end takes memory, and its last ones wait in vain.
    async with (
        FaultyVapi(otherwise=slow()) as vapi,
        reached(vapi, max_upstream=1) as ours,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(1 + MOST_WAITING):
            tasks.start_soon(attempt, ours, *calling(GET))
        await anyio.wait_all_tasks_blocked()
        for _ in range(2):
            with pytest.raises(Crowded) as caught:
                await ours.call(*calling(UPDATE))
            assert str(caught.value).endswith(
                f": this server had too many other calls to {vapi.netloc} waiting already."
                " Nothing was sent; call again in a minute."
            )
        # Of others it is no matter.
        tasks.start_soon(attempt, ours, *calling(GET, OTHER))
        await anyio.wait_all_tasks_blocked()
        vapi.release(3)
        await vapi.until(lambda vapi: len(vapi.requests) == 4)
        assert OTHER in keys(vapi)
        tasks.cancel_scope.cancel()


async def test_a_call_that_sent_something_before_says_that_nothing_was_changed() -> None:
    # Its first try reached Vapi, and only the second found too many others in front.
    first = reply(503, retry_after="1")
    said = r"in 2 tries: .* Nothing was changed; call again"
    async with FaultyVapi(first, SILENT) as vapi, reached(vapi, max_upstream=1, timeout=5) as ours:

        async def refused() -> None:
            with pytest.raises(Crowded, match=said):
                await ours.call(*calling(GET))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(refused)
            await vapi.until(lambda vapi: vapi.answered == 1)
            await attempt(ours, *calling(GET))
        assert len(vapi.requests) == 2


@pytest.mark.parametrize("with_others", [False, True])
async def test_a_call_that_is_cancelled_while_it_waits_takes_nobodys_place(
    *, with_others: bool
) -> None:
    # Each place that is lost would be lost until the process ends.
    async with FaultyVapi(slow()) as vapi, reached(vapi, max_upstream=1) as ours:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(attempt, ours, *calling(GET))
            await vapi.until(lambda vapi: len(vapi.requests) == 1)
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(attempt, ours, *calling(UPDATE, keeps_writes=True))
                if with_others:
                    tasks.start_soon(attempt, ours, *calling(GET))
                await anyio.wait_all_tasks_blocked()
                waiting.cancel_scope.cancel()
            vapi.release()
        assert await ours.call(*calling(GET)) == SESSION
        assert [seen.method for seen in vapi.requests] == ["GET"] * (3 if with_others else 2)


async def test_a_turn_that_comes_as_its_call_is_cancelled_is_the_next_ones() -> None:
    # Whoever leaves and whoever is cancelled may do so in one step of the event loop.
    turns = Turns(1)
    assert turns.entered()
    came: list[str] = []

    async def come(name: str) -> None:
        await turns.enter(name)
        came.append(name)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks, anyio.create_task_group() as cancelled:
            cancelled.start_soon(come, "first")
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(come, "second")
            await anyio.wait_all_tasks_blocked()
            cancelled.cancel_scope.cancel()
            turns.leave()
    assert came == ["second"]
