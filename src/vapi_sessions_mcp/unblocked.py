"""A pipe or a socket that is read and written without waiting, whoever else has it open.

Whether a descriptor waits is shared with everybody who inherited it, and not ours to
change. A pipe is opened once more, and a socket is asked each time not to wait. What is
neither (a file, a terminal), and everything on Windows, is left to threads.
"""

import os
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self


@dataclass(frozen=True, slots=True)
class Unblocked:
    """`read` and `write` raise BlockingIOError where they would have to wait."""

    descriptor: int
    read: Callable[[int], bytes]
    write: Callable[[bytes | memoryview], int]
    close: Callable[[], None]

    @classmethod
    def of(cls, descriptor: int, *, writes: bool) -> Self | None:
        """The pipe or socket that `descriptor` is; None for anything else."""
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISFIFO(mode):
                flags = (os.O_WRONLY if writes else os.O_RDONLY) | os.O_NONBLOCK
                own = os.open(f"/proc/self/fd/{descriptor}", flags)
                return cls(
                    own, partial(os.read, own), partial(os.write, own), partial(os.close, own)
                )
            if stat.S_ISSOCK(mode):
                now, end = socket.MSG_DONTWAIT, socket.socket(fileno=os.dup(descriptor))
                return cls(
                    end.fileno(),
                    lambda most: end.recv(most, now),
                    lambda data: end.send(data, now),
                    end.close,
                )
        except (OSError, AttributeError):  # a system without /proc, or without the flags
            pass
        return None
