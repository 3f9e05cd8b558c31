"""stdout for messages only: what anything else prints meanwhile goes to stderr."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio

from vapi_sessions_mcp.unblocked import Unblocked


@dataclass(frozen=True, slots=True)
class Stdout:
    """The pipe or socket that stdout is, written on the event loop, as the SDK writes a file."""

    end: Unblocked

    async def write(self, text: str) -> None:
        """Write all of `text`; raises BrokenPipeError where the client is gone."""
        left = memoryview(text.encode())
        while left:
            try:
                left = left[self.end.write(left) :]
            except BlockingIOError:
                await anyio.wait_writable(self.end.descriptor)

    async def flush(self) -> None:
        """Nothing is kept back."""


@contextmanager
def claimed() -> Generator[Stdout | None]:
    """Stdout for nobody else while the block runs; None where that is left to the SDK."""
    end = Unblocked.of(1, writes=True)
    if end is None:
        yield None
        return
    wire = os.dup(1)
    # Without a stderr its number may be that of any file which was opened since.
    os.dup2(2 if sys.stderr else os.open(os.devnull, os.O_WRONLY), 1)
    try:
        yield Stdout(end)
    finally:
        os.dup2(wire, 1)
        os.close(wire)
        end.close()
