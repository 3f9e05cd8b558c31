"""So many calls to Vapi at once, and the others in order: each key's own, and the keys by turns."""

from collections import deque

import anyio

# Calls of one key that wait: as many as a process answers over HTTP at once.
MOST_WAITING = 1_000


class TooMany(Exception):
    """As many calls of this key as may wait do so already."""


class Turns:
    """Lets `most` in at once; whoever sends many calls waits behind them, and nobody else does."""

    def __init__(self, most: int) -> None:
        """With nobody inside."""
        self._free = most
        # Those that wait, by their key; the first key is the next to be let in.
        self._waiting: dict[str, deque[anyio.Event]] = {}

    def entered(self) -> bool:
        """Enter where there is room; whoever has entered must leave."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def enter(self, key: str) -> None:
        """Wait until there is room, behind those that wait with the same key, and enter.

        Raises TooMany where `MOST_WAITING` of them do.
        """
        turn = anyio.Event()
        waiting = self._waiting.setdefault(key, deque())
        if len(waiting) >= MOST_WAITING:
            raise TooMany
        waiting.append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self.leave()
            else:
                waiting.remove(turn)
                if not waiting:
                    del self._waiting[key]
            raise

    def leave(self) -> None:
        """Make room for the next."""
        if not self._waiting:
            self._free += 1
            return
        key = next(iter(self._waiting))
        waiting = self._waiting.pop(key)
        waiting.popleft().set()
        if waiting:
            self._waiting[key] = waiting
