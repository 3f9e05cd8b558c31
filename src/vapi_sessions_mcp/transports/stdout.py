"""stdout for messages only: what anything else prints meanwhile goes to stderr."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

import anyio
import anyio.to_thread

from vapi_sessions_mcp.unblocked import Unblocked


class Stdout:
    """Writes messages to what stdout was before it was claimed."""

    def __init__(self, wire: int, end: Unblocked | None) -> None:
        """`end` is that pipe or socket; anything else is written by a thread, since it may wait."""
        self._wire, self._end = wire, end

    async def write(self, text: str) -> None:
        """Write all of `text`; raises BrokenPipeError where the client is gone."""
        left = memoryview(text.encode())
        while left:
            left = left[await self._put(left) :]

    async def _put(self, data: memoryview) -> int:
        """How many bytes of `data` were written."""
        if self._end is None:
            return await anyio.to_thread.run_sync(os.write, self._wire, data)
        while True:
            try:
                return self._end.write(data)
            except BlockingIOError:
                await anyio.wait_writable(self._end.descriptor)


@contextmanager
def claimed() -> Generator[Stdout]:
    """Stdout for nobody else while the block runs."""
    end = Unblocked.of(1, writes=True)
    wire = os.dup(1)
    # Without a stderr its number may be that of any file which was opened since.
    os.dup2(2 if sys.stderr else os.open(os.devnull, os.O_WRONLY), 1)
    try:
        yield Stdout(wire, end)
    finally:
        os.dup2(wire, 1)
        os.close(wire)
        if end:
            end.close()
