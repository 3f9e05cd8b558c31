"""When a worker ends."""

import os
import signal
from collections.abc import Generator

import anyio
import pytest

from vapi_sessions_mcp.cli.workers import stopped

pytestmark = pytest.mark.anyio


@pytest.fixture
def first_process() -> Generator[int]:
    """The end of a pipe that the first process of a worker would hold."""
    read, write = os.pipe()
    stdin = os.dup(0)
    os.dup2(read, 0)
    yield write
    os.dup2(stdin, 0)
    for each in (read, stdin):
        os.close(each)


async def test_a_worker_ends_when_it_is_told(first_process: int) -> None:
    # Some orchestrators signal every process of a container.
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stopped)
        await anyio.wait_all_tasks_blocked()
        os.kill(os.getpid(), signal.SIGTERM)
    os.close(first_process)


async def test_a_worker_ends_when_the_first_process_is_gone(first_process: int) -> None:
    # Nobody would end it any more, and it would hold the ports.
    os.close(first_process)
    with anyio.fail_after(10):
        await stopped()
