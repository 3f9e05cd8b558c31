"""Work that takes more than a few milliseconds, done in a worker thread beside the event loop."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

# Bytes. What is smaller takes less than a few milliseconds, and a thread is not worth its cost.
LARGE = 65_536
# Threads share one interpreter: more at once would finish nothing sooner, and take the
# interpreter from the event loop more often.
AT_ONCE = 2

ResultT = TypeVar("ResultT")
# One for each event loop, as anyio keeps its own.
_THREADS: RunVar[anyio.CapacityLimiter] = RunVar("vapi_sessions_mcp.offload")


async def offload(size: int, work: Callable[[], ResultT]) -> ResultT:
    """What `work` returns or raises; `size`, in bytes, says whether it is worth a thread.

    A caller that is cancelled meanwhile is let go once the thread has finished.
    """
    if size < LARGE:
        return work()
    return await anyio.to_thread.run_sync(work, limiter=_threads())


def _threads() -> anyio.CapacityLimiter:
    try:
        return _THREADS.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(AT_ONCE)
        _THREADS.set(limiter)
        return limiter
