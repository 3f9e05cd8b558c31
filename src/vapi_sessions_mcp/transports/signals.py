"""SIGINT and SIGTERM, the wish to stop: waited for, and not lost while nobody can wait."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

_BOTH = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """Somebody wishes this process to stop."""


@contextmanager
def stoppable() -> Generator[int]:
    """Raise Stopped where the block is when a signal comes; the usual handlers return after it.

    The block gets a descriptor that can be read once a signal came. Python runs no handler
    while it waits, and one that comes just before a wait would not end it.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    came, note = os.pipe()
    os.set_blocking(note, False)
    before = {each: signal.signal(each, stop) for each in _BOTH}
    signal.set_wakeup_fd(note, warn_on_full_buffer=False)
    try:
        yield came
    finally:
        signal.set_wakeup_fd(-1)
        for each, handler in before.items():
            signal.signal(each, handler)
        os.close(came)
        os.close(note)


def hold() -> None:
    """Let signals wait until `stop_signal` is there for them."""
    if hasattr(signal, "pthread_sigmask"):  # pragma: no branch - Windows has none
        signal.pthread_sigmask(signal.SIG_BLOCK, _BOTH)


async def stop_signal() -> None:
    """Return at the first SIGINT or SIGTERM; a second one ends the process the usual way."""
    # Not at the top: `stoppable` is used before asyncio is wanted, which takes 40 ms.
    import anyio

    try:
        with anyio.open_signal_receiver(*_BOTH) as signals:
            if hasattr(signal, "pthread_sigmask"):  # pragma: no branch - Windows has none
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _BOTH)
            async for _ in signals:
                break
    except NotImplementedError:  # pragma: no cover - Windows: Ctrl-C cancels the main task instead
        await anyio.sleep_forever()
    # Python's own handler would raise KeyboardInterrupt in the middle of somebody's callback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
