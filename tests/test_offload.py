"""Heavy work is done beside the event loop, a little of it at a time."""

import threading
from functools import partial

import anyio
import anyio.lowlevel
import pytest

from support.processes import PATIENCE
from vapi_sessions_mcp.offload import AT_ONCE, LARGE, offload

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("size", "aside"), [(0, False), (LARGE - 1, False), (LARGE, True)])
async def test_only_what_is_large_is_worth_a_thread(size: int, aside: bool) -> None:
    # Most answers are small, and a thread would cost them more than their own work.
    worked = await offload(size, threading.current_thread)
    assert (worked is not threading.current_thread()) == aside


@pytest.mark.parametrize("size", [0, LARGE])
async def test_what_goes_wrong_is_raised_as_it_is(size: int) -> None:
    # Every failure has its sentence, wherever it happens.
    with pytest.raises(ValueError, match="'a'"):
        await offload(size, lambda: int("a"))


async def test_only_a_few_work_at_once() -> None:
    # Forty would take the interpreter from the event loop forty times as long.
    at_work = threading.Semaphore(AT_ONCE)
    begun, go_on = threading.Semaphore(0), threading.Event()

    def work() -> bool:
        alone = at_work.acquire(blocking=False)
        begun.release()
        go_on.wait(PATIENCE)
        at_work.release()
        return alone

    done: list[bool] = []

    async def call() -> None:
        done.append(await offload(LARGE, work))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for _ in range(4 * AT_ONCE):
                tasks.start_soon(call)
            for _ in range(AT_ONCE):
                await anyio.to_thread.run_sync(partial(begun.acquire, timeout=PATIENCE))
            go_on.set()
    assert done == [True] * 4 * AT_ONCE


async def test_the_event_loop_goes_on_meanwhile() -> None:
    # One caller's megabytes must not be everybody's wait.
    go_on = threading.Event()
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(offload, LARGE, partial(go_on.wait, PATIENCE))
            await anyio.lowlevel.checkpoint()
            go_on.set()
