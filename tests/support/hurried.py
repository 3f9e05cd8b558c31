"""An event loop whose clock jumps over every wait in which nothing happens."""

import asyncio
import selectors
import threading
from collections.abc import Callable
from typing import Any

# Real seconds for the kernel and for other threads to come up with something.
PATIENCE = 0.05


class HurriedLoop(asyncio.SelectorEventLoop):
    """A loop for tests whose waits are those of this process alone: what they wait for is in it."""

    def __init__(self) -> None:
        self._waits = _Waits()
        super().__init__(self._waits)

    def time(self) -> float:
        """Seconds of a clock that is ahead of the real one by what was skipped."""
        return super().time() + self._waits.skipped

    def run_in_executor(
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """The same, with no wait skipped while a thread works."""
        future = super().run_in_executor(executor, func, *args)
        self._waits.threads += 1
        future.add_done_callback(self._waits.thread_is_done)
        return future


class _Waits(selectors.DefaultSelector):
    skipped = 0.0
    threads = 0

    def thread_is_done(self, _: object) -> None:
        self.threads -= 1

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= PATIENCE or self.threads or _a_worker_is_busy():
            return super().select(timeout)
        ready = super().select(PATIENCE)
        if not ready:
            self.skipped += timeout - PATIENCE
        return ready


def _a_worker_is_busy() -> bool:
    """Whether one of AnyIO's threads, which go past the executor, is at work."""
    workers = [(t, getattr(t, "idle_workers", None)) for t in threading.enumerate()]
    return any(idle is not None and thread not in idle for thread, idle in workers)
