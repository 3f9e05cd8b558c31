"""A Vapi on a real socket that answers each request as a test scripts it: the faults are real."""

import asyncio
import json
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from email.message import Message
from email.parser import BytesParser
from socket import SO_LINGER, SOL_SOCKET, socket
from typing import Any, Literal, Self, TypeAlias, cast

import anyio

SESSION: dict[str, Any] = {"id": "s-1", "results": []}
End: TypeAlias = Literal["keep", "close", "reset", "hang", "refuse", "drop", "deaf"]
UNREAD = ("refuse", "drop", "deaf")
# Seconds between the pieces of an answer that comes slowly.
PACE = 0.2


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as it arrived, `at` seconds of a clock that only goes forward."""

    at: float
    method: str
    path: str
    headers: Message
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    """`raw` bytes once `release()` is called, if it waits, `slowly` more of them, then an end.

    Three ends come before a request is read: as soon as it begins to arrive,
    `refuse` resets the connection and `drop` closes it; `deaf` lets it wait.
    """

    raw: bytes = b""
    slowly: tuple[bytes, ...] = ()
    then: End = "keep"
    waits: bool = False


RESET_UNREAD = Reply(then="refuse")
CLOSED_UNREAD = Reply(then="drop")
DEAF = Reply(then="deaf")
RESET = Reply(then="reset")
SILENT = Reply(then="hang")


def reply(status: int = 200, said: object = SESSION, **headers: str) -> Reply:
    """A whole answer: bytes as they are, else JSON; a `_` in the names of `headers` is a `-`."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    fields = {"content_type": "application/json", "content_length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()]
    return Reply(raw=f"HTTP/1.1 {status} Odd\r\n{''.join(lines)}\r\n".encode() + body)


def cut(then: End) -> Reply:
    """A good answer that ends in the middle of its body."""
    return Reply(raw=reply().raw[:-4], then=then)


def slow(answer: Reply | None = None) -> Reply:
    """`answer`, but not before `release()`."""
    return replace(answer or reply(), waits=True)


def trickle(answer: Reply, start: int = 0) -> Reply:
    """`answer` byte by byte from `start` on."""
    rest = tuple(bytes([byte]) for byte in answer.raw[start:])
    return replace(answer, raw=answer.raw[:start], slowly=rest)


class FaultyVapi:
    """Listens on loopback while entered; answers as `script` says, and then with `otherwise`.

    Its address is its own before that, too, where connections are refused.
    """

    def __init__(
        self,
        *script: Reply | Callable[[Seen], Reply],
        otherwise: Reply | Callable[[Seen], Reply] | None = None,
    ) -> None:
        self._script, self.otherwise = list(script), otherwise or reply()
        self._tasks: list[asyncio.Task[None]] = []
        self._releases, self._changed = anyio.Semaphore(0), anyio.Event()
        self.requests: list[Seen] = []
        self.connections = self.answered = self.hung_up = 0
        self._socket = socket()
        self._socket.bind(("127.0.0.1", 0))
        self.netloc = "{}:{}".format(*self._socket.getsockname())
        self.url = f"http://{self.netloc}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, sock=self._socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.hang_up()
        await self._server.wait_closed()

    async def hang_up(self) -> None:
        """Close every connection there is, whatever goes on there."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def release(self, count: int = 1) -> None:
        """Let `count` of the answers that wait go, the oldest first."""
        for _ in range(count):
            self._releases.release()

    async def until(self, condition: Callable[[Self], bool], *, within: float = 30) -> None:
        """Return once `condition` holds, of the requests and the counts of what became of them."""
        with anyio.fail_after(within):
            while not condition(self):
                self._changed = anyio.Event()
                await self._changed.wait()

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        self._tasks.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        end: End = "keep"
        try:
            while end == "keep":
                end = await self._exchange(reader, writer)
                self._changed.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.hung_up += 1
        finally:
            if end in ("reset", "refuse"):  # a TCP reset instead of a goodbye
                hard = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, hard)
                writer.transport.abort()
            writer.close()
            self._changed.set()

    async def _exchange(self, reader: StreamReader, writer: StreamWriter) -> End:
        answer = (self._script or [self.otherwise])[0]
        if isinstance(answer, Reply) and answer.then in UNREAD:
            self._script[:1] = []
            if answer.then == "deaf":
                cast("asyncio.Transport", writer.transport).pause_reading()
                await anyio.sleep_forever()
            await reader.readexactly(1)
            return answer.then
        line, _, fields = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
        method, path, _version = line.decode().split(" ")
        headers = BytesParser().parsebytes(fields)
        body = await reader.readexactly(int(headers["content-length"] or 0))
        seen = Seen(at=anyio.current_time(), method=method, path=path, headers=headers, body=body)
        self.requests.append(seen)
        self._changed.set()
        answer = self._script.pop(0) if self._script else self.otherwise
        answer = answer if isinstance(answer, Reply) else answer(seen)
        if answer.waits:
            await _unless_gone(reader, self._releases.acquire())
        writer.write(answer.raw)
        await writer.drain()
        if answer.slowly:
            await _unless_gone(reader, _write_slowly(writer, answer.slowly))
        if answer.then == "hang":
            await _unless_gone(reader, anyio.sleep_forever())
        self.answered += 1
        return answer.then


async def _write_slowly(writer: StreamWriter, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        await anyio.sleep(PACE)
        writer.write(piece)
        await writer.drain()


async def _unless_gone(reader: StreamReader, wait: Coroutine[Any, Any, None]) -> None:
    """Await `wait`; raises ConnectionError as soon as the client hangs up."""
    waiting, gone = asyncio.create_task(wait), asyncio.create_task(reader.read(1))
    try:
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            raise ConnectionAbortedError
        waiting.result()
    finally:
        waiting.cancel()
        gone.cancel()
        await asyncio.gather(waiting, gone, return_exceptions=True)
