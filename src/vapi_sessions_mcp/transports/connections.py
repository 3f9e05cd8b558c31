"""Connections that no silent client can hold: each has a time for what it has to send or read."""

import asyncio
import time
from collections.abc import Collection
from typing import Literal, TypeAlias

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from vapi_sessions_mcp.access.refusal import Refusal
from vapi_sessions_mcp.errors import phrase
from vapi_sessions_mcp.telemetry.report import OFF, Telemetry
from vapi_sessions_mcp.transports.limits import Limits

# What a client has to send: the head or the body of a request, or the next request.
# While a call is worked on, nothing.
Wait: TypeAlias = Literal["head", "body", "next", ""]
ANY: tuple[Wait, ...] = ("head", "body", "next")

# Bytes that are parsed at a time: each can be a few hundred chunks of a body.
PIECE = 2**13

_SAID = {
    400: "The request takes too long to read: send its body in larger chunks.",
    408: "The request did not arrive in time.",
    503: "This server is busy or about to stop, and the request was not complete: send it again.",
}


class Places:
    """The connections of a process, on all of its ports together."""

    def __init__(self, limits: Limits, telemetry: Telemetry = OFF) -> None:
        """Without any connection yet."""
        self.limits, self.telemetry = limits, telemetry
        self._taken: set[Connection] = set()
        # Those that wait for their client, the longest first.
        self._waiting: dict[Connection, None] = {}

    def enter(self, connection: "Connection") -> bool:
        """Take a place; where none is free, that of the client that has been silent longest."""
        if len(self._taken) >= self.limits.connections and not self.drop_waiting(ANY):
            return False
        self._taken.add(connection)
        return True

    def leave(self, connection: "Connection") -> None:
        """Give a place back; there need be none."""
        self._taken.discard(connection)
        self._waiting.pop(connection, None)

    def note(self, connection: "Connection") -> None:
        """Note that a connection waits for something else than before."""
        self._waiting.pop(connection, None)
        if connection.wait and connection in self._taken:
            self._waiting[connection] = None

    def drop_waiting(self, waits: Collection[Wait]) -> bool:
        """Close the connection that has waited longest for one of `waits`, if there is any."""
        for connection in self._waiting:
            if connection.wait in waits and not connection.unread:
                self.leave(connection)
                connection.give_up(503)
                return True
        return False


class Connection(H11Protocol):
    """uvicorn's HTTP/1.1, which by itself waits for ever for a head, a body or a reader."""

    places: Places

    wait: Wait = ""
    _since = _heard = _spent = 0.0
    _sender_timer: asyncio.TimerHandle | None = None
    _reader_timer: asyncio.TimerHandle | None = None

    @property
    def unread(self) -> int:
        """How many bytes of answers wait until the client reads what was sent before."""
        return self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for a request, where there is a place."""
        super().connection_made(transport)
        self._unparsed = bytearray()
        self._next_piece = self.loop.call_soon(self._parse)
        if self.places.enter(self):
            self._follow()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        super().connection_lost(exc)
        self.places.leave(self)
        for timer in (self._sender_timer, self._reader_timer):
            if timer:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Part of a request, or several."""
        self._heard = self.loop.time()
        self._unparsed += data
        self._parse()

    def _parse(self) -> None:
        """Parse a piece of what has come, and let others go on before the next."""
        self._next_piece.cancel()
        piece = bytes(self._unparsed[:PIECE])
        del self._unparsed[:PIECE]
        if not piece or self.transport.is_closing():
            return
        begun = time.thread_time()
        super().data_received(piece)
        self._follow()
        self._spent += time.thread_time() - begun
        if self._spent > self.places.limits.parsing:
            self.give_up(400)
        elif self._unparsed:
            self.transport.pause_reading()
            self._next_piece = self.loop.call_soon(self._parse)
        elif not self.flow.read_paused:
            self.transport.resume_reading()

    def on_response_complete(self) -> None:
        """An answer was written, though perhaps not read."""
        super().on_response_complete()
        self._follow()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """The client has read nearly all."""
        super().resume_writing()
        if self._reader_timer and not self.transport.is_closing():
            self._reader_timer.cancel()
            self._reader_timer = None

    def shutdown(self) -> None:
        """End once the call in flight is answered; half a request does not count."""
        if self.wait == "body":
            self.give_up(503)
        else:
            super().shutdown()
            self._follow()

    def give_up(self, status: int) -> None:
        """Close; with a refusal, where part of a request has come and nothing was answered."""
        begun = self.wait == "body" or (self.wait == "head" and self.conn.trailing_data[0])
        if begun and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._refuse(status)
        if self.cycle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._follow()

    def _refuse(self, status: int) -> None:
        self.places.telemetry.refused(status)
        path = self.scope["path"] if self.wait == "body" else ""
        said = Refusal(status, _SAID[status], {"Connection": "close"}).at(path)
        head = h11.Response(
            status_code=status, reason=phrase(status).encode(), headers=said.raw_headers
        )
        for event in (head, h11.Data(data=bytes(said.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")

    def _follow(self) -> None:
        """Wait for what the client has to do now."""
        wait: Wait = ""
        if self.transport.is_closing():
            self._watch_reader()
        elif self.conn.their_state is h11.SEND_BODY:
            wait = "body"
        elif self.conn.their_state is h11.IDLE:
            wait = "next" if self.cycle and not self.conn.trailing_data[0] else "head"
        if wait != self.wait:
            self.wait, self._since, self._spent = wait, self.loop.time(), 0.0
            self.places.note(self)
            self._watch_sender()

    def _watch_sender(self) -> None:
        """Give up when what is waited for has not come in time."""
        if self._sender_timer:
            self._sender_timer.cancel()
            self._sender_timer = None
        limits = self.places.limits
        seconds = {"head": limits.head, "body": limits.body, "next": limits.idle}.get(self.wait)
        if seconds is None:
            return
        due = self._since + seconds
        if self.wait == "body":
            due = min(due, self._heard + limits.gap)
        if due > self.loop.time():
            self._sender_timer = self.loop.call_at(due, self._watch_sender)
        else:
            self.give_up(408)

    def _watch_reader(self) -> None:
        """Cut the connection when the client reads nothing for too long."""
        if not self._reader_timer:
            seconds = self.places.limits.unread
            self._reader_timer = self.loop.call_later(seconds, self._check_reader, self.unread)

    def _check_reader(self, before: int) -> None:
        self._reader_timer = None
        if self.unread < before:
            self._watch_reader()
        else:
            self.transport.abort()
