"""Lines to a file that may be a full pipe: whoever writes one never waits, and few are kept."""

import os
import select
import threading
from collections import deque
from collections.abc import Callable

from vapi_sessions_mcp.unblocked import Unblocked

# Bytes that may wait to be written: some two thousand lines.
MOST = 2**18
# A pipe takes all of so many bytes (POSIX's PIPE_BUF, on Linux), or none; a thread for each line
# would cost a call a tenth of its time.
AT_ONCE = 4_096
# How long the end of the process waits for them, in seconds.
PATIENCE = 0.5


class LogWriter:
    """Writes lines in their order, those that have to wait from a daemon thread.

    A host that never reads our stderr fills its pipe, and a write to a full pipe
    does not return. Lines that find no room are counted; the count is written in
    their place once there is room again.
    """

    def __init__(self, descriptor: int, lost: Callable[[int], str], most: int = MOST) -> None:
        """`lost` makes the line that says how many there is no trace of."""
        self._descriptor, self._lost_line, self._most = descriptor, lost, most
        self._unblocked = Unblocked.of(descriptor, writes=True)
        # Each with how many lines are lost with it: a count of lost ones is as many.
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._held = self._lost = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> None:
        """Take a line, or count it as lost."""
        line = text.encode(errors="backslashreplace")
        with self._changed:
            if not self._waiting and not self._lost:
                line = line[self._put_at_once(line) :]
                if not line:
                    return
            # Half of the room, so that a slow reader gets stretches of lines and not every tenth.
            room = self._most // (2 if self._lost else 1)
            if self._held + len(line) > room:
                self._lost += 1
                return
            self._report()
            self._add(line, 1)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()

    def drain(self, seconds: float = PATIENCE) -> None:
        """Return once everything is written, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, seconds)

    def _put_at_once(self, line: bytes) -> int:
        """How many bytes of `line` could be written without waiting: of a long one, none."""
        if self._unblocked is None or len(line) > AT_ONCE:
            return 0
        try:
            return self._unblocked.write(line)
        except OSError:
            return 0

    def _report(self) -> None:
        if self._lost:
            lost, self._lost = self._lost, 0
            self._add(self._lost_line(lost).encode(), lost)

    def _add(self, line: bytes, count: int) -> None:
        self._waiting.append((line, count))
        self._held += len(line)
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                line, count = self._waiting[0]
            written = self._put(line)
            with self._changed:
                self._waiting.popleft()
                self._held -= len(line)
                if not written:
                    self._lost += count
                elif not self._waiting:
                    self._report()
                self._changed.notify_all()

    def _put(self, line: bytes) -> bool:
        """Whether `line` could be written: its reader may be gone, or the disk full."""
        while line:
            try:
                line = line[os.write(self._descriptor, line) :]
            except BlockingIOError:
                # Whoever shares the file with us does not let it block.
                select.select((), (self._descriptor,), ())
            except OSError:
                return False
        return True
