"""Whatever bytes arrive at the ports: a server that serves."""

import re
import signal
from contextlib import suppress

import anyio
import httpx2
import pytest

from support.faces import BOTH
from support.processes import PATIENCE, started

CLOSE = b"Host: localhost\r\nConnection: close\r\n"
JSON_BODY = CLOSE + b"Content-Type: application/json\r\n"


def got(target: bytes = b"/v1/session", fields: bytes = CLOSE, start: bytes = b"") -> bytes:
    """A request without a body, byte by byte."""
    return (start or b"GET %s HTTP/1.1" % target) + b"\r\n" + fields + b"\r\n"


def put(fields: bytes, body: bytes) -> bytes:
    """A request with a body, byte by byte."""
    return b"POST /v1/session HTTP/1.1\r\n" + JSON_BODY + fields + b"\r\n" + body


SIZED, CHUNKED = b"Content-Length: 2\r\n", b"Transfer-Encoding: chunked\r\n"
LONG = b"a" * 70_000
WHOLE = {
    "good": (got(), 200),
    "NUL in the target": (got(b"/v1/session\0"), 400),
    "line feed in the target": (got(b"/v1/session?name=a\nX-Injected: b"), 400),
    "second line in the target": (got(b"/v1/session?name=a HTTP/1.1\r\nX-Injected: b\r\nX:"), 200),
    "space in the target": (got(b"/v1/ses sion"), 400),
    "high byte in the target": (got(b"/v1/session/\xff"), 400),
    "NUL in a field": (got(fields=CLOSE + b"Authorization: Bearer a\0b\r\n"), 400),
    "lone carriage return": (got(fields=CLOSE + b"X: a\rAuthorization: Bearer b\r\n"), 400),
    "folded field": (got(fields=CLOSE + b"X: a\r\n b\r\n"), 200),
    "two hosts": (got(fields=CLOSE + b"Host: evil.example\r\n"), 400),
    "no host": (got(fields=b"Connection: close\r\n"), 400),
    "no colon": (got(fields=CLOSE + b"nonsense\r\n"), 400),
    "space before the colon": (got(fields=CLOSE + b"Content-Length : 5\r\n"), 400),
    "many fields": (got(fields=CLOSE + b"X: a\r\n" * 5_000), 200),
    "long field": (got(fields=CLOSE + b"X: " + LONG + b"\r\n"), 200),
    "long target": (got(b"/v1/session?name=" + LONG), 400),
    "HTTP/0.9": (got(start=b"GET /v1/session", fields=b""), 400),
    "no version": (got(start=b"GET /v1/session HTTP/x"), 400),
    "long method": (got(start=b"A" * 10_000 + b" /v1/session HTTP/1.1"), 405),
    "small letters": (got(start=b"get /v1/session HTTP/1.1"), 405),
    "a proxy's": (got(b"http://evil.example/v1/session"), 404),
    "a tunnel's": (got(start=b"CONNECT evil.example:443 HTTP/1.1"), 404),
    "of all": (got(start=b"OPTIONS * HTTP/1.1"), 404),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 421, 400),
    "TLS": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"x" * 500, 400),
    "NULs": (b"\0" * 200 + b"\r\n\r\n", 400),
    "web socket": (got(fields=CLOSE + b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"), 200),
    "good body": (put(SIZED, b"{}"), 201),
    "both lengths": (put(SIZED + CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"), 201),
    "a request in the body": (put(CHUNKED + SIZED, b"0\r\n\r\n" + got()), 400),
    "two lengths": (put(SIZED + b"Content-Length: 3\r\n", b"{}}"), 400),
    "negative length": (put(b"Content-Length: -1\r\n", b"{}"), 400),
    "length with a sign": (put(b"Content-Length: +2\r\n", b"{}"), 400),
    "huge length": (put(b"Content-Length: %s\r\n" % (b"9" * 40), b"{}"), 400),
    "chunked twice": (put(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"), 400),
    "packed": (put(b"Transfer-Encoding: gzip\r\n", b"{}"), 400),
    "tab before chunked": (put(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"), 400),
    "chunks": (put(CHUNKED, b"1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n"), 201),
    "no size of a chunk": (put(CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n"), 400),
    "negative chunk": (put(CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n"), 400),
    "chunk longer than it says": (put(CHUNKED, b"1\r\n{}\r\n0\r\n\r\n"), 400),
    "bad trailer": (put(CHUNKED, b"2\r\n{}\r\n0\r\nX: a\0\r\n\r\n"), 400),
    "go on": (put(SIZED + b"Expect: 100-continue\r\n", b"{}"), 100, 201),
    "unknown expectation": (put(SIZED + b"Expect: 200-maybe\r\n", b"{}"), 201),
    "said to be packed": (put(SIZED + b"Content-Encoding: gzip\r\n", b"\x1f\x8b"), 415),
    "said not to be packed": (put(SIZED + b"Content-Encoding: identity\r\n", b"{}"), 201),
    "pipelined": (got(fields=b"Host: localhost\r\n") * 20 + got(), *[200] * 21),
    "pipelined with junk": (
        got(fields=b"Host: localhost\r\n") * 3 + b"\0\r\n\r\n",
        200,
        200,
        200,
        400,
    ),
}
CUT = {
    "nothing": b"",
    "half a line": b"GET /v1/ses",
    "half the fields": b"GET /v1/session HTTP/1.1\r\nHost: local",
    "half a body": put(SIZED, b"{"),
    "no body after go on": put(SIZED + b"Expect: 100-continue\r\n", b""),
    "half a chunk": put(CHUNKED, b"2\r\n{"),
    "huge chunk": put(CHUNKED, b"%s\r\n{}\r\n" % (b"f" * 16)),
}


async def answered(url: str, raw: bytes, *, cut: bool = False) -> bytes:
    """All that comes back until the server hangs up; with `cut`, we do once `raw` is sent."""
    address = httpx2.URL(url)
    received = b""
    assert address.port
    with anyio.fail_after(PATIENCE):
        async with await anyio.connect_tcp(address.host, address.port) as stream:
            with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
                await stream.send(raw)
                if cut:
                    await stream.send_eof()
                while True:
                    received += await stream.receive()
    return received


@pytest.mark.measured
@pytest.mark.anyio
async def test_bytes_that_no_client_would_send_leave_a_server_that_serves() -> None:
    # Whoever can reach the port can send anything, before any library of ours sees a request.
    async with started(*BOTH, "--sandbox") as running:
        mcp, rest = await running.url(), await running.url()
        for name, (raw, *statuses) in WHOLE.items():
            answer = await answered(rest, raw)
            told = re.findall(rb"HTTP/1.1 ([0-9]{3}) ", answer)
            assert [*map(int, told)] == statuses, name
            answer = await answered(mcp, raw.replace(b"/v1/session", b"/mcp"))
            assert answer.startswith((b"HTTP/1.1 100 ", b"HTTP/1.1 4")), name
            await both_serve(mcp, rest)
        for name, raw in CUT.items():
            for url in (mcp, rest):
                answer = await answered(url, raw.replace(b"/v1/session", b"/mcp"), cut=True)
                assert answer[:10] in (b"", b"HTTP/1.1 1", b"HTTP/1.1 4"), name
            await both_serve(mcp, rest)
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
        out, log = await running.rest()
        assert out == ""
        assert "Traceback" not in log
        assert " ERROR " not in log


async def both_serve(*urls: str) -> None:
    for url in urls:
        ready = await answered(url, got(b"/health/ready"))
        assert ready.endswith(b'{"status":"ready"}')
