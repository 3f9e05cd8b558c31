"""Pipes that are full, as of a host that never reads what its server writes to stderr."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress

FILLING = b"."


class Pipe:
    """A pipe, both of whose ends are here."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.write_end, False)
        self._filled = 0
        for size in (4_096, 1):
            with suppress(BlockingIOError):
                while True:
                    self._filled += os.write(self.write_end, FILLING * size)
        os.set_blocking(self.write_end, True)

    def read_filling(self) -> None:
        """Read what filled it, and nothing that was written behind that."""
        while self._filled:
            self._filled -= len(os.read(self.read_end, self._filled))

    def lines(self, count: int) -> list[str]:
        """The next lines."""
        # A byte at a time, so that nothing behind them is taken.
        ends, read = 0, bytearray()
        while ends < count:
            byte = os.read(self.read_end, 1)
            ends += byte == b"\n"
            read += byte
        return read.decode().splitlines()

    def close_read_end(self) -> None:
        os.close(self.read_end)
        self.read_end = -1

    def close(self) -> None:
        for end in (self.read_end, self.write_end):
            with suppress(OSError):
                os.close(end)


@contextmanager
def full_pipe() -> Generator[Pipe]:
    """A pipe that is full, closed at the end of the block."""
    pipe = Pipe()
    try:
        yield pipe
    finally:
        pipe.close()
