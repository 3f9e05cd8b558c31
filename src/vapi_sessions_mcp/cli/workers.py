"""Several processes that serve the same sockets: each started again when it ends, all ended as one.

A worker is this command with the same arguments, which takes over the sockets instead of
opening its own. Its stdin is a pipe from the first process: it ends when the pipe does, so that
none is left when the first process is killed.
"""

import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import socket

    from anyio import Event
    from anyio.abc import ByteSendStream

# Holds the numbers of the listening sockets; no name that settings have.
SOCKETS = "VAPI_SESSIONS_SOCKETS"
# Before a worker is started again: one that cannot start must not keep a core busy.
PAUSE_SECONDS = 1.0
# What a worker needs to end besides the time that its calls get.
SPARE_SECONDS = 5.0

_LOG = logging.getLogger("vapi_sessions_mcp.workers")


def is_worker() -> bool:
    """Whether this process is a worker, whose first process has said what there is to say."""
    return SOCKETS in os.environ


def inherited() -> "list[socket.socket]":
    """The sockets that a worker serves, MCP's, REST's, metrics'; none in a process of its own."""
    # Not at the top: each command would wait 2 ms for it.
    import socket

    numbers = os.environ.get(SOCKETS, "")
    return [socket.socket(fileno=int(number)) for number in numbers.split()]


async def supervise(listeners: "Sequence[Sequence[socket.socket]]", *, grace: float) -> None:
    """Keep a worker on each of `listeners` until a signal comes; then each has its `grace`."""
    # Not at the top: each command would wait 40 ms for it.
    import anyio

    from vapi_sessions_mcp.transports.signals import stop_signal

    stop = anyio.Event()
    async with anyio.create_task_group() as workers:
        for each in listeners:
            workers.start_soon(_keep, each, stop, grace)
        await stop_signal()
        stop.set()


async def stopped() -> None:
    """Return when a signal comes, or when the first process of this worker is gone."""
    import anyio

    from vapi_sessions_mcp.transports.signals import stop_signal

    async with anyio.create_task_group() as either:

        async def signalled() -> None:
            await stop_signal()
            either.cancel_scope.cancel()

        async def orphaned() -> None:
            await anyio.wait_readable(0)
            either.cancel_scope.cancel()

        either.start_soon(signalled)
        either.start_soon(orphaned)


async def _keep(listeners: "Sequence[socket.socket]", stop: "Event", grace: float) -> None:
    """Run a worker, and another one when it ends, until `stop` is set."""
    import anyio

    numbers = [listener.fileno() for listener in listeners]
    while not stop.is_set():
        async with await anyio.open_process(
            # Without -P a module in the current folder would take the place of one of ours.
            [sys.executable, "-P", "-m", "vapi_sessions_mcp", *sys.argv[1:]],
            stdout=None,
            stderr=None,
            env={**os.environ, SOCKETS: " ".join(map(str, numbers))},
            pass_fds=numbers,
            # Ctrl-C in a terminal is for the first process alone.
            start_new_session=True,
        ) as process:

            async def end() -> None:
                await stop.wait()
                await cast("ByteSendStream", process.stdin).aclose()
                await anyio.sleep(grace + SPARE_SECONDS)
                process.kill()

            async with anyio.create_task_group() as ending:
                ending.start_soon(end)
                await process.wait()
                ending.cancel_scope.cancel()
        if not stop.is_set():
            code = process.returncode
            _LOG.error("Worker %d ended with code %s and is started again.", process.pid, code)
            with anyio.move_on_after(PAUSE_SECONDS):
                await stop.wait()
