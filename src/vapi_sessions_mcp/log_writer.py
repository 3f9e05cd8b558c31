"""Lines to a file that may be a full pipe: whoever writes one never waits, and few are kept."""

import os
import select
import stat
import threading
from collections import deque
from collections.abc import Callable

# Bytes that may wait to be written: some two thousand lines.
MOST = 2**18
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
        self._unblocked = _unblocked(descriptor)
        # Each with how many lines are lost with it: a count of lost ones is as many.
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._held = self._lost = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> None:
        """Take a line, or count it as lost."""
        line = text.encode(errors="backslashreplace")
        with self._changed:
            if not self._waiting and not self._lost and self._put_at_once(line):
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

    def _put_at_once(self, line: bytes) -> bool:
        """Whether `line` could be written without waiting; of a short one all is, or nothing."""
        if self._unblocked is None or len(line) > select.PIPE_BUF:
            return False
        try:
            return os.write(self._unblocked, line) == len(line)
        except OSError:
            return False

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


def _unblocked(descriptor: int) -> int | None:
    """The same pipe once more, where a write never waits; None for what is no pipe.

    Whether a descriptor waits is shared with whoever has it too, and not ours to change. A
    thread for each line would cost a call a tenth of its time.
    """
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
    except (OSError, AttributeError):  # Windows does not know the flag
        pass
    return None
