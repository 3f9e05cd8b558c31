"""A Vapi that costs next to nothing: sessions of any size and pages of any length, written once.

Run with: python benchmarks/upstream.py, which prints its port. `/session/kb-40` is a session
of about 40 KB, `/session?limit=100` a page of so many of 2.4 KB.
"""

import asyncio
import json
import re
from functools import cache
from typing import Any

LINE = {
    "role": "user",
    "content": "Good morning, I would like to move my appointment to the Thursday of next week.",
    "time": 1_760_000_000_000,
    "secondsFromStart": 12.5,
}
# As in a page: about 2.4 KB.
SMALL = 12


def session(id: str, messages: int = SMALL) -> dict[str, Any]:
    """A session as Vapi answers it."""
    return {
        "id": id,
        "orgId": "11111111-2222-4333-8444-555555555555",
        "createdAt": "2026-01-01T10:00:00.000Z",
        "updatedAt": "2026-01-01T10:05:00.000Z",
        "name": "Appointment",
        "status": "completed",
        "assistantId": "99999999-8888-4777-8666-555555555555",
        "customer": {"number": "+14155550123", "name": "Ana"},
        "cost": 0.1234,
        "messages": [{**LINE, "role": ("user", "bot")[at % 2]} for at in range(messages)],
    }


@cache
def answer(path: str) -> bytes:
    """The whole answer to a GET of `path`."""
    if found := re.search(r"limit=(\d+)", path):
        rows = [session(f"kb-2-{at}") for at in range(int(found[1]))]
        metadata = {"currentPage": 1, "totalPages": 1, "totalItems": len(rows)}
        value: Any = {"results": rows, "metadata": metadata}
    else:
        id = path.rpartition("/")[2]
        bytes_each = len(json.dumps(LINE)) + 1
        value = session(id, max(SMALL, int(id.split("-")[1]) * 1024 // bytes_each))
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """Answers each request as it comes; none has a body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._begun = transport, b""

    def data_received(self, data: bytes) -> None:
        *requests, self._begun = (self._begun + data).split(b"\r\n\r\n")
        for request in requests:
            self._transport.write(answer(request.split(b" ", 2)[1].decode()))


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
