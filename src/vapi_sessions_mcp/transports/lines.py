"""The messages on stdin: one a line, each judged as it comes, and no line without end."""

import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel

from vapi_sessions_mcp import json_rpc
from vapi_sessions_mcp.json_rpc import NotAMessage
from vapi_sessions_mcp.offload import offload
from vapi_sessions_mcp.unblocked import Unblocked

CHUNK = 65_536
# As many bytes as an answer of Vapi's may have.
MAX_LINE = 32 * 2**20
TOO_LONG = f"A message may have {MAX_LINE // 2**20} MiB at most."


class Stdin:
    """The messages on stdin; where a read may block, a daemon thread does it, to delay no exit."""

    def __init__(
        self, refuse: Callable[[NotAMessage], Awaitable[None]], first: bytes = b""
    ) -> None:
        """`refuse` answers a line that is no message; `first` comes before what stdin has."""
        self._refuse, self._first = refuse, first
        self._send, self._receive = anyio.create_memory_object_stream[bytes]()
        self._ended, self._waiting = False, anyio.CancelScope()
        self._pipe = Unblocked.of(0, writes=False)
        if self._pipe is None:
            self._token = anyio.lowlevel.current_token()
            threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def end(self) -> None:
        """As if stdin had ended here."""
        self._ended = True
        self._send.close()
        self._waiting.cancel()

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        lines = Lines()
        async for chunk in self._receive if self._pipe is None else self._chunks(self._pipe):
            for line in lines.feed(chunk):
                if message := await self._judged(line):
                    yield message
        if message := await self._judged(lines.rest()):
            yield message

    async def _judged(self, line: bytes | None) -> dict[str, Any] | None:
        """The message in a line; None where it is blank or refused."""
        try:
            if line is None:
                raise NotAMessage(TOO_LONG)
            if line.strip():
                return (await offload(len(line), partial(json_rpc.read, line))).message
        except NotAMessage as exc:
            await self._refuse(exc)
        return None

    async def _chunks(self, pipe: Unblocked) -> AsyncIterator[bytes]:
        if self._first:
            yield self._first
        while not self._ended:
            chunk = None
            with anyio.CancelScope() as self._waiting:
                await anyio.wait_readable(pipe.descriptor)
                try:
                    with suppress(BlockingIOError):
                        chunk = pipe.read(CHUNK)
                except ConnectionError:  # a socket whose other end left answers unread
                    chunk = b""
            if chunk:
                yield chunk
            elif chunk is not None:
                return

    def _read(self) -> None:
        # Once the event loop or its stream is gone, so is the wish to read.
        with suppress(RuntimeError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            chunk = self._first or os.read(0, CHUNK)
            while chunk:
                anyio.from_thread.run(self._send.send, chunk, token=self._token)
                chunk = os.read(0, CHUNK)
            anyio.from_thread.run_sync(self.end, token=self._token)


class Lines:
    """Chunks in, lines out; a line of more than `most` bytes is None, as soon as it is."""

    def __init__(self, most: int = MAX_LINE) -> None:
        """At the start of the first line."""
        self._most, self._begun, self._skipping = most, bytearray(), False

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """The lines that end in `chunk`, and None for each that becomes too long in it."""
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield from self._grow(end)
            if not self._skipping:
                yield self.rest()
            self._skipping = False
        yield from self._grow(rest)

    def rest(self) -> bytes:
        """What has come of a line that has not ended."""
        line = bytes(self._begun)
        self._begun.clear()
        return line

    def _grow(self, part: bytes) -> Iterator[None]:
        if not self._skipping:
            self._begun += part
            if len(self._begun) > self._most:
                self._begun, self._skipping = bytearray(), True
                yield None
