"""An event loop whose clock jumps over every wait in which nothing happens."""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable
from typing import Any

# Real seconds for the kernel and for other threads to come up with something.
PATIENCE = 0.02


class HurriedLoop(asyncio.SelectorEventLoop):
    """A loop for tests whose waits are those of this process alone: what they wait for is in it.

    Its clock counts waits only. However long a busy machine takes to work, no deadline passes.
    """

    def __init__(self) -> None:
        self._waits = _Waits()
        super().__init__(self._waits)

    def time(self) -> float:
        """Seconds that were waited, or skipped."""
        return self._waits.seconds

    def run_in_executor(
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """The same, with no wait skipped while a thread works."""
        future = super().run_in_executor(executor, func, *args)
        self._waits.threads += 1
        future.add_done_callback(self._waits.thread_is_done)
        return future


class _Waits(selectors.DefaultSelector):
    seconds = 0.0
    threads = 0

    def thread_is_done(self, _: object) -> None:
        self.threads -= 1

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        hurried = timeout is not None and not self.threads and not _a_worker_is_busy()
        begun = time.monotonic()
        ready = super().select(min(timeout, PATIENCE) if hurried and timeout else timeout)
        if timeout is None:
            self.seconds += time.monotonic() - begun
        elif ready:
            self.seconds += min(time.monotonic() - begun, timeout)
        else:
            self.seconds += timeout
        return ready


def _a_worker_is_busy() -> bool:
    """Whether one of AnyIO's threads, which go past the executor, is at work."""
    workers = [(t, getattr(t, "idle_workers", None)) for t in threading.enumerate()]
    return any(idle is not None and thread not in idle for thread, idle in workers)
