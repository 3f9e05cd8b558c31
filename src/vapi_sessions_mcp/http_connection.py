"""One connection of HTTP/1.1: a request at a time, and what nobody asked for ends it.

What asyncio calls only notes what came, and wakes who waits for it.
"""

import asyncio
import select
from collections import deque
from collections.abc import AsyncIterator
from typing import TypeAlias, cast

import h11
import httpx2

# Bytes of an answer's first line and headers.
MAX_HEAD = 100 * 2**10
# Bytes of an answer that wait for their reader before no more are read.
MOST_WAITING = 2**18

# Scheme, host and port.
Origin: TypeAlias = tuple[str, str, int]


class Connection(asyncio.Protocol):
    """Whoever has a request sends it, and reads its answer to the end or closes the connection."""

    _transport: asyncio.Transport
    _request: httpx2.Request

    def __init__(self, origin: Origin, idle: float) -> None:
        """Before it is made."""
        self.origin, self._idle = origin, idle
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._woken: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        # Whether it is somebody's, whether it has ended, and why where it did not end well.
        self._busy = self._ended = False
        self._fault: Exception | None = None
        self._waiting = 0

    # For whoever has a request.

    def send(self, request: httpx2.Request) -> None:
        """Send `request`; raises LocalProtocolError for what would be another one, or two."""
        self._request, self._busy = request, True
        try:
            head = h11.Request(
                method=request.method, target=request.url.raw_path, headers=request.headers.raw
            )
            events = [head, h11.Data(data=request.content), h11.EndOfMessage()]
            written = [self._http.send(event) or b"" for event in events]
        except h11.LocalProtocolError:
            # It repeats the header, which may be a key.
            raise httpx2.LocalProtocolError("Illegal request", request=request) from None
        self._transport.write(b"".join(written))

    async def head(self) -> h11.Response:
        """The status and the headers of the answer."""
        # Interim answers come before it (RFC 9110, 15.2).
        while not isinstance(event := await self._event(), h11.Response):
            pass
        return event

    async def body(self) -> AsyncIterator[bytes]:
        """The body of the answer, as it comes."""
        while isinstance(event := await self._event(), h11.Data):
            yield bytes(event.data)

    def finish(self) -> bool:
        """End the exchange; whether the connection can be used again."""
        self._busy = False
        whole = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        # Behind an answer nothing may come, nor may it come before all of its request is sent.
        if not whole or self._http.trailing_data[0] or self._transport.get_write_buffer_size():
            return False
        self._http.start_next_cycle()
        return True

    def rest(self, kept: "deque[Connection]") -> None:
        """Wait in `kept` for the next request, for as long as it may."""
        kept.append(self)
        self._timer = self._loop.call_later(self._idle, self._expire, kept)

    def wake(self) -> None:
        """Wait no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def is_usable(self) -> bool:
        """Whether nothing has come on it since, be it the end, of which we may not know yet."""
        if self._transport.is_closing():
            return False
        return not _is_readable(self._transport.get_extra_info("socket").fileno())

    def close(self) -> None:
        """Close it at once."""
        self.wake()
        self._transport.abort()

    def _expire(self, kept: "deque[Connection]") -> None:
        kept.remove(self)
        self.close()

    async def _event(self) -> object:
        """What comes next of the answer; raises what httpx2 raises where nothing does."""
        while True:
            try:
                event = self._http.next_event()
                if event is not h11.NEED_DATA:
                    return event
                if self._ended and not self._fault:
                    # The end of an answer of no length; of any other, an error.
                    self._http.receive_data(b"")
                    continue
            except h11.RemoteProtocolError as exc:
                raise httpx2.RemoteProtocolError(str(exc), request=self._request) from exc
            if self._fault:
                raise httpx2.ReadError(str(self._fault), request=self._request) from self._fault
            await self._more()

    async def _more(self) -> None:
        self._waiting = 0
        self._transport.resume_reading()
        self._woken = self._loop.create_future()
        await self._woken

    def _notify(self) -> None:
        if self._woken and not self._woken.done():
            self._woken.set_result(None)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take a part of the answer; what nobody asked for ends the connection."""
        if not self._busy:
            self._transport.abort()
            return
        self._http.receive_data(data)
        self._waiting += len(data)
        if self._waiting > MOST_WAITING:
            self._transport.pause_reading()
        self._notify()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self._ended, self._fault = True, exc
        self._notify()


def _is_readable(descriptor: int) -> bool:
    """Whether a read would not have to wait: something came, or the end did."""
    if hasattr(select, "poll"):  # pragma: no branch - Windows has none
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])  # pragma: no cover - Windows
