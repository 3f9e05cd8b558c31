"""One change of a conversation at a time, for each session and in this process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import anyio

from vapi_sessions_mcp.errors import Conflict


class Locks:
    """Locks by session id, each kept only while somebody holds it or waits for it."""

    def __init__(self, patience: float) -> None:
        """`patience` is how long a change waits for those before it, in seconds."""
        self._patience = patience
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, id: str) -> AsyncGenerator[None]:
        """Hold the lock of the session `id`, in turn; raises Conflict when that takes too long."""
        lock = self._locks.setdefault(id.lower(), anyio.Lock())
        try:
            with anyio.fail_after(self._patience):
                await lock.acquire()
        except TimeoutError:
            raise Conflict(
                f"Nothing was changed: other changes of session {id} took more than"
                f" {self._patience:g} s. Call again."
            ) from None
        try:
            yield
        finally:
            lock.release()
